package plot

import (
	"math"

	"gonum.org/v1/plot"

	"curvestream/run/fault"
	"curvestream/run/metrics"
	"curvestream/run/rundir"
)

// A step is an iteration in metrics.jsonl. What was not finite is null there, and nil here.
type step struct {
	Iter        float64  `json:"iter"`
	F           *float64 `json:"f"`
	Rho         *float64 `json:"rho"`
	DampingUsed *float64 `json:"damping_used"`
	Mu          *float64 `json:"mu"`
	Radius      *float64 `json:"radius"`
	CGSteps     *float64 `json:"cg_steps"`
	CGUsed      *float64 `json:"cg_used"`
	Alpha       *float64 `json:"alpha"`
	GradNorm    *float64 `json:"grad_norm"`
	StepNorm    *float64 `json:"step_norm"`
	Products    *float64 `json:"products"`
}

type look struct {
	Iter float64  `json:"iter"`
	Loss *float64 `json:"loss"`
}

// iterations draws what changes from iteration to iteration.
func iterations(dir *rundir.Dir) (panels []*plot.Plot, err error) {
	path := dir.Path("metrics.jsonl")
	steps, err := metrics.Read[step](path, func(event string) bool { return event == "iter" })
	if err != nil {
		return nil, err
	}
	looks, err := metrics.Read[look](path, func(event string) bool { return event == "eval" })
	if err != nil {
		return nil, err
	}
	if len(steps) == 0 {
		return nil, fault.New(fault.NoInput, "plot.empty", "%s has no iteration yet", dir.Path()).Fix("wait for the first one: `curvestream resume` goes on with a run that has ended")
	}
	x := column(steps, func(s step) *float64 { return &s.Iter })
	of := func(name string, value func(step) *float64, c curve) curve {
		c.name, c.x, c.y = name, x, column(steps, value)
		return c
	}
	f := of("train", func(s step) *float64 { return s.F }, curve{color: red})
	valid := curve{name: "valid", x: column(looks, func(l look) *float64 { return &l.Iter }), y: column(looks, func(l look) *float64 { return l.Loss }), color: blue}
	byProducts := f
	byProducts.x = column(steps, func(s step) *float64 { return s.Products })
	rho := of("", func(s step) *float64 { return s.Rho }, curve{color: red, dots: true})
	for i, r := range rho.y { // far outside is outside
		rho.y[i] = math.Max(-1, math.Min(2, r))
	}
	for _, p := range []struct {
		title, x, y string
		logarithmic bool
		curves      []curve
	}{
		{"objective", "iteration", "f", true, []curve{f, valid}},
		{"objective by products", "products with B", "f", true, []curve{byProducts}},
		{"damping", "iteration", "", true, []curve{
			of("lambda", func(s step) *float64 { return nonZero(s.DampingUsed) }, curve{color: red}),
			of("mu", func(s step) *float64 { return nonZero(s.Mu) }, curve{color: blue}),
			of("radius", func(s step) *float64 { return nonZero(s.Radius) }, curve{color: green})}},
		{"reduction ratio", "iteration", "rho", false, []curve{level(x, 0.25), level(x, 0.75), rho}},
		{"CG", "iteration", "iterations of CG", false, []curve{
			of("made", func(s step) *float64 { return s.CGSteps }, curve{color: blue}),
			of("chosen", func(s step) *float64 { return s.CGUsed }, curve{color: red})}},
		{"steps", "iteration", "", true, []curve{
			of("alpha", func(s step) *float64 { return nonZero(s.Alpha) }, curve{color: green}),
			of("|gradient|", func(s step) *float64 { return nonZero(s.GradNorm) }, curve{color: blue}),
			of("|step|", func(s step) *float64 { return nonZero(s.StepNorm) }, curve{color: red})}},
	} {
		drawn, err := panel(p.title, p.x, p.y, p.logarithmic, p.curves...)
		if err != nil {
			return nil, err
		}
		panels = append(panels, drawn)
	}
	return panels, nil
}

// nonZero returns nil for 0, which stands for something that a run does not have.
func nonZero(x *float64) *float64 {
	if x != nil && *x == 0 {
		return nil
	}
	return x
}

// column returns a value of each row, NaN where it is nil.
func column[T any](rows []T, of func(T) *float64) []float64 {
	x := make([]float64, len(rows))
	for i, row := range rows {
		x[i] = math.NaN()
		if v := of(row); v != nil {
			x[i] = *v
		}
	}
	return x
}
