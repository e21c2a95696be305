// Package derivative checks the derivatives that a net computes against finite differences of what it computes without them,
// as section 7.2 describes, in float64.
package derivative

// A Row is the outcome of checking one quantity.
type Row struct {
	Quantity  string
	Error     float64 // the largest, relative to the largest magnitude of the quantity
	Tolerance float64
	OK        bool // Error ≤ Tolerance; false for NaN
}

// NewRow returns a Row, which is OK where the error is within the tolerance.
func NewRow(quantity string, err, tolerance float64) Row {
	return Row{Quantity: quantity, Error: err, Tolerance: tolerance, OK: err <= tolerance}
}
