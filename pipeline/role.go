package pipeline

import "fmt"

// A Role is what a minibatch is used for within one HF iteration (section 12).
type Role int

// The roles.
const (
	Gradient   Role = iota // f and ∇f
	Curvature              // products with the curvature matrix
	HeldOut                // choice of the CG iterate and watching for minibatch overfitting (section 12.2)
	evaluation             // everything once, in file order
)

// String returns the role as settings and messages spell it.
func (r Role) String() string {
	switch r {
	case Gradient:
		return "gradient"
	case Curvature:
		return "curvature"
	case HeldOut:
		return "held-out"
	case evaluation:
		return "everything"
	}
	return fmt.Sprintf("Role(%d)", int(r))
}
