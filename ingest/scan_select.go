package ingest

import (
	"slices"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
)

// A Selection restricts a scan to some of the sequences, such as the training part of data that hold all parts. The others keep
// their spans, marked Elsewhere; they are not checked and have no share in statistics or vocabularies.
type Selection struct {
	Column string   // says what part a sequence belongs to, one value a sequence; "" where Keep goes by the identifier alone
	Parts  []string // what Column may say; anything else is an error
	// Keep reports whether a sequence is taken. The part is "" without a Column. It is called by several goroutines.
	Keep func(id, part string) bool
}

// Select restricts the scan. It is called before the first Scan, with the schema of NewFitter.
func (f *Fitter) Select(schema *arrow.Schema, s *Selection) error {
	return f.scanner.choosing(schema, s)
}

// Select restricts the scan. It is called before the first Scan, with the schema of NewScanner.
func (s *Scanner) Select(schema *arrow.Schema, by *Selection) error {
	return s.scanner.choosing(schema, by)
}

func (s *scanner) choosing(schema *arrow.Schema, by *Selection) error {
	s.selection = by
	if by.Column == "" {
		return nil
	}
	f, err := newField(schema, s.plan.layout, "split", ColumnEncoding{Column: by.Column, Width: 1})
	if err != nil {
		return err
	}
	if f.shape.class != text || f.shape.depth > 0 {
		return schemaError("data.column_type", by.Column, "has the type %s, but a split column holds texts, one a row: %s", schema.Field(f.schema).Type, strings.Join(by.Parts, ", ")).
			fix("convert the column, or split by --valid-fraction")
	}
	s.plan.split = f
	s.plan.index()
	return nil
}

// choose marks a span that the selection leaves out.
func (w *spanWalk) choose(s *Span) *flaw {
	part := ""
	if f := w.plan.split; f != nil {
		leaf := w.views[f.at].leaf
		for row := s.Lo; row < s.Hi; row++ {
			if leaf.IsNull(row) {
				return f.flaw("data.null", row, "the part that the sequence belongs to is null").fix("write one of %s", strings.Join(w.selection.Parts, ", "))
			}
			if row > s.Lo && !sameValue(leaf, s.Lo, row) {
				return f.flaw("data.split", row, "the part that the sequence belongs to changes from %q to %q", word(leaf, s.Lo), word(leaf, row)).
					fix("give all rows of a sequence the same value")
			}
		}
		if part = word(leaf, s.Lo); !slices.Contains(w.selection.Parts, part) {
			return f.flaw("data.split", s.Lo, "%q is not one of %s", part, strings.Join(w.selection.Parts, ", ")).fix("write one of them, or name another column in --split-col")
		}
	}
	if !w.selection.Keep(s.ID, part) {
		s.Elsewhere, s.Drop = true, "in another part of the data"
	}
	return nil
}
