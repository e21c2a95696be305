package checkpointing

// revolveSlots is the smallest number of slots that revolve takes: a checkpoint, the state at the end, and the one that is
// being computed while the one before is still there.
const revolveSlots = 3

// revolve returns the schedule of Griewank & Walther (2000, "revolve") for few slots: of l states between two that are there, one is
// made a checkpoint; the states after it are reversed with one slot less, and those before it with all of them. With s slots for
// checkpoints this computes r l − β(s+1, r−1) states, β(s, r) = C(s+r, s), with the smallest r for which l ≤ β(s, r).
//
// The forward sweep lays the first checkpoints while it passes. The backward sweep keeps the states that it had all at once at
// the end, the first ones, for the next forward sweep.
func revolve(steps, slots int) *Schedule {
	free := slots - 2
	s := &Schedule{Steps: steps, Slots: slots, Method: Revolve}
	laid := map[int]bool{steps - 1: true}
	for lo, left := -1, free; steps-1-lo > 1; left-- {
		lo += split(steps-1-lo, left)
		laid[lo] = true
	}
	first := steps
	for first > free+1 {
		first = split(first, free)
	}
	s.keep(func(k int) bool { return laid[k] }, func(k int) bool { return k < first })
	s.reverse(-1, steps-1, free, true)
	return s
}

// reverse lists the use of states hi … lo+1. lo and hi are there, and there are s slots more; with laid set, the checkpoints
// between are there too.
func (s *Schedule) reverse(lo, hi, free int, laid bool) {
	for hi-lo > 1 {
		mid := lo + split(hi-lo, free)
		for k := lo + 1; k <= mid && !laid; k++ {
			s.Backward = append(s.Backward, Action{Compute, k})
			if k-1 > lo {
				s.Backward = append(s.Backward, Action{Drop, k - 1})
			}
		}
		s.reverse(mid, hi, free-1, laid)
		hi, laid = mid, false
	}
	s.Backward = append(s.Backward, Action{Use, hi})
	if !s.keptBackward[hi] {
		s.Backward = append(s.Backward, Action{Drop, hi})
	}
}

// split returns how many of l > 1 states come before the next checkpoint, with s slots for checkpoints. Of all that are best it is the
// largest.
func split(l, s int) int {
	r := 0
	for choose(s, r) < l {
		r++
	}
	return min(choose(s, r-1), l-choose(s-1, r-1))
}

// choose returns β(s, r) = C(s+r, s), the longest chain that s slots reverse with no state computed more than r times, or some
// number above all lengths.
func choose(s, r int) int {
	const most = 1 << 40
	c := 1
	for i := 1; i <= min(s, r); i++ {
		if c = c * (s + r - min(s, r) + i) / i; c > most {
			return most
		}
	}
	return c
}
