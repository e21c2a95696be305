package cuda

import (
	"errors"
	"fmt"
	"os"
)

// blasVariable is the environment variable that says whether products are by cuBLAS.
const blasVariable = "CURVESTREAM_CUBLAS"

// A blasLibrary is cuBLAS: a table of C functions, as the driver is.
type blasLibrary interface {
	call(c blasCall, args ...uintptr) result
}

// A blasCall is a function of cuBLAS.
type blasCall int

// The functions in use, with their arguments in the order of cublas_v2.h.
const (
	cublasGetProperty     blasCall = iota // which, *int
	cublasCreate_v2                       // *handle
	cublasDestroy_v2                      // handle
	cublasSetStream_v2                    // handle, stream
	cublasSetWorkspace_v2                 // handle, address, bytes
	cublasSetMathMode                     // handle, mode
	cublasSetAtomicsMode                  // handle, mode
	cublasSgemm_v2                        // handle, op a, op b, m, n, k, *alpha, a, lda, b, ldb, *beta, c, ldc
	cublasDgemm_v2                        // the same
	blasCalls                             // their number
)

var blasNames = [blasCalls]string{"cublasGetProperty", "cublasCreate_v2", "cublasDestroy_v2", "cublasSetStream_v2", "cublasSetWorkspace_v2",
	"cublasSetMathMode", "cublasSetAtomicsMode", "cublasSgemm_v2", "cublasDgemm_v2"}

func (c blasCall) String() string { return blasNames[c] }

// Numbers of cublas_api.h.
const (
	blasPedantic    = 2 // CUBLAS_PEDANTIC_MATH: no TF32, whatever the environment
	blasNoAtomics   = 0 // CUBLAS_ATOMICS_NOT_ALLOWED: sums have a fixed order
	blasWorkspace   = 32 << 20
	leastBLASMemory = 1 << 30 // of a device: with less, a workspace would be too much of it
)

var blasResults = map[result]string{1: "CUBLAS_STATUS_NOT_INITIALIZED", 3: "CUBLAS_STATUS_ALLOC_FAILED", 7: "CUBLAS_STATUS_INVALID_VALUE",
	8: "CUBLAS_STATUS_ARCH_MISMATCH", 11: "CUBLAS_STATUS_MAPPING_ERROR", 13: "CUBLAS_STATUS_EXECUTION_FAILED", 14: "CUBLAS_STATUS_INTERNAL_ERROR",
	15: "CUBLAS_STATUS_NOT_SUPPORTED", 16: "CUBLAS_STATUS_LICENSE_ERROR"}

func blasFailure(c blasCall, r result, doing string) error {
	if r == success {
		return nil
	}
	return &Error{Call: c.String(), Code: int(r), Name: blasResults[r], Detail: doing + "; " + blasVariable + "=off computes without cuBLAS"}
}

// blas is cuBLAS on a device: one handle, on the stream that computes. It belongs to the executor.
type blas struct {
	lib       blasLibrary // nil: none
	product   *function   // what orders of products have for a kernel; nil where there is no handle
	handle    uint64
	workspace uint64
}

// open makes the handle, with a workspace of its own: without it each captured graph would take one.
func (b *blas) open(d *device) error {
	if b.lib == nil || d.info.Memory < leastBLASMemory {
		return nil
	}
	s := d.slot
	if err := blasFailure(cublasCreate_v2, b.lib.call(cublasCreate_v2, addressOf(&s.word)), "starting cuBLAS"); err != nil {
		return err
	}
	b.handle = s.word
	if err := d.check("making cuBLAS's workspace", cuMemAlloc_v2, addressOf(&s.word), blasWorkspace); err != nil {
		return err
	}
	b.workspace = s.word
	for _, set := range []struct {
		doing string
		call  blasCall
		args  []uintptr
	}{
		{"giving cuBLAS its stream", cublasSetStream_v2, []uintptr{uintptr(d.stream)}},
		{"giving cuBLAS its workspace", cublasSetWorkspace_v2, []uintptr{uintptr(b.workspace), blasWorkspace}}, // after the stream, which takes it away
		{"setting cuBLAS's arithmetic", cublasSetMathMode, []uintptr{blasPedantic}},
		{"setting cuBLAS's order of sums", cublasSetAtomicsMode, []uintptr{blasNoAtomics}},
	} {
		if err := blasFailure(set.call, b.lib.call(set.call, append([]uintptr{uintptr(b.handle)}, set.args...)...), set.doing); err != nil {
			return err
		}
	}
	b.product = &function{name: "a product by cuBLAS"}
	return nil
}

// close gives the handle and its workspace back.
func (b *blas) close(d *device) error {
	var all []error
	if b.handle != 0 {
		all = append(all, blasFailure(cublasDestroy_v2, b.lib.call(cublasDestroy_v2, uintptr(b.handle)), "ending cuBLAS"))
	}
	if b.workspace != 0 {
		all = append(all, d.check("freeing cuBLAS's workspace", cuMemFree_v2, uintptr(b.workspace)))
	}
	b.handle, b.workspace = 0, 0
	return errors.Join(all...)
}

// The arguments of an order of a product: c = alpha·op(a)·op(b) + beta·c, as in gemm.cu.
const (
	argPrecision = iota // bytes of an element
	argTransA
	argTransB
	argM
	argN
	argK
	argAlpha
	argA
	argStrideA
	argB
	argStrideB
	argBeta
	argC
	argStrideC
)

// byBLAS puts a product on the stream, if it is cuBLAS that computes products, and the product one that it can.
func (s *Stream[F]) byBLAS(form string, alpha F, a, b view, beta F, c view, m, n, k int) bool {
	f := s.b.d.blas.product
	if f == nil || k == 0 || max(m, n, k) > mostOfBLAS || max(a.stride.word, b.stride.word, c.stride.word) > mostOfBLAS {
		return false
	}
	l := launch{order: order{f: f}}
	l.args[argPrecision] = uint64(size[F]())
	l.args[argTransA], l.args[argTransB] = uint64(number01(form[1] == 't')), uint64(number01(form[2] == 't'))
	l.args[argM], l.args[argN], l.args[argK] = uint64(m), uint64(n), uint64(k)
	l.args[argAlpha], l.args[argBeta] = number(alpha).word, number(beta).word
	l.see(argA, a, [2]int{k, m}[number01(form[1] == 't')])
	l.see(argB, b, [2]int{n, k}[number01(form[2] == 't')])
	l.see(argC, c, n)
	s.b.d.requests <- request{launch: l}
	return true
}

// see makes a matrix of so many columns the arguments i and i+1. The distance of rows of a matrix that has but one says nothing, and may
// be less than cuBLAS demands.
func (l *launch) see(i int, v view, columns int) {
	l.args[i], l.args[i+1], l.keep[i] = v.address.word, max(v.stride.word, uint64(columns)), v.address.keep
}

// mostOfBLAS is the largest int of C.
const mostOfBLAS = 1<<31 - 1

// multiply calls cuBLAS, whose matrices go by columns: to it, row-major c is cᵀ = op(b)ᵀ·op(a)ᵀ. Scalars are read before it returns.
func (b *blas) multiply(d *device, o *order) error {
	c, s := cublasSgemm_v2, d.slot
	if o.args[argPrecision] == 8 {
		c = cublasDgemm_v2
	}
	s.word, s.other = o.args[argAlpha], o.args[argBeta]
	arg := func(i int) uintptr { return uintptr(o.args[i]) }
	r := b.lib.call(c, uintptr(b.handle), arg(argTransB), arg(argTransA), arg(argN), arg(argM), arg(argK), addressOf(&s.word),
		arg(argB), arg(argStrideB), arg(argA), arg(argStrideA), addressOf(&s.other), arg(argC), arg(argStrideC))
	if r == success {
		return nil
	}
	return blasFailure(c, r, fmt.Sprintf("multiplying %d×%d by %d×%d", o.args[argM], o.args[argK], o.args[argK], o.args[argN]))
}

// A Library says whether products are by cuBLAS, as the environment and what is installed decide.
type Library struct {
	Setting string `json:"setting"`           // of CURVESTREAM_CUBLAS: auto, on or off
	File    string `json:"file,omitempty"`    // of cuBLAS; nothing where products are by our own kernels
	Version string `json:"version,omitempty"` // such as 12.4.5
	Why     string `json:"why,omitempty"`     // products are by our own kernels
}

// CUBLAS looks for cuBLAS. The environment variable CURVESTREAM_CUBLAS switches it off, or on, which makes it an error to lack it;
// auto, the default, is on where it is found.
func CUBLAS() Library {
	_, info, err := chosenBLAS()
	if err != nil {
		info.Why = err.Error()
	}
	return info
}

// chosenBLAS returns cuBLAS, or nil where products are to be by our own kernels. It is an error to ask for it where it is not.
func chosenBLAS() (blasLibrary, Library, error) { return chooseBLAS(os.Getenv, installedBLAS) }

func chooseBLAS(environment func(string) string, installed func() (blasLibrary, string, error)) (blasLibrary, Library, error) {
	info := Library{Setting: environment(blasVariable)}
	switch info.Setting {
	case "":
		info.Setting = "auto"
	case "auto", "on":
	case "off":
		info.Why = "switched off by " + blasVariable
		return nil, info, nil
	default:
		return nil, info, fmt.Errorf("cuda: %s is %q: set it to auto, on or off", blasVariable, info.Setting)
	}
	lib, file, err := installed()
	if err == nil {
		info.Version, err = blasVersion(lib)
	}
	if forced := environment("NVIDIA_TF32_OVERRIDE"); err == nil && forced != "" && forced != "0" {
		err = fmt.Errorf("cuda: NVIDIA_TF32_OVERRIDE is %q, which may have cuBLAS round to 10 bits: unset it, or set it to 0", forced)
	}
	if err != nil {
		if info.Why = err.Error(); info.Setting == "auto" {
			err = nil
		}
		return nil, info, err
	}
	info.File = file
	return lib, info, nil
}

func blasVersion(lib blasLibrary) (string, error) {
	var part [3]int32
	for i := range part {
		s := &slots{}
		if r := lib.call(cublasGetProperty, uintptr(i), addressOf(&s.number)); r != success {
			return "", blasFailure(cublasGetProperty, r, "asking for the version of cuBLAS")
		}
		part[i] = s.number
	}
	return fmt.Sprintf("%d.%d.%d", part[0], part[1], part[2]), nil
}
