package pipeline

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"curvestream/ingest"
	"curvestream/nn"
)

// An epoch's last minibatch is short where the size does not divide the number of sequences: it is delivered as it is, no sequence twice
// and none left out, and what it is divided by is its own weight.
func TestLastMinibatchIsReal(t *testing.T) {
	rows := nestedRows(50)
	f := newFixture(t, newFakeSource(rows, 8), ingest.Nested, lastDense)
	l := f.loader(t, LoaderOptions{})
	p := f.plan(t, PlanOptions{Seed: 2, GradientSize: 12, ChunkSequences: 5})
	used := map[string]int{}
	for step := 1; step <= 5; step++ {
		sequences, weight, want := 0, 0.0, 0.0
		if err := l.Each(t.Context(), p.Minibatch(Gradient, step), func(b *nn.Batch[float32]) error {
			sequences += b.Columns()
			weight += b.WeightSum
			for _, id := range b.ID {
				used[id]++
				want += float64(fakeWeight[float32](id))
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if size := []int{12, 12, 12, 12, 2}[step-1]; sequences != size || weight != want {
			t.Errorf("step %d: %d sequences of weight %g, want %d of %g", step, sequences, weight, size, want)
		}
	}
	for _, r := range rows {
		if used[r.id] != 1 {
			t.Errorf("%s was used %d times", r.id, used[r.id])
		}
	}
}

// Chunks are sorted by length, but which sequences make a minibatch does not depend on lengths: the same identifiers with other lengths
// give the same minibatches, with a shuffle of all and with one of blocks, and every place of the order can be asked for in both directions.
func TestShuffleSurvivesBucketing(t *testing.T) {
	rows := nestedRows(120)
	other := slices.Clone(rows)
	for i := range other {
		other[i].n = 21 - other[i].n
	}
	m, n := manifestOf(t, rows, 7), manifestOf(t, other, 7)
	for _, shuffle := range []Shuffle{ShuffleGlobal, ShuffleBlock} {
		o := PlanOptions{Seed: 5, GradientSize: 32, CurvatureSize: 8, CurvatureFrom: CurvatureDisjoint, HeldOutSize: 16, Shuffle: shuffle, BlockSize: 16, ChunkSequences: 6}
		p, q := mustPlan(t, m, o), mustPlan(t, n, o)
		for step := 1; step <= 9; step++ {
			for _, role := range []Role{Gradient, Curvature, HeldOut} {
				a, b := p.Minibatch(role, step), q.Minibatch(role, step)
				if !slices.Equal(a.Sequences, b.Sequences) {
					t.Fatalf("%s: the %s minibatch of step %d depends on lengths", shuffle, role, step)
				}
				var positions []int
				for _, chunk := range a.Chunks {
					for k, position := range chunk {
						positions = append(positions, int(position))
						if k > 0 && m.Steps(a.Sequences[chunk[k-1]]) < m.Steps(a.Sequences[position]) {
							t.Fatalf("%s: a chunk is not sorted by length", shuffle)
						}
					}
				}
				if slices.Sort(positions); !slices.Equal(positions, count(a.Len())) {
					t.Fatalf("%s: the chunks of step %d hold positions %v", shuffle, step, positions)
				}
			}
		}
		for epoch := range 2 {
			at, seen := p.order(epoch), map[int]bool{}
			for place := range len(rows) {
				seen[at(place)] = true
			}
			if len(seen) != len(rows) {
				t.Errorf("%s: epoch %d has %d of %d sequences", shuffle, epoch, len(seen), len(rows))
			}
		}
	}
}

// A loader that begins at step k, as on resume, delivers the bits of one that was there from the first step, with any number of workers,
// and reads the units of this step's minibatches alone, each once.
func TestResumeRereadsAtMostOneWindow(t *testing.T) {
	f := newFixture(t, newFakeSource(nestedRows(400), 10), ingest.Nested, lastDense)
	p := f.plan(t, PlanOptions{Seed: 3, GradientSize: 40, CurvatureSize: 10, CurvatureFrom: CurvatureSubset, HeldOutSize: 10, Shuffle: ShuffleBlock, BlockSize: 40, ChunkSequences: 8})
	deliver := func(l *Loader[float32], step int) (all string) {
		for _, mb := range roleMinibatches(p, step) {
			all += deliverAll(t, l, mb)
		}
		return all
	}
	whole, want := f.loader(t, LoaderOptions{}), map[int]string{}
	for step := 1; step <= 12; step++ {
		want[step] = deliver(whole, step)
	}
	for _, step := range []int{1, 5, 10, 12} {
		for _, workers := range []int{1, 5} {
			window := map[int32]bool{}
			for _, mb := range roleMinibatches(p, step) {
				for _, i := range mb.Sequences {
					for _, s := range f.manifest.spansOf(i) {
						window[s.unit] = true
					}
				}
			}
			f.src.reads.Store(0)
			l := f.loader(t, LoaderOptions{Workers: workers})
			if deliver(l, step) != want[step] {
				t.Errorf("step %d: a loader that begins there delivers other bits", step)
			}
			if got := f.src.reads.Load(); got != int64(len(window)) || got >= int64(f.src.Len()) || l.Stats().Read().Items != got {
				t.Errorf("step %d: %d of %d units read, %d counted, want the %d of its minibatches", step, got, f.src.Len(), l.Stats().Read().Items, len(window))
			}
		}
	}
}

// A stored manifest is the manifest, of any layout; one of other data, of another scan, or that is damaged anywhere is refused.
func TestStoredManifest(t *testing.T) {
	nested := nestedRows(60)
	for name, rows := range map[string][]fakeRow{"nested": nested, "long": longRows(nested, false), "interleaved": longRows(nested, true)} {
		for _, identified := range []bool{true, false} {
			layout := ingest.Nested
			if name != "nested" {
				layout = ingest.Long
			}
			src := newFakeSource(rows, 9)
			m, err := BuildManifest(t.Context(), src, &fakeScan{long: layout == ingest.Long, drop: "s7"}, ManifestOptions{Layout: layout, Identified: identified})
			if err != nil {
				t.Fatal(err)
			}
			stored := m.Encode("scan")
			if got, err := DecodeManifest(stored, src, "scan"); err != nil || !reflect.DeepEqual(got, m) {
				t.Errorf("%s: %v, or another manifest", name, err)
			}
			if perSequence := len(stored) / m.Len(); name == "nested" && perSequence > 25 {
				t.Errorf("%d bytes a sequence", perSequence)
			}
			for what, bad := range map[string]func() (*Manifest, error){
				"another scan":  func() (*Manifest, error) { return DecodeManifest(stored, src, "other") },
				"another file":  func() (*Manifest, error) { return DecodeManifest(stored, newFakeSource(rows[1:], 9), "scan") },
				"nothing":       func() (*Manifest, error) { return DecodeManifest(nil, src, "scan") },
				"a part":        func() (*Manifest, error) { return DecodeManifest(stored[:len(stored)-1], src, "scan") },
				"flipped bits":  func() (*Manifest, error) { return DecodeManifest(flipped(stored), src, "scan") },
				"sound garbage": func() (*Manifest, error) { return DecodeManifest(resealed(flipped(stored)), src, "scan") },
			} {
				if _, err := bad(); err != ErrOtherManifest {
					t.Errorf("%s: %s: %v, want %v", name, what, err, ErrOtherManifest)
				}
			}
		}
	}
}

// flipped changes the number of spans of the first sequence, and with it all that follows.
func flipped(stored []byte) []byte {
	b := slices.Clone(stored)
	b[len(storedMagic)+16+3+17] ^= 0x7F
	return b
}

// resealed makes the sum at the end right.
func resealed(b []byte) []byte {
	end := len(b) - 16
	return append(slices.Clone(b[:end]), bytesOf(sumOf(b[:end]))...)
}

// FuzzStoredManifest decodes whatever bytes.
func FuzzStoredManifest(f *testing.F) {
	src := newFakeSource(nestedRows(20), 5)
	m, err := BuildManifest(f.Context(), src, &fakeScan{}, ManifestOptions{Layout: ingest.Nested, Identified: true})
	if err != nil {
		f.Fatal(err)
	}
	head := len(storedMagic) + 16
	stored := m.Encode("")
	f.Add(stored[head : len(stored)-16])
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := DecodeManifest(resealed(append(append(slices.Clone(stored[:head]), body...), make([]byte, 16)...)), src, "")
		if err != nil {
			return
		}
		for i := range got.Len() {
			for _, s := range got.spansOf(i) {
				if !s.lies(got.units) {
					t.Fatalf("sequence %d lies at %+v", i, s)
				}
			}
		}
		_ = fmt.Sprint(got.Summary())
	})
}
