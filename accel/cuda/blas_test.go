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
func (b emulatedBLAS) multiply(h *blasHandle, double bool, args []uintptr) result {
	if args[1] > 1 || args[2] > 1 {
		return 7
	}
	m, n, k := int(args[3]), int(args[4]), int(args[5])
	alpha, beta := scalar(double, args[6]), scalar(double, args[11])
	x := byColumns{b.e, double, args[7], int(args[8]), args[1] == 1}
	y := byColumns{b.e, double, args[9], int(args[10]), args[2] == 1}
	z := byColumns{b.e, double, args[12], int(args[13]), false}
	if !x.holds(m, k) || !y.holds(k, n) || !z.holds(m, n) {
		return 7
	}
	return b.e.later(h.stream, func() error {
		for i := range m {
			for j := range n {
				sum := 0.0
				for l := range k {
					sum += x.get(i, l) * y.get(l, j)
				}
				sum *= alpha
				if beta != 0 {
					sum += beta * z.get(i, j)
				}
				z.set(i, j, sum)
			}
		}
		return nil
	})
}

func scalar(double bool, at uintptr) float64 {
	if double {
		return *(*float64)(pointer(at))
	}
	return float64(*(*float32)(pointer(at)))
}

// byColumns is op of a matrix by columns, in the memory of an emulated device.
type byColumns struct {
	e      *emulator
	double bool
	base   uintptr
	ld     int
	trans  bool
}

// holds reports whether columns of the matrix, op of which has some rows and columns, do not overlap.
func (x byColumns) holds(rows, cols int) bool {
	if x.trans {
		rows = cols
	}
	return x.ld >= max(1, rows)
}

func (x byColumns) bytes(row, col int) []byte {
	if x.trans {
		row, col = col, row
	}
	size := 4
	if x.double {
		size = 8
	}
	b, err := x.e.memory.Bytes(uint64(x.base)+uint64((col*x.ld+row)*size), int64(size))
	if err != nil {
		panic(err)
	}
	return b
}

func (x byColumns) get(row, col int) float64 {
	b := x.bytes(row, col)
	if x.double {
		return math.Float64frombits(binary.LittleEndian.Uint64(b))
	}
	return float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))
}

func (x byColumns) set(row, col int, value float64) {
	b := x.bytes(row, col)
	if x.double {
		binary.LittleEndian.PutUint64(b, math.Float64bits(value))
	} else {
		binary.LittleEndian.PutUint32(b, math.Float32bits(float32(value)))
	}
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
