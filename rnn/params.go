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
	var p params[F]
	n.locate(&p, v)
	return p
}

// locate sets p to the parameters inside v, and allocates the first time only.
func (n *Net[F]) locate(p *params[F], v accel.Vector[F]) {
	if p.w == nil {
		p.w, p.b = make([]accel.Mat[F], n.cell.products), make([]accel.Mat[F], n.cell.biases)
		p.initial = make([]accel.Mat[F], len(n.cell.nodes))
	}
	mat := func(name string) accel.Mat[F] {
		p, ok := n.layout.Find(name)
		if !ok {
			return accel.Mat[F]{}
		}
		return nn.Mat(v, p)
	}
	p.zh, p.bz = mat("W_zh"), mat("b_z")
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
	n.locate(&o.params, v)
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
