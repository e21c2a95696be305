package hf

import "curvestream/accel"

// Preconditioning names what P is made from (section 11).
type Preconditioning int

// The preconditioners.
const (
	PreconditionFisher Preconditioning = iota // P = (d + λ + κ)^ξ, d being the empirical Fisher diagonal (section 11.3)
	PreconditionNone                          // P = I
)

var preconditioningNames = names{"fisher", "none"}

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

// soften turns d, an estimate of the diagonal of the damped curvature matrix, into the diagonal of P = (d + κ)^ξ
// (section 11.2). ones is scratch. κ is kappa plus kappaOfMean times the mean of d.
func soften[F accel.Float](d, ones accel.Vector[F], kappa, kappaOfMean, xi float64) {
	if kappaOfMean > 0 {
		ones.Zero()
		ones.Shift(1)
		kappa += kappaOfMean * d.Dot(ones) / float64(d.Len())
	}
	if kappa > 0 {
		d.Shift(kappa)
	}
	if xi != 1 {
		d.Pow(xi)
	}
}
