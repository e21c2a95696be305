package hf

import (
	"context"
	"math"

	"curvestream/accel"
)

// TrustSolver names how the trust-region subproblem is solved (section 8.6).
type TrustSolver int

// The solvers.
const (
	TrustSteihaug TrustSolver = iota // CG to the border (Steihaug and Toint): at least half as good as the best step
	TrustGLTR                        // the best step of the Krylov subspace, by its tridiagonal matrix; see [GLTR]
)

var trustNames = names{"steihaug", "gltr"}

// String returns the name of s.
func (s TrustSolver) String() string { return trustNames.of(int(s)) }

// MarshalText implements encoding.TextMarshaler.
func (s TrustSolver) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *TrustSolver) UnmarshalText(text []byte) error {
	i, err := trustNames.find(string(text))
	*s = TrustSolver(i)
	return err
}

// GLTR minimises q(x) = ½ xᵀAx − bᵀx over the part of a Krylov subspace with ‖x‖_P ≤ Radius, by the generalized Lanczos method
// that section 8.6 mentions (Gould, Lucidi, Roma and Toint 1999): A becomes a small tridiagonal matrix, whose own
// trust-region problem is solved exactly. Unlike [CG] it goes on from the border, and it needs no positive A. Its basis is kept,
// two vectors of the length of θ an iteration, and made orthogonal again at each: the report's other way, to run CG twice,
// costs twice the products.
type GLTR[F accel.Float] struct {
	Max               int               // products at most; zero means 250
	Precondition      Preconditioner[F] // nil means P = I
	Stop              Stopper           // nil means to go on to Max
	ResidualTolerance float64           // as that of [CG], for the residual of the damped system that x solves
	Radius            float64           // > 0
	Work              *Lanczos[F]       // nil means vectors of the run's own
}

// Minimize starts from 0, whatever x is, leaves the minimiser in x and says why it ended there: with StopBoundary where x lies
// on the border, whatever ended the run. The error is that of A or of ctx.
func (g GLTR[F]) Minimize(ctx context.Context, A Operator[F], b, x accel.Vector[F]) (Result, error) {
	w := g.Work
	if w == nil {
		w = new(Lanczos[F])
	}
	x.Zero()
	res := Result{History: []float64{0}}
	gamma := w.begin(g.Precondition, b)
	switch {
	case !finite(gamma):
		res.Stop = StopNonFinite
	case gamma == 0:
		res.Stop = StopConverged
	}
	var y []float64
	lambda := 0.0
	for res.Stop == NotStopped {
		rest, err := w.extend(ctx, A)
		if err != nil {
			return res, err
		}
		if !finite(rest) {
			res.Stop = StopNonFinite
			break
		}
		y, lambda = w.t.minimize(gamma, g.Radius)
		// q = ½ yᵀTy − γy₁, and Ty = γe₁ − λy
		res.Q = -gamma*y[0]/2 - lambda/2*norm(y)*norm(y)
		res.Iterations++
		res.History = append(res.History, res.Q)
		res.Stop = g.ended(res, rest*math.Abs(y[len(y)-1]), gamma)
		if res.Stop == NotStopped {
			if err := ctx.Err(); err != nil {
				return res, err
			}
		}
	}
	if res.Stop == StopNonFinite {
		return res, nil
	}
	for j := range y {
		x.Add(y[j], w.q(j))
	}
	if lambda > 0 {
		res.Stop = StopBoundary
	}
	return res, nil
}

// ended says whether, and why, the run ends; residual is that of the damped system in the norm of P⁻¹, and gamma that of b.
func (g GLTR[F]) ended(res Result, residual, gamma float64) StopReason {
	tolerance := (CG[F]{ResidualTolerance: g.ResidualTolerance}).tolerance()
	limit := g.Max
	if limit == 0 {
		limit = defaultCGMax
	}
	switch {
	case residual <= tolerance*gamma:
		return StopConverged
	case g.Stop != nil && g.Stop.Stop(res.History):
		return StopProgress
	case res.Iterations >= limit:
		return StopMax
	}
	return NotStopped
}

// Lanczos holds an orthonormal basis q₁ q₂ … of a Krylov subspace, qᵢᵀPqⱼ = 1 for i = j and else 0, with Pqⱼ, and T = QᵀAQ. The
// zero Lanczos is ready to use. It keeps its vectors for the next run.
type Lanczos[F accel.Float] struct {
	precondition Preconditioner[F]
	pq, solved   []accel.Vector[F] // Pq, and q = P⁻¹Pq where P is not I
	n            int               // basis vectors in use
	t            tridiagonal
}

// q returns basis vector j, counted from 0.
func (w *Lanczos[F]) q(j int) accel.Vector[F] {
	if w.precondition == nil {
		return w.pq[j]
	}
	return w.solved[j]
}

// begin starts the basis with P⁻¹b and returns γ = √(bᵀP⁻¹b), the first residual.
func (w *Lanczos[F]) begin(P Preconditioner[F], b accel.Vector[F]) float64 {
	w.precondition, w.n = P, 0
	w.t.diagonal, w.t.off = w.t.diagonal[:0], w.t.off[:0]
	w.room(b)
	w.pq[0].Copy(b)
	return w.normalize()
}

// room makes the vectors of index n.
func (w *Lanczos[F]) room(like accel.Vector[F]) {
	if len(w.pq) == w.n {
		w.pq = append(w.pq, like.New())
	}
	if w.precondition != nil && len(w.solved) == w.n {
		w.solved = append(w.solved, like.New())
	}
}

// normalize makes Pq of index n a vector of length 1 in the norm of P⁻¹, and q to go with it, and returns what the length was.
// A length of 0 ends the basis.
func (w *Lanczos[F]) normalize() float64 {
	pq, q := w.pq[w.n], w.q(w.n)
	if w.precondition != nil {
		w.precondition.Solve(q, pq)
	}
	length := math.Sqrt(pq.Dot(q))
	if length > 0 && finite(length) {
		pq.Scale(1 / length)
		if w.precondition != nil {
			q.Scale(1 / length)
		}
		w.n++
	}
	return length
}

// extend multiplies the newest basis vector by A, adds a row to T and, where there is one, a vector to the basis. It returns
// T's new off-diagonal element, the length of that vector: 0 where the subspace is complete.
func (w *Lanczos[F]) extend(ctx context.Context, A Operator[F]) (float64, error) {
	q := w.q(w.n - 1)
	w.room(q)
	z := w.pq[w.n]
	if err := A.Product(ctx, z, q); err != nil {
		return 0, err
	}
	alpha := z.Dot(q)
	for range 2 { // once is not enough for orthogonality to rounding
		for i := range w.n {
			z.Add(-z.Dot(w.q(i)), w.pq[i])
		}
	}
	before := w.n
	length := w.normalize()
	if !finite(alpha) {
		return alpha, nil
	}
	w.t.diagonal = append(w.t.diagonal, alpha)
	if w.n > before {
		w.t.off = append(w.t.off, length)
	}
	return length, nil
}
