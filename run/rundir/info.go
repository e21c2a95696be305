package rundir

import (
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"time"

	"curvestream/run/durable"
)

// The states of a run.
const (
	Running    = "running"
	Done       = "done"
	Stopped    = "interrupted" // by SIGINT
	Preempted  = "preempted"   // by SIGTERM or the like
	Failed     = "failed"
	Diverged   = "diverged"
	beatEvery  = 5 * time.Second
	infoSchema = "curvestream.run/1"
	timeFormat = time.RFC3339
	infoFile   = "run.json"
)

// Info is run.json: what a run is and what became of it.
type Info struct {
	Schema    string       `json:"schema"`
	ID        string       `json:"id"`
	Name      string       `json:"name"`
	Status    string       `json:"status"`
	Argv      []string     `json:"argv"`
	Version   string       `json:"version"`
	Host      string       `json:"host"`
	Job       string       `json:"slurm_job_id,omitempty"`
	Device    string       `json:"device"`
	Seed      uint64       `json:"seed"`
	Parent    string       `json:"parent,omitempty"` // the run and checkpoint that this one was forked from
	Sessions  []RunSession `json:"sessions"`
	Heartbeat string       `json:"heartbeat"`
}

// A RunSession is one process that worked on the run.
type RunSession struct {
	PID      int    `json:"pid"`
	Start    string `json:"start"`
	End      string `json:"end,omitempty"` // empty while it works, and for ever if it was killed
	Exit     *int   `json:"exit"`
	FromIter int    `json:"from_iter"`
}

// NewInfo returns the Info of a run that is about to start.
func NewInfo(name, version string, argv []string, seed uint64) Info {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	now := time.Now().UTC()
	return Info{Schema: infoSchema, ID: fmt.Sprintf("%s-%08x", now.Format("20060102-150405"), uint32(seed^seed>>32)^uint32(os.Getpid())), Name: name, Status: Running,
		Argv: argv, Version: version, Host: host, Job: os.Getenv("SLURM_JOB_ID"), Seed: seed, Heartbeat: now.Format(timeFormat)}
}

// JSON returns the content of run.json.
func (i Info) JSON() []byte {
	text, err := json.MarshalIndent(i, "", "  ")
	if err != nil {
		panic(fmt.Sprintf("rundir: %v", err)) // strings and numbers only
	}
	return append(text, '\n')
}

// Info reads run.json.
func (d *Dir) Info() (Info, error) {
	var i Info
	text, err := d.Read(infoFile)
	if err != nil {
		return i, err
	}
	if err := json.Unmarshal(text, &i); err != nil {
		return i, fmt.Errorf("%s: %w", d.Path(infoFile), err)
	}
	return i, nil
}

// A Session is a process at work on a run. It beats, so that others can tell a slow run from a dead one. End it.
type Session struct {
	dir  *Dir
	mu   sync.Mutex // guards info
	info Info
	stop chan struct{}
	done sync.WaitGroup
}

// Begin adds a session to run.json, and starts the heartbeat. The folder must be locked.
func (d *Dir) Begin(info Info, fromIter int) (*Session, error) {
	info.Status = Running
	info.Sessions = append(info.Sessions, RunSession{PID: os.Getpid(), Start: time.Now().UTC().Format(timeFormat), FromIter: fromIter})
	s := &Session{dir: d, info: info, stop: make(chan struct{})}
	if err := s.write(); err != nil {
		return nil, err
	}
	s.done.Add(1)
	go s.beat()
	return s, nil
}

func (s *Session) beat() {
	defer s.done.Done()
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-tick.C:
			_ = s.write() // a beat that cannot be written is one that others miss, which is what it is for
		}
	}
}

func (s *Session) write() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.info.Heartbeat = time.Now().UTC().Format(timeFormat)
	return durable.WriteFile(s.dir.Path(infoFile), s.info.JSON())
}

// Number returns the number of the session, counted from 1.
func (s *Session) Number() int { return len(s.info.Sessions) }

// End stops the heartbeat and records how the session ended.
func (s *Session) End(status string, exit int) error {
	close(s.stop)
	s.done.Wait()
	s.info.Status = status
	last := &s.info.Sessions[len(s.info.Sessions)-1]
	last.End, last.Exit = time.Now().UTC().Format(timeFormat), &exit
	return s.write()
}
