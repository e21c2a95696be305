package cpu

import "curvestream/accel"

// Losses that do the output's nonlinearity themselves and so are not convex (section 6.3) are rare: plain code for all processors.

// outputLoss returns ½‖s(z) − t‖².
func (s *Stream[F]) outputLoss(loss accel.Loss, z, t []F) float64 {
	p := grow(&s.scratch.row, len(z))
	copy(p, z)
	s.kern.activate[loss.Output()](p)
	return squaredError(p, t)
}

// outputGradient sets p to w s′(p − t), row by row.
func outputGradient[F accel.Float](loss accel.Loss, p accel.Mat[F], t accel.Targets[F]) {
	v, dense := look(p), lookTargets(loss, p, t)
	for i := range v.rows {
		row, w := v.row(i), weight(t, i)
		if w == 0 {
			clear(row)
			continue
		}
		for j, tj := range dense.row(i) {
			slope, _ := slopes(loss, row[j])
			row[j] = w * slope * (row[j] - tj)
		}
	}
}

// outputCurvature sets rz to w L″ rz, or to what is shown in the place of L″, row by row.
func outputCurvature[F accel.Float](loss accel.Loss, p accel.Mat[F], t accel.Targets[F], rz accel.Mat[F]) {
	dense := lookTargets(loss, p, t)
	vp, vr, _ := lookTwo(p, rz)
	for i := range vr.rows {
		row, pi, w := vr.row(i), vp.row(i), weight(t, i)
		if w == 0 {
			clear(row)
			continue
		}
		ti := dense.row(i)
		least := F(0)
		if loss.Shown() == accel.Shifted {
			for j := range row {
				least = min(least, bend(loss, pi[j], ti[j]))
			}
		}
		for j := range row {
			c := bend(loss, pi[j], ti[j]) - least
			if loss.Shown() == accel.Dropped {
				c = max(c, 0)
			}
			row[j] *= w * c
		}
	}
}

// bend returns s′² + s″(p − t), an element of L″.
func bend[F accel.Float](loss accel.Loss, p, t F) F {
	slope, turn := slopes(loss, p)
	return slope*slope + turn*(p-t)
}

// slopes returns s′ and s″ where the output is p.
func slopes[F accel.Float](loss accel.Loss, p F) (slope, turn F) {
	if loss.Output() == accel.Tanh {
		slope = 1 - p*p
		return slope, -2 * p * slope
	}
	slope = p * (1 - p)
	return slope, slope * (1 - 2*p)
}
