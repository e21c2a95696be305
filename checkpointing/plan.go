package checkpointing

import (
	"math"
	"slices"
)

// A Chain is what is planned for: a chain of states, of which a product makes a forward and a backward sweep.
type Chain struct {
	Steps int
	Bytes int64 // of a state
	// Along is how many more states of the same size go with each: R{h} with structural damping, R{h} and R{a} with the Hessian. They
	// are computed by each forward sweep, and again wherever a backward sweep computes its state again.
	Along int
}

// Memory is room for states of a chain, in states. What goes along with them has its own.
type Memory struct {
	Slots int // where they are computed and used
	Host  int // in memory outside the slots
	Spill int // in a file
}

// Costs are what a plan is chosen by, as measured on the machine. The zero value says nothing, and then a plan computes as few states
// again as it can and prefers memory to a file.
type Costs struct {
	Forward  float64 `json:"forward_seconds"`  // of computing a state
	Along    float64 `json:"along_seconds"`    // of a forward sweep's use of a state: the R-operator
	Backward float64 `json:"backward_seconds"` // of a backward sweep's use of a state
	// Host and Spill are bytes a second between the slots and memory, and between the slots and the file.
	Host  float64 `json:"host_bytes_per_second"`
	Spill float64 `json:"spill_bytes_per_second"`
}

// A Plan is a schedule, and where what it stores lies. It is read-only.
type Plan struct {
	*Schedule
	Host, Spill int     // of the stored states, how many lie in memory and how many in the file
	Seconds     float64 // predicted for a product; 0 where no costs are known
}

// Spilled reports whether state k, one of the stored ones, lies in the file. States in the file are spread evenly over the stored ones,
// so that a sweep reads the file all the time that it takes.
func (p *Plan) Spilled(k int) bool {
	stored := p.Host + p.Spill
	return (k+1)*p.Spill/stored > k*p.Spill/stored
}

// Choose returns the plan of the shortest predicted product, among keeping all states, computing some again (triangular or revolve) and
// storing some, in memory first and then in the file, and mixtures of both. The error is a *TooFewSlotsError.
func Choose(c Chain, m Memory, costs Costs) (*Plan, error) {
	if m.Slots >= c.Steps || m.Host+m.Spill == 0 {
		return planned(c, m, costs, 0)
	}
	var best *Plan
	var failed error
	for _, stored := range candidates(c, m, costs) {
		p, err := planned(c, m, costs, stored)
		switch {
		case err != nil:
			failed = err
		case best == nil || p.before(best):
			best = p
		}
	}
	if best == nil {
		return nil, failed
	}
	return best, nil
}

// before reports whether p is better than q: sooner done, or where nothing is known of that, with fewer states computed again.
func (p *Plan) before(q *Plan) bool {
	if p.Seconds != q.Seconds {
		return p.Seconds < q.Seconds
	}
	pf, pb := p.Recomputed()
	qf, qb := q.Recomputed()
	if pf+pb != qf+qb {
		return pf+pb < qf+qb
	}
	return p.Stored < q.Stored
}

// candidates returns the numbers of stored states among which the best one is: the predicted time is piecewise linear in it, and these
// are the ends of the pieces. Two of them are where copying begins to take longer than using.
func candidates(c Chain, m Memory, costs Costs) []int {
	slots, most := max(0, m.Slots-Window), min(c.Steps, m.Host+m.Spill)
	all := []int{0}
	add := func(n int) {
		if n > 0 && n <= most && !slices.Contains(all, n) {
			all = append(all, n)
		}
	}
	for _, n := range []int{c.Steps - slots*(slots+1)/2, c.Steps - slots, m.Host, most} {
		add(n)
	}
	for _, use := range []float64{costs.Along, costs.Backward} {
		n := most
		for n > 0 && copies(c, costs, min(n, m.Host), max(0, n-m.Host)) > float64(n)*use {
			n--
		}
		add(n)
		add(n + 1)
	}
	return all
}

// planned returns the plan that stores so many states.
func planned(c Chain, m Memory, costs Costs, stored int) (*Plan, error) {
	s, err := WithStore(c.Steps, m.Slots, stored)
	if err != nil {
		return nil, err
	}
	p := &Plan{Schedule: s, Host: min(m.Host, s.Stored)}
	p.Spill = s.Stored - p.Host
	p.Seconds = p.seconds(c, costs)
	return p, nil
}

// NewPlan returns the plan of a schedule that stores nothing.
func NewPlan(s *Schedule, c Chain, costs Costs) *Plan {
	p := &Plan{Schedule: s}
	p.Seconds = p.seconds(c, costs)
	return p
}

// seconds predicts the time of a product after the first. Copies and computation use different parts of a machine, so of the two the
// longer one counts where states are stored.
func (p *Plan) seconds(c Chain, costs Costs) float64 {
	again := costs.Forward
	if c.Along > 0 {
		again += costs.Along
	}
	forward, backward := p.Recomputed()
	rest := float64(c.Steps - p.Stored)
	t := rest*(costs.Along+costs.Backward) + float64(forward)*costs.Forward + float64(backward)*again
	copied := copies(c, costs, p.Host, p.Spill)
	return t + math.Max(float64(p.Stored)*costs.Along, copied) + math.Max(float64(p.Stored)*costs.Backward, copied)
}

// copies returns the seconds of what a sweep copies of so many stored states, with what goes along: all that are not in the window
// where it begins.
func copies(c Chain, costs Costs, host, spill int) float64 {
	bytes, t := float64(c.Bytes)*float64(1+c.Along), 0.0
	if host+spill <= Window {
		return 0
	}
	if host > 0 && costs.Host > 0 {
		t += float64(host) * bytes / costs.Host
	}
	if spill > 0 && costs.Spill > 0 {
		t += float64(spill) * bytes / costs.Spill
	}
	return t * float64(host+spill-Window) / float64(host+spill)
}
