// Package rundir keeps what a run leaves behind: one folder that can be copied away, with no absolute path inside.
//
//	run.json                      what the run is: status, seed, sessions, heartbeat
//	config.yaml                   all settings, resolved
//	data.json                     what was read, and how it is encoded
//	manifest/train, valid         what scans of the data found, so that resume does not scan again
//	plan.json                     how hidden states are kept (recurrent nets)
//	metrics.jsonl, cg.jsonl       one line an event
//	checkpoints/iter-000120/      model.safetensors, state.safetensors, state.json
//	checkpoints/latest, best      the name of one of them
//	model/                        model.safetensors, model.json, README.md: the best so far
//	eval/                         reports of `eval`, one a data set
//	log.txt                       progress lines for people
//
// Everything but the .jsonl files is written under a temporary name, synced and renamed, so that a crash at any moment
// leaves either the old or the new.
package rundir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"curvestream/run/durable"
	"curvestream/run/fault"
)

// A Dir is the folder of a run. Its methods are used by one goroutine, [Session] excepted.
type Dir struct {
	path string
	lock *os.File // nil while not locked
}

// Create makes the folder of a new run with the files given (by name, with slashes) and locks it. An existing folder is an error and
// left untouched; parents are made.
func Create(path string, files map[string][]byte) (*Dir, error) {
	path = filepath.Clean(path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("run directory: %w", err)
	}
	d := &Dir{path: path}
	err := durable.NewDir(path, func(tmp string) error {
		for name, content := range files {
			path := filepath.Join(tmp, filepath.FromSlash(name))
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				return fmt.Errorf("run directory: %w", err)
			}
			if err := durable.WriteNew(path, content); err != nil {
				return err
			}
		}
		if err := os.Mkdir(filepath.Join(tmp, "checkpoints"), 0o755); err != nil {
			return fmt.Errorf("run directory: %w", err)
		}
		return d.acquire(tmp)
	})
	if errors.Is(err, fs.ErrExist) {
		d.Unlock()
		return nil, Taken(path)
	}
	if err != nil {
		d.Unlock()
		return nil, err
	}
	return d, nil
}

// Taken is the error of a run whose folder exists already.
func Taken(path string) error {
	e := fault.New(fault.CantCreate, "run.exists", "%s exists already", path)
	if _, err := os.Stat(filepath.Join(path, "run.json")); err == nil {
		return e.Fix("`curvestream resume %s` goes on with it; another --run DIR starts a new run", path)
	}
	return e.Fix("choose another --run DIR")
}

// Open returns the folder of a run for reading.
func Open(path string) (*Dir, error) {
	path = filepath.Clean(path)
	if _, err := os.Stat(filepath.Join(path, "run.json")); err != nil {
		e := fault.New(fault.NoInput, "run.missing", "%s is not a run directory: it has no run.json", path)
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			e.Message = fmt.Sprintf("there is no run directory %s", path)
		}
		return nil, e.Fix("give the folder that `curvestream train --run DIR` made")
	}
	return &Dir{path: path}, nil
}

// Lock takes the right to write, until Unlock or the end of the process. It is an error if another process has it.
func (d *Dir) Lock() error { return d.acquire(d.path) }

func (d *Dir) acquire(dir string) error {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return fmt.Errorf("run directory: %w", err)
	}
	if err := flock(f); err != nil {
		f.Close()
		return fault.New(fault.CantCreate, "run.locked", "%s is being written by another process%s", d.path, d.owner()).
			Fix("wait until it has ended, or stop it")
	}
	d.lock = f
	return nil
}

// owner names the process that writes the run, as far as run.json knows.
func (d *Dir) owner() string {
	info, err := d.Info()
	if err != nil || len(info.Sessions) == 0 {
		return ""
	}
	s := info.Sessions[len(info.Sessions)-1]
	return fmt.Sprintf(" (process %d on %s)", s.PID, info.Host)
}

// Unlock gives the right to write back.
func (d *Dir) Unlock() {
	if d.lock != nil {
		d.lock.Close()
		d.lock = nil
	}
}

// Path returns the path of a file of the run, or of the folder itself.
func (d *Dir) Path(name ...string) string {
	return filepath.Join(append([]string{d.path}, name...)...)
}

// Write replaces a file of the run.
func (d *Dir) Write(name string, content []byte) error {
	return durable.WriteFile(d.Path(name), content)
}

// Read returns the content of a file of the run.
func (d *Dir) Read(name string) ([]byte, error) {
	content, err := os.ReadFile(d.Path(name))
	if err != nil {
		return nil, fmt.Errorf("run directory: %w", err)
	}
	return content, nil
}

// Has reports whether the run has a file.
func (d *Dir) Has(name string) bool {
	_, err := os.Stat(d.Path(name))
	return err == nil
}
