package nn

import (
	"context"

	"curvestream/accel"
)

// A Net computes f, its gradient and its curvature on one chunk of sequences. Package fnn and package rnn each have one;
// here is what they agree on.
//
// All values are sums over the chunk, Σᵢ wᵢ fᵢ, so that chunks can be added up; whoever adds them divides by the sum of the
// weights and adds the weight decay. A Net holds no θ. It is safe for concurrent use, with a linearization per goroutine.
type Net[F accel.Float] interface {
	// Layout returns the order of the parameters in θ.
	Layout() Layout
	// Loss returns Σᵢ wᵢ fᵢ. With caseLoss non-nil, of length b.Columns(), it also sets wᵢ fᵢ of each column.
	Loss(ctx context.Context, theta accel.Vector[F], b *Batch[F], caseLoss []float64) (float64, error)
	// Outputs returns what the net predicts, p of the loss (not z), b.OutputRows() × Out row-major in host memory.
	Outputs(ctx context.Context, theta accel.Vector[F], b *Batch[F]) ([]F, error)
	// Gradient adds Σᵢ wᵢ ∇fᵢ to grad (algorithm 1) and, with fisher non-nil, Σᵢ (wᵢ ∇fᵢ)², element-wise, to fisher (section
	// 11.3); it returns Σᵢ wᵢ fᵢ. The gradients that are squared are those of whole sequences.
	Gradient(ctx context.Context, theta accel.Vector[F], b *Batch[F], grad, fisher accel.Vector[F]) (float64, error)
	// Linearize runs the net forward at θ and keeps the activations (section 7.1) for many products. θ and b must stay
	// unchanged until the linearization is closed.
	Linearize(ctx context.Context, theta accel.Vector[F], b *Batch[F]) (Linearization[F], error)
}

// A Linearization multiplies by curvature matrices at a fixed θ on a fixed chunk. Its products are sums over the chunk.
// It is used by one goroutine at a time and must be closed.
type Linearization[F accel.Float] interface {
	// AddGv adds Σᵢ wᵢ (Jᵢᵀ L″ᵢ Jᵢ v + mu Dᵢ v) to dst: the Gauss-Newton matrix (algorithm 5), with the structural damping
	// matrix D (section 8.4) folded into the same product. With mu = 0 there is no damping. dst and v do not overlap.
	AddGv(ctx context.Context, dst, v accel.Vector[F], mu float64) error
	// AddHv adds Σᵢ wᵢ Hᵢ v to dst: the exact Hessian (algorithm 4).
	AddHv(ctx context.Context, dst, v accel.Vector[F]) error
	// Jv returns J v, where J is the Jacobian of the outputs z with respect to θ: b.OutputRows() × Out row-major in host
	// memory.
	Jv(ctx context.Context, v accel.Vector[F]) ([]F, error)
	// AddJtu adds Jᵀ u to dst, u being shaped like the result of Jv.
	AddJtu(ctx context.Context, dst accel.Vector[F], u []F) error
	// Close frees the activations.
	Close() error
}

// StructuralDistance is d of the structural damping penalty (section 8.4).
type StructuralDistance int

// The distances between hidden activities, summed over all time-steps of a sequence, whether or not they have a target.
const (
	SquaredDistance      StructuralDistance = iota // ½‖h − h⁰‖²
	CrossEntropyDistance                           // of h (logistic) or (h+1)/2 (tanh): s′(h) with respect to the pre-activation
)
