package ingest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/zeebo/xxh3"
)

// A Part is a share of the sequences.
type Part struct {
	Name     string  `json:"name"` // train, valid, test or any other file name
	Fraction float64 `json:"fraction"`
}

// A WrittenPart says what Split has written for a part.
type WrittenPart struct {
	Part
	Path   string `json:"path"`
	Rows   int64  `json:"rows"`
	Groups int64  `json:"groups"` // different identifiers, by which the data were split
}

// Split writes each row of a source to the file of one of the parts, DIR/NAME with the ending of the format. All rows of one identifier
// (o.ID, or the sequence id that training would infer) go to the same part, which depends on nothing but the identifier, the seed and the
// fractions: where data are added later, what was in a part stays in it. The fractions must sum to 1; a part gets about its fraction of
// the identifiers. A part that gets none is an error, and then no file is left. It holds a row group for each part and 16 bytes for each
// identifier.
func Split(ctx context.Context, src Source, dir string, parts []Part, seed uint64, o RoleOptions, w WriteOptions) ([]WrittenPart, error) {
	if err := convertible(src); err != nil {
		return nil, err
	}
	keys, err := newRowKeys(src, o)
	if err != nil {
		return nil, err
	}
	s := &splitter{keys: keys, seed: seed, at: -1}
	w.Schema = src.Schema()
	for _, p := range parts {
		path := filepath.Join(dir, p.Name+"."+w.Format)
		if err := mayCreate(path, w.Overwrite); err != nil {
			return nil, err
		}
		s.parts = append(s.parts, &openPart{WrittenPart: WrittenPart{Part: p, Path: path}, groups: make(map[xxh3.Uint128]struct{})})
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, &OutputError{Code: "output.cannot_create", Path: dir, Message: "cannot be created", Err: bare(err)}
	}
	for _, p := range s.parts {
		if p.out, err = NewWriter(p.Path, w); err != nil {
			return nil, err
		}
		defer p.out.Abort() // of no effect after Close
	}
	if err := s.read(ctx, src); err != nil {
		return nil, err
	}
	return s.close(src)
}

// A splitter sends rows to parts.
type splitter struct {
	keys  *rowKeys
	seed  uint64
	parts []*openPart
	at    int // the part of id; -1 before the first
	id    []byte
	next  []byte
}

type openPart struct {
	WrittenPart
	out    *Writer
	groups map[xxh3.Uint128]struct{}
}

func (s *splitter) read(ctx context.Context, src Source) error {
	columns := make([]int, src.Schema().NumFields())
	for i := range columns {
		columns[i] = i
	}
	for i := range src.Len() {
		u := src.Unit(i)
		err := guardUnit(u, func() error {
			rec, err := src.Read(ctx, i, columns)
			if err != nil {
				return err
			}
			defer rec.Release()
			return s.unit(u, rec)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// unit writes the rows of a unit, runs of rows for one part at once.
func (s *splitter) unit(u Unit, rec arrow.Record) (err error) {
	views := viewsOf(rec)
	from, part := int64(0), -1
	for row := range rec.NumRows() {
		if s.next, err = s.keys.appendID(s.next[:0], views, u, int(row)); err != nil {
			return err
		}
		s.choose()
		if part >= 0 && s.at != part {
			if err := s.parts[part].write(rec, from, row); err != nil {
				return err
			}
			from = row
		}
		part = s.at
	}
	if part < 0 {
		return nil
	}
	return s.parts[part].write(rec, from, rec.NumRows())
}

// choose finds the part of the identifier next.
func (s *splitter) choose() {
	if s.at >= 0 && string(s.id) == string(s.next) {
		return
	}
	s.id, s.next = s.next, s.id
	s.at = len(s.parts) - 1
	x, sum := float64(xxh3.HashSeed(s.id, s.seed)>>11)/(1<<53), 0.0
	for i, p := range s.parts[:len(s.parts)-1] {
		if sum += p.Fraction; x < sum {
			s.at = i
			break
		}
	}
	s.parts[s.at].groups[xxh3.Hash128Seed(s.id, s.seed)] = struct{}{}
}

func (p *openPart) write(rec arrow.Record, from, to int64) error {
	p.Rows += to - from
	return writeRows(p.out, rec, from, to-from)
}

// close makes the files visible, all or none.
func (s *splitter) close(src Source) ([]WrittenPart, error) {
	var done []WrittenPart
	for _, p := range s.parts {
		p.Groups = int64(len(p.groups))
		if p.Groups == 0 {
			return nil, inSource(&Error{Code: "data.empty_part", RowGroup: -1, Row: -1, Message: fmt.Sprintf("no sequence falls into the part %q (%g of all)", p.Name, p.Fraction),
				Hint: "take a larger fraction, another --seed, or an --id of which there are more"}, src)
		}
	}
	for i, p := range s.parts {
		if err := p.out.Close(); err != nil {
			for _, before := range s.parts[:i] {
				err = errors.Join(err, removed(before.Path))
			}
			return nil, err
		}
		done = append(done, p.WrittenPart)
	}
	return done, nil
}
