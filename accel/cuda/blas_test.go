package cuda

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"curvestream/accel"
	"curvestream/accel/acceltest"
)

// emulatedBLAS is cuBLAS on an emulated device: it counts and fails as the driver does, and multiplies matrices by columns in plain loops.
type emulatedBLAS struct{ e *emulator }

func (b emulatedBLAS) call(c blasCall, a ...uintptr) result {
	e := b.e
	e.mu.Lock()
	defer e.mu.Unlock()
	if r, failed := e.count(c.String()); failed {
		return r
	}
	switch c {
	case cublasGetProperty:
		return answer(a[1], int32(10+a[0]))
	case cublasCreate_v2:
		return answer(a[0], e.handle(&blasHandle{}))
	case cublasDestroy_v2:
		return e.destroy(a[0])
	}
	h, ok := held[*blasHandle](e, a[0])
	if !ok {
		return 1
	}
	switch c {
	case cublasSetStream_v2:
		h.stream = a[1]
	case cublasSetWorkspace_v2:
		if h.stream == 0 || a[1]%256 != 0 {
			return 7
		}
		h.workspace = a[2]
	case cublasSetMathMode:
		h.pedantic = a[1] == 2
	case cublasSetAtomicsMode:
		h.ordered = a[1] == 0
	default:
		if h.workspace == 0 || !h.pedantic || !h.ordered {
			return 14
		}
		return b.multiply(h, c == cublasDgemm_v2, a)
	}
	return success
}

type blasHandle struct {
	stream, workspace uintptr
	pedantic, ordered bool
}

// multiply is cublasDgemm or cublasSgemm: handle, op a, op b, m, n, k, *alpha, a, lda, b, ldb, *beta, c, ldc.
func (b emulatedBLAS) multiply(h *blasHandle, double bool, a []uintptr) result {
	if a[1] > 1 || a[2] > 1 {
		return 7
	}
	m, n, k := int(a[3]), int(a[4]), int(a[5])
	rows := func(trans uintptr, plain, transposed int) uintptr {
		return uintptr(max(1, []int{plain, transposed}[trans]))
	}
	if a[8] < rows(a[1], m, k) || a[10] < rows(a[2], k, n) || a[13] < rows(0, m, 0) {
		return 7
	}
	scalar := func(at uintptr) float64 {
		if double {
			return *(*float64)(pointer(at))
		}
		return float64(*(*float32)(pointer(at)))
	}
	alpha, beta := scalar(a[6]), scalar(a[11])
	size := map[bool]int{true: 8, false: 4}[double]
	return b.e.later(h.stream, func() error {
		element := func(base, ld uintptr, row, col int) ([]byte, error) {
			return b.e.memory.Bytes(uint64(base)+uint64((col*int(ld)+row)*size), int64(size))
		}
		get := func(base, ld uintptr, row, col int) float64 {
			x, err := element(base, ld, row, col)
			if err != nil {
				panic(err)
			}
			if double {
				return math.Float64frombits(binary.LittleEndian.Uint64(x))
			}
			return float64(math.Float32frombits(binary.LittleEndian.Uint32(x)))
		}
		op := func(trans uintptr, base, ld uintptr, row, col int) float64 {
			if trans == 1 {
				return get(base, ld, col, row)
			}
			return get(base, ld, row, col)
		}
		for i := range m {
			for j := range n {
				sum := 0.0
				for l := range k {
					sum += op(a[1], a[7], a[8], i, l) * op(a[2], a[9], a[10], l, j)
				}
				sum *= alpha
				if beta != 0 {
					sum += beta * get(a[12], a[13], i, j)
				}
				to, err := element(a[12], a[13], i, j)
				if err != nil {
					return err
				}
				if double {
					binary.LittleEndian.PutUint64(to, math.Float64bits(sum))
				} else {
					binary.LittleEndian.PutUint32(to, math.Float32bits(float32(sum)))
				}
			}
		}
		return nil
	})
}

// TestBLASConforms has cuBLAS make all products of the list.
func TestBLASConforms(t *testing.T) {
	if underRace {
		t.Skip("one goroutine asks for all of it")
	}
	e := newEmulator()
	e.traced = true
	b, err := openOn[float64](e, emulatedBLAS{e}, 0, Emulated)
	if err != nil {
		t.Fatal(err)
	}
	acceltest.RunCases(t, b, "GEMM")
	acceltest.RunCases(t, b, "MulPrepared")
	if !slices.Contains(e.names, "cublasDgemm_v2") || !strings.HasSuffix(b.Name(), "/cublas") {
		t.Errorf("%s makes no product by cuBLAS", b.Name())
	}
	if err := b.Close(); err != nil || e.leaked != "" {
		t.Errorf("closing: %v; left: %s", err, e.leaked)
	}
}

// TestBLASOfOneRow has cuBLAS multiply a row whose matrix has no distance of rows.
func TestBLASOfOneRow(t *testing.T) {
	e := newEmulator()
	b, err := openOn[float64](e, emulatedBLAS{e}, 0, Emulated)
	if err != nil {
		t.Fatal(err)
	}
	v, err := b.FromHost([]float64{1, 2, 3, 4, 5, 6, 0, 0})
	if err != nil {
		t.Fatal(err)
	}
	err = b.Run(1, func(_ int, s accel.Stream[float64]) error {
		x := accel.Mat[float64]{V: v, Rows: 1, Cols: 2, Stride: 1}
		w := accel.NewMat(v, 2, 2, 2)
		s.GEMM(false, false, 1, x, w, 0, accel.Mat[float64]{V: v, Off: 6, Rows: 1, Cols: 2})
		return nil
	})
	got := make([]float64, 8)
	v.Read(got)
	if want := []float64{3 + 2*5, 4 + 2*6}; err != nil || !slices.Equal(got[6:], want) {
		t.Errorf("%v, want %v; error %v", got[6:], want, err)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}

func TestChooseBLAS(t *testing.T) {
	none := errors.New("no cuBLAS")
	for _, c := range []struct {
		setting, override string
		installed         bool
		is                string // the file, or nothing
		why, err          string
	}{
		{"", "", true, "lib", "", ""},
		{"auto", "0", true, "lib", "", ""},
		{"on", "", true, "lib", "", ""},
		{"off", "", true, "", "switched off", ""},
		{"", "", false, "", "no cuBLAS", ""},
		{"on", "", false, "", "no cuBLAS", "no cuBLAS"},
		{"", "1", true, "", "NVIDIA_TF32_OVERRIDE", ""},
		{"on", "1", true, "", "NVIDIA_TF32_OVERRIDE", "NVIDIA_TF32_OVERRIDE"},
		{"yes", "", true, "", "", "auto, on or off"},
	} {
		environment := func(name string) string {
			return map[string]string{blasVariable: c.setting, "NVIDIA_TF32_OVERRIDE": c.override}[name]
		}
		lib, info, err := chooseBLAS(environment, func() (blasLibrary, string, error) {
			if !c.installed {
				return nil, "", none
			}
			return emulatedBLAS{newEmulator()}, "lib", nil
		})
		if (lib != nil) != (c.is != "") || info.File != c.is || !strings.Contains(info.Why, c.why) || (err != nil) != (c.err != "") {
			t.Errorf("%+v: %v, %+v, %v", c, lib != nil, info, err)
		}
		if err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%+v: the error is %v", c, err)
		}
		if lib != nil && info.Version != "10.11.12" {
			t.Errorf("version %q", info.Version)
		}
	}
}
