package hf

import (
	"context"
	"math"

	"curvestream/accel"
)

// A path keeps what CG-backtracking chooses from: the iterates at grid points, and the last one, which stays in x. It also
// watches f on the curvature minibatch (section 13) and records the trace. Its vectors are used again by the next run.
type path[F accel.Float] struct {
	keep   bool
	grid   Grid
	watch  Watch
	trace  bool
	losses *losses[F]
	see    func(i int, q []float64) // is shown q at the iterates so far, q[0] excepted; may be nil
	seen   []float64

	next   int // grid point
	kept   []candidate[F]
	pool   []accel.Vector[F]
	points []TracePoint
	looked float64 // f at the last look; NaN before the first

	needHighest     bool
	highest         accel.Vector[F] // the iterate of the highest f since the lowest, of those looked at
	lowestF, worstF float64
}

// A candidate is an iterate that δ may be.
type candidate[F accel.Float] struct {
	i int
	x accel.Vector[F]
	q float64
}

var _ Observer[float64] = (*path[float64])(nil)

// begin forgets the run before.
func (p *path[F]) begin() {
	p.next = p.grid.Next(0)
	p.kept = p.kept[:0]
	p.points = nil // handed out with the report
	p.looked = math.NaN()
	p.seen = append(p.seen[:0], math.NaN())
	p.lowestF, p.worstF = math.Inf(1), math.Inf(-1)
}

// Observe implements Observer.
func (p *path[F]) Observe(ctx context.Context, it Iterate[F]) (StopReason, error) {
	if p.see != nil {
		p.seen = append(p.seen, it.Q)
		p.see(it.I, p.seen)
	}
	if p.keep && it.I == p.next {
		p.store(it)
		p.next = p.grid.Next(it.I)
	}
	if p.trace {
		p.points = append(p.points, TracePoint{I: it.I, M: it.Q, Norm: math.Sqrt(it.X.Dot(it.X))})
	}
	if p.watch.Every == 0 || it.I%p.watch.Every != 0 {
		return NotStopped, nil
	}
	f, err := p.losses.along(ctx, Curvature, 1, it.X)
	if err != nil {
		return NotStopped, err
	}
	p.compare(f, it.X)
	if !finite(f) || f > p.looked+p.watch.Tolerance*math.Abs(p.looked) {
		return StopWorse, nil
	}
	p.looked = f
	return NotStopped, nil
}

// compare keeps x if it is what StartHighest asks for, f being its value on the curvature minibatch.
func (p *path[F]) compare(f float64, x accel.Vector[F]) {
	if !p.needHighest || !finite(f) {
		return
	}
	if f <= p.lowestF {
		p.lowestF, p.worstF = f, math.Inf(-1)
	}
	if f > p.worstF {
		p.worstF = f
		if p.highest == nil {
			p.highest = x.New()
		}
		p.highest.Copy(x)
	}
}

func (p *path[F]) store(it Iterate[F]) {
	if len(p.kept) == len(p.pool) {
		p.pool = append(p.pool, it.X.New())
	}
	x := p.pool[len(p.kept)]
	x.Copy(it.X)
	p.kept = append(p.kept, candidate[F]{it.I, x, it.Q})
}

// end adds the last iterate x of the run.
func (p *path[F]) end(res Result, x accel.Vector[F]) {
	if n := len(p.kept); n > 0 && p.kept[n-1].i == res.Iterations {
		n--
		p.kept[n].x = x
		return
	}
	p.kept = append(p.kept, candidate[F]{res.Iterations, x, res.Q})
}

// record notes in the trace that iterate i changes f by change.
func (p *path[F]) record(i int, change float64) {
	if i > 0 && i <= len(p.points) {
		p.points[i-1].F, p.points[i-1].HasF = change, true
	}
}
