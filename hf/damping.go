package hf

import (
	"context"

	"curvestream/accel"
)

// DampingKind names how the step is kept where the quadratic model can be trusted (section 8). Structural damping comes
// on top of each.
type DampingKind int

// The kinds of damping.
const (
	DampTikhonov    DampingKind = iota // the penalty ½λ‖δ‖², λ adapted by the LM rule (sections 8.1, 8.5)
	DampTrustRegion                    // ‖δ‖_P ≤ r, solved as Settings.TrustSolver says, r adapted by the LM rule (section 8.6)
	DampNone                           // nothing but what stops CG and the line search
	DampDiagonal                       // ½λ δᵀDδ, D being diag(B) moved towards I (section 8.3), λ by the LM rule
	DampCurvature                      // D = B (section 8.3), structural damping included, λ by the LM rule
)

var dampingNames = names{"tikhonov", "trust_region", "none", "diagonal", "curvature"}

// penalizes reports whether the damping is a penalty of strength λ.
func (d DampingKind) penalizes() bool {
	return d == DampTikhonov || d == DampDiagonal || d == DampCurvature
}

// String returns the name of d.
func (d DampingKind) String() string { return dampingNames.of(int(d)) }

// MarshalText implements encoding.TextMarshaler.
func (d DampingKind) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *DampingKind) UnmarshalText(text []byte) error {
	i, err := dampingNames.find(string(text))
	*d = DampingKind(i)
	return err
}

// A Damper is the quadratic penalty ½λ δᵀDδ that is added to the model (sections 8.1 and 8.3).
type Damper[F accel.Float] interface {
	// AddProduct adds λDv to dst, which holds Bv.
	AddProduct(dst, v accel.Vector[F])
	// AddDiagonal adds the diagonal of λD to d, which holds that of B: the preconditioner is to approximate the damped matrix
	// (section 11.2).
	AddDiagonal(d accel.Vector[F])
	// Penalty returns ½λ δᵀDδ. energy is ½ δᵀ(B + λD)δ.
	Penalty(delta accel.Vector[F], energy float64) float64
}

// Tikhonov is the Damper with D = I (section 8.1).
type Tikhonov[F accel.Float] struct{ Lambda float64 }

var _ Damper[float64] = Tikhonov[float64]{}

// AddProduct implements Damper.
func (t Tikhonov[F]) AddProduct(dst, v accel.Vector[F]) {
	if t.Lambda != 0 {
		dst.Add(t.Lambda, v)
	}
}

// AddDiagonal implements Damper.
func (t Tikhonov[F]) AddDiagonal(d accel.Vector[F]) {
	if t.Lambda != 0 {
		d.Shift(t.Lambda)
	}
}

// Penalty implements Damper.
func (t Tikhonov[F]) Penalty(delta accel.Vector[F], _ float64) float64 {
	if t.Lambda == 0 {
		return 0
	}
	return t.Lambda / 2 * delta.Dot(delta)
}

// damped is A = B + μD + λD′, the matrix of the damped model: D is the structural damping matrix, D′ that of the Damper.
type damped[F accel.Float] struct {
	lin      Linearization[F]
	mu       float64
	damper   Damper[F]
	products int // with lin, so far
}

var _ Operator[float64] = (*damped[float64])(nil)

// Product implements Operator.
func (a *damped[F]) Product(ctx context.Context, dst, v accel.Vector[F]) error {
	a.products++
	if err := a.lin.Product(ctx, dst, v, a.mu); err != nil {
		return err
	}
	a.damper.AddProduct(dst, v)
	return nil
}
