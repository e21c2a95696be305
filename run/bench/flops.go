package bench

// Floating point operations of the matrix products alone, a multiplication and an addition being two: activations, losses and
// sums of rows, which grow with one size less, are not counted. A weight matrix that rows pass through costs, per weight and
// row, 2 forward, and 4 backward: 2 for the derivative with respect to the weights and 2 for that with respect to what came
// in, which inputs x do not need. A product with G needs the R-forward pass (4: V y and W R{y}; 2 on inputs, where
// R{x} = 0) and the backward pass (4; 2 on inputs); the forward pass is not repeated (section 7.1).

// ForwardFlops returns those of f.
func (p Problem) ForwardFlops() float64 { return p.flops(2, 2) }

// GradientFlops returns those of f and ∇f.
func (p Problem) GradientFlops() float64 { return p.flops(6, 4) }

// ProductFlops returns those of one product with the Gauss-Newton matrix.
func (p Problem) ProductFlops() float64 { return p.flops(8, 4) }

// WorkFlops returns those of what the problem asks for: one product, or one gradient.
func (p Problem) WorkFlops() float64 {
	if p.What == "gradient" {
		return p.GradientFlops()
	}
	return p.ProductFlops()
}

// flops counts per weight and row: perWeight, and perInput for the weights of the inputs.
func (p Problem) flops(perWeight, perInput float64) float64 {
	if p.Net == "rnn" {
		h, rows := float64(p.Hidden), float64(p.rows())
		return perWeight*h*h*rows + perInput*h*float64(p.In)*rows + perWeight*h*float64(p.Out)*float64(p.outputRows())
	}
	sum := 0.0
	for l := 1; l < len(p.Sizes); l++ {
		per := perWeight
		if l == 1 {
			per = perInput
		}
		sum += per * float64(p.Sizes[l]) * float64(p.Sizes[l-1]) * float64(p.Batch)
	}
	return sum
}
