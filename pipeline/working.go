package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"

	"curvestream/ingest"

	"github.com/apache/arrow/go/v15/arrow"
)

// CopyOptions say that a loader keeps a working copy of what it reads: Arrow IPC, sorted into buckets of sequences of about one length,
// digested and, where it is not compressed, mapped into memory. It is written while units are decoded for the first time, and read from
// as soon as all are there, by this loader and by later ones. It changes no bit of what is delivered.
type CopyOptions struct {
	Dir         string // "" keeps none
	Compression string // none ("") or lz4
}

// A copying is the working copy of a loader.
type copying struct {
	options CopyOptions
	used    bool   // it is read from
	path    string // where it lies, once it is read from

	mu     sync.Mutex
	note   string                      // what there is to say of it
	writer *ingest.WorkingWriter       // nil where it is not being written
	runs   map[int][]ingest.WorkingRun // of the units that are still to be seen
}

// batchBytes is how large the record batches of a copy are, about: less where memory is tight, because a bucket's is filled in memory.
func (o LoaderOptions) batchBytes() int64 { return min(1<<20, o.Memory/256) }

func (l *Loader[F]) workingSpec() ingest.WorkingSpec {
	compression := l.copy.options.Compression
	if compression == "" {
		compression = "none"
	}
	return ingest.WorkingSpec{Source: l.src, Encoding: l.encoding, Sequences: l.manifest.digest.String(), Compression: compression, BatchBytes: l.options.batchBytes()}
}

// useCopy opens the working copy if it is complete, and else begins to write it. No pass is under way.
func (l *Loader[F]) useCopy(ctx context.Context) error {
	c := l.copy
	if c == nil || c.used || c.writing() {
		return nil
	}
	spec, columns := l.workingSpec(), l.encoder.Columns()
	w, err := ingest.OpenWorking(ctx, c.options.Dir, spec, columns, l.options.Memory)
	switch {
	case err == nil:
		return l.moveTo(w)
	case context.Cause(ctx) != nil:
		return context.Cause(ctx)
	case !errors.Is(err, fs.ErrNotExist) || errors.Is(err, errMoved):
		c.say(err.Error() + "; it is written anew")
		if err := ingest.RemoveWorking(c.options.Dir, spec, columns); err != nil {
			return err
		}
	}
	c.runs = l.manifest.runs()
	c.writer, err = ingest.NewWorkingWriter(c.options.Dir, spec, columns)
	return err
}

// writing tells whether the copy is not complete yet.
func (c *copying) writing() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.writer != nil
}

// add writes a unit that was decoded for the first time; with the last one, the copy is complete.
func (c *copying) add(ctx context.Context, i int, rec arrow.Record) error {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	runs, wanted := c.runs[i]
	if c.writer == nil || !wanted {
		return nil
	}
	if err := c.writer.Add(i, rec, runs); err != nil {
		return err
	}
	if delete(c.runs, i); len(c.runs) > 0 {
		return nil
	}
	err := c.writer.Close(ctx)
	c.writer = nil
	return err
}

func (c *copying) say(note string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.note = note
}

func (c *copying) said() string {
	if c == nil {
		return ""
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.note
}

// abort gives up what is not complete.
func (c *copying) abort() {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.writer != nil {
		c.writer.Abort()
		c.writer = nil
	}
}

// moveTo makes the loader read from a working copy.
func (l *Loader[F]) moveTo(w *ingest.Working) error {
	m, err := l.manifest.moved(w)
	if err != nil {
		return err
	}
	e, err := ingest.NewEncoder[F](w.Source.Schema(), w.Encoding)
	if err != nil {
		return err
	}
	var costs []int64
	for i, u := range m.units {
		costs = append(costs, unitBytes(w.Source, i, u, e.Columns()))
		if costs[i] > l.options.Memory {
			return unitTooLarge(u, costs[i], l.options.Memory)
		}
	}
	if l.ahead != nil && l.ahead.done != nil {
		l.ahead.finish(true)
		l.ahead = nil
	}
	l.memory.release(l.cache.dropUnits())
	l.src, l.manifest, l.encoder, l.expecter, l.costs = w.Source, m, e, e, costs
	l.copy.used, l.copy.path = true, w.Path
	l.copy.say("reading from the working copy " + w.Path)
	return nil
}

// runs lists, by unit, the rows of each sequence.
func (m *Manifest) runs() map[int][]ingest.WorkingRun {
	all := map[int][]ingest.WorkingRun{}
	for i := range m.steps {
		for _, s := range m.spansOf(i) {
			all[int(s.unit)] = append(all[int(s.unit)], ingest.WorkingRun{Lo: int(s.lo), Hi: int(s.hi), Sequence: int32(i), Steps: m.steps[i]})
		}
	}
	for _, runs := range all {
		slices.SortFunc(runs, func(a, b ingest.WorkingRun) int { return a.Lo - b.Lo })
	}
	return all
}

// errMoved is that a working copy has not the rows of the manifest.
var errMoved = errors.New("pipeline: the working copy has not the rows that it should")

// moved returns the manifest with the same sequences in the places where a working copy has them.
func (m *Manifest) moved(w *ingest.Working) (*Manifest, error) {
	type found struct {
		row   ingest.WorkingRow // the first
		where span
	}
	var all []found
	for u, rows := range w.Rows {
		for k, r := range rows {
			if last := len(all) - 1; k > 0 && rows[k-1].Sequence == r.Sequence && rows[k-1].Unit == r.Unit && rows[k-1].Row+1 == r.Row {
				all[last].where.hi++
				continue
			}
			all = append(all, found{r, span{int32(u), int32(k), int32(k + 1)}})
		}
	}
	slices.SortFunc(all, func(a, b found) int {
		return cmp.Or(cmp.Compare(a.row.Sequence, b.row.Sequence), cmp.Compare(a.row.Unit, b.row.Unit), cmp.Compare(a.row.Row, b.row.Row))
	})
	out := *m
	out.units, out.spans, out.first = nil, nil, []int32{0}
	for i := range w.Source.Len() {
		out.units = append(out.units, w.Source.Unit(i))
	}
	for i := range m.steps {
		rows := int32(0)
		for _, s := range m.spansOf(i) {
			rows += s.hi - s.lo
		}
		for len(all) > 0 && all[0].row.Sequence == int32(i) {
			out.spans = append(out.spans, all[0].where)
			rows -= all[0].where.hi - all[0].where.lo
			all = all[1:]
		}
		if rows != 0 {
			return nil, fmt.Errorf("%w (sequence %d of %s)", errMoved, i, w.Path)
		}
		out.first = append(out.first, int32(len(out.spans)))
	}
	if len(all) > 0 {
		return nil, fmt.Errorf("%w (%d runs of %s too many)", errMoved, len(all), w.Path)
	}
	return &out, nil
}
