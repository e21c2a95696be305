package rnn

import (
	"fmt"

	"curvestream/accel"
	"curvestream/nn"
)

// params are the parameters inside θ, or their like inside v, a gradient or a product.
type params[F accel.Float] struct {
	w       []accel.Mat[F] // of each product of the recurrence
	b       []accel.Mat[F] // of each bias of the recurrence
	initial []accel.Mat[F] // of each node; V is nil where it is not carried
	zh, bz  accel.Mat[F]   // V of bz is nil where there are no biases
}

func (n *Net[F]) params(v accel.Vector[F]) params[F] {
	mat := func(name string) accel.Mat[F] {
		p, ok := n.layout.Find(name)
		if !ok {
			return accel.Mat[F]{}
		}
		return nn.Mat(v, p)
	}
	p := params[F]{zh: mat("W_zh"), bz: mat("b_z"), w: make([]accel.Mat[F], n.cell.products), b: make([]accel.Mat[F], n.cell.biases),
		initial: make([]accel.Mat[F], len(n.cell.nodes))}
	for i := range n.cell.nodes {
		node := &n.cell.nodes[i]
		p.initial[i] = mat(node.initial)
		for _, w := range node.products {
			p.w[w.index] = mat(w.weight).RowRange(w.lo, w.hi)
		}
		for _, b := range node.biases {
			p.b[b.index] = mat(b.param).ColRange(b.lo, b.hi)
		}
	}
	return p
}

// operands are the weights inside θ or v, prepared for the products that a sweep makes with them: up carries activities forward,
// by the transpose, and down derivatives backward. Prepared once, they serve all shards.
type operands[F accel.Float] struct {
	params[F]
	up, down     []accel.Operand[F] // of each product of the recurrence; down is nil where it reads inputs
	zhUp, zhDown accel.Operand[F]
}

// prepare prepares the weights inside v, those of the backward sweep too if asked. It overwrites what o held.
func (n *Net[F]) prepare(o *operands[F], v accel.Vector[F], backward bool) error {
	o.params = n.params(v)
	if o.up == nil {
		o.up, o.down = make([]accel.Operand[F], n.cell.products), make([]accel.Operand[F], n.cell.products)
	}
	one := func(to *accel.Operand[F], w accel.Mat[F], trans bool) error {
		p, err := n.backend.Prepare(w, trans, *to)
		if err != nil {
			return fmt.Errorf("rnn: preparing weights: %w", err)
		}
		*to = p
		return nil
	}
	for i := range n.cell.nodes {
		for _, p := range n.cell.nodes[i].products {
			if err := one(&o.up[p.index], o.w[p.index], true); err != nil {
				return err
			}
			if !backward || p.in.isInput() {
				continue
			}
			if err := one(&o.down[p.index], o.w[p.index], false); err != nil {
				return err
			}
		}
	}
	if err := one(&o.zhUp, o.zh, true); err != nil || !backward {
		return err
	}
	return one(&o.zhDown, o.zh, false)
}

// takeOperands lends operands for the length of one call.
func (n *Net[F]) takeOperands() *operands[F] {
	n.mu.Lock()
	defer n.mu.Unlock()
	last := len(n.operands) - 1
	if last < 0 {
		return &operands[F]{}
	}
	o := n.operands[last]
	n.operands = n.operands[:last]
	return o
}

func (n *Net[F]) giveOperands(o *operands[F]) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.operands = append(n.operands, o)
}
