package ingest

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"unicode/utf8"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
)

// Cut says what CutText wrote.
type Cut struct {
	Path       string `json:"path"`
	Rows       int64  `json:"rows"`
	Characters int64  `json:"characters"`
	Different  int    `json:"different"` // characters that occur
}

// textRows is how many rows CutText collects before it hands them on.
const textRows = 1024

// CutText writes text files, UTF-8, one after the other, to a file of sequences: rows of so many characters each, with columns id, a number, and
// text. Only the last row of a file may be shorter, or longer by one, but none is a single character, which has no next one. Nothing
// is left out but a byte order mark. The memory it takes is that of a row group.
//
// A file that is empty or is not UTF-8 is an error that names the byte; no file is left after an error.
func CutText(ctx context.Context, files []string, length int, path string, o WriteOptions) (done Cut, err error) {
	done.Path = path
	o.Schema = arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.PrimitiveTypes.Int64}, {Name: "text", Type: arrow.BinaryTypes.String}}, nil)
	w, err := NewWriter(path, o)
	if err != nil {
		return done, err
	}
	defer w.Abort() // of no effect after Close
	c := &cutter{length: length, writer: w, rows: array.NewRecordBuilder(memory.DefaultAllocator, o.Schema), seen: map[rune]bool{}, done: &done}
	defer c.rows.Release()
	for _, name := range files {
		if err := c.cut(ctx, name); err != nil {
			return done, err
		}
	}
	if err := c.handOn(); err != nil {
		return done, err
	}
	done.Different = len(c.seen)
	return done, w.Close()
}

// A cutter collects rows.
type cutter struct {
	length  int
	writer  *Writer
	rows    *array.RecordBuilder
	waiting int // rows in it
	seen    map[rune]bool
	done    *Cut
}

// cut cuts one file. It looks two characters ahead, so as not to leave one alone.
func (c *cutter) cut(ctx context.Context, name string) (err error) {
	f, err := os.Open(name)
	if err != nil {
		return openFault(name, err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	in, at := bufio.NewReaderSize(f, 1<<16), int64(0)
	var row []rune
	for {
		r, n, err := in.ReadRune()
		switch {
		case err == io.EOF && len(row) == 0:
			return fault(codeEmpty, name, "name a file with text in it", "has no characters")
		case err == io.EOF:
			return c.add(row)
		case err != nil:
			return openFault(name, err)
		case r == utf8.RuneError && n == 1:
			return fault(codeMalformed, name, "convert it, such as iconv -f latin1 -t utf-8", "is not UTF-8 at byte %d", at)
		}
		if at == 0 && r == '\ufeff' {
			at += int64(n)
			continue
		}
		at += int64(n)
		row = append(row, r)
		c.seen[r] = true
		if len(row) == c.length+2 {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := c.add(row[:c.length]); err != nil {
				return err
			}
			row = append(row[:0], row[c.length:]...)
		}
	}
}

// add adds a row.
func (c *cutter) add(row []rune) error {
	c.rows.Field(0).(*array.Int64Builder).Append(c.done.Rows)
	c.rows.Field(1).(*array.StringBuilder).Append(string(row))
	c.done.Rows++
	c.done.Characters += int64(len(row))
	if c.waiting++; c.waiting < textRows {
		return nil
	}
	return c.handOn()
}

func (c *cutter) handOn() error {
	c.waiting = 0
	rec := c.rows.NewRecord()
	defer rec.Release()
	return c.writer.Write(rec)
}
