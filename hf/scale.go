package hf

import "curvestream/accel"

// Interpolation moves a diagonal towards the identity, or towards diag(Settings.Scale): (d + κs)^ξ (sections 8.3 and 11.2).
type Interpolation struct {
	Xi          float64 // ξ; zero means 1. Only with 1 are steps the same whatever f is multiplied by
	Kappa       float64 // κ; zero means 0
	KappaOfMean float64 // added to κ after multiplication by the mean of d; zero means 1e-2 (section 13), a negative value 0
}

func (i Interpolation) withDefaults() Interpolation {
	i.Xi = orDefault(i.Xi, 1)
	i.KappaOfMean = orDefault(i.KappaOfMean, 1e-2)
	return i
}

// Scaled is the Damper with D = diag(Scale), all elements of which are positive (section 8.3).
type Scaled[F accel.Float] struct {
	Lambda float64
	Scale  accel.Vector[F]
	Work   accel.Vector[F] // scratch, like Scale
}

var _ Damper[float64] = Scaled[float64]{}

// AddProduct implements Damper.
func (s Scaled[F]) AddProduct(dst, v accel.Vector[F]) {
	s.Work.Copy(v)
	s.Work.Mul(s.Scale)
	dst.Add(s.Lambda, s.Work)
}

// AddDiagonal implements Damper.
func (s Scaled[F]) AddDiagonal(d accel.Vector[F]) { d.Add(s.Lambda, s.Scale) }

// Penalty implements Damper.
func (s Scaled[F]) Penalty(delta accel.Vector[F], _ float64) float64 {
	s.Work.Copy(delta)
	s.Work.Mul(s.Scale)
	return s.Lambda / 2 * s.Work.Dot(delta)
}

// Proportional is the Damper with D = B (section 8.3): the damped matrix is (1+λ)B.
type Proportional[F accel.Float] struct{ Lambda float64 }

var _ Damper[float64] = Proportional[float64]{}

// AddProduct implements Damper.
func (p Proportional[F]) AddProduct(dst, _ accel.Vector[F]) { dst.Scale(1 + p.Lambda) }

// AddDiagonal implements Damper.
func (p Proportional[F]) AddDiagonal(d accel.Vector[F]) { d.Scale(1 + p.Lambda) }

// Penalty implements Damper.
func (p Proportional[F]) Penalty(_ accel.Vector[F], energy float64) float64 {
	return energy * p.Lambda / (1 + p.Lambda)
}

// damper returns the penalty of strength λ. That of DampDiagonal is made from o.d, which it leaves alone.
func (o *Optimizer[F]) damper(lambda float64) Damper[F] {
	switch s := o.settings; {
	case s.Damping == DampCurvature:
		return Proportional[F]{Lambda: lambda}
	case s.Damping == DampDiagonal:
		o.penalty.Copy(o.d)
		i := s.DampingShape
		soften(o.penalty, o.scale, o.losses.trial, i.Kappa, i.KappaOfMean, i.Xi)
		return Scaled[F]{Lambda: lambda, Scale: o.penalty, Work: o.losses.trial}
	case s.Damping == DampTikhonov && o.scale != nil:
		return Scaled[F]{Lambda: lambda, Scale: o.scale, Work: o.losses.trial}
	}
	return Tikhonov[F]{Lambda: lambda}
}
