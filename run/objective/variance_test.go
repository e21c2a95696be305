package objective

import (
	"context"
	"math"
	"testing"

	"curvestream/accel"
	"curvestream/hf"
	"curvestream/nn"
)

// The variance of products is that over single sequences, whether activations are kept or not.
func TestVarianceOfProducts(t *testing.T) {
	ctx := context.Background()
	var bits float64
	for _, keep := range []int64{1 << 30, 0} {
		o, c, net, theta := setup(t, keep)
		v := theta.New()
		v.Shift(0.3)
		want, n := varianceBySequence(t, net, theta, v, c[1:])
		place := 0
		for _, b := range c[1:] {
			for i := range b.Position {
				b.Position[i] = place
				place++
			}
		}
		l, err := o.Linearize(ctx, theta)
		if err != nil {
			t.Fatal(err)
		}
		const draws = 4000
		got, cases, err := l.(*linearization[float64]).estimate(ctx, v, draws)
		if err != nil || cases != n {
			t.Fatalf("%d cases, %v; want %d", cases, err, n)
		}
		if math.Abs(got-want) > 5*math.Sqrt2*want/math.Sqrt(draws) { // a draw deviates by at most √2 of it
			t.Errorf("keep %d: the variance is %g, want %g", keep, got, want)
		}
		few, _, err := l.(hf.VarianceSource[float64]).Variance(ctx, v)
		if err != nil || bits != 0 && few != bits {
			t.Errorf("keep %d: the estimate is %g, %v; want the bits of %g", keep, few, err, bits)
		}
		bits = few
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// varianceBySequence returns Σ over elements of the variance of wᵢBᵢv, weights having a mean of 1.
func varianceBySequence(t *testing.T, net nn.Net[float64], theta, v accel.Vector[float64], c chunks) (float64, int) {
	t.Helper()
	var products []accel.Vector[float64]
	mean, weight := theta.New(), 0.0
	for _, b := range c {
		weight += b.WeightSum
		for i := range b.Columns() {
			lin, err := net.Linearize(t.Context(), theta, b.Pick([]int{i}))
			if err != nil {
				t.Fatal(err)
			}
			p := theta.New()
			if err := lin.AddGv(t.Context(), p, v, 0); err != nil {
				t.Fatal(err)
			}
			if err := lin.Close(); err != nil {
				t.Fatal(err)
			}
			products = append(products, p)
			mean.Add(1, p)
		}
	}
	n := float64(len(products))
	mean.Scale(1 / n)
	sum := 0.0
	for _, p := range products {
		p.Add(-1, mean)
		p.Scale(n / weight)
		sum += p.Dot(p) / n
	}
	return sum, len(products)
}
