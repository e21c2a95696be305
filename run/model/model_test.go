package model

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"curvestream/accel/cpu"
	"curvestream/ingest"
	"curvestream/run/config"
	"curvestream/run/fault"
	"curvestream/run/safetensors"
)

func spec(t *testing.T, text string) (Spec, *config.Config) {
	t.Helper()
	r, err := config.Parse("c.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return NewSpec(&r.Config, &ingest.Encoding{In: 2, Out: 3}), &r.Config
}

const small = "model: {arch: rnn, hidden: 4, loss: squared_error, structural_distance: cross_entropy}\nseed: 1\n"

func TestParametersReadBack(t *testing.T) {
	gated := func(arch string) string {
		return "model: {arch: " + arch + ", hidden: 4, loss: squared_error, structural_distance: squared_error}\nseed: 1\n"
	}
	for _, text := range []string{small, gated("lstm"), gated("gru"), gated("mrnn"),
		"model: {arch: lstm, hidden: [4, 3], input_layers: [5], output_layers: [6, 2], layer_activation: relu, loss: squared_error, structural_distance: squared_error}\nseed: 3\n",
		"model: {arch: mlp, hidden: [4, 5], activation: [relu, linear], loss: squared_error, structural_distance: squared_error}\nseed: 2\n"} {
		s, c := spec(t, text)
		net, err := NewNet(cpu.New[float32](cpu.Options{Threads: 1}), s, States{})
		if err != nil {
			t.Fatal(err)
		}
		theta, err := Initialize[float32](net.Layout(), c, s)
		if err != nil {
			t.Fatal(err)
		}
		if again, _ := Initialize[float32](net.Layout(), c, s); !slices.Equal(again, theta) {
			t.Error("one seed gives two models")
		}
		content, err := EncodeParameters(net.Layout(), theta, nil)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "m.safetensors")
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
		c.Model.InitFrom = path
		if got, err := Initialize[float32](net.Layout(), c, s); err != nil || !slices.Equal(got, theta) {
			t.Errorf("other parameters came back: %v", err)
		}
	}
}

// A run directory, or its model, is as good as the file in it; one whose columns stand for other values is not.
func TestGoOnFromARun(t *testing.T) {
	s, c := spec(t, small)
	net, err := NewNet(cpu.New[float32](cpu.Options{Threads: 1}), s, States{})
	if err != nil {
		t.Fatal(err)
	}
	theta, err := Initialize[float32](net.Layout(), c, s)
	if err != nil {
		t.Fatal(err)
	}
	content, err := EncodeParameters(net.Layout(), theta, nil)
	if err != nil {
		t.Fatal(err)
	}
	of, err := s.JSON()
	if err != nil {
		t.Fatal(err)
	}
	run := t.TempDir()
	for name, text := range map[string][]byte{"run.json": []byte("{}"), "model/model.json": of, "model/model.safetensors": content} {
		path := filepath.Join(run, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, text, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	for _, from := range []string{run, filepath.Join(run, "model")} {
		c.Model.InitFrom = from
		if got, err := Initialize[float32](net.Layout(), c, s); err != nil || !slices.Equal(got, theta) {
			t.Errorf("%s: other parameters came back: %v", from, err)
		}
	}
	other, e := s, *s.Encoding
	e.Inputs = append([]ingest.ColumnEncoding{{Column: "letter", Vocabulary: []string{"b", "a"}}}, e.Inputs...)
	other.Encoding = &e
	for name, wrong := range map[string]Spec{"other values": other, "another cell": {Arch: "gru", Encoding: s.Encoding}} {
		var f *fault.Error
		if _, err := Initialize[float32](net.Layout(), c, wrong); !errors.As(err, &f) || f.Code != "config.init_from" {
			t.Errorf("%s: err = %v", name, err)
		}
	}
}

func TestParametersOfAnotherNetAreRefusedWithAllDifferences(t *testing.T) {
	s, c := spec(t, small)
	net, err := NewNet(cpu.New[float64](cpu.Options{Threads: 1}), s, States{})
	if err != nil {
		t.Fatal(err)
	}
	content, err := safetensors.Encode([]safetensors.Tensor[float64]{{Name: "W_xh", Shape: []int{2, 4}, Data: make([]float64, 8)}, {Name: "W_qq", Shape: []int{1}, Data: make([]float64, 1)}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	c.Model.InitFrom = filepath.Join(t.TempDir(), "m.safetensors")
	if err := os.WriteFile(c.Model.InitFrom, content, 0o644); err != nil {
		t.Fatal(err)
	}
	_, err = Initialize[float64](net.Layout(), c, s)
	var f *fault.Error
	if !errors.As(err, &f) || f.Exit != fault.Data {
		t.Fatalf("got %v", err)
	}
	for _, want := range []string{"W_qq is not a parameter", "W_xh has shape [2 4], the net needs [4 2]", "W_hh of shape [4 4] is missing"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
}

func TestSpecReadsBack(t *testing.T) {
	s, _ := spec(t, small)
	text, err := s.JSON()
	if err != nil {
		t.Fatal(err)
	}
	again, err := ParseSpec(text)
	if err != nil || again.Hidden[0] != 4 || again.Encoding.Out != 3 {
		t.Errorf("%+v %v", again, err)
	}
	for _, bad := range []string{"", "{}", strings.Replace(string(text), schema, "other/1", 1)} {
		if _, err := ParseSpec([]byte(bad)); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

func TestFind(t *testing.T) {
	if _, err := Find(t.TempDir(), ""); err == nil {
		t.Error("a model was found in an empty folder")
	}
	var f *fault.Error
	if _, err := Find(filepath.Join(t.TempDir(), "x"), ""); !errors.As(err, &f) || f.Exit != fault.NoInput {
		t.Errorf("got %v", err)
	}
}

// The hidden units of an lstm and a gru are activations of nothing, and no distance matches them.
func TestDistanceMatchesTheActivations(t *testing.T) {
	for _, c := range []struct {
		arch       string
		activation []string
		want       string
	}{
		{"rnn", []string{"tanh"}, "cross_entropy"}, {"mlp", []string{"tanh", "logistic"}, "cross_entropy"}, {"mlp", []string{"tanh", "relu"}, "squared_error"},
		{"lstm", []string{"tanh"}, "squared_error"}, {"gru", []string{"tanh"}, "squared_error"}, {"mrnn", []string{"tanh"}, "cross_entropy"},
	} {
		if got := Distance(c.arch, c.activation); got != c.want {
			t.Errorf("%s of %v: %s, want %s", c.arch, c.activation, got, c.want)
		}
	}
}
