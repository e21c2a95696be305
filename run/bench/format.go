package bench

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
)

var formats = []string{"md", "csv", "json", "jsonl"}

// Formats returns the formats that Write knows: md, a Markdown table under a line that tells the machine; csv, with the machine
// in the last columns; json, the Report as one object; jsonl, an object a row, with the machine in it.
func Formats() []string { return slices.Clone(formats) }

// Write writes the report in a format.
func (r *Report) Write(w io.Writer, format string) error {
	var text []byte
	var err error
	switch format {
	case "md":
		text = r.markdown()
	case "csv":
		text, err = r.csv()
	case "json":
		text, err = json.MarshalIndent(r, "", " ")
		text = append(text, '\n')
	case "jsonl":
		text, err = r.jsonLines()
	default:
		err = fmt.Errorf("unknown format %q: use one of %s", format, strings.Join(formats, ", "))
	}
	if err == nil {
		_, err = w.Write(text)
	}
	if err != nil {
		return fmt.Errorf("bench: writing the report: %w", err)
	}
	return nil
}

func (r *Report) markdown() []byte {
	var b bytes.Buffer
	m := r.Machine
	fmt.Fprintf(&b, "%s, kernels %s, peak by %s; %s %s/%s, curvestream %s; %s", m.CPU, m.Kernels, r.Peak, m.Go, m.OS, m.Arch, r.version(), r.Date)
	if len(r.Load) > 0 {
		fmt.Fprintf(&b, "; load %s", strings.Join(r.Load, " to "))
	}
	b.WriteString("\n\n| name | hidden | batch | length | dtype | threads | seconds | CPU s | GFLOP/s | of peak | peak | GEMM |")
	columns := r.extraColumns()
	for _, c := range columns {
		b.WriteString(" " + c.head + " |")
	}
	b.WriteString("\n|---|---|---|---|---|---|---|---|---|---|---|---|" + strings.Repeat("---|", len(columns)) + "\n")
	for _, row := range r.Rows {
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %s | %d | %.4g ± %.2g | %.4g | ", row.Name, row.Hidden, row.Batch, row.Length, row.DType, row.Threads,
			row.Seconds, row.SecondsSD, row.CPUSeconds)
		fmt.Fprintf(&b, "%s | %s | %s | %s |", measured("%.1f", row.GFLOPS), measured("%.2f", row.ofPeak()), measured("%.1f", row.PeakGFLOPS), measured("%.1f", row.SGEMMGFLOPS))
		for _, c := range columns {
			b.WriteString(" " + c.cell(row) + " |")
		}
		b.WriteString("\n")
	}
	return b.Bytes()
}

// ofPeak returns what part of the peak a row reaches, 0 where one of both was not measured.
func (r Row) ofPeak() float64 {
	if r.PeakGFLOPS == 0 {
		return 0
	}
	return r.GFLOPS / r.PeakGFLOPS
}

// measured formats x, or leaves out what was not measured.
func measured(format string, x float64) string {
	if x == 0 {
		return ""
	}
	return fmt.Sprintf(format, x)
}

// An extraColumn is one that only some reports have.
type extraColumn struct {
	head string
	has  func(Row) bool
	text func(Row) string
}

func (c extraColumn) cell(r Row) string {
	if !c.has(r) {
		return ""
	}
	return c.text(r)
}

// extraColumns returns those that some row has.
func (r *Report) extraColumns() (used []extraColumn) {
	for _, c := range []extraColumn{
		{"device", func(r Row) bool { return r.Device != "" }, func(r Row) string { return r.Device }},
		{"padding", func(r Row) bool { return r.PaddingShare != nil }, func(r Row) string { return fmt.Sprintf("%g %%", 100**r.PaddingShare) }},
		{"ns an element", func(r Row) bool { return r.NanosecondsPerElement > 0 }, func(r Row) string { return fmt.Sprintf("%.3f", r.NanosecondsPerElement) }},
		{"outside", func(r Row) bool { return r.OutsideShare != nil }, func(r Row) string {
			return fmt.Sprintf("%.2f %% (%d products, %d losses)", 100**r.OutsideShare, r.Products, r.Losses)
		}},
		{"against the baseline", func(r Row) bool { return r.Baseline != nil }, func(r Row) string {
			return fmt.Sprintf("%+.1f %%%s", 100*r.Baseline.Change, map[bool]string{false: ", slower"}[r.Baseline.OK])
		}},
	} {
		if slices.ContainsFunc(r.Rows, c.has) {
			used = append(used, c)
		}
	}
	return used
}

// machineColumns are what rows that stand alone tell of the report.
func (r *Report) machineColumns() ([]string, []string) {
	return []string{"cpu", "kernels", "peak_by", "go", "version", "date"},
		[]string{r.Machine.CPU, r.Machine.Kernels, r.Peak, r.Machine.Go, r.version(), r.Date}
}

// version returns the version and the revision in one word.
func (r *Report) version() string {
	if r.Machine.Revision == "" {
		return r.Machine.Version
	}
	return r.Machine.Version + "+" + r.Machine.Revision
}

// csv writes the numbers of each row; samples are separated by semicolons.
func (r *Report) csv() ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	names, machine := r.machineColumns()
	var head []string
	for f := range reflect.TypeFor[Row]().Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		head = append(head, name)
	}
	rows := [][]string{append(head, names...)}
	for _, row := range r.Rows {
		var cells []string
		for i := range head {
			cells = append(cells, csvCell(reflect.ValueOf(row).Field(i)))
		}
		rows = append(rows, append(cells, machine...))
	}
	err := w.WriteAll(rows)
	return b.Bytes(), err
}

func csvCell(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case []float64:
		parts := make([]string, len(x))
		for i, s := range x {
			parts[i] = fmt.Sprint(s)
		}
		return strings.Join(parts, ";")
	case *Comparison:
		if x == nil {
			return ""
		}
		return fmt.Sprint(x.Change)
	}
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return ""
		}
		v = v.Elem()
	}
	return fmt.Sprint(v.Interface())
}

func (r *Report) jsonLines() ([]byte, error) {
	var b bytes.Buffer
	names, machine := r.machineColumns()
	for _, row := range r.Rows {
		text, err := json.Marshal(row)
		if err != nil {
			return nil, err
		}
		b.Write(text[:len(text)-1])
		for i, name := range names {
			value, err := json.Marshal(machine[i])
			if err != nil {
				return nil, err
			}
			fmt.Fprintf(&b, ",%q:%s", name, value)
		}
		b.WriteString("}\n")
	}
	return b.Bytes(), nil
}
