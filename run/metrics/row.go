// Package metrics writes and reads metrics.jsonl: one flat JSON object a line, appended with one write each, readable at any
// moment by any reader of JSON lines.
package metrics

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
)

// A Row is one line: names with values, in order. Names are only ever added, never renamed.
type Row []Field

// A Field is one name with its value.
type Field struct {
	Name  string
	Value any
}

// RowOf turns a struct with json tags into a Row, in the order of its fields. Embedded structs are flattened. A nil pointer
// gives null, and a field tagged omitempty that is zero gives nothing.
func RowOf(v any) Row {
	var row Row
	appendFields(&row, reflect.ValueOf(v))
	return row
}

func appendFields(row *Row, v reflect.Value) {
	t := v.Type()
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			appendFields(row, v.Field(i))
			continue
		}
		name, option, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" || name == "-" || option == "omitempty" && v.Field(i).IsZero() {
			continue
		}
		*row = append(*row, Field{name, v.Field(i).Interface()})
	}
}

// MarshalJSON writes the row. JSON has no NaN and no infinities: such a value becomes null, and the field "nonfinite" says
// what it was.
func (r Row) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	nonfinite := Row(nil)
	b.WriteByte('{')
	for i, f := range r {
		if i > 0 {
			b.WriteByte(',')
		}
		if x, ok := float(f.Value); ok && (math.IsNaN(x) || math.IsInf(x, 0)) {
			nonfinite = append(nonfinite, Field{f.Name, strconv.FormatFloat(x, 'g', -1, 64)})
			fmt.Fprintf(&b, "%q:null", f.Name)
			continue
		}
		value, err := json.Marshal(f.Value)
		if err != nil {
			return nil, fmt.Errorf("metrics: %s: %w", f.Name, err)
		}
		fmt.Fprintf(&b, "%q:%s", f.Name, value)
	}
	if nonfinite != nil {
		value, err := nonfinite.MarshalJSON()
		if err != nil {
			return nil, err
		}
		if len(r) > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `"nonfinite":%s`, value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// float returns the number that v is or points to.
func float(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case float32:
		return float64(v), true
	case *float64:
		if v != nil {
			return *v, true
		}
	}
	return 0, false
}
