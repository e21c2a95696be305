package ingest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"unicode"
)

// Text is the inspection for a person to read.
func (in *Inspection) Text() string {
	var b strings.Builder
	for _, f := range in.Files {
		if f.Rows == Endless {
			fmt.Fprintf(&b, "%s: %s, without end (what follows is about a sample)\n", f.Path, f.Format)
			continue
		}
		fmt.Fprintf(&b, "%s: %s, %s rows", f.Path, f.Format, thousands(f.Rows))
		if f.Size > 0 {
			fmt.Fprintf(&b, ", %s", bytesText(f.Size))
		}
		b.WriteString("\n")
	}
	if !in.Endless {
		fmt.Fprintf(&b, "read in %s (row groups or record batches) of %s\n", count(in.Units.Count, "unit"), in.Units.rows())
	}
	b.WriteString("\n")
	in.columnTable(&b)
	if in.Roles != nil {
		b.WriteString("\n")
		for _, n := range in.Roles.Notes {
			fmt.Fprintf(&b, "- %s\n", n)
		}
	}
	if in.Lengths != nil {
		if s := in.Sample; s != nil {
			fmt.Fprintf(&b, "\nabout %s sequences, about %s time-steps, judging by a sample of %s of %s rows; what follows is about the sample\n",
				thousands(in.Sequences), thousands(in.Steps), thousands(s.Rows), thousands(s.Of))
		} else {
			fmt.Fprintf(&b, "\n%s sequences, %s time-steps\n", thousands(in.Sequences), thousands(in.Steps))
		}
		in.Lengths.text(&b)
	}
	fmt.Fprintf(&b, "\nmemory: %s to read the largest row group or batch", bytesText(in.Memory.LargestUnit))
	if in.Encoding != nil {
		fmt.Fprintf(&b, "; %s for all sequences encoded in float32, %s for the longest", bytesText(in.Memory.Encoded), bytesText(in.Memory.LongestSequence))
	}
	b.WriteString("\n")
	problemText(&b, in.Problems)
	if s := in.Sample; s != nil {
		fmt.Fprintf(&b, "\nlooked at a sample of %s of %s rows, from %s; all of them: --full, or curvestream data validate\n", thousands(s.Rows), thousands(s.Of), count(s.Units, "unit"))
	}
	if len(in.Flags) > 0 {
		fmt.Fprintf(&b, "\nthe same, said with flags:\n  curvestream train --data FILES %s\n", strings.Join(in.Flags, " "))
	}
	return b.String()
}

func (u UnitInfo) rows() string {
	if u.MinRows == u.MaxRows {
		return thousands(u.MaxRows) + " rows"
	}
	return thousands(u.MinRows) + " to " + thousands(u.MaxRows) + " rows"
}

func (in *Inspection) columnTable(b *strings.Builder) {
	w := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "column\ttype\trole\tencoding\tstored")
	for _, c := range in.Columns {
		stored := strings.Join(c.Codecs, ", ")
		if c.Compressed > 0 {
			stored += fmt.Sprintf(" %s of %s", bytesText(c.Compressed), bytesText(c.Uncompressed))
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", c.Name, c.Type, c.Role, in.encodingOf(c.Name), stored)
	}
	w.Flush()
}

// encodingOf says how a column is encoded.
func (in *Inspection) encodingOf(column string) string {
	if in.Encoding == nil {
		return ""
	}
	for _, cs := range [][]ColumnEncoding{in.Encoding.Inputs, in.Encoding.Static, in.Encoding.Targets} {
		for _, c := range cs {
			if c.Column == column {
				return fmt.Sprintf("%s × %d", c.Kind, c.Width)
			}
		}
	}
	return ""
}

// problemText lists problems, with the first places of each.
func problemText(b *strings.Builder, problems []ProblemReport) {
	if len(problems) == 0 {
		b.WriteString("\nno problems found\n")
		return
	}
	b.WriteString("\nproblems:\n")
	for _, p := range problems {
		for _, e := range p.Examples {
			fmt.Fprintf(b, "%s  [%s]\n", e.text, p.Code)
		}
		if more := p.Count - int64(len(p.Examples)); more > 0 {
			fmt.Fprintf(b, "     … and %s more like this  [%s]\n", thousands(more), p.Code)
		}
	}
}

// Text is the statistics for a person to read.
func (st *Stats) Text() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "column\ttype\tvalues\tnulls\tNaN\tInf\tmin\tmean\tsd\tmax\tdistinct\t")
	for _, c := range st.Columns {
		if c.Unread != "" {
			fmt.Fprintf(w, "%s\t%s\t%s\n", c.Name, c.Type, strings.Repeat("-\t", 9))
			continue
		}
		distinct := thousands(c.Distinct)
		if c.Many {
			distinct = ">" + distinct
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", c.Name, c.Type, thousands(c.Values), thousands(c.Nulls+c.nullLists()), thousands(c.NaN), thousands(c.Inf),
			number(c.Min), number(c.Mean), number(c.SD), number(c.Max), distinct)
	}
	w.Flush()
	for _, c := range st.Columns {
		if c.Unread != "" {
			fmt.Fprintf(&b, "column %s is not read: %s\n", c.Name, c.Unread)
		}
	}
	if st.Lengths != nil {
		fmt.Fprintf(&b, "\n%s sequences\n", thousands(st.Sequences))
		st.Lengths.text(&b)
	}
	if st.Note != "" {
		fmt.Fprintf(&b, "\n%s\n", st.Note)
	}
	return b.String()
}

// nullLists is the number of null rows that Nulls does not count: those of list columns.
func (c *ColumnStats) nullLists() int64 {
	if strings.Contains(c.Type, "list<") {
		return c.NullRows
	}
	return 0
}

func number(x *float64) string {
	if x == nil {
		return "-"
	}
	return fmt.Sprintf("%.6g", *x)
}

// Text is the validation for a person to read.
func (v *Validation) Text() string {
	var b strings.Builder
	for _, n := range v.Notes {
		fmt.Fprintf(&b, "- %s\n", n)
	}
	problemText(&b, v.Problems)
	if v.OK {
		fmt.Fprintf(&b, "%s sequences, all usable\n", thousands(v.Sequences))
	} else {
		fmt.Fprintf(&b, "%s sequences are usable\n", thousands(v.Sequences))
	}
	return b.String()
}

// HeadText shows sequences to a person.
func HeadText(sequences []SequenceView) string {
	var b strings.Builder
	for i, s := range sequences {
		if i > 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "sequence %q: %d time-steps (%s, row %d)\n", s.ID, s.Steps, s.File, s.Row)
		for _, c := range s.Columns {
			name := c.Name
			if c.Role != "" {
				name += " (" + c.Role + ")"
			}
			if c.Unread != "" {
				fmt.Fprintf(&b, "  %s: not read, because %s\n", name, c.Unread)
				continue
			}
			values := slices.Clone(c.Values)
			for k, v := range values {
				if strings.ContainsFunc(v, unicode.IsControl) {
					values[k] = strconv.Quote(v)
				}
			}
			if c.Omitted > 0 {
				last := len(values) - 1
				values = append(slices.Clone(values[:last]), fmt.Sprintf("… %d more …", c.Omitted), values[last])
			}
			fmt.Fprintf(&b, "  %s: %s\n", name, strings.Join(values, ", "))
		}
	}
	return b.String()
}

// bytesText writes a number of bytes with a unit.
func bytesText(n int64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	x, i := float64(n), 0
	for x >= 1024 && i < len(units)-1 {
		x /= 1024
		i++
	}
	if i == 0 {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %s", x, units[i])
}
