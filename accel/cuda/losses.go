package cuda

import "curvestream/accel"

// rowsOfBlock is WARPS of losses.cu: a warp has one row.
const rowsOfBlock = blockLength / 32

// eachRow launches a kernel with a warp for each row of m.
func (s *Stream[F]) eachRow(kernel string, m accel.Mat[F], args ...arg) {
	if m.Cols == 0 {
		return
	}
	s.b.launchGrid(kernel, [3]uint32{uint32((m.Rows + rowsOfBlock - 1) / rowsOfBlock), 1, 1}, blockLength, append(args, integer(m.Rows), integer(m.Cols))...)
}

// targets returns targets as arguments: dense ones with their stride, classes, weights.
func (s *Stream[F]) targets(t accel.Targets[F]) (dense view, class, weight arg) {
	if t.Class == nil {
		dense = s.look(t.Dense)
	}
	return dense, upload(s, t.Class), upload(s, t.Weight)
}

// Predict implements accel.Losses.
func (s *Stream[F]) Predict(loss accel.Loss, z accel.Mat[F]) {
	switch loss.Kind() {
	case accel.LogisticCrossEntropy:
		s.Activate(accel.Logistic, z)
	case accel.SoftmaxCrossEntropy:
		vz := s.look(z)
		s.eachRow("softmax", z, vz.address, vz.stride)
	default:
		s.Activate(loss.Output(), z)
	}
}

// LossSums implements accel.Losses: the loss of each row comes to the host, where Sync adds them up in the order of rows.
func (s *Stream[F]) LossSums(loss accel.Loss, z accel.Mat[F], t accel.Targets[F], owner []int32, sums []float64) {
	if z.Rows == 0 || z.Cols == 0 {
		return
	}
	vz := s.look(z)
	dense, class, weight := s.targets(t)
	losses := s.scratch(int64(z.Rows) * 8)
	s.eachRow("loss_rows", z, integer(int(loss.Kind())), losses, vz.address, vz.stride, dense.address, dense.stride, class, weight)
	host := s.download(losses, int64(z.Rows)*8)
	owner = append([]int32(nil), owner[:z.Rows]...)
	s.atSync = append(s.atSync, func() {
		for i, l := range host() {
			sums[owner[i]] += l
		}
	})
}

// LossGradient implements accel.Losses.
func (s *Stream[F]) LossGradient(loss accel.Loss, p accel.Mat[F], t accel.Targets[F]) {
	if p.Rows == 0 || p.Cols == 0 {
		return
	}
	vp := s.look(p)
	dense, class, weight := s.targets(t)
	s.each("loss_gradient", p, integer(int(loss.Kind())), vp.address, vp.stride, dense.address, dense.stride, class, weight)
}

// LossCurvature implements accel.Losses.
func (s *Stream[F]) LossCurvature(loss accel.Loss, p accel.Mat[F], t accel.Targets[F], rz accel.Mat[F]) {
	if p.Rows == 0 || p.Cols == 0 {
		return
	}
	vp, vrz := s.look(p), s.like(p, rz)
	dense, class, weight := s.targets(t)
	s.eachRow("loss_curvature", p, integer(int(loss.Kind())), integer(int(loss.Shown())), vp.address, vp.stride, dense.address, dense.stride, class, weight, vrz.address, vrz.stride)
}
