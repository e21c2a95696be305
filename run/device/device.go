// Package device opens what --device names: the processor, a GPU, or the emulation of one.
package device

import (
	"fmt"
	"strings"

	"curvestream/accel"
	"curvestream/accel/cpu"
	"curvestream/accel/cuda"
	"curvestream/run/fault"
)

// A Backend computes on the device that was asked for.
type Backend[F accel.Float] interface {
	accel.Backend[F]
	// Threads returns how many threads of the processor compute.
	Threads() int
	// Close gives the device back. No vector of it may be used after that.
	Close() error
}

// Open returns the backend of that name: cpu, cuda, cuda:0 and so on, emulate; auto is the GPU with the most multiprocessors where there
// is one that the kernels run on, and the processor else, and then note says in one line why.
func Open[F accel.Float](name string, threads int) (b Backend[F], note string, err error) {
	switch name {
	case "", "cpu":
		return onCPU[F](threads), "", nil
	case "auto":
		gpu, err := openBest[F]()
		if err != nil {
			return onCPU[F](threads), fmt.Sprintf("device: the processor, because there is no GPU to compute on (%s)", firstLine(err)), nil
		}
		return onGPU[F]{gpu}, "", nil
	}
	gpu, err := cuda.Open[F](name)
	if err != nil {
		return nil, "", fault.New(fault.Unavailable, "device.unavailable", "device %s: %s", name, firstLine(err)).
			Fix("--device cpu, or auto, which falls back to it; `curvestream version` lists the GPUs that this program sees")
	}
	return onGPU[F]{gpu}, "", nil
}

func openBest[F accel.Float]() (*cuda.Backend[F], error) {
	best, err := cuda.Best()
	if err != nil {
		return nil, err
	}
	return cuda.Open[F](best.Name)
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

type processor[F accel.Float] struct{ *cpu.Backend[F] }

func onCPU[F accel.Float](threads int) Backend[F] {
	return processor[F]{cpu.New[F](cpu.Options{Threads: threads})}
}

// Close implements Backend.
func (processor[F]) Close() error { return nil }

type onGPU[F accel.Float] struct{ *cuda.Backend[F] }

// Threads implements Backend: one feeds the device.
func (onGPU[F]) Threads() int { return 1 }
