package hf

import (
	"context"
	"fmt"

	"curvestream/accel"
)

// CurvatureKind names the matrix B of the quadratic model (sections 5, 6 and 11.3).
type CurvatureKind int

// The kinds of curvature.
const (
	// CurvatureGGN is the generalized Gauss-Newton matrix (section 6), which is positive semi-definite.
	CurvatureGGN CurvatureKind = iota
	// CurvatureHessian is the Hessian (section 5). CG ends at the last iterate before it meets negative curvature; where that is
	// the start, the iteration is rejected and the damping raised until B̂ is positive along what CG tries.
	CurvatureHessian
	// CurvatureFisher is the empirical Fisher matrix, 1/N Σ ∇fᵢ∇fᵢᵀ (section 11.3), for comparison.
	CurvatureFisher
)

var curvatureNames = names{"ggn", "hessian", "fisher"}

// String returns the name of k.
func (k CurvatureKind) String() string { return curvatureNames.of(int(k)) }

// MarshalText implements encoding.TextMarshaler.
func (k CurvatureKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (k *CurvatureKind) UnmarshalText(text []byte) error {
	i, err := curvatureNames.find(string(text))
	*k = CurvatureKind(i)
	return err
}

// Extended is an Objective that has derivatives on the minibatches of all roles, and more than one matrix for curvature. Few
// settings ask for it; New says which.
type Extended[F accel.Float] interface {
	Objective[F]
	// GradientOn sets grad = ∇f(θ) on the minibatch of a role and returns f(θ) there.
	GradientOn(ctx context.Context, role Role, theta, grad accel.Vector[F]) (float64, error)
	// LinearizeAs is Linearize on the minibatch of a role, with the matrix of a kind.
	LinearizeAs(ctx context.Context, role Role, kind CurvatureKind, theta accel.Vector[F]) (Linearization[F], error)
}

// extended returns the objective as Extended, or an error that names the setting that asks for it. It returns nil where no
// setting does.
func extended[F accel.Float](objective Objective[F], s Settings) (Extended[F], error) {
	reason := ""
	switch {
	case s.Curvature != CurvatureGGN:
		reason = "Curvature = " + s.Curvature.String()
	case s.Method == MethodKSD:
		reason = "Method = " + s.Method.String()
	case s.Select.Model:
		reason = "Select.Model"
	default:
		return nil, nil
	}
	e, ok := objective.(Extended[F])
	if !ok {
		return nil, fmt.Errorf("hf: setting %s needs an objective with derivatives on all minibatches, and %T is none", reason, objective)
	}
	return e, nil
}

// linearize returns the curvature at θ on the curvature minibatch.
func (o *Optimizer[F]) linearize(ctx context.Context) (lin Linearization[F], err error) {
	if o.settings.Curvature == CurvatureGGN {
		lin, err = o.objective.Linearize(ctx, o.theta)
	} else {
		lin, err = o.extended.LinearizeAs(ctx, Curvature, o.settings.Curvature, o.theta)
	}
	if err != nil {
		return nil, fmt.Errorf("the linearization: %w", err)
	}
	return lin, nil
}
