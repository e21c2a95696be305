package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"

	"curvestream/benchmarks/internal/bench"
	measure "curvestream/run/bench"
)

// A scaling is how long a pass takes on one thread with one worker of each kind, and on two with two.
type scaling struct {
	Data  string  `json:"data"`
	Stage string  `json:"stage"`
	One   float64 `json:"one_seconds"` // wall
	Two   float64 `json:"two_seconds"`
}

// workers compares passes by the clock: of each, the shortest of those measured, in turn, because other processes only make it longer.
func workers(ctx context.Context, o options) error {
	var rows []scaling
	at := map[string]int{}
	for range o.repetitions {
		for n := 1; n <= 2; n++ {
			runtime.GOMAXPROCS(n)
			report, err := measure.RunData(ctx, measure.DataRequest{Sequences: o.sequences, Workers: n, Memory: o.memory, Repetitions: 3}, nil)
			if err != nil {
				return err
			}
			for _, r := range report.Rows {
				if r.Stage != "packed" && r.Stage != "copy" {
					continue
				}
				key := r.Data + r.Stage
				if _, known := at[key]; !known {
					at[key] = len(rows)
					rows = append(rows, scaling{Data: r.Data, Stage: r.Stage})
				}
				to := &rows[at[key]].One
				if n == 2 {
					to = &rows[at[key]].Two
				}
				if *to == 0 || r.FastestSeconds < *to {
					*to = r.FastestSeconds
				}
			}
		}
	}
	var b strings.Builder
	b.WriteString("| data | stage | one worker, s | two workers, s | ratio |\n|---|---|---|---|---|\n")
	for _, r := range rows {
		fmt.Fprintf(&b, "| %s | %s | %.4f | %.4f | %.2f |\n", r.Data, r.Stage, r.One, r.Two, r.One/r.Two)
	}
	fmt.Fprintf(&b, "\nLoad of the machine at the end: %s.\n", load())
	return bench.Write("reading-workers", "go run ./benchmarks/reading -workers -sequences "+strconv.Itoa(o.sequences), b.String(), rows)
}

// load is what the system says about how many processes want a processor, over 1, 5 and 15 minutes.
func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	fields := strings.Fields(string(text))
	if err != nil || len(fields) < 3 {
		return "not known"
	}
	return strings.Join(fields[:3], ", ")
}
