package pipeline

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"curvestream/ingest"
)

// A found span is what the scan of a unit tells about one span.
type found struct {
	hash  Hash
	where span
	steps int32
	drop  bool
	away  bool // the scan was told to leave it out
}

// A spanList collects the spans of all units, in order.
type spanList struct {
	all   []found
	names bool // a column gives the identifiers
	long  bool // spans of one identifier make one sequence
}

// add appends the spans of the next unit.
func (l *spanList) add(unit int, u *ingest.UnitScan) error {
	for _, s := range u.Spans {
		if len(l.all) == math.MaxInt32 || s.Hi > math.MaxInt32 || s.Steps > math.MaxInt32 {
			return fmt.Errorf("pipeline: more than %d sequences, rows in a unit or time-steps in a sequence", math.MaxInt32)
		}
		l.all = append(l.all, found{
			hash:  hashID(s.ID),
			where: span{unit: int32(unit), lo: int32(s.Lo), hi: int32(s.Hi)},
			steps: int32(s.Steps),
			drop:  s.Drop != "",
			away:  s.Elsewhere,
		})
	}
	return nil
}

// A duplicateError says that two rows have one identifier in a layout in which a row is a sequence. Who knows the files
// turns it into an ingest.Error.
type duplicateError struct{ first, second span }

func (e *duplicateError) Error() string { return "pipeline: two sequences have the same id" }

// join makes the sequences of m out of the spans: numbered by their first spans, dropped ones left out.
func (l *spanList) join(m *Manifest) error {
	m.first = []int32{0}
	if !l.names {
		for i := range l.all {
			l.addSequence(m, []int32{int32(i)})
		}
		return nil
	}
	byID := l.byID()
	groups, err := l.groups(byID)
	if err != nil {
		return err
	}
	number := make([]int32, len(l.all)) // of the sequence that begins with a span; -1 where none does
	for i := range l.all {
		number[i] = -1
		if g, ok := groups.beginningWith(i); ok {
			number[i] = l.addSequence(m, byID[g.lo:g.hi])
		}
	}
	m.canonical = make([]int32, 0, len(m.steps))
	for _, i := range byID {
		if number[i] >= 0 {
			m.canonical = append(m.canonical, number[i])
		}
	}
	return nil
}

// byID returns the spans sorted by hash of identifier, those of one identifier in file order.
func (l *spanList) byID() []int32 {
	sorted := make([]int32, len(l.all))
	for i := range sorted {
		sorted[i] = int32(i)
	}
	slices.SortFunc(sorted, func(a, b int32) int {
		return cmp.Or(l.all[a].hash.compare(l.all[b].hash), int(a-b))
	})
	return sorted
}

// spanGroups says which spans of the sorted list belong together: end[i] is where the group that begins with span i ends in
// that list, and begin[i] where it begins; end[i] is 0 where span i begins none.
type spanGroups struct{ begin, end []int32 }

type spanGroup struct{ lo, hi int32 }

func (g spanGroups) beginningWith(i int) (spanGroup, bool) {
	return spanGroup{g.begin[i], g.end[i]}, g.end[i] > 0
}

func (l *spanList) groups(byID []int32) (spanGroups, error) {
	g := spanGroups{make([]int32, len(l.all)), make([]int32, len(l.all))}
	for lo := 0; lo < len(byID); {
		hi := lo + 1
		for hi < len(byID) && l.all[byID[hi]].hash == l.all[byID[lo]].hash {
			hi++
		}
		if hi > lo+1 && !l.long {
			return g, &duplicateError{l.all[byID[lo]].where, l.all[byID[lo+1]].where}
		}
		g.begin[byID[lo]], g.end[byID[lo]] = int32(lo), int32(hi)
		lo = hi
	}
	return g, nil
}

// addSequence appends to m the sequence that the given spans make, and returns its number; -1 if it is to be dropped or left out.
func (l *spanList) addSequence(m *Manifest, spans []int32) int32 {
	steps := 0
	for _, i := range spans {
		if l.all[i].away {
			return -1
		}
		if l.all[i].drop {
			m.dropped++
			return -1
		}
		steps += int(l.all[i].steps)
	}
	for _, i := range spans {
		m.spans = append(m.spans, l.all[i].where)
	}
	m.hash = append(m.hash, l.all[spans[0]].hash)
	m.steps = append(m.steps, int32(min(steps, math.MaxInt32)))
	m.first = append(m.first, int32(len(m.spans)))
	return int32(len(m.steps) - 1)
}
