package hf

import (
	"math"
	"testing"
)

func TestTruncation(t *testing.T) {
	grow := Report{Verdict: ModelAgrees, Rho: 0.95, CGStop: StopMax, CGSteps: 30, CGUsed: 30}
	with := func(change func(*Report)) *Report {
		r := grow
		change(&r)
		return &r
	}
	for _, test := range []struct {
		name        string
		most        int
		limit, want float64
		r           *Report
	}{
		{"the limit holds back", 100, 30, 45, &grow},
		{"up to the most", 40, 30, 40, &grow},
		{"it stays", 0, 30, 30, &grow},
		{"rho above 1", 100, 30, 45, with(func(r *Report) { r.Rho = 1.3 })},
		{"a fair model", 100, 30, 30, with(func(r *Report) { r.Rho = 0.5 })},
		{"CG ended by itself", 100, 30, 30, with(func(r *Report) { r.CGStop = StopProgress })},
		{"an earlier iterate", 100, 30, 30, with(func(r *Report) { r.CGUsed = 20 })},
		{"half thrown away", 100, 30, 20, with(func(r *Report) { r.CGUsed = 14 })},
		{"a bad model", 100, 30, 20, with(func(r *Report) { r.Rho = 0.2 })},
		{"f rose", 100, 30, 20, with(func(r *Report) { r.Rho, r.Verdict = -1, ModelWrong })},
		{"down to the least", 100, 21, 20, with(func(r *Report) { r.Rho = 0.1 })},
		{"CG has not overcome its start", 100, 30, 30, with(func(r *Report) { r.Rho, r.Verdict = -1, ModelBehind })},
	} {
		if got := (Truncation{Most: test.most}).next(test.limit, 20, LM{}, test.r); math.Abs(got-test.want) > 1e-12 {
			t.Errorf("%s: %g, want %g", test.name, got, test.want)
		}
	}
}

// On a quadratic the model is exact: the runs grow to what they may have, and a state carries their limit.
func TestRunsGrowOnAQuadratic(t *testing.T) {
	s := Settings{Lambda: 1e-6, Precondition: PreconditionSettings{Kind: PreconditionNone},
		CG: CGSettings{Max: 4, NoProgressStop: true, Truncation: Truncation{Most: 10}}}
	o, err := New(newShifted(24), make(vec, 24), s)
	if err != nil {
		t.Fatal(err)
	}
	for k, want := range []int{4, 6, 9, 10} {
		if k == 2 {
			state := o.State()
			if o, err = New(newShifted(24), make(vec, 24), s); err != nil {
				t.Fatal(err)
			}
			if err := o.SetState(state); err != nil {
				t.Fatal(err)
			}
		}
		if r, err := o.Step(t.Context()); err != nil || r.CGSteps != want {
			t.Errorf("iteration %d: %d steps of CG, %v; want %d", k+1, r.CGSteps, err, want)
		}
	}
	s.CG.MaxSchedule = Schedule{{1, 5}}
	if s.Validate() == nil {
		t.Error("a schedule and a rule for one limit are taken")
	}
}
