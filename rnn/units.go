package rnn

import (
	"cmp"
	"context"

	"curvestream/accel"
	"curvestream/nn"
)

var _ nn.UnitNet[float64] = (*Net[float64])(nil)

// Units implements nn.UnitNet. Gates do not count: one that is open all the time may be as it should be. It keeps the states of one
// block only.
func (n *Net[F]) Units(ctx context.Context, theta accel.Vector[F], batch *nn.Batch[F]) ([]nn.Units, error) {
	w := n.takeOperands()
	defer n.giveOperands(w)
	if err := n.prepare(w, theta, false); err != nil {
		return nil, err
	}
	sweeps, err := n.sweeps(batch, w)
	if err != nil {
		return nil, err
	}
	strips, shards := make([]strip[F], len(sweeps)), make([][]nn.Units, len(sweeps))
	giveBack, err := n.carve(sweeps, func(i int, s *sweep[F], a *nn.Arena[F]) { strips[i] = s.carveAnyStrip(a) })
	if err != nil {
		return nil, err
	}
	defer giveBack()
	err = n.run(ctx, sweeps, func(i int, s *sweep[F]) error {
		var failed error
		shards[i] = make([]nn.Units, len(n.cell.layers))
		err := s.ascending(ctx, func(k int, b *block) {
			s.enter(k, strips[i], strips[i], w.initial)
			s.forward(b, strips[i])
			if failed == nil {
				failed = s.countUnits(b, strips[i], shards[i])
			}
		})
		return cmp.Or(err, failed)
	})
	if err != nil {
		return nil, err
	}
	units := make([]nn.Units, len(n.cell.layers))
	for _, shard := range shards {
		for l, u := range shard {
			units[l] = units[l].Plus(u)
		}
	}
	return units, nil
}

// countUnits adds the activities of a block to those of their layers.
func (s *sweep[F]) countUnits(b *block, st strip[F], units []nn.Units) error {
	if err := s.s.Sync(); err != nil {
		return err
	}
	for l, layer := range s.cell.layers {
		for i := layer.lo; i < layer.hi; i++ {
			node := &s.cell.nodes[i]
			if len(node.acts) == 0 {
				continue
			}
			h := make([]F, b.rows()*node.width)
			elements(s.inside(b, st, i)).Read(h)
			for at, x := range h {
				for _, act := range node.acts {
					gate := act.act == accel.Logistic && s.Cell != Plain && layer.recurrent
					if c := at % node.width; act.lo <= c && c < act.hi && !gate {
						nn.Count(&units[l], act.act, x)
					}
				}
			}
		}
	}
	return nil
}
