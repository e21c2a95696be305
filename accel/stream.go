package accel

// A Stream is a queue of operations that take effect in order. Operations may return before they have run: what they
// write to host memory (sums) is valid after Sync. Shapes are checked by the caller; a stream panics on shapes that do not
// fit, which is a bug in the caller and never the user's. A failure of the device sticks: later operations do nothing and
// Sync returns it. A Stream is used by one goroutine.
//
// Its methods are the point-wise kernels and products of feedforward and recurrent nets and of their R-operators.
type Stream[F Float] interface {
	Products[F]
	Pointwise[F]
	Losses[F]
	// Sync waits for all operations and returns the first failure.
	Sync() error
}

// Products are the operations that cost: O(n) work an element.
type Products[F Float] interface {
	// GEMM sets c = alpha·op(a)·op(b) + beta·c, op being the transpose where asked. With beta = 0, c is not read.
	GEMM(transA, transB bool, alpha F, a, b Mat[F], beta F, c Mat[F])
	// MulPrepared sets c = a·W + beta·c for a prepared W = op(·). With beta = 0, c is not read.
	MulPrepared(a Mat[F], w Operand[F], beta F, c Mat[F])
	// GatherColumns sets c = c + x·Wᵀ for a sparse x: W is [out][in].
	GatherColumns(x Sparse[F], w, c Mat[F])
	// ScatterColumns sets dW = dW + dᵀ·x for a sparse x: d is [rows][out], dW is [out][in].
	ScatterColumns(x Sparse[F], d, dW Mat[F])
}

// A Sparse matrix holds one-hot or multi-hot rows: row i has the value Val[k] (1 where Val is nil) in column Col[k], for
// k from Ptr[i] to Ptr[i+1], the end excluded. It lies in host memory.
type Sparse[F Float] struct {
	Cols int
	Ptr  []int32 // of length rows+1; Ptr[0] need not be 0
	Col  []int32
	Val  []F
}

// Rows returns the number of rows.
func (s Sparse[F]) Rows() int { return max(0, len(s.Ptr)-1) }

// RowRange returns rows lo to hi, hi excluded, sharing memory with s.
func (s Sparse[F]) RowRange(lo, hi int) Sparse[F] {
	s.Ptr = s.Ptr[lo : hi+1]
	return s
}

// Pointwise are the operations that touch each element once. All matrices have equal shapes unless said.
type Pointwise[F Float] interface {
	// Fill sets all elements of a to x.
	Fill(a Mat[F], x F)
	// CopyMat sets b = a.
	CopyMat(b, a Mat[F])
	// AddMat sets b = b + alpha·a.
	AddMat(b Mat[F], alpha F, a Mat[F])
	// AddRow adds the row vector r (1 × cols) to each row of c.
	AddRow(c, r Mat[F])
	// AddSumOfRows adds the sum of the rows of c to r (1 × cols).
	AddSumOfRows(r, c Mat[F])
	// AddSquares sets b = b + alpha·a², element-wise.
	AddSquares(b Mat[F], alpha F, a Mat[F])
	// MulMat sets b = b·a, element-wise.
	MulMat(b, a Mat[F])
	// Hadamard sets c = alpha·a·b + beta·c, element-wise: how the gates of recurrent cells multiply. With beta = 0, c is not
	// read. a and b may be one matrix; c overlaps neither.
	Hadamard(alpha F, a, b Mat[F], beta F, c Mat[F])
	// Activate sets h = s(h), element-wise.
	Activate(act Activation, h Mat[F])
	// MulDerivative sets d = d·s′, element-wise, s′ being the derivative of s at the input whose output is h.
	MulDerivative(act Activation, d, h Mat[F])
	// AddSecondDerivative sets rd = rd + d·s″·ra, element-wise, s″ being the second derivative at the input whose output
	// is h (section 5).
	AddSecondDerivative(act Activation, rd, d, h, ra Mat[F])
	// AddScaledDerivative sets b = b + alpha·s′·a, element-wise: the structural damping term with cross-entropy distance
	// (section 8.4), where a is R{a} of the hidden units.
	AddScaledDerivative(act Activation, b Mat[F], alpha F, a, h Mat[F])
}

// Losses are the output stage: table 2. A row of z is one output vector, with its target and its weight.
type Losses[F Float] interface {
	// Predict turns z into what the loss compares with the target: z, σ(z) or softmax(z) of each row, in place.
	Predict(loss Loss, z Mat[F])
	// LossSums adds wᵢ·L(zᵢ; tᵢ) of each row i to sums[owner[i]]. z holds the values before Predict.
	LossSums(loss Loss, z Mat[F], t Targets[F], owner []int32, sums []float64)
	// LossGradient sets p, which holds Predict(z), to wᵢ·∇L of each row.
	LossGradient(loss Loss, p Mat[F], t Targets[F])
	// LossCurvature sets each row of rz to wᵢ·L″·rz, p holding Predict(z); L″ is what the loss shows (see [Loss.Shows]).
	LossCurvature(loss Loss, p Mat[F], t Targets[F], rz Mat[F])
}

// Targets hold, for each row of an output matrix, what it should be and how much it counts. They lie in the backend's
// memory where they are dense and in host memory where they are not. Exactly one of Dense and Class is set.
type Targets[F Float] struct {
	Dense  Mat[F]  // V is nil where the targets are classes
	Class  []int32 // softmax: the class of each row
	Weight []F     // of each row; nil means 1. A row of weight 0 counts nothing, even where it holds NaN
}

// RowRange returns rows lo to hi, hi excluded, sharing memory with t.
func (t Targets[F]) RowRange(lo, hi int) Targets[F] {
	if t.Dense.V != nil {
		t.Dense = t.Dense.RowRange(lo, hi)
	}
	if t.Class != nil {
		t.Class = t.Class[lo:hi]
	}
	if t.Weight != nil {
		t.Weight = t.Weight[lo:hi]
	}
	return t
}

// An Activation is an element-wise nonlinearity s (section 2).
type Activation int

// The activations. Their derivatives are functions of the output h = s(a).
const (
	Linear   Activation = iota // a; s′ = 1
	Tanh                       // s′ = 1 − h²; s″ = −2h(1 − h²)
	Logistic                   // 1/(1+e⁻ᵃ); s′ = h(1 − h); s″ = h(1 − h)(1 − 2h)
	ReLU                       // max(0, a); s′ = 1 where h > 0; s″ = 0
)
