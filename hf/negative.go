package hf

import (
	"context"
	"fmt"
)

// NegativeRule says what becomes of an iteration whose CG run meets negative curvature at its very first direction, and so has no
// iterate to offer (section 6). Only matrices that are not positive semi-definite, such as the Hessian, ask for it.
type NegativeRule int

// The rules.
const (
	// NegativeDescend takes δ = P⁻¹b, the direction of (preconditioned) steepest descent, whose length is left to the line search,
	// and raises the damping: the model has no minimiser.
	NegativeDescend NegativeRule = iota
	NegativeReject               // leaves θ where it is, and raises the damping
)

var negativeNames = names{"descend", "reject"}

// String returns the name of n.
func (n NegativeRule) String() string { return negativeNames.of(int(n)) }

// MarshalText implements encoding.TextMarshaler.
func (n NegativeRule) MarshalText() ([]byte, error) { return []byte(n.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (n *NegativeRule) UnmarshalText(text []byte) error {
	i, err := negativeNames.find(string(text))
	*n = NegativeRule(i)
	return err
}

// steepest sets o.x = P⁻¹b and returns the damped model there, which costs a product.
func (o *Optimizer[F]) steepest(ctx context.Context, A *damped[F], P Preconditioner[F]) (q float64, err error) {
	if P == nil {
		o.x.Copy(o.b)
	} else {
		P.Solve(o.x, o.b)
	}
	Ax := o.losses.trial
	if err := A.Product(ctx, Ax, o.x); err != nil {
		return 0, fmt.Errorf("the model along steepest descent: %w", err)
	}
	return o.x.Dot(Ax)/2 - o.b.Dot(o.x), nil
}

// metNothingElse reports whether CG found negative curvature before its first step.
func (r *Report) metNothingElse() bool { return r.CGStop == StopNegativeCurvature && r.CGSteps == 0 }
