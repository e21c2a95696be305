package hf

import (
	"context"
	"encoding/json"
	"math"
	"math/cmplx"
	"os"
	"path/filepath"
	"testing"

	"curvestream/accel"
	"curvestream/internal/shared"
)

// goldenCase is what this test reads of a golden file.
type goldenCase struct {
	Model struct {
		Kind    string
		Sizes   []int
		Inputs  int
		Hidden  int
		Outputs int
	}
	Loss  string
	Batch struct {
		Inputs  []any
		Targets []any
		Classes []int
	}
	Params    map[string]any
	Tolerance float64
	Expect    struct {
		Loss float64
		CG   struct {
			Lambda, Exponent float64
			M                []float64
			NormX            []float64 `json:"norm_x"`
			X                map[string]any
		}
	}
}

func flatten(x any) []float64 {
	if number, ok := x.(float64); ok {
		return []float64{number}
	}
	var flat []float64
	for _, element := range x.([]any) {
		flat = append(flat, flatten(element)...)
	}
	return flat
}

// net is one of the two kinds of nets that have a golden CG run, at complex parameters: the imaginary part of z at θ + ih·e_j
// is h times column j of the Jacobian, to rounding.
type net struct {
	goldenCase
	names []string
	sizes []int
}

func newNet(c goldenCase) net {
	n := net{goldenCase: c, names: []string{"W_xh", "W_hh", "h_0", "W_zh"}}
	if c.Model.Kind == "fnn" {
		n.names = []string{"W_1", "b_1", "W_2", "b_2", "W_3", "b_3"}
	}
	for _, name := range n.names {
		n.sizes = append(n.sizes, len(flatten(c.Params[name])))
	}
	return n
}

// flat puts the arrays of a field into the order of names.
func (n net) flat(field map[string]any) vec {
	var flat vec
	for _, name := range n.names {
		flat = append(flat, flatten(field[name])...)
	}
	return flat
}

// split cuts θ into its parameters.
func (n net) split(theta []complex128) [][]complex128 {
	var parts [][]complex128
	for _, size := range n.sizes {
		parts = append(parts, theta[:size])
		theta = theta[size:]
	}
	return parts
}

func multiply(W, x []complex128) []complex128 {
	out := make([]complex128, len(W)/len(x))
	for i := range out {
		for j, xj := range x {
			out[i] += W[i*len(x)+j] * xj
		}
	}
	return out
}

func plus(x, y []complex128) []complex128 {
	for i := range x {
		x[i] += y[i]
	}
	return x
}

func tanh(x []complex128) []complex128 {
	for i := range x {
		x[i] = cmplx.Tanh(x[i])
	}
	return x
}

func toComplex(x []float64) []complex128 {
	c := make([]complex128, len(x))
	for i := range x {
		c[i] = complex(x[i], 0)
	}
	return c
}

// outputs returns z of case i, all time-steps one after the other.
func (n net) outputs(theta []complex128, i int) []complex128 {
	p := n.split(theta)
	if n.Model.Kind == "fnn" {
		y := toComplex(flatten(n.Batch.Inputs[i]))
		y = tanh(plus(multiply(p[0], y), p[1]))
		y = tanh(plus(multiply(p[2], y), p[3]))
		return plus(multiply(p[4], y), p[5])
	}
	var z []complex128
	h := p[2]
	for _, x := range n.Batch.Inputs[i].([]any) {
		h = tanh(plus(multiply(p[0], toComplex(flatten(x))), multiply(p[1], h)))
		z = append(z, multiply(p[3], h)...)
	}
	return z
}

// loss returns L, ∇L and L″, row-major, of z for case i.
func (n net) loss(z []float64, i int) (L float64, gradient vec, curvature []float64) {
	m := len(z)
	gradient, curvature = make(vec, m), make([]float64, m*m)
	if n.Loss == "squared_error" {
		for j, t := range flatten(n.Batch.Targets[i]) {
			gradient[j] = z[j] - t
			curvature[j*m+j] = 1
		}
		return gradient.Dot(gradient) / 2, gradient, curvature
	}
	var sum float64
	for _, zj := range z {
		sum += math.Exp(zj)
	}
	for j := range z {
		gradient[j] = math.Exp(z[j]) / sum
	}
	for j := range z {
		curvature[j*m+j] += gradient[j]
		for k := range z {
			curvature[j*m+k] -= gradient[j] * gradient[k]
		}
	}
	class := n.Batch.Classes[i]
	L = math.Log(sum) - z[class]
	gradient[class]--
	return L, gradient, curvature
}

// goldenObjective is f, ∇f, the empirical Fisher diagonal and G as explicit arrays, at one θ.
type goldenObjective struct {
	bowl
	f            float64
	grad, fisher vec
	G            *dense
}

func (n net) objective(theta vec) *goldenObjective {
	size, cases := len(theta), len(n.Batch.Inputs)
	o := &goldenObjective{grad: make(vec, size), fisher: make(vec, size), G: &dense{n: size, a: make([]float64, size*size)}}
	for i := range cases {
		var z []float64
		J := make([]vec, size) // by parameter
		for j := range size {
			const h = 1e-30
			shifted := toComplex(theta)
			shifted[j] += complex(0, h)
			z = z[:0]
			for _, zk := range n.outputs(shifted, i) {
				z = append(z, real(zk))
				J[j] = append(J[j], imag(zk)/h)
			}
		}
		L, dL, ddL := n.loss(z, i)
		o.f += L / float64(cases)
		for j := range size {
			g := J[j].Dot(dL)
			o.grad[j] += g / float64(cases)
			o.fisher[j] += g * g / float64(cases)
			LJ := make(vec, len(z))
			for k := range z {
				LJ[k] = J[j].Dot(vec(ddL[k*len(z) : (k+1)*len(z)]))
			}
			for l := range size {
				o.G.a[j*size+l] += J[l].Dot(LJ) / float64(cases)
			}
		}
	}
	return o
}

func (o *goldenObjective) Loss(context.Context, Role, accel.Vector[float64]) (float64, error) {
	return o.f, nil
}

func (o *goldenObjective) Gradient(_ context.Context, _, grad, fisher accel.Vector[float64]) (float64, error) {
	grad.Copy(o.grad)
	fisher.Copy(o.fisher)
	return o.f, nil
}

func (o *goldenObjective) Linearize(context.Context, accel.Vector[float64]) (Linearization[float64], error) {
	return o, nil
}

func (o *goldenObjective) Product(ctx context.Context, dst, v accel.Vector[float64], _ float64) error {
	return o.G.Product(ctx, dst, v)
}

// The optimizer's own CG run, with λ and the softened Fisher diagonal, takes the way of the reference.
func TestGoldenCG(t *testing.T) {
	dir := shared.Dir(t, "golden")
	for _, name := range []string{"fnn_tanh_softmax", "rnn_tanh_nobias_squared"} {
		text, err := os.ReadFile(filepath.Join(dir, name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		var c goldenCase
		if err := json.Unmarshal(text, &c); err != nil {
			t.Fatal(err)
		}
		n := newNet(c)
		theta := n.flat(c.Params)
		want := c.Expect.CG
		o, err := New(n.objective(theta), theta, Settings{
			Lambda: want.Lambda, Precondition: PreconditionSettings{Xi: want.Exponent}, Trace: true,
			CG: CGSettings{Max: len(want.M), NoProgressStop: true},
		})
		if err != nil {
			t.Fatal(err)
		}
		r, err := o.Step(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		near := func(what string, got, want, scale float64) {
			if math.Abs(got-want) > c.Tolerance*scale {
				t.Errorf("%s: %s = %.15g, want %.15g", name, what, got, want)
			}
		}
		near("f", r.F0, c.Expect.Loss, c.Expect.Loss)
		if len(r.Trace) != len(want.M) {
			t.Fatalf("%s: %d iterations, want %d", name, len(r.Trace), len(want.M))
		}
		for i, p := range r.Trace {
			near("M", p.M, want.M[i], math.Abs(want.M[i]))
			near("‖x‖", p.Norm, want.NormX[i], want.NormX[i])
		}
		x := n.flat(want.X)
		for i := range x {
			near("x", o.x.(vec)[i], x[i], 1)
		}
	}
}
