package ingest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow"

	"curvestream/internal/shared"
)

// perFile is how long a file of the sweeps may take; the largest takes some 50 ms.
const perFile = 20 * time.Second

// An outcome is what reading a whole source, column by column, came to.
type outcome struct {
	rows   int64             // of the footer
	read   []string          // columns that were read whole
	failed map[string]string // columns that were not, and why
}

// readAll opens one file and reads every column of every unit by itself. The error is Open's. It fails the test if a record
// has not the rows that the footer says, if a value cannot be looked at, or if memory is outstanding afterwards.
func readAll(t testing.TB, ctx context.Context, path string) (o outcome, err error) {
	t.Helper()
	mem := &peakAllocator{}
	defer func() {
		if mem.now != 0 {
			t.Errorf("%s: %d bytes outstanding", path, mem.now)
		}
	}()
	s, err := Open(ctx, []string{path}, OpenOptions{MemoryLimit: 256 << 20, allocator: mem})
	if err != nil {
		return o, err
	}
	defer s.Close()
	o.rows, o.failed = s.Fingerprint()[0].Rows, make(map[string]string)
	for c, f := range s.Schema().Fields() {
		var rows int64
		for i := range s.Len() {
			r, err := s.Read(ctx, i, []int{c})
			if err != nil {
				if r != nil {
					t.Errorf("%s: a record and an error: %v", path, err)
				}
				o.failed[f.Name] = err.Error()
				break
			}
			if r.NumRows() != s.Unit(i).Rows || int64(r.Column(0).Len()) != r.NumRows() {
				t.Errorf("%s: column %q: %d rows of %d, and no error", path, f.Name, r.Column(0).Len(), s.Unit(i).Rows)
			}
			for row := range min(r.Column(0).Len(), 50) {
				look(r.Column(0), row)
			}
			rows += r.NumRows()
			r.Release()
		}
		if o.failed[f.Name] == "" {
			if rows != o.rows {
				t.Errorf("%s: column %q: %d rows of %d, and no error", path, f.Name, rows, o.rows)
			}
			o.read = append(o.read, f.Name)
		}
	}
	return o, nil
}

// look reads a value, which must not panic; that JSON, as which lists are spelt, has no NaN is the library's affair.
func look(a arrow.Array, row int) {
	defer func() {
		if r := recover(); r != nil && !strings.Contains(fmt.Sprint(r), "json: unsupported value") {
			panic(r)
		}
	}()
	_ = a.ValueStr(row)
}

// inTime is readAll with a time limit.
func inTime(t *testing.T, path string) (o outcome, err error) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		o, err = readAll(t, context.Background(), path)
	}()
	select {
	case <-done:
		return o, err
	case <-time.After(perFile):
		t.Fatalf("%s: not done after %v", path, perFile)
		return o, err
	}
}

// assertClear fails the test unless an error is one that a person can act on.
func assertClear(t *testing.T, path string, err error) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Code == "" || e.Hint == "" || e.File != path || e.Message == "" {
		t.Errorf("%s: not a clear error: %#v", path, err)
	}
}

// soundFile is as it should be: its indices have 0 bits, on which the library panics.
const soundFile = "ARROW-GH-43605.parquet"

// No damaged file crashes, hangs, or gives less than it announces; each is refused, some only in the columns that are damaged.
// (The library by itself ends the process on 23 of these files and loses rows without a word on 22.)
func TestMalformedFiles(t *testing.T) {
	for _, kind := range []string{"parquet", "ipc-file", "ipc-stream"} {
		t.Run(kind, func(t *testing.T) {
			entries, err := os.ReadDir(shared.Dir(t, "data", "malformed", kind))
			if err != nil || len(entries) < 20 {
				t.Fatal(len(entries), err)
			}
			for _, e := range entries {
				path := shared.Dir(t, "data", "malformed", kind, e.Name())
				o, err := inTime(t, path)
				if err != nil {
					assertClear(t, path, err)
				} else if sound := e.Name() == soundFile; sound != (len(o.failed) == 0) {
					t.Errorf("%s: read whole (%d rows), or not: %v", e.Name(), o.rows, o.failed)
				}
			}
		})
	}
}

// everything says of a file of the table below that all its columns are read.
const everything = "*"

// interop says of every Parquet file of many writers, versions and encodings what is read of it: everything, or what every
// column that is not read says, by column; "" is the whole file.
var interop = map[string]map[string]string{
	"alltypes_dictionary":                    {everything: ""},
	"alltypes_plain.snappy":                  {everything: ""},
	"alltypes_tiny_pages_plain":              {everything: ""},
	"binary_truncated_min_max":               {everything: ""},
	"byte_stream_split.zstd":                 {everything: ""},
	"column_chunk_key_value_metadata":        {"": "no rows"},
	"data_index_bloom_encoding_stats":        {everything: ""},
	"datapage_v1-corrupt-checksum":           {"a": "checksum", "b": "checksum"},
	"datapage_v1-uncompressed-checksum":      {everything: ""},
	"datapage_v2_empty_datapage.snappy":      {everything: ""},
	"delta_byte_array":                       {everything: ""},
	"delta_encoding_required_column":         {everything: ""},
	"dict-page-offset-zero":                  {everything: ""},
	"fixed_length_decimal":                   {everything: ""},
	"float16_nonzeros_and_nans":              {everything: ""},
	"floating_orders_nan_count":              {everything: ""},
	"hadoop_lz4_compressed_larger":           {everything: ""},
	"int32_decimal":                          {everything: ""},
	"int64_decimal":                          {everything: ""},
	"large_string_map.brotli":                {"arr": "maps are not supported"},
	"lz4_raw_compressed":                     {everything: ""},
	"map_no_value":                           {"my_map": "maps are not supported"},
	"nation.dict-malformed":                  {everything: ""},
	"nested_maps.snappy":                     {"a": "maps are not supported"},
	"non_hadoop_lz4_compressed":              {everything: ""},
	"null_list":                              {everything: ""},
	"nulls.snappy":                           {"b_struct": "structs are not supported"},
	"overflow_i16_page_cnt":                  {everything: ""},
	"plain-dict-uncompressed-checksum":       {everything: ""},
	"repeated_primitive_no_list":             {"group_of_lists": "structs are not supported"},
	"rle-dict-uncompressed-corrupt-checksum": {"long_field": "checksum", "binary_field": "checksum"},
	"single_nan":                             {everything: ""},
	"unknown-logical-type":                   {"": "invalid logical type"},
}

func TestInteropFiles(t *testing.T) {
	names, err := filepath.Glob(filepath.Join(shared.Dir(t, "data", "interop"), "*.parquet"))
	if err != nil || len(names) != len(interop) {
		t.Fatalf("%d files, %d in the table: %v", len(names), len(interop), err)
	}
	for _, path := range names {
		want, ok := interop[strings.TrimSuffix(filepath.Base(path), ".parquet")]
		if !ok {
			t.Errorf("%s is not in the table", path)
		}
		o, err := inTime(t, path)
		if err != nil {
			assertClear(t, path, err)
			o.failed = map[string]string{"": err.Error()}
		}
		_, all := want[everything]
		if all && (len(o.failed) > 0 || len(o.read) == 0) || !all && len(o.failed) != len(want) {
			t.Errorf("%s: %d columns read, refused: %v, want %v", filepath.Base(path), len(o.read), o.failed, want)
		}
		for column, why := range o.failed {
			if !all && (!strings.Contains(why, want[column]) || !strings.Contains(why, "fix: ")) {
				t.Errorf("%s: column %q: %s, want %q and a fix", filepath.Base(path), column, why, want[column])
			}
		}
	}
}
