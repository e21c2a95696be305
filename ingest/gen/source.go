package gen

import (
	"context"
	"fmt"
	"maps"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"curvestream/ingest"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
)

// Prefix begins the specification of a generator.
const Prefix = "gen:"

// unitRows is the number of sequences in a unit.
const unitRows = 1000

// Open returns the source that a specification describes: "gen:TASK?length=100&seed=1&n=1000". length is T, 100 if left out; seed
// is 1 if left out; n is the number of sequences. Without n the source is endless, but for noiseless-memory-5bit, whose 32 sequences are
// all there are. Units have 1,000 sequences. A specification that is wrong is an *[ingest.Error] that says how.
func Open(spec string) (ingest.Source, error) {
	name, query, _ := strings.Cut(strings.TrimPrefix(spec, Prefix), "?")
	if !strings.HasPrefix(spec, Prefix) {
		return nil, failure("gen.specification", "%q is no generator: want gen:TASK?length=T&seed=S", spec)
	}
	task, err := Lookup(name)
	if err != nil {
		return nil, err
	}
	p, err := parse(task, query)
	if err != nil {
		return nil, err
	}
	g, err := New(name, p.length, p.seed)
	if err != nil {
		return nil, err
	}
	s := &source{g: g, n: p.n, spec: fmt.Sprintf("%s%s?length=%d&seed=%d", Prefix, name, g.length, p.seed)}
	if task.MinLength == 0 {
		s.spec = fmt.Sprintf("%s%s?seed=%d", Prefix, name, p.seed)
	}
	if s.n > 0 {
		s.spec += fmt.Sprintf("&n=%d", s.n)
	}
	return s, nil
}

// parameters are what stands after the "?".
type parameters struct {
	length int
	seed   uint64
	n      int64 // 0 is without end
}

func parse(t Task, query string) (parameters, error) {
	p := parameters{seed: 1, n: int64(t.Distinct)}
	values, err := url.ParseQuery(query)
	if err != nil {
		return p, failure("gen.specification", "the parameters %q cannot be read: %v", query, err)
	}
	known := []string{"length", "seed", "n"}
	if t.MinLength == 0 {
		known = known[1:]
	}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		all := values[key]
		if !slices.Contains(known, key) {
			return p, unknown("gen.unknown_parameter", "parameter of "+t.Name, key, known)
		}
		if len(all) > 1 {
			return p, failure("gen.specification", "parameter %s is given %d times", key, len(all))
		}
		v, err := strconv.ParseUint(all[0], 10, 64)
		if err != nil || key != "seed" && (v == 0 || v > math.MaxInt64/2) || key == "length" && v > maxLength {
			return p, failure("gen.parameter", "parameter %s cannot be %q: want a whole number%s", key, all[0], map[bool]string{true: " above 0"}[key != "seed"])
		}
		switch key {
		case "length":
			p.length = int(v)
		case "seed":
			p.seed = v
		case "n":
			p.n = int64(v)
		}
	}
	return p, nil
}

// source is a generator as a source; n is 0 where it is endless.
type source struct {
	g    *Generator
	n    int64
	spec string
}

func (s *source) Schema() *arrow.Schema { return s.g.schema }

func (s *source) Len() int {
	if s.n == 0 {
		return ingest.Endless
	}
	return int((s.n + unitRows - 1) / unitRows)
}

func (s *source) Unit(i int) ingest.Unit {
	u := ingest.Unit{File: s.spec, RowGroup: i, FirstRow: int64(i) * unitRows, Rows: unitRows}
	if s.n > 0 {
		u.Rows = min(unitRows, s.n-u.FirstRow)
	}
	// A step has at most two numbers of x with the offset of its list, or two symbols; builders grow by doubling.
	u.Bytes = 2 * u.Rows * (64 + 12*int64(s.g.task.maxSteps(s.g.length)))
	return u
}

func (s *source) Read(ctx context.Context, i int, columns []int) (arrow.Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("gen: reading %s: %w", s.spec, err)
	}
	if i < 0 || s.n > 0 && i >= s.Len() {
		return nil, fmt.Errorf("gen: reading %s: there is no unit %d", s.spec, i)
	}
	u := s.Unit(i)
	all, err := s.g.Record(u.FirstRow, int(u.Rows))
	if err != nil {
		return nil, err
	}
	defer all.Release()
	fields, arrays := make([]arrow.Field, len(columns)), make([]arrow.Array, len(columns))
	for k, c := range columns {
		if c < 0 || c >= int(all.NumCols()) {
			return nil, fmt.Errorf("gen: reading %s: there is no column %d", s.spec, c)
		}
		fields[k], arrays[k] = s.g.schema.Field(c), all.Column(c)
	}
	return array.NewRecord(arrow.NewSchema(fields, nil), arrays, u.Rows), nil
}

func (s *source) Fingerprint() []ingest.FileInfo {
	info := ingest.FileInfo{Path: s.spec, Format: "generator", Footer: s.spec, Rows: s.n, Units: s.Len()}
	if s.n == 0 {
		info.Rows = ingest.Endless
	}
	return []ingest.FileInfo{info}
}

func (s *source) Close() error { return nil }
