package rnn

import (
	"context"
	"fmt"

	"curvestream/accel"
	"curvestream/checkpointing"
	"curvestream/nn"
)

// A sweep is what a worker needs to run over its shard: the shard, cut into blocks, at one θ.
type sweep[F accel.Float] struct {
	*Net[F]
	shard  *nn.Shard[F]
	blocks []block
	plan   *checkpointing.Plan // of the strips; nil where one block is kept at a time
	w      *operands[F]
	s      accel.Stream[F] // of the worker that runs the sweep at the moment
	last   accel.Mat[F]    // for Last: the states of a block that have an output, gathered
	dlast  accel.Mat[F]    // and their derivatives
}

// sweeps splits a batch into shards and returns a sweep for each.
func (n *Net[F]) sweeps(b *nn.Batch[F], w *operands[F]) ([]*sweep[F], error) {
	if err := nn.CheckBatch(b, n.In, n.Out, n.Config.Loss); err != nil {
		return nil, err
	}
	shards, err := nn.Split(n.backend, b)
	if err != nil {
		return nil, err
	}
	sweeps := make([]*sweep[F], len(shards))
	for i, shard := range shards {
		sweeps[i] = &sweep[F]{Net: n, shard: shard, blocks: n.cut(shard), w: w}
	}
	return sweeps, nil
}

// run runs f for each sweep, several at once.
func (n *Net[F]) run(ctx context.Context, sweeps []*sweep[F], f func(i int, s *sweep[F]) error) error {
	return n.join(ctx, len(sweeps), func(i int, stream accel.Stream[F]) error {
		sweeps[i].s = stream
		return f(i, sweeps[i])
	})
}

// join runs f for each shard, several at once, and waits for all. An ended ctx is the error, whatever f returns.
func (n *Net[F]) join(ctx context.Context, shards int, f func(i int, stream accel.Stream[F]) error) error {
	err := n.backend.Run(shards, f)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// ascending calls f for each block, in the order of a forward sweep, until ctx ends.
func (s *sweep[F]) ascending(ctx context.Context, f func(k int, b *block)) error {
	for k := range s.blocks {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		f(k, &s.blocks[k])
	}
	return nil
}

// largest returns the largest value of f over the blocks: what a buffer needs that serves one block after the other.
func (s *sweep[F]) largest(f func(b *block) int) int {
	most := 0
	for k := range s.blocks {
		most = max(most, f(&s.blocks[k]))
	}
	return most
}

// outputRows returns the number of output rows of a block.
func outputRows(b *block) int { return b.out[1] - b.out[0] }

// carveLast carves the rows that gather states with an output, where not all have one.
func (s *sweep[F]) carveLast(a *nn.Arena[F], derivatives bool) {
	if s.shard.Form != nn.Last {
		return
	}
	rows := s.largest(outputRows)
	s.last = a.Mat(rows, s.cell.shownWidth())
	if derivatives {
		s.dlast = a.Mat(rows, s.cell.shownWidth())
	}
}

// carve lends each sweep a vector and has f carve it up. It returns what takes the vectors back.
func (n *Net[F]) carve(sweeps []*sweep[F], f func(i int, s *sweep[F], a *nn.Arena[F])) (giveBack func(), err error) {
	var lent []accel.Vector[F]
	giveBack = func() {
		for _, v := range lent {
			n.scratch.Give(v)
		}
	}
	for i, s := range sweeps {
		var count nn.Arena[F]
		f(i, s, &count)
		v, err := n.scratch.Take(count.Used)
		if err != nil {
			giveBack()
			return nil, fmt.Errorf("rnn: asking for %d numbers of scratch: %w", count.Used, err)
		}
		lent = append(lent, v)
		f(i, s, &nn.Arena[F]{V: v})
	}
	return giveBack, nil
}
