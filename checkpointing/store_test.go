package checkpointing

import (
	"errors"
	"testing"
)

// For all chains up to 40 steps, all numbers of slots and all numbers of stored states: each stored state is copied out once and comes
// back before it is needed, with a use of another state between where that is possible, slots suffice, and sweeps copy and
// compute again no more than a chain without a store and Window slots more would lack.
func TestStoreIsSound(t *testing.T) {
	for steps := Window + 1; steps <= 40; steps++ {
		for stored := 1; stored <= steps; stored++ {
			for slots := needWithStore(steps - stored); slots < steps; slots++ {
				s, err := WithStore(steps, slots, stored)
				if err != nil {
					t.Fatal(err)
				}
				playStored(t, s)
			}
		}
	}
}

func playStored(t *testing.T, s *Schedule) {
	t.Helper()
	up, down := orders(s.Steps)
	o := &storeOracle{t: t, s: s, in: map[int]bool{}, copied: map[int]bool{}, uses: map[int]int{}}
	o.play(s.First, up)
	for range 2 {
		o.play(s.Backward, down)
		o.play(s.Forward, up)
		o.play(s.Rewind, nil)
		o.play(s.Forward, up)
	}
	o.written, o.read = 0, 0
	o.play(s.Backward, down)
	o.play(s.Forward, up)
	if o.written != 0 || o.read > 2*(s.Stored-min(Window, s.Stored))+4 { // 4: the last stored state, for what is computed after it
		t.Errorf("%d steps, %d slots, %d stored: a product copies %d states out and %d in", s.Steps, s.Slots, s.Stored, o.written, o.read)
	}
}

func orders(steps int) (up, down []int) {
	for k := range steps {
		up, down = append(up, k), append(down, steps-1-k)
	}
	return up, down
}

// A storeOracle plays actions of a schedule with a store.
type storeOracle struct {
	t             *testing.T
	s             *Schedule
	in, copied    map[int]bool
	uses          map[int]int // of a state that is being copied in, the uses since
	written, read int
}

func (o *storeOracle) play(actions []Action, order []int) {
	o.t.Helper()
	fail := func(what string, k int) {
		o.t.Helper()
		o.t.Fatalf("%d steps, %d slots, %d stored: %s %d, with %v in slots", o.s.Steps, o.s.Slots, o.s.Stored, what, k, o.in)
	}
	next, waits := 0, 0
	need := func(k int) {
		if k < 0 {
			return
		}
		if !o.in[k] {
			fail("nothing holds state", k)
		}
		if n, coming := o.uses[k]; coming && n == 0 {
			waits++
		}
		delete(o.uses, k)
	}
	for _, a := range actions {
		switch a.Op {
		case Compute:
			need(a.Step - 1)
			if o.in[a.Step] || o.copied[a.Step] {
				fail("there is already state", a.Step)
			}
			o.in[a.Step] = true
		case Use:
			need(a.Step)
			need(a.Step - 1)
			if next == len(order) || order[next] != a.Step {
				fail("not the turn of state", a.Step)
			}
			next++
			for k := range o.uses {
				o.uses[k]++
			}
		case Drop:
			need(a.Step)
			if a.Step < o.s.Stored {
				fail("dropped is the stored state", a.Step)
			}
			delete(o.in, a.Step)
		case Offload:
			need(a.Step)
			if a.Step >= o.s.Stored {
				fail("copied out is", a.Step)
			}
			if !o.copied[a.Step] {
				o.written++
			}
			o.copied[a.Step] = true
			delete(o.in, a.Step)
		case Prefetch:
			if o.in[a.Step] || !o.copied[a.Step] {
				fail("cannot be copied in: state", a.Step)
			}
			o.read++
			o.in[a.Step], o.uses[a.Step] = true, 0
		}
		if len(o.in) > o.s.Slots {
			fail("too many states at", a.Step)
		}
	}
	if next != len(order) {
		fail("uses end at", next)
	}
	if waits > 2 { // where a sweep begins there is nothing to use meanwhile
		o.t.Fatalf("%d steps, %d slots, %d stored: %d copies have no use to hide behind", o.s.Steps, o.s.Slots, o.s.Stored, waits)
	}
}

// A plan computes as few states again as it can where nothing is known, follows costs where they are, and fits its memory.
func TestChoose(t *testing.T) {
	fast := Costs{Forward: 1, Along: 1, Backward: 2, Host: 1e9, Spill: 1e9}
	slow := Costs{Forward: 1, Along: 1, Backward: 2, Host: 10, Spill: 10}
	for _, test := range []struct {
		name                      string
		m                         Memory
		costs                     Costs
		slots, host, spill, again int
		method                    Method
	}{
		{"all in slots", Memory{Slots: 100, Host: 100}, fast, 100, 0, 0, 0, Full},
		{"nothing known", Memory{Slots: 24, Host: 100}, Costs{}, 24, 80, 0, 0, Full},
		{"fast memory", Memory{Slots: 24, Host: 100}, fast, 24, 80, 0, 0, Full},
		{"slow memory", Memory{Slots: 24, Host: 100}, slow, 24, 0, 0, 152, Triangular},
		{"some memory", Memory{Slots: 24, Host: 50}, fast, 24, 50, 0, 60, Triangular},
		{"memory, then file", Memory{Slots: 24, Host: 50, Spill: 100}, fast, 24, 50, 30, 0, Full},
		{"memory makes a triangle", Memory{Slots: 10, Host: 90}, fast, 10, 90, 0, 8, Triangular},
		{"no memory", Memory{Slots: 8}, fast, 8, 0, 0, -1, Revolve},
		{"only the window", Memory{Slots: 4, Host: 100}, fast, 4, 100, 0, 0, Full},
		{"too few for a window", Memory{Slots: 3, Host: 100}, fast, 3, 0, 0, -1, Revolve},
	} {
		p, err := Choose(Chain{Steps: 100, Bytes: 100}, test.m, test.costs)
		if err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		f, b := p.Recomputed()
		if p.Slots != test.slots || p.Host != test.host || p.Spill != test.spill || test.again >= 0 && f+b != test.again || p.Method != test.method {
			t.Errorf("%s: %v, %d slots, %d in memory, %d in the file, %d again", test.name, p.Method, p.Slots, p.Host, p.Spill, f+b)
		}
		if (p.Seconds > 0) != (test.costs != Costs{}) {
			t.Errorf("%s: %v s predicted", test.name, p.Seconds)
		}
		playStored(t, p.Schedule)
	}
}

// No number of stored states is predicted to be better than the chosen one.
func TestChooseIsBest(t *testing.T) {
	for _, along := range []int{0, 1} {
		c := Chain{Steps: 60, Bytes: 1000, Along: along}
		for _, costs := range []Costs{{1, 2, 2, 2000, 500}, {1, 1, 1, 250, 100}, {1, 2, 2, 1500, 1500}, {3, 1, 1, 600, 200}} {
			for _, m := range []Memory{{20, 10, 10}, {12, 30, 0}, {8, 0, 60}, {30, 5, 50}} {
				p, err := Choose(c, m, costs)
				if err != nil {
					t.Fatal(err)
				}
				for stored := 0; stored <= min(c.Steps, m.Host+m.Spill); stored++ {
					if q, err := planned(c, m, costs, stored); err == nil && q.Seconds < 0.97*p.Seconds {
						t.Errorf("%+v, %+v, %+v: storing %d takes %.1f s, %d were chosen and take %.1f s", c, m, costs, stored, q.Seconds, p.Stored, p.Seconds)
					}
				}
			}
		}
	}
}

// States in the file are as many as planned, and evenly spread.
func TestSpilled(t *testing.T) {
	for _, p := range []Plan{{Host: 7, Spill: 3}, {Host: 0, Spill: 4}, {Host: 5, Spill: 0}, {Host: 2, Spill: 9}} {
		n := 0
		for k := range p.Host + p.Spill {
			if p.Spilled(k) {
				n++
			}
			if share := float64(k+1) * float64(p.Spill) / float64(p.Host+p.Spill); float64(n) > share || float64(n) <= share-1 {
				t.Errorf("%+v: %d of the first %d are in the file", p, n, k+1)
			}
		}
		if n != p.Spill {
			t.Errorf("%+v: %d are in the file", p, n)
		}
	}
}

func TestTooFewSlotsForAStore(t *testing.T) {
	for _, test := range []struct{ steps, slots, stored, need int }{{10, 3, 10, 4}, {10, 6, 5, 7}} {
		_, err := WithStore(test.steps, test.slots, test.stored)
		var few *TooFewSlotsError
		if !errors.As(err, &few) || few.Need != test.need {
			t.Errorf("%+v: err = %v", test, err)
			continue
		}
		if _, err := WithStore(test.steps, test.need, test.stored); err != nil {
			t.Errorf("%+v: %v with the slots that are needed", test, err)
		}
	}
}
