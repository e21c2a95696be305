package nn

import (
	"strings"

	"curvestream/accel"
)

// A Param is one named parameter of a net and its place in θ.
type Param struct {
	Name       string // the report's: W_xh, W_hh, W_zh, h_0, b_h, b_z; W_1, b_1, …; with the index of the layer, as in W_hh_l1, where there are several
	Rows, Cols int    // a weight is [out][in] = Rows × Cols, row-major; a vector has Rows = 1
	Off        int    // of its first element in θ
}

// Size returns the number of elements.
func (p Param) Size() int { return p.Rows * p.Cols }

// Base returns the name without the index of a layer: W_hh of W_hh_l1.
func (p Param) Base() string {
	if i := strings.LastIndex(p.Name, "_l"); i > 0 && i+2 < len(p.Name) && strings.Trim(p.Name[i+2:], "0123456789") == "" {
		return p.Name[:i]
	}
	return p.Name
}

// Decays reports whether weight decay applies: to weights, not to biases and initial states.
func (p Param) Decays() bool { return p.Name[0] == 'W' }

// A Layout is the order of the parameters in θ. It is read-only once made.
type Layout []Param

// Append returns l with a parameter more.
func (l Layout) Append(name string, rows, cols int) Layout {
	return append(l, Param{Name: name, Rows: rows, Cols: cols, Off: l.Len()})
}

// Len returns n, the number of elements of θ.
func (l Layout) Len() int {
	if len(l) == 0 {
		return 0
	}
	last := l[len(l)-1]
	return last.Off + last.Size()
}

// Find returns the parameter of the given name.
func (l Layout) Find(name string) (Param, bool) {
	for _, p := range l {
		if p.Name == name {
			return p, true
		}
	}
	return Param{}, false
}

// Mat returns parameter p as a matrix inside v, which is θ or a vector of its shape.
func Mat[F accel.Float](v accel.Vector[F], p Param) accel.Mat[F] {
	return accel.NewMat(v, p.Off, p.Rows, p.Cols)
}
