package hf

import (
	"context"
	"math"

	"curvestream/accel"

	"gonum.org/v1/gonum/mat"
)

// A subspace has an orthonormal basis V and the products BV. Its vectors are used again by the next one.
type subspace[F accel.Float] struct {
	v, bv []accel.Vector[F]
	pool  []accel.Vector[F]
	used  int
}

// span makes the subspace of P⁻¹b, (P⁻¹A)P⁻¹b, … of size vectors, and of previous, where that is not 0 and not in it. It ends
// earlier where the Krylov subspace is complete.
func (s *subspace[F]) span(ctx context.Context, A Operator[F], P Preconditioner[F], b, previous accel.Vector[F], size int) error {
	s.v, s.bv, s.used = s.v[:0], s.bv[:0], 0
	next := b
	for len(s.v) < size {
		v := s.vector(b)
		if P == nil {
			v.Copy(next)
		} else {
			P.Solve(v, next)
		}
		ok, err := s.add(ctx, A, v)
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		next = s.bv[len(s.bv)-1]
	}
	v := s.vector(b)
	v.Copy(previous)
	_, err := s.add(ctx, A, v)
	return err
}

// add makes v orthogonal to the basis and of length 1, and adds it with its product. It reports false, and adds nothing, where
// v lies in the subspace.
func (s *subspace[F]) add(ctx context.Context, A Operator[F], v accel.Vector[F]) (bool, error) {
	length := math.Sqrt(v.Dot(v))
	if !(length > 0) || !finite(length) {
		return false, nil
	}
	v.Scale(1 / length)
	for range 2 { // once is not enough for orthogonality to rounding
		for _, u := range s.v {
			v.Add(-u.Dot(v), u)
		}
	}
	rest := math.Sqrt(v.Dot(v))
	if rest <= math.Sqrt(unitRoundoff[F]()) {
		return false, nil
	}
	v.Scale(1 / rest)
	bv := s.vector(v)
	s.v, s.bv = append(s.v, v), append(s.bv, bv)
	return true, A.Product(ctx, bv, v)
}

func (s *subspace[F]) vector(like accel.Vector[F]) accel.Vector[F] {
	if s.used == len(s.pool) {
		s.pool = append(s.pool, like.New())
	}
	s.used++
	return s.pool[s.used-1]
}

// curvature returns VᵀBV, or nil where it is not finite.
func (s *subspace[F]) curvature() *mat.SymDense {
	n := len(s.v)
	c := mat.NewSymDense(n, nil)
	for i := range n {
		for j := range i + 1 {
			x := (s.v[i].Dot(s.bv[j]) + s.v[j].Dot(s.bv[i])) / 2
			if !finite(x) {
				return nil
			}
			c.SetSym(i, j, x)
		}
	}
	return c
}

// combine sets x = Va.
func (s *subspace[F]) combine(x accel.Vector[F], a *mat.VecDense) {
	x.Zero()
	for i, v := range s.v {
		x.Add(a.AtVec(i), v)
	}
}

// project returns Vᵀg.
func (s *subspace[F]) project(g accel.Vector[F]) *mat.VecDense {
	p := mat.NewVecDense(len(s.v), nil)
	for i, v := range s.v {
		p.SetVec(i, v.Dot(g))
	}
	return p
}
