package hf

import "math"

// A Grid says at which CG iterations an iterate is kept, besides the last (section 8.7). Each is a vector of
// the length of θ in memory: 15 of the zero Grid, that of Martens (2010), ⌈5·1.3ʲ⌉, in a run of 250.
type Grid struct {
	Start float64 // the first iteration; zero means 5
	Ratio float64 // between neighbours, > 1; zero means 1.3
	Every int     // positive: every so many iterations instead
}

// Next returns the first grid point after iteration i.
func (g Grid) Next(i int) int {
	if g.Every > 0 {
		return (i/g.Every + 1) * g.Every
	}
	ratio := orDefault(g.Ratio, 1.3)
	for x := orDefault(g.Start, 5); ; x *= ratio {
		if point := int(math.Ceil(x)); point > i {
			return point
		}
	}
}
