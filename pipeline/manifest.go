package pipeline

import (
	"encoding/binary"

	"curvestream/ingest"

	"github.com/zeebo/xxh3"
)

// A Manifest lists the sequences of a source: where each lies, how long it is, and the hash of its identifier. Sequences
// are numbered in file order, which is the order of their first rows. It takes about 40 bytes a sequence. It is read-only and
// safe for concurrent use.
//
// The manifest of a source without end knows no single sequence: it holds what the first unit showed.
type Manifest struct {
	files []ingest.FileInfo
	units []ingest.Unit

	hash      []Hash  // of each sequence's identifier
	steps     []int32 // of each sequence
	first     []int32 // spans first[i] to first[i+1] make sequence i, in the order of their rows
	spans     []span
	canonical []int32 // sequences by hash of identifier; nil where no column gives identifiers, and file order counts

	dropped int
	digest  Hash

	endless    bool
	unitRows   int     // sequences in each unit of a source without end
	longest    int     // sequence of the first unit of a source without end
	meanSteps  float64 // of the sequences of the first unit of a source without end
	totalSteps int64   // of all sequences
	total      Hash    // sum of the hashes of all sequences
}

// A span is a run of rows [lo, hi) of a unit that belongs to one sequence.
type span struct{ unit, lo, hi int32 }

// Len returns the number of sequences, or ingest.Endless.
func (m *Manifest) Len() int {
	if m.endless {
		return ingest.Endless
	}
	return len(m.steps)
}

// Steps returns the number of time-steps in the rows of sequence i. (With targets "next", one less is computed on.) For a
// source without end it is the most that the first unit showed.
func (m *Manifest) Steps(i int) int {
	if m.endless {
		return m.longest
	}
	return int(m.steps[i])
}

// stepsOf returns the number of time-steps of the sequences at positions of a minibatch together.
func (m *Manifest) stepsOf(mb Minibatch, positions []int32) (steps int64) {
	if m.endless {
		return int64(len(positions)) * int64(m.longest)
	}
	for _, p := range positions {
		steps += int64(m.steps[mb.Sequences[p]])
	}
	return steps
}

// TotalSteps returns the number of time-steps of all sequences; 0 for a source without end.
func (m *Manifest) TotalSteps() int64 { return m.totalSteps }

// MeanSteps returns the number of time-steps of a sequence on average; for a source without end, in its first unit.
func (m *Manifest) MeanSteps() float64 {
	if m.endless {
		return m.meanSteps
	}
	return float64(m.totalSteps) / float64(len(m.steps))
}

// Dropped returns the number of sequences that were left out because the scan found them unusable and was told to drop
// such sequences.
func (m *Manifest) Dropped() int { return m.dropped }

// Digest identifies everything that a plan depends on: the identifiers and lengths of all sequences, in file order. The
// same data in another format, or in row groups of another size, has the same digest where a column gives identifiers.
func (m *Manifest) Digest() Hash { return m.digest }

// spansOf returns where sequence i lies.
func (m *Manifest) spansOf(i int) []span {
	if m.endless {
		row := int32(i % m.unitRows)
		return []span{{unit: int32(i / m.unitRows), lo: row, hi: row + 1}}
	}
	return m.spans[m.first[i]:m.first[i+1]]
}

// A Place is a run of rows [Lo, Hi) of a unit of the source.
type Place struct{ Unit, Lo, Hi int }

// Places returns where the rows of sequence i lie, in their order.
func (m *Manifest) Places(i int) []Place {
	spans := m.spansOf(i)
	places := make([]Place, len(spans))
	for k, s := range spans {
		places[k] = Place{int(s.unit), int(s.lo), int(s.hi)}
	}
	return places
}

// canonicalAt returns the sequence at a place of the canonical order: by hash of identifier where a column gives
// identifiers, so that it depends neither on files nor on formats, else file order.
func (m *Manifest) canonicalAt(place int) int {
	if m.canonical == nil {
		return place
	}
	return int(m.canonical[place])
}

// compareCanonical orders sequences as the canonical order does.
func (m *Manifest) compareCanonical(i, j int) int {
	if m.canonical == nil {
		return i - j
	}
	return m.hash[i].compare(m.hash[j])
}

// seal computes what follows from the list of sequences.
func (m *Manifest) seal() {
	h := xxh3.New128()
	var b [20]byte
	for i, id := range m.hash {
		m.total = m.total.Plus(id)
		m.totalSteps += int64(m.steps[i])
		binary.LittleEndian.PutUint64(b[0:], id.Lo)
		binary.LittleEndian.PutUint64(b[8:], id.Hi)
		binary.LittleEndian.PutUint32(b[16:], uint32(m.steps[i]))
		_, _ = h.Write(b[:]) // a Hasher128 never fails
	}
	for _, f := range m.files {
		if m.endless {
			_, _ = h.WriteString(f.Footer)
		}
	}
	sum := h.Sum128()
	m.digest = Hash{sum.Hi, sum.Lo}
}
