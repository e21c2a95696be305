package golden

import (
	"context"
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"

	"curvestream/accel"
	"curvestream/nn"
	"curvestream/nn/derivative"
)

// Check compares everything that a net computes with the case's expected values, by the rule of the cases: an error counts
// relative to the largest magnitude in its array. The net must have been made from c.Model, c.Loss and c.Structural.
func Check(ctx context.Context, c *Case, backend accel.Backend[float64], net nn.Net[float64]) ([]derivative.Row, error) {
	k := &checker{c: c, backend: backend, net: net, layout: net.Layout(), ctx: ctx}
	for _, part := range []func() error{k.open, k.losses, k.gradients, k.products, k.matrix, k.structural, k.cg} {
		if err := part(); err != nil {
			if k.lin != nil {
				k.lin.Close()
			}
			return nil, fmt.Errorf("golden: %s: %w", c.Name, err)
		}
	}
	return k.rows, k.lin.Close()
}

// A checker holds what the parts of a check share.
type checker struct {
	ctx     context.Context
	c       *Case
	backend accel.Backend[float64]
	net     nn.Net[float64]
	layout  nn.Layout
	theta   accel.Vector[float64]
	v       accel.Vector[float64]
	lin     nn.Linearization[float64]
	g       *mat.SymDense // G of the case, for its eigenvalues and CG
	rows    []derivative.Row
}

func (k *checker) open() error {
	for _, in := range []struct {
		to     *accel.Vector[float64]
		values func(nn.Layout) ([]float64, error)
	}{{&k.theta, k.c.Theta}, {&k.v, k.c.V}} {
		values, err := in.values(k.layout)
		if err != nil {
			return err
		}
		if *in.to, err = k.backend.FromHost(values); err != nil {
			return err
		}
	}
	var err error
	k.lin, err = k.net.Linearize(k.ctx, k.theta, k.c.Batch)
	return err
}

func (k *checker) losses() error {
	cases := make([]float64, k.c.Batch.Columns())
	f, err := k.net.Loss(k.ctx, k.theta, k.c.Batch, cases)
	if err != nil {
		return err
	}
	k.number("loss", f/k.cases()+k.decay(), k.c.Expect.Loss, math.Abs(k.c.Expect.Loss))
	k.array("case_loss", cases, k.c.Expect.CaseLoss)
	p, err := k.net.Outputs(k.ctx, k.theta, k.c.Batch)
	if err != nil {
		return err
	}
	want := make([]float64, 0, len(p))
	for r := 0; r < len(k.c.Expect.Z); r += k.c.Batch.Out {
		want = append(want, nn.Predict(k.c.Loss, k.c.Expect.Z[r:r+k.c.Batch.Out])...)
	}
	k.array("p(z)", p, want)
	return nil
}

func (k *checker) gradients() error {
	grad, fisher := k.theta.New(), k.theta.New()
	f, err := k.net.Gradient(k.ctx, k.theta, k.c.Batch, grad, fisher)
	if err != nil {
		return err
	}
	k.number("loss of gradient", f/k.cases()+k.decay(), k.c.Expect.Loss, math.Abs(k.c.Expect.Loss))
	if err := k.named("grad", k.average(grad, k.theta), k.c.Expect.Grad); err != nil {
		return err
	}
	return k.named("empirical_fisher_diag", k.average(fisher, nil), k.c.Expect.FisherDiag)
}

func (k *checker) products() error {
	jv, err := k.lin.Jv(k.ctx, k.v)
	if err != nil {
		return err
	}
	k.array("Jv", jv, k.c.Expect.Jv)
	gv := k.theta.New()
	if err := k.lin.AddGv(k.ctx, gv, k.v, k.mu()); err != nil {
		return err
	}
	if err := k.named("Gv", k.average(gv, k.v), k.c.Expect.Gv); err != nil {
		return err
	}
	hv := k.theta.New()
	if err := k.lin.AddHv(k.ctx, hv, k.v); err != nil {
		return err
	}
	return k.named("Hv", k.average(hv, k.v), k.c.Expect.Hv)
}

// matrix builds G column by column, for its diagonal and its eigenvalues.
func (k *checker) matrix() error {
	n := k.layout.Len()
	full, diagonal := mat.NewDense(n, n, nil), make([]float64, n)
	unit := make([]float64, n)
	for j := range n {
		unit[j] = 1
		e, err := k.backend.FromHost(append([]float64(nil), unit...))
		if err != nil {
			return err
		}
		column := k.theta.New()
		if err := k.lin.AddGv(k.ctx, column, e, k.mu()); err != nil {
			return err
		}
		values := k.average(column, e)
		full.SetCol(j, values)
		diagonal[j], unit[j] = values[j], 0
	}
	if err := k.named("diag_G", diagonal, k.c.Expect.DiagG); err != nil {
		return err
	}
	k.g = mat.NewSymDense(n, nil)
	asymmetry := 0.0
	for i := range n {
		for j := range i + 1 {
			asymmetry = max(asymmetry, math.Abs(full.At(i, j)-full.At(j, i)))
			k.g.SetSym(i, j, (full.At(i, j)+full.At(j, i))/2)
		}
	}
	var eig mat.EigenSym
	if !eig.Factorize(k.g, false) {
		return fmt.Errorf("the eigenvalues of G do not converge")
	}
	values, scale := eig.Values(nil), math.Abs(k.c.Expect.MaxEig)
	k.number("symmetry of G", asymmetry, 0, scale)
	k.number("G_min_eig", values[0], k.c.Expect.MinEig, scale)
	k.number("G_max_eig", values[n-1], k.c.Expect.MaxEig, scale)
	return nil
}

// structural finds D v as the difference of two products.
func (k *checker) structural() error {
	if k.c.Structural == nil {
		return nil
	}
	damped, plain := k.theta.New(), k.theta.New()
	if err := k.lin.AddGv(k.ctx, damped, k.v, k.mu()); err != nil {
		return err
	}
	if err := k.lin.AddGv(k.ctx, plain, k.v, 0); err != nil {
		return err
	}
	damped.Add(-1, plain)
	damped.Scale(1 / k.mu())
	return k.named("Dv", k.average(damped, nil), k.c.Expect.Dv)
}

func (k *checker) mu() float64 {
	if k.c.Structural == nil {
		return 0
	}
	return k.c.Structural.Mu
}

func (k *checker) cases() float64 { return k.c.Batch.WeightSum }

// decay returns ½ β Σ ‖W‖².
func (k *checker) decay() float64 {
	sum := 0.0
	for _, p := range k.layout {
		if w := k.theta.View(p.Off, p.Off+p.Size()); p.Decays() {
			sum += w.Dot(w)
		}
	}
	return k.c.WeightDecay / 2 * sum
}

// average returns sum/N + β I_W x on the host; a nil x adds no decay.
func (k *checker) average(sum, x accel.Vector[float64]) []float64 {
	got := make([]float64, sum.Len())
	sum.Scale(1 / k.cases())
	if x != nil {
		for _, p := range k.layout {
			if p.Decays() {
				sum.View(p.Off, p.Off+p.Size()).Add(k.c.WeightDecay, x.View(p.Off, p.Off+p.Size()))
			}
		}
	}
	sum.Read(got)
	return got
}
