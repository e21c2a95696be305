package nn

import "curvestream/accel"

// AddSums adds the shards' own sums to dst, in shard order: the order is what fixes the bits, whoever finished first.
func AddSums[F accel.Float](dst accel.Vector[F], sums []accel.Vector[F]) {
	for _, s := range sums {
		dst.Add(1, s)
	}
}

// AddCases puts the losses of a shard's columns in their places in caseLoss, where that is not nil, and returns their sum.
func (s *Shard[F]) AddCases(caseLoss, ofShard []float64) float64 {
	total := 0.0
	for j, c := range s.Column {
		total += ofShard[j]
		if caseLoss != nil {
			caseLoss[c] = ofShard[j]
		}
	}
	return total
}
