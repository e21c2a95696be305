package golden

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"curvestream/internal/shared"
)

// Every file loads.
func TestLoadAll(t *testing.T) {
	files, err := Files(shared.Dir(t, "golden"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		c, err := Load(path)
		name := strings.TrimSuffix(filepath.Base(path), ".json")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if c.Name != name || c.Expect.Loss <= 0 || len(c.Expect.Z) != c.Batch.OutputRows()*c.Batch.Out || c.Tolerance > 1e-6 {
			t.Errorf("%s: loaded as %q with loss %g, %d outputs, tolerance %g", name, c.Name, c.Expect.Loss, len(c.Expect.Z), c.Tolerance)
		}
	}
}

// A kind of net that this program does not have is told apart.
func TestUnknownKind(t *testing.T) {
	path := filepath.Join(t.TempDir(), "esn.json")
	if err := os.WriteFile(path, []byte(`{"model": {"kind": "esn"}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); !errors.Is(err, ErrUnsupported) {
		t.Errorf("err = %v, want that the kind is not supported", err)
	}
}

// A file that is not a case is an error that names the file, never a panic.
func TestLoadErrors(t *testing.T) {
	dir := t.TempDir()
	if _, err := Files(dir); err == nil || !strings.Contains(err.Error(), "no *.json") {
		t.Errorf("empty directory: err = %v", err)
	}
	for name, text := range map[string]string{
		"empty":      ``,
		"other":      `{"hello": 1}`,
		"activation": `{"model": {"kind": "rnn", "activation": "sin"}}`,
		"no_sizes":   `{"model": {"kind": "fnn"}, "loss": "squared_error"}`,
		"no_targets": `{"model": {"kind": "fnn", "sizes": [1, 1], "activations": ["tanh"]}, "loss": "squared_error", "batch": {"inputs": [[1]]}}`,
	} {
		path := filepath.Join(dir, name+".json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: err = %v, want one that names the file", name, err)
		}
	}
}

// The comparison sees an error of twice the tolerance, in any array of θ, and NaN.
func TestCompareCanFail(t *testing.T) {
	for name, test := range map[string]struct {
		got, want []float64
		ok        bool
	}{
		"equal":         {[]float64{1, 2}, []float64{1, 2}, true},
		"within":        {[]float64{1, 2 + 1e-10}, []float64{1, 2}, true},
		"beyond":        {[]float64{1, 2 + 4e-9}, []float64{1, 2}, false},
		"not a number":  {[]float64{1, nan()}, []float64{1, 2}, false},
		"other lengths": {[]float64{1}, []float64{1, 2}, false},
	} {
		k := &checker{c: &Case{Tolerance: 1e-9}}
		k.array(name, test.got, test.want)
		if k.rows[0].OK != test.ok {
			t.Errorf("%s: OK is %v with error %g", name, k.rows[0].OK, k.rows[0].Error)
		}
	}
}

func nan() float64 {
	zero := 0.0
	return zero / zero
}
