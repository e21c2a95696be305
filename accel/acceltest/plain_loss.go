package acceltest

import (
	"math"

	"curvestream/accel"
)

func (s plain[F]) Predict(loss accel.Loss, z accel.Mat[F]) {
	switch loss.Kind() {
	case accel.LogisticCrossEntropy:
		s.Activate(accel.Logistic, z)
	case accel.LogisticSquaredError, accel.TanhSquaredError:
		s.Activate(loss.Output(), z)
	case accel.SoftmaxCrossEntropy:
		for i := range z.Rows {
			softmax(z, i)
		}
	}
}

func (plain[F]) LossSums(loss accel.Loss, z accel.Mat[F], t accel.Targets[F], owner []int32, sums []float64) {
	for i := range z.Rows {
		var l float64
		for j := range z.Cols {
			zj, tj := float64(*at(z, i, j)), float64(target(t, i, j))
			switch loss.Kind() {
			case accel.SquaredError:
				l += (zj - tj) * (zj - tj) / 2
			case accel.LogisticCrossEntropy: // −log σ(z) = log(1+e⁻ᶻ)
				l += tj*softplus(-zj) + (1-tj)*softplus(zj)
			case accel.SoftmaxCrossEntropy:
				l += tj * (logSumExp(z, i) - zj)
			case accel.LogisticSquaredError:
				l += (1/(1+math.Exp(-zj)) - tj) * (1/(1+math.Exp(-zj)) - tj) / 2
			case accel.TanhSquaredError:
				l += (math.Tanh(zj) - tj) * (math.Tanh(zj) - tj) / 2
			}
		}
		if w := weight(t, i); w != 0 {
			sums[owner[i]] += float64(w) * l
		}
	}
}

// softplus returns log(1+eˣ).
func softplus(x float64) float64 { return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }

// softmax sets row i of z to its softmax.
func softmax[F accel.Float](z accel.Mat[F], i int) {
	top := rowMax(z, i)
	var sum float64
	for j := range z.Cols {
		sum += math.Exp(float64(*at(z, i, j)) - top)
	}
	for j := range z.Cols {
		*at(z, i, j) = F(math.Exp(float64(*at(z, i, j))-top) / sum)
	}
}

// logSumExp returns log Σ exp of row i.
func logSumExp[F accel.Float](z accel.Mat[F], i int) float64 {
	top := rowMax(z, i)
	var sum float64
	for j := range z.Cols {
		sum += math.Exp(float64(*at(z, i, j)) - top)
	}
	return top + math.Log(sum)
}

func rowMax[F accel.Float](z accel.Mat[F], i int) float64 {
	top := math.Inf(-1)
	for j := range z.Cols {
		top = max(top, float64(*at(z, i, j)))
	}
	return top
}

func (plain[F]) LossGradient(loss accel.Loss, p accel.Mat[F], t accel.Targets[F]) {
	each(p, func(i, j int) {
		pj := *at(p, i, j)
		g := pj - target(t, i, j)
		switch loss.Kind() {
		case accel.LogisticSquaredError:
			g *= pj * (1 - pj)
		case accel.TanhSquaredError:
			g *= 1 - pj*pj
		}
		*at(p, i, j) = weighted(weight(t, i), g)
	})
}

// curvature returns element (j, j) of L″ of row i, for the losses that are not convex, before anything is made of it.
func curvature[F accel.Float](loss accel.Loss, p accel.Mat[F], t accel.Targets[F], i, j int) F {
	pj := *at(p, i, j)
	d := pj - target(t, i, j)
	if loss.Kind() == accel.TanhSquaredError {
		return (1 - pj*pj) * (1 - pj*pj - 2*pj*d)
	}
	return pj * (1 - pj) * (pj*(1-pj) + (1-2*pj)*d)
}

func (plain[F]) LossCurvature(loss accel.Loss, p accel.Mat[F], t accel.Targets[F], rz accel.Mat[F]) {
	for i := range p.Rows {
		var mean, least F // Σ p rz, and the least eigenvalue of L″ or 0
		for j := range p.Cols {
			mean += *at(p, i, j) * *at(rz, i, j)
			if !loss.Convex() {
				least = min(least, curvature(loss, p, t, i, j))
			}
		}
		for j := range p.Cols {
			pj, x := *at(p, i, j), at(rz, i, j)
			switch loss.Kind() {
			case accel.LogisticCrossEntropy:
				*x *= pj * (1 - pj)
			case accel.SoftmaxCrossEntropy:
				*x = pj * (*x - mean)
			case accel.LogisticSquaredError, accel.TanhSquaredError:
				c := curvature(loss, p, t, i, j)
				switch loss.Shown() {
				case accel.Dropped:
					c = max(c, 0)
				case accel.Shifted:
					c -= least
				}
				*x *= c
			}
			*x = weighted(weight(t, i), *x)
		}
	}
}

// weighted returns w·x, and 0 for weight 0, whatever x is.
func weighted[F accel.Float](w, x F) F {
	if w == 0 {
		return 0
	}
	return w * x
}

func weight[F accel.Float](t accel.Targets[F], i int) F {
	if t.Weight == nil {
		return 1
	}
	return t.Weight[i]
}

// target returns element (i, j) of the targets: of one-hot rows where they are classes.
func target[F accel.Float](t accel.Targets[F], i, j int) F {
	if t.Class == nil {
		return *at(t.Dense, i, j)
	}
	if int(t.Class[i]) == j {
		return 1
	}
	return 0
}
