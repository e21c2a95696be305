package fnn

import (
	"context"

	"curvestream/accel"
	"curvestream/nn"
)

var _ nn.UnitNet[float64] = (*Net[float64])(nil)

// Units implements nn.UnitNet.
func (n *Net[F]) Units(ctx context.Context, theta accel.Vector[F], b *nn.Batch[F]) ([]nn.Units, error) {
	hidden := n.layers() - 1
	var shards [][]nn.Units
	_, err := n.evaluate(ctx, theta, b, func(sweeps []*sweep[F]) { shards = make([][]nn.Units, len(sweeps)) },
		func(i int, s *sweep[F]) error {
			if err := s.s.Sync(); err != nil {
				return err
			}
			shards[i] = make([]nn.Units, hidden)
			for l := range hidden {
				h := make([]F, s.shard.Rows()*s.Sizes[l+1])
				elements(s.y[l+1]).Read(h)
				for _, x := range h {
					nn.Count(&shards[i][l], s.Activations[l], x)
				}
			}
			return nil
		})
	if err != nil {
		return nil, err
	}
	units := make([]nn.Units, hidden)
	for _, shard := range shards {
		for l, u := range shard {
			units[l] = units[l].Plus(u)
		}
	}
	return units, nil
}
