package pipeline

import (
	"cmp"
	"slices"

	"curvestream/ingest"
)

// A Minibatch is the set of sequences that one role uses in one HF iteration, and the chunks it is computed in. It is
// read-only and shared.
type Minibatch struct {
	Role  Role
	Step  int // HF iteration, counted from 1; 0 where there is none
	Epoch int // counted from 0
	// Sequences are the places in the manifest of the minibatch's sequences. Their order decides nothing but Position of a
	// batch.
	Sequences []int
	// Chunks lists for each chunk the positions in Sequences of its columns, longest sequence first.
	Chunks [][]int32

	all           bool // every sequence of the manifest is here
	size          int  // the plan's GradientSize
	place, places int  // of a gradient minibatch: which of how many of its epoch, counted from 0
}

// Len returns the number of sequences.
func (mb Minibatch) Len() int { return len(mb.Sequences) }

// cut deals the sequences to chunks. Within windows of the given number of sequences they are sorted by length, longest
// first, ties by canonical order, and each window is cut into runs that keep the bounds of the options; where only the
// number of sequences bounds them, the runs are as equal as can be. Lengths of a source without end are not known before it
// is read: there, sequences keep their order.
func (mb *Minibatch) cut(m *Manifest, o PlanOptions, window int) {
	positions := make([]int32, len(mb.Sequences))
	for i := range positions {
		positions[i] = int32(i)
	}
	for part := range slices.Chunk(positions, max(1, window)) {
		if m.Len() != ingest.Endless {
			slices.SortFunc(part, func(a, b int32) int {
				i, j := mb.Sequences[a], mb.Sequences[b]
				return cmp.Or(cmp.Compare(m.Steps(j), m.Steps(i)), m.compareCanonical(i, j))
			})
		}
		mb.cutSorted(part, m, o)
	}
}

func (mb *Minibatch) cutSorted(part []int32, m *Manifest, o PlanOptions) {
	count := (len(part) + o.ChunkSequences - 1) / o.ChunkSequences
	limit := (len(part) + count - 1) / count
	first, steps := 0, 0
	for i, position := range part {
		length := m.Steps(mb.Sequences[position])
		if i > first && (i-first == limit || steps+length > o.ChunkSteps) {
			mb.Chunks = append(mb.Chunks, part[first:i:i])
			first, steps = i, 0
		}
		steps += length
	}
	mb.Chunks = append(mb.Chunks, part[first:])
}
