package acceltest

import (
	"fmt"
	"math"
	"math/rand/v2"

	"curvestream/accel"
)

// pointwiseCases touch each element once, in dense and in strided matrices whose rows are shorter and longer than the
// registers of any processor.
func pointwiseCases[F accel.Float]() []Case[F] {
	type operation struct {
		name     string
		operands int
		flops    int64
		do       func(s accel.Stream[F], m []accel.Mat[F])
	}
	operations := []operation{
		{"Fill", 1, 0, func(s accel.Stream[F], m []accel.Mat[F]) { s.Fill(m[0], 2.5) }},
		{"CopyMat", 2, 0, func(s accel.Stream[F], m []accel.Mat[F]) { s.CopyMat(m[0], m[1]) }},
		{"AddMat", 2, 2, func(s accel.Stream[F], m []accel.Mat[F]) { s.AddMat(m[0], -1.25, m[1]) }},
		{"AddSquares", 2, 3, func(s accel.Stream[F], m []accel.Mat[F]) { s.AddSquares(m[0], 0.75, m[1]) }},
		{"MulMat", 2, 1, func(s accel.Stream[F], m []accel.Mat[F]) { s.MulMat(m[0], m[1]) }},
		{"Hadamard/set", 3, 2, func(s accel.Stream[F], m []accel.Mat[F]) { s.Hadamard(-1.25, m[0], m[1], 0, m[2]) }},
		{"Hadamard/add", 3, 3, func(s accel.Stream[F], m []accel.Mat[F]) { s.Hadamard(0.75, m[0], m[1], 1, m[2]) }},
		{"Hadamard/scale", 2, 4, func(s accel.Stream[F], m []accel.Mat[F]) { s.Hadamard(0.75, m[0], m[0], -0.5, m[1]) }},
	}
	for i, name := range activationNames {
		act := accel.Activation(i)
		operations = append(operations,
			operation{"MulDerivative/" + name, 2, 3, func(s accel.Stream[F], m []accel.Mat[F]) { s.MulDerivative(act, m[0], m[1]) }},
			operation{"AddSecondDerivative/" + name, 4, 7, func(s accel.Stream[F], m []accel.Mat[F]) { s.AddSecondDerivative(act, m[0], m[1], m[2], m[3]) }},
			operation{"AddScaledDerivative/" + name, 3, 5, func(s accel.Stream[F], m []accel.Mat[F]) { s.AddScaledDerivative(act, m[0], 0.375, m[1], m[2]) }})
	}
	var cases []Case[F]
	for _, op := range operations {
		for _, size := range sizes {
			for _, pad := range []int{0, 3} {
				cases = append(cases, Case[F]{
					Name:  fmt.Sprintf("%s/%dx%d/pad%d", op.name, size.rows, size.cols, pad),
					Mats:  repeatShape(op.operands, Shape{Rows: size.rows, Cols: size.cols, Pad: pad}),
					FLOPs: op.flops * int64(size.rows) * int64(size.cols), Terms: 4,
					Do: func(_ accel.Backend[F], s accel.Stream[F], m []accel.Mat[F]) []float64 { op.do(s, m); return nil },
				})
			}
		}
	}
	return append(cases, rowCases[F]()...)
}

var activationNames = []string{accel.Linear: "linear", accel.Tanh: "tanh", accel.Logistic: "logistic", accel.ReLU: "relu"}

var sizes = []struct{ rows, cols int }{{0, 3}, {3, 0}, {1, 1}, {1, 2}, {5, 3}, {2, 10}, {3, 30}, {1, 63}, {7, 65}, {2, 127}, {3, 129}, {1, 500}}

func repeatShape(n int, s Shape) []Shape {
	var all []Shape
	for range n {
		all = append(all, s)
	}
	return all
}

// rowCases add a row to a matrix and the rows of a matrix to a row.
func rowCases[F accel.Float]() []Case[F] {
	var cases []Case[F]
	for _, size := range sizes {
		n := int64(size.rows) * int64(size.cols)
		shapes := []Shape{{Rows: size.rows, Cols: size.cols, Pad: 2}, {Rows: 1, Cols: size.cols}}
		cases = append(cases, Case[F]{
			Name: fmt.Sprintf("AddRow/%dx%d", size.rows, size.cols), Mats: shapes, FLOPs: n, Terms: 2,
			Do: func(_ accel.Backend[F], s accel.Stream[F], m []accel.Mat[F]) []float64 {
				s.AddRow(m[0], m[1])
				return nil
			},
		}, Case[F]{
			Name: fmt.Sprintf("AddSumOfRows/%dx%d", size.rows, size.cols), Mats: shapes, FLOPs: n, Terms: float64(size.rows) + 2,
			Do: func(_ accel.Backend[F], s accel.Stream[F], m []accel.Mat[F]) []float64 {
				s.AddSumOfRows(m[1], m[0])
				return nil
			},
		})
	}
	return cases
}

// activationCases go over the whole range: usual inputs, tiny ones, saturated ones, infinities and NaN. Terms is the error
// in units of F's spacing at 1; the error in ulp over all of the range is tested beside the kernels.
func activationCases[F accel.Float]() []Case[F] {
	ranges := []struct {
		name  string
		value func(r *rand.Rand) float64
	}{
		{"usual", func(r *rand.Rand) float64 { return 1.5 * r.NormFloat64() }},
		{"tiny", func(r *rand.Rand) float64 { return 1e-30 * r.NormFloat64() }},
		{"wide", func(r *rand.Rand) float64 { return 40 * r.NormFloat64() }},
		{"special", func(r *rand.Rand) float64 { return special[r.IntN(len(special))] }},
		{"negative", func(r *rand.Rand) float64 { return -100 * r.Float64() }},
	}
	var cases []Case[F]
	for act, name := range activationNames {
		for _, inputs := range ranges {
			for _, size := range sizes {
				cases = append(cases, Case[F]{
					Name:  fmt.Sprintf("Activate/%s/%s/%dx%d", name, inputs.name, size.rows, size.cols),
					Mats:  []Shape{{Rows: size.rows, Cols: size.cols, Pad: size.rows % 2, Value: inputs.value}},
					FLOPs: int64(size.rows) * int64(size.cols), Terms: 5,
					Do: func(_ accel.Backend[F], s accel.Stream[F], m []accel.Mat[F]) []float64 {
						s.Activate(accel.Activation(act), m[0])
						return nil
					},
				})
			}
		}
	}
	return cases
}

var special = []float64{0, math.Copysign(0, -1), math.NaN(), math.Inf(1), math.Inf(-1), 1, -1, 1e-40, -1e-45, 1e30, -1e30, 88.5, -88.5, -104, 9.1}
