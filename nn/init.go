package nn

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"curvestream/accel"
)

// A Scheme is a way to draw initial weights. Each is a distribution of one weight matrix [out][in].
type Scheme int

// The schemes.
const (
	// SparseScheme gives each unit FanIn incoming weights, drawn from N(0, Scale²), and zeros elsewhere (section 13). The
	// places are distinct: the published code draws them with replacement, so that some units get fewer.
	SparseScheme Scheme = iota
	// GlorotScheme draws from the uniform distribution on ±Scale √(6/(in+out)).
	GlorotScheme
	// OrthogonalScheme draws Scale times a matrix with orthonormal rows or columns, whichever are fewer.
	OrthogonalScheme
	// GaussianScheme draws from N(0, Scale²).
	GaussianScheme
)

var schemeNames = []string{SparseScheme: "sparse", GlorotScheme: "glorot", OrthogonalScheme: "orthogonal", GaussianScheme: "gaussian"}

// ParseScheme returns the scheme of a name: sparse, glorot, orthogonal or gaussian.
func ParseScheme(name string) (Scheme, error) {
	if i := slices.Index(schemeNames, name); i >= 0 {
		return Scheme(i), nil
	}
	return 0, fmt.Errorf("nn: unknown initialisation %q: use one of %s", name, strings.Join(schemeNames, ", "))
}

// A Rule says how one weight matrix is drawn.
type Rule struct {
	Scheme Scheme
	Scale  float64 // zero means 1
	FanIn  int     // of the sparse scheme; zero means 15, or all inputs where there are fewer
}

// Init says how the parameters of a net are drawn. The zero Init is the scheme of Martens (2010): 15 incoming weights a unit from
// N(0, 1), biases and h_0 zero, and W_hh scaled to a spectral radius of 1.1 (Sutskever et al. 2013).
type Init struct {
	Rule
	// SpectralRadius is what the largest eigenvalue magnitude of W_hh is scaled to; zero means 1.1. Negative leaves W_hh as
	// drawn.
	SpectralRadius float64
	// Rules override Rule for weights of given names, as in {"W_xh": {Scheme: GaussianScheme, Scale: 0.001}}. A name without the index
	// of a layer stands for all layers that have no rule of their own.
	Rules map[string]Rule
	// TanhShift applies the variant of the sparse scheme for tanh units of feedforward nets: biases of tanh layers are 0.5, and
	// weights into a tanh layer are halved, and halved again where the layer below is tanh. It looks at Activations.
	TanhShift bool
	// Activations are those of the layers of W_1, W_2 …; only TanhShift needs them.
	Activations []accel.Activation
}

// Validate reports all that is wrong for a net of the given layout.
func (in Init) Validate(layout Layout) error {
	var errs []error
	check := func(name string, r Rule) {
		if r.Scale < 0 || math.IsNaN(r.Scale) || math.IsInf(r.Scale, 0) {
			errs = append(errs, fmt.Errorf("nn: initial scale %g of %s: it must be positive", r.Scale, name))
		}
		if r.FanIn < 0 {
			errs = append(errs, fmt.Errorf("nn: %d incoming weights a unit for %s: it must be 1 or more", r.FanIn, name))
		}
	}
	check("all weights", in.Rule)
	names := slices.Sorted(maps.Keys(in.Rules))
	for _, name := range names {
		check(name, in.Rules[name])
		if !slices.ContainsFunc(layout, func(p Param) bool { return p.Decays() && (p.Name == name || p.Base() == name) }) {
			errs = append(errs, fmt.Errorf("nn: initialisation is given for %s, which is not a weight of the net: it has %s", name, weightNames(layout)))
		}
	}
	if in.TanhShift && len(in.Activations) != weights(layout) {
		errs = append(errs, fmt.Errorf("nn: the tanh variant needs the activation of each of %d layers, got %d", weights(layout), len(in.Activations)))
	}
	return errors.Join(errs...)
}

// Initialize draws θ, which has layout.Len() elements, and overwrites all of them. Equal rng states give equal θ, in float32
// and float64 alike but for rounding.
func Initialize[F accel.Float](layout Layout, theta []F, in Init, rng *rand.Rand) error {
	if len(theta) != layout.Len() {
		return fmt.Errorf("nn: initialising %d parameters: the layout has %d", len(theta), layout.Len())
	}
	if err := in.Validate(layout); err != nil {
		return err
	}
	layer := 0
	for _, p := range layout {
		values := make([]float64, p.Size())
		if p.Decays() {
			layer++
			if err := in.drawWeights(values, p, layer, rng); err != nil {
				return err
			}
		} else if in.TanhShift && in.Activations[layer-1] == accel.Tanh {
			for i := range values {
				values[i] = 0.5
			}
		}
		for i, v := range values {
			theta[p.Off+i] = F(v)
		}
	}
	return nil
}

func (in Init) drawWeights(w []float64, p Param, layer int, rng *rand.Rand) error {
	rule, ok := in.Rules[p.Name]
	if !ok {
		if rule, ok = in.Rules[p.Base()]; !ok {
			rule = in.Rule
		}
	}
	rule.draw(w, p.Rows, p.Cols, rng)
	if in.TanhShift && in.Activations[layer-1] == accel.Tanh {
		scale(w, 0.5)
		if layer > 1 && in.Activations[layer-2] == accel.Tanh {
			scale(w, 0.5)
		}
	}
	if p.Base() == "W_hh" && in.SpectralRadius >= 0 {
		return scaleToRadius(w, p.Rows, orDefault(in.SpectralRadius, 1.1))
	}
	return nil
}

// draw fills w, [out][in] row-major.
func (r Rule) draw(w []float64, out, in int, rng *rand.Rand) {
	s := orDefault(r.Scale, 1)
	switch r.Scheme {
	case SparseScheme:
		fan := r.FanIn
		if fan == 0 {
			fan = 15
		}
		for i := range out {
			for _, j := range rng.Perm(in)[:min(fan, in)] {
				w[i*in+j] = s * rng.NormFloat64()
			}
		}
	case GlorotScheme:
		bound := s * math.Sqrt(6/float64(in+out))
		for i := range w {
			w[i] = bound * (2*rng.Float64() - 1)
		}
	case OrthogonalScheme:
		orthogonal(w, out, in, rng)
		scale(w, s)
	case GaussianScheme:
		for i := range w {
			w[i] = s * rng.NormFloat64()
		}
	}
}

func orDefault(x, otherwise float64) float64 {
	if x == 0 {
		return otherwise
	}
	return x
}

func weights(layout Layout) int {
	n := 0
	for _, p := range layout {
		if p.Decays() {
			n++
		}
	}
	return n
}

func weightNames(layout Layout) string {
	var names []string
	for _, p := range layout {
		if p.Decays() {
			names = append(names, p.Name)
		}
	}
	return strings.Join(names, ", ")
}
