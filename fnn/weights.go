package fnn

import (
	"fmt"

	"curvestream/accel"
	"curvestream/nn"
)

// A layer is W_l and b_l inside θ, or their like inside v, a gradient or a product.
type layer[F accel.Float] struct {
	w, b accel.Mat[F] // b.V is nil where there are no biases
}

// layersOf returns the layers inside v; element 0 stands for the input and is empty.
func (n *Net[F]) layersOf(v accel.Vector[F]) []layer[F] {
	layers := make([]layer[F], len(n.Sizes))
	n.locate(layers, v)
	return layers
}

// locate sets layers to those inside v, without allocating.
func (n *Net[F]) locate(layers []layer[F], v accel.Vector[F]) {
	l := 0
	for _, p := range n.layout {
		if p.Decays() {
			l++
			layers[l] = layer[F]{w: nn.Mat(v, p)}
		} else {
			layers[l].b = nn.Mat(v, p)
		}
	}
}

// A prepared layer has its weights prepared for products: T marks the transpose, which carries activities forward; the other
// carries derivatives backward.
type prepared[F accel.Float] struct {
	layer[F]
	wT, w accel.Operand[F]
}

// weights are the prepared layers of θ or v, from 1 on.
type weights[F accel.Float] []prepared[F]

// prepare prepares the layers inside v, for backward sweeps too if asked. It overwrites what w held.
func (n *Net[F]) prepare(w weights[F], v accel.Vector[F], backward bool) (weights[F], error) {
	if w == nil {
		w = make(weights[F], len(n.Sizes))
	}
	w.locate(n.layout, v)
	for l := 1; l < len(w); l++ {
		p := &w[l]
		var err error
		if p.wT, err = n.backend.Prepare(p.layer.w, true, p.wT); err == nil && backward && l > 1 { // dL/dx of the inputs is of no use
			p.w, err = n.backend.Prepare(p.layer.w, false, p.w)
		}
		if err != nil {
			return w, fmt.Errorf("fnn: preparing the weights of layer %d: %w", l, err)
		}
	}
	return w, nil
}

// locate finds the layers inside v, as layersOf does, without allocating.
func (w weights[F]) locate(layout nn.Layout, v accel.Vector[F]) {
	l := 0
	for _, p := range layout {
		if p.Decays() {
			l++
			w[l].layer = layer[F]{w: nn.Mat(v, p)}
		} else {
			w[l].layer.b = nn.Mat(v, p)
		}
	}
}

// takeWeights lends weights for the length of one call; they may be nil.
func (n *Net[F]) takeWeights() weights[F] {
	n.mu.Lock()
	defer n.mu.Unlock()
	last := len(n.weights) - 1
	if last < 0 {
		return nil
	}
	w := n.weights[last]
	n.weights = n.weights[:last]
	return w
}

func (n *Net[F]) giveWeights(w weights[F]) {
	if w == nil {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.weights = append(n.weights, w)
}
