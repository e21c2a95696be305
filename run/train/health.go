package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"curvestream/accel"
	"curvestream/hf"
	"curvestream/nn"
	"curvestream/pipeline"
)

// A Health is a row of metrics.jsonl: what one chunk of the curvature minibatch tells about the net and its derivatives. It is made where
// trace.health says so, at the start and after iterations 2, 4, 8 …
type Health struct {
	Event     string    `json:"event"` // "health"
	Iter      int       `json:"iter"`
	T         float64   `json:"t"`
	Saturated []float64 `json:"saturated"` // by hidden layer, the share of activities that nn.Units calls so
	Linear    []float64 `json:"linear"`
	// Products tells whether products with the curvature matrix were compared: not at the start, nor with methods that make none.
	Products bool `json:"products"`
	// Difference is ‖Bv − Bv‖ / ‖Bv‖ of two products, 0 where nothing is wrong; Asymmetry is |uᵀBv − vᵀBu| / ‖u‖‖Bv‖, that of rounding.
	Difference float64 `json:"difference"`
	Asymmetry  float64 `json:"asymmetry"`
}

// healthy reports whether iteration k ends with a look at the net's health.
func healthy(k int) bool { return k == 0 || k > 1 && k&(k-1) == 0 }

// examine looks at the net's health.
func (l *loop[F]) examine(ctx context.Context) error {
	k := l.iter()
	if !l.config.Trace.Health || !healthy(k) {
		return nil
	}
	if k == 0 {
		if err := l.objective.Advance(ctx, 1); err != nil {
			return fmt.Errorf("looking at the net: %w", err)
		}
	}
	h := Health{Event: "health", Iter: k, T: l.t(), Products: k > 0 && (l.config.Method.Kind == "hf" || l.config.Method.Kind == "ksd")}
	err := l.objective.Chunks(ctx, hf.Curvature, func(b *nn.Batch[F]) error {
		if err := l.countUnits(ctx, b, &h); err != nil {
			return err
		}
		if h.Products {
			if err := l.compareProducts(ctx, b, &h); err != nil {
				return err
			}
		}
		return pipeline.ErrEnough
	})
	if err != nil && !errors.Is(err, pipeline.ErrEnough) {
		return explain(fmt.Errorf("looking at the net: %w", err), l.config)
	}
	return l.emit(h)
}

// countUnits sets the shares of h.
func (l *loop[F]) countUnits(ctx context.Context, b *nn.Batch[F], h *Health) error {
	net, ok := l.net.(nn.UnitNet[F])
	if !ok {
		return nil
	}
	units, err := net.Units(ctx, l.theta, b)
	if err != nil {
		return err
	}
	for _, u := range units {
		h.Saturated = append(h.Saturated, u.Share(u.Saturated))
		h.Linear = append(h.Linear, u.Share(u.Linear))
	}
	return nil
}

// compareProducts sets what h says of products.
func (l *loop[F]) compareProducts(ctx context.Context, b *nn.Batch[F], h *Health) error {
	lin, err := l.net.Linearize(ctx, l.theta, b)
	if err != nil {
		return err
	}
	product := func(dst, v accel.Vector[F]) error {
		dst.Zero()
		if l.config.Curvature.Kind == "hessian" {
			return lin.AddHv(ctx, dst, v)
		}
		return lin.AddGv(ctx, dst, v, 0)
	}
	h.Difference, h.Asymmetry, err = verify(l.theta, product)
	return errors.Join(err, lin.Close())
}

// verify compares two products with one vector, and products with two vectors, both of random signs.
func verify[F accel.Float](like accel.Vector[F], product func(dst, v accel.Vector[F]) error) (difference, asymmetry float64, err error) {
	u, v, Bu, Bv, again := like.New(), like.New(), like.New(), like.New(), like.New()
	rng := rand.New(rand.NewPCG(1, 1))
	signs := make([]F, like.Len())
	for _, x := range []accel.Vector[F]{u, v} {
		for i := range signs {
			signs[i] = F(int(rng.Uint64()>>63)*2 - 1)
		}
		x.Write(signs)
	}
	for _, p := range []struct{ dst, v accel.Vector[F] }{{Bv, v}, {again, v}, {Bu, u}} {
		if err := product(p.dst, p.v); err != nil {
			return 0, 0, err
		}
	}
	length := math.Sqrt(Bv.Dot(Bv))
	if length == 0 {
		return math.Sqrt(again.Dot(again)), 0, nil
	}
	asymmetry = math.Abs(u.Dot(Bv)-v.Dot(Bu)) / (math.Sqrt(u.Dot(u)) * length)
	again.Add(-1, Bv)
	return math.Sqrt(again.Dot(again)) / length, asymmetry, nil
}
