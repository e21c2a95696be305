package nn

import (
	"sync"

	"curvestream/accel"
)

// Scratch lends vectors of a backend and takes them back for the next borrower, so that a sweep allocates only the first
// time. It holds at most as many vectors as were ever lent at once. It is safe for concurrent use.
type Scratch[F accel.Float] struct {
	backend accel.Backend[F]
	mu      sync.Mutex
	free    []accel.Vector[F]
}

// NewScratch returns an empty Scratch.
func NewScratch[F accel.Float](backend accel.Backend[F]) *Scratch[F] {
	return &Scratch[F]{backend: backend}
}

// Take lends a vector of at least n elements, whose values are whatever the last borrower left.
func (s *Scratch[F]) Take(n int) (accel.Vector[F], error) {
	if v := s.fit(n); v != nil {
		return v, nil
	}
	return s.backend.NewVector(n)
}

// Give takes a vector back. Nothing that is still queued on a stream may use it.
func (s *Scratch[F]) Give(v accel.Vector[F]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free = append(s.free, v)
}

// fit removes and returns the smallest free vector of n elements or more. Where all are too small it lets go of the largest,
// which the vector about to be allocated replaces.
func (s *Scratch[F]) fit(n int) accel.Vector[F] {
	s.mu.Lock()
	defer s.mu.Unlock()
	best, largest := -1, -1
	for i, v := range s.free {
		if v.Len() >= n && (best < 0 || v.Len() < s.free[best].Len()) {
			best = i
		}
		if largest < 0 || v.Len() > s.free[largest].Len() {
			largest = i
		}
	}
	if best >= 0 {
		v := s.free[best]
		s.remove(best)
		return v
	}
	if largest >= 0 {
		s.remove(largest)
	}
	return nil
}

func (s *Scratch[F]) remove(i int) {
	last := len(s.free) - 1
	s.free[i] = s.free[last]
	s.free[last] = nil
	s.free = s.free[:last]
}

// An Arena carves dense matrices out of one vector, one after the other. With a nil vector it only counts, which is how the
// size of the vector is found: the same carving runs twice.
type Arena[F accel.Float] struct {
	V    accel.Vector[F]
	Used int // elements
}

// arenaAlign keeps each matrix on a cache line of its own: 16 elements are 64 bytes of float32.
const arenaAlign = 16

// Mat carves a matrix of rows × cols.
func (a *Arena[F]) Mat(rows, cols int) accel.Mat[F] {
	m := accel.NewMat(a.V, a.Used, rows, cols)
	a.Used += (rows*cols + arenaAlign - 1) / arenaAlign * arenaAlign
	return m
}
