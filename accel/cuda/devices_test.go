package cuda

import (
	"slices"
	"strings"
	"sync"
	"testing"
)

// TestSeveralDevices lists two devices and computes on both at once; a third there is not.
func TestSeveralDevices(t *testing.T) {
	e := newEmulator()
	e.devices = 2
	all, err := list(e)
	if err != nil || len(all) != 2 || all[1].Name != "cuda:1" || all[1].Shared != emulatedShared {
		t.Errorf("%+v, %v", all, err)
	}
	var both sync.WaitGroup
	backends := make([]*Backend[float64], 2)
	for i := range backends {
		if backends[i], err = openOn[float64](e, nil, i, all[i].Name); err != nil {
			t.Fatal(err)
		}
		both.Go(func() {
			if got, err := work(backends[i], float64(i+1)); err != nil || got != work1*float64((i+1)*(i+1)) {
				t.Errorf("device %d: %v, %v", i, got, err)
			}
		})
	}
	both.Wait()
	for i, b := range backends {
		if want := all[i].Name + "/emulated GPU"; b.Name() != want {
			t.Errorf("%s, want %s", b.Name(), want)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
	if e.leaked != "" || e.retains != 0 {
		t.Errorf("left: %s, %d contexts", e.leaked, e.retains)
	}
	if _, err := openOn[float64](e, nil, 2, "cuda:2"); err == nil || !strings.Contains(err.Error(), "looking for device 2; `curvestream version` lists") {
		t.Errorf("a third device: %v", err)
	}
}

func TestBest(t *testing.T) {
	for _, c := range []struct {
		majors, processors []int
		want               string
	}{
		{[]int{9}, []int{132}, "cuda:0"},
		{[]int{8, 9}, []int{40, 132}, "cuda:1"},
		{[]int{8, 8}, []int{108, 108}, "cuda:0"},
		{[]int{7, 8}, []int{200, 20}, "cuda:1"},
		{[]int{7, 7}, []int{80, 80}, ""},
	} {
		var all []Device
		for i, major := range c.majors {
			all = append(all, Device{Name: []string{"cuda:0", "cuda:1"}[i], Model: "old", Major: major, Processors: c.processors[i]})
		}
		d, err := best(slices.Clone(all))
		if d.Name != c.want || (err != nil) != (c.want == "") {
			t.Errorf("%+v: %s, %v", c, d.Name, err)
		}
	}
}
