//go:build amd64 && !noasm

#include "textflag.h"

DATA exponents<>+0(SB)/4, $0x7f800000
GLOBL exponents<>(SB), RODATA|NOPTR, $4
DATA one<>+0(SB)/4, $0x00800000
GLOBL one<>(SB), RODATA|NOPTR, $4

// func finiteFast(x []float32) bool
//
// Y0 collects exponents plus one, whose signs are set where an exponent was all ones.
TEXT ·finiteFast(SB), NOSPLIT, $0-25
	MOVQ         x_base+0(FP), SI
	MOVQ         x_len+8(FP), CX
	VPBROADCASTD exponents<>(SB), Y14
	VPBROADCASTD one<>(SB), Y15
	VPXOR        Y0, Y0, Y0

loop:
	VPAND  (SI), Y14, Y1
	VPAND  32(SI), Y14, Y2
	VPAND  64(SI), Y14, Y3
	VPAND  96(SI), Y14, Y4
	VPADDD Y1, Y15, Y1
	VPADDD Y2, Y15, Y2
	VPADDD Y3, Y15, Y3
	VPADDD Y4, Y15, Y4
	VPOR   Y1, Y2, Y1
	VPOR   Y3, Y4, Y3
	VPOR   Y1, Y0, Y0
	VPOR   Y3, Y0, Y0
	ADDQ   $128, SI
	SUBQ   $32, CX
	JNZ    loop

	VMOVMSKPS Y0, AX
	VZEROUPPER
	TESTL     AX, AX
	SETEQ     ret+24(FP)
	RET

// func fetchFast(x []float32)
TEXT ·fetchFast(SB), NOSPLIT, $0-24
	MOVQ x_base+0(FP), SI
	MOVQ x_len+8(FP), CX
	LEAQ (SI)(CX*4), DI

next:
	PREFETCHT0 (SI)
	ADDQ       $64, SI
	CMPQ       SI, DI
	JB         next
	RET

// func columnsFast(to []float32, offsets []int, rows *[8][]float32)
//
// A block: lanes 0 to 3 of a register come from one row, lanes 4 to 7 from the row four after it, so that two unpackings and a shuffle
// within halves leave a time-step in each register.
TEXT ·columnsFast(SB), NOSPLIT, $0-56
	MOVQ to_base+0(FP), DI
	MOVQ offsets_base+24(FP), SI
	MOVQ offsets_len+32(FP), CX
	MOVQ rows+48(FP), AX
	MOVQ 0(AX), R8
	MOVQ 24(AX), R9
	MOVQ 48(AX), R10
	MOVQ 72(AX), R11
	MOVQ 96(AX), R12
	MOVQ 120(AX), R13
	MOVQ 144(AX), BX
	MOVQ 168(AX), AX
	XORQ DX, DX        // 4 bytes a time-step

block:
	VMOVUPS     (R8)(DX*1), X0
	VINSERTF128 $1, (R12)(DX*1), Y0, Y0
	VMOVUPS     (R9)(DX*1), X1
	VINSERTF128 $1, (R13)(DX*1), Y1, Y1
	VMOVUPS     (R10)(DX*1), X2
	VINSERTF128 $1, (BX)(DX*1), Y2, Y2
	VMOVUPS     (R11)(DX*1), X3
	VINSERTF128 $1, (AX)(DX*1), Y3, Y3
	VMOVUPS     16(R8)(DX*1), X4
	VINSERTF128 $1, 16(R12)(DX*1), Y4, Y4
	VMOVUPS     16(R9)(DX*1), X5
	VINSERTF128 $1, 16(R13)(DX*1), Y5, Y5
	VMOVUPS     16(R10)(DX*1), X6
	VINSERTF128 $1, 16(BX)(DX*1), Y6, Y6
	VMOVUPS     16(R11)(DX*1), X7
	VINSERTF128 $1, 16(AX)(DX*1), Y7, Y7

	VUNPCKLPS Y1, Y0, Y8
	VUNPCKHPS Y1, Y0, Y9
	VUNPCKLPS Y3, Y2, Y10
	VUNPCKHPS Y3, Y2, Y11
	VUNPCKLPD Y10, Y8, Y0
	VUNPCKHPD Y10, Y8, Y1
	VUNPCKLPD Y11, Y9, Y2
	VUNPCKHPD Y11, Y9, Y3
	VUNPCKLPS Y5, Y4, Y8
	VUNPCKHPS Y5, Y4, Y9
	VUNPCKLPS Y7, Y6, Y10
	VUNPCKHPS Y7, Y6, Y11
	VUNPCKLPD Y10, Y8, Y4
	VUNPCKHPD Y10, Y8, Y5
	VUNPCKLPD Y11, Y9, Y6
	VUNPCKHPD Y11, Y9, Y7

	MOVQ    (SI), R15
	VMOVUPS Y0, (DI)(R15*4)
	MOVQ    8(SI), R15
	VMOVUPS Y1, (DI)(R15*4)
	MOVQ    16(SI), R15
	VMOVUPS Y2, (DI)(R15*4)
	MOVQ    24(SI), R15
	VMOVUPS Y3, (DI)(R15*4)
	MOVQ    32(SI), R15
	VMOVUPS Y4, (DI)(R15*4)
	MOVQ    40(SI), R15
	VMOVUPS Y5, (DI)(R15*4)
	MOVQ    48(SI), R15
	VMOVUPS Y6, (DI)(R15*4)
	MOVQ    56(SI), R15
	VMOVUPS Y7, (DI)(R15*4)
	ADDQ    $64, SI
	ADDQ    $32, DX
	SUBQ    $8, CX
	JNZ     block
	VZEROUPPER
	RET
