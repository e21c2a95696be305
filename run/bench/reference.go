package bench

import (
	"context"

	"curvestream/accel/cpu"
)

// peakFlops is what a call of the peak's loop makes: about a millisecond on a fast core.
const peakFlops = 1e8

// peak returns the candidate whose time tells a core's arithmetic peak, and its floating point operations.
func peak(dtype string) (*candidate, float64) {
	run := cpu.Peak[float32]
	if dtype == "float64" {
		run = cpu.Peak[float64]
	}
	flops := run(peakFlops)
	return &candidate{run: func(context.Context) error { run(peakFlops); return nil }}, flops
}

// shapes returns the general products c = x Wᵀ, without anything prepared, of a batch's columns with each weight matrix that
// counts: of an RNN W_hh, which each time-step multiplies by, of an fnn all.
func (p Problem) shapes() []Kernel {
	product := func(out, in int) Kernel {
		return Kernel{Name: "gemm_nt", M: p.Batch, N: out, K: in, DType: p.DType, Threads: 1}
	}
	if p.Net == "rnn" {
		return []Kernel{product(p.Hidden, p.Hidden)}
	}
	var all []Kernel
	for l := 1; l < len(p.Sizes); l++ {
		all = append(all, product(p.Sizes[l], p.Sizes[l-1]))
	}
	return all
}

// gemms returns the candidate that runs all of some kernels, and its floating point operations.
func gemms(kernels []Kernel) (*candidate, float64, error) {
	var runs []func(context.Context) error
	flops := 0.0
	for _, k := range kernels {
		run, _, err := OpenKernel(k)
		if err != nil {
			return nil, 0, err
		}
		runs = append(runs, run)
		flops += k.Flops()
	}
	return &candidate{run: func(ctx context.Context) error {
		for _, run := range runs {
			if err := run(ctx); err != nil {
				return err
			}
		}
		return nil
	}}, flops, nil
}
