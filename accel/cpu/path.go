package cpu

import (
	"os"

	"curvestream/accel"
)

// A path is a set of kernels.
type path int

// The paths, each of which runs wherever a later one does.
const (
	portable path = iota // plain Go
	avx2                 // AVX2 and FMA
	avx512               // AVX-512 F, VL, DQ and BW
)

func (p path) String() string { return [...]string{"portable", "avx2", "avx512"}[p] }

// choosePath returns the fastest path of this processor, or the slower one that the environment asks for.
func choosePath() path {
	best := bestPath()
	for p := range best {
		if os.Getenv("CURVESTREAM_CPU") == p.String() {
			return p
		}
	}
	return best
}

// kernelsFor returns the kernels of a path: the plain Go loops with what the path has in assembly in their place.
func kernelsFor[F accel.Float](p path) *kernels[F] {
	k := portableKernels[F]()
	k.name = p.String()
	switch k := any(k).(type) {
	case *kernels[float32]:
		specialise32(p, k)
	case *kernels[float64]:
		specialise64(p, k)
	}
	return k
}
