package fnn

import "curvestream/accel"

const (
	manyParameters = 1 << 16 // from here on the weights outgrow the cache that a core shares with a shard's activities
	enoughColumns  = 250     // a shard of so many columns earns that the weights are read
)

// shardsFor returns the backend with as many shards as suit a net of n parameters. Each shard reads all weights, once a sweep. In a
// feedforward net a shard has one row a column, so that where n is large and columns are few this counts, and fewer shards are faster.
// A recurrent net has a row for each time-step and need not ask.
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
