package rundir

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"curvestream/run/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newDir(t *testing.T) *Dir {
	t.Helper()
	d, err := Create(filepath.Join(t.TempDir(), "a", "run"), map[string][]byte{"run.json": NewInfo("run", "v", nil, 1).JSON()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Unlock)
	return d
}

func point(i int) Checkpoint {
	return Checkpoint{Files: map[string][]byte{"model.safetensors": fmt.Appendf(nil, "model %d", i)}, State: json.RawMessage(fmt.Sprintf(`{"i": %d}`, i))}
}

func exit(err error) int {
	var f *fault.Error
	if !errors.As(err, &f) {
		return -1
	}
	return f.Exit
}

func TestOnlyOneCreates(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run")
	var made, refused int
	var mu sync.Mutex
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			d, err := Create(path, map[string][]byte{"run.json": NewInfo("run", "v", nil, uint64(i)).JSON()})
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				made++
				defer d.Unlock()
			case exit(err) == fault.CantCreate:
				refused++
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if made != 1 || refused != 7 {
		t.Errorf("%d made it and %d were refused", made, refused)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".tmp-*")); left != nil {
		t.Errorf("left behind: %v", left)
	}
}

func TestLockExcludesAnotherWriter(t *testing.T) {
	d := newDir(t)
	other, err := Open(d.Path())
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Lock(); exit(err) != fault.CantCreate {
		t.Errorf("a locked run was locked again: %v", err)
	}
	d.Unlock()
	if err := other.Lock(); err != nil {
		t.Error(err)
	}
	other.Unlock()
}

func TestOpenSaysWhatIsMissing(t *testing.T) {
	for _, path := range []string{t.TempDir(), filepath.Join(t.TempDir(), "x")} {
		if _, err := Open(path); exit(err) != fault.NoInput {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestSaveLoadPrune(t *testing.T) {
	d := newDir(t)
	if name, _, _, err := d.LoadLatest(); name != "" || err != nil {
		t.Fatalf("%q %v", name, err)
	}
	for i := range 6 {
		if err := d.Save(i, point(i)); err != nil {
			t.Fatal(err)
		}
		if i == 1 {
			if err := d.MarkBest(i); err != nil {
				t.Fatal(err)
			}
		}
		if err := d.Prune(3); err != nil {
			t.Fatal(err)
		}
	}
	names, err := d.Checkpoints()
	if want := []string{Name(1), Name(3), Name(4), Name(5)}; err != nil || !slices.Equal(names, want) {
		t.Errorf("kept %v, want %v", names, want)
	}
	name, c, warnings, err := d.LoadLatest()
	if err != nil || name != Name(5) || string(c.Files["model.safetensors"]) != "model 5" || string(c.State) != `{"i":5}` || warnings != nil {
		t.Errorf("%s %s %s %v %v", name, c.Files, c.State, warnings, err)
	}
	if err := d.Forget(3); err != nil {
		t.Fatal(err)
	}
	if err := d.Save(3, point(33)); err != nil {
		t.Fatal(err)
	}
	if name, c, _, _ := d.LoadLatest(); name != Name(3) || string(c.State) != `{"i":33}` {
		t.Errorf("after going back: %s %s", name, c.State)
	}
}

func TestDamageFallsBackToTheOneBefore(t *testing.T) {
	for _, file := range []string{"model.safetensors", stateName} {
		for name, damage := range map[string]func([]byte) []byte{
			"cut":     func(b []byte) []byte { return b[:len(b)/2] },
			"flipped": func(b []byte) []byte { b[len(b)-4] ^= 1; return b },
			"empty":   func([]byte) []byte { return nil },
			"gone":    nil,
		} {
			t.Run(file+" "+name, func(t *testing.T) {
				d := newDir(t)
				for i := range 3 {
					if err := d.Save(i, point(i)); err != nil {
						t.Fatal(err)
					}
				}
				path := d.Path("checkpoints", Name(2), file)
				content, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				if damage == nil {
					err = os.Remove(path)
				} else {
					err = os.WriteFile(path, damage(content), 0o644)
				}
				if err != nil {
					t.Fatal(err)
				}
				got, _, warnings, err := d.LoadLatest()
				if name == "flipped" && file == stateName && got == Name(2) {
					return // the flipped byte is white space or makes no difference to the state
				}
				if err != nil || got != Name(1) || len(warnings) != 1 || !strings.Contains(warnings[0], Name(2)) {
					t.Errorf("%s %v %v", got, warnings, err)
				}
			})
		}
	}
}

func TestAllDamagedIsAnError(t *testing.T) {
	d := newDir(t)
	if err := d.Save(0, point(0)); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(d.Path("checkpoints", Name(0), "model.safetensors")); err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := d.LoadLatest(); exit(err) != fault.Data {
		t.Errorf("got %v", err)
	}
}

func TestSession(t *testing.T) {
	d := newDir(t)
	info, err := d.Info()
	if err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= 2; n++ {
		s, err := d.Begin(info, 10*n)
		if err != nil {
			t.Fatal(err)
		}
		if info, err = d.Info(); err != nil || info.Status != Running || s.Number() != n || info.Sessions[n-1].Exit != nil {
			t.Errorf("%+v %v", info, err)
		}
		if err := s.End(Done, 0); err != nil {
			t.Fatal(err)
		}
	}
	if info, err = d.Info(); err != nil || info.Status != Done || len(info.Sessions) != 2 || *info.Sessions[1].Exit != 0 || info.Sessions[1].FromIter != 20 {
		t.Errorf("%+v %v", info, err)
	}
}
