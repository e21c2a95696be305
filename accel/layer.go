package accel

// A Sweeper is a Stream that runs all time-steps of a recurrent layer as one operation. It is optional: a caller asks for it by a type
// assertion, and without it puts the operations of each time-step on the stream, one by one. Both leave the same bits.
type Sweeper[F Float] interface {
	// Sweep runs l and reports true, or reports false and does nothing where l is not for it: a layer too large, say.
	Sweep(l *Layer[F]) bool
}

// A Cutter is a Backend that says how long the pieces of a sweep should be that are computed as one. It is optional.
type Cutter interface {
	// BlockSteps returns how many time-steps of so many columns are worth a piece, at least 1. It depends on columns alone.
	BlockSteps(columns int) int
}

// A Direction is one of the three sweeps of a product with the Gauss-Newton matrix (algorithm 5).
type Direction int

// The sweeps.
const (
	Forward  Direction = iota // values of nodes
	ForwardR                  // R{} of them, the values being given
	Backward                  // derivatives of what activations are of, the values being given
)

// A Layer is what a recurrent layer computes from its first time-step to its last, or back: at each one its nodes in order, or in a
// Backward sweep in reverse. A packed time-step has the first so many columns of the one before it.
type Layer[F Float] struct {
	Direction Direction
	// Offset[t+1] is the first row of time-step t in matrices with entering rows, which are those of time-step −1, from row 0 on. It
	// ends with one past the last row of the last time-step.
	Offset []int
	Nodes  []LayerNode[F]
	Mu     F // the factor of Damped
}

// Steps returns the number of time-steps.
func (l *Layer[F]) Steps() int { return len(l.Offset) - 2 }

// A LayerNode is some units. Forward, with V holding what came from elsewhere where Started says so:
//
//	a = V + Σ in·W + Σ alpha·p·q,   V = s(a)
//
// ForwardR: the R-operator of that, with s′ at Given. Backward, V holding dL/d(value) so far, which Started says for other time-steps
// than this: V = s′ V + mu Damped, and what the node reads gains V·W and alpha·V·q and alpha·V·p.
type LayerNode[F Float] struct {
	Width    int
	Carried  bool // the next time-step reads it; V (but in a Backward sweep), Given, Kept and Damped begin with entering rows
	Started  bool
	Acts     []LayerAct
	Products []LayerProduct[F]
	Terms    []LayerTerm[F]
	V, Given Mat[F] // Given of ForwardR and Backward
	Kept     Mat[F] // ForwardR: where R{a} goes; V is nil where nobody wants it
	Damped   Mat[F] // Backward: V is nil where nothing is added
	Carry    Mat[F] // Backward, of a carried node: where the derivatives of its entering values go
}

// A LayerAct says that units Lo to Hi−1 have an activation.
type LayerAct struct {
	Act    Activation
	Lo, Hi int
}

// A LayerRef is units Lo to Hi−1 of a node, at this time-step or at the one before.
type LayerRef struct {
	Node, Lo, Hi int
	Before       bool
}

// A LayerProduct is in·W. In a Backward sweep W is such that V·W is what in gains; First says that nothing was added to that yet.
type LayerProduct[F Float] struct {
	W     Operand[F]
	In    LayerRef
	First bool
}

// A LayerTerm is alpha·p·q, element by element, or p alone.
type LayerTerm[F Float] struct {
	Alpha          float64
	P, Q           LayerRef
	Alone          bool
	FirstP, FirstQ bool // as in LayerProduct
}
