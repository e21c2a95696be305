package pipeline_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"curvestream/ingest"
	"curvestream/internal/shared"
	"curvestream/nn"
	"curvestream/pipeline"
)

// all returns a hash of an epoch's minibatches, as gradient minibatches and as a whole.
func (d dataset) all(t testing.TB) (sum uint64) {
	p := newPlan(t, d.manifest, pipeline.PlanOptions{Seed: 3, GradientSize: 100, ChunkSequences: 40})
	for step := 1; step <= 3; step++ {
		g, _, _ := d.digest(t, p.Minibatch(pipeline.Gradient, step))
		sum = sum*31 + g
	}
	whole, _, _ := d.digest(t, p.Everything())
	return sum*31 + whole
}

// copies lists what is in the directory of working copies.
func copies(t *testing.T, dir string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// A working copy changes no bit, be it written, read by the loader that wrote it, or found by the next, of any layout, encoding and
// compression, with identifiers or without.
func TestWorkingCopyHasTheSameBits(t *testing.T) {
	for _, test := range []struct {
		file  string
		roles ingest.RoleOptions
	}{
		{"japanese_vowels_train.parquet", vowels},
		{"japanese_vowels_train_long.parquet", vowels},
		{"jsb_chorales_train.parquet", ingest.RoleOptions{}},
		{"shakespeare_valid.parquet", ingest.RoleOptions{}},
		{"../problems/autoencoder.parquet", ingest.RoleOptions{Layout: ingest.Flat, Inputs: []string{"pixels"}, Targets: []string{"pixels"}}},
	} {
		for _, compression := range []string{"none", "lz4"} {
			t.Run(test.file+" "+compression, func(t *testing.T) {
				path, dir := shared.Dir(t, "data", test.file), t.TempDir()
				want := open(t, path, test.roles, pipeline.LoaderOptions{}).all(t)
				o := pipeline.LoaderOptions{Workers: 3, Memory: 24 << 20, Copy: pipeline.CopyOptions{Dir: dir, Compression: compression}}
				first := open(t, path, test.roles, o)
				if got := first.all(t); got != want {
					t.Error("other bits while it is written")
				}
				first.loader.Close()
				if found := copies(t, dir); len(found) != 1 || strings.Contains(found[0], ".tmp-") {
					t.Fatalf("after a pass over everything there are %v", found)
				}
				second := open(t, path, test.roles, o)
				for _, d := range []dataset{first, second} {
					if got := d.all(t); got != want {
						t.Error("other bits from the copy")
					}
					if s := d.loader.Stats(); !strings.Contains(s.Note, "reading from") || s.Peak > s.Memory {
						t.Errorf("%q, peak %d of %d", s.Note, s.Peak, s.Memory)
					}
				}
			})
		}
	}
}

// A copy that is damaged, however, is noticed before it is read, and written anew; what an interrupted run left is removed; and a run that
// ends before its copy is complete leaves nothing.
func TestWorkingCopyIsWrittenAnew(t *testing.T) {
	path := shared.Dir(t, "data", "japanese_vowels_train.parquet")
	want := open(t, path, vowels, pipeline.LoaderOptions{}).all(t)
	dir := t.TempDir()
	o := pipeline.LoaderOptions{Copy: pipeline.CopyOptions{Dir: dir}}
	open(t, path, vowels, o).all(t)
	made := copies(t, dir)[0]
	left := made + ".tmp-1234"
	for name, spoil := range map[string]func(file string, b []byte) error{
		"flip":     func(file string, b []byte) error { b[len(b)/2] ^= 4; return os.WriteFile(file, b, 0o666) },
		"truncate": func(file string, b []byte) error { return os.Truncate(file, int64(len(b)/2)) },
		"empty":    func(file string, b []byte) error { return os.Truncate(file, 0) },
		"remove":   func(file string, b []byte) error { return os.Remove(file) },
	} {
		for _, file := range []string{"data.arrow", "digests.json", "about.json"} {
			file = filepath.Join(made, file)
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(spoil(file, b), os.MkdirAll(left, 0o777)); err != nil {
				t.Fatal(err)
			}
			d := open(t, path, vowels, o)
			p := newPlan(t, d.manifest, pipeline.PlanOptions{GradientSize: 10})
			d.digest(t, p.Minibatch(pipeline.Gradient, 1))
			if note := d.loader.Stats().Note; !strings.Contains(note, "damaged") || !strings.Contains(note, "written anew") {
				t.Errorf("%s %s: %q", name, filepath.Base(file), note)
			}
			for range 2 { // epochs
				if d.all(t) != want {
					t.Errorf("%s %s: other bits", name, filepath.Base(file))
				}
			}
			if found := copies(t, dir); len(found) != 1 || found[0] != made {
				t.Errorf("%s %s: %v are left", name, filepath.Base(file), found)
			}
			d.loader.Close()
		}
	}

	other := t.TempDir()
	d := open(t, path, vowels, pipeline.LoaderOptions{Copy: pipeline.CopyOptions{Dir: other}})
	stop := errors.New("enough")
	if err := d.loader.Each(t.Context(), newPlan(t, d.manifest, pipeline.PlanOptions{ChunkSequences: 5}).Everything(), func(*nn.Batch[float32]) error { return stop }); !errors.Is(err, stop) {
		t.Fatal(err)
	}
	d.loader.Close()
	for _, left := range copies(t, other) {
		if strings.Contains(left, ".tmp-") {
			t.Errorf("%s is left", left)
		}
	}
}

// A copy that is cut short while it is mapped and read is an error, not the end of the process.
func TestWorkingCopyIsCutShort(t *testing.T) {
	path, dir := shared.Dir(t, "problems", "adding30.parquet"), t.TempDir()
	d := open(t, path, ingest.RoleOptions{}, pipeline.LoaderOptions{Copy: pipeline.CopyOptions{Dir: dir}})
	d.all(t)
	d.all(t)
	if !strings.Contains(d.loader.Stats().Note, "reading from") {
		t.Fatal("the copy is not used")
	}
	cut := false
	mb := newPlan(t, d.manifest, pipeline.PlanOptions{Seed: 8, ChunkSequences: 10}).Everything()
	d.loader.Close()
	err := d.loader.Each(t.Context(), mb, func(*nn.Batch[float32]) error {
		if cut {
			return nil
		}
		cut = true
		return os.Truncate(filepath.Join(copies(t, dir)[0], "data.arrow"), 4096)
	})
	for range 2 { // what was read before may be enough for the first pass
		if err == nil {
			d.loader.Close()
			err = d.loader.Each(t.Context(), mb, func(*nn.Batch[float32]) error { return nil })
		}
	}
	if bad, ok := errors.AsType[*ingest.Error](err); !ok || bad.Code != "data.changed" || bad.Hint == "" {
		t.Errorf("%v", err)
	}
}

// Runs that make the same copy at the same time do not disturb each other.
func TestWorkingCopiesAtOnce(t *testing.T) {
	path, dir := shared.Dir(t, "data", "japanese_vowels_train.parquet"), t.TempDir()
	want := open(t, path, vowels, pipeline.LoaderOptions{}).all(t)
	var all []dataset
	for range 4 {
		all = append(all, open(t, path, vowels, pipeline.LoaderOptions{Workers: 2, Copy: pipeline.CopyOptions{Dir: dir}}))
	}
	var done sync.WaitGroup
	for _, d := range all {
		done.Go(func() {
			for range 2 { // epochs
				if d.all(t) != want {
					t.Error("other bits")
				}
			}
		})
	}
	done.Wait()
	if found := copies(t, dir); len(found) != 1 {
		t.Errorf("%v are there", found)
	}
}
