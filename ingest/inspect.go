package ingest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
)

// An Inspection is what a person should know about data before training on it.
type Inspection struct {
	Files     []FileInfo      `json:"files"`
	Columns   []ColumnInfo    `json:"columns"`
	Units     UnitInfo        `json:"units"`
	Roles     *Roles          `json:"roles"`     // nil where they cannot be inferred; Problems has the reason
	Encoding  *Encoding       `json:"encoding"`  // nil where there is none
	Sequences int64           `json:"sequences"` // usable ones
	Steps     int64           `json:"steps"`
	Lengths   *Lengths        `json:"lengths"`
	Problems  []ProblemReport `json:"problems"`
	Memory    MemoryEstimate  `json:"memory"`
	Flags     []string        `json:"flags"` // of train, that say what was inferred
	Endless   bool            `json:"endless,omitempty"`
	Sample    *Sample         `json:"sample,omitempty"` // what Roles to Problems are about; nil: all of the data. Sequences and Steps are then extrapolated
}

// A ColumnInfo describes a column as it is stored.
type ColumnInfo struct {
	Name         string   `json:"name"`
	Type         string   `json:"type"`
	Role         string   `json:"role,omitempty"`
	Codecs       []string `json:"codecs,omitempty"`    // of Parquet
	Encodings    []string `json:"encodings,omitempty"` // of Parquet
	Compressed   int64    `json:"compressed_bytes,omitempty"`
	Uncompressed int64    `json:"uncompressed_bytes,omitempty"`
}

// A UnitInfo describes the row groups, record batches or blocks that are read at once.
type UnitInfo struct {
	Count   int   `json:"count"`
	MinRows int64 `json:"min_rows"`
	MaxRows int64 `json:"max_rows"`
}

// A MemoryEstimate says how much memory, in bytes, the data takes.
type MemoryEstimate struct {
	LargestUnit     int64 `json:"largest_unit"`     // to read the largest unit: the least that --memory must allow
	Encoded         int64 `json:"encoded"`          // all sequences, encoded in float32
	LongestSequence int64 `json:"longest_sequence"` // the longest one
}

// Inspect reports schema, roles, lengths and flaws. It reads all data once, or, where their units have more than limit bytes together, a sample
// of units spread over them (limit 0: all; InspectBytes takes under a second); of an endless source the first unit. Flaws of the data are
// part of the report; the error is for data that cannot be read at all.
func Inspect(ctx context.Context, src Source, o RoleOptions, limit int64) (*Inspection, error) {
	in := &Inspection{Files: src.Fingerprint(), Columns: columnsIn(src), Endless: src.Len() == Endless, Problems: []ProblemReport{}, Flags: []string{}}
	in.units(src)
	src, in.Sample = sampleOf(src, limit)
	s, err := newSurvey(src.Schema(), o)
	if err != nil {
		e, ok := errors.AsType[*Error](err)
		if !ok {
			return nil, err
		}
		e = inSource(e, src)
		in.Problems = []ProblemReport{{Code: e.Code, Count: 1, Examples: []Example{exampleOf(e)}}}
		return in, in.withoutTarget(ctx, src, o, e)
	}
	if err := s.run(ctx, src); err != nil {
		return nil, fmt.Errorf("ingest: inspecting: %w", err)
	}
	in.survey(s)
	return in, nil
}

// withoutTarget counts the sequences although it is not known what is to be predicted.
func (in *Inspection) withoutTarget(ctx context.Context, src Source, o RoleOptions, why *Error) error {
	if why.Code != "data.no_target" {
		return nil
	}
	o.Form = "next"
	s, err := newSurvey(src.Schema(), o)
	if err != nil {
		return nil // the report has the first reason already
	}
	if err := s.run(ctx, src); err != nil {
		return fmt.Errorf("ingest: inspecting: %w", err)
	}
	in.sequences(s)
	return nil
}

// sequences counts sequences and time-steps.
func (in *Inspection) sequences(s *survey) {
	in.Sequences = int64(len(s.lengths))
	in.Lengths = lengthsOf(s.lengths)
	for _, n := range s.lengths {
		in.Steps += n
	}
	in.extrapolate()
}

// survey takes over what the pass over the data found.
func (in *Inspection) survey(s *survey) {
	e, err := s.fitter.Encoding()
	if err != nil && len(s.problems) == 0 {
		s.problem(err)
	}
	roles := s.fitter.Roles()
	in.Roles, in.Encoding = &roles, e
	in.Problems, _ = s.reports(3 * max(1, len(s.problems)))
	in.sequences(s)
	for i, c := range in.Columns {
		in.Columns[i].Role = roles.of(c.Name)
	}
	in.Flags = roles.flags(e)
	if e != nil && in.Lengths != nil {
		in.Memory.Encoded = e.bytes(in.Steps, in.Sequences)
		in.Memory.LongestSequence = e.bytes(in.Lengths.Max, 1)
	}
}

func (in *Inspection) units(src Source) {
	in.Units.Count = src.Len()
	for i := range unitsOf(src) {
		u := src.Unit(i)
		if i == 0 || u.Rows < in.Units.MinRows {
			in.Units.MinRows = u.Rows
		}
		in.Units.MaxRows = max(in.Units.MaxRows, u.Rows)
		in.Memory.LargestUnit = max(in.Memory.LargestUnit, u.Bytes)
	}
}

// bytes is the memory of encoded sequences in float32: values or indices of inputs, targets or classes.
func (e *Encoding) bytes(steps, sequences int64) int64 {
	perStep := int64(4 * e.In)
	if e.SparseInputs {
		perStep = 4 // the pointer of the step
		for _, c := range slices.Concat(e.Inputs, e.Static) {
			switch c.Kind {
			case Numeric:
				perStep += 8 * int64(c.Width)
			case MultiHot:
				perStep += 4 * int64(min(8, c.Width))
			default:
				perStep += 4
			}
		}
	}
	rows := steps
	if e.Form == "last" {
		rows = sequences
	}
	perRow := int64(4 * e.Out)
	if e.Loss == "softmax_cross_entropy" {
		perRow = 4
	}
	return steps*perStep + rows*perRow
}

// of names the role of a column.
func (r *Roles) of(column string) string {
	var out []string
	for _, part := range []struct {
		role    string
		columns []string
	}{{"id", r.ID}, {"time", []string{r.Time}}, {"input", r.Inputs}, {"static", r.Static}, {"target", r.Targets}, {"mask", []string{r.Mask}}, {"weight", []string{r.Weight}}, {"ignored", r.Ignored}} {
		if slices.Contains(part.columns, column) {
			out = append(out, part.role)
		}
	}
	return strings.Join(out, ", ")
}

// flags say explicitly what was inferred, to be pasted.
func (r *Roles) flags(e *Encoding) []string {
	out := []string{"--layout " + string(r.Layout)}
	add := func(flag string, columns ...string) {
		if text := strings.Join(columns, ","); text != "" {
			out = append(out, "--"+flag+" "+quoted(text))
		}
	}
	add("id", r.ID...)
	add("time", r.Time)
	add("inputs", r.Inputs...)
	add("static", r.Static...)
	add("targets", r.Targets...)
	add("mask", r.Mask)
	add("weight", r.Weight)
	add("form", r.Form)
	if e != nil {
		add("loss", e.Loss)
	}
	return out
}

// columnsIn describes the columns, with what Parquet footers say of them.
func columnsIn(src Source) []ColumnInfo {
	out := make([]ColumnInfo, src.Schema().NumFields())
	for i, f := range src.Schema().Fields() {
		out[i] = ColumnInfo{Name: f.Name, Type: typeText(f.Type)}
	}
	s, ok := src.(*source)
	if !ok {
		return out
	}
	for _, o := range s.opened {
		d := o.decoder
		if h, ok := d.(*hiveDecoder); ok {
			d = h.decoder
		}
		p, ok := d.(*parquetFile)
		if !ok {
			continue
		}
		for i := range out {
			if o.columns[i] < len(p.leaves) {
				out[i].addChunks(p, o.columns[i])
			}
		}
	}
	for i := range out {
		sort.Strings(out[i].Codecs)
		sort.Strings(out[i].Encodings)
	}
	return out
}

// addChunks adds what one file's row groups say of a column.
func (c *ColumnInfo) addChunks(p *parquetFile, column int) {
	for g := range p.footer.RowGroups {
		for _, leaf := range p.leaves[column] {
			chunk, err := p.footer.RowGroup(g).ColumnChunk(leaf)
			if err != nil {
				continue
			}
			c.Compressed += chunk.TotalCompressedSize()
			c.Uncompressed += chunk.TotalUncompressedSize()
			c.Codecs = include(c.Codecs, strings.ToLower(chunk.Compression().String()))
			for _, e := range chunk.Encodings() {
				c.Encodings = include(c.Encodings, e.String())
			}
		}
	}
}

func include(words []string, w string) []string {
	if slices.Contains(words, w) {
		return words
	}
	return append(words, w)
}

// typeText writes a type without the names and nullability of list elements.
func typeText(t arrow.DataType) string {
	switch t := t.(type) {
	case *arrow.ListType:
		return "list<" + typeText(t.Elem()) + ">"
	case *arrow.LargeListType:
		return "large_list<" + typeText(t.Elem()) + ">"
	case *arrow.FixedSizeListType:
		return fmt.Sprintf("fixed_size_list<%s>[%d]", typeText(t.Elem()), t.Len())
	}
	return t.String()
}
