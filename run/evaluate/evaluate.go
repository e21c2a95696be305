// Package evaluate applies a model to data: how good it is, and what it predicts.
package evaluate

import (
	"context"
	"fmt"

	"curvestream/accel"
	"curvestream/ingest"
	"curvestream/ingest/gen"
	"curvestream/nn"
	"curvestream/pipeline"
	"curvestream/run/metrics"
)

// A Loader delivers the chunks of a minibatch: a pipeline.Loader.
type Loader[F accel.Float] interface {
	// Each passes the chunks to consume, in a fixed order.
	Each(ctx context.Context, mb pipeline.Minibatch, consume func(*nn.Batch[F]) error) error
}

// Criterion returns when a sequence of the data counts as right, where the data say so themselves; else "".
func Criterion(src ingest.Source) (gen.Criterion, error) {
	task, ok, err := ingest.TaskOf(src.Schema())
	if err != nil || !ok {
		return "", err
	}
	if c := gen.Criterion(task.Success); c.Known() {
		return c, nil
	}
	return "", nil
}

// A Score is how good a model is on data.
type Score struct {
	Loss        float64  `json:"loss"` // weighted mean over sequences, without weight decay
	LossPerStep float64  `json:"loss_per_step"`
	Sequences   int64    `json:"sequences"`
	Steps       int64    `json:"steps"`
	Accuracy    *float64 `json:"accuracy"`   // of the steps that have a target; for classes, and for one logistic output
	ErrorRate   *float64 `json:"error_rate"` // of sequences, by the criterion of a known task
}

// MarshalJSON writes a loss that is not finite as null, and says in "nonfinite" what it was.
func (s Score) MarshalJSON() ([]byte, error) { return metrics.RowOf(s).MarshalJSON() }

// Run returns the score of θ on a minibatch.
func Run[F accel.Float](ctx context.Context, net nn.Net[F], theta accel.Vector[F], loader Loader[F], mb pipeline.Minibatch, loss string, right gen.Criterion) (Score, error) {
	t := &tally[F]{loss: loss, criterion: right}
	err := loader.Each(ctx, mb, func(b *nn.Batch[F]) error {
		f, err := net.Loss(ctx, theta, b, nil)
		if err != nil {
			return err
		}
		t.sum += f
		t.weight += b.WeightSum
		t.sequences += int64(b.Columns())
		t.steps += int64(b.Rows())
		p, err := net.Outputs(ctx, theta, b)
		if err != nil {
			return err
		}
		t.add(b, p)
		return nil
	})
	if err != nil {
		return Score{}, fmt.Errorf("evaluate: %w", err)
	}
	return t.score(), nil
}

// A tally adds up chunks.
type tally[F accel.Float] struct {
	loss             string
	criterion        gen.Criterion // "" where the data have none
	out              int
	sum, weight      float64
	sequences, steps int64
	targets          int64 // output rows that count
	right            int64 // of them
	wrong            int64 // sequences, by the criterion
}

func (t *tally[F]) add(b *nn.Batch[F], p []F) {
	t.out = b.Out
	for i := range b.OutputRows() {
		if b.Weight != nil && b.Weight[i] == 0 {
			continue
		}
		t.targets++
		if t.isRight(b, p, i) {
			t.right++
		}
	}
	if t.criterion == "" {
		return
	}
	for j := range b.Columns() {
		if !t.columnIsRight(b, p, j) {
			t.wrong++
		}
	}
}

// columnIsRight applies the criterion to the targets of column j.
func (t *tally[F]) columnIsRight(b *nn.Batch[F], p []F, j int) bool {
	var outputs, targets []F
	var classes []int32
	for _, i := range RowsOf(b, j) {
		if b.Weight != nil && b.Weight[i] == 0 {
			continue
		}
		outputs = append(outputs, p[i*b.Out:(i+1)*b.Out]...)
		if b.Class != nil {
			classes = append(classes, b.Class[i])
		} else {
			targets = append(targets, b.Target[i*b.Out:(i+1)*b.Out]...)
		}
	}
	return gen.Right(t.criterion, outputs, b.Out, targets, classes)
}

// isRight reports whether output row i names its class.
func (t *tally[F]) isRight(b *nn.Batch[F], p []F, i int) bool {
	row := p[i*b.Out : (i+1)*b.Out]
	switch {
	case b.Class != nil:
		return argmax(row) == int(b.Class[i])
	case t.hasAccuracy():
		return (row[0] > 0.5) == (b.Target[i] > 0.5)
	}
	return false
}

func (t *tally[F]) hasAccuracy() bool {
	return t.loss == "softmax_cross_entropy" || t.loss == "logistic_cross_entropy" && t.out == 1
}

func (t *tally[F]) score() Score {
	s := Score{Sequences: t.sequences, Steps: t.steps}
	if t.weight > 0 {
		s.Loss = t.sum / t.weight
	}
	if t.targets > 0 {
		s.LossPerStep = t.sum / float64(t.targets)
	}
	if t.targets > 0 && t.hasAccuracy() {
		accuracy := float64(t.right) / float64(t.targets)
		s.Accuracy = &accuracy
	}
	if t.criterion != "" && t.sequences > 0 {
		rate := float64(t.wrong) / float64(t.sequences)
		s.ErrorRate = &rate
	}
	return s
}

func argmax[F accel.Float](row []F) int {
	best := 0
	for i, x := range row {
		if x > row[best] {
			best = i
		}
	}
	return best
}

// RowsOf lists the output rows of column j, in the order of time-steps.
func RowsOf[F accel.Float](b *nn.Batch[F], j int) []int {
	if b.Form == nn.Last {
		return []int{j}
	}
	rows := make([]int, b.Lengths[j])
	for t := range rows {
		rows[t] = b.Offset[t] + j
	}
	return rows
}
