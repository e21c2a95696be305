package cpu

import (
	"math"

	"curvestream/accel"
)

// Predict implements accel.Losses.
func (s *Stream[F]) Predict(loss accel.Loss, z accel.Mat[F]) {
	switch loss.Kind() {
	case accel.LogisticCrossEntropy:
		s.Activate(accel.Logistic, z)
	case accel.LogisticSquaredError, accel.TanhSquaredError:
		s.Activate(loss.Output(), z)
	case accel.SoftmaxCrossEntropy:
		v := look(z)
		for i := range v.rows {
			s.softmax(v.row(i))
		}
	}
}

// softmax sets z = softmax(z).
func (s *Stream[F]) softmax(z []F) {
	s.kern.expShifted(highest(z), z)
	s.kern.scale(F(1/s.kern.sum(z)), z)
}

// highest returns the largest element, or NaN where there is one.
func highest[F accel.Float](z []F) F {
	top := z[0]
	for _, zj := range z {
		top = max(top, zj)
	}
	return top
}

// LossSums implements accel.Losses. A row of weight 0 counts nothing, whatever it holds.
func (s *Stream[F]) LossSums(loss accel.Loss, z accel.Mat[F], t accel.Targets[F], owner []int32, sums []float64) {
	v, dense := look(z), lookTargets(loss, z, t)
	for i := range v.rows {
		w := weight(t, i)
		if w == 0 {
			continue
		}
		sums[owner[i]] += float64(w) * s.rowLoss(loss, v.row(i), dense, t.Class, i)
	}
}

// rowLoss returns L of one output vector (table 2).
func (s *Stream[F]) rowLoss(loss accel.Loss, z []F, dense view[F], class []int32, i int) float64 {
	switch {
	case loss == accel.SquaredError:
		return squaredError(z, dense.row(i))
	case loss == accel.LogisticCrossEntropy:
		return s.logisticLoss(z, dense.row(i))
	case !loss.Convex():
		return s.outputLoss(loss, z, dense.row(i))
	case class != nil:
		return s.logSumExp(z) - float64(z[class[i]])
	}
	lse := s.logSumExp(z)
	var sum float64
	for j, tj := range dense.row(i) {
		if tj != 0 {
			sum += float64(tj) * (lse - float64(z[j]))
		}
	}
	return sum
}

// squaredError returns ½‖z − t‖².
func squaredError[F accel.Float](z, t []F) float64 {
	var sum float64
	for j, zj := range z {
		d := float64(zj) - float64(t[j])
		sum += d * d
	}
	return sum / 2
}

// logisticLoss returns Σ −t log σ(z) − (1−t) log(1−σ(z)). Terms are of F, their sum is float64.
func (s *Stream[F]) logisticLoss(z, t []F) float64 {
	terms := grow(&s.scratch.row, len(z))
	s.kern.crossEntropy(terms, z, t)
	return s.kern.sum(terms)
}

// logSumExp returns log Σ exp z.
func (s *Stream[F]) logSumExp(z []F) float64 {
	terms, top := grow(&s.scratch.row, len(z)), highest(z)
	copy(terms, z)
	s.kern.expShifted(top, terms)
	return float64(top) + math.Log(s.kern.sum(terms))
}

// LossGradient implements accel.Losses. A row of weight 0 becomes 0, whatever it holds.
func (s *Stream[F]) LossGradient(loss accel.Loss, p accel.Mat[F], t accel.Targets[F]) {
	switch {
	case !loss.Convex():
		outputGradient(loss, p, t)
		return
	case t.Weight == nil && t.Class == nil:
		s.AddMat(p, -1, t.Dense)
		return
	}
	v, dense := look(p), lookTargets(loss, p, t)
	for i := range v.rows {
		row, w := v.row(i), weight(t, i)
		if w == 0 {
			clear(row)
			continue
		}
		if t.Class != nil {
			row[t.Class[i]]--
		} else {
			s.kern.axpy(-1, dense.row(i), row)
		}
		if w != 1 {
			s.kern.scale(w, row)
		}
	}
}

// LossCurvature implements accel.Losses. A row of weight 0 becomes 0, whatever it holds.
func (s *Stream[F]) LossCurvature(loss accel.Loss, p accel.Mat[F], t accel.Targets[F], rz accel.Mat[F]) {
	switch {
	case !loss.Convex():
		outputCurvature(loss, p, t, rz)
		return
	case t.Weight == nil && loss == accel.SquaredError:
		return
	case t.Weight == nil && loss == accel.LogisticCrossEntropy:
		s.MulDerivative(accel.Logistic, rz, p)
		return
	}
	vp, vr, _ := lookTwo(p, rz)
	for i := range vr.rows {
		row, w := vr.row(i), weight(t, i)
		if w == 0 {
			clear(row)
			continue
		}
		switch loss {
		case accel.LogisticCrossEntropy:
			s.kern.mulDerivative[accel.Logistic](row, vp.row(i))
		case accel.SoftmaxCrossEntropy:
			s.kern.shift(F(-s.kern.dot(vp.row(i), row)), row)
			s.kern.mul(row, vp.row(i))
		}
		if w != 1 {
			s.kern.scale(w, row)
		}
	}
}

// weight returns the weight of row i.
func weight[F accel.Float](t accel.Targets[F], i int) F {
	if t.Weight == nil {
		return 1
	}
	return t.Weight[i]
}

// lookTargets returns a view of dense targets and panics unless the targets fit the outputs z.
func lookTargets[F accel.Float](loss accel.Loss, z accel.Mat[F], t accel.Targets[F]) view[F] {
	if t.Weight != nil && len(t.Weight) != z.Rows {
		panic("cpu: one weight a row is needed")
	}
	if t.Class != nil {
		if loss != accel.SoftmaxCrossEntropy || len(t.Class) != z.Rows {
			panic("cpu: classes go with softmax, one a row")
		}
		return view[F]{}
	}
	checkShape(z, t.Dense)
	return look(t.Dense)
}
