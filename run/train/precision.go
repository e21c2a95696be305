package train

import (
	"fmt"

	"curvestream/accel"
	"curvestream/run/config"
	"curvestream/run/fault"
	"curvestream/run/objective"
)

// How products of less than float32 are watched: gpu arithmetic of 10 bits everywhere has been seen to turn CG around at an asymmetry of
// 2e-3, and to do no harm at 4e-4.
const (
	symmetryEvery = 10
	symmetryBound = 1e-3
)

// usePrecision has the device make products as the setting precision says. It returns what watches them, nil where they are exact.
func (m *machine[F]) usePrecision(c *config.Config) (*objective.Guard, error) {
	p := map[string]accel.Precision{"tf32": accel.TF32, "3xtf32": accel.TF32x3}[c.Precision]
	gpu, can := m.backend.(accel.Precise)
	if p == accel.Full || !can {
		return nil, nil
	}
	if !gpu.SetPrecision(p) {
		return nil, fault.New(fault.Config, "config.precision", "precision %s goes with dtype float32", c.Precision).Fix("--set precision=float32, or --set dtype=float32")
	}
	return &objective.Guard{Every: symmetryEvery, Bound: symmetryBound, Exceeds: func(asymmetry float64) {
		gpu.SetPrecision(accel.Full)
		m.asymmetry = fmt.Sprintf("products in %s are not those of a symmetric matrix (|u'Gv - v'Gu| is %.2g of sqrt(u'Gu v'Gv); the bound is %g): the run goes on with float32", c.Precision, asymmetry, symmetryBound)
	}}, nil
}

// tellAsymmetry reports, once, that products were not exact enough.
func (l *loop[F]) tellAsymmetry() error {
	if l.asymmetry == "" {
		return nil
	}
	w := Warning{Event: "warn", Iter: l.iter(), T: l.t(), Code: "precision.asymmetry", Message: l.asymmetry}
	l.asymmetry = ""
	return l.emit(w)
}
