package rnn

import (
	"context"
	"fmt"
	"math"
	"time"

	"curvestream/accel"
	"curvestream/checkpointing"
	"curvestream/nn"
)

// measuredRows and measuredFlops bound what is computed to measure costs, in time-steps of all sequences together and in operations of
// a product: enough that what a call does once does not count, and some hundredths of a second.
const (
	measuredRows  = 4096
	measuredFlops = 1e9
)

// measuredBytes is what is copied to measure how fast that is.
const measuredBytes = 8 << 20

// Measure returns the costs of a state of one sequence at one time-step, on this machine and on one thread of the backend at a time, for
// chunks with the lengths and form of b, at any θ: it computes a short piece of such a chunk, with made up inputs, a few times. What it
// returns differs from call to call; plans are chosen by it, and results do not depend on plans.
func (n *Net[F]) Measure(ctx context.Context, theta accel.Vector[F], b *nn.Batch[F]) (checkpointing.Costs, error) {
	c, err := n.measure(ctx, theta, b)
	if err != nil {
		return c, fmt.Errorf("rnn: measuring costs: %w", err)
	}
	return c, nil
}

func (n *Net[F]) measure(ctx context.Context, theta accel.Vector[F], b *nn.Batch[F]) (c checkpointing.Costs, err error) {
	piece, free := n.piece(b, 4), n.unbounded()
	rows := float64(piece.Rows())
	forward, err := fastest(func() error { _, err := free.Loss(ctx, theta, piece, nil); return err })
	if err != nil {
		return c, err
	}
	l, err := free.Linearize(ctx, theta, piece)
	if err != nil {
		return c, err
	}
	defer l.Close()
	g := theta.New()
	both, err := fastest(func() error { return l.AddGv(ctx, g, theta, 0) })
	if err != nil {
		return c, err
	}
	// The R-operator and the backward sweep do equal work (4 h² a state each).
	c = checkpointing.Costs{Forward: forward / rows, Along: both / 2 / rows, Backward: both / 2 / rows}
	return c, n.measureCopies(&c)
}

// piece returns the first time-steps of a chunk like b, as many as the bounds allow but at least so many, without its data.
func (n *Net[F]) piece(b *nn.Batch[F], least int) *nn.Batch[F] {
	columns := b.Columns()
	one := &nn.Batch[F]{Lengths: []int{1}, Offset: []int{0, 1}, Form: b.Form}
	rows := min(measuredRows, int(measuredFlops/n.Flops(one)))
	steps := min(b.Lengths[0], max(least, rows/columns))
	p := &nn.Batch[F]{In: n.In, Out: n.Out, Form: b.Form, Offset: []int{0}, Position: make([]int, columns), WeightSum: float64(columns)}
	for j := range columns {
		p.Lengths, p.Position[j] = append(p.Lengths, steps), j
	}
	for t := range steps {
		p.Active, p.Offset = append(p.Active, columns), append(p.Offset, (t+1)*columns)
	}
	if b.Sparse == nil {
		p.Dense = make([]F, p.Rows()*n.In)
		for i := range p.Dense {
			p.Dense[i] = F(math.Sin(float64(i)))
		}
	} else {
		p.Sparse = &accel.Sparse[F]{Cols: n.In, Ptr: []int32{0}}
		for r := range p.Rows() {
			p.Sparse.Col, p.Sparse.Ptr = append(p.Sparse.Col, int32(r%n.In)), append(p.Sparse.Ptr, int32(r+1))
		}
	}
	if n.Config.Loss == accel.SoftmaxCrossEntropy {
		p.Class = make([]int32, p.OutputRows())
	} else {
		p.Target = make([]F, p.OutputRows()*n.Out)
	}
	return p
}

// fastest returns the seconds of the fastest of three calls of f after a first one.
func fastest(f func() error) (seconds float64, err error) {
	best := math.Inf(1)
	for i := range 4 {
		start := time.Now()
		if err := f(); err != nil {
			return 0, err
		}
		if t := time.Since(start).Seconds(); i > 0 {
			best = min(best, t)
		}
	}
	return best, nil
}

// measureCopies measures copies between the backend's memory and memory, and between that and the file, where copies may be made.
func (n *Net[F]) measureCopies(c *checkpointing.Costs) error {
	host, spill := n.copies(1)
	if host == 0 && spill == 0 {
		return nil
	}
	values, giveBack, err := n.takeHost(int(measuredBytes / n.width()))
	if err != nil {
		return err
	}
	defer giveBack()
	v, err := n.scratch.Take(len(values))
	if err != nil {
		return err
	}
	defer n.scratch.Give(v)
	part := v.View(0, len(values))
	out, err := fastest(func() error { part.Read(values); return nil })
	if err != nil {
		return err
	}
	c.Host = measuredBytes / out
	records := int(min(8, n.Store.SpillBudget/checkpointing.RecordBytes(measuredBytes)))
	if spill == 0 || records == 0 {
		c.Spill = c.Host // nothing is known of a file that is smaller than that
		return nil
	}
	r, err := n.Store.Spill.Take(records, measuredBytes)
	if err != nil {
		return err
	}
	defer r.Close()
	bytes, start := bytesOf(values), time.Now()
	for i := range records {
		if err := r.Write(i, bytes); err != nil {
			return err
		}
	}
	for i := range records {
		if err := r.Read(i, bytes); err != nil {
			return err
		}
	}
	c.Spill = float64(2*records) * measuredBytes / time.Since(start).Seconds()
	return nil
}

// UseCosts chooses plans by costs from now on. It is called before the net is used by more than one goroutine, and before something
// is linearized: what is open keeps its plan.
func (n *Net[F]) UseCosts(c checkpointing.Costs) { n.Store.Costs = c }
