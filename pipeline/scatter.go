package pipeline

import (
	"curvestream/ingest"
	"curvestream/ingest/simd"
	"curvestream/nn"
)

// scatter writes rows of the given width, one a time-step, of sequences into the columns of a time-major batch that are theirs; columns
// ascend, so that lengths do not. A time-step of several sequences is written at once: neighbouring columns share cache lines.
func scatter[F ingest.Float, T any](to []T, b *nn.Batch[F], columns []int32, width int, rows [][]T) {
	for width == 1 && len(rows) >= 8 {
		shortest := b.Lengths[columns[7]]
		scatterEight(to, b.Offset[:shortest], columns, rows)
		scatterRest(to, b, columns[:8], 1, rows[:8], shortest)
		columns, rows = columns[8:], rows[8:]
	}
	scatterRest(to, b, columns, width, rows, 0)
}

// scatterEight writes a number a time-step of the first eight columns, as long as all of them last.
func scatterEight[T any](to []T, offsets []int, columns []int32, rows [][]T) {
	n := len(offsets)
	r0, r1, r2, r3 := rows[0][:n], rows[1][:n], rows[2][:n], rows[3][:n]
	r4, r5, r6, r7 := rows[4][:n], rows[5][:n], rows[6][:n], rows[7][:n]
	first := int(columns[0])
	if int(columns[7]) == first+7 {
		if to32, ok := any(to).([]float32); ok {
			simd.Columns(to32[first:], offsets, any((*[8][]T)(rows)).(*[8][]float32))
			return
		}
		for t, o := range offsets {
			d := (*[8]T)(to[o+first:])
			d[0], d[1], d[2], d[3] = r0[t], r1[t], r2[t], r3[t]
			d[4], d[5], d[6], d[7] = r4[t], r5[t], r6[t], r7[t]
		}
		return
	}
	c0, c1, c2, c3 := int(columns[0]), int(columns[1]), int(columns[2]), int(columns[3])
	c4, c5, c6, c7 := int(columns[4]), int(columns[5]), int(columns[6]), int(columns[7])
	for t, o := range offsets {
		d := to[o : o+c7+1]
		d[c0], d[c1], d[c2], d[c3] = r0[t], r1[t], r2[t], r3[t]
		d[c4], d[c5], d[c6], d[c7] = r4[t], r5[t], r6[t], r7[t]
	}
}

// scatterRest is scatter from a time-step on, for any columns.
func scatterRest[F ingest.Float, T any](to []T, b *nn.Batch[F], columns []int32, width int, rows [][]T, from int) {
	alive := len(rows)
	for t := from; ; t++ {
		for alive > 0 && b.Lengths[columns[alive-1]] <= t {
			alive--
		}
		if alive == 0 {
			return
		}
		at := b.Offset[t]
		if width == 1 {
			for i, c := range columns[:alive] {
				to[at+int(c)] = rows[i][t]
			}
			continue
		}
		for i, c := range columns[:alive] {
			copy(to[(at+int(c))*width:][:width], rows[i][t*width:])
		}
	}
}

// scatterOutputs is scatter for rows that are outputs: one a sequence where only the last time-step has one.
func scatterOutputs[F ingest.Float, T any](to []T, b *nn.Batch[F], columns []int32, width int, rows [][]T) {
	if b.Form != nn.Last {
		scatter(to, b, columns, width, rows)
		return
	}
	for i, c := range columns {
		copy(to[int(c)*width:][:width], rows[i])
	}
}

// scatterAll writes all columns.
func scatterAll[F ingest.Float, T any](to []T, b *nn.Batch[F], width int, sequences []*ingest.Sequence[F], of func(*ingest.Sequence[F]) []T) {
	eachRun(sequences, of, func(columns []int32, rows [][]T) { scatter(to, b, columns, width, rows) })
}

// scatterAllOutputs is scatterAll for outputs.
func scatterAllOutputs[F ingest.Float, T any](to []T, b *nn.Batch[F], width int, sequences []*ingest.Sequence[F], of func(*ingest.Sequence[F]) []T) {
	eachRun(sequences, of, func(columns []int32, rows [][]T) { scatterOutputs(to, b, columns, width, rows) })
}

// eachRun deals all columns to runs.
func eachRun[F ingest.Float, T any](sequences []*ingest.Sequence[F], of func(*ingest.Sequence[F]) []T, do func(columns []int32, rows [][]T)) {
	var columns [together]int32
	var rows [together][]T
	for first := 0; first < len(sequences); first += together {
		run := sequences[first:min(first+together, len(sequences))]
		for i, s := range run {
			columns[i], rows[i] = int32(first+i), of(s)
		}
		do(columns[:len(run)], rows[:len(run)])
	}
}
