package hf

import "curvestream/accel"

// Preconditioning names what P is made from (section 11). Each P is (d + λD + κ)^ξ, d being what is known of diag(B).
type Preconditioning int

// The preconditioners. All but the first two ask for a [DiagonalSource]; their d includes the structural damping, which the
// gradients of the empirical Fisher matrix do not see (section 11.4).
const (
	PreconditionFisher   Preconditioning = iota // the empirical Fisher diagonal (section 11.3)
	PreconditionNone                            // P = I
	PreconditionUnbiased                        // the estimator of algorithm 7, v in {-1,1}
	PreconditionNormal                          // the same, v from N(0,1)
	PreconditionExact                           // by a backpropagation for each output unit (section 11.2)
)

var preconditioningNames = names{"fisher", "none", "unbiased", "unbiased_normal", "exact"}

// String returns the name of p.
func (p Preconditioning) String() string { return preconditioningNames.of(int(p)) }

// MarshalText implements encoding.TextMarshaler.
func (p Preconditioning) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (p *Preconditioning) UnmarshalText(text []byte) error {
	i, err := preconditioningNames.find(string(text))
	*p = Preconditioning(i)
	return err
}

// A Diagonal is the preconditioner P = diag(D) (section 11.2). All elements of D are positive.
type Diagonal[F accel.Float] struct{ D accel.Vector[F] }

var _ Preconditioner[float64] = Diagonal[float64]{}

// Solve implements Preconditioner.
func (p Diagonal[F]) Solve(y, r accel.Vector[F]) {
	y.Copy(r)
	y.Div(p.D)
}

// soften moves d, the diagonal of a curvature matrix, towards diag(s), or towards I where s is nil: it becomes (d + κs)^ξ
// (section 11.2). κ is kappa plus kappaOfMean times the mean of d. ones is scratch.
func soften[F accel.Float](d, s, ones accel.Vector[F], kappa, kappaOfMean, xi float64) {
	if kappaOfMean > 0 {
		ones.Zero()
		ones.Shift(1)
		kappa += kappaOfMean * d.Dot(ones) / float64(d.Len())
	}
	switch {
	case kappa <= 0:
	case s == nil:
		d.Shift(kappa)
	default:
		d.Add(kappa, s)
	}
	if xi != 1 {
		d.Pow(xi)
	}
}
