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
	row := Row{Name: "kernel/" + p.kernel.Name, DType: p.kernel.DType, Threads: p.kernel.Threads}
	err = r.time(ctx, p, &row, timing{&candidate{run: run}, p.kernel.Flops()}, []Kernel{general})
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
	row = r.row(p, i.Device, i.Padding)
	return row, r.time(ctx, p, &row, timing{&candidate{run: i.Run}, p.problem.WorkFlops()}, p.problem.shapes())
}

// measureIteration times HF iterations.
func (r Request) measureIteration(ctx context.Context, p point) (row Row, err error) {
	i, err := openIteration(ctx, p.problem, r.CG)
	if err != nil {
		return Row{}, err
	}
	defer func() { err = errors.Join(err, i.close()) }()
	total, before := 0.0, i.counted()
	work := &candidate{run: func(ctx context.Context) (err error) {
		began := now()
		i.report, err = i.step(ctx)
		total += i.used(began)
		return err
	}}
	row = r.row(p, i.device, i.padding)
	if err := r.time(ctx, p, &row, timing{work, 0}, p.problem.shapes()); err != nil {
		return row, err
	}
	if i.report.Outcome == hf.NonFinite || i.report.Products == 0 {
		return row, fault.New(fault.Numeric, "bench.no_iteration", "bench: the HF iteration made %d products (%s): it is none to measure", i.report.Products, i.report.Outcome).
			Fix("choose other sizes, or float64")
	}
	share := 1 - (i.counted()-before)/total
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

// row returns the row of a net before it is measured.
func (r Request) row(p point, device string, padding float64) Row {
	return Row{Name: r.name(p), DType: p.problem.DType, Threads: p.problem.Threads, Device: device, PaddingShare: &padding}
}

// time times the work of a row, in turn with the arithmetic peak and general products where the processor computes.
func (r Request) time(ctx context.Context, p point, row *Row, work timing, general []Kernel) error {
	row.Hidden, row.Batch, row.Length = p.hidden, p.batch, p.length
	candidates := []*candidate{work.candidate}
	peak, peakFlops := peak(row.DType)
	gemm, gemmFlops, err := gemms(general)
	if err != nil {
		return err
	}
	if row.Device == "" {
		candidates = []*candidate{peak, gemm, work.candidate}
	}
	s := r.sampling()
	s.wall = row.Device != ""
	if err := s.take(ctx, row.Threads, candidates...); err != nil {
		return fmt.Errorf("bench: %s, %d hidden, batch %d, length %d: %w", row.Name, p.hidden, p.batch, p.length, err)
	}
	row.measured(work)
	if row.Device == "" {
		row.PeakGFLOPS = 1e-9 * peakFlops / Median(peak.cpu)
		row.SGEMMGFLOPS = 1e-9 * gemmFlops / Median(gemm.cpu)
	}
	return nil
}
