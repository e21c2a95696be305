package main

import (
	"fmt"
	"math/bits"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// A tile is a microkernel's block of C: rows × the lanes of its vectors. The last vector of each row may be partly outside
// C; its lanes are masked.
type tile struct {
	isa     isa
	float   float
	rows    int
	vectors []int // bytes of each
}

func (t tile) cols() int {
	n := 0
	for _, b := range t.vectors {
		n += b / t.float.size()
	}
	return n
}

func (t tile) name() string {
	return fmt.Sprintf("gemm%s%sR%dC%d", t.isa, t.float, t.rows, t.cols())
}

// gemms writes all microkernels of an instruction set: those of 6×2 registers with AVX2, 12×2 and 8×3 with AVX-512, so that
// accumulators, a row of B and an element of A fill the register file, and the smaller ones for edges.
func gemms(i isa) {
	rows, widths := []int{1, 2, 4, 6}, [][]int{{32}, {32, 32}}
	if i == avx512 {
		rows, widths = []int{1, 2, 4, 6, 8, 12}, [][]int{{32}, {64}, {64, 32}, {64, 64}, {64, 64, 32}, {64, 64, 64}}
	}
	for _, f := range []float{f32, f64} {
		for _, r := range rows {
			for _, w := range widths {
				if r*len(w) <= 24 {
					tile{i, f, r, w}.generate()
				}
			}
		}
	}
}

// generate writes one microkernel: for each of some tiles below each other, C = A·B, or C + A·B, for a block of A with any strides
// and a block of B whose rows are contiguous. Products are added in the order of k, so that the bits of an element depend neither on
// its place in the tile nor on the instruction set. k is 1 or more: sums begin with the first product, which saves setting them to 0.
func (t tile) generate() {
	build.TEXT(t.name(), build.NOSPLIT, fmt.Sprintf("func(tiles, k int, a *%[1]s, aRow, aK, aTile int, b *%[1]s, bK int, "+
		"c *%[1]s, cRow int, add bool, cols int)", t.float.goType()))
	build.Pragma("noescape")
	build.Doc(fmt.Sprintf("%s sets c, of tiles·%d × cols ≤ %d, to a·b, or adds it to c. k ≥ 1; strides are in bytes.",
		t.name(), t.rows, t.cols()))
	a, b, k, ahead := build.GP64(), build.GP64(), build.GP64(), build.GP64()
	aK := build.Load(build.Param("aK"), build.GP64())
	bK := build.Load(build.Param("bK"), build.GP64())
	aRows := rowAddresses(a, build.Load(build.Param("aRow"), build.GP64()), t.rows)
	var mask operand.Op
	if t.isa == avx512 {
		mask = t.loadMask()
	}
	acc := make([][]vec, t.rows)
	for i := range acc {
		for _, bytes := range t.vectors {
			acc[i] = append(acc[i], newVec(bytes))
		}
	}
	next, end := t.label("tile"), t.label("return")
	build.Label(next)
	build.MOVQ(param("k"), k)
	build.MOVQ(param("a"), a)
	build.MOVQ(param("b"), b)
	build.MOVQ(a, ahead)
	build.ADDQ(param("aTile"), ahead)
	t.loop(k, a, aK, b, bK, ahead, aRows, mask, acc)
	if t.isa == avx2 {
		t.storeFull(acc, next, end)
		mask = t.loadMask()
	}
	t.store("", mask, acc)
	t.advance(next)
	build.Label(end)
	build.VZEROUPPER()
	build.RET()
}

// param returns the place of a parameter.
func param(name string) operand.Mem {
	at, err := build.Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return at.Addr
}

// advance moves on to the next tile, if there is one. Where it is, is kept in the parameters.
func (t tile) advance(next string) {
	step := build.GP64()
	build.MOVQ(param("aTile"), step)
	build.ADDQ(step, param("a"))
	build.MOVQ(param("cRow"), step)
	build.IMUL3Q(operand.I8(t.rows), step, step)
	build.ADDQ(step, param("c"))
	build.DECQ(param("tiles"))
	build.JNZ(operand.LabelRef(next))
}

// loop adds up the products of all k.
func (t tile) loop(k, a, aK, b, bK, ahead reg.Register, aRows []operand.Mem, mask operand.Op, acc [][]vec) {
	done, one, pair := t.label("done"), t.label("one"), t.label("pair")
	half := build.GP64()
	t.step(mul, a, aK, b, bK, aRows, mask, acc)
	build.DECQ(k)
	build.MOVQ(k, half)
	build.SHRQ(operand.U8(1), half)
	build.JZ(operand.LabelRef(one))
	build.Label(pair)
	t.step(fma231, a, aK, b, bK, aRows, mask, acc)
	t.prefetch(ahead)
	t.step(fma231, a, aK, b, bK, aRows, mask, acc)
	build.DECQ(half)
	build.JNZ(operand.LabelRef(pair))
	build.Label(one)
	build.TESTQ(operand.U32(1), k)
	build.JZ(operand.LabelRef(done))
	t.step(fma231, a, aK, b, bK, aRows, mask, acc)
	build.Label(done)
}

// prefetch asks for what the next tile reads of a dense or packed A, while it multiplies: two values of k of all rows.
func (t tile) prefetch(ahead reg.Register) {
	bytes := 2 * t.rows * t.float.size()
	if t.rows < 6 {
		return
	}
	for off := 0; off < bytes; off += 64 {
		build.PREFETCHT0(operand.Mem{Base: ahead, Disp: off})
	}
	build.ADDQ(operand.U8(bytes), ahead)
}

func (t tile) label(s string) string { return t.name() + s }

// step adds the product of one column of A and one row of B, or with mul begins with it.
func (t tile) step(op instruction, a, aK, b, bK reg.Register, aRows []operand.Mem, mask operand.Op, acc [][]vec) {
	row := make([]vec, len(t.vectors))
	off := 0
	for j, bytes := range t.vectors {
		row[j] = newVec(bytes)
		t.load(operand.Mem{Base: b, Disp: off}, mask, row[j], j)
		off += bytes
	}
	build.ADDQ(bK, b)
	for i := range t.rows {
		x := newVec(t.vectors[0])
		t.float.do(broadcast, aRows[i], x)
		for j, bytes := range t.vectors {
			t.float.do(op, row[j], resize(x, bytes), acc[i][j])
		}
	}
	build.ADDQ(aK, a)
}

// resize returns the lower bytes of a register.
func resize(v vec, bytes int) reg.Register {
	if bytes == 32 && v.Size() == 64 {
		return v.AsY()
	}
	return v
}

// load reads vector j of a row of B. With AVX-512 the last one is masked, which costs nothing; with AVX2 all of it is read.
func (t tile) load(m operand.Mem, mask operand.Op, v vec, j int) {
	if t.isa == avx2 || j < len(t.vectors)-1 {
		t.float.do(mov, m, v)
		return
	}
	loadLanes(t.isa, t.float, m, mask, v)
}

// loadMask returns the mask of the last vector's lanes inside C.
func (t tile) loadMask() operand.Op {
	last := t.vectors[len(t.vectors)-1]
	cols := build.Load(build.Param("cols"), build.GP64())
	if full := (t.cols()*t.float.size() - last) / t.float.size(); full > 0 {
		build.SUBQ(operand.U8(full), cols)
	}
	return laneMask(t.isa, t.float, cols)
}

// storeFull writes C and goes on where all columns are inside it: masked stores are slow with AVX2.
func (t tile) storeFull(acc [][]vec, next, end string) {
	cols := build.Load(build.Param("cols"), build.GP64())
	partly := t.label("partly")
	build.CMPQ(cols, operand.U8(t.cols()))
	build.JNE(operand.LabelRef(partly))
	t.store("full", nil, acc)
	t.advance(next)
	build.JMP(operand.LabelRef(end))
	build.Label(partly)
}

// store writes the accumulators to C, or adds them to C: there is no factor, since many processors add beside their units for
// products. The last vector of each row is masked where there is a mask.
func (t tile) store(variant string, mask operand.Op, acc [][]vec) {
	cRow := build.Load(build.Param("cRow"), build.GP64())
	adds := build.Load(build.Param("add"), build.GP8())
	set, end := t.label(variant+"set"), t.label(variant+"end")
	build.TESTB(adds, adds)
	build.JZ(operand.LabelRef(set))
	t.eachVector(cRow, func(i, j int, m operand.Mem, last bool) {
		v := acc[i][j]
		if !last || mask == nil {
			t.float.do(add, m, v, v)
			t.float.do(mov, v, m)
			return
		}
		old := newVec(t.vectors[j])
		loadLanes(t.isa, t.float, m, mask, old)
		t.float.do(add, old, v, v)
		storeLanes(t.isa, t.float, v, mask, m)
	})
	build.JMP(operand.LabelRef(end))
	build.Label(set)
	t.eachVector(cRow, func(i, j int, m operand.Mem, last bool) {
		v := acc[i][j]
		if !last || mask == nil {
			t.float.do(mov, v, m)
			return
		}
		storeLanes(t.isa, t.float, v, mask, m)
	})
	build.Label(end)
}

// eachVector calls f with the place of each vector of C.
func (t tile) eachVector(cRow reg.Register, f func(i, j int, m operand.Mem, last bool)) {
	c := build.Load(build.Param("c"), build.GP64())
	for i := range t.rows {
		off := 0
		for j, bytes := range t.vectors {
			f(i, j, operand.Mem{Base: c, Disp: off}, j == len(t.vectors)-1)
			off += bytes
		}
		if i < t.rows-1 {
			build.ADDQ(cRow, c)
		}
	}
}

// rowAddresses returns the places of rows 0 to n-1 at base, whose distance is stride. All move with base: multiples of the
// stride that addressing cannot scale, 3, 5, 7, 9 and 11, are kept in registers.
func rowAddresses(base, stride reg.Register, n int) []operand.Mem {
	odd := map[int]reg.Register{1: stride}
	rows := []operand.Mem{{Base: base}}
	for i := 1; i < n; i++ {
		shift := bits.TrailingZeros(uint(i))
		m := i >> shift
		if odd[m] == nil {
			r := build.GP64()
			build.LEAQ(operand.Mem{Base: odd[m-2], Index: stride, Scale: 2}, r)
			odd[m] = r
		}
		rows = append(rows, operand.Mem{Base: base, Index: odd[m], Scale: 1 << shift})
	}
	return rows
}
