package ingest

import (
	"context"
	"math"

	"github.com/apache/arrow/go/v15/arrow"
)

// InspectBytes is how much memory's worth of units Inspect looks at where it is not to look at all: what takes well under a second.
const InspectBytes = 48 << 20

// A Sample says what part of the data a report is about.
type Sample struct {
	Units int   `json:"units"`
	Rows  int64 `json:"rows"`
	Of    int64 `json:"of_rows"`
}

// sampleUnitsLeast is how many units a sample is of, where there are as many: of units too large for that the first rows.
const sampleUnitsLeast = 4

// A beginner is a Source that reads the first rows of a unit for less than all of it.
type beginner interface {
	readFirst(ctx context.Context, i int, rows int64, columns []int) (arrow.Record, error)
}

// sampleOf returns a source of some of the units, spread evenly, or of the first rows of some, whose Bytes sum to at most limit (but at least one
// unit or row); or src itself, and no Sample, where all of them are within it or limit is 0.
func sampleOf(src Source, limit int64) (Source, *Sample) {
	if limit <= 0 || src.Len() == Endless {
		return src, nil
	}
	var sum int64
	s := &Sample{}
	for i := range src.Len() {
		sum += src.Unit(i).Bytes
		s.Of += src.Unit(i).Rows
	}
	if sum <= limit {
		return src, nil
	}
	n := max(1, int(float64(src.Len())*float64(limit)/float64(sum)))
	some := &someUnits{Source: src}
	part := int64(math.MaxInt64) // bytes of each unit
	if _, ok := src.(beginner); ok && n < sampleUnitsLeast {
		n = min(sampleUnitsLeast, src.Len())
		part = max(1, limit/int64(n))
	}
	for left, k := limit, 0; k < n; k++ {
		u := some.first(k*(src.Len()-1)/max(1, n-1), part)
		if left -= u.Bytes; left < 0 && k > 0 {
			break
		}
		some.units = append(some.units, u)
		s.Rows += u.Rows
	}
	s.Units = len(some.units)
	return some, s
}

// first describes unit i, or of one of more bytes than part the first rows, one or as many as these bytes are for.
func (s *someUnits) first(i int, part int64) someUnit {
	u := someUnit{Unit: s.Source.Unit(i), index: i}
	if u.Bytes > part {
		share := float64(part) / float64(u.Bytes)
		u.cut, u.Rows, u.Bytes = true, max(1, int64(share*float64(u.Rows))), part
	}
	return u
}

// someUnits is a source of some units of another.
type someUnits struct {
	Source
	units []someUnit
}

// A someUnit is a unit of another source, or its first rows.
type someUnit struct {
	Unit
	index int
	cut   bool
}

// Len implements [Source].
func (s *someUnits) Len() int { return len(s.units) }

// Unit implements [Source].
func (s *someUnits) Unit(i int) Unit { return s.units[i].Unit }

// Read implements [Source].
func (s *someUnits) Read(ctx context.Context, i int, columns []int) (arrow.Record, error) {
	u := s.units[i]
	if u.cut {
		return s.Source.(beginner).readFirst(ctx, u.index, u.Rows, columns)
	}
	return s.Source.Read(ctx, u.index, columns)
}

// extrapolate makes of counts in a sample such of the whole. In the long layout a sequence that goes on in a unit outside the sample counts
// as a whole one, so that lengths are at least those that are told.
func (in *Inspection) extrapolate() {
	if in.Sample == nil || in.Sample.Rows == 0 {
		return
	}
	scale := float64(in.Sample.Of) / float64(in.Sample.Rows)
	in.Sequences = int64(float64(in.Sequences)*scale + 0.5)
	in.Steps = int64(float64(in.Steps)*scale + 0.5)
}
