package ingest

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/apache/arrow/go/v15/arrow/memory"
)

// encodeRuns writes values of a bit as runs: of one value where a run is long, packed in eights otherwise, or as the coin falls.
func encodeRuns(rng *rand.Rand, values []uint8) (out []byte) {
	for at := 0; at < len(values); {
		same := 1
		for at+same < len(values) && values[at+same] == values[at] {
			same++
		}
		if same >= 8 || rng.IntN(4) == 0 || len(values)-at < 8 && rng.IntN(2) == 0 {
			same = 1 + rng.IntN(same)
			out = append(binary.AppendUvarint(out, uint64(same)<<1), values[at])
			at += same
			continue
		}
		groups := 1 + rng.IntN(3)
		out = binary.AppendUvarint(out, uint64(groups)<<1|1)
		for range groups {
			var b byte
			for bit := range 8 {
				if at < len(values) {
					b |= values[at] << bit
					at++
				}
			}
			out = append(out, b)
		}
	}
	return out
}

// assembled is what a nest of one level of lists without nulls makes of pages, by runs or by single levels.
func assembled(pages [][]byte, counts []int, rows int, byRuns bool) (offsets []int32, leaves int, err error) {
	total := 0
	for _, n := range counts {
		total += n
	}
	mem := memory.NewGoAllocator()
	s := &nest{lists: []listLevel{{filled: 1, valid: validity{mem: mem}}}, filled: 1, most: 1, valid: validity{mem: mem}}
	s.reserve(int64(rows), int64(total), mem)
	defer s.release()
	for i, rep := range pages {
		def := append(binary.AppendUvarint(nil, uint64(counts[i])<<1), 1)
		if byRuns {
			var whole bool
			if whole, err = s.addWhole(rep, def, counts[i]); err == nil && !whole {
				panic("a page without nulls is not taken")
			}
		} else {
			var r, d []uint8
			if r, err = levels(memory.NewResizableBuffer(mem), rep, 1, counts[i]); err == nil {
				d, _ = levels(memory.NewResizableBuffer(mem), def, 1, counts[i])
				err = s.addNested(r, d)
			}
		}
		if err != nil {
			return nil, 0, err
		}
	}
	s.finish()
	return slices.Clone(bufferOf[int32](s.lists[0].offsets)), s.leaves, nil
}

// Levels assembled by runs make the lists that single levels make, and are refused where those are, also when bytes are changed.
func TestRunsAgreeWithLevels(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	refused := 0
	for round := range 3000 {
		var pages [][]byte
		var counts []int
		rows := 0
		for range 1 + rng.IntN(3) {
			values := make([]uint8, rng.IntN(200))
			for i := range values {
				if values[i] = 1; rows == 0 || rng.IntN(1+rng.IntN(40)) == 0 {
					values[i] = 0
					rows++
				}
			}
			pages, counts = append(pages, encodeRuns(rng, values)), append(counts, len(values))
		}
		if round%2 == 1 { // damaged
			if p := pages[rng.IntN(len(pages))]; len(p) > 0 {
				p[rng.IntN(len(p))] ^= 1 << rng.IntN(8)
			}
		}
		offsets, leaves, err := assembled(pages, counts, rows, true)
		wantOffsets, wantLeaves, wantErr := assembled(pages, counts, rows, false)
		if (err == nil) != (wantErr == nil) || leaves != wantLeaves || !slices.Equal(offsets, wantOffsets) {
			t.Fatalf("round %d: %v, %d leaves, %v; by single levels %v, %d, %v", round, offsets, leaves, err, wantOffsets, wantLeaves, wantErr)
		}
		if err != nil {
			refused++
			if round%2 == 0 {
				t.Fatalf("round %d: %v", round, err)
			}
		}
	}
	if refused == 0 {
		t.Error("no damage was found")
	}
}

// Pages with nulls, with empty lists, of lists in lists or of nothing but required values are left to others.
func TestRunsLeaveOthers(t *testing.T) {
	all := append(binary.AppendUvarint(nil, 10<<1), 1) // ten times 1
	for name, c := range map[string]struct {
		nest nest
		def  []byte
	}{
		"nulls":          {nest{lists: make([]listLevel, 1), most: 2}, all},
		"packed":         {nest{lists: make([]listLevel, 1), most: 1}, []byte{3, 255, 3}},
		"lists of lists": {nest{lists: make([]listLevel, 2), most: 1}, all},
		"required":       {nest{}, nil},
		"cut short":      {nest{most: 1}, all[:1]},
	} {
		if whole, err := c.nest.addWhole(nil, c.def, 10); whole || err != nil || c.nest.leaves != 0 {
			t.Errorf("%s: %v, %v", name, whole, err)
		}
	}
}
