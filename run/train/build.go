package train

import (
	"context"
	"errors"
	"fmt"

	"curvestream/accel"
	"curvestream/checkpointing"
	"curvestream/hf"
	"curvestream/ingest"
	"curvestream/ingest/gen"
	"curvestream/pipeline"
	"curvestream/run/config"
	"curvestream/run/data"
	"curvestream/run/device"
	"curvestream/run/evaluate"
	"curvestream/run/fault"
	"curvestream/run/model"
	"curvestream/run/objective"
)

// The shares of --memory.
const (
	trainShare = 3.0 / 8
	validShare = 1.0 / 8
	keepShare  = 1.0 / 2
)

// sizes returns how minibatches grow, or nil where they do not.
func sizes(c *config.Config, plan *pipeline.Plan, train *data.Set) *objective.Sizes {
	if c.Batch.GrowthTheta == 0 && len(c.Batch.GradientSchedule) == 0 {
		return nil
	}
	return &objective.Sizes{Schedule: hf.Schedule(c.Batch.GradientSchedule), Base: int(c.Batch.Gradient), Largest: plan.Largest(),
		Whole: max(0, train.Manifest.Len()), Plan: func(sequences int) (objective.Plan, error) { return plan.Resized(sequences) }}
}

// keepBytes bounds what a linearization keeps: where the model of a second minibatch chooses the iterate there are two at a time.
func keepBytes(c *config.Config) int64 {
	if c.CG.BacktrackBy == "model" {
		return share(c, keepShare/2)
	}
	return share(c, keepShare)
}

func share(c *config.Config, part float64) int64 { return int64(float64(c.Memory) * part) }

// sets are the data of a run.
type sets struct {
	train *data.Set
	valid *data.Set // nil without validation data
}

func (s sets) Close() error {
	if s.valid == nil {
		return s.train.Close()
	}
	return errors.Join(s.train.Close(), s.valid.Close())
}

// Where a run directory keeps what the scans of its data found.
const (
	trainManifest = "manifest/train"
	validManifest = "manifest/valid"
)

// openSets opens the data. With an encoding, as on resume, it is the one to use; else it is fitted to the training data. stored returns what
// an earlier scan found, by name; nil where there was none.
func openSets(ctx context.Context, c *config.Config, o Options, e *ingest.Encoding, stored func(name string) []byte) (s sets, err error) {
	defer data.KeepTo(int64(c.Memory), 0)()
	access := data.Access{Stdin: o.Stdin, Remote: data.RemoteOf(c), Memory: share(c, trainShare), Share: trainShare, Division: data.DivisionOf(c), Part: "train", Digests: c.Data.Manifest, Stored: stored(trainManifest)}
	if e == nil {
		s.train, err = access.Fit(ctx, c.Data.Train, data.Roles(c))
	} else {
		s.train, err = access.Match(ctx, c.Data.Train, e, data.Naming{})
	}
	if err != nil || !c.Data.Validates() {
		return s, err
	}
	valid := data.Access{Remote: data.RemoteOf(c), Memory: share(c, validShare), Share: validShare, Stored: stored(validManifest)}
	if len(c.Data.Valid) == 0 {
		valid.Division = access.Division
		s.valid, err = s.train.Part(ctx, valid, "valid")
	} else if s.valid, err = valid.Match(ctx, c.Data.Valid, s.train.Encoding, data.Naming{}); err == nil {
		err = errors.Join(s.valid.Finite(), apart(s.train, s.valid))
	}
	if err != nil {
		return s, errors.Join(err, s.Close())
	}
	return s, nil
}

// nothingStored is what a new run knows of its data.
func nothingStored(string) []byte { return nil }

// apart refuses validation data of which a file is among the training data, under whatever name: its sequences would be in both.
func apart(training, validation *data.Set) error {
	for _, v := range validation.Source.Fingerprint() {
		for _, t := range training.Source.Fingerprint() {
			if v.Footer != t.Footer || v.Size != t.Size || v.Rows != t.Rows {
				continue
			}
			e := fault.New(fault.Data, "data.train_valid_overlap", "%s: the sequences are both in the training and in the validation data", v.Path)
			if t.Path != v.Path {
				e.Message = fmt.Sprintf("%s: the validation data are also in the training data, as %s", v.Path, t.Path)
			}
			e.Where = map[string]any{"file": v.Path}
			return e.Fix("give --valid other data, or set some training sequences aside with --valid-fraction 0.1 in its place")
		}
	}
	return nil
}

// infer settles the settings that depend on the data.
func infer(r *config.Resolved, set *data.Set) error {
	e := set.Encoding
	arch, why := "rnn", fmt.Sprintf("the layout is %s", e.Layout)
	if e.Layout == ingest.Flat {
		arch = "mlp"
	}
	batch, lacks := 0, ""
	if set.Endless() {
		batch, lacks = 10000, "a generator has no end"
	}
	for _, i := range []struct {
		key   string
		value any
		why   string
	}{
		{"model.arch", arch, why}, {"model.loss", e.Loss, "the type of the target"}, {"model.structural_distance", model.Distance(r.Model.Arch, r.Model.Activation), "the activation"},
		{"data.layout", string(e.Layout), "the types of the columns"}, {"data.form", e.Form, "the types of the columns"},
	} {
		if r.Value(i.key) == "auto" {
			if err := r.Infer(i.key, i.value, i.why); err != nil {
				return err
			}
		}
	}
	if batch > 0 && r.Batch.Gradient == 0 {
		if err := r.Infer("batch.gradient", int64(batch), lacks); err != nil {
			return err
		}
	}
	if r.Model.Arch == "mlp" && e.Layout != ingest.Flat {
		return fault.New(fault.Config, "config.arch_layout", "model.arch is mlp (%s), but the data have sequences (layout %s)", r.Origin("model.arch"), e.Layout).
			Fix("--layout flat if a row is one case with a vector of inputs, or --arch rnn")
	}
	return r.Validate()
}

// A machine is everything that a run computes with.
type machine[F accel.Float] struct {
	spec      model.Spec
	net       model.Net[F]
	theta     accel.Vector[F]
	backend   device.Backend[F]
	onDevice  string // why it is that one; "": it was asked for
	loader    *pipeline.Loader[F]
	objective *objective.Objective[F]
	optimizer method[F]
	valid     *pipeline.Loader[F] // nil without validation data
	everyone  pipeline.Minibatch  // of the validation data
	criterion gen.Criterion
	spill     *checkpointing.Spill // nil without one
	keep      int64                // what a linearization may keep
	states    *StateForecast       // nil of feedforward nets
	asymmetry string               // of products, what is to be told; "" where there is nothing
}

// assemble builds the machine of a run for data that have been opened.
func assemble[F accel.Float](ctx context.Context, c *config.Config, s sets, run string) (*machine[F], error) {
	m := &machine[F]{spec: model.NewSpec(c, s.train.Encoding)}
	var err error
	if m.backend, m.onDevice, err = device.Open[F](c.Device, c.Threads); err != nil {
		return nil, err
	}
	if err := m.assemble(ctx, c, s, run); err != nil {
		m.Close()
		return nil, explain(err, c)
	}
	return m, nil
}

func (m *machine[F]) assemble(ctx context.Context, c *config.Config, s sets, run string) (err error) {
	if m.spill, err = openSpill(c, run); err != nil {
		return err
	}
	if m.net, err = model.NewNet(m.backend, m.spec, states(c, m.spill)); err != nil {
		return fault.New(fault.Config, "config.model", "%v", err)
	}
	plan, err := pipeline.NewPlan(s.train.Manifest, planOptions(c))
	if err != nil {
		return fault.New(fault.Config, "config.batch", "%v", err)
	}
	if m.loader, err = newLoader[F](s.train, c, share(c, trainShare), copyOptions(c)); err != nil {
		return data.Explain(err, trainShare)
	}
	theta, err := model.Initialize[F](m.net.Layout(), c, m.spec)
	if err != nil {
		return err
	}
	if m.theta, err = m.backend.NewVector(len(theta)); err != nil {
		return err
	}
	m.theta.Write(theta)
	if err := m.planMemory(ctx, c, s, plan); err != nil {
		return err
	}
	loss, err := m.spec.NetLoss()
	if err != nil {
		return err
	}
	guard, err := m.usePrecision(c)
	if err != nil {
		return err
	}
	m.objective = objective.New(m.net, m.loader, plan, objective.Settings{Loss: loss, WeightDecay: c.Model.WeightDecay,
		DecaySchedule: hf.Schedule(c.Model.DecaySchedule), Sizes: sizes(c, plan, s.train), Keep: m.keep, Guard: guard, Structural: c.Damping.StructuralMu > 0})
	part := 0.0
	if !s.train.Endless() {
		part = float64(plan.Minibatch(pipeline.Gradient, 1).Len()) / float64(s.train.Manifest.Len())
	}
	if m.optimizer, err = newMethod(c, m.net.Layout(), part, initialLambda(c, s.train), m.objective, m.theta); err != nil {
		return err
	}
	return m.addValid(c, s)
}

func (m *machine[F]) addValid(c *config.Config, s sets) error {
	if s.valid == nil {
		return nil
	}
	plan, err := pipeline.NewPlan(s.valid.Manifest, pipeline.PlanOptions{ChunkSequences: c.Batch.ChunkSequences, ChunkSteps: c.Batch.ChunkSteps})
	if err != nil {
		return fault.New(fault.Config, "config.batch", "validation data: %v", err)
	}
	m.everyone = plan.Everything()
	if m.valid, err = newLoader[F](s.valid, c, share(c, validShare), pipeline.CopyOptions{}); err != nil {
		return data.Explain(err, validShare)
	}
	m.criterion, err = evaluate.Criterion(s.valid.Source)
	return err
}

func newLoader[F accel.Float](s *data.Set, c *config.Config, memory int64, copies pipeline.CopyOptions) (*pipeline.Loader[F], error) {
	return pipeline.NewLoader[F](s.Source, s.Manifest, s.Encoding, pipeline.LoaderOptions{Memory: memory, Workers: int(c.Data.Workers), Prefetch: int(c.Data.Prefetch), Tune: true, Copy: copies})
}

func copyOptions(c *config.Config) pipeline.CopyOptions {
	return pipeline.CopyOptions{Dir: c.Data.Cache, Compression: c.Data.CacheCompression}
}

// Close forgets what the loaders keep, and the spill file, and gives the device back.
func (m *machine[F]) Close() {
	if m.loader != nil {
		m.loader.Close()
	}
	if m.spill != nil {
		_ = m.spill.Close() // a scratch file, which is gone either way
	}
	if m.valid != nil {
		m.valid.Close()
	}
	_ = m.backend.Close() // all that was computed on it has been read
}
