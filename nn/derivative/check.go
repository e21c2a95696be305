package derivative

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"curvestream/accel"
	"curvestream/nn"
)

// Tolerance is how far a derivative may be from its finite difference, relative to the largest magnitude of the quantity.
const Tolerance = 1e-6

// step is ε of the central differences. Their error is about ε² and their rounding about 1e-16/ε.
const step = 1e-5

// Check compares with plain definitions and finite differences, at theta and on batch b, f and its gradient, J v, Jᵀ u, L″ w, G v, H v of a net with
// the given loss; G v also with mu of structural damping for symmetry and sign. Vectors are drawn from rng. The net should have
// at most a few hundred parameters: two forward runs are made for each.
func Check(ctx context.Context, backend accel.Backend[float64], net nn.Net[float64], loss accel.Loss, b *nn.Batch[float64],
	theta []float64, mu float64, rng *rand.Rand) ([]Row, error) {
	k := &checker{ctx: ctx, backend: backend, net: net, loss: loss, b: b, mu: mu, rng: rng, theta: theta}
	v := make([]float64, len(theta))
	for i := range v {
		v[i] = rng.NormFloat64()
	}
	var err error
	if k.v, err = backend.FromHost(v); err != nil {
		return nil, fmt.Errorf("derivative: %w", err)
	}
	at, err := backend.FromHost(theta)
	if err != nil {
		return nil, fmt.Errorf("derivative: %w", err)
	}
	if k.lin, err = net.Linearize(ctx, at, b); err != nil {
		return nil, fmt.Errorf("derivative: %w", err)
	}
	defer k.lin.Close()
	for _, part := range []func() error{k.gradient, k.jacobian, k.value, k.jv, k.jtu, k.curvature, k.gv, k.hv, k.symmetry} {
		if err := part(); err != nil {
			return nil, fmt.Errorf("derivative: %w", err)
		}
	}
	return k.rows, nil
}

// A checker holds what the parts of a check share.
type checker struct {
	ctx     context.Context
	backend accel.Backend[float64]
	net     nn.Net[float64]
	loss    accel.Loss
	b       *nn.Batch[float64]
	mu      float64
	rng     *rand.Rand
	theta   []float64
	v       accel.Vector[float64]
	lin     nn.Linearization[float64]
	j       [][]float64 // j[i] is column i of P J, by finite differences; P is what seen projects with
	p       []float64   // predictions at θ
	rows    []Row
}

// moved returns θ with h added to element i.
func (k *checker) moved(i int, h float64) (accel.Vector[float64], error) {
	theta := append([]float64(nil), k.theta...)
	theta[i] += h
	return k.backend.FromHost(theta)
}

// along returns θ + h v.
func (k *checker) along(h float64) (accel.Vector[float64], error) {
	theta, err := k.backend.FromHost(append([]float64(nil), k.theta...))
	if err == nil {
		theta.Add(h, k.v)
	}
	return theta, err
}

// difference returns the central difference of f between at(step) and at(−step).
func (k *checker) difference(at func(h float64) (accel.Vector[float64], error), f func(accel.Vector[float64]) ([]float64, error)) ([]float64, error) {
	var values [2][]float64
	for i, h := range []float64{step, -step} {
		theta, err := at(h)
		if err != nil {
			return nil, err
		}
		if values[i], err = f(theta); err != nil {
			return nil, err
		}
	}
	for i := range values[0] {
		values[0][i] = (values[0][i] - values[1][i]) / (2 * step)
	}
	return values[0], nil
}

func (k *checker) gradient() error {
	want := make([]float64, len(k.theta))
	for i := range want {
		d, err := k.difference(func(h float64) (accel.Vector[float64], error) { return k.moved(i, h) }, k.f)
		if err != nil {
			return err
		}
		want[i] = d[0]
	}
	theta, err := k.along(0)
	if err != nil {
		return err
	}
	got, err := k.gradientAt(theta)
	k.record("grad f", got, want)
	return err
}

func (k *checker) f(theta accel.Vector[float64]) ([]float64, error) {
	f, err := k.net.Loss(k.ctx, theta, k.b, nil)
	return []float64{f}, err
}

func (k *checker) gradientAt(theta accel.Vector[float64]) ([]float64, error) {
	grad := theta.New()
	_, err := k.net.Gradient(k.ctx, theta, k.b, grad, nil)
	return read(grad), err
}

// jacobian computes J one column at a time (point 3 of section 7.2).
func (k *checker) jacobian() error {
	theta, err := k.along(0)
	if err != nil {
		return err
	}
	if k.p, err = k.net.Outputs(k.ctx, theta, k.b); err != nil {
		return err
	}
	k.j = make([][]float64, len(k.theta))
	for i := range k.theta {
		k.j[i], err = k.difference(func(h float64) (accel.Vector[float64], error) { return k.moved(i, h) }, k.seen)
		if err != nil {
			return err
		}
	}
	return nil
}

// value compares f with the sum of the plain losses of what the net predicts.
func (k *checker) value() error {
	want := 0.0
	for r := range k.b.OutputRows() {
		want += k.weight(r) * nn.Loss(k.loss, k.logits(k.p[r*k.b.Out:(r+1)*k.b.Out]), k.target(r))
	}
	theta, err := k.along(0)
	if err != nil {
		return err
	}
	got, err := k.f(theta)
	k.record("f", got, []float64{want})
	return err
}

// target returns the target vector of an output row, one-hot where it is a class.
func (k *checker) target(row int) []float64 {
	if k.b.Class == nil {
		return k.b.Target[row*k.b.Out : (row+1)*k.b.Out]
	}
	t := make([]float64, k.b.Out)
	t[k.b.Class[row]] = 1
	return t
}

func (k *checker) jv() error {
	got, err := k.lin.Jv(k.ctx, k.v)
	if err != nil {
		return err
	}
	want, err := k.difference(k.along, k.seen)
	k.record("Jv", k.project(got), want)
	return err
}

func (k *checker) jtu() error {
	u := k.random(len(k.p))
	want := make([]float64, len(k.theta))
	for i, column := range k.j {
		want[i] = dot(u, column)
	}
	got := k.v.New()
	err := k.lin.AddJtu(k.ctx, got, k.projectTransposed(u))
	k.record("J'u", read(got), want)
	return err
}

// curvature compares L″ w with differences of ∇L, for the plain definitions that gv then relies on.
func (k *checker) curvature() error {
	var got, want []float64
	for r := 0; r < len(k.p); r += k.b.Out {
		z, w := k.logits(k.p[r:r+k.b.Out]), k.random(k.b.Out)
		t := k.target(r / k.b.Out)
		got = append(got, nn.LossCurvature(k.loss.Kind(), k.p[r:r+k.b.Out], t, w)...)
		up, down := make([]float64, len(z)), make([]float64, len(z))
		for i := range z {
			up[i], down[i] = z[i]+step*w[i], z[i]-step*w[i]
		}
		up, down = nn.LossGradient(k.loss, nn.Predict(k.loss, up), t), nn.LossGradient(k.loss, nn.Predict(k.loss, down), t)
		for i := range up {
			want = append(want, (up[i]-down[i])/(2*step))
		}
	}
	k.record("L''w", got, want)
	return nil
}

// gv compares with Jᵀ L″ J v, J being explicit and L″ what the loss shows.
func (k *checker) gv() error {
	v, jv := read(k.v), make([]float64, len(k.p))
	for i, column := range k.j {
		for r := range jv {
			jv[r] += column[r] * v[i]
		}
	}
	for r := range k.b.OutputRows() {
		row := jv[r*k.b.Out : (r+1)*k.b.Out]
		lv := nn.LossCurvature(k.loss, k.p[r*k.b.Out:(r+1)*k.b.Out], k.target(r), row)
		for i := range row {
			row[i] = lv[i] * k.weight(r)
		}
	}
	want := make([]float64, len(v))
	for i, column := range k.j {
		want[i] = dot(column, jv)
	}
	got := k.v.New()
	err := k.lin.AddGv(k.ctx, got, k.v, 0)
	k.record("Gv", read(got), want)
	return err
}

func (k *checker) weight(row int) float64 {
	if k.b.Weight == nil {
		return 1
	}
	return k.b.Weight[row]
}

func (k *checker) hv() error {
	want, err := k.difference(k.along, k.gradientAt)
	if err != nil {
		return err
	}
	got := k.v.New()
	err = k.lin.AddHv(k.ctx, got, k.v)
	k.record("Hv", read(got), want)
	return err
}

// symmetry checks uᵀGv = vᵀGu and vᵀGv ≥ 0, structural damping included, to rounding.
func (k *checker) symmetry() error {
	u, err := k.backend.FromHost(k.random(len(k.theta)))
	if err != nil {
		return err
	}
	gu, gv := k.v.New(), k.v.New()
	if err := k.lin.AddGv(k.ctx, gu, u, k.mu); err != nil {
		return err
	}
	if err := k.lin.AddGv(k.ctx, gv, k.v, k.mu); err != nil {
		return err
	}
	scale := math.Sqrt(gu.Dot(gu)*k.v.Dot(k.v)) + math.Sqrt(gv.Dot(gv)*u.Dot(u))
	k.rows = append(k.rows,
		NewRow("u'Gv = v'Gu", math.Abs(u.Dot(gv)-k.v.Dot(gu))/scale, 1e-12))
	if k.loss.Convex() || k.loss.Shown() != accel.Indefinite {
		k.rows = append(k.rows, NewRow("v'Gv >= 0", max(0, -k.v.Dot(gv))/scale, 1e-12))
	}
	return nil
}

func (k *checker) random(n int) []float64 {
	u := make([]float64, n)
	for i := range u {
		u[i] = k.rng.NormFloat64()
	}
	return u
}

// record records an array; its error counts relative to the largest magnitude expected in it.
func (k *checker) record(quantity string, got, want []float64) {
	scale, worst := 0.0, 0.0
	for _, w := range want {
		scale = max(scale, math.Abs(w))
	}
	if len(got) != len(want) {
		worst = math.Inf(1)
	}
	for i := range min(len(got), len(want)) {
		worst = math.Max(worst, math.Abs(got[i]-want[i]))
	}
	if scale > 0 {
		worst /= scale
	}
	k.rows = append(k.rows, NewRow(quantity, worst, Tolerance))
}

func read(v accel.Vector[float64]) []float64 {
	values := make([]float64, v.Len())
	v.Read(values)
	return values
}

func dot(a, b []float64) float64 { return accel.Slice[float64](a).Dot(accel.Slice[float64](b)) }
