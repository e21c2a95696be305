package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	measure "curvestream/run/bench"
)

// A productOf is one problem, computed by all.
type productOf struct {
	Problem  string  `json:"problem"`
	Title    string  `json:"title"`
	What     string  `json:"what"` // gv or gradient
	DType    string  `json:"dtype"`
	Threads  int     `json:"threads"`
	JudgedBy string  `json:"judged_by"` // cpu_seconds or seconds
	GFLOP    float64 `json:"gflop"`     // of one product or gradient: its matrix products
	GFLOPS   float64 `json:"gflops"`    // ours
	// Peak are the least, the median and the largest arithmetic peak of a core, measured between our samples.
	Peak    [3]float64 `json:"peak_gflops"`
	Runners []runnerOf `json:"runners"` // ours first
}

// A runnerOf is what one of them gave.
type runnerOf struct {
	Name    string             `json:"name"`
	Version map[string]string  `json:"version"`
	Method  string             `json:"method"`
	Threads int                `json:"threads"`
	Blas    json.RawMessage    `json:"blas,omitempty"`
	Median  float64            `json:"median"` // of the seconds that all are judged by
	Low     float64            `json:"low"`
	High    float64            `json:"high"`
	PeakRSS int64              `json:"peak_rss_bytes"`
	Ratio   *ratio             `json:"ratio,omitempty"`     // its seconds to ours
	Differs float64            `json:"differs"`             // from ours, relative to the norm
	Noisy   int                `json:"noisy_rounds"`        // during which others used the processors
	Tried   map[string]float64 `json:"tried_cpu,omitempty"` // processor seconds of the peer's methods
	Samples []sample           `json:"samples"`
}

// product lets ours and each peer compute a problem.
func (o options) product(ctx context.Context, p problem, what string, peers []string) (row productOf, err error) {
	problem := p.Problem
	problem.What, problem.Threads, problem.DType = what, o.threads, o.dtype
	if err := problem.Validate(); err != nil {
		return row, err
	}
	runners, err := o.runners(ctx, p, problem, peers)
	defer func() {
		if err != nil {
			for _, r := range runners {
				r.kill()
			}
		}
	}()
	if err != nil {
		return row, err
	}
	row = productOf{Problem: p.name, Title: p.title, What: what, DType: o.dtype, Threads: o.threads, JudgedBy: "cpu_seconds", GFLOP: problem.WorkFlops() / 1e9}
	if o.plan.quiet {
		row.JudgedBy = "seconds"
	}
	differs := make([]float64, len(runners))
	for i, r := range runners {
		if differs[i], err = checkAgreement(runners[0], r, o.dtype); err != nil {
			return row, err
		}
	}
	fmt.Fprintf(os.Stderr, "%s %s: %d programs, %d rounds\n", p.name, what, len(runners), o.plan.rounds)
	if err := o.plan.take(runners); err != nil {
		return row, err
	}
	for i, r := range runners {
		row.Runners = append(row.Runners, o.plan.describe(r, runners[0]))
		row.Runners[i].Differs = differs[i]
	}
	row.GFLOPS, row.Peak = row.GFLOP/row.Runners[0].Median, peaks(runners[0])
	return row, nil
}

// runners starts ours, on several threads also ours on one, and the peers. They are started one after the other, because each
// looks for its fastest method.
func (o options) runners(ctx context.Context, p problem, problem measure.Problem, peers []string) (started []*runner, err error) {
	add := func(r *runner, err error) error {
		if err == nil {
			started = append(started, r)
		}
		return err
	}
	if err := add(ours(ctx, "curvestream", "-serve", text(problem))); err != nil {
		return started, err
	}
	if o.threads > 1 {
		alone := problem
		alone.Threads = 1
		if err := add(ours(ctx, "curvestream, 1 thread", "-serve", text(alone))); err != nil {
			return started, err
		}
	}
	if p.naive != "" && problem.What == "gv" && slices.ContainsFunc(peers, func(spec string) bool { return strings.HasPrefix(p.naive, spec+":") }) {
		peers = append(slices.Clone(peers), p.naive)
	}
	for _, spec := range peers {
		library, method, _ := strings.Cut(spec, ":")
		theirs := problem
		theirs.Method = method
		if err := add(start(ctx, spec, o.python, filepath.Join("benchmarks", "peers", "gv_"+library+".py"), text(theirs))); err != nil {
			return started, err
		}
	}
	return started, nil
}

func text(v any) string {
	line, err := json.Marshal(v)
	if err != nil {
		panic(err) // never: problems and kernels are words and whole numbers
	}
	return string(line)
}

// describe tells what a runner gave, beside ours.
func (p plan) describe(r, ours *runner) runnerOf {
	seconds := p.judged(r)
	d := runnerOf{Name: r.name, Version: r.ready.Version, Method: r.ready.Method, Threads: r.ready.Threads, Blas: r.ready.Blas,
		Median: measure.Median(seconds), Low: slices.Min(seconds), High: slices.Max(seconds),
		PeakRSS: r.peakRSS, Noisy: r.noisy, Tried: r.ready.Tried, Samples: r.samples}
	if r != ours {
		c := compare(seconds, p.judged(ours))
		d.Ratio = &c
	}
	return d
}

// peaks returns the least, the median and the largest arithmetic peak that ours measured.
func peaks(ours *runner) [3]float64 {
	all := make([]float64, len(ours.samples))
	for i, s := range ours.samples {
		all[i] = s.Peak
	}
	return [3]float64{slices.Min(all), measure.Median(all), slices.Max(all)}
}
