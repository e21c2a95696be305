package checkpointing

import "math"

// needTriangular returns the smallest number of slots for a triangular schedule: the smallest M with M (M+1)/2 ≥ steps.
func needTriangular(steps int) int {
	m := 1
	for m*(m+1)/2 < steps {
		m++
	}
	return m
}

// triangular returns the schedule for fewer slots than steps but not fewer than needTriangular.
//
// The chain is cut into segments, and a forward sweep keeps only the last state of each, a checkpoint, and all of the last
// segment; the backward sweep computes a segment's states again from the checkpoint before it. While it works in segment j it
// holds j checkpoints, so a segment may be as long as the slots that are left: long in front, short at the back. A sweep ends
// where the next begins: the backward sweep starts with the last segment at hand, and keeps the first one for the next forward
// sweep. So each sweep computes Steps − Slots states again, and no schedule can do with fewer, since no more than Slots are
// there when it starts.
//
// Departure: the report cuts at every √Steps-th state, which takes 2√Steps slots and computes nearly all states again; this
// takes √(2 Steps) slots, and with more of them computes less.
func triangular(steps, slots int) *Schedule {
	longest := 1 // slots of the smallest triangle that leaves Steps − Slots states to compute; the rest are pinned
	for longest*(longest-1)/2 < steps-slots {
		longest++
	}
	s := &Schedule{Steps: steps, Slots: slots, Method: Triangular}
	pinned := slots - longest
	s.segments(triangularCuts(pinned, steps, longest), func(k int) bool { return k < pinned })
	return s
}

// triangularCuts cuts states from … to−1 into segments of longest, longest−1 … states. What is too much comes off the middle
// ones, from the back, since the first and the last decide how much is computed again.
func triangularCuts(from, to, longest int) []int {
	var lengths []int
	sum := 0
	for sum < to-from {
		lengths = append(lengths, longest-len(lengths))
		sum += lengths[len(lengths)-1]
	}
	excess := sum - (to - from)
	for j := len(lengths) - 2; j >= 1 && excess > 0; j-- {
		off := min(excess, lengths[j]-1)
		lengths[j] -= off
		excess -= off
	}
	cuts := []int{from}
	for _, length := range lengths {
		cuts = append(cuts, cuts[len(cuts)-1]+length)
	}
	return cuts
}

// NewUniform returns the schedule of section 7.1, for comparison: every √Steps-th state is a checkpoint, which stays; a backward
// sweep computes all other states again, but those of the last segment. It takes about 2√Steps slots. Beyond the report, the first
// segment is kept for the next forward sweep.
func NewUniform(steps int) *Schedule {
	length := int(math.Ceil(math.Sqrt(float64(steps))))
	cuts := []int{0}
	for cuts[len(cuts)-1] < steps {
		cuts = append(cuts, min(cuts[len(cuts)-1]+length, steps))
	}
	checkpoints, last := len(cuts)-2, steps-cuts[len(cuts)-2]
	s := &Schedule{Steps: steps, Slots: checkpoints + max(min(checkpoints, 1)*(length-1), last), Method: Uniform}
	s.segments(cuts, func(k int) bool { return (k+1)%length == 0 && k < steps-1 })
	return s
}

// segments lists the sweeps of a chain whose segment j is the states cuts[j] … cuts[j+1]−1. What stays is never dropped.
func (s *Schedule) segments(cuts []int, stays func(k int) bool) {
	n := len(cuts) - 1
	checkpoint := make([]bool, s.Steps)
	for _, c := range cuts[1:] {
		checkpoint[c-1] = true
	}
	s.keep(func(k int) bool { return stays(k) || checkpoint[k] || k >= cuts[n-1] },
		func(k int) bool { return stays(k) || k < cuts[1] })
	for j := n - 1; j >= 0; j-- {
		for k := cuts[j]; k < cuts[j+1]; k++ {
			if !s.keptForward[k] {
				s.Backward = append(s.Backward, Action{Compute, k})
			}
		}
		for k := cuts[j+1] - 1; k >= cuts[j]; k-- {
			s.Backward = append(s.Backward, Action{Use, k})
			if !s.keptBackward[k] {
				s.Backward = append(s.Backward, Action{Drop, k})
			}
		}
	}
	for k := cuts[0] - 1; k >= 0; k-- {
		s.Backward = append(s.Backward, Action{Use, k})
	}
}
