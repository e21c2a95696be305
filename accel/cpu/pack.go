package cpu

import "curvestream/accel"

// pack writes rows p0 to p0+k and columns j0 to j0+n of op(B) into dst as panels: panel after panel, each k rows of its
// width, filled up with zeros.
func (kern *kernels[F]) pack(dst []F, b view[F], trans bool, p0, k, j0, n int) {
	t := kern.tiles
	for j := 0; j < n; {
		width := t.widths[t.width(n-j)]
		cols := min(width, n-j)
		panel := dst[j*k:][:k*width]
		if trans {
			kern.transpose(panel, width, b.x[(j0+j)*b.stride+p0:], b.stride, cols, k)
		} else {
			kern.copyPanel(panel, width, b.x[p0*b.stride+j0+j:], b.stride, k, cols)
		}
		clearRight(panel, width, cols)
		j += width
	}
}

// packTransposed writes a block of Aᵀ, m × k, whose rows are columns of a, as tiles: tile after tile, each k rows of its
// height. It takes few rows of a at a time, so that they are still in the first-level cache for the next tile.
func (kern *kernels[F]) packTransposed(dst, a []F, stride, m, k int) {
	const few = 32
	for p := 0; p < k; p += few {
		rows := min(few, k-p)
		for i := 0; i < m; {
			h := kern.tiles.heights[kern.tiles.height(m-i)]
			kern.copyPanel(dst[i*k+p*h:], h, a[p*stride+i:], stride, rows, h)
			i += h
		}
	}
}

// copyRows copies a matrix.
func copyRows[F accel.Float](dst []F, dstStride int, src []F, srcStride, rows, cols int) {
	for i := range rows {
		copy(dst[i*dstStride:][:cols], src[i*srcStride:][:cols])
	}
}

// clearRight sets all columns from cols on to 0.
func clearRight[F accel.Float](panel []F, width, cols int) {
	if cols == width {
		return
	}
	for p := 0; p < len(panel); p += width {
		clear(panel[p+cols : p+width])
	}
}

// transpose sets dst, cols × rows, to the transpose of src, rows × cols. It goes over blocks of 8×8, which stay in the
// first-level cache.
func transpose[F accel.Float](dst []F, dstStride int, src []F, srcStride, rows, cols int) {
	const block = 8
	for i0 := 0; i0 < rows; i0 += block {
		for j0 := 0; j0 < cols; j0 += block {
			for i := i0; i < min(i0+block, rows); i++ {
				row := src[i*srcStride:][:cols]
				for j := j0; j < min(j0+block, cols); j++ {
					dst[j*dstStride+i] = row[j]
				}
			}
		}
	}
}
