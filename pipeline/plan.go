package pipeline

import (
	"fmt"
	"slices"
	"sync"

	"curvestream/ingest"
)

// A Plan says which sequences make the minibatch of each role at each HF iteration, in which order, and in which chunks.
// All of it is a pure function of the manifest, the options and the step: a run that continues at step k needs to know
// nothing but the manifest's digest, the seed and k. A Plan is safe for concurrent use.
type Plan struct {
	m *Manifest
	o PlanOptions

	wholeOnce sync.Once
	whole     Minibatch // all sequences in file order: asked for at every step where GradientSize is 0, so made once
}

// NewPlan returns the plan of a manifest. It fails, with everything that is wrong, if the minibatches that the options ask
// for do not exist.
func NewPlan(m *Manifest, o PlanOptions) (*Plan, error) {
	o = o.withDefaults()
	if err := o.validate(m.Len()); err != nil {
		return nil, err
	}
	return &Plan{m: m, o: o}, nil
}

// stepsPerEpoch returns the number of gradient minibatches in which every sequence is used once; the last one may be
// short. It is 1 where a minibatch is everything, and 0 for a source without end, which has no epochs.
func (p *Plan) stepsPerEpoch() int {
	switch {
	case p.m.Len() == ingest.Endless:
		return 0
	case p.o.GradientSize == 0:
		return 1
	}
	return (p.m.Len() + p.o.GradientSize - 1) / p.o.GradientSize
}

// Minibatch returns the minibatch of a role at HF iteration step, counted from 1.
//
// An epoch's order is laid out as a ring. The gradient minibatch of step k is the k-th run of GradientSize places on it
// (the last run of an epoch is short where GradientSize does not divide the number of sequences). A disjoint curvature
// minibatch is the run of places after that, and the held-out minibatch the run after both. A curvature subset is a choice
// of places within the gradient minibatch that is drawn afresh at each step. On a source without end the ring is a line,
// and each step takes sequences that no step took before.
func (p *Plan) Minibatch(role Role, step int) Minibatch {
	if step < 1 {
		panic(fmt.Sprintf("pipeline: step %d: steps count from 1", step))
	}
	if p.m.Len() != ingest.Endless && p.o.GradientSize == 0 && (role == Gradient || role == Curvature && p.o.CurvatureFrom == CurvatureEqual) {
		whole := p.everything()
		whole.Role, whole.Step, whole.Epoch, whole.places = role, step, step-1, 1
		return whole
	}
	mb := Minibatch{Role: role, Step: step, size: p.o.GradientSize}
	if p.m.Len() != ingest.Endless {
		mb.places = p.stepsPerEpoch()
		mb.Epoch, mb.place = (step-1)/mb.places, (step-1)%mb.places
	}
	places := p.places(role, step)
	mb.Sequences = make([]int, len(places))
	at := p.order(mb.Epoch)
	for i, place := range places {
		mb.Sequences[i] = at(place)
	}
	mb.cut(p.m, p.o, len(places))
	return mb
}

// Everything returns all sequences in file order, for evaluation and prediction; Step is 0, which belongs to no epoch. Of a
// source without end it is empty. Who writes results in file order needs to hold the chunks of one window at most: each
// window of 16 × ChunkSequences positions is complete before the next begins.
func (p *Plan) Everything() Minibatch {
	return p.everything()
}

// chunksPerWindow is how many chunks' worth of consecutive sequences are sorted by length together where everything is
// read in file order: enough for chunks of nearly equal lengths, few enough for reading to stay local.
const chunksPerWindow = 16

func (p *Plan) everything() Minibatch {
	p.wholeOnce.Do(func() {
		p.whole = Minibatch{Role: evaluation, all: true}
		if p.m.Len() == ingest.Endless {
			return
		}
		p.whole.Sequences = make([]int, p.m.Len())
		for i := range p.whole.Sequences {
			p.whole.Sequences[i] = i
		}
		p.whole.cut(p.m, p.o, chunksPerWindow*p.o.ChunkSequences)
	})
	return p.whole
}

// gradientLen returns the size of the k-th gradient minibatch of an epoch, k counted from 0.
func (p *Plan) gradientLen(k int) int {
	n, size := p.m.Len(), p.o.GradientSize
	switch {
	case n == ingest.Endless:
		return size
	case size == 0:
		return n
	}
	return min(size, n-k*size)
}

// places returns where on the ring the minibatch of a role lies.
func (p *Plan) places(role Role, step int) []int {
	k, n, size := step-1, p.m.Len(), p.o.GradientSize
	if n != ingest.Endless {
		k %= p.stepsPerEpoch()
	}
	gradient := p.gradientLen(k)
	curvature := min(p.o.curvatureSize(gradient), p.o.curvatureSize(p.gradientLen(0)))
	disjoint := 0
	if p.o.CurvatureFrom == CurvatureDisjoint {
		disjoint = curvature
	}
	start := k * size
	if n == ingest.Endless {
		start = k * (size + disjoint + p.o.HeldOutSize)
	}
	switch {
	case role == HeldOut:
		return run(start+gradient+disjoint, p.o.HeldOutSize, n)
	case role == Curvature && p.o.CurvatureFrom == CurvatureDisjoint:
		return run(start+gradient, curvature, n)
	case role == Curvature && p.o.CurvatureFrom == CurvatureSubset:
		return choose(start, gradient, min(curvature, gradient), newPermutation(gradient, p.o.Seed, uint64(step), keySubset))
	}
	return run(start, gradient, n)
}

// run returns size places from start on, on a ring of n.
func run(start, size, n int) []int {
	places := make([]int, size)
	for i := range places {
		places[i] = start + i
		if n != ingest.Endless {
			places[i] %= n
		}
	}
	return places
}

// choose returns size of the gradient places from start on, in their order.
func choose(start, gradient, size int, among permutation) []int {
	places := make([]int, size)
	for i := range places {
		places[i] = start + among.At(i)
	}
	slices.Sort(places)
	return places
}

// What keys of permutations are for, so that no two purposes share one.
const (
	keyGlobal uint64 = iota + 1
	keyBlocks
	keyWithin
	keySubset
)

// order returns the order of an epoch: which sequence lies at each place of the ring.
func (p *Plan) order(epoch int) func(place int) int {
	n, seed := p.m.Len(), p.o.Seed
	switch {
	case n == ingest.Endless, p.o.Shuffle == ShuffleNone, p.o.GradientSize == 0:
		return func(place int) int { return place }
	case p.o.Shuffle == ShuffleBlock:
		return blockOrder(n, min(p.o.BlockSize, n), seed, uint64(epoch))
	}
	all := newPermutation(n, seed, uint64(epoch), keyGlobal)
	return func(place int) int { return p.m.canonicalAt(all.At(place)) }
}

// blockOrder returns the block-local order of an epoch: blocks of size consecutive sequences (the last one may be short),
// the blocks permuted and each permuted within.
func blockOrder(n, size int, seed, epoch uint64) func(place int) int {
	count := (n + size - 1) / size
	lastLen := n - (count-1)*size
	blocks := newPermutation(count, seed, epoch, keyBlocks)
	lastAt := blocks.Inverse(count-1) * size // where the short block begins; places after it are shifted
	return func(place int) int {
		if place >= lastAt+lastLen {
			place += size - lastLen
		}
		block := blocks.At(place / size)
		length := size
		if block == count-1 {
			length = lastLen
		}
		within := newPermutation(length, seed, epoch, keyWithin, uint64(block))
		return block*size + within.At(place%size)
	}
}
