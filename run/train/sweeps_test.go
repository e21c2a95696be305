package train

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"curvestream/rnn"
)

func TestFasterSweepsAreRemembered(t *testing.T) {
	file := filepath.Join(t.TempDir(), "curvestream", "sweeps.json")
	measured := 0
	anew := false
	choose := func(name string, whole, steps float64) SweepChoice {
		t.Helper()
		c, err := remembered(file, name, anew, func() (rnn.Sweeps, error) { measured++; return rnn.Sweeps{Whole: whole, Steps: steps}, nil })
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	for i, test := range []struct {
		name         string
		whole, steps float64
		want         string
		measured     int // in all by then
	}{
		{"a", 1, 2, "whole", 1},
		{"b", 2, 1, "steps", 2},
		{"a", 9, 1, "whole", 2}, // what is remembered is not measured again
		{"b", 1, 9, "steps", 2},
		{"c", 1, 1, "whole", 3},
		{"d", 0, 1, "steps", 4}, // no layer can be swept as one
		{"d", 1, 9, "steps", 4},
	} {
		c := choose(test.name, test.whole, test.steps)
		if c.Chosen != test.want || measured != test.measured || c.Remembered != slices.Contains([]int{2, 3, 6}, i) {
			t.Errorf("%d: %+v after %d measurements, want %s after %d", i, c, measured, test.want, test.measured)
		}
	}
	anew = true
	if c := choose("a", 3, 1); c.Chosen != "steps" || c.Remembered {
		t.Errorf("measured anew: %+v", c)
	}
	anew = false
	if c := choose("a", 1, 9); c.Chosen != "steps" || !c.Remembered {
		t.Errorf("after it was measured anew: %+v", c)
	}
	for _, damage := range []string{"", "null", "{", `{"a": 3}`, `{"a": {"whole_seconds": -1, "steps_seconds": 1}}`} {
		if err := os.WriteFile(file, []byte(damage), 0o600); err != nil {
			t.Fatal(err)
		}
		if c := choose("a", 3, 2); c.Chosen != "steps" || c.Remembered {
			t.Errorf("%q: %+v", damage, c)
		}
		if c := choose("a", 0, 0); c.Whole != 3 || !c.Remembered {
			t.Errorf("%q: %+v is remembered", damage, c)
		}
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(file), ".sweeps-*")); err != nil || len(left) > 0 {
		t.Errorf("%q are left, %v", left, err)
	}
}

func TestSweepChoiceIsSaid(t *testing.T) {
	var none *SweepChoice
	c := &SweepChoice{Sweeps: rnn.Sweeps{Whole: 0.002, Steps: 0.0031}, Chosen: "whole"}
	if none.String() != "" || !strings.Contains(c.String(), "in a launch a sweep: a piece takes 2 ms in a launch a sweep, 3.1 ms") {
		t.Errorf("%q, %q", none, c)
	}
	if c := (&SweepChoice{Sweeps: rnn.Sweeps{Steps: 0.002}, Chosen: "steps"}); !strings.Contains(c.String(), "do not fit a launch") {
		t.Errorf("%q", c)
	}
}

func TestSweepsWithoutAPlaceOrAMeasurement(t *testing.T) {
	for _, file := range []string{"", filepath.Join(os.DevNull, "sweeps.json")} {
		c, err := remembered(file, "a", false, func() (rnn.Sweeps, error) { return rnn.Sweeps{Whole: 2, Steps: 1}, nil })
		if err != nil || c.Chosen != "steps" {
			t.Errorf("%q: %+v, %v", file, c, err)
		}
	}
	broken := errors.New("broken")
	if _, err := remembered("", "a", false, func() (rnn.Sweeps, error) { return rnn.Sweeps{}, broken }); !errors.Is(err, broken) {
		t.Errorf("err = %v", err)
	}
}
