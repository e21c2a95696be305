package ingest

import (
	"context"

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

// sampleOf returns a source of some of the units, spread evenly, whose Bytes sum to at most limit (but at least one unit); or src itself, and
// no Sample, where all of them are within it or limit is 0.
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
	for left, k := limit, 0; k < n; k++ {
		i := k * (src.Len() - 1) / max(1, n-1)
		u := src.Unit(i)
		if left -= u.Bytes; left < 0 && k > 0 {
			break
		}
		some.units = append(some.units, i)
		s.Rows += u.Rows
	}
	s.Units = len(some.units)
	return some, s
}

// someUnits is a source of some units of another.
type someUnits struct {
	Source
	units []int
}

// Len implements [Source].
func (s *someUnits) Len() int { return len(s.units) }

// Unit implements [Source].
func (s *someUnits) Unit(i int) Unit { return s.Source.Unit(s.units[i]) }

// Read implements [Source].
func (s *someUnits) Read(ctx context.Context, i int, columns []int) (arrow.Record, error) {
	return s.Source.Read(ctx, s.units[i], columns)
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
