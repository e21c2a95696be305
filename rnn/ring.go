package rnn

// A ring is a queue of slots: what was given first is taken first, and so what is copied from a freed slot has the longest time.
type ring struct {
	slots       []int
	first, held int
}

// fill makes the ring hold slots 0 to n−1.
func (r *ring) fill(n int) {
	if len(r.slots) != n {
		r.slots = make([]int, n)
	}
	for i := range r.slots {
		r.slots[i] = i
	}
	r.first, r.held = 0, n
}

func (r *ring) take() int {
	slot := r.slots[r.first]
	r.first = (r.first + 1) % len(r.slots)
	r.held--
	return slot
}

func (r *ring) give(slot int) {
	r.slots[(r.first+r.held)%len(r.slots)] = slot
	r.held++
}
