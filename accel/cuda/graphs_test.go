package cuda

import (
	"slices"
	"testing"

	"curvestream/accel"
)

// Sequences that come again are replayed as graphs, and the products have the bits that they have without graphs.
func TestGraphs(t *testing.T) {
	w := newSwept(t, false)
	w.products = 8 // the first and the third make buffers and graphs; those that follow without damping are replayed
	with, without := newEmulator(), newEmulator()
	without.without = cuGraphInstantiateWithFlags
	got, err := w.run(t, with, nil)
	if err != nil {
		t.Fatal(err)
	}
	want, err := w.run(t, without, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, want) {
		t.Errorf("with graphs %v, without %v", got, want)
	}
	if with.replays == 0 || without.replays != 0 {
		t.Errorf("%d graphs with them, %d without", with.replays, without.replays)
	}
	if 4*with.made > 3*without.made {
		t.Errorf("%d calls of the driver with graphs, %d without", with.made, without.made)
	}
	if with.leaked != "" || without.leaked != "" {
		t.Errorf("left: %s; %s", with.leaked, without.leaked)
	}
}

// Where one number or one address of a sequence differs, it is another sequence.
func TestGraphsAreOfEqualLaunches(t *testing.T) {
	e := newEmulator()
	b, err := openOn[float64](e, nil, 0, Emulated)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	v, w := fill(t, b, 1), fill(t, b, 1)
	sequence := func(x accel.Vector[float64], last float64) []float64 {
		x.Write([]float64{1, 2, 3})
		for range leastSegment {
			x.Scale(2)
		}
		x.Shift(last)
		values := make([]float64, 3)
		x.Read(values)
		return values
	}
	for i, c := range []struct {
		x       accel.Vector[float64]
		last    float64
		replays int // so far
	}{{v, 1, 0}, {v, 1, 1}, {v, 1, 2}, {v, 5, 2}, {w, 1, 2}, {v, 5, 3}, {w, 1, 4}, {v, 1, 5}} {
		scale := float64(int(1) << leastSegment)
		if got, want := sequence(c.x, c.last), []float64{scale + c.last, 2*scale + c.last, 3*scale + c.last}; !slices.Equal(got, want) {
			t.Errorf("%d: %v, want %v", i, got, want)
		}
		if e.replays != c.replays {
			t.Errorf("%d: %d graphs so far, want %d", i, e.replays, c.replays)
		}
	}
}

// Old sequences are forgotten: those that begin alike, and all beyond a bound.
func TestGraphsAreForgotten(t *testing.T) {
	e := newEmulator()
	b, err := openOn[float64](e, nil, 0, Emulated)
	if err != nil {
		t.Fatal(err)
	}
	v := fill(t, b, 1)
	for i := range 3 * mostAlike {
		for range 2 { // so that there is a graph
			for range leastSegment {
				v.Scale(1)
			}
			v.Shift(float64(i))
			if err := b.d.sync(); err != nil {
				t.Fatal(err)
			}
		}
	}
	kept := 0
	if err := b.d.do(func() error {
		for _, list := range b.d.replays.segments {
			kept += len(list)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if kept > mostAlike || e.replays != 3*mostAlike {
		t.Errorf("%d sequences are remembered, %d were replayed", kept, e.replays)
	}
	if err := b.Close(); err != nil || e.leaked != "" {
		t.Errorf("closing: %v; left: %s", err, e.leaked)
	}
}

// fill returns a vector of three elements.
func fill(t *testing.T, b *Backend[float64], x float64) accel.Vector[float64] {
	t.Helper()
	v, err := b.FromHost([]float64{x, x, x})
	if err != nil {
		t.Fatal(err)
	}
	return v
}
