package pipeline

import (
	"testing"

	"curvestream/ingest"
	"curvestream/nn"
)

// Every row of every sequence is in the batch once, at its time-step and column, with its target and weight.
func TestBatchesHoldWhatTheyShould(t *testing.T) {
	rows := nestedRows(60)
	for name, e := range encodings {
		for layout, data := range map[ingest.Layout][]fakeRow{ingest.Nested: rows, ingest.Long: longRows(rows, true)} {
			f := newFixture(t, newFakeSource(data, 9), layout, e)
			l := f.loader(t, LoaderOptions{Workers: 3})
			mb := f.plan(t, PlanOptions{GradientSize: 40, ChunkSequences: 16}).Minibatch(Gradient, 1)
			seen := map[string]bool{}
			if err := l.Each(t.Context(), mb, func(b *nn.Batch[float32]) error {
				checkBatch(t, f, mb, b, rows)
				for _, id := range b.ID {
					if seen[id] {
						t.Fatalf("%s: sequence %s is there twice", name, id)
					}
					seen[id] = true
				}
				return nil
			}); err != nil {
				t.Fatalf("%s %s: %v", name, layout, err)
			}
			if len(seen) != 40 {
				t.Fatalf("%s %s: %d sequences, want 40", name, layout, len(seen))
			}
			l.Close()
			f.src.memory.AssertSize(t, 0)
		}
	}
}

func checkBatch(t *testing.T, f *fixture, mb Minibatch, b *nn.Batch[float32], rows []fakeRow) {
	t.Helper()
	weightSum := 0.0
	for j, id := range b.ID {
		weightSum += float64(fakeWeight[float32](id))
		if at := rows[mb.Sequences[b.Position[j]]]; at.id != id || int(at.n) != b.Lengths[j] {
			t.Fatalf("column %d is %s of length %d; position %d of the minibatch is %v", j, id, b.Lengths[j], b.Position[j], at)
		}
		for step := range b.Lengths[j] {
			if j >= b.Active[step] {
				t.Fatalf("column %d is not alive at step %d of %d", j, step, b.Lengths[j])
			}
			checkInputs(t, b, id, step, b.Offset[step]+j)
		}
	}
	if b.WeightSum != weightSum {
		t.Fatalf("WeightSum = %g, want %g", b.WeightSum, weightSum)
	}
	total := 0
	for step, n := range b.Active {
		if b.Offset[step] != total {
			t.Fatalf("offset of step %d is %d, want %d", step, b.Offset[step], total)
		}
		total += n
	}
	for i := range b.OutputRows() {
		j := b.OutputColumn(i)
		checkTarget(t, f.encoding, b, i, b.ID[j], (b.OutputRow(i) - j), b.Lengths[j])
	}
}

func checkInputs(t *testing.T, b *nn.Batch[float32], id string, step, row int) {
	t.Helper()
	if b.Sparse == nil {
		for k := range b.In {
			if got, want := b.Dense[row*b.In+k], fakeValue[float32](id, step, k); got != want {
				t.Fatalf("%s step %d input %d: %g, want %g", id, step, k, got, want)
			}
		}
		return
	}
	lo, hi := b.Sparse.Ptr[row], b.Sparse.Ptr[row+1]
	if int(hi-lo) != step%3 {
		t.Fatalf("%s step %d: %d active inputs, want %d", id, step, hi-lo, step%3)
	}
	for k := range hi - lo {
		want := float32(1)
		if hashID(id).Lo%2 == 0 {
			want = fakeValue[float32](id, step, int(k))
		}
		if b.Sparse.Col[lo+k] != k || b.Sparse.Val[lo+k] != want {
			t.Fatalf("%s step %d: input %d is %g, want %g", id, step, b.Sparse.Col[lo+k], b.Sparse.Val[lo+k], want)
		}
	}
}

func checkTarget(t *testing.T, e *ingest.Encoding, b *nn.Batch[float32], i int, id string, offset, length int) {
	t.Helper()
	step := length - 1
	if b.Form == nn.Each {
		for step = 0; b.Offset[step] != offset; step++ {
		}
	}
	weight := fakeWeight[float32](id)
	if e.Form == "each" && hashID(id).Lo%3 == 0 {
		weight *= float32(step % 2)
	}
	if b.Weight[i] != weight {
		t.Fatalf("%s step %d: weight %g, want %g", id, step, b.Weight[i], weight)
	}
	if b.Class != nil {
		if int(b.Class[i]) != step {
			t.Fatalf("%s step %d: class %d", id, step, b.Class[i])
		}
		return
	}
	for k := range b.Out {
		if got, want := b.Target[i*b.Out+k], -fakeValue[float32](id, step, k); got != want {
			t.Fatalf("%s step %d target %d: %g, want %g", id, step, k, got, want)
		}
	}
}
