//go:build amd64 && !noasm

package cpu

import (
	"unsafe"

	"curvestream/accel"
)

func transposeBlocksF32(dst []float32, dstStride int, src []float32, srcStride, rows, cols int) {
	transposeBlocks(transposeF32, 8, dst, dstStride, src, srcStride, rows, cols)
}

func transposeBlocksF64(dst []float64, dstStride int, src []float64, srcStride, rows, cols int) {
	transposeBlocks(transposeF64, 4, dst, dstStride, src, srcStride, rows, cols)
}

// copyPanel copies full panels by kernels and narrower ones by the plain loop.
func copyPanel[F accel.Float](dst []F, dstStride int, src []F, srcStride, rows, cols int) {
	size := int(unsafe.Sizeof(dst[0]))
	if cols != dstStride {
		copyRows(dst, dstStride, src, srcStride, rows, cols)
		return
	}
	to, from := (*byte)(unsafe.Pointer(unsafe.SliceData(dst))), (*byte)(unsafe.Pointer(unsafe.SliceData(src)))
	switch cols * size {
	case 16:
		copyRows16(to, from, srcStride*size, rows)
	case 24:
		copyRows24(to, from, srcStride*size, rows)
	case 32:
		copyRows32(to, from, srcStride*size, rows)
	case 48:
		copyRows48(to, from, srcStride*size, rows)
	case 64:
		copyRows64(to, from, srcStride*size, rows)
	case 96:
		copyRows96(to, from, srcStride*size, rows)
	case 128:
		copyRows128(to, from, srcStride*size, rows)
	case 160:
		copyRows160(to, from, srcStride*size, rows)
	case 192:
		copyRows192(to, from, srcStride*size, rows)
	default:
		copyRows(dst, dstStride, src, srcStride, rows, cols)
	}
}

// transposeBlocks transposes full blocks of side × side by a kernel and the edges by the plain loop.
func transposeBlocks[F accel.Float](strip func(dst *F, dstRow int, src *F, srcRow, blocks int), side int,
	dst []F, dstStride int, src []F, srcStride, rows, cols int) {
	size := int(unsafe.Sizeof(dst[0]))
	blocks := cols / side
	i := 0
	for ; i+side <= rows && blocks > 0; i += side {
		strip(&dst[i], dstStride*size, &src[i*srcStride], srcStride*size, blocks)
		if done := blocks * side; done < cols {
			transpose(dst[done*dstStride+i:], dstStride, src[i*srcStride+done:], srcStride, side, cols-done)
		}
	}
	if i < rows {
		transpose(dst[i:], dstStride, src[i*srcStride:], srcStride, rows-i, cols)
	}
}
