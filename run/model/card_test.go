package model

import (
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"curvestream/ingest"
)

// The front matter is YAML whatever the names, and no folder of the machine is in the card.
func TestCard(t *testing.T) {
	loss := 0.25
	spec := Spec{Arch: "rnn", Hidden: []int{5}, Activation: []string{"tanh"}, In: 1, Out: 2, Loss: "softmax_cross_entropy", DType: "float32",
		Encoding: &ingest.Encoding{Form: "last", Inputs: []ingest.ColumnEncoding{{Column: "x", Kind: ingest.Numeric, Width: 1}}, Targets: []ingest.ColumnEncoding{{Column: "y", Kind: ingest.OneHot, Width: 2}}}}
	for _, c := range []Card{
		{Name: `a "run": of mine`, Spec: spec, Train: []string{"/home/me/data: 1/train.parquet"}, Valid: []string{"/home/me/valid.parquet"}, Sequences: 10, Loss: &loss},
		{Name: "endless", Spec: spec, Train: []string{"gen:addition?length=10&seed=1"}, Sequences: -1},
	} {
		text := string(c.Markdown())
		_, front, _ := strings.Cut(text, "---\n")
		front, body, ok := strings.Cut(front, "---\n")
		var v map[string]any
		if err := yaml.Unmarshal([]byte(front), &v); err != nil || !ok || v["library_name"] != "curvestream" {
			t.Errorf("%v in\n%s", err, front)
		}
		if _, scored := v["model-index"]; scored != (c.Loss != nil) {
			t.Errorf("a score without a loss, or the other way round:\n%s", front)
		}
		if strings.Contains(text, "/home") || !strings.Contains(body, "softmax_cross_entropy") == (c.Loss != nil) || !strings.Contains(body, "`x` (numeric, 1 wide)") {
			t.Error(text)
		}
	}
}
