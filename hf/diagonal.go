package hf

import (
	"context"
	"errors"
	"fmt"

	"curvestream/accel"
)

// An Estimate says how the diagonal of a curvature matrix is computed from backpropagated vectors.
type Estimate struct {
	// Exact asks for one backpropagation for each output unit (section 11.2), and with structural damping for each hidden unit;
	// a recurrent net needs them for each time-step. The other fields then mean nothing.
	Exact bool
	// Draws is the number of random v that sq(Jᵀ L″^½ v) is averaged over (algorithm 7), each one backpropagation.
	Draws int
	// Normal draws the elements of v from N(0,1) instead of {-1,1}, whose estimate has the lower variance (section 11.4).
	Normal bool
	// Seed decides v. The same Seed gives the same v, whatever the chunks and the threads.
	Seed uint64
}

// A DiagonalSource is a Linearization that knows, or estimates, the diagonal of its matrix.
type DiagonalSource[F accel.Float] interface {
	// Diagonal sets dst to diag(B + mu·D), or to an unbiased estimate of it, averaged over cases, weight decay included.
	Diagonal(ctx context.Context, dst accel.Vector[F], mu float64, e Estimate) error
}

// estimates reports whether P, or the damping matrix, is made from a diagonal that the linearization estimates.
func (p Preconditioning) estimates() bool {
	return p == PreconditionUnbiased || p == PreconditionNormal || p == PreconditionExact
}

// diagonal sets o.d to an estimate of diag(B + μD), where the empirical Fisher diagonal is not it already. It reports whether
// o.d is finite.
func (o *Optimizer[F]) diagonal(ctx context.Context, lin Linearization[F], r *Report) (bool, error) {
	p := o.settings.Precondition
	if !p.Kind.estimates() {
		return true, nil
	}
	source, ok := lin.(DiagonalSource[F])
	if !ok {
		return false, errors.New("the objective cannot estimate the diagonal of its curvature: choose the fisher preconditioner or none")
	}
	e := Estimate{Exact: p.Kind == PreconditionExact, Draws: p.Draws, Normal: p.Kind == PreconditionNormal, Seed: p.Seed + uint64(r.Iteration)}
	if err := source.Diagonal(ctx, o.d, r.Mu, e); err != nil {
		return false, fmt.Errorf("the diagonal of the curvature: %w", err)
	}
	return finite(o.d.Dot(o.d)), nil
}

// precondition makes P from o.d, which becomes its diagonal, for the damped matrix (section 11.2).
func (o *Optimizer[F]) precondition(A *damped[F]) Preconditioner[F] {
	p := o.settings.Precondition
	if p.Kind == PreconditionNone {
		return nil
	}
	A.damper.AddDiagonal(o.d)
	soften(o.d, o.scale, o.x, p.Kappa, p.KappaOfMean, p.Xi)
	return Diagonal[F]{D: o.d}
}
