//go:build amd64 && !noasm

package cpu

import "github.com/klauspost/cpuid/v2"

// bestPath looks at the processor's features.
func bestPath() path {
	switch {
	case cpuid.CPU.Supports(cpuid.AVX512F, cpuid.AVX512VL, cpuid.AVX512DQ, cpuid.AVX512BW, cpuid.BMI2, cpuid.AVX2, cpuid.FMA3):
		return avx512
	case cpuid.CPU.Supports(cpuid.AVX2, cpuid.FMA3):
		return avx2
	}
	return portable
}

func specialise32(p path, k *kernels[float32]) {
	switch p {
	case avx512:
		lanesAVX512F32(k)
		k.tiles = &tiles[float32]{
			heights: []int{12, 8, 6, 4, 2, 1}, widths: []int{8, 16, 24, 32, 40, 48}, full: 32, kc: 512, mc: 132, nc: 512, masked: true,
			micro: [][]micro[float32]{
				{gemmAVX512F32R12C8, gemmAVX512F32R12C16, gemmAVX512F32R12C24, gemmAVX512F32R12C32, nil, nil},
				{gemmAVX512F32R8C8, gemmAVX512F32R8C16, gemmAVX512F32R8C24, gemmAVX512F32R8C32, gemmAVX512F32R8C40, gemmAVX512F32R8C48},
				{gemmAVX512F32R6C8, gemmAVX512F32R6C16, gemmAVX512F32R6C24, gemmAVX512F32R6C32, gemmAVX512F32R6C40, gemmAVX512F32R6C48},
				{gemmAVX512F32R4C8, gemmAVX512F32R4C16, gemmAVX512F32R4C24, gemmAVX512F32R4C32, gemmAVX512F32R4C40, gemmAVX512F32R4C48},
				{gemmAVX512F32R2C8, gemmAVX512F32R2C16, gemmAVX512F32R2C24, gemmAVX512F32R2C32, gemmAVX512F32R2C40, gemmAVX512F32R2C48},
				{gemmAVX512F32R1C8, gemmAVX512F32R1C16, gemmAVX512F32R1C24, gemmAVX512F32R1C32, gemmAVX512F32R1C40, gemmAVX512F32R1C48},
			},
		}
	case avx2:
		lanesAVX2F32(k)
		k.tiles = &tiles[float32]{
			heights: []int{6, 4, 2, 1}, widths: []int{8, 16}, full: 16, kc: 256, mc: 96, nc: 512,
			micro: [][]micro[float32]{
				{gemmAVX2F32R6C8, gemmAVX2F32R6C16},
				{gemmAVX2F32R4C8, gemmAVX2F32R4C16},
				{gemmAVX2F32R2C8, gemmAVX2F32R2C16},
				{gemmAVX2F32R1C8, gemmAVX2F32R1C16},
			},
		}
	}
}

func specialise64(p path, k *kernels[float64]) {
	switch p {
	case avx512:
		lanesAVX512F64(k)
		k.tiles = &tiles[float64]{
			heights: []int{12, 8, 6, 4, 2, 1}, widths: []int{4, 8, 12, 16, 20, 24}, full: 16, kc: 512, mc: 96, nc: 512, masked: true,
			micro: [][]micro[float64]{
				{gemmAVX512F64R12C4, gemmAVX512F64R12C8, gemmAVX512F64R12C12, gemmAVX512F64R12C16, nil, nil},
				{gemmAVX512F64R8C4, gemmAVX512F64R8C8, gemmAVX512F64R8C12, gemmAVX512F64R8C16, gemmAVX512F64R8C20, gemmAVX512F64R8C24},
				{gemmAVX512F64R6C4, gemmAVX512F64R6C8, gemmAVX512F64R6C12, gemmAVX512F64R6C16, gemmAVX512F64R6C20, gemmAVX512F64R6C24},
				{gemmAVX512F64R4C4, gemmAVX512F64R4C8, gemmAVX512F64R4C12, gemmAVX512F64R4C16, gemmAVX512F64R4C20, gemmAVX512F64R4C24},
				{gemmAVX512F64R2C4, gemmAVX512F64R2C8, gemmAVX512F64R2C12, gemmAVX512F64R2C16, gemmAVX512F64R2C20, gemmAVX512F64R2C24},
				{gemmAVX512F64R1C4, gemmAVX512F64R1C8, gemmAVX512F64R1C12, gemmAVX512F64R1C16, gemmAVX512F64R1C20, gemmAVX512F64R1C24},
			},
		}
	case avx2:
		lanesAVX2F64(k)
		k.tiles = &tiles[float64]{
			heights: []int{6, 4, 2, 1}, widths: []int{4, 8}, full: 8, kc: 256, mc: 96, nc: 512,
			micro: [][]micro[float64]{
				{gemmAVX2F64R6C4, gemmAVX2F64R6C8},
				{gemmAVX2F64R4C4, gemmAVX2F64R4C8},
				{gemmAVX2F64R2C4, gemmAVX2F64R2C8},
				{gemmAVX2F64R1C4, gemmAVX2F64R1C8},
			},
		}
	}
}
