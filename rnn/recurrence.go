package rnn

import "curvestream/accel"

// A recurrence says what a cell computes at a time-step: a list of nodes, each of which reads inputs, nodes before it in the
// list, and nodes of the time-step before. It is data, and the sweeps carry it out: forward, by the R-operator, backward, and
// backward by the R-operator each have one rule for each kind of summand of a node.
type recurrence struct {
	params []shape // parameters in their order in θ, those of the outputs excluded
	nodes  []node
	hidden int // the node that is h

	products, biases int // how many there are in all nodes
}

// A shape is a parameter with its size.
type shape struct {
	name       string
	rows, cols int
}

// A node is some units: their values are s(a), with a = Σ W in + Σ b + Σ alpha p q.
type node struct {
	width    int
	acts     []activated // s of the units it names; the others are linear
	products []product
	biases   []bias
	terms    []term
	initial  string // where the next time-step reads the node: the parameter that is its value before the first time-step
}

// activated says that units lo to hi have an activation.
type activated struct {
	act    accel.Activation
	lo, hi int
}

// A product is W in, W being rows lo to hi of a weight.
type product struct {
	weight string
	lo, hi int
	in     ref

	index int  // among the products of all nodes
	first bool // whether the backward sweep writes the derivative of in here for the first time
}

// A bias is elements lo to hi of a bias parameter.
type bias struct {
	param  string
	lo, hi int
	index  int // among the biases of all nodes
}

// A term is alpha p q, element by element, or p alone.
type term struct {
	alpha float64
	p, q  ref
	alone bool

	firstP, firstQ bool // as in product
}

// A ref is what a node reads: units lo to hi of a node, now or at the time-step before, or the inputs.
type ref struct {
	node, lo, hi int
	before       bool
}

// inputs is the node of a ref that means x.
const inputs = -1

var fromX = ref{node: inputs}

func (r ref) isInput() bool { return r.node == inputs }

// carried reports whether the next time-step reads the node.
func (n *node) carried() bool { return n.initial != "" }

// learned reports whether parameters go into the node.
func (n *node) learned() bool { return len(n.products)+len(n.biases) > 0 }

// started reports whether what does not depend on states goes into the node.
func (n *node) started() bool {
	for i := range n.products {
		if n.products[i].in.isInput() {
			return true
		}
	}
	return len(n.biases) > 0
}

// curved reports whether some units are not linear.
func (n *node) curved() bool { return len(n.acts) > 0 }

// finish numbers products and biases, and finds where derivatives are written first: a backward sweep goes through the nodes
// from the last to the first, and through what each reads in the order of its lists.
func (r recurrence) finish() recurrence {
	for i := range r.nodes {
		n := &r.nodes[i]
		for j := range n.products {
			n.products[j].index = r.products
			r.products++
		}
		for j := range n.biases {
			n.biases[j].index = r.biases
			r.biases++
		}
	}
	written := map[ref]bool{}
	first := func(to ref) bool {
		// What is carried begins with what the time-step after has added, or with zeros; only what leaves a block begins anew.
		if to.isInput() || written[to] || r.nodes[to.node].carried() && !to.before {
			return false
		}
		written[to] = true
		return true
	}
	for i := len(r.nodes) - 1; i >= 0; i-- {
		n := &r.nodes[i]
		for j := range n.products {
			n.products[j].first = first(n.products[j].in)
		}
		for j := range n.terms {
			t := &n.terms[j]
			t.firstP = first(t.p)
			t.firstQ = !t.alone && first(t.q)
		}
	}
	return r
}

// read reports whether some product reads node i.
func (r *recurrence) read(i int) bool {
	for k := range r.nodes {
		for _, p := range r.nodes[k].products {
			if p.in.node == i {
				return true
			}
		}
	}
	return false
}

// width returns the values of a row of all nodes.
func (r *recurrence) width() int {
	sum := 0
	for i := range r.nodes {
		sum += r.nodes[i].width
	}
	return sum
}
