package hf

import "math"

// ProgressForm says what the relative progress of CG is compared with (section 4).
type ProgressForm int

// The forms of the rule. s is (q(xᵢ) − q(xᵢ₋ₖ)) / q(xᵢ), with k = max(10, ⌈i/10⌉).
const (
	ProgressPerStep ProgressForm = iota // s < k·Tolerance: the code of Martens (2010)
	ProgressTotal                       // s < Tolerance: eqn. 2 of the report
)

var progressNames = names{"per_step", "total"}

// String returns the name of f.
func (f ProgressForm) String() string { return progressNames.of(int(f)) }

// MarshalText implements encoding.TextMarshaler.
func (f ProgressForm) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (f *ProgressForm) UnmarshalText(text []byte) error {
	i, err := progressNames.find(string(text))
	*f = ProgressForm(i)
	return err
}

// RelativeProgress stops CG when the last k iterations have brought too little of the whole gain in q (section 4). It
// never stops while q ≥ 0, which a warm start can cause (section 10), nor before iteration k+1. It has no state and may
// be shared.
type RelativeProgress struct {
	Form      ProgressForm
	Tolerance float64 // zero means 5e-4 in the form per step, 1e-4 in total
}

var _ Stopper = RelativeProgress{}

// Stop implements Stopper.
func (s RelativeProgress) Stop(q []float64) bool {
	progress, bound, ok := s.measure(q)
	return ok && progress < bound
}

// measure returns s and what it is compared with; ok is false where they are not asked.
func (s RelativeProgress) measure(q []float64) (progress, bound float64, ok bool) {
	i := len(q) - 1
	k := max(10, int(math.Ceil(float64(i)/10)))
	if i <= k || q[i] >= 0 {
		return 0, 0, false
	}
	return (q[i] - q[i-k]) / q[i], s.bound(k), true
}

func (s RelativeProgress) bound(k int) float64 {
	tolerance := s.Tolerance
	switch {
	case s.Form == ProgressTotal && tolerance == 0:
		return 1e-4
	case s.Form == ProgressTotal:
		return tolerance
	case tolerance == 0:
		tolerance = 5e-4
	}
	return float64(k) * tolerance
}

// A StopReason says why a CG run ended.
type StopReason int

// The reasons.
const (
	NotStopped            StopReason = iota
	StopMax                          // the limit of iterations
	StopProgress                     // a Stopper: little relative progress
	StopConverged                    // the residual vanished
	StopNegativeCurvature            // pᵀAp ≤ 0
	StopBoundary                     // the border of the trust region (section 8.6)
	StopWorse                        // f on the curvature minibatch got worse (section 13)
	StopNonFinite                    // a product or an iterate was not finite
	StopSampling                     // the residual is within the sampling error of products (section 12.2)
)

var stopNames = names{"none", "max", "progress", "converged", "negative_curvature", "boundary", "worse", "non_finite", "sampling"}

// String returns the name under which metrics report the reason.
func (s StopReason) String() string { return stopNames.of(int(s)) }
