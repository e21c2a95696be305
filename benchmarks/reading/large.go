package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"curvestream/benchmarks/internal/bench"
	"curvestream/ingest"
	"curvestream/nn"
	"curvestream/pipeline"
	measure "curvestream/run/bench"
	"curvestream/run/data"
)

// A largeRun is an epoch over more data than memory holds.
type largeRun struct {
	GB          float64 `json:"gb"` // decoded, as written
	DiskBytes   int64   `json:"disk_bytes"`
	Sequences   int     `json:"sequences"`
	Steps       int64   `json:"steps"`
	Minibatches int     `json:"minibatches"`
	Memory      int64   `json:"memory_bytes"`        // the budget
	Held        int64   `json:"peak_budget_bytes"`   // of it, at most
	Baseline    int64   `json:"baseline_rss_bytes"`  // the most that the process occupied before reading: it wrote the files
	PeakRSS     int64   `json:"peak_rss_bytes"`      // the most at the end
	Bound       int64   `json:"rss_bound_bytes"`     // budget + baseline + 15 %
	Proven      int64   `json:"epochs_exactly_once"` // by count and sum of the hashes of the identifiers
	ReadSeconds float64 `json:"read_seconds"`
}

// fileBytes is the size of what one file holds, about.
const fileBytes = 1_000_000_000

// large writes a file, and copies of it until they hold as much as was asked for, and reads an epoch of them in minibatches, the sequences
// shuffled in blocks.
func large(ctx context.Context, o options) error {
	run := largeRun{Memory: o.memory}
	const shortest, longest = 50, 5000
	perFile := fileBytes / (3 * (shortest + longest)) // x, and half as many labels
	first := filepath.Join(o.dir, "part-000.parquet")
	decoded, err := measure.WriteLists(ctx, first, o.compression, perFile, shortest, longest)
	if err != nil {
		return err
	}
	for i := 0; run.GB < o.large; i++ {
		path := filepath.Join(o.dir, fmt.Sprintf("part-%03d.parquet", i))
		if err := copyFile(ctx, path, first); err != nil {
			return err
		}
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		run.GB += float64(decoded) / 1e9
		run.DiskBytes += info.Size()
	}
	run.Baseline = measure.PeakRSS()
	if err := run.read(ctx, o); err != nil {
		return err
	}
	run.PeakRSS = measure.PeakRSS()
	run.Bound = int64(1.15 * float64(run.Memory+run.Baseline))
	verdict := "held"
	if run.PeakRSS > run.Bound {
		verdict = "exceeded"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%.1f GB decoded, %.1f GB on disk, %d sequences of %d to %d steps, %d steps in all, %d minibatches in %.0f s.\n\n",
		run.GB, float64(run.DiskBytes)/1e9, run.Sequences, shortest, longest, run.Steps, run.Minibatches, run.ReadSeconds)
	fmt.Fprintf(&b, "Budget %d MB, of which at most %d MB were held; resident at most %d MB, before reading %d MB: the bound of budget + baseline + 15 %% (%d MB) was %s. Epochs in which every sequence was delivered exactly once: %d of 1.\n",
		run.Memory>>20, run.Held>>20, run.PeakRSS>>20, run.Baseline>>20, run.Bound>>20, verdict, run.Proven)
	command := "go run ./benchmarks/reading -large " + strconv.FormatFloat(o.large, 'g', -1, 64) + " -compression " + o.compression
	if err := bench.Write("reading-large", command, b.String(), run); err != nil {
		return err
	}
	if verdict != "held" || run.Proven != 1 {
		return fmt.Errorf("the bound was %s and %d epochs were proven", verdict, run.Proven)
	}
	return nil
}

// copyFile copies a file, unless it is the same one.
func copyFile(ctx context.Context, to, from string) error {
	if to == from || ctx.Err() != nil {
		return context.Cause(ctx)
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

func (run *largeRun) read(ctx context.Context, o options) error {
	defer data.KeepTo(o.memory, 0)() // as a training run does
	src, err := ingest.Open(ctx, []string{o.dir}, ingest.OpenOptions{MemoryLimit: o.memory})
	if err != nil {
		return err
	}
	defer src.Close()
	fitter, err := ingest.NewFitter(src.Schema(), ingest.RoleOptions{Inputs: []string{"x"}, Targets: []string{"target"}})
	if err != nil {
		return err
	}
	m, err := pipeline.BuildManifest(ctx, src, fitter, pipeline.ManifestOptions{Layout: ingest.Nested, Memory: o.memory})
	if err != nil {
		return err
	}
	e, err := fitter.Encoding()
	if err != nil {
		return err
	}
	const size = 4000
	plan, err := pipeline.NewPlan(m, pipeline.PlanOptions{Seed: 1, GradientSize: size, Shuffle: pipeline.ShuffleBlock})
	if err != nil {
		return err
	}
	loader, err := pipeline.NewLoader[float32](src, m, e, pipeline.LoaderOptions{Memory: o.memory})
	if err != nil {
		return err
	}
	defer loader.Close()
	start := time.Now()
	for step := 1; loader.Stats().Epochs == 0 && step <= 1+m.Len()/size; step++ {
		if err := loader.Each(ctx, plan.Minibatch(pipeline.Gradient, step), func(b *nn.Batch[float32]) error {
			run.Steps += int64(b.Rows())
			return nil
		}); err != nil {
			return err
		}
		run.Minibatches++
	}
	s := loader.Stats()
	run.Sequences, run.Held, run.Proven, run.ReadSeconds = int(s.Sequences), s.Peak, s.Epochs, time.Since(start).Seconds()
	return nil
}
