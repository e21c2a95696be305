package ingest

import (
	"bytes"
	"container/heap"
	"context"
	"fmt"

	"github.com/apache/arrow/go/v15/arrow"
)

// merge writes the rows of sorted runs in order and returns how many there were. It holds one record batch of each run, and what the writer
// has not written yet.
func (s *sorter) merge(ctx context.Context, runs []string, w *Writer) (rows int64, err error) {
	m := &merger{}
	defer func() {
		for _, c := range m.cursors {
			c.close()
		}
	}()
	for i, path := range runs {
		src, err := Open(ctx, []string{path}, OpenOptions{MemoryLimit: s.memory, undigested: true, asStored: true})
		if err != nil {
			return rows, fmt.Errorf("ingest: merging sorted runs: %w", err)
		}
		c := &cursor{run: i, src: src, keys: s.keys, row: -1}
		m.cursors = append(m.cursors, c)
		if err := c.step(ctx); err != nil {
			return rows, err
		}
		if c.rec != nil {
			m.live = append(m.live, c)
		}
	}
	heap.Init(&m.live)
	for len(m.live) > 0 {
		c := m.live[0]
		n, err := m.run(ctx, w)
		if err != nil {
			return rows, err
		}
		rows += n
		if c.rec == nil {
			heap.Pop(&m.live)
		} else {
			heap.Fix(&m.live, 0)
		}
	}
	return rows, nil
}

// A merger has the cursors that are not at their end in a heap.
type merger struct {
	cursors []*cursor
	live    cursors
}

// run writes the rows of the first cursor's batch that come before all others.
func (m *merger) run(ctx context.Context, w *Writer) (int64, error) {
	c := m.live[0]
	from, rec := c.row, c.rec
	rec.Retain()
	defer rec.Release()
	for n := int64(1); ; n++ {
		if err := c.step(ctx); err != nil {
			return 0, err
		}
		if c.rec == rec && !m.overtaken() {
			continue
		}
		return n, writeRows(w, rec, from, n)
	}
}

// overtaken tells whether the first of the heap is not the least any more: one of its two children is less.
func (m *merger) overtaken() bool {
	for i := 1; i <= 2 && i < len(m.live); i++ {
		if m.live.Less(i, 0) {
			return true
		}
	}
	return false
}

// A cursor goes through the rows of a run.
type cursor struct {
	run   int
	src   Source
	keys  *rowKeys
	unit  int // the next to be read
	rec   arrow.Record
	views []view
	row   int64
	key   []byte
}

// step goes to the next row; at the end rec is nil.
func (c *cursor) step(ctx context.Context) (err error) {
	if c.row++; c.rec == nil || c.row == c.rec.NumRows() {
		if err := c.next(ctx); err != nil || c.rec == nil {
			return err
		}
	}
	c.key, err = c.keys.appendSortKey(c.key[:0], c.views, c.src.Unit(c.unit-1), int(c.row))
	return err
}

// next reads the next batch.
func (c *cursor) next(ctx context.Context) error {
	c.release()
	if c.unit == c.src.Len() {
		return nil
	}
	columns := make([]int, c.src.Schema().NumFields())
	for i := range columns {
		columns[i] = i
	}
	rec, err := c.src.Read(ctx, c.unit, columns)
	if err != nil {
		return fmt.Errorf("ingest: merging sorted runs: %w", err)
	}
	c.rec, c.views, c.row = rec, viewsOf(rec), 0
	c.unit++
	return nil
}

func (c *cursor) release() {
	if c.rec != nil {
		c.rec.Release()
		c.rec = nil
	}
}

func (c *cursor) close() {
	c.release()
	c.src.Close()
}

// cursors are a heap by key; of equal keys the earlier run comes first.
type cursors []*cursor

// Len implements heap.Interface.
func (h cursors) Len() int { return len(h) }

// Less implements heap.Interface.
func (h cursors) Less(i, j int) bool {
	if order := bytes.Compare(h[i].key, h[j].key); order != 0 {
		return order < 0
	}
	return h[i].run < h[j].run
}

// Swap implements heap.Interface.
func (h cursors) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

// Push implements heap.Interface.
func (h *cursors) Push(x any) { *h = append(*h, x.(*cursor)) }

// Pop implements heap.Interface.
func (h *cursors) Pop() any {
	last := len(*h) - 1
	c := (*h)[last]
	*h = (*h)[:last]
	return c
}
