package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"curvestream/ingest"
	"curvestream/internal/shared"
	"curvestream/nn"
	"curvestream/pipeline"
	"curvestream/run/data"
)

// Where a column gives identifiers, the same sequences in Parquet and in Arrow IPC, in row groups of any size and any compression, have
// the same digest, and every minibatch has the same bits.
func TestSameBitsFromParquetAndIPC(t *testing.T) {
	for _, test := range []struct {
		file  string
		roles ingest.RoleOptions
	}{
		{"data/japanese_vowels_train.parquet", vowels},
		{"data/japanese_vowels_train_long.parquet", vowels},
		{"data/jsb_chorales_test.parquet", ingest.RoleOptions{}},
	} {
		path := shared.Dir(t, test.file)
		original := open(t, path, test.roles, pipeline.LoaderOptions{Workers: 1})
		want := everyRole(t, original)
		for _, o := range []struct {
			name, compression string
			rows              int
		}{{"a.parquet", "snappy", 60}, {"b.arrow", "none", 23}, {"c.arrow", "lz4", 100000}} {
			out := converted(t, path, filepath.Join(t.TempDir(), o.name), ingest.WriteOptions{Compression: o.compression, RowGroupRows: o.rows})
			d := open(t, out, test.roles, pipeline.LoaderOptions{Workers: 3, Memory: 16 << 20})
			if d.manifest.Digest() != original.manifest.Digest() {
				t.Errorf("%s as %s: another manifest", test.file, o.name)
			}
			if got := everyRole(t, d); got != want {
				t.Errorf("%s as %s in groups of %d rows: other bits", test.file, o.name, o.rows)
			}
		}
	}
}

// converted writes a copy of a file, and returns its name.
func converted(t *testing.T, from, to string, o ingest.WriteOptions) string {
	t.Helper()
	src, err := ingest.Open(t.Context(), []string{from}, ingest.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = ingest.Convert(t.Context(), src, to, o)
	if err := errors.Join(err, src.Close()); err != nil {
		t.Fatal(err)
	}
	return to
}

// everyRole returns a hash of minibatches of each role and relation.
func everyRole(t *testing.T, d dataset) string {
	var all []string
	for _, from := range []pipeline.CurvatureFrom{pipeline.CurvatureSubset, pipeline.CurvatureDisjoint, pipeline.CurvatureEqual} {
		o := pipeline.PlanOptions{Seed: 7, GradientSize: 30, CurvatureSize: 10, CurvatureFrom: from, HeldOutSize: 15, ChunkSequences: 12}
		if from == pipeline.CurvatureEqual {
			o.CurvatureSize = 0
		}
		p := newPlan(t, d.manifest, o)
		for step := 1; step <= 3; step++ {
			for _, role := range []pipeline.Role{pipeline.Gradient, pipeline.Curvature, pipeline.HeldOut} {
				sum, _, _ := d.digest(t, p.Minibatch(role, step))
				all = append(all, fmt.Sprint(sum))
			}
		}
	}
	return strings.Join(all, " ")
}

// A minibatch that memory does not hold is replayed chunk by chunk, several times an iteration, with the same bits: from the files, from
// memory, from a working copy that is being written and from one that is there.
func TestReplayHasTheSameBits(t *testing.T) {
	dir := t.TempDir()
	path := converted(t, shared.Dir(t, "problems", "adding30.parquet"), filepath.Join(dir, "a.parquet"), ingest.WriteOptions{RowGroupRows: 50})
	for name, o := range map[string]pipeline.LoaderOptions{
		"memory":       {},
		"source":       {Memory: 400 << 10, Workers: 2},
		"working copy": {Memory: 400 << 10, Workers: 2, Copy: pipeline.CopyOptions{Dir: filepath.Join(dir, "copies")}},
	} {
		d := open(t, path, ingest.RoleOptions{}, o)
		p := newPlan(t, d.manifest, pipeline.PlanOptions{Seed: 1, GradientSize: 700, CurvatureSize: 100, ChunkSequences: 50})
		whole := newPlan(t, d.manifest, pipeline.PlanOptions{ChunkSequences: 50})
		seen := map[string]uint64{}
		for replay := range 4 { // the gradient, the line search, rho
			for what, mb := range map[string]pipeline.Minibatch{"gradient": p.Minibatch(pipeline.Gradient, 1), "curvature": p.Minibatch(pipeline.Curvature, 1), "all": whole.Minibatch(pipeline.Gradient, 1)} {
				sum, _, _ := d.digest(t, mb)
				if replay > 0 && sum != seen[what] {
					t.Errorf("%s: replay %d of %s has other bits", name, replay, what)
				}
				seen[what] = sum
			}
		}
		s := d.loader.Stats()
		if inMemory := name == "memory"; inMemory != (s.Read().Items <= 2*int64(d.manifest.Summary().Units)) || s.Peak > s.Memory {
			t.Errorf("%s: %d units were read of %d, peak %d of %d: this is not the case that is tested", name, s.Read().Items, d.manifest.Summary().Units, s.Peak, s.Memory)
		}
	}
}

// Cancelled at random moments, while a working copy is written, too, a pass ends with the cancellation or is complete; no file that is
// not complete is left, no goroutine (TestMain looks), and the next pass delivers everything.
func TestCancelLeavesNoFiles(t *testing.T) {
	path := shared.Dir(t, "data", "japanese_vowels_train_long.parquet")
	want := open(t, path, vowels, pipeline.LoaderOptions{}).all(t)
	rng := rand.New(rand.NewPCG(4, 4))
	for i := range 25 {
		dir := t.TempDir()
		d := open(t, path, vowels, pipeline.LoaderOptions{Workers: 1 + i%3, Copy: pipeline.CopyOptions{Dir: dir}})
		mb := newPlan(t, d.manifest, pipeline.PlanOptions{ChunkSequences: 20}).Everything()
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rng.IntN(12_000_000)))
		err := d.loader.Each(ctx, mb, func(*nn.Batch[float32]) error { return nil })
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		cancel()
		if err != nil {
			for _, left := range copies(t, dir) {
				if strings.Contains(left, ".tmp-") {
					t.Errorf("%s is left", left)
				}
			}
			if held := d.loader.Stats().Held; held != 0 {
				t.Errorf("%d bytes are still held", held)
			}
		}
		if i%8 == 0 && d.all(t) != want {
			t.Error("the pass after a cancelled one has other bits")
		}
		d.loader.Close()
	}
}

// rssChild says, in the environment of a child process, which file it is to read with how much memory.
const rssChild = "CURVESTREAM_TEST_RSS"

// TestPeakRSS reads data of three times a budget in a process of its own, an epoch and more of shuffled minibatches, each twice, and asks the system how much
// memory the process has ever occupied: at most the budget, what a process takes that reads next to nothing, and 15 %.
func TestPeakRSS(t *testing.T) {
	if name := os.Getenv(rssChild); name != "" {
		readInChild(t, name)
		return
	}
	if _, err := os.Stat("/proc/self/status"); err != nil {
		shared.Skip(t, "/proc, to know what a process occupied: %v", err)
	}
	if raceEnabled {
		t.Skip("the race detector takes several times the memory")
	}
	const budget = 32 << 20
	dir := t.TempDir()
	baseline := occupiedBy(t, writeSequences(t, filepath.Join(dir, "small.parquet"), 64), budget)
	large := writeSequences(t, filepath.Join(dir, "large.parquet"), 20_000)
	bound := (baseline + budget) * 115 / 100
	// On a machine whose processors are taken the collector of garbage may come 2 MB late; what the pipeline keeps would be there each time.
	for range 3 {
		most := occupiedBy(t, large, budget)
		t.Logf("at most %d MB; budget %d MB, baseline %d MB, bound %d MB", most>>20, budget>>20, baseline>>20, bound>>20)
		if most <= bound {
			return
		}
	}
	t.Errorf("the process occupied more than the bound of %d MB, three times", bound>>20)
}

// readInChild reads a file, with a budget, as "bytes path" says.
func readInChild(t *testing.T, what string) {
	size, path, _ := strings.Cut(what, " ")
	memory, err := strconv.ParseInt(size, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	defer data.KeepTo(memory, 0)()
	d := open(t, path, ingest.RoleOptions{Inputs: []string{"x"}, Targets: []string{"y"}}, pipeline.LoaderOptions{Memory: memory})
	p := newPlan(t, d.manifest, pipeline.PlanOptions{Seed: 1, GradientSize: min(4_000, d.manifest.Len()), ChunkSequences: 200, Shuffle: pipeline.ShuffleBlock})
	for step := 1; step <= 6; step++ {
		for range 2 {
			if err := d.loader.Each(t.Context(), p.Minibatch(pipeline.Gradient, step), func(*nn.Batch[float32]) error { return nil }); err != nil {
				t.Fatal(err)
			}
		}
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if most, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			fmt.Printf("occupied %s kB\n", strings.Fields(most)[0])
		}
	}
}
