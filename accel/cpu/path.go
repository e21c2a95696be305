package cpu

import (
	"fmt"

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

// choosePath returns the best path, or the slower one that is asked for by name.
func choosePath(asked string, best path) (path, error) {
	if asked == "" {
		return best, nil
	}
	for p := portable; p <= best; p++ {
		if asked == p.String() {
			return p, nil
		}
	}
	return 0, fmt.Errorf("cpu: CURVESTREAM_CPU is %q, but this processor runs portable to %v: unset it or name one of those", asked, best)
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
