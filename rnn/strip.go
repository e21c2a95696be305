package rnn

import (
	"curvestream/accel"
	"curvestream/nn"
)

// A strip holds the values of all nodes of a block, or their like: a matrix for each node. Those of carried nodes begin with the
// entering rows.
type strip[F accel.Float] []accel.Mat[F]

// carveStrip carves a strip with the given rows of carried nodes and of others.
func (s *sweep[F]) carveStrip(a *nn.Arena[F], carried, others int) strip[F] {
	st := make(strip[F], len(s.cell.nodes))
	for i := range st {
		rows := others
		if s.cell.nodes[i].carried() {
			rows = carried
		}
		st[i] = a.Mat(rows, s.cell.nodes[i].width)
	}
	return st
}

// carveAnyStrip carves a strip that fits any block.
func (s *sweep[F]) carveAnyStrip(a *nn.Arena[F]) strip[F] {
	return s.carveStrip(a, s.largest((*block).stripRows), s.largest((*block).rows))
}

// stripElements returns how many elements a strip of the given rows has.
func (r *recurrence) stripElements(carried, others int) int {
	sum := 0
	for i := range r.nodes {
		if r.nodes[i].carried() {
			sum += carried * r.nodes[i].width
		} else {
			sum += others * r.nodes[i].width
		}
	}
	return sum
}

// inside returns the rows of node i of a block, without entering rows.
func (s *sweep[F]) inside(b *block, st strip[F], i int) accel.Mat[F] {
	if s.cell.nodes[i].carried() {
		return inner(b, st[i])
	}
	return st[i].RowRange(0, b.rows())
}

// value returns the first n rows of node i at time-step t, which may be lo−1 where the node is carried.
func (s *sweep[F]) value(b *block, st strip[F], i, t, n int) accel.Mat[F] {
	if s.cell.nodes[i].carried() {
		return step(b, st[i], t, n)
	}
	return s.at(b, st[i], t).RowRange(0, n)
}

// read returns the first n rows of what r reads at time-step t.
func (s *sweep[F]) read(b *block, st strip[F], r ref, t, n int) accel.Mat[F] {
	if r.before {
		t--
	}
	return columns(s.value(b, st, r.node, t, n), r.lo, r.hi)
}

// columns returns columns lo to hi; the whole matrix, where they are all, so that it stays dense.
func columns[F accel.Float](m accel.Mat[F], lo, hi int) accel.Mat[F] {
	if hi-lo == m.Cols {
		return m
	}
	return m.ColRange(lo, hi)
}

// shown returns the rows of a block that outputs read, without entering rows.
func (s *sweep[F]) shown(b *block, st strip[F]) accel.Mat[F] { return s.inside(b, st, s.cell.top) }
