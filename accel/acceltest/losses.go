package acceltest

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"

	"curvestream/accel"
)

var lossNames = map[accel.Loss]string{
	accel.SquaredError: "squared error", accel.LogisticCrossEntropy: "logistic", accel.SoftmaxCrossEntropy: "softmax",
	accel.LogisticSquaredError: "logistic squared error", accel.LogisticSquaredError.Shows(accel.Dropped): "logistic squared error, dropped",
	accel.TanhSquaredError: "tanh squared error", accel.TanhSquaredError.Shows(accel.Shifted): "tanh squared error, shifted",
}

// lossCases are the output stage for all losses (table 2), with dense targets and with classes, with and without weights,
// and with outputs far from 0.
func lossCases[F accel.Float]() []Case[F] {
	var cases []Case[F]
	for _, loss := range slices.Sorted(maps.Keys(lossNames)) {
		for _, size := range sizes {
			if size.cols == 0 {
				continue
			}
			for variant := range 4 {
				weighted, classes := variant&1 != 0, variant&2 != 0
				if classes && loss != accel.SoftmaxCrossEntropy {
					continue
				}
				cases = append(cases, lossCase[F](loss, size.rows, size.cols, weighted, classes)...)
			}
		}
	}
	return cases
}

// lossCase returns the four operations of one loss.
func lossCase[F accel.Float](loss accel.Loss, rows, cols int, weighted, classes bool) []Case[F] {
	name := fmt.Sprintf("/%s/%dx%d/weighted=%t,classes=%t", lossNames[loss], rows, cols, weighted, classes)
	n := int64(rows) * int64(cols)
	z := Shape{Rows: rows, Cols: cols, Pad: 1, Value: func(r *rand.Rand) float64 { return r.NormFloat64() * math.Exp2(float64(r.IntN(7))) }}
	p := Shape{Rows: rows, Cols: cols, Pad: 1, Value: func(r *rand.Rand) float64 { return r.Float64() }}
	t := Shape{Rows: rows, Cols: cols, Pad: 2, Value: func(r *rand.Rand) float64 { return float64(r.IntN(5)) / 4 }}
	targets := func(m accel.Mat[F]) accel.Targets[F] { return makeTargets(m, weighted, classes) }
	terms := float64(cols) + 6
	return []Case[F]{{
		Name: "Predict" + name, Mats: []Shape{z}, FLOPs: n, Terms: terms,
		Do: func(_ accel.Backend[F], s accel.Stream[F], m []accel.Mat[F]) []float64 {
			s.Predict(loss, m[0])
			return nil
		},
	}, {
		Name: "LossSums" + name, Mats: []Shape{z, t}, FLOPs: 3 * n, Terms: terms + float64(rows),
		Do: func(_ accel.Backend[F], s accel.Stream[F], m []accel.Mat[F]) []float64 {
			sums, owner := []float64{0.5, 0, 0}, make([]int32, rows)
			for i := range owner {
				owner[i] = int32(i * i % 3)
			}
			s.LossSums(loss, m[0], targets(m[1]), owner, sums)
			return sums
		},
	}, {
		Name: "LossGradient" + name, Mats: []Shape{p, t}, FLOPs: 2 * n, Terms: 4,
		Do: func(_ accel.Backend[F], s accel.Stream[F], m []accel.Mat[F]) []float64 {
			s.LossGradient(loss, m[0], targets(m[1]))
			return nil
		},
	}, {
		Name: "LossCurvature" + name, Mats: []Shape{p, t, {Rows: rows, Cols: cols, Pad: 3}}, FLOPs: 4 * n, Terms: terms,
		Do: func(_ accel.Backend[F], s accel.Stream[F], m []accel.Mat[F]) []float64 {
			s.LossCurvature(loss, m[0], targets(m[1]), m[2])
			return nil
		},
	}}
}

// makeTargets returns the rows of m as targets, or classes in their place, with weights 0, 1 and others.
func makeTargets[F accel.Float](m accel.Mat[F], weighted, classes bool) accel.Targets[F] {
	var t accel.Targets[F]
	if classes {
		t.Class = make([]int32, m.Rows)
		for i := range t.Class {
			t.Class[i] = int32((i*7 + 3) % m.Cols)
		}
	} else {
		t.Dense = m
	}
	if weighted {
		t.Weight = make([]F, m.Rows)
		for i := range t.Weight {
			t.Weight[i] = F(i%4) / 2
		}
	}
	return t
}
