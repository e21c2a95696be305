package objective

import (
	"context"
	"errors"
	"fmt"

	"curvestream/accel"
	"curvestream/nn"
)

// A fisherChunk multiplies by the empirical Fisher matrix, Σᵢ ∇fᵢ∇fᵢᵀ of the weighted fᵢ (section 11.3), where its linearization
// multiplies by the Gauss-Newton matrix. With ∇fᵢ = Jᵢᵀ∇L, a product is one with J and one with Jᵀ.
type fisherChunk[F accel.Float] struct {
	nn.Linearization[F]
	batch    *nn.Batch[F]
	residual []F // wᵢ∇L of each output row
}

// newFisherChunk takes the linearization of b over, and closes it where it fails.
func newFisherChunk[F accel.Float](ctx context.Context, net nn.Net[F], theta accel.Vector[F], b *nn.Batch[F], l nn.Linearization[F]) (nn.Linearization[F], error) {
	residual, err := net.Outputs(ctx, theta, b)
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	for row := range b.OutputRows() {
		r := residual[row*b.Out : (row+1)*b.Out]
		if b.Class != nil {
			r[b.Class[row]]--
		}
		for i := range r {
			if b.Class == nil {
				r[i] -= b.Target[row*b.Out+i]
			}
			if b.Weight != nil {
				if b.Weight[row] == 0 { // even where it holds NaN
					r[i] = 0
				}
				r[i] *= b.Weight[row]
			}
		}
	}
	return &fisherChunk[F]{Linearization: l, batch: b, residual: residual}, nil
}

// AddGv adds Σᵢ ∇fᵢ(∇fᵢᵀv) to dst.
func (c *fisherChunk[F]) AddGv(ctx context.Context, dst, v accel.Vector[F], mu float64) error {
	if mu != 0 {
		return errors.New("structural damping goes with the Gauss-Newton matrix, not with the empirical Fisher matrix")
	}
	u, err := c.Jv(ctx, v)
	if err != nil {
		return fmt.Errorf("the empirical Fisher matrix: %w", err)
	}
	along := make([]float64, c.batch.Columns()) // ∇fᵢᵀv
	for i, r := range c.residual {
		along[c.batch.OutputColumn(i/c.batch.Out)] += float64(r) * float64(u[i])
	}
	for i, r := range c.residual {
		u[i] = r * F(along[c.batch.OutputColumn(i/c.batch.Out)])
	}
	return c.AddJtu(ctx, dst, u)
}
