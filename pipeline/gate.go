package pipeline

import (
	"context"
	"sync"
)

// A gate lets a number of goroutines through at a time that may change while they work. One goroutine resizes it.
type gate struct {
	tokens chan struct{} // one for each that may still pass; as many places as tokens at most, so that leave never waits
	mu     sync.Mutex
	open   int // how many may pass
	excess int // tokens to be withdrawn when those who hold them leave
}

func newGate(open, most int) *gate {
	g := &gate{tokens: make(chan struct{}, most)}
	g.resize(open)
	return g
}

func (g *gate) enter(ctx context.Context) error {
	_, _, err := receive(ctx, g.tokens)
	return err
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.excess > 0 {
		g.excess--
		return
	}
	g.tokens <- struct{}{}
}

// resize lets n through at a time, 1 ≤ n ≤ most. Those who are inside stay.
func (g *gate) resize(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for ; g.open < n; g.open++ {
		if g.excess > 0 {
			g.excess--
			continue
		}
		g.tokens <- struct{}{}
	}
	for ; g.open > n; g.open-- {
		select {
		case <-g.tokens:
		default:
			g.excess++
		}
	}
}
