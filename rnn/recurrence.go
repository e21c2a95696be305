package rnn

import "curvestream/accel"

// A recurrence says what a cell computes at a time-step: a list of nodes, each of which reads inputs, nodes before it in the
// list, and nodes of the time-step before. It is data, and the sweeps carry it out: forward, by the R-operator, backward, and
// backward by the R-operator each have one rule for each kind of summand of a node.
type recurrence struct {
	params []shape // parameters in their order in θ, those of the outputs excluded
	nodes  []node
	layers []layer
	top    int // the node that outputs read: h of the last recurrent layer, or what an output layer makes of it

	products, biases int // how many there are in all nodes
}

// A layer is some consecutive nodes, lo to hi−1, that read each other, and of the layers below one node at the same time-step, or
// inputs. So a sweep runs through a block layer by layer, and what reads the layer below is one product a block.
type layer struct {
	lo, hi    int
	recurrent bool // else it is one node, of which all time-steps are computed at once
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
	damped   bool   // whether structural damping goes with it: h of a recurrent layer
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

	below bool // whether in is of the layer below
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

// hoisted reports whether the product is made for all time-steps of a block at once, before the layer's own time-steps.
func (p *product) hoisted() bool { return p.below || p.in.isInput() }

// started reports whether something goes into the node before the layer's time-steps.
func (n *node) started() bool {
	for i := range n.products {
		if n.products[i].hoisted() {
			return true
		}
	}
	return len(n.biases) > 0
}

// fed reports whether inputs or biases go into the node.
func (n *node) fed() bool {
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
// layers from the last to the first, through the nodes of a layer likewise, and through what each reads in the order of its lists,
// what is of the layer below last.
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
	for k := len(r.layers) - 1; k >= 0; k-- {
		l := r.layers[k]
		for i := l.hi - 1; i >= l.lo; i-- {
			n := &r.nodes[i]
			for j := range n.products {
				if p := &n.products[j]; !p.below {
					p.first = first(p.in)
				}
			}
			for j := range n.terms {
				t := &n.terms[j]
				t.firstP = first(t.p)
				t.firstQ = !t.alone && first(t.q)
			}
		}
		for i := l.hi - 1; i >= l.lo; i-- {
			n := &r.nodes[i]
			for j := range n.products {
				if p := &n.products[j]; p.below {
					p.first = first(p.in)
				}
			}
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

// shownWidth returns the width of the node that outputs read.
func (r *recurrence) shownWidth() int { return r.nodes[r.top].width }

// width returns the values of a row of all nodes.
func (r *recurrence) width() int {
	sum := 0
	for i := range r.nodes {
		sum += r.nodes[i].width
	}
	return sum
}
