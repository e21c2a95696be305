package gen

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/rand/v2"

	"curvestream/ingest"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/zeebo/xxh3"
)

// A Generator makes the sequences of a task. It is read-only and safe for concurrent use.
type Generator struct {
	task   Task
	length int
	seed   uint64
	schema *arrow.Schema
}

// New returns the generator of a task. length is T (0 means 100); a task without a length takes 0 only. A length below the task's
// least is an *[ingest.Error].
func New(task string, length int, seed uint64) (*Generator, error) {
	t, err := Lookup(task)
	if err != nil {
		return nil, err
	}
	switch {
	case t.MinLength == 0 && length != 0:
		return nil, failure("gen.length", "task %s has no length", t.Name)
	case t.MinLength > 0 && length == 0:
		length = 100
	case length < t.MinLength || length > maxLength:
		return nil, failure("gen.length", "task %s cannot have the length %d: it is from %d to %d", t.Name, length, t.MinLength, maxLength)
	}
	g := &Generator{task: t, length: length, seed: seed}
	text, err := json.Marshal(g.metadata())
	if err != nil {
		return nil, fmt.Errorf("gen: describing task %s: %w", t.Name, err)
	}
	m := arrow.NewMetadata([]string{ingest.TaskKey}, []string{string(text)})
	g.schema = arrow.NewSchema(t.fields(), &m)
	return g, nil
}

// maxLength keeps a row's offsets within what Arrow's lists can hold.
const maxLength = 1_000_000

// metadata is what a file says about itself: the roles, and vocabularies that are complete whatever the sample lacks.
func (g *Generator) metadata() ingest.TaskMetadata {
	t := g.task
	m := ingest.TaskMetadata{Task: t.Name, Length: g.length, Success: string(t.Criterion), Layout: ingest.Nested, ID: []string{"id"},
		Inputs: []string{"x"}, Targets: []string{"target"}, Loss: t.loss, Encode: map[string]ingest.ColumnEncoding{}}
	if t.target == nil {
		m.Layout, m.Targets = ingest.Flat, []string{"x"}
		return m
	}
	if t.symbols != (span{}) {
		m.Encode["x"] = ingest.ColumnEncoding{Column: "x", Kind: ingest.OneHot, Vocabulary: t.symbols.words()}
		m.Encode["target"] = ingest.ColumnEncoding{Column: "target", Kind: ingest.OneHot, Vocabulary: t.classes.words()}
	}
	return m
}

// Task returns the task.
func (g *Generator) Task() Task { return g.task }

// Length returns T; 0 where the task has none.
func (g *Generator) Length() int { return g.length }

// Schema returns the columns of Record: id, x, and target where the targets are not the inputs; with the metadata by which roles
// and encodings are inferred (see [ingest.TaskMetadata]).
func (g *Generator) Schema() *arrow.Schema { return g.schema }

// Record returns sequences first … first+n−1, whose ids are these numbers. The caller releases it.
func (g *Generator) Record(first int64, n int) (arrow.Record, error) {
	if first < 0 || n < 0 {
		return nil, fmt.Errorf("gen: sequences %d to %d of %s", first, first+int64(n)-1, g.task.Name)
	}
	if steps := int64(n) * int64(g.task.maxSteps(g.length)); steps > 1<<30 {
		return nil, fmt.Errorf("gen: %d sequences of %s have up to %d time-steps, too many for one record: take fewer", n, g.task.Name, steps)
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, g.schema)
	defer b.Release()
	b.Reserve(n)
	ids, to := b.Field(0).(*array.Int64Builder), row{x: b.Field(1)}
	if g.task.target != nil {
		to.target = b.Field(2)
	}
	for i := first; i < first+int64(n); i++ {
		ids.Append(i)
		g.task.append(g.random(i), g.length, i, to)
	}
	return b.NewRecord(), nil
}

// random returns the random numbers of sequence i.
func (g *Generator) random(i int64) *rand.Rand {
	var key []byte
	for _, v := range []uint64{g.seed, uint64(g.length), uint64(i)} {
		key = binary.LittleEndian.AppendUint64(key, v)
	}
	h := xxh3.Hash128(append(key, g.task.Name...))
	return rand.New(rand.NewPCG(h.Hi, h.Lo))
}
