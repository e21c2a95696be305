package acceltest

import (
	"fmt"
	"math"

	"curvestream/accel"
)

// plainBackend computes by the loops that define each operation: one element at a time, single-threaded, in the host's
// memory.
type plainBackend[F accel.Float] struct{}

// plainOperand is op(W), copied.
type plainOperand[F accel.Float] struct{ w accel.Mat[F] }

func (o plainOperand[F]) Size() (rows, cols int) { return o.w.Rows, o.w.Cols }

func (plainBackend[F]) Name() string { return "plain" }
func (plainBackend[F]) NewVector(n int) (accel.Vector[F], error) {
	if n < 0 {
		return nil, fmt.Errorf("acceltest: a vector of %d elements", n)
	}
	return make(accel.Slice[F], n), nil
}

func (plainBackend[F]) FromHost(src []F) (accel.Vector[F], error) { return accel.Slice[F](src), nil }
func (plainBackend[F]) Shards(int) int                            { return 1 }

func (plainBackend[F]) Prepare(w accel.Mat[F], trans bool, _ accel.Operand[F]) (accel.Operand[F], error) {
	rows, cols := w.Rows, w.Cols
	if trans {
		rows, cols = cols, rows
	}
	copied := accel.NewMat[F](make(accel.Slice[F], rows*cols), 0, rows, cols)
	from := gridOf(w, trans)
	each(copied, func(i, j int) { *at(copied, i, j) = from.at(i, j) })
	return plainOperand[F]{copied}, nil
}

func (plainBackend[F]) Run(n int, f func(shard int, s accel.Stream[F]) error) error {
	var first error
	for shard := range n {
		if err := runPlain(shard, f); err != nil && first == nil {
			first = err
		}
	}
	return first
}

func runPlain[F accel.Float](shard int, f func(shard int, s accel.Stream[F]) error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("acceltest: running shard %d: %v", shard, r)
		}
	}()
	return f(shard, plain[F]{})
}

// plain is the stream of a plainBackend.
type plain[F accel.Float] struct{}

// at returns the place of element (i, j) of m.
func at[F accel.Float](m accel.Mat[F], i, j int) *F { return &m.V.(accel.Slice[F])[m.Off+i*m.Stride+j] }

// A grid is op(m): elements with the distances of rows and of columns.
type grid[F accel.Float] struct {
	x        []F
	row, col int
}

func gridOf[F accel.Float](m accel.Mat[F], trans bool) grid[F] {
	g := grid[F]{x: m.V.(accel.Slice[F])[m.Off:], row: m.Stride, col: 1}
	if trans {
		g.row, g.col = g.col, g.row
	}
	return g
}

func (g grid[F]) at(i, j int) F { return g.x[i*g.row+j*g.col] }

// each calls f with each position of m.
func each[F accel.Float](m accel.Mat[F], f func(i, j int)) {
	for i := range m.Rows {
		for j := range m.Cols {
			f(i, j)
		}
	}
}

func (plain[F]) Sync() error { return nil }

func (plain[F]) GEMM(transA, transB bool, alpha F, a, b accel.Mat[F], beta F, c accel.Mat[F]) {
	k := a.Cols
	if transA {
		k = a.Rows
	}
	ga, gb := gridOf(a, transA), gridOf(b, transB)
	each(c, func(i, j int) {
		var sum F
		for l := range k {
			sum += ga.at(i, l) * gb.at(l, j)
		}
		if beta == 0 {
			*at(c, i, j) = alpha * sum
		} else {
			*at(c, i, j) = alpha*sum + beta**at(c, i, j)
		}
	})
}

func (s plain[F]) MulPrepared(a accel.Mat[F], w accel.Operand[F], beta F, c accel.Mat[F]) {
	s.GEMM(false, false, 1, a, w.(plainOperand[F]).w, beta, c)
}

func (plain[F]) GatherColumns(x accel.Sparse[F], w, c accel.Mat[F]) {
	each(c, func(i, o int) {
		for k := x.Ptr[i]; k < x.Ptr[i+1]; k++ {
			*at(c, i, o) += value(x, k) * *at(w, o, int(x.Col[k]))
		}
	})
}

func (plain[F]) ScatterColumns(x accel.Sparse[F], d, dW accel.Mat[F]) {
	each(d, func(i, o int) {
		for k := x.Ptr[i]; k < x.Ptr[i+1]; k++ {
			*at(dW, o, int(x.Col[k])) += value(x, k) * *at(d, i, o)
		}
	})
}

func value[F accel.Float](x accel.Sparse[F], k int32) F {
	if x.Val == nil {
		return 1
	}
	return x.Val[k]
}

func (plain[F]) Fill(a accel.Mat[F], x F) { each(a, func(i, j int) { *at(a, i, j) = x }) }

func (plain[F]) CopyMat(b, a accel.Mat[F]) { each(b, func(i, j int) { *at(b, i, j) = *at(a, i, j) }) }

func (plain[F]) AddMat(b accel.Mat[F], alpha F, a accel.Mat[F]) {
	each(b, func(i, j int) { *at(b, i, j) += alpha * *at(a, i, j) })
}

func (plain[F]) AddRow(c, r accel.Mat[F]) { each(c, func(i, j int) { *at(c, i, j) += *at(r, 0, j) }) }

func (plain[F]) AddSumOfRows(r, c accel.Mat[F]) {
	each(c, func(i, j int) { *at(r, 0, j) += *at(c, i, j) })
}

func (plain[F]) AddSquares(b accel.Mat[F], alpha F, a accel.Mat[F]) {
	each(b, func(i, j int) { *at(b, i, j) += alpha * *at(a, i, j) * *at(a, i, j) })
}

func (plain[F]) MulMat(b, a accel.Mat[F]) { each(b, func(i, j int) { *at(b, i, j) *= *at(a, i, j) }) }

func (plain[F]) Hadamard(alpha F, a, b accel.Mat[F], beta F, c accel.Mat[F]) {
	each(c, func(i, j int) {
		ab := alpha * *at(a, i, j) * *at(b, i, j)
		if beta != 0 {
			ab += beta * *at(c, i, j)
		}
		*at(c, i, j) = ab
	})
}

func (plain[F]) Activate(act accel.Activation, h accel.Mat[F]) {
	each(h, func(i, j int) {
		x := at(h, i, j)
		*x = F(activation(act, float64(*x)))
	})
}

func (plain[F]) MulDerivative(act accel.Activation, d, h accel.Mat[F]) {
	each(d, func(i, j int) { *at(d, i, j) *= derivative(act, *at(h, i, j)) })
}

func (plain[F]) AddSecondDerivative(act accel.Activation, rd, d, h, ra accel.Mat[F]) {
	each(d, func(i, j int) {
		*at(rd, i, j) += *at(d, i, j) * secondDerivative(act, *at(h, i, j)) * *at(ra, i, j)
	})
}

func (plain[F]) AddScaledDerivative(act accel.Activation, b accel.Mat[F], alpha F, a, h accel.Mat[F]) {
	each(b, func(i, j int) { *at(b, i, j) += alpha * derivative(act, *at(h, i, j)) * *at(a, i, j) })
}

// activation returns s(a) (section 2).
func activation(act accel.Activation, a float64) float64 {
	switch act {
	case accel.Tanh:
		return math.Tanh(a)
	case accel.Logistic:
		return math.Exp(min(a, 0)) / (1 + math.Exp(-math.Abs(a)))
	case accel.ReLU:
		return max(0, a)
	}
	return a
}

// derivative returns s′ at the input whose output is h.
func derivative[F accel.Float](act accel.Activation, h F) F {
	switch {
	case act == accel.Tanh:
		return 1 - h*h
	case act == accel.Logistic:
		return h * (1 - h)
	case act == accel.ReLU && !(h > 0):
		return 0
	}
	return 1
}

// secondDerivative returns s″ at the input whose output is h.
func secondDerivative[F accel.Float](act accel.Activation, h F) F {
	switch act {
	case accel.Tanh:
		return -2 * h * (1 - h*h)
	case accel.Logistic:
		return h * (1 - h) * (1 - 2*h)
	}
	return 0
}
