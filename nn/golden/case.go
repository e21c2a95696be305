// Package golden loads reference derivatives of small nets and compares a net with them.
//
// A case is a JSON file with a net, a batch, parameters, a vector v and the expected values of f, ∇f, Jv, Gv, Hv, of
// diagonals and of eigenvalues, computed in float64 by automatic differentiation.
package golden

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"curvestream/accel"
	"curvestream/nn"
)

// ErrUnsupported is returned for a case with a kind of net that this program does not have.
var ErrUnsupported = errors.New("golden: kind of net is not supported")

// A Case is one file.
type Case struct {
	Name        string
	N           int // number of parameters
	Model       Model
	Loss        accel.Loss
	WeightDecay float64
	Structural  *Structural // nil where there is no structural damping
	Batch       *nn.Batch[float64]
	Expect      Expected
	Tolerance   float64

	params, v Named
}

// Named holds one array for each parameter name, flattened row-major.
type Named map[string][]float64

// A Model says what the net looks like. Kind is fnn or the cell of a recurrent net: rnn, lstm, gru or mrnn. The fields of other
// kinds are zero.
type Model struct {
	Kind   string
	Biases bool

	Sizes       []int // fnn
	Activations []accel.Activation

	Inputs, Hidden, Outputs int              // recurrent nets
	Factors                 int              // mrnn
	Activation              accel.Activation // rnn
	OutputActivation        accel.Activation // recurrent nets
}

// Structural is the structural damping of a case.
type Structural struct {
	Mu       float64
	Distance nn.StructuralDistance
}

// Expected are the reference values. Arrays that have a row for each output are in the order of the batch's output rows, and
// CaseLoss in that of its columns.
type Expected struct {
	Loss              float64
	CaseLoss, Z, Jv   []float64
	Grad, Gv, Hv      Named
	DiagG, FisherDiag Named
	Dv, DiagD         Named // nil without structural damping
	MinEig, MaxEig    float64
	CG                *CG // nil in most cases
}

// A CG is a run of algorithm 2 on (G + Lambda I) x = −∇f from x₀ = 0 with P = (empirical Fisher diagonal + Lambda)^Exponent.
type CG struct {
	Lambda   float64   `json:"lambda"`
	Exponent float64   `json:"exponent"`
	M        []float64 `json:"M"`      // q(xᵢ) of each iteration
	NormX    []float64 `json:"norm_x"` // ‖xᵢ‖ of each iteration
	X        Named     `json:"-"`      // of the last iteration
}

// Files returns the case files of a directory, sorted by name.
func Files(dir string) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return nil, fmt.Errorf("golden: listing %s: %w", dir, err)
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("golden: %s has no *.json files: name the directory that holds the cases", dir)
	}
	return files, nil
}

// Load reads a case. The error wraps ErrUnsupported for nets of an unknown kind.
func Load(path string) (c *Case, err error) {
	defer func() {
		if r := recover(); r != nil { // an array that is missing or too short
			c, err = nil, fmt.Errorf("golden: %s: not a case, or a damaged one: %v", path, r)
		}
	}()
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("golden: %w", err)
	}
	var f file
	if err := json.Unmarshal(raw, &f); err != nil {
		return nil, fmt.Errorf("golden: %s: %w", path, err)
	}
	if c, err = f.build(); err != nil {
		return nil, fmt.Errorf("golden: %s: %w", path, err)
	}
	return c, nil
}

// Theta returns the parameters of the case in the order of a layout.
func (c *Case) Theta(l nn.Layout) ([]float64, error) { return c.params.Flatten(l) }

// V returns the vector of the products in the order of a layout.
func (c *Case) V(l nn.Layout) ([]float64, error) { return c.v.Flatten(l) }

// Flatten returns the arrays in the order of a layout. Both must have the same names and sizes.
func (n Named) Flatten(l nn.Layout) ([]float64, error) {
	flat := make([]float64, 0, l.Len())
	for _, p := range l {
		if len(n[p.Name]) != p.Size() {
			return nil, fmt.Errorf("golden: parameter %s has %d values, the net needs %d", p.Name, len(n[p.Name]), p.Size())
		}
		flat = append(flat, n[p.Name]...)
	}
	if len(n) != len(l) {
		return nil, fmt.Errorf("golden: the case has %d parameters (%s), the net %d", len(n), n.names(), len(l))
	}
	return flat, nil
}

func (n Named) names() string {
	var names []string
	for name := range n {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
