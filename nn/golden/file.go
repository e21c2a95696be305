package golden

import (
	"encoding/json"
	"fmt"

	"curvestream/accel"
	"curvestream/nn"
)

// file is the JSON of a case, nested as in the file.
type file struct {
	Name        string  `json:"name"`
	N           int     `json:"n"`
	Loss        string  `json:"loss"`
	WeightDecay float64 `json:"weight_decay"`
	Tolerance   float64 `json:"tolerance"`
	Model       struct {
		Kind             string   `json:"kind"`
		Sizes            []int    `json:"sizes"`
		Activations      []string `json:"activations"`
		Inputs           int      `json:"inputs"`
		Hidden           int      `json:"hidden"`
		Factors          int      `json:"factors"`
		Outputs          int      `json:"outputs"`
		Activation       string   `json:"activation"`
		OutputActivation string   `json:"output_activation"`
		Biases           bool     `json:"biases"`
	} `json:"model"`
	Structural *struct {
		Mu       float64 `json:"mu"`
		Distance string  `json:"distance"`
	} `json:"structural_damping"`
	Batch struct {
		TargetAt string `json:"target_at"`
		Inputs   []any  `json:"inputs"` // one entry a case, nested as deep as the net needs
		Targets  []any  `json:"targets"`
		Classes  []any  `json:"classes"`
	} `json:"batch"`
	Params nested `json:"params"`
	V      nested `json:"v"`
	Expect struct {
		Loss     float64   `json:"loss"`
		CaseLoss []float64 `json:"case_loss"`
		Z        []any     `json:"z"`
		Jv       []any     `json:"Jv"`
		Grad     nested    `json:"grad"`
		Gv       nested    `json:"Gv"`
		Hv       nested    `json:"Hv"`
		DiagG    nested    `json:"diag_G"`
		Fisher   nested    `json:"empirical_fisher_diag"`
		Dv       nested    `json:"Dv"`
		DiagD    nested    `json:"diag_D"`
		MinEig   float64   `json:"G_min_eig"`
		MaxEig   float64   `json:"G_max_eig"`
		CG       *struct {
			CG
			X nested `json:"x"`
		} `json:"cg"`
	} `json:"expect"`
}

// nested is a Named in the file, its arrays flattened as they are read.
type nested Named

// UnmarshalJSON implements json.Unmarshaler.
func (n *nested) UnmarshalJSON(raw []byte) error {
	var arrays map[string]any
	if err := json.Unmarshal(raw, &arrays); err != nil {
		return err
	}
	*n = nested{}
	for name, a := range arrays {
		(*n)[name] = flatten(nil, a)
	}
	return nil
}

// flatten appends all numbers of nested arrays to to, in their order.
func flatten(to []float64, a any) []float64 {
	switch a := a.(type) {
	case float64:
		return append(to, a)
	case []any:
		for _, e := range a {
			to = flatten(to, e)
		}
	}
	return to
}

func (f *file) build() (*Case, error) {
	c := &Case{Name: f.Name, N: f.N, WeightDecay: f.WeightDecay, Tolerance: f.Tolerance, params: Named(f.Params), v: Named(f.V)}
	if err := f.model(&c.Model); err != nil {
		return nil, err
	}
	var err error
	if c.Loss, err = nn.ParseLoss(f.Loss); err != nil {
		return nil, err
	}
	if err := f.structural(c); err != nil {
		return nil, err
	}
	if err := f.batch(c); err != nil {
		return nil, err
	}
	e := &f.Expect
	c.Expect = Expected{
		Loss: e.Loss, Grad: Named(e.Grad), Gv: Named(e.Gv), Hv: Named(e.Hv), DiagG: Named(e.DiagG), FisherDiag: Named(e.Fisher),
		Dv: Named(e.Dv), DiagD: Named(e.DiagD), MinEig: e.MinEig, MaxEig: e.MaxEig,
	}
	if e.CG != nil {
		c.Expect.CG = &e.CG.CG
		c.Expect.CG.X = Named(e.CG.X)
	}
	for _, i := range c.Batch.Position {
		c.Expect.CaseLoss = append(c.Expect.CaseLoss, e.CaseLoss[i])
	}
	c.Expect.Z, c.Expect.Jv = outputOrder(c.Batch, e.Z), outputOrder(c.Batch, e.Jv)
	return c, nil
}

func (f *file) model(m *Model) error {
	*m = Model{Kind: f.Model.Kind, Biases: f.Model.Biases, Sizes: f.Model.Sizes,
		Inputs: f.Model.Inputs, Hidden: f.Model.Hidden, Factors: f.Model.Factors, Outputs: f.Model.Outputs}
	var err error
	switch m.Kind {
	case "fnn":
		for _, name := range f.Model.Activations {
			a, err := nn.ParseActivation(name)
			if err != nil {
				return err
			}
			m.Activations = append(m.Activations, a)
		}
		m.Inputs, m.Outputs = m.Sizes[0], m.Sizes[len(m.Sizes)-1]
	case "rnn":
		if m.Activation, err = nn.ParseActivation(f.Model.Activation); err != nil {
			return err
		}
		m.OutputActivation, err = nn.ParseActivation(f.Model.OutputActivation)
		return err
	case "lstm", "gru", "mrnn":
		m.OutputActivation, err = nn.ParseActivation(f.Model.OutputActivation)
		return err
	default:
		return fmt.Errorf("kind %q: %w", m.Kind, ErrUnsupported)
	}
	return nil
}

func (f *file) structural(c *Case) error {
	if f.Structural == nil {
		return nil
	}
	c.Structural = &Structural{Mu: f.Structural.Mu}
	switch f.Structural.Distance {
	case "squared_error":
		c.Structural.Distance = nn.SquaredDistance
	case "cross_entropy":
		c.Structural.Distance = nn.CrossEntropyDistance
	default:
		return fmt.Errorf("unknown structural distance %q", f.Structural.Distance)
	}
	return nil
}

func (f *file) batch(c *Case) error {
	form := nn.Each
	if f.Batch.TargetAt == "last" {
		form = nn.Last
	}
	examples := make([]nn.Example[float64], len(f.Batch.Inputs))
	for i := range examples {
		e := &examples[i]
		e.ID = fmt.Sprint(i)
		e.X = flatten(nil, f.Batch.Inputs[i])
		if c.Loss != accel.SoftmaxCrossEntropy {
			e.Target = flatten(nil, f.Batch.Targets[i])
			continue
		}
		for _, class := range flatten(nil, f.Batch.Classes[i]) {
			e.Class = append(e.Class, int32(class))
		}
	}
	var err error
	c.Batch, err = nn.Pack(c.Model.Inputs, c.Model.Outputs, form, examples)
	return err
}

// outputOrder puts values that the file has by case and output into the order of the batch's output rows.
func outputOrder(b *nn.Batch[float64], cases []any) []float64 {
	seen := make([]int, b.Columns())
	var rows []float64
	for r := range b.OutputRows() {
		j := b.OutputColumn(r)
		values := flatten(nil, cases[b.Position[j]])
		rows = append(rows, values[seen[j]*b.Out:(seen[j]+1)*b.Out]...)
		seen[j]++
	}
	return rows
}
