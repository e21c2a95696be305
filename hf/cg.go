package hf

import (
	"context"
	"math"

	"curvestream/accel"
)

// An Operator multiplies by a symmetric matrix A that stays fixed during a CG run: the damped curvature matrix (section 4).
type Operator[F accel.Float] interface {
	// Product sets dst = A v. dst and v have the length of θ and do not overlap.
	Product(ctx context.Context, dst, v accel.Vector[F]) error
}

// A Preconditioner solves P y = r for a symmetric positive definite P that stays fixed during a CG run (section 11).
type Preconditioner[F accel.Float] interface {
	// Solve sets y to the solution. y and r do not overlap.
	Solve(y, r accel.Vector[F])
}

// A Stopper decides after each iteration whether a CG run has done its work.
type Stopper interface {
	// Stop is given q at the iterates so far: q[0] at the start and q[i] at x_i, the last element at the newest one.
	Stop(q []float64) bool
}

// An Observer sees every iterate of a CG run, and may end it.
type Observer[F accel.Float] interface {
	// Observe returns NotStopped to let the run go on. An error ends the run and is returned by it.
	Observe(ctx context.Context, it Iterate[F]) (StopReason, error)
}

// An Iterate is what an observer sees of a CG run. X is valid during the call only.
type Iterate[F accel.Float] struct {
	I int // counted from 1
	X accel.Vector[F]
	Q float64 // ½ xᵀAx − bᵀx
}

// A Work holds the vectors and the history of a CG run, so that the next run need not allocate them. The zero Work is ready
// to use; it serves one run at a time and vectors of one length.
type Work[F accel.Float] struct {
	r, y, p, ap accel.Vector[F]
	q           []float64
}

// CG minimises q(x) = ½ xᵀAx − bᵀx by preconditioned conjugate gradients (algorithm 2). The zero CG is ready to use.
// It may be used by several goroutines if each has a Work, an Observer and an Operator of its own.
type CG[F accel.Float] struct {
	Max          int               // iterations at most; zero means 250, the limit of Martens (2010)
	Precondition Preconditioner[F] // nil means P = I
	Stop         Stopper           // nil means to go on to Max
	Sampling     *Sampling[F]      // nil means that sampling error does not end the run
	Observe      Observer[F]       // nil means no observer
	Refresh      int               // compute r = Ax − b anew every so many iterations, with a product each; zero means never
	// ResidualTolerance ends the run when √(rᵀP⁻¹r) has fallen below this fraction of its largest value. Zero means the
	// unit roundoff of F: further iterations would follow rounding errors.
	ResidualTolerance float64
	// Radius of a trust region ‖x − x₀‖_P ≤ Radius around the start x₀ (Steihaug-Toint, section 8.6, where x₀ = 0; section 8.7
	// for others). Zero means none.
	Radius float64
	Work   *Work[F] // nil means vectors of the run's own
}

// A Result is what a CG run tells besides x.
type Result struct {
	Iterations int
	Start, Q   float64    // q where it started and where it ended. q(0) = 0 wherever it started
	Stop       StopReason // why it ended
	History    []float64  // q at the start and at every iterate; valid until the Work is used again
}

// Minimize starts from x, leaves the last iterate in x and says why it ended there. It multiplies by A once an iteration,
// and once at the start unless x = 0. b is only read.
//
// Negative curvature, pᵀAp ≤ 0, ends the run at the last good iterate; inside a trust region the run first follows p to
// the border. Where a value becomes non-finite the run ends with StopNonFinite, and x must not be used. The error is that
// of A, of the observer, or of ctx.
func (cg CG[F]) Minimize(ctx context.Context, A Operator[F], b, x accel.Vector[F]) (Result, error) {
	w := cg.work(x)
	r, y, p, Ap := w.r, w.y, w.p, w.ap
	if cg.Precondition == nil {
		y = r // P = I
	}

	// r₀ ← Ax₀ − b;  Py₀ = r₀;  p₀ ← −y₀
	if err := residual(ctx, A, r, b, x); err != nil {
		return Result{}, err
	}
	ry := cg.solve(y, r)
	p.Copy(y)
	p.Scale(-1)

	res := Result{Start: halfDot(r, b, x)}
	res.Q, res.History = res.Start, append(w.q[:0], res.Start)
	defer func() { w.q = res.History }()
	region := region{radius: cg.Radius, pp: ry}
	tolerance, largest := cg.tolerance(), 0.0
	var sampled float64
	if cg.Sampling != nil && ry > 0 && finite(ry) {
		var err error
		if sampled, err = cg.Sampling.bound(ctx, p); err != nil {
			return res, err
		}
	}

	for i := 1; ; i++ {
		largest = math.Max(largest, ry)
		if res.Stop = exhausted(ry, largest, tolerance); res.Stop != NotStopped {
			return res, nil
		}
		if err := A.Product(ctx, Ap, p); err != nil {
			return res, err
		}
		alpha, border := region.step(ry, p.Dot(Ap))
		if alpha == 0 || !finite(alpha) {
			res.Stop = border
			return res, nil
		}
		rx, bx := descend(alpha, x, p, r, Ap, b)
		if cg.Refresh > 0 && i%cg.Refresh == 0 {
			if err := residual(ctx, A, r, b, x); err != nil {
				return res, err
			}
			rx, bx = r.Dot(x), b.Dot(x)
		}
		res.Iterations, res.Q = i, (rx-bx)/2
		res.History = append(res.History, res.Q)

		var err error
		if res.Stop, err = cg.ended(ctx, res, x, border); err != nil || res.Stop != NotStopped {
			return res, err
		}
		if sampled > 0 && r.Dot(r) <= sampled*x.Dot(x) {
			res.Stop = StopSampling
			return res, nil
		}

		// Py = r;  β ← rᵀy / previous rᵀy;  p ← −y + βp
		previous := ry
		ry = cg.solve(y, r)
		beta := ry / previous
		turn(p, beta, y)
		region.turn(beta, ry)
	}
}

// ended asks all who may end the run after iteration res.Iterations. border is what the trust region says.
func (cg CG[F]) ended(ctx context.Context, res Result, x accel.Vector[F], border StopReason) (StopReason, error) {
	if !finite(res.Q) {
		return StopNonFinite, nil
	}
	if cg.Observe != nil {
		reason, err := cg.Observe.Observe(ctx, Iterate[F]{I: res.Iterations, X: x, Q: res.Q})
		if err != nil || reason != NotStopped {
			return reason, err
		}
	}
	limit := cg.Max
	if limit == 0 {
		limit = defaultCGMax
	}
	switch {
	case border != NotStopped:
		return border, nil
	case cg.Stop != nil && cg.Stop.Stop(res.History):
		return StopProgress, nil
	case res.Iterations >= limit:
		return StopMax, nil
	}
	return NotStopped, ctx.Err()
}

// exhausted ends a run that has nothing left to work on.
func exhausted(ry, largest, tolerance float64) StopReason {
	switch {
	case !finite(ry):
		return StopNonFinite
	case ry <= tolerance*tolerance*largest:
		return StopConverged
	}
	return NotStopped
}

func (cg CG[F]) work(x accel.Vector[F]) *Work[F] {
	w := cg.Work
	if w == nil {
		w = new(Work[F])
	}
	if w.r == nil {
		w.r, w.p, w.ap = x.New(), x.New(), x.New()
	}
	if w.y == nil && cg.Precondition != nil {
		w.y = x.New()
	}
	return w
}

func (cg CG[F]) tolerance() float64 {
	if cg.ResidualTolerance > 0 {
		return cg.ResidualTolerance
	}
	return unitRoundoff[F]()
}

// residual sets r = Ax − b. It needs no product where x = 0.
func residual[F accel.Float](ctx context.Context, A Operator[F], r, b, x accel.Vector[F]) error {
	if x.Dot(x) == 0 {
		r.Zero()
	} else if err := A.Product(ctx, r, x); err != nil {
		return err
	}
	r.Add(-1, b)
	return nil
}

// halfDot returns q(x) = ½ (r − b)ᵀx, which needs no product (section 4).
func halfDot[F accel.Float](r, b, x accel.Vector[F]) float64 { return (r.Dot(x) - b.Dot(x)) / 2 }

func unitRoundoff[F accel.Float]() float64 {
	if one := F(1); one+F(1.0/(1<<30)) == one {
		return 1.0 / (1 << 24)
	}
	return 1.0 / (1 << 53)
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
