package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"time"

	"curvestream/accel"
	"curvestream/hf"
	"curvestream/pipeline"
	"curvestream/run/config"
	"curvestream/run/data"
	"curvestream/run/evaluate"
	"curvestream/run/metrics"
	"curvestream/run/model"
	"curvestream/run/rundir"
)

// A loop is a run at work: HF iterations with what surrounds them. It is used by one goroutine.
type loop[F accel.Float] struct {
	*machine[F]
	config   *config.Config
	train    *data.Set
	dir      *rundir.Dir
	version  string // of the program
	observer Observer
	save     <-chan struct{} // asks for a checkpoint
	metrics  *metrics.Writer
	traces   *metrics.Writer // nil where no CG run is recorded

	state
	resumed bool      // a session that goes on has not iterated yet
	told    [2]string // notes of the loader
	began   time.Time // the session
	before  float64   // seconds of the sessions before it
	saved   int       // iteration of the last checkpoint; -1 before the first
	at      time.Time // of the last checkpoint
	best    *snapshot[F]
}

// Why a run ends.
const (
	reasonIterations  = "iterations"
	reasonProducts    = "products"
	reasonTime        = "time"
	reasonTarget      = "target"
	reasonTargetError = "target_error"
	reasonPatience    = "patience"
	reasonStalled     = "stalled"    // no step lowers f any more
	reasonStationary  = "stationary" // the gradient is zero
	reasonDiverged    = "diverged"
	reasonSignal      = "signal"
	reasonError       = "error"
)

// run iterates until there is a reason to stop, and returns it.
func (l *loop[F]) run(ctx context.Context) (reason string, err error) {
	if l.iter() == 0 {
		if err := l.examine(ctx); err != nil {
			return l.ended(ctx, err)
		}
	}
	for {
		if err := l.look(ctx); err != nil {
			return l.ended(ctx, err)
		}
		if err := l.keep(); err != nil {
			return reasonError, err
		}
		if reason := l.finished(); reason != "" {
			return reason, nil
		}
		r, err := l.step(ctx)
		if err != nil {
			return l.ended(ctx, err)
		}
		if r.Outcome == hf.Stationary {
			return reasonStationary, nil
		}
		if err := l.examine(ctx); err != nil {
			return l.ended(ctx, err)
		}
	}
}

// ended tells the reasons apart that come as errors.
func (l *loop[F]) ended(ctx context.Context, err error) (string, error) {
	switch cause := context.Cause(ctx); {
	case errors.Is(err, hf.ErrStalled) && l.Moved:
		return reasonStalled, nil
	case errors.Is(err, hf.ErrStalled) || errors.Is(err, hf.ErrDiverged):
		return reasonDiverged, err
	case cause != nil && (errors.Is(err, context.Canceled) || errors.Is(err, cause)):
		return reasonSignal, cause
	}
	return reasonError, err
}

// iter returns the number of iterations done.
func (l *loop[F]) iter() int { return l.optimizer.Progress().Iteration }

// t returns the seconds that the run has taken, of all sessions.
func (l *loop[F]) t() float64 { return l.before + time.Since(l.began).Seconds() }

// emit tells an event to the file of metrics and to the observer.
func (l *loop[F]) emit(event any) error {
	l.observer.Observe(event)
	return l.metrics.Write(metrics.RowOf(event))
}

// finished returns why the run is at its end, or "".
func (l *loop[F]) finished() string {
	r := l.config.Run
	loss := l.Valid
	if l.valid == nil {
		loss = l.Loss
	}
	switch {
	case r.TargetLoss.Given && loss != nil && *loss <= r.TargetLoss.Value:
		return reasonTarget
	case r.TargetError.Given && l.Error != nil && *l.Error <= r.TargetError.Value:
		return reasonTargetError
	case r.Patience > 0 && l.Since >= r.Patience:
		return reasonPatience
	case r.Iterations > 0 && l.iter() >= r.Iterations:
		return reasonIterations
	case r.Products > 0 && l.optimizer.Progress().Products >= int64(r.Products):
		return reasonProducts
	case r.TimeLimit > 0 && l.t() >= time.Duration(r.TimeLimit).Seconds():
		return reasonTime
	}
	return ""
}

// step makes one HF iteration and reports it.
func (l *loop[F]) step(ctx context.Context) (hf.Report, error) {
	counts, before := l.objective.Counts(), l.loader.Stats()
	r, err := l.optimizer.Step(ctx)
	after := l.loader.Stats()
	for i, note := range [...]string{after.Note, after.Tuned} {
		if note != l.told[i] {
			l.told[i] = note
			l.observer.Observe(Setup{Event: "setup", Lines: []string{note}})
		}
	}
	var gaveUp *hf.GiveUpError
	if err != nil && !errors.As(err, &gaveUp) {
		return r, explain(err, l.config)
	}
	l.Moved = l.Moved || r.Alpha > 0
	if !math.IsNaN(r.F) && !math.IsInf(r.F, 0) {
		l.Loss = &r.F
	}
	now := l.objective.Counts()
	row := l.row(r, now.Sequences-counts.Sequences, now.Steps-counts.Steps, (after.Wait - before.Wait).Seconds())
	row.ReadUnits, row.ReadBytes = after.Read().Items-before.Read().Items, after.Read().Bytes-before.Read().Bytes
	row.DataWorkers, row.DataPrefetch = after.Workers, after.Prefetch
	l.Waited += row.SecWait
	l.Passes += row.Passes
	if e := l.emit(row); e != nil {
		return r, e
	}
	if e := l.tellAsymmetry(); e != nil {
		return r, e
	}
	if e := l.tellResumed(r.Iteration, after); e != nil {
		return r, e
	}
	if l.traces != nil && r.Iteration%l.config.Trace.CG == 0 {
		if e := l.traces.Write(trace(r)); e != nil {
			return r, e
		}
	}
	return r, err
}

// tellResumed says, after the first iteration of a session that goes on, what was read again.
func (l *loop[F]) tellResumed(iteration int, s pipeline.Stats) error {
	if !l.resumed {
		return nil
	}
	l.resumed = false
	e := Resumed{Event: "resumed", Iter: iteration, T: l.t(), Rescanned: l.train.Scanned,
		ReadUnits: s.Read().Items - s.Ahead.Items, ReadBytes: s.Read().Bytes - s.Ahead.Bytes, OfUnits: l.train.Source.Len()}
	scan := "the scan's findings were in the run directory"
	if e.Rescanned {
		scan = "all data were scanned again, because the run directory does not hold what a scan of them found"
	}
	l.observer.Observe(Setup{Event: "setup", Lines: []string{fmt.Sprintf("resumed: %d of %d row groups (%.1f MB decoded) were read again for iteration %d; %s",
		e.ReadUnits, e.OfUnits, 1e-6*float64(e.ReadBytes), iteration, scan)}})
	return l.emit(e)
}

// row makes the row of an iteration.
func (l *loop[F]) row(r hf.Report, sequences, steps int64, wait float64) Iteration {
	p := l.optimizer.Progress()
	row := Iteration{Event: "iter", Iter: r.Iteration, T: l.t(), Outcome: r.Outcome.String(), F0: r.F0, F: r.F,
		ModelDecrease: r.ModelDecrease, Rho: r.Rho, Verdict: r.Verdict.String(), Damping: p.Lambda, DampingUsed: r.Lambda, Mu: r.Mu,
		Radius: r.Radius, Zeta: r.Zeta, CGSteps: r.CGSteps, CGUsed: r.CGUsed, CGStop: r.CGStop.String(), CGInitM: r.CGInitM, SelectF0: r.SelectF0, SelectF: r.SelectF,
		Alpha: r.Alpha, LSEvals: r.LSEvals, FEvals: r.Losses, GradEvals: r.Gradients, GradNorm: r.GradNorm, StepNorm: r.StepNorm, Rejections: r.Rejections,
		GradSeqs: l.objective.Size(hf.Gradient), CurvSeqs: l.objective.Size(hf.Curvature), GvProducts: r.Products, Products: p.Products,
		Sec: r.Seconds.Total, SecGrad: r.Seconds.Gradient, SecCG: r.Seconds.CG, SecF: r.Seconds.Loss, SecWait: wait, RSS: residentBytes()}
	whole := l.train.Manifest.Len()
	if l.train.Endless() {
		whole = row.GradSeqs
	}
	row.Passes = float64(sequences) / float64(max(1, whole))
	if busy := row.Sec - wait; busy > 0 {
		row.SeqPerSec, row.StepsPerSec = float64(sequences)/busy, float64(steps)/busy
	}
	return row
}

// trace makes the row of a CG run in cg.jsonl.
func trace(r hf.Report) metrics.Row {
	n := len(r.Trace)
	steps, m, norm, f := make([]int, n), make([]float64, n), make([]float64, n), make([]*float64, n)
	for i, p := range r.Trace {
		steps[i], m[i], norm[i] = p.I, p.M, p.Norm
		if p.HasF && !math.IsNaN(p.F) && !math.IsInf(p.F, 0) {
			f[i] = &p.F
		}
	}
	return metrics.Row{{Name: "iter", Value: r.Iteration}, {Name: "steps", Value: steps}, {Name: "M", Value: m}, {Name: "f", Value: f},
		{Name: "norm", Value: norm}, {Name: "chosen", Value: r.CGUsed}, {Name: "stop", Value: r.CGStop.String()}}
}

// look evaluates the model on the validation data, where that is due and has not been done.
func (l *loop[F]) look(ctx context.Context) error {
	k := l.iter()
	due := k%l.config.Eval.Every == 0 || l.config.Run.Iterations > 0 && k == l.config.Run.Iterations
	if l.valid == nil || !due || l.Seen == k {
		return nil
	}
	s, err := evaluate.Run(ctx, l.net, l.theta, l.valid, l.everyone, l.spec.Loss, l.criterion)
	if err != nil {
		return data.Explain(err, validShare)
	}
	l.Seen = k
	finite := !math.IsNaN(s.Loss) && !math.IsInf(s.Loss, 0)
	better := finite && (l.Best == nil || s.Loss < l.Best.Loss)
	l.Valid = nil
	if finite {
		l.Valid = &s.Loss
	}
	l.Error = s.ErrorRate
	if l.Error == nil && s.Accuracy != nil {
		wrong := 1 - *s.Accuracy
		l.Error = &wrong
	}
	if l.Since++; better {
		l.Best, l.Since = &score{k, s.Loss}, 0
		l.best = l.snapshot()
	}
	return l.emit(Evaluation{Event: "eval", Iter: k, T: l.t(), Dataset: "valid", Loss: s.Loss, LossPerStep: s.LossPerStep,
		Accuracy: s.Accuracy, ErrorRate: s.ErrorRate, Best: better})
}

// snapshot returns a copy of the present state.
func (l *loop[F]) snapshot() *snapshot[F] {
	s := &snapshot[F]{state: l.state, optimizer: l.optimizer.State()}
	s.Elapsed = l.t()
	return s
}

// keep makes a checkpoint where one is due.
func (l *loop[F]) keep() error {
	every := l.config.Checkpoint.Every
	due := l.saved < 0 || every.Iterations > 0 && l.iter() >= l.saved+every.Iterations ||
		every.Iterations == 0 && time.Since(l.at) >= every.Time
	select {
	case <-l.save:
		due = true
	default:
	}
	if !due {
		return nil
	}
	return l.checkpoint()
}

// checkpoint writes the present state, and the best one where that is not on disk yet.
func (l *loop[F]) checkpoint() error {
	k := l.iter()
	if k == l.saved && l.best == nil {
		return nil
	}
	if err := l.metrics.Sync(); err != nil { // what the checkpoint follows from is on disk before it
		return err
	}
	start := time.Now()
	now := l.snapshot()
	if l.best != nil {
		if l.best.iter() != k {
			if err := l.write(l.best); err != nil {
				return err
			}
		}
	}
	if err := l.write(now); err != nil {
		return err
	}
	if err := l.promote(now); err != nil {
		return err
	}
	l.saved, l.at = k, time.Now()
	if err := l.dir.Prune(l.config.Checkpoint.Keep); err != nil {
		return err
	}
	return l.emit(Checkpoint{Event: "checkpoint", Iter: k, T: l.t(), Path: "checkpoints/" + rundir.Name(k), Sec: time.Since(start).Seconds()})
}

func (l *loop[F]) write(s *snapshot[F]) error {
	c, err := s.encode(l.net.Layout(), l.train.Manifest.Digest().String(), l.config.Seed.Value)
	if err != nil {
		return err
	}
	return l.dir.Save(s.iter(), c)
}

// promote makes the best parameters the run's model: those of the best evaluation, or without validation data the present ones.
func (l *loop[F]) promote(now *snapshot[F]) error {
	best := l.best
	if l.valid == nil {
		best = now
	}
	if best == nil {
		return nil
	}
	if err := l.dir.MarkBest(best.iter()); err != nil {
		return err
	}
	c, err := best.encode(l.net.Layout(), "", 0)
	if err != nil {
		return err
	}
	l.best = nil
	if err := l.dir.Write("model/"+modelFile, c.Files[modelFile]); err != nil {
		return fmt.Errorf("saving the model: %w", err)
	}
	if err := l.dir.Write("model/README.md", l.card(best).Markdown()); err != nil {
		return fmt.Errorf("saving the model's card: %w", err)
	}
	return nil
}

// card describes the model of a snapshot.
func (l *loop[F]) card(s *snapshot[F]) model.Card {
	c := model.Card{Name: filepath.Base(l.dir.Path()), Version: l.version, Spec: l.spec, Parameters: l.net.Layout().Len(), Iteration: s.iter(),
		Train: l.config.Data.Train, Valid: l.config.Data.Valid, Sequences: l.train.Manifest.Len(), Loss: s.Loss, Seed: l.config.Seed.Value}
	if l.valid != nil {
		c.Loss = s.Valid
		if len(c.Valid) == 0 {
			c.Valid = []string{"validation part of " + strings.Join(model.Bases(c.Train), ", ")}
		}
	}
	return c
}
