// Package hf minimises functions by Hessian-free optimization, as the report of Martens and Sutskever (2012) describes it.
//
// It never sees a network. It asks an [Objective] for f, for ∇f and for products with the curvature matrix, and works on
// vectors that lie wherever the objective computes.
//
// [Optimizer.Step] is one pass through algorithm 3. Its parts stand by themselves: [CG] minimises the damped model
// (algorithm 2), ended by a [Stopper] and seen by an [Observer]; a [Damper] is the penalty that the model gets (section 8)
// and [LM] adapts its strength (section 8.5); a [Preconditioner] shapes CG (section 11); a [Selection] picks one of its
// iterates (section 8.7); a [LineSearch] sets the length of the step (section 8.8). [Settings] choose among them.
package hf

import (
	"context"

	"curvestream/accel"
)

// A Role is what a minibatch is used for within one HF iteration (section 12).
type Role int

// The roles.
const (
	Gradient  Role = iota // f and ∇f; by default also what the line search looks at
	Curvature             // products with B
	HeldOut               // choice of the CG iterate and watching for minibatch overfitting (section 12.2)
)

// An Objective is f, as the average over training cases (section 4), weight decay included. It may be asked for the
// minibatches of one iteration only, those of the last call of Advance, and any number of times. Implementations are used
// by one goroutine.
type Objective[F accel.Float] interface {
	// Advance moves on to the minibatches of HF iteration k, counted from 1.
	Advance(ctx context.Context, k int) error
	// Loss returns f(θ) on the minibatch of a role. A non-finite f is a value, not an error.
	Loss(ctx context.Context, role Role, theta accel.Vector[F]) (float64, error)
	// Gradient sets grad = ∇f(θ) on the gradient minibatch and returns f(θ) there. With fisher non-nil it also sets fisher to
	// the diagonal of the empirical Fisher matrix, 1/N Σ (∇fᵢ)², in the same sweep (section 11.3).
	Gradient(ctx context.Context, theta, grad, fisher accel.Vector[F]) (float64, error)
	// Linearize returns the curvature at θ on the curvature minibatch. θ must not change until it is closed.
	Linearize(ctx context.Context, theta accel.Vector[F]) (Linearization[F], error)
}

// A Linearization multiplies by the curvature matrix at one θ on one minibatch, as often as a CG run needs. It keeps the
// activations of that θ (section 7.1) and must be closed.
type Linearization[F accel.Float] interface {
	// Product sets dst = (B + mu·D) v, where B is the undamped curvature matrix, weight decay included, and D the
	// structural damping matrix (section 8.4), both averages over cases. dst and v do not overlap.
	Product(ctx context.Context, dst, v accel.Vector[F], mu float64) error
	// Close frees what the linearization keeps.
	Close() error
}
