// Package version says what this program is and what it runs on.
package version

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/klauspost/cpuid/v2"

	"curvestream/accel/cpu"
	"curvestream/accel/cuda"
)

// number is raised at a release.
const number = "0.1.0"

// An Info is what `curvestream version --json` prints.
type Info struct {
	Version  string   `json:"version"`
	Revision string   `json:"revision,omitempty"` // of the source, with -dirty where files were changed
	Go       string   `json:"go"`
	OS       string   `json:"os"`
	Arch     string   `json:"arch"`
	CPU      string   `json:"cpu"`
	Features []string `json:"cpu_features"` // of those that kernels use
	Threads  int      `json:"threads"`
	Kernels  string   `json:"kernels"` // the path taken, such as cpu/avx2

	Devices   []cuda.Device `json:"devices"`              // GPUs
	NoDevices string        `json:"no_devices,omitempty"` // why there are none
	CUBLAS    cuda.Library  `json:"cublas"`               // whether products on GPUs are by it
}

// Get returns the Info of this program.
func Get() Info {
	i := Info{Version: number, Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH, CPU: cpuid.CPU.BrandName,
		Threads: runtime.GOMAXPROCS(0), Kernels: cpu.New[float32](cpu.Options{}).Name(), Revision: revision()}
	for _, f := range []struct {
		name string
		id   cpuid.FeatureID
	}{{"avx2", cpuid.AVX2}, {"fma", cpuid.FMA3}, {"avx512f", cpuid.AVX512F}, {"asimd", cpuid.ASIMD}} {
		if cpuid.CPU.Supports(f.id) {
			i.Features = append(i.Features, f.name)
		}
	}
	var err error
	if i.Devices, err = cuda.Devices(); err != nil {
		i.Devices, i.NoDevices = []cuda.Device{}, err.Error()
	}
	i.CUBLAS = cuda.CUBLAS()
	return i
}

// String returns the version with the revision, in one word.
func String() string {
	if r := revision(); r != "" {
		return number + "+" + r
	}
	return number
}

func revision() string {
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	var commit, dirty string
	for _, s := range build.Settings {
		switch {
		case s.Key == "vcs.revision":
			commit = s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "-dirty"
		}
	}
	return commit + dirty
}

// String lays the Info out for a person.
func (i Info) String() string {
	lines := fmt.Sprintf("curvestream %s\n%s %s/%s, %s (%s), %d threads, kernels %s\n", String(), i.Go, i.OS, i.Arch, i.CPU,
		strings.Join(i.Features, " "), i.Threads, i.Kernels)
	return lines + i.GPUs()
}

// GPUs lists the GPUs for a person, a line each, and how they make products; or says in a line why there are none.
func (i Info) GPUs() string {
	if i.NoDevices != "" {
		return "no GPU: " + i.NoDevices + "\n"
	}
	lines := ""
	for _, d := range i.Devices {
		lines += fmt.Sprintf("%s: %s, compute capability %d.%d, %d multiprocessors, %.0f GiB, CUDA %s\n", d.Name, d.Model, d.Major, d.Minor,
			d.Processors, float64(d.Memory)/(1<<30), d.Driver)
	}
	if i.CUBLAS.File == "" {
		return lines + "products on GPUs by our own kernels: " + i.CUBLAS.Why + "\n"
	}
	return lines + fmt.Sprintf("products on GPUs by cuBLAS %s, %s\n", i.CUBLAS.Version, i.CUBLAS.File)
}
