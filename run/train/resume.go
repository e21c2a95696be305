package train

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"curvestream/accel"
	"curvestream/ingest"
	"curvestream/run/config"
	"curvestream/run/fault"
	"curvestream/run/metrics"
	"curvestream/run/rundir"
)

// ResumeOptions say how a run goes on.
type ResumeOptions struct {
	Options                     // Run is the run to go on with; Config is not used
	Changes []config.Assignment // settings that are to change
	From    string              // the checkpoint: "" or "latest", "best", or a name such as iter-000120
	Fork    string              // a new run directory to go on in; the old one stays as it is
	// More is added to the iterations that the run has done, or with Absolute replaces the limit; -1 leaves it.
	More     int
	Absolute bool
}

// Resume goes on with a run from a checkpoint, with the bits of a run that was never interrupted. It is the writer of the run
// directory: if another process is, it fails with status 73. A damaged checkpoint is passed over for the one before it, with a
// warning.
func Resume(ctx context.Context, o ResumeOptions) (Result, error) {
	dir, err := rundir.Open(o.Run)
	if err != nil {
		return Result{}, err
	}
	if err := dir.Lock(); err != nil {
		return Result{}, err
	}
	defer dir.Unlock()
	stored, err := storedConfig(dir)
	if err != nil {
		return Result{}, err
	}
	before := stored.Config
	if err := stored.Override(o.Changes); err != nil {
		return Result{}, err
	}
	if err := stored.Validate(); err != nil {
		return Result{}, err
	}
	from, err := o.checkpoint(dir)
	if err != nil {
		return Result{}, err
	}
	if err := mayChange(dir, &before, &stored.Config, from.name, o.Fork != ""); err != nil {
		return Result{}, err
	}
	o.Config = stored
	if stored.DType == "float64" {
		return resume[float64](ctx, o, dir, from)
	}
	return resume[float32](ctx, o, dir, from)
}

func storedConfig(dir *rundir.Dir) (*config.Resolved, error) {
	text, err := dir.Read("config.yaml")
	if err != nil {
		return nil, err
	}
	return config.Parse(dir.Path("config.yaml"), text)
}

// A source is where a run goes on from. Without a name there was no checkpoint yet, and the run begins anew.
type source struct {
	name       string
	checkpoint rundir.Checkpoint
	warnings   []string
}

func (o ResumeOptions) checkpoint(dir *rundir.Dir) (s source, err error) {
	if o.From == "" || o.From == "latest" {
		s.name, s.checkpoint, s.warnings, err = dir.LoadLatest()
		return s, err
	}
	s.name = o.From
	if s.name == "best" {
		if s.name = dir.Marked("best"); s.name == "" {
			return s, fault.New(fault.NoInput, "run.checkpoint", "%s has no best checkpoint", dir.Path())
		}
	}
	names, err := dir.Checkpoints()
	if err != nil {
		return s, err
	}
	if !slices.Contains(names, s.name) {
		return s, fault.New(fault.NoInput, "run.checkpoint", "%s has no checkpoint %q%s", dir.Path(), s.name, config.DidYouMean(s.name, names)).Fix("there are %s", strings.Join(names, ", "))
	}
	if s.checkpoint, err = dir.Load(s.name); err != nil {
		return s, fault.New(fault.Data, "run.damaged", "%v", err)
	}
	return s, nil
}

// resume builds the machine again, puts it into the state of the checkpoint and lets it work.
func resume[F accel.Float](ctx context.Context, o ResumeOptions, dir *rundir.Dir, from source) (Result, error) {
	known, err := storedData(dir)
	if err != nil {
		return Result{}, err
	}
	s, err := openSets(ctx, &o.Config.Config, o.Options, known.Encoding, storedScan(dir))
	if err != nil {
		return Result{}, stopped(ctx, err)
	}
	defer s.Close()
	if err := sameData(dir, known, s); err != nil {
		return Result{}, err
	}
	if from.name != "" && o.Config.Model.InitFrom != "" {
		o.Config.Model.InitFrom = "" // the parameters come from the checkpoint; the file may be gone
	}
	m, err := assemble[F](ctx, &o.Config.Config, s, o.Run)
	if err != nil {
		return Result{}, err
	}
	defer m.Close()
	st, saved := state{Seen: -1}, notSaved
	if from.name != "" {
		snap, err := restore(m, from, s)
		if err != nil {
			return Result{}, err
		}
		st, saved = snap.state, snap.iter()
	}
	o.limit(m.optimizer.Progress().Iteration)
	info, err := dir.Info()
	if err != nil {
		return Result{}, err
	}
	if o.Fork != "" {
		return fork(ctx, o, dir, s, m, st, from.name)
	}
	if err := rewind(dir, m.optimizer.Progress().Iteration, from.name, o.Config); err != nil {
		return Result{}, err
	}
	if m.states != nil { // memory may be another one now
		plan, err := m.states.JSON()
		if err != nil {
			return Result{}, err
		}
		if err := dir.Write("plan.json", plan); err != nil {
			return Result{}, err
		}
	}
	return work(ctx, o.Options, s, m, dir, info, st, saved, from.warnings...)
}

// restore puts a machine into the state of a checkpoint.
func restore[F accel.Float](m *machine[F], from source, s sets) (*snapshot[F], error) {
	snap, digest, err := decode[F](m.net.Layout(), from.checkpoint)
	if err != nil {
		return nil, fault.New(fault.Data, "run.damaged", "%s: %v", from.name, err)
	}
	if now := s.train.Manifest.Digest().String(); digest != now {
		return nil, fault.New(fault.Config, "resume.data_changed", "the sequences of the training data are not those of checkpoint %s (their digest differs)", from.name).
			Fix("give the data that the run was trained on with --data")
	}
	if err := m.optimizer.SetState(snap.optimizer); err != nil {
		return nil, fault.New(fault.Data, "run.damaged", "%s: %v", from.name, err)
	}
	return snap, nil
}

// limit applies --iterations N or +N, at iteration k.
func (o *ResumeOptions) limit(k int) {
	switch {
	case o.More < 0:
	case o.Absolute:
		o.Config.Run.Iterations = o.More
	default:
		o.Config.Run.Iterations = k + o.More
	}
}

// rewind takes a run directory back to iteration k, and stores the settings that the run goes on with.
func rewind(dir *rundir.Dir, k int, name string, c *config.Resolved) error {
	if name != "" {
		if err := dir.MarkLatest(k); err != nil {
			return err
		}
	}
	if err := dir.Forget(k); err != nil {
		return err
	}
	for _, file := range []string{"metrics", "cg"} {
		if err := metrics.Rewind(dir.Path(file+".jsonl"), dir.Path(file+".discarded.jsonl"), k); err != nil {
			return err
		}
	}
	return dir.Write("config.yaml", []byte(c.YAML(false)))
}

// fork goes on in a new run directory.
func fork[F accel.Float](ctx context.Context, o ResumeOptions, dir *rundir.Dir, s sets, m *machine[F], st state, name string) (Result, error) {
	files, err := describe(o.Config, s, m.spec)
	if err != nil {
		return Result{}, err
	}
	info := rundir.NewInfo(filepath.Base(filepath.Clean(o.Fork)), o.Version, o.Argv, o.Config.Seed.Value)
	parent, err := dir.Info()
	if err != nil {
		return Result{}, err
	}
	info.Device, info.Parent = m.backend.Name(), parent.ID+"/"+name
	files["run.json"] = info.JSON()
	if err := addPlan(files, m.states); err != nil {
		return Result{}, err
	}
	if files["model/"+modelFile], err = dir.Read(filepath.Join("model", modelFile)); err != nil {
		return Result{}, err
	}
	forked, err := rundir.Create(o.Fork, files)
	if err != nil {
		return Result{}, err
	}
	defer forked.Unlock()
	return work(ctx, o.Options, s, m, forked, info, st, notSaved)
}

func storedData(dir *rundir.Dir) (f fingerprint, err error) {
	text, err := dir.Read("data.json")
	if err != nil {
		return f, err
	}
	if err := json.Unmarshal(text, &f); err != nil || f.Encoding == nil {
		return f, fault.New(fault.Data, "run.damaged", "%s cannot be read", dir.Path("data.json"))
	}
	return f, nil
}

// storedScan returns what scans of the data found when the run began, as far as it is there: without it the data are scanned again.
func storedScan(dir *rundir.Dir) func(name string) []byte {
	return func(name string) []byte {
		found, err := dir.Read(name)
		if err != nil {
			return nil
		}
		return found
	}
}

// sameData refuses training data whose sequences are others than those that the run began with.
func sameData(dir *rundir.Dir, known fingerprint, s sets) error {
	now := s.train.Manifest.Summary()
	if now.Digest == known.Train.Digest {
		return sameObjects(known.Train.Files, now.Files)
	}
	e := fault.New(fault.Config, "resume.config_mismatch", "cannot resume %s: the training data changed", dir.Path())
	if now.Sequences != known.Train.Sequences || now.Steps != known.Train.Steps {
		e.Detail = append(e.Detail, fmt.Sprintf("%d sequences, %d steps  ->  %d sequences, %d steps", known.Train.Sequences, known.Train.Steps, now.Sequences, now.Steps))
	}
	for i, f := range now.Files {
		if i < len(known.Train.Files) && f.Footer != known.Train.Files[i].Footer {
			e.Detail = append(e.Detail, fmt.Sprintf("%s: the footer hash differs from that of %s", f.Path, known.Train.Files[i].Path))
		}
	}
	return e.Fix("give the data that the run began with by --data, or start a new run with `train`")
}

// sameObjects refuses remote files that were written anew since the run began: their sequences may be the same and their values others.
func sameObjects(then, now []ingest.FileInfo) error {
	tags := make(map[string]string)
	for _, f := range then {
		tags[f.Path] = f.ETag
	}
	for _, f := range now {
		if was := tags[f.Path]; was != "" && f.ETag != was {
			return fault.New(fault.Config, "resume.data_changed", "%s: has changed since the run began (ETag %s, now %s)", f.Path, was, f.ETag).
				Fix("put the old object back, or start a new run with `train`")
		}
	}
	return nil
}

// freely are the settings, or groups of them, that may change at any time: they do not change what an iteration computes. Those
// of onlyForked may change in a fork. All others say what is trained on what, and cannot change.
var (
	freely = []string{"run.", "checkpoint.", "trace.", "threads", "memory", "states", "device", "data.train", "data.valid", "data.s3_endpoint", "data.s3_region", "data.remote_cache",
		"data.cache", "data.cache_compression", "data.workers", "data.prefetch"}
	onlyForked = []string{"curvature.", "cg.", "damping.", "lm.", "precond.", "line_search.", "batch.", "eval.", "precision", "model.weight_decay", "model.structural_distance"}
)

func mayChange(dir *rundir.Dir, before, after *config.Config, checkpoint string, forking bool) error {
	var lines []string
	old, now := config.Resolved{Config: *before}, config.Resolved{Config: *after}
	for _, key := range config.Differences(before, after) {
		in := func(list []string) bool {
			return slices.ContainsFunc(list, func(p string) bool { return key == p || strings.HasSuffix(p, ".") && strings.HasPrefix(key, p) })
		}
		why := "cannot change"
		switch {
		case in(freely), forking && in(onlyForked):
			continue
		case in(onlyForked):
			why = "allowed with --fork NEWRUN"
		}
		lines = append(lines, fmt.Sprintf("%-24s %s  ->  %s     %s", key, old.Value(key), now.Value(key), why))
	}
	if lines == nil {
		return nil
	}
	if checkpoint == "" {
		checkpoint = "config.yaml"
	}
	e := fault.New(fault.Config, "resume.config_mismatch", "cannot resume %s: %d settings differ from checkpoint %s", dir.Path(), len(lines), checkpoint)
	e.Detail = lines
	return e
}

// ParseIterations reads the value of `resume --iterations`: N or +N.
func ParseIterations(text string) (n int, absolute bool, err error) {
	digits, relative := strings.CutPrefix(text, "+")
	n, err = strconv.Atoi(digits)
	if err == nil && n < 0 {
		err = errors.New("negative")
	}
	if err != nil {
		return 0, false, fault.New(fault.Usage, "usage.wrong_value", "--iterations %s: want N, the number to end at, or +N, how many more", text)
	}
	return n, !relative, nil
}
