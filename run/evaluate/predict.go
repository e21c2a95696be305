package evaluate

import (
	"context"
	"errors"
	"fmt"
	"io"

	"curvestream/accel"
	"curvestream/ingest"
	"curvestream/nn"
	"curvestream/run/model"
)

// A Prediction is what `curvestream predict` reports.
type Prediction struct {
	Schema    string   `json:"schema"`
	Model     string   `json:"model"`
	Output    string   `json:"output"`
	Sequences int64    `json:"sequences"`
	Columns   []string `json:"columns"`
}

// A Destination says where predictions go.
type Destination struct {
	Path      string // .parquet, .arrow, .jsonl, or "-" for an Arrow stream on Stdout
	Format    string // "" goes by the name
	Overwrite bool
	Stdout    io.Writer
}

// Predict writes what a stored model predicts, one row a sequence, in the order of the data: the sequence's id under the name
// it has there, the prediction (see [newTable]), and the columns that are to be kept. The data need no targets.
func Predict(ctx context.Context, o Options, to Destination) (Prediction, error) {
	stored, err := model.Find(o.Model, o.Checkpoint)
	if err != nil {
		return Prediction{}, err
	}
	p := Prediction{Schema: "curvestream.predict/1", Model: o.Model, Output: to.Path}
	if stored.Spec.DType == "float64" {
		err = predict[float64](ctx, o, stored, to, &p)
	} else {
		err = predict[float32](ctx, o, stored, to, &p)
	}
	return p, err
}

func predict[F accel.Float](ctx context.Context, o Options, stored model.Stored, to Destination, report *Prediction) error {
	return with(ctx, o, stored, stored.Spec.Encoding.InputsOnly(), func(a *applied[F]) (err error) {
		keep, err := newKept(a.set, o.Keep)
		if err != nil {
			return err
		}
		defer keep.release()
		t, err := newTable[F](stored.Spec, a.set.Encoding.ID, a.set.Source.Schema(), keep)
		if err != nil {
			return err
		}
		defer t.builder.Release()
		w, err := ingest.NewWriter(to.Path, ingest.WriteOptions{Format: to.Format, Schema: t.schema, Overwrite: to.Overwrite, Stdout: to.Stdout})
		if err != nil {
			return err
		}
		defer func() {
			if err != nil {
				w.Abort()
			}
		}()
		q := &queue[F]{waiting: map[int]outputs[F]{}, emit: func(position int, out outputs[F]) error {
			if err := keep.add(ctx, position); err != nil {
				return err
			}
			return t.add(out)
		}}
		err = a.loader.Each(ctx, a.all, func(b *nn.Batch[F]) error {
			p, err := a.net.Outputs(ctx, a.theta, b)
			if err != nil {
				return err
			}
			if err := q.take(b, p); err != nil {
				return err
			}
			return t.flush(w)
		})
		if err != nil {
			return err
		}
		if len(q.waiting) > 0 {
			return errors.New("evaluate: predictions are missing")
		}
		report.Sequences, report.Columns = int64(q.next), t.columns()
		return w.Close()
	})
}

// outputs are the predictions of one sequence: one row for each step that has an output.
type outputs[F accel.Float] struct {
	id   string
	rows [][]F
}

// A queue puts sequences, which come sorted by length within a window, back into the order of the data.
type queue[F accel.Float] struct {
	next    int // position
	waiting map[int]outputs[F]
	emit    func(position int, o outputs[F]) error
}

func (q *queue[F]) take(b *nn.Batch[F], p []F) error {
	for j := range b.Columns() {
		o := outputs[F]{id: b.ID[j]}
		for _, i := range RowsOf(b, j) {
			o.rows = append(o.rows, p[i*b.Out:(i+1)*b.Out])
		}
		q.waiting[b.Position[j]] = o
	}
	for {
		o, ok := q.waiting[q.next]
		if !ok {
			return nil
		}
		delete(q.waiting, q.next)
		q.next++
		if err := q.emit(q.next-1, o); err != nil {
			return fmt.Errorf("evaluate: sequence %q: %w", o.id, err)
		}
	}
}
