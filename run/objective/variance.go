package objective

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"curvestream/accel"
	"curvestream/hf"
	"curvestream/nn"
)

// varianceDraws is how many draws of signs an estimate of a variance is averaged over.
const varianceDraws = 4

var _ hf.VarianceSource[float64] = (*linearization[float64])(nil)

// Variance implements hf.VarianceSource. With Bᵢv scaled so that their average is Bv,
//
//	‖Var(Bᵢv)‖₁ = 1/N Σᵢ ‖Bᵢv − Bv‖² = 1/N E ‖Σᵢ sᵢ (Bᵢv − Bv)‖²
//
// for independent signs sᵢ, which the place of a sequence in its minibatch decides. So no product of a single case is needed: it
// costs a forward run, one with J, and one with Jᵀ for each of four draws and the average.
func (l *linearization[F]) Variance(ctx context.Context, v accel.Vector[F]) (variance float64, cases int, err error) {
	return l.estimate(ctx, v, varianceDraws)
}

// estimate is Variance with a number of draws.
func (l *linearization[F]) estimate(ctx context.Context, v accel.Vector[F], draws int) (variance float64, cases int, err error) {
	if l.kind != hf.CurvatureGGN {
		return 0, 0, fmt.Errorf("objective: the variance of products with the curvature %v is not known: choose another cg.stop", l.kind)
	}
	s := signed[F]{mean: v.New(), sum: make([]accel.Vector[F], draws), signs: make([]float64, draws)}
	for d := range s.sum {
		s.sum[d] = v.New()
	}
	err = l.each(ctx, func(b *nn.Batch[F], chunk nn.Linearization[F]) error { return l.addSigned(ctx, &s, b, chunk, v) })
	if err != nil {
		return 0, 0, fmt.Errorf("objective: variance of products: %w", err)
	}
	if s.cases == 0 {
		return 0, 0, errors.New("objective: variance of products: no sequence in the minibatch")
	}
	n := float64(s.cases)
	for d, sum := range s.sum {
		sum.Add(-s.signs[d]/n, s.mean)
		variance += sum.Dot(sum) / float64(draws)
	}
	return variance / n * (n / l.weight) * (n / l.weight), s.cases, nil
}

// signed are Σᵢ wᵢBᵢv and, for each draw, Σᵢ sᵢwᵢBᵢv and Σᵢ sᵢ.
type signed[F accel.Float] struct {
	mean  accel.Vector[F]
	sum   []accel.Vector[F]
	signs []float64
	cases int
}

func (l *linearization[F]) addSigned(ctx context.Context, s *signed[F], b *nn.Batch[F], chunk nn.Linearization[F], v accel.Vector[F]) error {
	u, err := l.curve(ctx, b, chunk, v)
	if err != nil {
		return err
	}
	if err := chunk.AddJtu(ctx, s.mean, u); err != nil {
		return err
	}
	coins := make([]*rand.PCG, b.Columns())
	for c := range coins {
		place := c
		if b.Position != nil {
			place = b.Position[c]
		}
		coins[c] = rand.NewPCG(uint64(place), 1)
	}
	s.cases += b.Columns()
	turned, signs := make([]F, len(u)), make([]F, len(coins))
	for d := range s.sum {
		for c, coin := range coins {
			signs[c] = F(int(coin.Uint64()>>63)*2 - 1)
			s.signs[d] += float64(signs[c])
		}
		for i, x := range u {
			turned[i] = signs[b.OutputColumn(i/b.Out)] * x
		}
		if err := chunk.AddJtu(ctx, s.sum[d], turned); err != nil {
			return err
		}
	}
	return nil
}

// curve returns wᵢ L″ᵢ Jᵢv of each output row.
func (l *linearization[F]) curve(ctx context.Context, b *nn.Batch[F], chunk nn.Linearization[F], v accel.Vector[F]) ([]F, error) {
	p, err := l.o.net.Outputs(ctx, l.theta, b)
	if err != nil {
		return nil, err
	}
	u, err := chunk.Jv(ctx, v)
	if err != nil {
		return nil, err
	}
	t, pi, ui := make([]float64, b.Out), make([]float64, b.Out), make([]float64, b.Out)
	for row := range b.OutputRows() {
		from := row * b.Out
		for i := range pi {
			pi[i], ui[i], t[i] = float64(p[from+i]), float64(u[from+i]), 0
			if b.Class == nil {
				t[i] = float64(b.Target[from+i])
			}
		}
		weight := 1.0
		if b.Weight != nil {
			weight = float64(b.Weight[row])
		}
		for i, x := range nn.LossCurvature(l.o.settings.Loss, pi, t, ui) {
			u[from+i] = F(weight * x)
			if weight == 0 { // even where it holds NaN
				u[from+i] = 0
			}
		}
	}
	return u, nil
}
