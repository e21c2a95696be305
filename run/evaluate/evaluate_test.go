package evaluate

import (
	"context"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"

	"curvestream/accel"
	"curvestream/ingest"
	"curvestream/ingest/gen"
	"curvestream/nn"
	"curvestream/pipeline"
	"curvestream/run/model"
)

// fixed is a net whose outputs are given.
type fixed struct {
	nn.Net[float64]
	loss    float64
	outputs []float64
}

func (n fixed) Loss(context.Context, accel.Vector[float64], *nn.Batch[float64], []float64) (float64, error) {
	return n.loss, nil
}

func (n fixed) Outputs(context.Context, accel.Vector[float64], *nn.Batch[float64]) ([]float64, error) {
	return n.outputs, nil
}

// one is a loader of one chunk.
type one struct{ b *nn.Batch[float64] }

func (o one) Each(_ context.Context, _ pipeline.Minibatch, consume func(*nn.Batch[float64]) error) error {
	return consume(o.b)
}

// each is a chunk of two sequences, of 2 and 1 steps, with classes at each step, the second step of the first one masked.
func each() *nn.Batch[float64] {
	return &nn.Batch[float64]{Lengths: []int{2, 1}, Active: []int{2, 1}, Offset: []int{0, 2, 3}, In: 1, Dense: []float64{0, 0, 0}, Out: 2, Form: nn.Each,
		Class: []int32{0, 1, 1}, Weight: []float64{1, 1, 0}, Position: []int{1, 0}, ID: []string{"b", "a"}, WeightSum: 2}
}

func TestScore(t *testing.T) {
	last := &nn.Batch[float64]{Lengths: []int{2, 1}, Active: []int{2, 1}, Offset: []int{0, 2, 3}, In: 1, Dense: []float64{0, 0, 0}, Out: 1, Form: nn.Last,
		Target: []float64{1, 0}, Position: []int{0, 1}, ID: []string{"a", "b"}, WeightSum: 2}
	value := func(x float64) *float64 { return &x }
	for _, c := range []struct {
		name      string
		b         *nn.Batch[float64]
		outputs   []float64
		loss      string
		criterion gen.Criterion
		perStep   float64
		accuracy  *float64
		errorRate *float64
	}{
		{"classes, a masked one wrong", each(), []float64{.9, .1, .2, .8, .9, .1}, "softmax_cross_entropy", gen.AllClasses, 1.5, value(1), value(0)},
		{"classes, one wrong", each(), []float64{.9, .1, .8, .2, .9, .1}, "softmax_cross_entropy", gen.AllClasses, 1.5, value(.5), value(.5)},
		{"numbers", last, []float64{1.03, 0.05}, "squared_error", gen.Within, 1.5, nil, value(.5)},
		{"numbers without a criterion", last, []float64{1, 0}, "squared_error", "", 1.5, nil, nil},
		{"one logistic output", last, []float64{.6, .7}, "logistic_cross_entropy", gen.Bit, 1.5, value(.5), value(.5)},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := Run[float64](context.Background(), fixed{loss: 3, outputs: c.outputs}, nil, one{c.b}, pipeline.Minibatch{}, c.loss, c.criterion)
			if err != nil {
				t.Fatal(err)
			}
			if s.Loss != 1.5 || s.LossPerStep != c.perStep || s.Sequences != 2 || s.Steps != 3 {
				t.Errorf("%+v", s)
			}
			for what, pair := range map[string][2]*float64{"accuracy": {s.Accuracy, c.accuracy}, "error rate": {s.ErrorRate, c.errorRate}} {
				if got, want := pair[0], pair[1]; (got == nil) != (want == nil) || got != nil && *got != *want {
					t.Errorf("%s: %v, want %v", what, got, want)
				}
			}
		})
	}
}

func TestScoreOfALossThatIsNotFinite(t *testing.T) {
	s, err := Run[float64](context.Background(), fixed{loss: math.NaN(), outputs: make([]float64, 6)}, nil, one{each()}, pipeline.Minibatch{}, "softmax_cross_entropy", "")
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(Report{Score: s})
	if err != nil || !strings.Contains(string(text), `"loss":null`) || !strings.Contains(string(text), `"nonfinite":{"loss":"NaN"`) {
		t.Errorf("%s %v", text, err)
	}
}

func TestQueueRestoresTheOrder(t *testing.T) {
	var ids []string
	q := &queue[float64]{waiting: map[int]outputs[float64]{}, emit: func(_ int, o outputs[float64]) error { ids = append(ids, o.id); return nil }}
	chunk := func(positions []int, names ...string) *nn.Batch[float64] {
		b := &nn.Batch[float64]{Out: 1, Form: nn.Last, Position: positions, ID: names}
		for range positions {
			b.Lengths = append(b.Lengths, 1)
		}
		return b
	}
	for _, b := range []*nn.Batch[float64]{chunk([]int{3, 1}, "d", "b"), chunk([]int{0}, "a"), chunk([]int{4, 2}, "e", "c")} {
		if err := q.take(b, make([]float64, len(b.ID))); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Join(ids, ""); got != "abcde" || len(q.waiting) != 0 {
		t.Errorf("%s, %d are waiting", got, len(q.waiting))
	}
}

func TestTable(t *testing.T) {
	encoding := func(form string, targets ...ingest.ColumnEncoding) *ingest.Encoding {
		return &ingest.Encoding{ID: []string{"key"}, Form: form, Targets: targets}
	}
	keys := func(kind arrow.DataType) *arrow.Schema {
		return arrow.NewSchema([]arrow.Field{{Name: "key", Type: kind}}, nil)
	}
	numeric := ingest.ColumnEncoding{Kind: ingest.Numeric, Width: 2, Mean: []float64{10, 20}, Scale: []float64{2, 4}}
	for _, c := range []struct {
		name   string
		spec   model.Spec
		source *arrow.Schema
		in     outputs[float64]
		want   string
	}{
		{"words", model.Spec{Loss: "softmax_cross_entropy", Out: 2, DType: "float64", Encoding: encoding("last", ingest.ColumnEncoding{Width: 2, Kind: ingest.OneHot, Vocabulary: []string{"x", "y"}})},
			keys(arrow.BinaryTypes.String), outputs[float64]{"k", [][]float64{{.25, .75}}}, `[{"key":"k","prediction":"y","probabilities":[0.25,0.75]}]`},
		{"numbers as classes, each step", model.Spec{Loss: "softmax_cross_entropy", Out: 2, DType: "float64", Encoding: encoding("each", ingest.ColumnEncoding{Width: 2, Kind: ingest.OneHot, Type: "int16", Vocabulary: []string{"5", "7"}})},
			keys(arrow.PrimitiveTypes.Int16), outputs[float64]{"3", [][]float64{{1, 0}, {0, 1}}}, `[{"key":3,"prediction":[5,7],"probabilities":[[1,0],[0,1]]}]`},
		{"words that look like numbers", model.Spec{Loss: "softmax_cross_entropy", Out: 2, DType: "float64", Encoding: encoding("last", ingest.ColumnEncoding{Width: 2, Kind: ingest.OneHot, Type: "utf8", Vocabulary: []string{"5", "7"}})},
			keys(arrow.BinaryTypes.String), outputs[float64]{"k", [][]float64{{.25, .75}}}, `[{"key":"k","prediction":"7","probabilities":[0.25,0.75]}]`},
		{"units of the data", model.Spec{Loss: "squared_error", Out: 2, DType: "float64", Encoding: encoding("last", numeric)},
			keys(arrow.BinaryTypes.String), outputs[float64]{"k", [][]float64{{1, -1}}}, `[{"key":"k","prediction":[12,16]}]`},
		{"several probabilities", model.Spec{Loss: "logistic_cross_entropy", Out: 2, DType: "float32", Encoding: encoding("last", numeric)},
			keys(arrow.BinaryTypes.String), outputs[float64]{"k", [][]float64{{.5, .25}}}, `[{"key":"k","probabilities":[0.5,0.25]}]`},
		{"one probability", model.Spec{Loss: "logistic_cross_entropy", Out: 1, DType: "float64", Encoding: encoding("each", numeric)},
			keys(arrow.BinaryTypes.String), outputs[float64]{"k", [][]float64{{.5}, {.25}}}, `[{"key":"k","probability":[0.5,0.25]}]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			tab, err := newTable[float64](c.spec, c.spec.Encoding.ID, c.source, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer tab.builder.Release()
			if err := tab.add(c.in); err != nil {
				t.Fatal(err)
			}
			rec := tab.builder.NewRecord()
			defer rec.Release()
			if got, err := rec.MarshalJSON(); err != nil || strings.ReplaceAll(string(got), "\n", "") != c.want {
				t.Errorf("%s %v, want %s", got, err, c.want)
			}
		})
	}
}
