//go:build linux && (amd64 || arm64) && !nocuda

package cuda

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"curvestream/internal/shared"
	"github.com/ebitengine/purego"
)

// fakeLibrary compiles testdata/fake.c, which stands in for libcuda and libcublas, and returns its file.
func fakeLibrary(t *testing.T) string {
	t.Helper()
	for _, compiler := range []string{"clang-19", "clang", "gcc", "cc"} {
		path, err := exec.LookPath(compiler)
		if err != nil {
			continue
		}
		file := filepath.Join(t.TempDir(), "libfake.so")
		if out, err := exec.Command(path, "-w", "-O1", "-shared", "-fPIC", "-Wl,-Bsymbolic", "-o", file, filepath.Join("testdata", "fake.c")).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", compiler, err, out)
		}
		return file
	}
	shared.Skip(t, "a C compiler: the calls to libcuda and libcublas are not checked against their C declarations")
	return ""
}

// fakeLog returns what a fake library noted, and clears it.
func fakeLog(t *testing.T, file string) func() string {
	t.Helper()
	handle, err := purego.Dlopen(file, purego.RTLD_NOW|purego.RTLD_GLOBAL)
	if err != nil {
		t.Fatal(err)
	}
	log, err := purego.Dlsym(handle, "fake_log")
	if err != nil {
		t.Fatal(err)
	}
	empty, err := purego.Dlsym(handle, "fake_clear")
	if err != nil {
		t.Fatal(err)
	}
	return func() string {
		text := strings.Clone(cString(log))
		purego.SyscallN(empty)
		return text
	}
}

// Numbers that show it where an argument is cut, moved or extended by its sign.
const (
	wide   = 0x7edc_ba98_7654_3210 // a pointer, a handle, or 64 bits of a size
	narrow = 0xfedc_ba98           // 32 bits without a sign
	signed = 0x7654_3210           // 32 bits with one
)

// TestDriverABI makes each call of the driver and of cuBLAS with arguments that are told apart, and compares what C received.
func TestDriverABI(t *testing.T) {
	file := fakeLibrary(t)
	drv, err := openDriver(file)
	if err != nil {
		t.Fatal(err)
	}
	lib, err := openBLAS([]string{"no-such-library.so", file})
	if err != nil || lib.file != file {
		t.Fatalf("%v, %v", lib, err)
	}
	log := fakeLog(t, file)
	s := &slots{}
	image := []byte(".version\x00")
	s.options, s.values = [2]uint32{5, 6}, [2]uintptr{addressOf(&s.log[0]), wide}
	s.params[0], s.params[1] = wide, narrow
	s.places[0], s.places[1] = addressOf(&s.params[0]), addressOf(&s.params[1])
	copy(s.name[:], "kernel\x00")
	word, number := addressOf(&s.word), addressOf(&s.number)
	single, double := math.Float32bits(0.5), math.Float64bits(-1.25)
	s.other = uint64(single)
	buffer := make([]byte, 64)
	at := addressOf(&buffer[0])
	calls := []struct {
		c    fmt.Stringer
		args []uintptr
		want string // of what follows the name
	}{
		{cuInit, []uintptr{narrow}, "4275878552"},
		{cuDriverGetVersion, []uintptr{number}, ""},
		{cuDeviceGetCount, []uintptr{number}, ""},
		{cuDeviceGet, []uintptr{number, 7}, "7"},
		{cuDeviceGetName, []uintptr{at, 60, signed}, "60 1985229328"},
		{cuDeviceGetAttribute, []uintptr{number, 75, signed}, "75 1985229328"},
		{cuDeviceTotalMem_v2, []uintptr{word, signed}, "1985229328"},
		{cuDevicePrimaryCtxRetain, []uintptr{word, signed}, "1985229328"},
		{cuDevicePrimaryCtxRelease_v2, []uintptr{signed}, "1985229328"},
		{cuCtxSetCurrent, []uintptr{wide}, "9141386507638288912"},
		{cuModuleLoadDataEx, []uintptr{word, addressOf(&image[0]), 2, addressOf(&s.options[0]), addressOf(&s.values[0])}, ".version 2 5 6 9141386507638288912"},
		{cuModuleGetFunction, []uintptr{word, wide, addressOf(&s.name[0])}, "9141386507638288912 kernel"},
		{cuModuleUnload, []uintptr{wide}, "9141386507638288912"},
		{cuMemAlloc_v2, []uintptr{word, 1 << 12}, "4096"},
		{cuMemFree_v2, []uintptr{wide}, "9141386507638288912"},
		{cuMemGetInfo_v2, []uintptr{word, addressOf(&s.values[1])}, ""},
		{cuMemHostAlloc, []uintptr{word, 1 << 12, narrow}, "4096 4275878552"},
		{cuMemFreeHost, []uintptr{wide}, "9141386507638288912"},
		{cuStreamCreate, []uintptr{word, narrow}, "4275878552"},
		{cuStreamSynchronize, []uintptr{wide}, "9141386507638288912"},
		{cuStreamDestroy_v2, []uintptr{wide}, "9141386507638288912"},
		{cuMemcpyHtoDAsync_v2, []uintptr{wide, wide + 1, wide + 2, wide + 3}, "9141386507638288912 9141386507638288913 9141386507638288914 9141386507638288915"},
		{cuMemcpyDtoHAsync_v2, []uintptr{wide, wide + 1, wide + 2, wide + 3}, "9141386507638288912 9141386507638288913 9141386507638288914 9141386507638288915"},
		{cuMemcpyDtoDAsync_v2, []uintptr{wide, wide + 1, wide + 2, wide + 3}, "9141386507638288912 9141386507638288913 9141386507638288914 9141386507638288915"},
		{cuMemsetD8Async, []uintptr{wide, 200, wide + 2, wide + 3}, "9141386507638288912 200 9141386507638288914 9141386507638288915"},
		{cuLaunchKernel, []uintptr{wide, narrow, 2, 3, 4, 5, 6, narrow + 1, wide + 1, addressOf(&s.places[0]), wide + 2},
			"9141386507638288912 4275878552 2 3 4 5 6 4275878553 9141386507638288913 9141386507638288912 4275878552 9141386507638288914"},
		{cuFuncSetAttribute, []uintptr{wide, 8, signed}, "9141386507638288912 8 1985229328"},
		{cuEventCreate, []uintptr{word, narrow}, "4275878552"},
		{cuEventRecord, []uintptr{wide, wide + 1}, "9141386507638288912 9141386507638288913"},
		{cuEventDestroy_v2, []uintptr{wide}, "9141386507638288912"},
		{cuStreamWaitEvent, []uintptr{wide, wide + 1, narrow}, "9141386507638288912 9141386507638288913 4275878552"},
		{cuStreamBeginCapture_v2, []uintptr{wide, 1}, "9141386507638288912 1"},
		{cuStreamEndCapture, []uintptr{wide, word}, "9141386507638288912"},
		{cuGraphInstantiateWithFlags, []uintptr{word, wide, wide + 1}, "9141386507638288912 9141386507638288913"},
		{cuGraphDestroy, []uintptr{wide}, "9141386507638288912"},
		{cuGraphLaunch, []uintptr{wide, wide + 1}, "9141386507638288912 9141386507638288913"},
		{cuGraphExecDestroy, []uintptr{wide}, "9141386507638288912"},
		{cublasGetProperty, []uintptr{2, number}, "2"},
		{cublasCreate_v2, []uintptr{word}, ""},
		{cublasDestroy_v2, []uintptr{wide}, "9141386507638288912"},
		{cublasSetStream_v2, []uintptr{wide, wide + 1}, "9141386507638288912 9141386507638288913"},
		{cublasSetWorkspace_v2, []uintptr{wide, wide + 1, wide + 2}, "9141386507638288912 9141386507638288913 9141386507638288914"},
		{cublasSetMathMode, []uintptr{wide, 2}, "9141386507638288912 2"},
		{cublasSetAtomicsMode, []uintptr{wide, 1}, "9141386507638288912 1"},
		{cublasSgemm_v2, []uintptr{wide, 0, 1, signed, 4, 5, addressOf(&s.other), wide + 1, 6, wide + 2, 7, addressOf(&s.other), wide + 3, signed + 1},
			"9141386507638288912 0 1 1985229328 4 5 0.5 9141386507638288913 6 9141386507638288914 7 0.5 9141386507638288915 1985229329"},
		{cublasDgemm_v2, []uintptr{wide, 1, 0, 3, 4, 5, addressOf(&double), wide + 1, 6, wide + 2, 7, addressOf(&double), wide + 3, 8},
			"9141386507638288912 1 0 3 4 5 -1.25 9141386507638288913 6 9141386507638288914 7 -1.25 9141386507638288915 8"},
	}
	made := 0
	for _, c := range calls {
		log()
		var r result
		switch f := c.c.(type) {
		case call:
			if r = drv.call(f, c.args...); !drv.has(f) {
				t.Errorf("%s is lacking", f)
			}
		case blasCall:
			r = lib.call(f, c.args...)
		}
		made++
		if got, want := strings.TrimSpace(log()), strings.TrimSpace(c.c.String()+" "+c.want); r != success || got != want {
			t.Errorf("C received %q, result %d; want %q", got, r, want)
		}
	}
	if made != int(calls0+blasCalls) {
		t.Errorf("%d calls are compared, of %d", made, calls0+blasCalls)
	}
	runtime.KeepAlive(s)
	runtime.KeepAlive(buffer)
}

// calls0 is the number of calls of the driver, beside the table of that name in the test.
const calls0 = blasCall(calls)

// TestFakeDevice opens a device by the fake library, moves memory there and back, multiplies and captures a graph: in the order that the
// driver is promised.
func TestFakeDevice(t *testing.T) {
	file := fakeLibrary(t)
	drv, err := openDriver(file)
	if err != nil {
		t.Fatal(err)
	}
	lib, err := openBLAS([]string{file})
	if err != nil {
		t.Fatal(err)
	}
	log := fakeLog(t, file)
	log()
	devices, err := list(drv)
	if err != nil || len(devices) != 2 || devices[1].Model != "Fake 41" || devices[1].Name != "cuda:1" || devices[0].Memory != 5<<30 || devices[0].Driver != "12.4" {
		t.Errorf("devices: %+v, %v", devices, err)
	}
	b, err := openOn[float32](drv, lib, 1, "cuda:1")
	if err != nil {
		t.Fatal(err)
	}
	if b.Name() != "cuda:1/Fake 41/cublas" {
		t.Errorf("its name is %s", b.Name())
	}
	want := []float32{1, 2, 3, 4}
	v, err := b.FromHost(want)
	if err != nil {
		t.Fatal(err)
	}
	got := make([]float32, 4)
	v.Read(got)
	if !slices.Equal(got, want) {
		t.Errorf("memory comes back as %v", got)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	text := log()
	place := -1
	for _, want := range []string{"cuInit 0", "cuDeviceGet 1", "cuDevicePrimaryCtxRetain 41", "cuCtxSetCurrent", "cuStreamCreate 1", "cuStreamCreate 1", "cuEventCreate 2",
		"cublasCreate_v2", "cublasSetStream_v2", "cublasSetWorkspace_v2", "cublasSetMathMode 8070450532247928840 2", "cuModuleLoadDataEx", "cuMemcpyHtoDAsync_v2",
		"cuMemcpyDtoHAsync_v2", "cuStreamSynchronize", "cublasDestroy_v2", "cuModuleUnload", "cuStreamDestroy_v2", "cuDevicePrimaryCtxRelease_v2 41"} {
		next := strings.Index(text[place+1:], want)
		if next < 0 {
			t.Errorf("%s is not called in its turn:\n%s", want, text)
			break
		}
		place += 1 + next
	}
}

// TestNoDriver runs this program where no driver is found: it starts, and says in one line what is lacking.
func TestNoDriver(t *testing.T) {
	if os.Getenv("CURVESTREAM_TEST_NO_DRIVER") != "" {
		_, err := openDriver("no-such-libcuda.so.1")
		if err == nil || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "no NVIDIA driver: no-such-libcuda.so.1 cannot be opened") {
			t.Errorf("the error is %v", err)
		}
		if _, err := openBLAS([]string{"no-such-libcublas.so.1"}); err == nil || !strings.Contains(err.Error(), "no-such-libcublas.so.1") {
			t.Errorf("the error is %v", err)
		}
		return
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "-test.run", "^TestNoDriver$")
	cmd.Env = append(os.Environ(), "CURVESTREAM_TEST_NO_DRIVER=1", "LD_LIBRARY_PATH=")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if _, err := installedDriver(); err == nil {
		t.Log("this machine has a driver")
		return
	}
	if _, err := Open[float32]("cuda"); err == nil || strings.Contains(err.Error(), "\n") {
		t.Errorf("opening cuda: %v", err)
	}
}
