package pipeline_test

import (
	"encoding/binary"
	"fmt"
	"testing"

	"curvestream/ingest"
	"curvestream/ingest/gen"
	"curvestream/internal/shared"
	"curvestream/nn"
	"curvestream/pipeline"

	"github.com/zeebo/xxh3"
)

// A dataset is a file with everything that is needed to stream it.
type dataset struct {
	manifest *pipeline.Manifest
	loader   *pipeline.Loader[float32]
	encoding *ingest.Encoding
}

func open(t testing.TB, path string, roles ingest.RoleOptions, o pipeline.LoaderOptions) dataset {
	t.Helper()
	src, err := ingest.Open(t.Context(), []string{path}, ingest.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return scan(t, src, roles, o)
}

func scan(t testing.TB, src ingest.Source, roles ingest.RoleOptions, o pipeline.LoaderOptions) dataset {
	t.Helper()
	t.Cleanup(func() { src.Close() })
	fitter, err := ingest.NewFitter(src.Schema(), roles)
	if err != nil {
		t.Fatal(err)
	}
	r := fitter.Roles()
	m, err := pipeline.BuildManifest(t.Context(), src, fitter, pipeline.ManifestOptions{Layout: r.Layout, Identified: len(r.ID) > 0, Workers: o.Workers})
	if err != nil {
		t.Fatal(err)
	}
	e, err := fitter.Encoding()
	if err != nil {
		t.Fatal(err)
	}
	o.Identify = true
	l, err := pipeline.NewLoader[float32](src, m, e, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return dataset{m, l, e}
}

// digest returns a hash of all that a minibatch's batches hold, and their sequences and time-steps.
func (d dataset) digest(t testing.TB, mb pipeline.Minibatch) (sum uint64, sequences, steps int) {
	t.Helper()
	h := xxh3.New()
	if err := d.loader.Each(t.Context(), mb, func(b *nn.Batch[float32]) error {
		sequences += b.Columns()
		steps += b.Rows()
		fmt.Fprint(h, b.Lengths, b.Active, b.Position, b.ID)
		values := []any{b.Dense, b.Target, b.Class, b.Weight, b.WeightSum}
		if b.Sparse != nil {
			values = append(values, b.Sparse.Ptr, b.Sparse.Col, b.Sparse.Val)
		}
		for _, v := range values {
			if err := binary.Write(h, binary.LittleEndian, v); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return h.Sum64(), sequences, steps
}

func newPlan(t testing.TB, m *pipeline.Manifest, o pipeline.PlanOptions) *pipeline.Plan {
	t.Helper()
	p, err := pipeline.NewPlan(m, o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

var vowels = ingest.RoleOptions{Targets: []string{"speaker"}}

// Real files of each layout and encoding stream whole, and to the same bits with any number of workers and with little
// memory.
func TestRealFiles(t *testing.T) {
	for _, test := range []struct {
		file             string
		roles            ingest.RoleOptions
		sequences, steps int // as encoded
	}{
		{"japanese_vowels_train.parquet", vowels, 270, 4274},
		{"japanese_vowels_train_long.parquet", vowels, 270, 4274},
		{"jsb_chorales_train.parquet", ingest.RoleOptions{}, 229, 13807 - 229},
		{"shakespeare_valid.parquet", ingest.RoleOptions{}, 223, 223 * 499},
		{"../problems/adding30.parquet", ingest.RoleOptions{}, 1000, 30000},
		{"../problems/autoencoder.parquet", ingest.RoleOptions{Layout: ingest.Flat, Inputs: []string{"pixels"}, Targets: []string{"pixels"}}, 1000, 1000},
	} {
		t.Run(test.file, func(t *testing.T) {
			path := shared.Dir(t, "data", test.file)
			var want uint64
			for i, o := range []pipeline.LoaderOptions{{Workers: 1}, {Workers: 4, Prefetch: 3, Memory: 24 << 20}} {
				d := open(t, path, test.roles, o)
				p := newPlan(t, d.manifest, pipeline.PlanOptions{Seed: 1, GradientSize: 100, ChunkSequences: 64})
				sum, sequences, steps := d.digest(t, p.Everything())
				if sequences != test.sequences || steps != test.steps {
					t.Fatalf("%d sequences and %d time-steps, want %d and %d", sequences, steps, test.sequences, test.steps)
				}
				for step := 1; step <= 3; step++ {
					g, _, _ := d.digest(t, p.Minibatch(pipeline.Gradient, step))
					sum = sum*31 + g
				}
				if i == 0 {
					want = sum
				}
				if sum != want {
					t.Errorf("%+v: other bits", o)
				}
				if s := d.loader.Stats(); s.Peak > s.Memory {
					t.Errorf("%+v: %d bytes held at once, the budget is %d", o, s.Peak, s.Memory)
				}
			}
		})
	}
}

// The nested and the long file hold the same sequences: their minibatches are the same bits.
func TestNestedAndLongAreTheSameData(t *testing.T) {
	nested := open(t, shared.Dir(t, "data", "japanese_vowels_train.parquet"), vowels, pipeline.LoaderOptions{})
	long := open(t, shared.Dir(t, "data", "japanese_vowels_train_long.parquet"), vowels, pipeline.LoaderOptions{})
	o := pipeline.PlanOptions{Seed: 7, GradientSize: 60, CurvatureSize: 20, ChunkSequences: 25}
	p, q := newPlan(t, nested.manifest, o), newPlan(t, long.manifest, o)
	for step := 1; step <= 6; step++ {
		for _, role := range []pipeline.Role{pipeline.Gradient, pipeline.Curvature} {
			a, _, _ := nested.digest(t, p.Minibatch(role, step))
			b, _, _ := long.digest(t, q.Minibatch(role, step))
			if a != b {
				t.Fatalf("%s minibatch of step %d differs", role, step)
			}
		}
	}
}

// A generator without end gives fresh sequences at every step, the same ones whatever was asked for before, and its chunks
// hold what the plan says.
func TestGenerator(t *testing.T) {
	first := map[int]uint64{}
	seen := map[string]int{}
	for pass, steps := range [][]int{{1, 2, 3, 4}, {4, 2}} {
		src, err := gen.Open("gen:addition?length=30&seed=5")
		if err != nil {
			t.Fatal(err)
		}
		d := scan(t, src, ingest.RoleOptions{}, pipeline.LoaderOptions{Workers: 1 + pass})
		p := newPlan(t, d.manifest, pipeline.PlanOptions{GradientSize: 700, CurvatureSize: 100, ChunkSequences: 256})
		for _, step := range steps {
			sum, sequences, timeSteps := d.digest(t, p.Minibatch(pipeline.Gradient, step))
			if sequences != 700 || timeSteps < 700*30 || timeSteps > 700*33 {
				t.Fatalf("step %d: %d sequences and %d time-steps", step, sequences, timeSteps)
			}
			if want, ok := first[step]; ok && sum != want {
				t.Errorf("step %d has other bits when it is asked for first", step)
			}
			first[step] = sum
			if pass > 0 {
				continue
			}
			if err := d.loader.Each(t.Context(), p.Minibatch(pipeline.Gradient, step), func(b *nn.Batch[float32]) error {
				for _, id := range b.ID {
					if before, ok := seen[id]; ok {
						t.Fatalf("sequence %s is in steps %d and %d", id, before, step)
					}
					seen[id] = step
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		}
	}
}
