package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	measure "curvestream/run/bench"
)

// A kernelOf is one kernel of ours beside that of NumPy: matrix products by its OpenBLAS, tanh by NumPy itself.
type kernelOf struct {
	Name    string     `json:"name"`
	Theirs  string     `json:"theirs,omitempty"` // what it is compared with
	M       int        `json:"m"`
	N       int        `json:"n"`
	K       int        `json:"k,omitempty"`
	DType   string     `json:"dtype"`
	GFLOPS  float64    `json:"gflops,omitempty"` // ours
	Peak    [3]float64 `json:"peak_gflops"`
	PerElem float64    `json:"ns_per_element,omitempty"` // tanh, ours, with the copy of its inputs
	Runners []runnerOf `json:"runners"`                  // ours first
}

// kernels measures all kernels on one thread by processor time, beside NumPy where it is among the peers.
func (o options) kernels(ctx context.Context, peers []string) (rows []kernelOf, err error) {
	p := o.plan
	p.quiet = false
	all := kernels()
	for i, k := range all {
		row, err := o.kernel(ctx, p, k, slices.Contains(peers, "numpy"))
		if err != nil {
			return rows, fmt.Errorf("%s %d x %d x %d in %s: %w", k.ours.Name, k.ours.M, k.ours.N, k.ours.K, k.ours.DType, err)
		}
		rows = append(rows, row)
		if (i+1)%10 == 0 || i+1 == len(all) {
			fmt.Fprintf(os.Stderr, "kernels: %d of %d\n", i+1, len(all))
		}
	}
	return rows, nil
}

func (o options) kernel(ctx context.Context, p plan, k kernel, numpy bool) (row kernelOf, err error) {
	row = kernelOf{Name: k.ours.Name, M: k.ours.M, N: k.ours.N, K: k.ours.K, DType: k.ours.DType}
	var runners []*runner
	defer func() {
		if err != nil {
			for _, r := range runners {
				r.kill()
			}
		}
	}()
	mine, err := ours(ctx, "curvestream", "-serve-kernel", text(k.ours))
	if err != nil {
		return row, err
	}
	runners = append(runners, mine)
	if numpy {
		row.Theirs = k.theirs
		theirs, err := start(ctx, "numpy", o.python, filepath.Join("benchmarks", "peers", "kernel_numpy.py"), text(map[string]any{
			"kernel": k.theirs, "m": k.ours.M, "n": k.ours.N, "k": k.ours.K, "dtype": k.ours.DType, "threads": 1}))
		if err != nil {
			return row, err
		}
		runners = append(runners, theirs)
		if _, err := checkAgreement(mine, theirs, k.ours.DType); err != nil {
			return row, err
		}
	}
	p.seconds = 0 // a sample is many calls already
	if err := p.take(runners); err != nil {
		return row, err
	}
	for _, r := range runners {
		row.Runners = append(row.Runners, p.describe(r, mine))
	}
	median := measure.Median(p.judged(mine))
	row.Peak = peaks(mine)
	if k.ours.Flops() > 0 {
		row.GFLOPS = 1e-9 * k.ours.Flops() / median
	} else {
		row.PerElem = 1e9 * median / float64(k.ours.M*k.ours.N)
	}
	return row, nil
}
