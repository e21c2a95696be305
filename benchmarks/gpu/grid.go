package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"curvestream/accel/cuda"
	"curvestream/run/bench"
)

const (
	tooLong     = 100e12 // operations of one product: seconds on any GPU
	vendorsPeak = 67     // TFLOP/s in float32 of an H100 and an H200, by their maker
)

// A sized is a cell of the grid.
type sized struct {
	what, name string
	bench.Problem
}

// gridOf returns the grid, short sequences first.
func gridOf(o options) (all []sized) {
	hs, bs, ts := []int{50, 100, 200, 256, 512, 1024, 2048}, []int{64, 256, 1024}, []int{100, 1000, 10000}
	if o.quick {
		hs, bs, ts = []int{2}, []int{2}, []int{5}
	}
	for _, t := range ts {
		for _, h := range hs {
			for _, columns := range bs {
				for _, what := range []string{"gv", "gradient"} {
					p := bench.Recurrent(h, columns, t, 2, 1, "last")
					p.What = what
					all = append(all, sized{what, fmt.Sprintf("%s h=%d B=%d T=%d", what, h, columns, t), p})
				}
			}
		}
	}
	return all
}

// grid times Gv and gradients over sizes. Those that are left out are named, with the reason; a size that fails does not keep others from being
// measured.
func grid(ctx context.Context, o options, add func(row)) error {
	short := o
	short.quick = true // a few calls each
	return onDevice(o, func(b *cuda.Backend[float32]) error {
		n := 4096
		if o.quick {
			n = 16
		}
		peak, err := multiplies(ctx, short, b, n)
		if err != nil {
			return err
		}
		add(row{"SGEMM peak", peak, "TFLOP/s", fmt.Sprintf("%.2f of %d TFLOP/s", peak/vendorsPeak, vendorsPeak)})
		_, memory, err := b.Free()
		if err != nil {
			return err
		}
		var failed []error
		out := map[string][]string{}
		for _, p := range gridOf(o) {
			if why := leftOut(ctx, p, memory); why != "" {
				out[why] = append(out[why], p.name)
				continue
			}
			seconds, err := timeWork(ctx, short, b, p.Problem)
			switch {
			case ctx.Err() != nil:
				out[notReached] = append(out[notReached], p.name)
			case err != nil:
				failed = append(failed, fmt.Errorf("%s: %w", p.name, err))
				add(row{p.name, 0, "", "failed: " + err.Error()})
			default:
				rate := p.WorkFlops() / seconds / 1e12
				add(row{p.name, 1e3 * seconds, "ms", fmt.Sprintf("%.2f TFLOP/s, %.2f of the SGEMM peak, %.2f of %d TFLOP/s", rate, rate/peak, rate/vendorsPeak, vendorsPeak)})
			}
		}
		for _, why := range []string{tooLongToTime, tooLarge, notReached} {
			add(row{why, float64(len(out[why])), "sizes", strings.Join(out[why], "; ")})
		}
		return errors.Join(failed[:min(3, len(failed))]...)
	})
}

const (
	tooLongToTime = "left out: more than 100 Tflop a product"
	tooLarge      = "left out: states larger than 0.7 of the memory"
	notReached    = "not reached: the time was over"
)

// leftOut returns why a size is not measured, or nothing.
func leftOut(ctx context.Context, p sized, memory int64) string {
	bytes := 3 * 4 * float64(p.Hidden) * float64(p.Batch) * float64(p.Length)
	switch {
	case p.WorkFlops() > tooLong:
		return tooLongToTime
	case bytes > 0.7*float64(memory):
		return tooLarge
	case ctx.Err() != nil:
		return notReached
	}
	return ""
}
