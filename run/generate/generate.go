// Package generate writes the data of synthetic problems to files.
package generate

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"curvestream/ingest"
	"curvestream/ingest/gen"
	"curvestream/run/fault"
)

// Options say what to write. Train, Valid and Test are numbers of sequences; 0 leaves the file out.
type Options struct {
	Task               string
	Length             int // T; 0 means 100, or that the task has none
	Train, Valid, Test int
	Seed               uint64
	Format             string // "parquet" or "arrow"
	Dir                string // is made if it is absent
	Overwrite          bool
}

// A File is one that was written.
type File struct {
	Path      string `json:"path"`
	Sequences int    `json:"sequences"`
	First     int64  `json:"first"` // number of the first sequence in the generator's stream
}

// A Report is what `curvestream gen` prints.
type Report struct {
	Schema string `json:"schema"`
	Task   string `json:"task"`
	Length int    `json:"length"`
	Seed   uint64 `json:"seed"`
	Note   string `json:"note,omitempty"`
	Files  []File `json:"files"`
}

// Tasks lists the problems there are.
func Tasks() []gen.Task { return gen.Tasks() }

// Run writes train, valid and test data: one stream of sequences cut in three, so that no sequence is in two of them. Of a
// problem that has only so many sequences, each file holds them all, or as many as were asked for.
func Run(ctx context.Context, o Options) (Report, error) {
	if min(o.Train, o.Valid, o.Test) < 0 {
		return Report{}, fault.New(fault.Usage, "usage.wrong_value", "numbers of sequences must not be negative")
	}
	extension, ok := map[string]string{ingest.WriteParquet: "parquet", ingest.WriteArrow: "arrow"}[o.Format]
	if !ok {
		return Report{}, fault.New(fault.Usage, "usage.wrong_value", "--format %s: want parquet or arrow", o.Format)
	}
	g, err := gen.New(o.Task, o.Length, o.Seed)
	if err != nil {
		return Report{}, err
	}
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		return Report{}, fmt.Errorf("gen: %w", err)
	}
	r := Report{Schema: "curvestream.gen/1", Task: o.Task, Length: g.Length(), Seed: o.Seed}
	next := int64(0)
	for _, part := range []struct {
		name string
		n    int
	}{{"train", o.Train}, {"valid", o.Valid}, {"test", o.Test}} {
		f := File{Path: filepath.Join(o.Dir, part.name+"."+extension), Sequences: part.n, First: next}
		if distinct := g.Task().Distinct; distinct > 0 {
			f.Sequences, f.First = min(part.n, distinct), 0
			r.Note = fmt.Sprintf("%s has %d sequences in all; each file holds them", o.Task, distinct)
		}
		if f.Sequences == 0 {
			continue
		}
		if err := write(ctx, g, f, o); err != nil {
			return r, err
		}
		next += int64(part.n)
		r.Files = append(r.Files, f)
	}
	return r, nil
}

// blockRows is how many sequences are made at once, and the most that a row group holds.
const blockRows = 1000

func write(ctx context.Context, g *gen.Generator, f File, o Options) (err error) {
	w, err := ingest.NewWriter(f.Path, ingest.WriteOptions{Format: o.Format, Schema: g.Schema(), RowGroupRows: blockRows, Overwrite: o.Overwrite})
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			w.Abort()
		}
	}()
	for at := 0; at < f.Sequences; at += blockRows {
		if err := ctx.Err(); err != nil {
			return err
		}
		rec, err := g.Record(f.First+int64(at), min(blockRows, f.Sequences-at))
		if err != nil {
			return err
		}
		err = w.Write(rec)
		rec.Release()
		if err != nil {
			return err
		}
	}
	return w.Close()
}
