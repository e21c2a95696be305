package cpu

import "unsafe"

// isTall reports whether AᵀB, one row of C for each column of A, has so few columns that most lanes of a microkernel would idle: the
// derivatives of weights that few inputs go into.
func (g *product[F]) isTall() bool {
	t := g.s.kern.tiles
	return t.masked && g.alpha == 1 && g.n <= t.heights[0] && g.m >= 2*g.n
}

// tall computes AᵀB as the transpose of BᵀA, whose rows are as long as C is high: nothing needs to be packed, since each element of A
// is read once. The bits are those of general.
func (g *product[F]) tall(b view[F]) {
	t := g.s.kern.tiles
	ct := grow(&g.s.scratch.a, g.n*g.m)
	depth := t.depth(g.k)
	for p0 := 0; p0 < g.k; p0 += depth {
		k := min(depth, g.k-p0)
		left := strip[F]{x: b.x[p0*b.stride:], row: 1, k: b.stride}
		g.s.byPanels(g.m, func(j int, p panel[F]) {
			p.b, p.bK = &g.a.x[p0*g.a.stride+j], g.a.stride*int(unsafe.Sizeof(g.alpha))
			t.run(g.n, k, left, p, ct[j:], g.m, false)
		})
		g.putTransposed(ct, g.add || p0 > 0)
	}
}

// putTransposed sets C to the transpose of ct, which is dense, or adds it to C.
func (g *product[F]) putTransposed(ct []F, add bool) {
	for i := range g.m {
		row := g.c.row(i)
		for j := range row {
			if add {
				row[j] += ct[j*g.m+i]
			} else {
				row[j] = ct[j*g.m+i]
			}
		}
	}
}
