//go:build linux && (amd64 || arm64) && !nocuda

package cuda

import (
	"fmt"
	"strings"
	"sync"

	"github.com/ebitengine/purego"
)

// blasFiles are the files of cuBLAS, the newest first. They come with the toolkit, or with other programs that compute on GPUs.
var blasFiles = []string{"libcublas.so.13", "libcublas.so.12", "libcublas.so.11"}

type libcublas struct {
	functions [blasCalls]uintptr
	file      string
}

var openedBLAS = sync.OnceValues(func() (*libcublas, error) { return openBLAS(blasFiles) })

// installedBLAS returns the cuBLAS of this machine, and the file it is in.
func installedBLAS() (blasLibrary, string, error) {
	l, err := openedBLAS()
	if err != nil {
		return nil, "", err
	}
	return l, l.file, nil
}

// openBLAS opens the first of some files that is there.
func openBLAS(files []string) (*libcublas, error) {
	var handle uintptr
	var err error
	l := &libcublas{}
	for _, l.file = range files {
		if handle, err = purego.Dlopen(l.file, purego.RTLD_NOW|purego.RTLD_GLOBAL); err == nil {
			break
		}
	}
	if err != nil {
		return nil, fmt.Errorf("cuda: no cuBLAS: none of %s can be opened; LD_LIBRARY_PATH says where to look: %w", strings.Join(files, ", "), err)
	}
	for c := range blasCalls {
		if l.functions[c], err = purego.Dlsym(handle, c.String()); err != nil {
			return nil, fmt.Errorf("cuda: cuBLAS is too old: %s lacks %s: %w", l.file, c, err)
		}
	}
	return l, nil
}

func (l *libcublas) call(c blasCall, args ...uintptr) result {
	r, _, _ := purego.SyscallN(l.functions[c], args...)
	return result(int32(r))
}
