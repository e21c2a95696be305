package nn

// Pick returns columns, of which there is at least one and which ascend, as a batch of their own, with copies of their inputs and
// targets. WeightSum, which is of sequences and not of their outputs, is not known for a part of a batch that has weights, and is
// 0 then.
func (b *Batch[F]) Pick(columns []int) *Batch[F] {
	part := &Batch[F]{Lengths: gather(b.Lengths, 1, columns), In: b.In, Out: b.Out, Form: b.Form}
	part.Active, part.Offset = activity(part.Lengths)
	var rows []int
	for t, active := range part.Active {
		for _, c := range columns[:active] {
			rows = append(rows, b.Offset[t]+c)
		}
	}
	if b.Sparse != nil {
		part.Sparse = selectSparse(b.Sparse, rows)
	} else {
		part.Dense = gather(b.Dense, b.In, rows)
	}
	if b.Form == Last {
		rows = columns
	}
	part.Target = gather(b.Target, b.Out, rows)
	part.Class = gather(b.Class, 1, rows)
	part.Weight = gather(b.Weight, 1, rows)
	part.Position = gather(b.Position, 1, columns)
	part.ID = gather(b.ID, 1, columns)
	if b.Weight == nil {
		part.WeightSum = float64(len(columns))
	}
	return part
}

// gather returns rows of from, each of the given width; nil of nil.
func gather[T any](from []T, width int, rows []int) []T {
	if from == nil {
		return nil
	}
	const few = 4 // elements that are moved one by one in less time than a call takes
	picked := make([]T, len(rows)*width)
	for i, r := range rows {
		to, row := picked[i*width:(i+1)*width], from[r*width:(r+1)*width]
		if width > few {
			copy(to, row)
			continue
		}
		for k := range to {
			to[k] = row[k]
		}
	}
	return picked
}
