package hf

import (
	"context"
	"fmt"
	"math"

	"curvestream/accel"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/optimize"
)

// KSD are the settings of Krylov subspace descent (Vinyals and Povey 2012; end of section 8.1). δ minimises f in the span of
// P⁻¹b, (P⁻¹B)P⁻¹b, … and the previous δ, found by BFGS on a minibatch of its own. There is no damping: what is minimised is f.
type KSD struct {
	Size       int  // K, products and basis vectors, the previous δ not counted; zero means 20. Two vectors of θ's length each
	Iterations int  // of BFGS at most; zero means 30
	Role       Role // whose f BFGS minimises; zero means Gradient
	// Floor bounds the eigenvalues of B in the subspace, whose square roots are the scales of BFGS's coordinates, from below, as a
	// part of the largest. Zero means 1e-4, that of Vinyals and Povey.
	Floor float64
}

func (k KSD) withDefaults() KSD {
	if k.Size == 0 {
		k.Size = 20
	}
	if k.Iterations == 0 {
		k.Iterations = 30
	}
	k.Floor = orDefault(k.Floor, 1e-4)
	return k
}

// descendSubspace is Krylov subspace descent from the matrix to δ, with ρ by how well M foretells f.
func (o *Optimizer[F]) descendSubspace(ctx context.Context, A *damped[F], r *Report) (accel.Vector[F], error) {
	P := o.precondition(A)
	if err := o.subspace.span(ctx, A, P, o.b, o.delta, o.settings.KSD.Size); err != nil {
		return nil, fmt.Errorf("the Krylov subspace: %w", err)
	}
	r.CGSteps = len(o.subspace.v)
	curvature := o.subspace.curvature()
	if curvature == nil {
		r.Outcome = NonFinite
		return nil, nil
	}
	transform, ok := scales(curvature, o.settings.KSD.Floor)
	if !ok {
		r.Outcome = NoDirection
		return nil, nil
	}
	a, err := o.minimizeWithin(ctx, transform, r)
	if err != nil {
		return nil, fmt.Errorf("BFGS in the Krylov subspace: %w", err)
	}
	o.subspace.combine(o.x, a)
	// M(δ) = ½ aᵀ(VᵀBV)a − bᵀVa
	r.ModelDecrease = mat.Inner(a, curvature, a)/2 - o.b.Dot(o.x)
	o.path.end(Result{Iterations: r.CGSteps, Q: r.ModelDecrease}, o.x)
	r.CGUsed = r.CGSteps
	if err := o.compare(ctx, o.x, r); err != nil {
		return nil, fmt.Errorf("the reduction ratio: %w", err)
	}
	return o.x, nil
}

// scales returns UΛ^-½ for the eigenvalues Λ of a matrix, bounded from below by floor times the largest: in the coordinates
// c with a = UΛ^-½c the matrix is the identity, with which BFGS starts. It reports false where no eigenvalue is positive.
func scales(curvature *mat.SymDense, floor float64) (*mat.Dense, bool) {
	var eigen mat.EigenSym
	if !eigen.Factorize(curvature, true) {
		return nil, false
	}
	values := eigen.Values(nil)
	largest := values[len(values)-1]
	if !(largest > 0) {
		return nil, false
	}
	var u mat.Dense
	eigen.VectorsTo(&u)
	u.Apply(func(_, j int, x float64) float64 { return x / math.Sqrt(math.Max(values[j], floor*largest)) }, &u)
	return &u, true
}

// minimizeWithin minimises f(θ + Va) by BFGS over c, with a = transform·c, from c = 0, and returns a.
func (o *Optimizer[F]) minimizeWithin(ctx context.Context, transform *mat.Dense, r *Report) (*mat.VecDense, error) {
	k := o.settings.KSD
	_, n := transform.Dims()
	w := &within[F]{ctx: ctx, o: o, role: k.Role, transform: transform, a: mat.NewVecDense(n, nil), best: mat.NewVecDense(n, nil)}
	problem := optimize.Problem{Func: w.value, Grad: w.gradient, Status: w.status}
	// An error of Minimize other than ours says that its line search failed: the best point so far stands.
	_, err := optimize.Minimize(problem, make([]float64, n), &optimize.Settings{
		MajorIterations: k.Iterations, Converger: &optimize.FunctionConverge{Relative: 1e-6, Iterations: 5},
	}, &optimize.BFGS{})
	r.Gradients += w.count
	if w.err != nil {
		return nil, w.err
	}
	if w.count == 0 {
		return nil, err
	}
	r.SelectF0, r.SelectF = w.first, w.lowest
	o.losses.here[k.Role] = known{w.first, true}
	o.losses.full[k.Role] = known{w.lowest, true}
	return w.best, nil
}

// within is f in the coordinates c of a subspace. Each new c costs one ∇f, which gives f as well.
type within[F accel.Float] struct {
	ctx       context.Context
	o         *Optimizer[F]
	role      Role
	transform *mat.Dense
	a, best   *mat.VecDense

	at            []float64 // c of the values below
	f             float64
	grad          mat.VecDense
	count         int
	first, lowest float64
	err           error
}

func (w *within[F]) status() (optimize.Status, error) {
	if w.err != nil {
		return optimize.Failure, w.err
	}
	return optimize.NotTerminated, nil
}

func (w *within[F]) value(c []float64) float64 {
	w.evaluate(c)
	return w.f
}

func (w *within[F]) gradient(grad, c []float64) {
	w.evaluate(c)
	copy(grad, w.grad.RawVector().Data)
}

// evaluate sets f and its gradient by c. What is not finite counts as +∞, and is flat.
func (w *within[F]) evaluate(c []float64) {
	if w.err != nil || w.at != nil && equal(w.at, c) {
		return
	}
	w.at = append(w.at[:0], c...)
	w.a.MulVec(w.transform, mat.NewVecDense(len(c), w.at))
	s, l := &w.o.subspace, &w.o.losses
	s.combine(l.trial, w.a)
	l.trial.Add(1, w.o.theta)
	var f float64
	if f, w.err = w.o.extended.GradientOn(w.ctx, w.role, l.trial, w.o.held); w.err != nil {
		return
	}
	w.count++
	g := s.project(w.o.held)
	w.grad.MulVec(w.transform.T(), g)
	if !finite(f) || !finite(mat.Norm(&w.grad, 2)) {
		f = math.Inf(1)
		w.grad.Zero()
	}
	w.f = f
	if w.count == 1 {
		w.first, w.lowest = f, f
	}
	if f < w.lowest {
		w.lowest = f
		w.best.CopyVec(w.a)
	}
}

func equal(x, y []float64) bool {
	for i := range x {
		if x[i] != y[i] {
			return false
		}
	}
	return true
}
