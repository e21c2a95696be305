package pipeline

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"curvestream/ingest"
)

// The long layout gives the same sequences as the nested one, in the same order, for any size of unit and with interleaved
// sequences, and any number of workers gives the same manifest.
func TestManifestJoinsSpans(t *testing.T) {
	nested := nestedRows(40)
	want := manifestOf(t, nested, 6)
	for _, interleaved := range []bool{false, true} {
		for _, perUnit := range []int{1, 3, 10, 1000} {
			for _, workers := range []int{1, 2, 8} {
				src := newFakeSource(longRows(nested, interleaved), perUnit)
				scan := &fakeScan{long: true}
				m, err := BuildManifest(t.Context(), src, scan, ManifestOptions{Layout: ingest.Long, Workers: workers})
				if err != nil {
					t.Fatal(err)
				}
				if m.Digest() != want.Digest() || !reflect.DeepEqual(m.canonical, want.canonical) {
					t.Errorf("interleaved=%t units of %d, %d workers: another list of sequences", interleaved, perUnit, workers)
				}
				for i := range m.Len() {
					rows := 0
					for _, s := range m.spansOf(i) {
						rows += int(s.hi - s.lo)
					}
					if rows != m.Steps(i) {
						t.Fatalf("sequence %d has %d steps in %d rows", i, m.Steps(i), rows)
					}
				}
				for i := range src.Len() {
					if len(scan.merged) != src.Len() || scan.merged[i] != src.Unit(i) {
						t.Fatalf("%d units were merged, not each once and in order", len(scan.merged))
					}
				}
				src.memory.AssertSize(t, 0)
			}
		}
	}
}

func TestManifestRefusesDuplicates(t *testing.T) {
	rows := nestedRows(30)
	rows[25].id = rows[4].id
	src := newFakeSource(rows, 3)
	_, err := BuildManifest(t.Context(), src, &fakeScan{}, ManifestOptions{Layout: ingest.Nested, Identified: true})
	bad, ok := errors.AsType[*ingest.Error](err)
	if !ok || bad.Code != "data.duplicate_id" || bad.ID != "s4" || bad.File != "part-2.parquet" || bad.RowGroup != 0 || bad.Row != 1 {
		t.Errorf("err = %+v, want the place and the id", err)
	}
	if !strings.Contains(err.Error(), "part-0.parquet, row group 1, row 4") {
		t.Errorf("%v: the first place is missing", err)
	}
	src.memory.AssertSize(t, 0)
}

func TestManifestLeavesOutDroppedSequences(t *testing.T) {
	nested := nestedRows(10)
	src := newFakeSource(longRows(nested, true), 4)
	m, err := BuildManifest(t.Context(), src, &fakeScan{long: true, drop: "s3"}, ManifestOptions{Layout: ingest.Long})
	if err != nil {
		t.Fatal(err)
	}
	if m.Len() != 9 || m.Dropped() != 1 || slices.Contains(m.hash, hashID("s3")) {
		t.Errorf("%d sequences, %d dropped", m.Len(), m.Dropped())
	}
	if got := slices.Sorted(slices.Values(m.canonical)); len(got) != 9 || got[8] != 8 {
		t.Errorf("canonical order %v", m.canonical)
	}
}

// A failing or panicking unit ends the scan with an error that names it, and nothing is left.
func TestManifestFails(t *testing.T) {
	for want, onRead := range map[string]func(int) error{
		"boom":       func(i int) error { return map[bool]error{true: errors.New("boom")}[i == 7] },
		"malformed:": func(i int) error { return map[bool]error{}[i == 7 && panics()] },
	} {
		src := newFakeSource(nestedRows(40), 3)
		src.onRead = onRead
		_, err := BuildManifest(t.Context(), src, &fakeScan{}, ManifestOptions{Workers: 4})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("err = %v, want %q", err, want)
		}
		src.memory.AssertSize(t, 0)
	}
	src := newFakeSource(nestedRows(40), 10)
	_, err := BuildManifest(t.Context(), src, &fakeScan{}, ManifestOptions{Memory: 1000})
	if large, ok := errors.AsType[*TooLargeError](err); !ok || large.File != "part-0.parquet" || large.Needs != src.Unit(0).Bytes {
		t.Errorf("err = %v, want a TooLargeError that names the unit", err)
	}
}

func panics() bool { panic("index out of range") }

func TestSummaryIsJSON(t *testing.T) {
	m := manifestOf(t, []fakeRow{{"a", 1}, {"b", 5}, {"c", 3}}, 2)
	data, err := json.Marshal(m.Summary())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"sequences":3`, `"steps":9`, `"units":2`, `"min":1`, `"median":3`, `"max":5`, `"mean":3`, `"digest":"` + m.Digest().String()} {
		if !strings.Contains(string(data), want) {
			t.Errorf("%s lacks %s", data, want)
		}
	}
}

// With a budget of one unit, units are scanned one after the other, and never two are held.
func TestManifestKeepsItsBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := newFakeSource(nestedRows(40), 4)
		var reading atomic.Int64
		src.onRead = func(i int) error {
			if reading.Add(1) > 1 {
				t.Error("two units are read at once")
			}
			time.Sleep(time.Millisecond)
			reading.Add(-1)
			return nil
		}
		if _, err := BuildManifest(t.Context(), src, &fakeScan{}, ManifestOptions{Memory: src.Unit(0).Bytes, Workers: 4}); err != nil {
			t.Fatal(err)
		}
	})
}

// A million sequences take less than 100 MB.
func TestManifestIsCompact(t *testing.T) {
	const n = 200_000
	rows := make([]fakeRow, n)
	for i := range rows {
		rows[i] = fakeRow{fmt.Sprintf("sequence-%08d", i), 100}
	}
	src := newFakeSource(rows, 20_000)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	m, err := BuildManifest(t.Context(), src, &fakeScan{}, ManifestOptions{Layout: ingest.Nested, Identified: true})
	if err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if perSequence := (int64(after.HeapAlloc) - int64(before.HeapAlloc)) / int64(m.Len()); perSequence > 100 {
		t.Errorf("%d bytes a sequence", perSequence)
	}
	runtime.KeepAlive(m)
}
