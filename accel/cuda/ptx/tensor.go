package ptx

import "fmt"

// roundTF32 makes cvt.rna.tf32.f32: 10 bits behind the point, ties away from 0.
func roundTF32(x uint64) uint64 {
	bits := uint32(x)
	if bits&0x7f800000 != 0x7f800000 {
		bits += 0x1000
	}
	return uint64(bits &^ 0x1fff)
}

// tensorProduct makes mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32. Each element is summed exactly enough and rounded once; a device
// may leave other last bits, since PTX does not say how it sums.
func tensorProduct(o []operand) (func(w *warp), error) {
	if len(o) != 4 || len(o[0].several) != 4 || len(o[1].several) != 4 || len(o[2].several) != 2 || len(o[3].several) != 4 {
		return nil, fmt.Errorf("this form of mma is not known")
	}
	return func(w *warp) {
		if len(w.active) != lanesOfWarp {
			panic("a product of tensors without all 32 lanes of the warp")
		}
		var a [16][8]float64
		var b [8][8]float64
		var sum [16][8]float64
		for l := range lanesOfWarp {
			group, member := l/4, l%4
			for e, r := range o[1].several {
				a[group+e%2*8][member+e/2*4] = float64(float(w.lanes(r)[l] &^ 0x1fff))
			}
			for e, r := range o[2].several {
				b[member+4*e][group] = float64(float(w.lanes(r)[l] &^ 0x1fff))
			}
			for e, r := range o[3].several {
				sum[group+e/2*8][2*member+e%2] = float64(float(w.lanes(r)[l]))
			}
		}
		for i := range sum {
			for j := range sum[i] {
				for k := range b {
					sum[i][j] += a[i][k] * b[k][j]
				}
			}
		}
		for l := range lanesOfWarp {
			for e, r := range o[0].several {
				w.lanes(r)[l] = bits32(float32(sum[l/4+e/2*8][2*(l%4)+e%2]))
			}
		}
	}, nil
}
