package nn

import "curvestream/accel"

// Slice returns columns lo to hi, hi excluded, as a batch of their own, with copies of their inputs and targets. WeightSum,
// which is of sequences and not of their outputs, is not known for a part of a batch that has weights, and is 0 then.
func (b *Batch[F]) Slice(lo, hi int) *Batch[F] {
	part := &Batch[F]{Lengths: b.Lengths[lo:hi], In: b.In, Out: b.Out, Form: b.Form}
	part.Active, part.Offset = activity(part.Lengths)
	var rows []int
	for t, active := range part.Active {
		for j := range active {
			rows = append(rows, b.Offset[t]+lo+j)
		}
	}
	if b.Sparse != nil {
		part.Sparse = selectSparse(b.Sparse, rows)
	} else {
		part.Dense = gather(b.Dense, b.In, rows)
	}
	if b.Form == Last {
		rows = rows[:hi-lo] // of the first time-step: column lo+j is row lo+j of the targets too
	}
	part.Target = gather(b.Target, b.Out, rows)
	part.Class = gather(b.Class, 1, rows)
	part.Weight = gather(b.Weight, 1, rows)
	if b.Position != nil {
		part.Position = b.Position[lo:hi]
	}
	if b.ID != nil {
		part.ID = b.ID[lo:hi]
	}
	if b.Weight == nil {
		part.WeightSum = float64(hi - lo)
	}
	return part
}

// gather returns rows of from, each of the given width; nil of nil.
func gather[T accel.Float | int32](from []T, width int, rows []int) []T {
	if from == nil {
		return nil
	}
	picked := make([]T, 0, len(rows)*width)
	for _, r := range rows {
		picked = append(picked, from[r*width:(r+1)*width]...)
	}
	return picked
}
