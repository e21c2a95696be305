package evaluate

import (
	"context"
	"errors"
	"io"
	"strings"

	"curvestream/accel"
	"curvestream/ingest"
	"curvestream/pipeline"
	"curvestream/run/data"
	"curvestream/run/device"
	"curvestream/run/metrics"
	"curvestream/run/model"
)

// Options say which model is applied to which data.
type Options struct {
	Model      string // a run directory or a model
	Checkpoint string // "" for the run's model
	Data       []string
	Naming     data.Naming                       // how Data lay out their sequences, where that is not as in training
	Notify     func(data string, lines []string) // is told what was inferred of Data; may be nil
	Division   data.Division                     // divides Data into parts; the zero value takes all of it
	Part       string                            // the part to take
	Keep       []string                          // columns of the data that Predict copies to its output
	Warn       func(message string)              // is told what did not work but does no harm; may be nil
	Stdin      io.Reader
	Memory     int64
	Remote     ingest.RemoteOptions
	Threads    int
	Device     string // "" is cpu
}

// A Report is what `curvestream eval` prints.
type Report struct {
	Schema     string `json:"schema"`
	Model      string `json:"model"`
	Data       string `json:"data"`
	Digest     string `json:"data_digest"` // of the sequences, see pipeline.Manifest
	LossName   string `json:"loss_name"`
	Parameters string `json:"parameters"` // the file they were read from
	Score
}

// MarshalJSON writes the report as one flat object.
func (r Report) MarshalJSON() ([]byte, error) { return metrics.RowOf(r).MarshalJSON() }

// Evaluate returns how good a stored model is on data. Where the model is a run's, the report is also kept there (see [record]);
// that this cannot be done, as in a folder that may only be read, is told and no failure.
func Evaluate(ctx context.Context, o Options) (Report, error) {
	stored, err := model.Find(o.Model, o.Checkpoint)
	if err != nil {
		return Report{}, err
	}
	r := Report{Schema: "curvestream.eval/1", Model: o.Model, Data: strings.Join(o.Data, " "), LossName: stored.Spec.Loss, Parameters: stored.Path}
	if stored.Spec.DType == "float64" {
		err = score[float64](ctx, o, stored, &r)
	} else {
		err = score[float32](ctx, o, stored, &r)
	}
	if err != nil {
		return r, err
	}
	if _, err := record(o, r); err != nil && o.Warn != nil {
		o.Warn(err.Error())
	}
	return r, nil
}

func score[F accel.Float](ctx context.Context, o Options, stored model.Stored, r *Report) error {
	return with(ctx, o, stored, stored.Spec.Encoding, func(a *applied[F]) error {
		right, err := Criterion(a.set.Source)
		if err != nil {
			return err
		}
		r.Digest = a.set.Manifest.Digest().String()
		r.Score, err = Run(ctx, a.net, a.theta, a.loader, a.all, stored.Spec.Loss, right)
		return err
	})
}

// An applied model has its data beside it.
type applied[F accel.Float] struct {
	net    model.Net[F]
	theta  accel.Vector[F]
	set    *data.Set
	loader *pipeline.Loader[F]
	all    pipeline.Minibatch
}

// with calls use with a model and its data, encoded by e, and closes them.
func with[F accel.Float](ctx context.Context, o Options, stored model.Stored, e *ingest.Encoding, use func(*applied[F]) error) (err error) {
	a := &applied[F]{}
	backend, note, err := device.Open[F](o.Device, o.Threads)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, backend.Close()) }()
	if note != "" && o.Warn != nil {
		o.Warn(note)
	}
	if a.net, a.theta, err = model.Load(backend, stored); err != nil {
		return err
	}
	if a.set, err = (data.Access{Stdin: o.Stdin, Remote: o.Remote, Memory: o.Memory, Notify: o.Notify, Division: o.Division, Part: o.Part}).Match(ctx, o.Data, e, o.Naming); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.set.Close()) }()
	if err := a.set.Finite(); err != nil {
		return err
	}
	defer data.KeepTo(o.Memory, 0)()
	plan, err := pipeline.NewPlan(a.set.Manifest, pipeline.PlanOptions{})
	if err != nil {
		return err
	}
	a.all = plan.Everything()
	share := 1.0
	if len(o.Keep) > 0 {
		share = 0.5 // the other half is for the columns to copy
	}
	if a.loader, err = pipeline.NewLoader[F](a.set.Source, a.set.Manifest, a.set.Encoding, pipeline.LoaderOptions{Memory: int64(share * float64(o.Memory)), Identify: true}); err != nil {
		return data.Explain(err, share)
	}
	defer a.loader.Close()
	return data.Explain(use(a), share)
}
