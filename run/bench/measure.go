package bench

import (
	"context"
	"errors"
	"fmt"

	"curvestream/hf"
	"curvestream/run/fault"
)

func (r Request) sampling() sampling {
	return sampling{warmup: r.Warmup, repetitions: r.Repetitions, seconds: r.Seconds}
}

// measureKernel times a kernel beside the untransposed product of its size.
func (r Request) measureKernel(ctx context.Context, p point) (Row, error) {
	run, _, err := OpenKernel(p.kernel)
	if err != nil {
		return Row{}, err
	}
	general := p.kernel
	general.Name, general.Threads = "gemm_nn", 1
	row, err := r.row(ctx, p, "kernel/"+p.kernel.Name, p.kernel.DType, p.kernel.Threads,
		timing{&candidate{run: run}, p.kernel.Flops()}, []Kernel{general})
	if err == nil && p.kernel.Flops() == 0 {
		row.NanosecondsPerElement = 1e9 * row.CPUSeconds / float64(p.kernel.M*p.kernel.N)
	}
	return row, err
}

// measureWork times products with G, or gradients.
func (r Request) measureWork(ctx context.Context, p point) (row Row, err error) {
	i, err := Open(ctx, p.problem)
	if err != nil {
		return Row{}, err
	}
	defer func() { err = errors.Join(err, i.Close()) }()
	return r.row(ctx, p, r.name(p), p.problem.DType, p.problem.Threads, timing{&candidate{run: i.Run}, p.problem.WorkFlops()}, p.problem.shapes())
}

// measureIteration times HF iterations.
func (r Request) measureIteration(ctx context.Context, p point) (Row, error) {
	i, err := openIteration(ctx, p.problem, r.CG)
	if err != nil {
		return Row{}, err
	}
	total, before := 0.0, i.inside()
	work := &candidate{run: func(ctx context.Context) (err error) {
		began := now()
		i.report, err = i.step(ctx)
		_, used := since(began)
		total += used
		return err
	}}
	row, err := r.row(ctx, p, r.name(p), p.problem.DType, p.problem.Threads, timing{work, 0}, p.problem.shapes())
	if err != nil {
		return row, err
	}
	if i.report.Outcome == hf.NonFinite || i.report.Products == 0 {
		return row, fault.New(fault.Numeric, "bench.no_iteration", "bench: the HF iteration made %d products (%s): it is none to measure", i.report.Products, i.report.Outcome).
			Fix("choose other sizes, or float64")
	}
	share := 1 - (i.inside()-before)/total
	row.OutsideShare, row.Products, row.Losses = &share, i.report.Products, i.report.Losses
	row.GFLOPS = 1e-9 * i.flops(p.problem) / row.time()
	return row, nil
}

func (r Request) name(p point) string {
	if p.problem.Net == "rnn" {
		return r.What + "/rnn"
	}
	return r.What + "/curves"
}

// row times the work in turn with the arithmetic peak and general products.
func (r Request) row(ctx context.Context, p point, name, dtype string, threads int, work timing, general []Kernel) (Row, error) {
	peak, peakFlops := peak(dtype)
	gemm, gemmFlops, err := gemms(general)
	if err != nil {
		return Row{}, err
	}
	if err := r.sampling().take(ctx, threads, peak, gemm, work.candidate); err != nil {
		return Row{}, fmt.Errorf("bench: %s, %d hidden, batch %d, length %d: %w", name, p.hidden, p.batch, p.length, err)
	}
	return newRow(name, p.hidden, p.batch, p.length, dtype, threads, work, timing{peak, peakFlops}, timing{gemm, gemmFlops}), nil
}
