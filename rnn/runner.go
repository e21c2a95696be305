package rnn

import (
	"context"
	"fmt"

	"curvestream/accel"
	"curvestream/nn"
)

// A Runner runs a net at a fixed θ on sequences side by side, one time-step at a call, and keeps of a time-step only what the next one
// reads. It is what generation is made of: the next inputs may depend on what the net said last. It is used by one goroutine and must
// be closed; θ must stay unchanged until then.
type Runner[F accel.Float] struct {
	net      *Net[F]
	w        *operands[F]
	columns  int
	state    []accel.Mat[F] // of each carried node, a row for each sequence
	st       strip[F]
	z        accel.Mat[F]
	giveBack func()
}

// NewRunner returns a Runner of a number of sequences, whose states are the learned initial ones.
func (n *Net[F]) NewRunner(theta accel.Vector[F], sequences int) (*Runner[F], error) {
	if sequences < 1 {
		return nil, fmt.Errorf("rnn: running %d sequences: there must be at least one", sequences)
	}
	r := &Runner[F]{net: n, columns: sequences, w: n.takeOperands()}
	if err := n.prepare(r.w, theta, false); err != nil {
		n.giveOperands(r.w)
		return nil, err
	}
	giveBack, err := n.carve([]*sweep[F]{{Net: n}}, func(_ int, s *sweep[F], a *nn.Arena[F]) { r.carve(s, a) })
	if err != nil {
		n.giveOperands(r.w)
		return nil, err
	}
	r.giveBack = func() { giveBack(); n.giveOperands(r.w) }
	err = n.backend.Run(1, func(_ int, stream accel.Stream[F]) error {
		for i, state := range r.state {
			if state.V != nil {
				stream.Fill(state, 0)
				stream.AddRow(state, r.w.initial[i])
			}
		}
		return nil
	})
	if err != nil {
		r.Close()
		return nil, fmt.Errorf("rnn: initial states: %w", err)
	}
	return r, nil
}

func (r *Runner[F]) carve(s *sweep[F], a *nn.Arena[F]) {
	r.st = s.carveStrip(a, 2*r.columns, r.columns)
	r.state = make([]accel.Mat[F], len(s.cell.nodes))
	for i := range s.cell.nodes {
		if s.cell.nodes[i].carried() {
			r.state[i] = a.Mat(r.columns, s.cell.nodes[i].width)
		}
	}
	r.z = a.Mat(r.columns, s.Out)
}

// Step runs the first sequences on by a time-step and returns what the net predicts, p of the loss, a row a sequence. x are their
// inputs, a row of the net's inputs each: as many rows as sequences go on. The states of the others stay.
func (r *Runner[F]) Step(ctx context.Context, x []F) ([]F, error) {
	n := len(x) / r.net.In
	if n < 1 || n > r.columns || n*r.net.In != len(x) {
		return nil, fmt.Errorf("rnn: a step on %d numbers: want %d for each of 1 to %d sequences", len(x), r.net.In, r.columns)
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	v, err := r.net.backend.FromHost(x)
	if err != nil {
		return nil, fmt.Errorf("rnn: inputs of a step: %w", err)
	}
	shard := &nn.Shard[F]{Active: []int{n}, Offset: []int{0, n}, X: accel.NewMat(v, 0, n, r.net.In)}
	s := &sweep[F]{Net: r.net, shard: shard, w: r.w, blocks: []block{newBlock(shard, 0, 1)}}
	p, z := make([]F, n*r.net.Out), r.z.RowRange(0, n)
	err = r.net.backend.Run(1, func(_ int, stream accel.Stream[F]) error {
		s.s = stream
		r.step(s, z)
		return stream.Sync()
	})
	if err != nil {
		return nil, fmt.Errorf("rnn: a step: %w", err)
	}
	elements(z).Read(p)
	return p, nil
}

// step computes the time-step of s from the states, and the states after it.
func (r *Runner[F]) step(s *sweep[F], z accel.Mat[F]) {
	b, n := &s.blocks[0], z.Rows
	for i, state := range r.state {
		if state.V != nil {
			s.s.CopyMat(r.st[i].RowRange(0, n), state.RowRange(0, n))
		}
	}
	s.forward(b, r.st)
	for i, state := range r.state {
		if state.V != nil {
			s.s.CopyMat(state.RowRange(0, n), s.value(b, r.st, i, 0, n))
		}
	}
	s.outputs(b, r.st, z)
	s.s.Predict(r.net.Config.Loss, z)
}

// Close gives back what the Runner has borrowed. Closing twice is harmless.
func (r *Runner[F]) Close() {
	if r.giveBack != nil {
		r.giveBack()
		r.giveBack = nil
	}
}
