package hf

import (
	"fmt"
	"time"
)

// An Outcome says what became of an HF iteration.
type Outcome int

// The outcomes. From Ascending on, the iteration was rejected: θ stays, the damping is raised, CG starts from 0 next time.
const (
	undecided   Outcome = iota
	Accepted            // θ moved and f fell
	Climbed             // θ moved although f rose: a fixed step length only
	Stationary          // ∇f = 0: nothing to do
	Ascending           // δ does not point downhill (∇fᵀδ ≥ 0) and no step along it lowered f
	NoDecrease          // δ points downhill, and yet no step along it lowered f sufficiently
	NoDirection         // CG met negative curvature before its first step
	NonFinite           // f, ∇f or a product was not finite, or f was at every step that was tried
)

var outcomeNames = names{"undecided", "accepted", "climbed", "stationary", "ascending", "no_decrease", "no_direction", "non_finite"}

// String returns the name under which metrics report the outcome.
func (o Outcome) String() string { return outcomeNames.of(int(o)) }

// Rejected reports whether the iteration left θ where it was because the step was bad.
func (o Outcome) Rejected() bool { return o >= Ascending }

// A Report tells what one HF iteration did.
type Report struct {
	Iteration int
	Outcome   Outcome

	// F0 and F are f before and after, on the minibatch of the line search.
	F0, F float64
	// ModelDecrease is M(δ) − M(0) of the chosen iterate, damped or not as Settings.Rho says; negative is a decrease.
	ModelDecrease float64
	Rho           float64 // eqn. 10, for α = 1; −∞ where f(θ+δ) is not finite
	Verdict       Verdict // how to read Rho

	Lambda, Mu, Radius float64 // as this iteration used them; Mu is what multiplies D
	Zeta               float64

	CGSteps int // iterations of CG or Lanczos; with MethodKSD the size of the subspace
	CGUsed  int // the iteration whose iterate was chosen
	// SelectF0 and SelectF are f before, and at the chosen iterate with α = 1, on the minibatch that chose it: with held-out
	// data they tell whether the step overfits its minibatch (section 12.2). With Select.Model they are M there, from 0.
	SelectF0, SelectF float64
	CGStop            StopReason // why CG ended
	CGInitM           float64    // the damped model at the start of CG, from 0: positive where the warm start costs

	Alpha    float64 // step length; 0 where θ did not move
	GradNorm float64 // ‖∇f(θ)‖
	StepNorm float64 // ‖αδ‖

	LSEvals    int // evaluations of f by the line search
	Losses     int // evaluations of f in all, without the one that comes with ∇f
	Gradients  int // evaluations of ∇f
	Products   int // products with B
	Seconds    Seconds
	Rejections int // rejected iterations in a row, this one included

	Cases    int     // that Settings.Growth asks for in the next gradient minibatch; 0 without it
	Variance float64 // ‖Var(∇fᵢ)‖₁, with Settings.Growth

	Trace []TracePoint // with Settings.Trace, of CG runs
}

// Seconds are wall-clock times by phase.
type Seconds struct {
	Total    float64
	Gradient float64 // f and ∇f
	CG       float64 // linearization and products, vector operations of CG included
	Loss     float64 // evaluations of f
}

// A TracePoint is one CG iterate in the report's figure 4.
type TracePoint struct {
	I    int     // iteration of CG, from 1
	M    float64 // the damped model, from 0
	Norm float64 // ‖x‖
	F    float64 // f(θ+x) − f(θ) on the minibatch that chose the iterate; valid if HasF
	HasF bool
}

// since adds the time since start to *seconds.
func since(start time.Time, seconds *float64) { *seconds += time.Since(start).Seconds() }

// A GiveUpError ends a run of rejected iterations. θ is where the last accepted iteration left it.
type GiveUpError struct {
	Err        error // ErrDiverged or ErrStalled
	Iteration  int
	Rejections int // in a row
	Last       Outcome
	Lambda     float64 // for the iteration that does not come; 0 where there is none
}

// Error implements error.
func (e *GiveUpError) Error() string {
	lambda := ""
	if e.Lambda > 0 {
		lambda = fmt.Sprintf("; λ now %.3g", e.Lambda)
	}
	return fmt.Sprintf("hf: iteration %d: the last %d iterations were rejected (the last one: %s%s): %v",
		e.Iteration, e.Rejections, e.Last, lambda, e.Err)
}

// Unwrap returns the kind of failure.
func (e *GiveUpError) Unwrap() error { return e.Err }
