package bench

import (
	"fmt"
	"math"

	"curvestream/accel"
	"curvestream/nn"
)

// A stream is an endless sequence of numbers with a name: uniform on the multiples of 2⁻²³ in [−1, 1), so that they are exact in
// float32. They are splitmix64's, whose state starts at the FNV-1a hash of the name; benchmarks/peers/README.md defines them
// for other languages.
type stream struct{ state uint64 }

func newStream(seed int, name string) *stream {
	state := uint64(0xCBF29CE484222325)
	for _, b := range []byte(fmt.Sprintf("%d.%s", seed, name)) {
		state = (state ^ uint64(b)) * 0x100000001B3
	}
	return &stream{state}
}

func (s *stream) next() float64 {
	s.state += 0x9E3779B97F4A7C15
	z := s.state
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return float64((z^z>>31)>>40)/(1<<23) - 1
}

// fill sets x to the next numbers times a factor.
func fill[F accel.Float](s *stream, factor float64, x []F) {
	for i := range x {
		x[i] = F(s.next() * factor)
	}
}

// batch returns the data of a problem: inputs of variance 1, and targets in the range of the loss.
func batch[F accel.Float](p Problem) *nn.Batch[F] {
	b := &nn.Batch[F]{In: p.inputs(), Out: p.outputs(), Form: nn.Last, WeightSum: float64(p.Batch),
		Offset: []int{0}, Dense: make([]F, p.rows()*p.inputs()), ID: make([]string, p.Batch)}
	if p.outputRows() != p.Batch {
		b.Form = nn.Each
	}
	for column := range p.Batch {
		b.Lengths = append(b.Lengths, p.steps())
		b.Position = append(b.Position, column)
	}
	for range p.steps() {
		b.Active = append(b.Active, p.Batch)
		b.Offset = append(b.Offset, b.Rows()+p.Batch)
	}
	fill(newStream(p.Seed, "x"), math.Sqrt(3), b.Dense)
	u := newStream(p.Seed, "target")
	if p.Loss == "softmax_cross_entropy" {
		for range p.outputRows() {
			b.Class = append(b.Class, largest(u, p.outputs()))
		}
		return b
	}
	b.Target = make([]F, p.outputRows()*p.outputs())
	for i := range b.Target {
		b.Target[i] = F(u.next())
		if p.Loss == "logistic_cross_entropy" {
			b.Target[i] = (b.Target[i] + 1) / 2
		}
	}
	return b
}

// largest returns where the first of the largest of the next n numbers is.
func largest(s *stream, n int) int32 {
	best, at := math.Inf(-1), 0
	for i := range n {
		if x := s.next(); x > best {
			best, at = x, i
		}
	}
	return int32(at)
}

// parameters returns a vector of θ's shape: the stream of each parameter is named kind, a dot, and its name. Weights have the
// variance 1/fan-in; others are within ±0.1.
func parameters[F accel.Float](p Problem, layout nn.Layout, kind string) []F {
	x := make([]F, layout.Len())
	for _, param := range layout {
		factor := 0.1
		if param.Decays() {
			factor = math.Sqrt(3 / float64(param.Cols))
		}
		fill(newStream(p.Seed, kind+"."+param.Name), factor, x[param.Off:param.Off+param.Size()])
	}
	return x
}
