// Package doctor reads what a run left behind and says what a person who knows the report would say about it.
package doctor

import (
	"fmt"
	"strings"

	"curvestream/accel/cuda"
	"curvestream/run/metrics"
	"curvestream/run/rundir"
	"curvestream/run/version"
)

// A Report is what was found out about a run.
type Report struct {
	Schema     string    `json:"schema"`
	Run        string    `json:"run"`
	Status     string    `json:"status"`
	Iterations int       `json:"iterations"`
	Findings   []Finding `json:"findings"`

	// The GPUs of the machine that doctor runs on, or why there are none, and how products are made on them.
	Devices   []cuda.Device `json:"devices"`
	NoDevices string        `json:"no_devices,omitempty"`
	CUBLAS    cuda.Library  `json:"cublas"`
	gpus      string
}

// A Finding is one thing that is not as it should be, with what it was seen by and what helps.
type Finding struct {
	Code     string `json:"code"`
	Evidence string `json:"evidence"`
	Advice   string `json:"advice"`
	Section  string `json:"section,omitempty"` // of the report
}

// Look examines the run in a folder. The run may be at work.
func Look(path string) (*Report, error) {
	dir, err := rundir.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := dir.Info()
	if err != nil {
		return nil, err
	}
	h, err := read(dir)
	if err != nil {
		return nil, err
	}
	machine := version.Get()
	r := &Report{Schema: "curvestream.doctor/1", Run: path, Status: info.Status, Findings: []Finding{},
		Devices: machine.Devices, NoDevices: machine.NoDevices, CUBLAS: machine.CUBLAS, gpus: machine.GPUs()}
	if n := len(h.steps); n > 0 {
		r.Iterations = h.steps[n-1].Iter
	}
	for _, examine := range examinations {
		if f := examine(h); f != nil {
			r.Findings = append(r.Findings, *f)
		}
	}
	return r, nil
}

// String gives the report as a person reads it.
func (r *Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s after %d iterations", r.Run, r.Status, r.Iterations)
	if len(r.Findings) == 0 {
		b.WriteString(", nothing unusual\n")
	} else {
		fmt.Fprintf(&b, ", %d findings\n", len(r.Findings))
	}
	for _, f := range r.Findings {
		fmt.Fprintf(&b, "\n%s: %s\n     %s", f.Code, f.Evidence, f.Advice)
		if f.Section != "" {
			fmt.Fprintf(&b, " (section %s of the report)", f.Section)
		}
		b.WriteString("\n")
	}
	b.WriteString("\nthis machine: " + r.gpus)
	return b.String()
}

// A history is what the metrics of a run tell.
type history struct {
	steps     []step
	looks     []look
	health    []health
	sequences int // of the training data; -1 where they have no end
}

// A step is an iteration. What is null in the metrics, because it was not finite, is nil here.
type step struct {
	Iter        int      `json:"iter"`
	Outcome     string   `json:"outcome"`
	Verdict     string   `json:"verdict"`
	F0          *float64 `json:"f0"`
	F           *float64 `json:"f"`
	SelectF0    *float64 `json:"select_f0"`
	SelectF     *float64 `json:"select_f"`
	Rho         *float64 `json:"rho"`
	Damping     *float64 `json:"damping"`
	DampingUsed *float64 `json:"damping_used"`
	CGSteps     int      `json:"cg_steps"`
	CGUsed      int      `json:"cg_used"`
	CGStop      string   `json:"cg_stop"`
	Alpha       float64  `json:"alpha"`
	GradSeqs    int      `json:"grad_seqs"`
	Sec         float64  `json:"sec"`
	SecWait     float64  `json:"sec_wait"`
}

// accepted reports whether θ moved.
func (s step) accepted() bool { return s.Outcome == "accepted" || s.Outcome == "climbed" }

// A look is an evaluation on the validation data.
type look struct {
	Iter int      `json:"iter"`
	Loss *float64 `json:"loss"`
}

// A health is what one chunk told about the net and its derivatives.
type health struct {
	Iter       int       `json:"iter"`
	Saturated  []float64 `json:"saturated"` // by hidden layer
	Linear     []float64 `json:"linear"`
	Products   bool      `json:"products"` // whether they were compared
	Difference *float64  `json:"difference"`
	Asymmetry  *float64  `json:"asymmetry"`
}

func read(dir *rundir.Dir) (h history, err error) {
	path := dir.Path("metrics.jsonl")
	named := func(want string) func(string) bool { return func(event string) bool { return event == want } }
	if h.steps, err = metrics.Read[step](path, named("iter")); err != nil {
		return h, err
	}
	if h.looks, err = metrics.Read[look](path, named("eval")); err != nil {
		return h, err
	}
	if h.health, err = metrics.Read[health](path, named("health")); err != nil {
		return h, err
	}
	starts, err := metrics.Read[struct {
		Sequences int `json:"sequences"`
	}](path, named("start"))
	if n := len(starts); n > 0 {
		h.sequences = starts[n-1].Sequences
	}
	return h, err
}

// last returns the last n steps, or nil where there are fewer than least.
func (h history) last(n, least int) []step {
	if len(h.steps) < least {
		return nil
	}
	return h.steps[max(0, len(h.steps)-n):]
}
