package objective

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"curvestream/accel"
)

// A Guard watches whether products that a device makes less exactly (accel.Precise) are still those of a symmetric matrix, which CG
// relies on. It is asked at the first linearization and at each Every-th after it, for the price of two products.
type Guard struct {
	Every   int
	Bound   float64                 // on the asymmetry |uᵀGv − vᵀGu| / √(uᵀGu · vᵀGv), u and v being random signs
	Exceeds func(asymmetry float64) // is told of an asymmetry above Bound, or of NaN, once: products should be exact from then on

	linearized int
	done       bool
}

// due reports whether a linearization is one to look at.
func (g *Guard) due() bool {
	if g == nil || g.done {
		return false
	}
	g.linearized++
	return (g.linearized-1)%max(1, g.Every) == 0
}

// look compares two products at l.
func (g *Guard) look(a float64) {
	if !(a <= g.Bound) {
		g.done = true
		g.Exceeds(a)
	}
}

// asymmetry returns the asymmetry of products, 0 where they are all zero.
func (l *linearization[F]) asymmetry(ctx context.Context) (float64, error) {
	u, v, gu, gv := l.theta.New(), l.theta.New(), l.theta.New(), l.theta.New()
	rng := rand.New(rand.NewPCG(uint64(l.theta.Len()), 1))
	signs := make([]F, l.theta.Len())
	for _, x := range []accel.Vector[F]{u, v} {
		for i := range signs {
			signs[i] = F(int(rng.Uint64()>>63)*2 - 1)
		}
		x.Write(signs)
	}
	for _, p := range []struct{ dst, v accel.Vector[F] }{{gu, u}, {gv, v}} {
		if err := l.Product(ctx, p.dst, p.v, 0); err != nil {
			return 0, fmt.Errorf("objective: looking at the symmetry of products: %w", err)
		}
	}
	scale := math.Sqrt(u.Dot(gu) * v.Dot(gv))
	if scale == 0 {
		return 0, nil
	}
	return math.Abs(u.Dot(gv)-v.Dot(gu)) / scale, nil
}
