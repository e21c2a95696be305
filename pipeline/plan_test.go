package pipeline

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"curvestream/ingest"
)

// manifestOf builds the manifest of nested rows in units of the given number of rows.
func manifestOf(t *testing.T, rows []fakeRow, perUnit int) *Manifest {
	t.Helper()
	return newFixture(t, newFakeSource(rows, perUnit), ingest.Nested, lastDense).manifest
}

func mustPlan(t *testing.T, m *Manifest, o PlanOptions) *Plan {
	t.Helper()
	p, err := NewPlan(m, o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Over an epoch every sequence is in one gradient minibatch, whatever the order, and the next epoch has another order where
// there is a shuffle.
func TestAnEpochUsesEverySequenceOnce(t *testing.T) {
	for _, n := range []int{1, 2, 10, 97, 100} {
		m := manifestOf(t, nestedRows(n), 7)
		for _, shuffle := range []Shuffle{ShuffleGlobal, ShuffleBlock, ShuffleNone} {
			for _, size := range []int{0, 1, 3, 10, n} {
				if size > n {
					continue
				}
				p := mustPlan(t, m, PlanOptions{Seed: 5, GradientSize: size, Shuffle: shuffle, BlockSize: 8, ChunkSequences: 4})
				name := fmt.Sprintf("n=%d %s size=%d", n, shuffle, size)
				var orders [2][]int
				for epoch := range orders {
					for k := range p.stepsPerEpoch() {
						mb := p.Minibatch(Gradient, epoch*p.stepsPerEpoch()+k+1)
						if mb.Epoch != epoch {
							t.Fatalf("%s: step %d is of epoch %d, want %d", name, mb.Step, mb.Epoch, epoch)
						}
						orders[epoch] = append(orders[epoch], mb.Sequences...)
					}
					if got := slices.Sorted(slices.Values(orders[epoch])); !slices.Equal(got, count(n)) {
						t.Fatalf("%s: epoch %d uses %v", name, epoch, got)
					}
				}
				if shuffled := shuffle != ShuffleNone && size > 0; n > 10 && shuffled == slices.Equal(orders[0], orders[1]) {
					t.Errorf("%s: two epochs have equal orders: %t", name, !shuffled)
				}
			}
		}
	}
}

func count(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

// A minibatch depends on nothing but its role and step: not on what was asked for before.
func TestMinibatchesAreAPureFunction(t *testing.T) {
	m := manifestOf(t, nestedRows(50), 7)
	o := PlanOptions{Seed: 1, GradientSize: 12, CurvatureSize: 5, CurvatureFrom: CurvatureSubset, HeldOutSize: 6, ChunkSequences: 4}
	forward, backward := mustPlan(t, m, o), mustPlan(t, m, o)
	want := map[string]Minibatch{}
	roles := []Role{Gradient, Curvature, HeldOut}
	for step := 1; step <= 12; step++ {
		for _, r := range roles {
			want[fmt.Sprint(r, step)] = forward.Minibatch(r, step)
		}
	}
	for step := 12; step >= 1; step-- {
		for _, r := range roles {
			if got := backward.Minibatch(r, step); !reflect.DeepEqual(got, want[fmt.Sprint(r, step)]) {
				t.Fatalf("%s minibatch of step %d differs", r, step)
			}
		}
	}
	o.Seed = 2
	if reflect.DeepEqual(mustPlan(t, m, o).Minibatch(Gradient, 1), want["gradient1"]) {
		t.Error("another seed gives the same minibatch")
	}
}

// With identifiers, a shuffled minibatch holds the same sequences in the same order whatever the order of the rows and the
// size of the units.
func TestMinibatchesDoNotDependOnFiles(t *testing.T) {
	rows := nestedRows(60)
	reversed := slices.Clone(rows)
	slices.Reverse(reversed)
	o := PlanOptions{Seed: 3, GradientSize: 16, CurvatureSize: 4, HeldOutSize: 5, ChunkSequences: 6}
	spellOut := func(rows []fakeRow, perUnit int) (all []string) {
		p := mustPlan(t, manifestOf(t, rows, perUnit), o)
		for step := 1; step < 9; step++ {
			for _, r := range []Role{Gradient, Curvature, HeldOut} {
				mb := p.Minibatch(r, step)
				for _, c := range mb.Chunks {
					for _, position := range c {
						all = append(all, rows[mb.Sequences[position]].id)
					}
				}
			}
		}
		return all
	}
	want := spellOut(rows, 7)
	for name, got := range map[string][]string{"other units": spellOut(rows, 60), "other order": spellOut(reversed, 9)} {
		if !slices.Equal(got, want) {
			t.Errorf("%s: other minibatches", name)
		}
	}
}

func TestCurvatureAndHeldOut(t *testing.T) {
	m := manifestOf(t, nestedRows(50), 7)
	for _, test := range []struct {
		o         PlanOptions
		curvature int  // size beside a full gradient minibatch
		inside    bool // the gradient minibatch
	}{
		{PlanOptions{GradientSize: 12}, 12, true},
		{PlanOptions{GradientSize: 12, CurvatureSize: 5, HeldOutSize: 10}, 5, true},
		{PlanOptions{GradientSize: 12, CurvatureFrom: CurvatureSubset, CurvatureSize: 12}, 12, true},
		{PlanOptions{GradientSize: 12, CurvatureFrom: CurvatureDisjoint, CurvatureSize: 20, HeldOutSize: 18}, 20, false},
		{PlanOptions{GradientSize: 30, CurvatureFrom: CurvatureDisjoint, CurvatureSize: 20}, 20, false},
		{PlanOptions{CurvatureSize: 8}, 8, true},
		{PlanOptions{GradientSize: 12, CurvatureFrom: CurvatureEqual, CurvatureSize: 12}, 12, true},
	} {
		p := mustPlan(t, m, test.o)
		for step := 1; step <= 20; step++ {
			g, c, h := p.Minibatch(Gradient, step), p.Minibatch(Curvature, step), p.Minibatch(HeldOut, step)
			short := test.o.GradientSize > 0 && g.Len() < test.o.GradientSize
			if want := test.curvature; c.Len() != want && !(short && c.Len() == min(want, g.Len())) {
				t.Fatalf("%+v step %d: %d curvature sequences, want %d", test.o, step, c.Len(), want)
			}
			for _, i := range c.Sequences {
				if slices.Contains(g.Sequences, i) != test.inside {
					t.Fatalf("%+v step %d: curvature sequence %d within the gradient minibatch: %t", test.o, step, i, !test.inside)
				}
			}
			if h.Len() != test.o.HeldOutSize {
				t.Fatalf("%+v: %d held-out sequences", test.o, h.Len())
			}
			for _, i := range h.Sequences {
				if slices.Contains(g.Sequences, i) || slices.Contains(c.Sequences, i) {
					t.Fatalf("%+v step %d: held-out sequence %d is used twice", test.o, step, i)
				}
			}
			for _, mb := range []Minibatch{g, c, h} {
				if unique := slices.Compact(slices.Sorted(slices.Values(mb.Sequences))); len(unique) != mb.Len() {
					t.Fatalf("%+v step %d: a %s sequence is there twice", test.o, step, mb.Role)
				}
			}
		}
	}
}

func TestCurvatureSubsetVariesByStep(t *testing.T) {
	p := mustPlan(t, manifestOf(t, nestedRows(50), 7), PlanOptions{CurvatureSize: 10})
	if slices.Equal(p.Minibatch(Curvature, 1).Sequences, p.Minibatch(Curvature, 2).Sequences) {
		t.Error("steps 1 and 2 have the same subset")
	}
}

// Chunks hold each position once, keep their bounds, and go from long to short within a window.
func TestChunks(t *testing.T) {
	rows := nestedRows(200)
	m := manifestOf(t, rows, 16)
	for _, test := range []struct{ size, sequences, steps int }{{0, 7, 0}, {0, 1, 0}, {0, 1000, 0}, {90, 10, 0}, {90, 10, 60}, {0, 50, 5}} {
		p := mustPlan(t, m, PlanOptions{GradientSize: test.size, ChunkSequences: test.sequences, ChunkSteps: test.steps})
		mb := p.Minibatch(Gradient, 1)
		var positions []int
		for c, chunk := range mb.Chunks {
			steps := 0
			for j, position := range chunk {
				positions = append(positions, int(position))
				steps += m.Steps(mb.Sequences[position])
				if j > 0 && m.Steps(mb.Sequences[chunk[j-1]]) < m.Steps(mb.Sequences[position]) {
					t.Fatalf("%+v: chunk %d is not sorted by length", test, c)
				}
			}
			if len(chunk) == 0 || len(chunk) > test.sequences || test.steps > 0 && steps > test.steps && len(chunk) > 1 {
				t.Fatalf("%+v: chunk %d has %d sequences and %d steps", test, c, len(chunk), steps)
			}
		}
		slices.Sort(positions)
		if !slices.Equal(positions, count(mb.Len())) {
			t.Fatalf("%+v: chunks hold positions %v", test, positions)
		}
		if test.steps == 0 && test.size > 0 {
			if last := mb.Chunks[len(mb.Chunks)-1]; len(last) < len(mb.Chunks[0])-len(mb.Chunks) {
				t.Errorf("%+v: chunks of %d and %d sequences are not as equal as can be", test, len(mb.Chunks[0]), len(last))
			}
		}
	}
}

// In block-local order, consecutive places lie in few blocks, so that reading stays local.
func TestBlockShuffleIsLocal(t *testing.T) {
	const n, block = 103, 10
	at := blockOrder(n, block, 1, 0)
	var changes int
	for place := 1; place < n; place++ {
		if at(place)/block != at(place-1)/block {
			changes++
		}
	}
	if blocks := (n + block - 1) / block; changes != blocks-1 {
		t.Errorf("%d changes of block over an epoch of %d blocks", changes, blocks)
	}
}

func TestPlanOptionsThatCannotBe(t *testing.T) {
	m := manifestOf(t, nestedRows(50), 7)
	for want, o := range map[string]PlanOptions{
		"more than the 50 that there are: give at most 50, or 0":         {GradientSize: 51},
		"cannot be disjoint among 50":                                    {GradientSize: 40, CurvatureSize: 20, CurvatureFrom: CurvatureDisjoint},
		"cannot be a subset of a gradient minibatch of 10":               {GradientSize: 10, CurvatureSize: 20},
		"cannot equal a gradient minibatch of 10":                        {GradientSize: 10, CurvatureSize: 5, CurvatureFrom: CurvatureEqual},
		"held-out minibatch of 1 sequences cannot be apart from the 50":  {HeldOutSize: 1},
		"held-out minibatch of 11 sequences cannot be apart from the 40": {GradientSize: 20, CurvatureFrom: CurvatureDisjoint, HeldOutSize: 11},
		"unknown shuffle \"sideways\"":                                   {Shuffle: "sideways"},
		"taken from \"elsewhere\"":                                       {CurvatureFrom: "elsewhere"},
		"must not be negative":                                           {ChunkSteps: -1},
	} {
		if _, err := NewPlan(m, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: err = %v, want %q", o, err, want)
		}
	}
	_, err := NewPlan(m, PlanOptions{GradientSize: 99, HeldOutSize: 99, Shuffle: "x"})
	if err == nil || strings.Count(err.Error(), "pipeline: ") != 3 {
		t.Errorf("not every problem is reported: %v", err)
	}
}
