package fnn

import "curvestream/accel"

const (
	manyParameters = 1 << 16 // from here on the sums of eight shards outgrow the cache of a core
	enoughColumns  = 250     // a shard of so many columns earns its sums
)

// shardsFor returns the backend with as many shards as suit a net of n parameters. Each shard keeps sums of its own: n elements that a
// product clears, fills and adds up. In a feedforward net a shard has one row a column, so that where n is large and columns are few this
// counts beside the 8·n flops of a row, and fewer shards are faster. A recurrent net has a row for each time-step and need not ask.
//
// The number depends on n and on columns alone, never on threads, for it decides the order of summation.
func shardsFor[F accel.Float](backend accel.Backend[F], n int) accel.Backend[F] {
	if n < manyParameters {
		return backend
	}
	return wideShards[F]{backend}
}

// wideShards is a backend that halves the number of shards until each has enough columns, or two are left for two threads.
type wideShards[F accel.Float] struct{ accel.Backend[F] }

// Shards implements accel.Backend.
func (b wideShards[F]) Shards(columns int) int {
	shards := b.Backend.Shards(columns)
	for shards > 2 && columns/shards < enoughColumns {
		shards = max(2, shards/2)
	}
	return shards
}
