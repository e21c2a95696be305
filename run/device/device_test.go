package device

import (
	"errors"
	"strings"
	"testing"

	"curvestream/accel/cuda"
	"curvestream/run/fault"
)

func TestOpen(t *testing.T) {
	_, none := cuda.Devices()
	for _, c := range []struct {
		name, is string
		needs    bool // a GPU
	}{{"", "cpu/", false}, {"cpu", "cpu/", false}, {"emulate", "emulate", false}, {"auto", "c", false}, {"cuda", "cuda:0", true}, {"cuda:0", "cuda:0", true}} {
		b, note, err := Open[float64](c.name, 1)
		if c.needs && none != nil {
			var f *fault.Error
			if !errors.As(err, &f) || f.Exit != fault.Unavailable || f.Hint == "" || strings.Contains(f.Message, "\n") {
				t.Errorf("%s without a GPU: %v", c.name, err)
			}
			continue
		}
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if !strings.HasPrefix(b.Name(), c.is) || b.Threads() < 1 {
			t.Errorf("%q opens %s with %d threads", c.name, b.Name(), b.Threads())
		}
		if said := note != ""; said != (c.name == "auto" && none != nil) || strings.Contains(note, "\n") {
			t.Errorf("%q: the note is %q", c.name, note)
		}
		if err := b.Close(); err != nil {
			t.Errorf("%q: %v", c.name, err)
		}
	}
	if _, _, err := Open[float64]("cuda:x", 1); err == nil {
		t.Error("cuda:x is a device")
	}
}
