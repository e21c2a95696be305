package pipeline

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"curvestream/ingest"
	"curvestream/nn"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A fakeRow is a row of a fake source: in the nested layout a sequence of n time-steps, in the long layout time-step n of a
// sequence.
type fakeRow struct {
	id string
	n  int32
}

// A fakeSource holds rows in units of a given number of rows. All records come from one checked allocator.
type fakeSource struct {
	rows    []fakeRow
	perUnit int
	endless bool
	memory  *memory.CheckedAllocator
	slow    time.Duration // up to this long a read takes
	reads   atomic.Int64
	onRead  func(i int) error // called before a unit is read
	short   bool              // gives a row too few
}

func newFakeSource(rows []fakeRow, perUnit int) *fakeSource {
	return &fakeSource{rows: rows, perUnit: perUnit, memory: memory.NewCheckedAllocator(memory.NewGoAllocator())}
}

var fakeSchema = arrow.NewSchema([]arrow.Field{
	{Name: "id", Type: arrow.BinaryTypes.String}, {Name: "n", Type: arrow.PrimitiveTypes.Int32}}, nil)

func (s *fakeSource) Schema() *arrow.Schema { return fakeSchema }

func (s *fakeSource) Len() int {
	if s.endless {
		return ingest.Endless
	}
	return (len(s.rows) + s.perUnit - 1) / s.perUnit
}

func (s *fakeSource) Unit(i int) ingest.Unit {
	u := ingest.Unit{File: fmt.Sprintf("part-%d.parquet", i/4), RowGroup: i % 4, FirstRow: int64(i % 4 * s.perUnit),
		Rows: int64(s.perUnit), Bytes: int64(s.perUnit)*64 + 1024}
	if !s.endless {
		u.Rows = int64(min(s.perUnit, len(s.rows)-i*s.perUnit))
	}
	return u
}

func (s *fakeSource) row(i int) fakeRow {
	if s.endless {
		return fakeRow{fmt.Sprintf("fresh-%d", i), int32(1 + i%7)}
	}
	return s.rows[i]
}

func (s *fakeSource) Read(ctx context.Context, i int, columns []int) (arrow.Record, error) {
	s.reads.Add(1)
	if s.slow > 0 {
		select {
		case <-time.After(rand.N(s.slow)):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if s.onRead != nil {
		if err := s.onRead(i); err != nil {
			return nil, err
		}
	}
	b := array.NewRecordBuilder(s.memory, fakeSchema)
	defer b.Release()
	n := int(s.Unit(i).Rows)
	if s.short {
		n--
	}
	for k := range n {
		r := s.row(i*s.perUnit + k)
		b.Field(0).(*array.StringBuilder).Append(r.id)
		b.Field(1).(*array.Int32Builder).Append(r.n)
	}
	return b.NewRecord(), nil
}

func (s *fakeSource) Fingerprint() []ingest.FileInfo {
	return []ingest.FileInfo{{Path: "part-0.parquet", Format: "parquet", Rows: int64(len(s.rows))}}
}

func (s *fakeSource) Close() error { return nil }

// A fakeScan makes spans as an ingest.Scanner does.
type fakeScan struct {
	long   bool
	merged []ingest.Unit
	drop   string // sequences with this identifier
}

func (s *fakeScan) Columns() []int { return []int{0, 1} }

func (s *fakeScan) Scan(u ingest.Unit, rec arrow.Record) (*ingest.UnitScan, error) {
	out := &ingest.UnitScan{Unit: u}
	ids, n := rec.Column(0).(*array.String), rec.Column(1).(*array.Int32)
	for i := range ids.Len() {
		last := len(out.Spans) - 1
		if s.long && last >= 0 && out.Spans[last].ID == ids.Value(i) {
			out.Spans[last].Hi++
			out.Spans[last].Steps++
			continue
		}
		span := ingest.Span{ID: string([]byte(ids.Value(i))), Lo: i, Hi: i + 1, Steps: 1}
		if !s.long {
			span.Steps = int(n.Value(i))
		}
		if span.ID == s.drop {
			span.Drop = "unusable"
		}
		out.Spans = append(out.Spans, span)
	}
	return out, nil
}

func (s *fakeScan) Merge(u *ingest.UnitScan) error {
	s.merged = append(s.merged, u.Unit)
	return nil
}

// A fakeEncoder makes a time-step's values from the identifier and the time-step, so that a test knows what belongs where.
type fakeEncoder[F ingest.Float] struct {
	e    *ingest.Encoding
	long bool
	fail func(id string) error
}

func (f *fakeEncoder[F]) Columns() []int { return []int{0, 1} }

func (f *fakeEncoder[F]) Append(seq *ingest.Sequence[F], rec arrow.Record, lo, hi int, _ ingest.Unit) error {
	ids, n := rec.Column(0).(*array.String), rec.Column(1).(*array.Int32)
	seq.ID, seq.Weight = append(seq.ID[:0], ids.Value(lo)...), fakeWeight[F](ids.Value(lo))
	if f.fail != nil {
		if err := f.fail(string(seq.ID)); err != nil {
			return err
		}
	}
	for i := lo; i < hi; i++ {
		if f.long {
			f.step(seq, int(n.Value(i)))
			continue
		}
		for t := range int(n.Value(i)) {
			f.step(seq, t)
		}
	}
	return nil
}

func (f *fakeEncoder[F]) step(seq *ingest.Sequence[F], t int) {
	seq.Length++
	if !f.e.SparseInputs {
		for k := range f.e.In {
			seq.Dense = append(seq.Dense, fakeValue[F](string(seq.ID), t, k))
		}
	} else {
		if len(seq.Ptr) == 0 {
			seq.Ptr = append(seq.Ptr, 0)
		}
		for k := range t % 3 {
			seq.Col = append(seq.Col, int32(k))
			if t0 := hashBytes(seq.ID).Lo; t0%2 == 0 {
				seq.Val = append(seq.Val, fakeValue[F](string(seq.ID), t, k))
			}
		}
		seq.Ptr = append(seq.Ptr, int32(len(seq.Col)))
	}
	if f.e.Form == "each" {
		f.target(seq, t)
		if hashBytes(seq.ID).Lo%3 == 0 {
			seq.Mask = append(seq.Mask, F(t%2))
		}
	}
}

func (f *fakeEncoder[F]) target(seq *ingest.Sequence[F], t int) {
	if f.e.Loss == "softmax_cross_entropy" {
		seq.Class = append(seq.Class, int32(t))
		return
	}
	for k := range f.e.Out {
		seq.Target = append(seq.Target, -fakeValue[F](string(seq.ID), t, k))
	}
}

func (f *fakeEncoder[F]) Finish(seq *ingest.Sequence[F]) error {
	if f.e.Form == "last" {
		f.target(seq, seq.Length-1)
	}
	return nil
}

func fakeValue[F ingest.Float](id string, t, k int) F {
	return F(hashID(id).Lo%1000) + F(t)/256 + F(k)*2000
}

func fakeWeight[F ingest.Float](id string) F { return 1 + F(hashID(id).Hi%2) }

// nestedRows returns n sequences of mixed lengths.
func nestedRows(n int) []fakeRow {
	rng := rand.New(rand.NewPCG(1, uint64(n)))
	rows := make([]fakeRow, n)
	for i := range rows {
		rows[i] = fakeRow{fmt.Sprintf("s%d", i), int32(1 + rng.IntN(20))}
	}
	return rows
}

// longRows spells sequences out as one row a time-step, in the same order; interleaved says that the sequences of each five
// take turns.
func longRows(nested []fakeRow, interleaved bool) (rows []fakeRow) {
	group := 1
	if interleaved {
		group = 5
	}
	for lo := 0; lo < len(nested); lo += group {
		for t := int32(0); t < 20; t++ {
			for _, s := range nested[lo:min(lo+group, len(nested))] {
				if t < s.n {
					rows = append(rows, fakeRow{s.id, t})
				}
			}
		}
	}
	return rows
}

// A fixture is a source with its manifest and an encoding.
type fixture struct {
	src      *fakeSource
	manifest *Manifest
	encoding *ingest.Encoding
	encoder  *fakeEncoder[float32]
}

func newFixture(t *testing.T, src *fakeSource, layout ingest.Layout, e ingest.Encoding) *fixture {
	t.Helper()
	long := layout == ingest.Long
	m, err := BuildManifest(t.Context(), src, &fakeScan{long: long}, ManifestOptions{Layout: layout, Identified: true, Workers: 3})
	if err != nil {
		t.Fatal(err)
	}
	src.reads.Store(0)
	e.Layout = layout
	return &fixture{src, m, &e, &fakeEncoder[float32]{e: &e, long: long}}
}

func (f *fixture) loader(t *testing.T, o LoaderOptions) *Loader[float32] {
	t.Helper()
	o.Identify = true
	l, err := newLoader[float32](f.src, f.manifest, f.encoding, f.encoder, o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func (f *fixture) plan(t *testing.T, o PlanOptions) *Plan {
	t.Helper()
	p, err := NewPlan(f.manifest, o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

var lastDense = ingest.Encoding{Form: "last", In: 2, Out: 1, Loss: "squared_error", Inputs: []ingest.ColumnEncoding{{Kind: ingest.Numeric, Width: 2}}}

// spell returns everything that a batch holds, as text.
func spell(b *nn.Batch[float32]) string {
	sparse := "nil"
	if b.Sparse != nil {
		sparse = fmt.Sprintf("%+v", *b.Sparse)
	}
	c := *b
	c.Sparse = nil
	return fmt.Sprintf("%+v sparse %s\n", c, sparse)
}

// deliverAll returns the bits of all chunks of a minibatch.
func deliverAll(t *testing.T, l *Loader[float32], mb Minibatch) (all string) {
	t.Helper()
	if err := l.Each(t.Context(), mb, func(b *nn.Batch[float32]) error {
		all += spell(b)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return all
}
