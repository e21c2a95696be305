//go:build linux && (amd64 || arm64) && !nocuda

package cuda

import (
	"fmt"
	"sync"

	"github.com/ebitengine/purego"
)

// library is the driver's file: it comes with NVIDIA's kernel module, not with the toolkit.
const library = "libcuda.so.1"

// libcuda calls the driver that is installed, without a C compiler.
type libcuda struct{ functions [calls]uintptr }

var openLibrary = sync.OnceValues(func() (driver, error) { return openDriver(library) })

// installedDriver returns the driver of this machine.
func installedDriver() (driver, error) { return openLibrary() }

// openDriver opens a file that has the functions of the driver.
func openDriver(file string) (driver, error) {
	handle, err := purego.Dlopen(file, purego.RTLD_NOW|purego.RTLD_GLOBAL)
	if err != nil {
		return nil, fmt.Errorf("cuda: no NVIDIA driver: %s cannot be opened: %w", file, err)
	}
	d := &libcuda{}
	for c := range calls {
		d.functions[c], err = purego.Dlsym(handle, c.String())
		if err != nil && c < firstOptional {
			return nil, fmt.Errorf("cuda: the NVIDIA driver is too old: %s lacks %s; a driver of CUDA 11 or later has it: %w", file, c, err)
		}
	}
	return d, nil
}

func (d *libcuda) call(c call, args ...uintptr) result {
	r, _, _ := purego.SyscallN(d.functions[c], args...)
	return result(int32(r))
}

func (d *libcuda) has(c call) bool { return d.functions[c] != 0 }
