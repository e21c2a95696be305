// Package train runs Hessian-free optimization from settings to a trained model: it opens the data, builds the net, iterates,
// evaluates, saves and stops. It knows no terminal: what happens is told to an [Observer].
package train

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unsafe"

	"curvestream/accel"
	"curvestream/hf"
	"curvestream/ingest"
	"curvestream/pipeline"
	"curvestream/run/config"
	"curvestream/run/data"
	"curvestream/run/fault"
	"curvestream/run/metrics"
	"curvestream/run/model"
	"curvestream/run/rundir"
)

// Causes with which a run's context is cancelled, to be told apart in its status and exit code. The run saves its state.
var (
	ErrInterrupted = errors.New("interrupted")
	ErrPreempted   = errors.New("preempted")
)

// Options are what a run needs besides its settings.
type Options struct {
	Config   *config.Resolved
	Run      string // the run directory to make
	Argv     []string
	Version  string
	Stdin    io.Reader // what "-" reads
	Observer Observer  // nil means none
	// Log makes the Observer that writes log.txt in the run directory, for people; nil means that there is no such file.
	Log  func(io.Writer) Observer
	Save <-chan struct{} // asks for a checkpoint; nil means never
}

// Run trains a new model in a new run directory.
//
// The result is valid whenever the run directory was made, also beside an error: a [fault.Error] with status 130 or 75 if
// ctx was cancelled with ErrInterrupted or ErrPreempted (the state is saved), 80 if no step can be made.
func Run(ctx context.Context, o Options) (Result, error) {
	c := o.Config
	if !c.Seed.Given {
		c.Seed = config.Seed{Value: uint64(rand.Uint32()), Given: true}
	}
	if _, err := os.Lstat(o.Run); err == nil {
		return Result{}, rundir.Taken(filepath.Clean(o.Run))
	}
	s, err := openSets(ctx, &c.Config, o, nil, nothingStored)
	if err != nil {
		return Result{}, stopped(ctx, err)
	}
	defer s.Close()
	if err := infer(c, s.train); err != nil {
		return Result{}, err
	}
	if c.DType == "float64" {
		return start[float64](ctx, o, s)
	}
	return start[float32](ctx, o, s)
}

// stopped tells a signal that came before there was anything to save from other failures.
func stopped(ctx context.Context, err error) error {
	if errors.Is(err, context.Canceled) && errors.Is(context.Cause(ctx), ErrPreempted) {
		return fault.New(fault.Preempted, "run.preempted", "stopped from outside before the first iteration")
	}
	return err
}

// start builds the machine of a new run, makes its directory and lets it work.
func start[F accel.Float](ctx context.Context, o Options, s sets) (Result, error) {
	m, err := assemble[F](ctx, &o.Config.Config, s, o.Run)
	if err != nil {
		return Result{}, err
	}
	defer m.Close()
	if o.Config.Model.InitOutputBias == "mean" {
		if err := m.startAtMean(ctx); err != nil {
			return Result{}, stopped(ctx, explain(err, &o.Config.Config))
		}
	}
	info := rundir.NewInfo(filepath.Base(filepath.Clean(o.Run)), o.Version, o.Argv, o.Config.Seed.Value)
	info.Device = m.backend.Name()
	files, err := describe(o.Config, s, m.spec)
	if err != nil {
		return Result{}, err
	}
	files["run.json"] = info.JSON()
	if err := addPlan(files, m.states); err != nil {
		return Result{}, err
	}
	dir, err := rundir.Create(o.Run, files)
	if err != nil {
		return Result{}, err
	}
	defer dir.Unlock()
	return work(ctx, o, s, m, dir, info, state{Seen: -1}, notSaved)
}

// A fingerprint is data.json: what was read, and how it is encoded.
type fingerprint struct {
	Schema   string            `json:"schema"`
	Train    pipeline.Summary  `json:"train"`
	Valid    *pipeline.Summary `json:"valid"`
	Notes    []string          `json:"notes"`
	Encoding *ingest.Encoding  `json:"encoding"`
}

// describe returns the files of a run that do not change.
func describe(c *config.Resolved, s sets, spec model.Spec) (map[string][]byte, error) {
	f := fingerprint{Schema: "curvestream.data/1", Train: s.train.Manifest.Summary(), Encoding: s.train.Encoding}
	if s.train.Roles != nil {
		f.Notes = s.train.Roles.Notes
	}
	if s.valid != nil {
		v := s.valid.Manifest.Summary()
		f.Valid = &v
	}
	text, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("data.json: %w", err)
	}
	specText, err := spec.JSON()
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{"data.json": append(text, '\n'), "config.yaml": []byte(c.YAML(false)), "model/model.json": specText}
	if !s.train.Endless() {
		files[trainManifest] = s.train.Stored()
	}
	if s.valid != nil {
		files[validManifest] = s.valid.Stored()
	}
	return files, nil
}

// notSaved is the iteration of the last checkpoint where there is none.
const notSaved = -1

// work lets a machine that is in its state run in its directory, and records how that ended. The last checkpoint there is that
// of iteration saved.
func work[F accel.Float](ctx context.Context, o Options, s sets, m *machine[F], dir *rundir.Dir, info rundir.Info, st state, saved int, warnings ...string) (Result, error) {
	const vectors = 64 // of the length of θ that an optimizer has at most: iterates of CG that it may go back to, above all
	defer data.KeepTo(int64(o.Config.Memory), vectors*int64(unsafe.Sizeof(F(0)))*int64(m.net.Layout().Len()))()
	session, err := dir.Begin(info, m.optimizer.Progress().Iteration)
	if err != nil {
		return Result{}, err
	}
	l := &loop[F]{machine: m, config: &o.Config.Config, train: s.train, dir: dir, version: o.Version, observer: o.Observer, save: o.Save,
		state: st, resumed: session.Number() > 1 || m.optimizer.Progress().Iteration > 0, began: time.Now(), before: st.Elapsed, saved: saved, at: time.Now()}
	if l.observer == nil {
		l.observer = silent{}
	}
	if o.Log != nil {
		log, err := os.OpenFile(dir.Path("log.txt"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
		if err != nil {
			return Result{}, errors.Join(fmt.Errorf("run directory: %w", err), session.End(rundir.Failed, fault.Of(err).Exit))
		}
		defer log.Close()
		fmt.Fprintf(log, "%s  curvestream %s: %s\n", time.Now().UTC().Format(time.RFC3339), o.Version, strings.Join(o.Argv, " "))
		l.observer = both{l.observer, o.Log(log)}
	}
	reason, err := l.session(ctx, o, session.Number(), s, warnings)
	status, failure := verdict(reason, err, dir.Path())
	exit := 0
	if failure != nil {
		exit = failure.Exit
	}
	result := l.result(dir, status, reason)
	if e := session.End(status, exit); e != nil && failure == nil {
		return result, e
	}
	if failure != nil {
		return result, failure
	}
	return result, nil
}

// session is a loop with its files opened before and closed after.
func (l *loop[F]) session(ctx context.Context, o Options, number int, s sets, warnings []string) (reason string, err error) {
	if l.metrics, err = metrics.Append(l.dir.Path("metrics.jsonl")); err != nil {
		return reasonError, err
	}
	defer func() { err = errors.Join(err, l.metrics.Close()) }()
	if l.config.Trace.CG > 0 {
		if l.traces, err = metrics.Append(l.dir.Path("cg.jsonl")); err != nil {
			return reasonError, err
		}
		defer func() { err = errors.Join(err, l.traces.Close()) }()
	}
	l.observer.Observe(Setup{Event: "setup", Lines: l.introduce(s)})
	if err := l.emit(l.start(number)); err != nil {
		return reasonError, err
	}
	for _, w := range warnings {
		if err := l.emit(Warning{Event: "warn", Iter: l.iter(), T: l.t(), Code: "run.damaged", Message: w}); err != nil {
			return reasonError, err
		}
	}
	if watched, ok := l.optimizer.(interface{ OnCG(func(hf.CGProgress)) }); ok {
		watched.OnCG(func(p hf.CGProgress) {
			l.observer.Observe(Solving{Iter: p.Iteration, Step: p.I, Max: p.Max, M: p.M, Progress: p.Relative, Bound: p.Bound, Loss: l.Loss})
		})
		defer watched.OnCG(nil)
	}
	reason, err = l.run(ctx)
	if e := l.checkpoint(); e != nil {
		if err == nil {
			reason = reasonError
		}
		err = errors.Join(err, e)
	}
	status, failure := verdict(reason, err, l.dir.Path())
	end := End{Event: "end", Iter: l.iter(), T: l.t(), UTC: time.Now().UTC().Format(time.RFC3339), Status: status, Reason: reason}
	if failure != nil {
		end.Exit = failure.Exit
	}
	return reason, errors.Join(err, l.emit(end))
}

func (l *loop[F]) start(number int) Start {
	return Start{Schema: "curvestream.metrics/1", Event: "start", Iter: l.iter(), T: l.t(), UTC: time.Now().UTC().Format(time.RFC3339),
		Session: number, Seed: l.config.Seed.Value, Params: l.net.Layout().Len(), Sequences: l.train.Manifest.Len(),
		Steps: l.train.Manifest.TotalSteps(), Device: l.backend.Name(), Threads: l.backend.Threads(),
		Iterations: l.config.Run.Iterations, TimeLimit: time.Duration(l.config.Run.TimeLimit).Seconds()}
}

// introduce says in a few lines what is about to run.
func (l *loop[F]) introduce(s sets) []string {
	lines := s.train.Describe()
	if s.valid != nil {
		lines = append(lines, fmt.Sprintf("validation: %d sequences", s.valid.Manifest.Len()))
		for _, note := range s.valid.Notes {
			lines = append(lines, "validation: "+note)
		}
	}
	if l.onDevice != "" {
		lines = append(lines, l.onDevice)
	}
	return append(lines, fmt.Sprintf("%s with %d parameters, seed %d, %s on %s, %d threads", l.spec.Arch, l.net.Layout().Len(),
		l.config.Seed.Value, l.config.DType, l.backend.Name(), l.backend.Threads()), "run directory: "+l.dir.Path())
}

func (l *loop[F]) result(dir *rundir.Dir, status, reason string) Result {
	r := Result{Schema: "curvestream.train/1", Run: dir.Path(), Status: status, Reason: reason, Iterations: l.iter(),
		Products: l.optimizer.Progress().Products, Loss: l.Loss, ValidLoss: l.Valid, BestIteration: l.iter(), BestLoss: l.Loss,
		Model: dir.Path("model"), Seconds: l.t(), SecondsWaiting: l.Waited, Passes: l.Passes, Seed: l.config.Seed.Value}
	if l.Best != nil {
		r.BestIteration, r.BestLoss = l.Best.Iter, &l.Best.Loss
	}
	return r
}

// verdict turns why a run ended into its status and, where it is not simply done, into the error to exit with.
func verdict(reason string, err error, run string) (status string, f *fault.Error) {
	resume := "curvestream resume " + run
	switch {
	case err == nil:
		return rundir.Done, nil
	case errors.Is(err, ErrInterrupted):
		return rundir.Stopped, fault.New(fault.Interrupted, "run.interrupted", "interrupted; the state is saved").Fix("`%s` goes on", resume)
	case errors.Is(err, ErrPreempted):
		return rundir.Preempted, fault.New(fault.Preempted, "run.preempted", "stopped from outside; the state is saved").Fix("`%s` goes on", resume)
	case reason == reasonSignal:
		return rundir.Stopped, fault.New(fault.Interrupted, "run.interrupted", "interrupted; the state is saved").Fix("`%s` goes on", resume)
	case reason == reasonDiverged:
		f := fault.New(fault.Numeric, "numeric.diverged", "%v", err)
		return rundir.Diverged, f.Fix("the last good parameters are in %s; larger --damping-init, --normalize zscore, or `curvestream check` on the settings", run)
	}
	return rundir.Failed, fault.Of(err)
}
