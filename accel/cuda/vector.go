package cuda

import (
	"fmt"
	"math"
	"unsafe"

	"curvestream/accel"
)

// A Vector lies in the memory of a device. Where the device fails, the failure sticks: operations do nothing more, Dot returns
// NaN, and the next Run returns the error.
type Vector[F accel.Float] struct {
	b   *Backend[F]
	buf *buffer // keeps the memory; nil where there is none
	off int     // of the first element
	n   int
}

var (
	_ accel.FusedVector[float32] = (*Vector[float32])(nil)
	_ accel.FusedVector[float64] = (*Vector[float64])(nil)
)

// chunkLength is CHUNK of vectors.cu.
const chunkLength = 4096

// mostElements is what kernels can count.
const mostElements = 1<<32 - 1024

func size[F accel.Float]() int64 {
	var x F
	return int64(unsafe.Sizeof(x))
}

// NewVector implements accel.Backend.
func (b *Backend[F]) NewVector(n int) (accel.Vector[F], error) {
	v, err := b.newVector(n)
	if err != nil {
		return nil, err
	}
	return v, nil
}

func (b *Backend[F]) newVector(n int) (*Vector[F], error) {
	if n < 0 || n > mostElements {
		return nil, fmt.Errorf("cuda: making a vector: a length of %d is not between 0 and %d", n, mostElements)
	}
	v := &Vector[F]{b: b, n: n}
	if err := b.d.err(); err != nil {
		return nil, err
	}
	return v, b.d.do(func() (err error) {
		bytes := int64(n) * size[F]()
		if v.buf, err = b.d.allocate(bytes); err != nil {
			return fmt.Errorf("cuda: making a vector of %d elements: %w", n, err)
		}
		return b.d.zero(v.buf.address, bytes)
	})
}

// FromHost implements accel.Backend. The vector is a copy.
func (b *Backend[F]) FromHost(src []F) (accel.Vector[F], error) {
	v, err := b.newVector(len(src))
	if err != nil {
		return nil, err
	}
	v.Write(src)
	return v, b.d.err()
}

// An arg is an argument of a kernel. One that is an address holds the buffer that it points into: else its memory could be given
// to others before the kernel is on the stream.
type arg struct {
	word uint64
	keep *buffer
}

func integer[N int | uint32](n N) arg { return arg{word: uint64(n)} }

// plus returns the address n bytes behind a.
func (a arg) plus(n int64) arg {
	a.word += uint64(n)
	return a
}

// at returns where element i is.
func (v *Vector[F]) at(i int) arg {
	if v.buf == nil {
		return arg{}
	}
	return arg{v.buf.address + uint64(int64(v.off+i)*size[F]()), v.buf}
}

// same returns where w is, which has the length of v and is of the same device.
func (v *Vector[F]) same(w accel.Vector[F]) arg {
	x, ours := w.(*Vector[F])
	if !ours || x.b.d != v.b.d {
		panic("cuda: vector of another backend")
	}
	if x.n != v.n {
		panic("cuda: lengths of vectors differ")
	}
	return x.at(0)
}

// Len implements accel.Vector.
func (v *Vector[F]) Len() int { return v.n }

// New implements accel.Vector. Where the device has no memory left, that is the failure that sticks.
func (v *Vector[F]) New() accel.Vector[F] {
	w, err := v.b.newVector(v.n)
	if err != nil {
		v.b.d.note(err)
		return &Vector[F]{b: v.b, n: v.n}
	}
	return w
}

// View implements accel.Vector.
func (v *Vector[F]) View(lo, hi int) accel.Vector[F] {
	if lo < 0 || hi < lo || hi > v.n {
		panic(fmt.Sprintf("cuda: elements %d to %d of a vector of %d", lo, hi, v.n))
	}
	return &Vector[F]{b: v.b, buf: v.buf, off: v.off + lo, n: hi - lo}
}

// whenWell has the executor call f, and keeps its failure. Nothing is done once the device has failed.
func (v *Vector[F]) whenWell(f func() error) {
	if v.n == 0 || v.b.d.err() != nil {
		return
	}
	v.b.d.note(v.b.d.do(f))
}

func (v *Vector[F]) bytes() int64 { return int64(v.n) * size[F]() }

// Zero implements accel.Vector.
func (v *Vector[F]) Zero() {
	v.whenWell(func() error { return v.b.d.zero(v.at(0).word, v.bytes()) })
}

// Copy implements accel.Vector.
func (v *Vector[F]) Copy(w accel.Vector[F]) {
	from := v.same(w)
	v.whenWell(func() error {
		return v.b.d.check("copying a vector", cuMemcpyDtoDAsync_v2, uintptr(v.at(0).word), uintptr(from.word), uintptr(v.bytes()), uintptr(v.b.d.stream))
	})
}

func (v *Vector[F]) each(kernel string, args ...arg) {
	v.b.launch(kernel, v.n, append(args, integer(v.n))...)
}

// Scale implements accel.Vector.
func (v *Vector[F]) Scale(a float64) { v.each("scale", v.at(0), number(F(a))) }

// Add implements accel.Vector.
func (v *Vector[F]) Add(a float64, w accel.Vector[F]) {
	v.each("add", v.at(0), number(F(a)), v.same(w))
}

// Mul implements accel.Vector.
func (v *Vector[F]) Mul(w accel.Vector[F]) { v.each("multiply", v.at(0), v.same(w)) }

// Div implements accel.Vector.
func (v *Vector[F]) Div(w accel.Vector[F]) { v.each("divide", v.at(0), v.same(w)) }

// Shift implements accel.Vector.
func (v *Vector[F]) Shift(a float64) { v.each("shift", v.at(0), number(F(a))) }

// Pow implements accel.Vector.
func (v *Vector[F]) Pow(p float64) { v.each("raise", v.at(0), number(p)) }

// Read implements accel.Vector. After a failure dst holds NaN.
func (v *Vector[F]) Read(dst []F) {
	v.whenWell(func() error {
		if err := v.b.d.download(bytesOf(dst[:v.n]), v.at(0).word); err != nil {
			return err
		}
		return v.b.d.synchronize()
	})
	if v.b.d.err() != nil {
		for i := range dst {
			dst[i] = F(math.NaN())
		}
	}
}

// Write implements accel.Vector.
func (v *Vector[F]) Write(src []F) {
	v.whenWell(func() error {
		if err := v.b.d.upload(v.at(0).word, bytesOf(src[:v.n])); err != nil {
			return err
		}
		return v.b.d.synchronize()
	})
}

// number returns the bits of x as an argument.
func number[F accel.Float](x F) arg {
	switch x := any(x).(type) {
	case float32:
		return arg{word: uint64(math.Float32bits(x))}
	case float64:
		return arg{word: math.Float64bits(x)}
	}
	panic("cuda: no such type")
}
