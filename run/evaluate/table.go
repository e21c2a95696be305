package evaluate

import (
	"fmt"
	"strconv"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"curvestream/accel"
	"curvestream/ingest"
	"curvestream/run/model"
)

// A table collects predictions as rows of Arrow records.
type table[F accel.Float] struct {
	schema  *arrow.Schema
	builder *array.RecordBuilder
	spec    model.Spec
	last    bool // one prediction a sequence, not one a step
	numeric bool // the id is a number
	words   []string
	class   arrow.DataType // of the words
	kept    *kept          // nil where no columns are copied
	mean    []float64
	scale   []float64
}

// newTable decides on the columns. The first is the id, a whole number if it is one in the data; it has the name of the only id
// column, or "id". Then, one value a sequence for targets of form last, else a list with one a step:
//
//	softmax         prediction: the most likely class, as the target column had it in training; probabilities: of all classes,
//	                in the order of the vocabulary in model.json
//	logistic        probability, or probabilities where there are several outputs
//	squared error   prediction: a number, or a list where there are several outputs, in the units of the data
//
// The columns that keep copies, if it is not nil, come last.
func newTable[F accel.Float](spec model.Spec, ids []string, source *arrow.Schema, keep *kept) (*table[F], error) {
	t := &table[F]{spec: spec, last: spec.Encoding.Form == "last", kept: keep}
	idName, idType := "id", arrow.DataType(arrow.BinaryTypes.String)
	if len(ids) == 1 {
		idName = ids[0]
		if f, ok := source.FieldsByName(idName); ok && arrow.IsInteger(f[0].Type.ID()) && f[0].Type.ID() != arrow.UINT64 {
			idType, t.numeric = arrow.PrimitiveTypes.Int64, true
		}
	}
	t.decoding()
	fields := []arrow.Field{{Name: idName, Type: idType}}
	number := arrow.DataType(arrow.PrimitiveTypes.Float64)
	if spec.DType != "float64" {
		number = arrow.PrimitiveTypes.Float32
	}
	one := func(name string, kind arrow.DataType) {
		if !t.last {
			kind = arrow.ListOf(kind)
		}
		if name == idName {
			name = "predicted_" + name
		}
		fields = append(fields, arrow.Field{Name: name, Type: kind})
	}
	several := arrow.DataType(number)
	if spec.Out > 1 {
		several = arrow.ListOf(number)
	}
	switch {
	case spec.Loss == "softmax_cross_entropy":
		one("prediction", t.class)
		one("probabilities", arrow.ListOf(number))
	case spec.Loss == "logistic_cross_entropy" && spec.Out == 1:
		one("probability", several)
	case spec.Loss == "logistic_cross_entropy":
		one("probabilities", several)
	default:
		one("prediction", several)
	}
	t.builder = array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(fields, nil))
	more, err := keep.fields(fields)
	t.schema = arrow.NewSchema(append(fields, more...), nil)
	return t, err
}

// decoding finds how outputs become the values of the target columns: those of the inputs for form next.
func (t *table[F]) decoding() {
	targets := t.spec.Encoding.Targets
	if len(targets) == 0 {
		targets = t.spec.Encoding.Inputs
	}
	for _, c := range targets {
		for k := range c.Width {
			mean, scale := 0.0, 1.0
			if c.Kind == ingest.Numeric && k < len(c.Mean) {
				mean = c.Mean[k]
			}
			if c.Kind == ingest.Numeric && k < len(c.Scale) {
				scale = c.Scale[k]
			}
			t.mean, t.scale = append(t.mean, mean), append(t.scale, scale)
		}
		t.words = append(t.words, c.Vocabulary...)
	}
	t.class = classType(targets[0])
}

// classTypes are the types that a column of classes may have, besides text.
var classTypes = []arrow.DataType{arrow.PrimitiveTypes.Int8, arrow.PrimitiveTypes.Int16, arrow.PrimitiveTypes.Int32, arrow.PrimitiveTypes.Int64,
	arrow.PrimitiveTypes.Uint8, arrow.PrimitiveTypes.Uint16, arrow.PrimitiveTypes.Uint32, arrow.PrimitiveTypes.Uint64, arrow.FixedWidthTypes.Boolean, arrow.BinaryTypes.LargeString}

// columns returns the names of the columns.
func (t *table[F]) columns() []string {
	var names []string
	for _, f := range t.schema.Fields() {
		names = append(names, f.Name)
	}
	return names
}

// add appends a row.
func (t *table[F]) add(o outputs[F]) error {
	if t.numeric {
		n, err := strconv.ParseInt(o.id, 10, 64)
		if err != nil {
			return err
		}
		t.builder.Field(0).(*array.Int64Builder).Append(n)
	} else {
		t.builder.Field(0).(*array.StringBuilder).Append(o.id)
	}
	for column := 1; column < len(t.builder.Fields()); column++ {
		to := t.builder.Field(column)
		if !t.last {
			list := to.(*array.ListBuilder)
			list.Append(true)
			to = list.ValueBuilder()
		}
		for _, row := range o.rows {
			if err := t.value(to, row); err != nil {
				return err
			}
		}
	}
	return nil
}

// value appends what one output row says to the column that b builds.
func (t *table[F]) value(b array.Builder, row []F) error {
	switch b := b.(type) {
	case *array.ListBuilder:
		b.Append(true)
		for k := range row {
			t.number(b.ValueBuilder(), row, k)
		}
	case *array.Float32Builder, *array.Float64Builder:
		t.number(b, row, 0)
	default:
		k := argmax(row)
		if k >= len(t.words) {
			return fmt.Errorf("class %d is not among the %d words of the vocabulary", k, len(t.words))
		}
		return b.AppendValueFromString(t.words[k])
	}
	return nil
}

// number appends output k, in the units of the data where it is not a probability.
func (t *table[F]) number(b array.Builder, row []F, k int) {
	x := float64(row[k])
	if t.spec.Loss == "squared_error" {
		x = x*t.scale[k] + t.mean[k]
	}
	switch b := b.(type) {
	case *array.Float32Builder:
		b.Append(float32(x))
	case *array.Float64Builder:
		b.Append(x)
	}
}

// flush writes the rows collected so far.
func (t *table[F]) flush(w *ingest.Writer) error {
	rec := t.builder.NewRecord()
	defer rec.Release()
	if rec.NumRows() == 0 {
		return nil
	}
	if t.kept == nil {
		return w.Write(rec)
	}
	more, err := t.kept.take()
	if err != nil {
		return err
	}
	whole := array.NewRecord(t.schema, append(rec.Columns()[:rec.NumCols():rec.NumCols()], more...), rec.NumRows())
	defer whole.Release()
	for _, c := range more {
		c.Release()
	}
	return w.Write(whole)
}
