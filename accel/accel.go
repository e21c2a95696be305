// Package accel computes on vectors and matrices wherever they live: it declares what a backend can do, and holds the
// plain vector in the memory of this process.
//
// Three things make up a backend. A [Vector] is memory. A [Stream] is a queue of operations on matrices that lie in
// vectors. A [Backend] makes both, prepares matrices that are multiplied by many times, and spreads independent shards of
// work over streams. The plain Go loops are the definition of every operation; package acceltest holds the one list of
// cases that every backend has to pass.
package accel

// Float is the element type of everything that is computed.
type Float interface{ float32 | float64 }

// A Vector holds n elements in the memory of some backend. All vectors that meet in one call belong to the same backend
// and have equal lengths. Reductions accumulate in float64, in an order that does not depend on the number of threads,
// so that equal inputs give equal bits. A Vector is not safe for concurrent use, reads excepted.
//
// It has more methods than an interface should: CG, damping and the preconditioners of a whole optimizer run on it, and
// each method missing here would be a copy of n elements to the host and back.
type Vector[F Float] interface {
	// Len returns n.
	Len() int
	// New returns a zero vector of the same length in the same memory.
	New() Vector[F]
	// View returns elements lo to hi, hi excluded, sharing memory with v.
	View(lo, hi int) Vector[F]
	// Zero sets v = 0.
	Zero()
	// Copy sets v = w.
	Copy(w Vector[F])
	// Scale sets v = a v.
	Scale(a float64)
	// Add sets v = v + a w.
	Add(a float64, w Vector[F])
	// Mul sets vᵢ = vᵢ wᵢ.
	Mul(w Vector[F])
	// Div sets vᵢ = vᵢ / wᵢ.
	Div(w Vector[F])
	// Shift sets vᵢ = vᵢ + a.
	Shift(a float64)
	// Pow sets vᵢ = vᵢᵖ. All vᵢ are ≥ 0.
	Pow(p float64)
	// Dot returns vᵀw, summed in float64.
	Dot(w Vector[F]) float64
	// Read copies v into dst, which has length n and lies in host memory.
	Read(dst []F)
	// Write copies src, which has length n and lies in host memory, into v.
	Write(src []F)
}

// A Mat is a row-major matrix inside a vector: element (i, j) is element Off + i·Stride + j of V. Stride ≥ Cols.
// In a packed batch a row is one time-step of one sequence and a column one unit; weights are stored [out][in].
type Mat[F Float] struct {
	V                       Vector[F]
	Off, Rows, Cols, Stride int
}

// NewMat returns v, from off on, as a dense matrix of rows × cols.
func NewMat[F Float](v Vector[F], off, rows, cols int) Mat[F] {
	return Mat[F]{V: v, Off: off, Rows: rows, Cols: cols, Stride: cols}
}

// RowRange returns rows lo to hi, hi excluded, sharing memory with m.
func (m Mat[F]) RowRange(lo, hi int) Mat[F] {
	m.Off += lo * m.Stride
	m.Rows = hi - lo
	return m
}

// ColRange returns columns lo to hi, hi excluded, sharing memory with m.
func (m Mat[F]) ColRange(lo, hi int) Mat[F] {
	m.Off += lo
	m.Cols = hi - lo
	return m
}

// An Operand is a matrix W prepared to be the right-hand side of many products, in whatever form the backend multiplies
// fastest by (packed panels on a CPU). It is read-only and may be shared by streams. It keeps the values that W had when
// it was prepared.
type Operand[F Float] interface {
	// Size returns the rows and columns of op(W).
	Size() (rows, cols int)
}

// A Backend owns memory and streams. It is safe for concurrent use.
type Backend[F Float] interface {
	// Name returns the name under which --device selects the backend, and the kernels in use, such as "cpu/avx2".
	Name() string
	// NewVector returns n zeros.
	NewVector(n int) (Vector[F], error)
	// FromHost returns a vector that holds src. It may share memory with src, which must stay unchanged while the
	// vector is in use.
	FromHost(src []F) (Vector[F], error)
	// Prepare prepares op(W), which is W or, with trans, Wᵀ. A previous operand of the same backend and size may be handed
	// in to be overwritten; it is nil at first.
	Prepare(w Mat[F], trans bool, previous Operand[F]) (Operand[F], error)
	// Shards returns into how many shards a batch of the given number of columns is to be split for Run. It depends on
	// columns alone, never on the number of threads: shard borders decide the order of summation.
	Shards(columns int) int
	// Run calls f once for each shard 0 to n-1, several at once, each with a stream of its own, and returns when all
	// have ended and their streams are drained: one join. It returns the error of the lowest shard that failed.
	Run(n int, f func(shard int, s Stream[F]) error) error
}
