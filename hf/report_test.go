package hf

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"testing"

	"curvestream/accel"
)

// What a report says is checked against the objective: M(δ), ρ, the counts and the norms.
func TestReportAgreesWithTheObjective(t *testing.T) {
	for name, s := range map[string]Settings{
		"default":    {},
		"damped":     {Rho: Rho{Damped: true}},
		"structural": {Structural: Structural{Mu: 0.7, Rule: MuFixed}},
		"both":       {Structural: Structural{Mu: 0.7, Rule: MuTied}, Rho: Rho{Damped: true}},
	} {
		s.Select.Rule = SelectLast // δ is then what the next run starts from
		l := classics()[2]
		o, theta := newOptimizer(t, l, s)
		for range 12 {
			before := append(vec(nil), theta...)
			products, evaluations := l.products, l.evaluations
			r, err := o.Step(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			_, res, J := l.at(before)
			delta := o.State().Delta
			var g, Bdd, dd float64
			for i := range res {
				var Jd float64
				for j, d := range delta {
					Jd += J[i*len(delta)+j] * d
				}
				g += res[i] * Jd
				Bdd += Jd * Jd
			}
			dd = vec(delta).Dot(vec(delta))
			model := g + Bdd/2
			if s.Rho.Damped {
				model += (r.Lambda + r.Mu) / 2 * dd
			}
			near := func(what string, got, want float64) {
				if math.Abs(got-want) > 1e-9*(1e-3+math.Abs(want)) {
					t.Errorf("%s, iteration %d: %s = %g, want %g", name, r.Iteration, what, got, want)
				}
			}
			full := append(vec(nil), before...)
			full.Add(1, vec(delta))
			f0, _ := l.Loss(t.Context(), Gradient, before)
			f1, _ := l.Loss(t.Context(), Gradient, full)
			f, _ := l.Loss(t.Context(), Gradient, theta)
			near("M(δ)", r.ModelDecrease, model)
			near("ρ", r.Rho, (f1-f0)/model)
			near("f before", r.F0, f0)
			near("f after", r.F, f)
			near("‖αδ‖", r.StepNorm, r.Alpha*math.Sqrt(dd))
			if r.Products != l.products-products || r.Losses != l.evaluations-3-evaluations {
				t.Errorf("%s: %d products and %d evaluations, but %d and %d were asked for", name,
					r.Products, r.Losses, l.products-products, l.evaluations-3-evaluations)
			}
			if r.CGUsed != r.CGSteps || r.Seconds.Total <= 0 || r.Seconds.CG <= 0 {
				t.Errorf("%s: %+v", name, r)
			}
		}
		if p := o.Progress(); p.Products != int64(l.products) || p.Gradients != 12 {
			t.Errorf("%s: progress %+v after %d products", name, p, l.products)
		}
	}
}

// recorder notes where f is asked for.
type recorder struct {
	*leastSquares[float64]
	seen map[string]bool
	t    *testing.T
}

func (o recorder) Loss(ctx context.Context, role Role, theta accel.Vector[float64]) (float64, error) {
	place := fmt.Sprint(role, theta)
	if o.seen[place] {
		o.t.Errorf("iteration %d asks twice for f on the %s minibatch at %v", o.step, role, theta)
	}
	o.seen[place] = true
	return o.leastSquares.Loss(ctx, role, theta)
}

func TestNoLossIsEvaluatedTwice(t *testing.T) {
	for _, role := range []Role{Gradient, Curvature} {
		l := recorder{classics()[2], nil, t}
		o, err := New(l, append(vec(nil), l.start...), Settings{
			Rho: Rho{Role: role}, LineSearch: LineSearchSettings{Role: role},
			Select: SelectSettings{Role: role, Grid: Grid{Every: 1}}, CG: CGSettings{Max: 3},
		})
		if err != nil {
			t.Fatal(err)
		}
		for range 20 {
			l.seen = map[string]bool{}
			o.objective, o.losses.objective = l, l
			if _, err := o.Step(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// CG starts at ζδ, with ζ by its schedule (section 10): the value of the damped model there tells.
func TestStartIsDecayed(t *testing.T) {
	for name, c := range map[string]struct {
		cg   CGSettings
		zeta func(k int) float64
	}{
		"default":  {CGSettings{}, func(int) float64 { return 0.95 }},
		"constant": {CGSettings{Zeta: 0.6}, func(int) float64 { return 0.6 }},
		"schedule": {CGSettings{ZetaSchedule: Schedule{{1, 0.5}, {6, 1}}}, func(k int) float64 { return math.Min(1, 0.4+0.1*float64(k)) }},
		"zero":     {CGSettings{Start: StartZero, Zeta: 0.6}, func(int) float64 { return 0 }},
	} {
		l := classics()[2]
		o, theta := newOptimizer(t, l, Settings{CG: c.cg})
		for k := range 6 {
			before, start := append(vec(nil), theta...), vec(o.State().Delta)
			r, err := o.Step(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			zeta := c.zeta(k + 1)
			start.Scale(zeta)
			_, res, J := l.at(before)
			want := r.Lambda / 2 * start.Dot(start)
			for i := range res {
				Jx := start.Dot(vec(J[i*len(start) : (i+1)*len(start)]))
				want += Jx*Jx/2 + res[i]*Jx
			}
			if math.Abs(r.Zeta-zeta) > 1e-15 || math.Abs(r.CGInitM-want) > 1e-9*(1+math.Abs(want)) {
				t.Errorf("%s, iteration %d: ζ = %g, M = %g at the start; want %g, %g", name, k+1, r.Zeta, r.CGInitM, zeta, want)
			}
		}
	}
}

// Each setting of CG arrives there.
func TestCGSettingsArrive(t *testing.T) {
	d := spectrum(400, func(i int) float64 { return math.Pow(1e5, float64(i)/400) })
	run := func(cg CGSettings) Report {
		o, err := New(bowl{d, make(vec, 400)}, make(vec, 400), Settings{
			Lambda: 1e-6, CG: cg, Precondition: PreconditionSettings{Kind: PreconditionNone},
		})
		if err != nil {
			t.Fatal(err)
		}
		r, err := o.Step(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	r := run(CGSettings{})
	if r.CGStop != StopProgress {
		t.Errorf("by default: %s after %d", r.CGStop, r.CGSteps)
	}
	if loose := run(CGSettings{Progress: RelativeProgress{Tolerance: 1e-2}}); loose.CGStop != StopProgress || loose.CGSteps >= r.CGSteps {
		t.Errorf("looser: %s after %d, default %d", loose.CGStop, loose.CGSteps, r.CGSteps)
	}
	if long := run(CGSettings{NoProgressStop: true}); long.CGStop != StopMax || long.CGSteps != 250 {
		t.Errorf("without the stop: %s after %d", long.CGStop, long.CGSteps)
	}
	if short := run(CGSettings{Max: 7}); short.CGStop != StopMax || short.CGSteps != 7 || short.Products != 7 {
		t.Errorf("limit: %s after %d", short.CGStop, short.CGSteps)
	}
	if coarse := run(CGSettings{ResidualTolerance: 0.1}); coarse.CGStop != StopConverged || coarse.CGSteps >= r.CGSteps {
		t.Errorf("residual: %s after %d", coarse.CGStop, coarse.CGSteps)
	}
	if fresh := run(CGSettings{Max: 7, Refresh: 3}); fresh.Products != 9 {
		t.Errorf("refreshed: %d products in 7 iterations", fresh.Products)
	}
}

// As κ grows, P tends to a multiple of the identity (section 11.2), to which CG is indifferent.
func TestKappaSoftensP(t *testing.T) {
	trace := func(p PreconditionSettings) []TracePoint {
		d := spectrum(50, func(i int) float64 { return math.Pow(1e3, float64(i)/50) })
		o, err := New(bowl{d, make(vec, 50)}, make(vec, 50), Settings{
			Trace: true, Precondition: p, CG: CGSettings{Max: 10, NoProgressStop: true},
		})
		if err != nil {
			t.Fatal(err)
		}
		r, err := o.Step(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return r.Trace
	}
	distance := func(p PreconditionSettings) (sum float64) {
		got, plain := trace(p), trace(PreconditionSettings{Kind: PreconditionNone})
		for i := range got {
			sum += math.Abs(got[i].M - plain[i].M)
		}
		return sum
	}
	last := distance(PreconditionSettings{})
	for _, p := range []PreconditionSettings{{Kappa: 1e7}, {Kappa: 1e9}, {Kappa: 1e12}} {
		next := distance(p)
		if next >= last/2 {
			t.Errorf("κ = %g: M differs from that without a preconditioner by %g, and by %g with less κ", p.Kappa, next, last)
		}
		last = next
	}
	if relative := distance(PreconditionSettings{KappaOfMean: 1e8}); relative > 1e-3 {
		t.Errorf("κ of the mean: M differs by %g", relative)
	}
}

func TestMuFollowsItsRule(t *testing.T) {
	for rule, want := range map[MuRule]func(p Progress) (own, next float64){
		MuTied:  func(p Progress) (float64, float64) { return 0.5, 0.5 * p.Lambda },
		MuOwn:   func(p Progress) (float64, float64) { return p.Mu, p.Mu },
		MuFixed: func(Progress) (float64, float64) { return 0.5, 0.5 },
	} {
		o, _ := newOptimizer(t, rosenbrock(), Settings{Structural: Structural{Mu: 0.5, Rule: rule, LM: LM{Raise: 3, Drop: 0.1}}})
		for range 4 {
			p := o.Progress()
			r, err := o.Step(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if own, next := want(p); p.Mu != own || r.Mu != next {
				t.Errorf("%s: μ = %g used as %g, want %g used as %g", rule, p.Mu, r.Mu, own, next)
			}
			if next := o.settings.Structural.LM.Adapt(p.Mu, r.Rho, r.Verdict); rule == MuOwn && !r.Outcome.Rejected() && o.Progress().Mu != next {
				t.Errorf("own: μ goes from %g to %g where ρ = %g, want %g", p.Mu, o.Progress().Mu, r.Rho, next)
			}
		}
		if p := o.Progress(); (p.Mu != 0.5) != (rule == MuOwn) {
			t.Errorf("%s: μ has become %g", rule, p.Mu)
		}
	}
}

// The trace is figure 4: M and, where the iterate was looked at, f, by CG iteration.
func TestTrace(t *testing.T) {
	l := classics()[2]
	o, theta := newOptimizer(t, l, Settings{Trace: true, Select: SelectSettings{Grid: Grid{Every: 2}}})
	var last []TracePoint
	for range 3 {
		f0, _ := l.Loss(t.Context(), Gradient, theta)
		r, err := o.Step(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Trace) != r.CGSteps || len(r.Trace) == 0 {
			t.Fatalf("%d points for %d iterations of CG", len(r.Trace), r.CGSteps)
		}
		previous := r.CGInitM
		for i, p := range r.Trace {
			if p.I != i+1 || p.M > previous+1e-9 || p.Norm <= 0 || p.HasF != (p.I%2 == 0 || p.I == r.CGSteps) {
				t.Errorf("point %d: %+v after M = %g", i, p, previous)
			}
			previous = p.M
		}
		if p := r.Trace[r.CGUsed-1]; r.Alpha == 1 && math.Abs(p.F-(r.F-f0)) > 1e-12*f0 {
			t.Errorf("f changes by %g at the chosen iterate and by %g in the report", p.F, r.F-f0)
		}
		if last != nil && &last[0] == &r.Trace[0] {
			t.Error("a trace that was handed out is written to again")
		}
		last = r.Trace
	}
	if o, _ := newOptimizer(t, l, Settings{}); true {
		if r, _ := o.Step(t.Context()); r.Trace != nil {
			t.Error("a trace that nobody asked for")
		}
	}
}

// bowl is ½ Σ dᵢ (θᵢ − 1)², without allocations of its own.
type bowl struct{ d, scratch vec }

func (o bowl) Advance(context.Context, int) error { return nil }

func (o bowl) Loss(_ context.Context, _ Role, theta accel.Vector[float64]) (float64, error) {
	o.scratch.Copy(theta)
	o.scratch.Shift(-1)
	o.scratch.Mul(o.scratch)
	return o.scratch.Dot(o.d) / 2, nil
}

func (o bowl) Gradient(ctx context.Context, theta, grad, fisher accel.Vector[float64]) (float64, error) {
	grad.Copy(theta)
	grad.Shift(-1)
	grad.Mul(o.d)
	if fisher != nil {
		fisher.Copy(grad)
		fisher.Mul(grad)
	}
	return o.Loss(ctx, Gradient, theta)
}

func (o bowl) Linearize(context.Context, accel.Vector[float64]) (Linearization[float64], error) {
	return o, nil
}

func (o bowl) Product(_ context.Context, dst, v accel.Vector[float64], mu float64) error {
	dst.Copy(v)
	dst.Mul(o.d)
	dst.Add(mu, v)
	return nil
}

func (o bowl) Close() error { return nil }

// After the first iteration no vector of the length of θ is allocated any more, whatever is switched on.
func TestIterationsAllocateNoVectors(t *testing.T) {
	const n = 20000
	for name, s := range map[string]Settings{
		"default":    {},
		"structural": {Structural: Structural{Mu: 0.1}},
		"plain":      {Precondition: PreconditionSettings{Kind: PreconditionNone}},
		"trust":      {Damping: DampTrustRegion},
		"watched":    {CG: CGSettings{Watch: Watch{Every: 3}}},
	} {
		d := make(vec, n)
		for i := range d {
			d[i] = math.Pow(1e5, float64(i)/n)
		}
		// CG of the same length in each iteration
		s.CG.Max, s.CG.NoProgressStop = 30, true
		o, err := New(bowl{d, make(vec, n)}, make(vec, n), s)
		if err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		for i := range 4 {
			runtime.ReadMemStats(&before)
			r, err := o.Step(t.Context())
			runtime.ReadMemStats(&after)
			if err != nil || r.Outcome != Accepted {
				t.Fatalf("%s: %+v, %v", name, r, err)
			}
			if bytes := after.TotalAlloc - before.TotalAlloc; i > 1 && bytes > 8*n/4 {
				t.Errorf("%s: iteration %d allocates %d bytes, a vector has %d", name, r.Iteration, bytes, 8*n)
			}
		}
	}
}

// float32 goes the same way as float64, as far as it can.
func TestFloat32(t *testing.T) {
	for i, l64 := range classics() {
		l := &leastSquares[float32]{name: l64.name, m: l64.m, residuals: l64.residuals}
		for _, x := range l64.start {
			l.start = append(l.start, float32(x))
		}
		if r, theta := minimize(t, l, Settings{}, 400, 1e-9); !(r.F <= 1e-9) {
			t.Errorf("%d %s: f = %g at %v after %d iterations (%s)", i, l.name, r.F, theta, r.Iteration, r.Outcome)
		}
	}
}
