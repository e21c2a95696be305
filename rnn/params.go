package rnn

import (
	"fmt"

	"curvestream/accel"
	"curvestream/nn"
)

// params are the parameters inside θ, or their like inside v, a gradient or a product.
type params[F accel.Float] struct {
	xh, hh, h0, zh accel.Mat[F]
	bh, bz         accel.Mat[F] // V is nil where there are no biases
}

func (n *Net[F]) params(v accel.Vector[F]) params[F] {
	mat := func(name string) accel.Mat[F] {
		p, ok := n.layout.Find(name)
		if !ok {
			return accel.Mat[F]{}
		}
		return nn.Mat(v, p)
	}
	return params[F]{xh: mat("W_xh"), hh: mat("W_hh"), h0: mat("h_0"), zh: mat("W_zh"), bh: mat("b_h"), bz: mat("b_z")}
}

// operands are the weights inside θ or v, prepared for the products that a sweep makes with them: T marks a transpose, which
// carries activities forward; the others carry derivatives backward. Prepared once, they serve all shards.
type operands[F accel.Float] struct {
	params[F]
	xhT, hhT, zhT accel.Operand[F]
	hh, zh        accel.Operand[F]
}

// prepare prepares the weights inside v, those of the backward sweep too if asked. It overwrites what o held.
func (n *Net[F]) prepare(o *operands[F], v accel.Vector[F], backward bool) error {
	o.params = n.params(v)
	list := []struct {
		to    *accel.Operand[F]
		w     accel.Mat[F]
		trans bool
	}{
		{&o.xhT, o.params.xh, true}, {&o.hhT, o.params.hh, true}, {&o.zhT, o.params.zh, true},
		{&o.hh, o.params.hh, false}, {&o.zh, o.params.zh, false},
	}
	if !backward {
		list = list[:3]
	}
	for _, p := range list {
		w, err := n.backend.Prepare(p.w, p.trans, *p.to)
		if err != nil {
			return fmt.Errorf("rnn: preparing weights: %w", err)
		}
		*p.to = w
	}
	return nil
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
