package fnn

import (
	"testing"

	"curvestream/accel"
	"curvestream/accel/cpu"
)

// Nets of many parameters have wide shards, two at least where the backend has two; small nets have the backend's.
func TestShardsForManyParameters(t *testing.T) {
	var backend accel.Backend[float32] = cpu.New[float32](cpu.Options{})
	for _, columns := range []int{1, 31, 32, 100, 500, 1000, 2000, 5000, 100000} {
		plain := backend.Shards(columns)
		if got := shardsFor(backend, manyParameters-1).Shards(columns); got != plain {
			t.Errorf("a small net has %d shards of %d columns, the backend %d", got, columns, plain)
		}
		got := shardsFor(backend, manyParameters).Shards(columns)
		if got < 1 || got > plain || plain > 1 && got < 2 {
			t.Errorf("%d columns: %d shards where the backend has %d", columns, got, plain)
		}
		if got > 2 && columns/got < enoughColumns {
			t.Errorf("%d columns: %d shards are of fewer than %d", columns, got, enoughColumns)
		}
	}
}
