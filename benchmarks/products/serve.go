package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"strings"

	"curvestream/accel/cpu"
	"curvestream/run/bench"
)

// ready is the first line of a peer, by the protocol of benchmarks/peers/README.md.
type ready struct {
	Peer    string             `json:"peer"`
	Version map[string]string  `json:"version"`
	Method  string             `json:"method"`
	Ready   bool               `json:"ready"`
	Blas    json.RawMessage    `json:"blas,omitempty"` // which libraries a peer computes with
	Threads int                `json:"threads"`
	Check   []float64          `json:"check"` // ‖r‖, vᵀr, and the norm of each parameter's part
	Tried   map[string]float64 `json:"tried,omitempty"`
}

// sample is the answer to "run": seconds of one product.
type sample struct {
	Seconds    float64 `json:"seconds"`
	CPUSeconds float64 `json:"cpu_seconds"`
	Peak       float64 `json:"peak_gflops,omitempty"` // ours only: a core's arithmetic peak, measured just after
}

// goodbye is the last line.
type goodbye struct {
	PeakRSS int64 `json:"peak_rss_bytes"`
}

// serve is this program as one of the peers: it speaks their protocol, so that all are measured alike.
func serve(ctx context.Context, text string, in io.Reader, out io.Writer) error {
	p, err := bench.ParseProblem(text)
	if err != nil {
		return err
	}
	runtime.GOMAXPROCS(p.Threads)
	i, err := bench.Open(ctx, p)
	if err != nil {
		return err
	}
	for range 2 {
		if err := i.Run(ctx); err != nil {
			return err
		}
	}
	r := ready{Threads: p.Threads, Method: "r_op", Check: i.Check()}
	if p.What == "gradient" {
		r.Method = "backward"
	}
	err = converse(ctx, r, p.DType, 1, i.Run, in, out)
	if closing := i.Close(); err == nil {
		err = closing
	}
	return err
}

// serveKernel does the same for one kernel.
func serveKernel(ctx context.Context, text string, in io.Reader, out io.Writer) error {
	var k bench.Kernel
	if err := json.Unmarshal([]byte(text), &k); err != nil {
		return fmt.Errorf("reading a kernel: %w", err)
	}
	runtime.GOMAXPROCS(k.Threads)
	run, result, err := bench.OpenKernel(k)
	if err != nil {
		return err
	}
	if err := run(ctx); err != nil {
		return err
	}
	calls, err := bench.Calls(ctx, run, 0.1)
	if err != nil {
		return err
	}
	return converse(ctx, ready{Threads: k.Threads, Method: k.Name, Check: []float64{result()}}, k.DType, calls, run, in, out)
}

// converse says what is ready, times the given number of calls for each line "run", and ends with the memory that was used.
func converse(ctx context.Context, r ready, dtype string, calls int, run func(context.Context) error, in io.Reader, out io.Writer) error {
	r.Peer, r.Ready, r.Version = "curvestream", true, map[string]string{"kernels": cpu.New[float32](cpu.Options{}).Name(), "go": runtime.Version()}
	say := json.NewEncoder(out)
	if err := say.Encode(r); err != nil {
		return err
	}
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		if line := strings.TrimSpace(lines.Text()); line != "run" {
			return fmt.Errorf("got %q: the only command is run", line)
		}
		var s sample
		var err error
		if s.Seconds, s.CPUSeconds, err = bench.Time(ctx, run, calls); err != nil {
			return err
		}
		if s.Peak, err = peak(ctx, dtype); err != nil {
			return err
		}
		if err := say.Encode(s); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return say.Encode(goodbye{peakRSS()})
}

// peak returns a core's arithmetic peak, over some ten milliseconds.
func peak(ctx context.Context, dtype string) (gflops float64, err error) {
	loop := cpu.Peak[float32]
	if dtype == "float64" {
		loop = cpu.Peak[float64]
	}
	var flops float64
	_, seconds, err := bench.Time(ctx, func(context.Context) error { flops = loop(1e9); return nil }, 1)
	return 1e-9 * flops / seconds, err
}
