// Command curves trains the deep autoencoder of Martens (2010) on a surrogate of its CURVES images, and prints the squared error of
// the training and the test images beside the log that Martens published with his code (8 May 2011), after as many products as that took.
//
//	go run ./benchmarks/curves [-limit-products 5500] [-limit 2h] [-dir benchmarks/local/curves] [-render]
//
// The same command goes on where it was stopped, and further with a higher limit: 22,721 products are 150 steps of the log, 60,221 all of
// it. It leaves benchmarks/results/curves.{json,md}. The images are not the original ones, which are lost: compare the shape (a plateau
// near 17, the error of the mean image, then a fall by two orders of magnitude), not the figures.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"curvestream/benchmarks/internal/bench"
)

func main() {
	limit := flag.Int("limit-products", 5500, "products in all")
	within := flag.Duration("limit", 2*time.Hour, "training time in all")
	dir := flag.String("dir", filepath.Join("benchmarks", "local", "curves"), "where data and run lie")
	render := flag.Bool("render", false, "run nothing, write the table of what there is")
	flag.Parse()
	bench.Main("curves", func(ctx context.Context) (err error) {
		if *dir, err = filepath.Abs(*dir); err != nil { // the run is the same however the folder is named
			return err
		}
		if *render {
			return report(bench.Desk{Dir: *dir})
		}
		d, err := bench.Open(ctx, *dir)
		if err != nil {
			return err
		}
		if err := prepare(ctx, d); err != nil {
			return err
		}
		return stages(ctx, d, *limit, *within)
	})
}

// prepare writes the images, 20,000 for training and 10,000 for testing as in the original, where they are not there.
func prepare(ctx context.Context, d bench.Desk) error {
	if _, err := os.Stat(filepath.Join(data(d), "test.parquet")); err == nil {
		return nil
	}
	o, err := d.Program.Run(ctx, true, "gen", "curves", "--train", "20000", "--valid", "0", "--test", "10000", "--seed", "1", "-o", data(d), "--overwrite", "-q")
	if err != nil || o.Exit != 0 {
		return fmt.Errorf("gen: %v, exit %d: %s", err, o.Exit, o.Stderr)
	}
	return nil
}

func data(d bench.Desk) string { return filepath.Join(d.Dir, "data") }

// job returns the one run there is, without a limit.
func job(d bench.Desk) bench.Job {
	return bench.Job{Name: "curves", Config: []string{filepath.Join("benchmarks", "curves", "curves.yaml")},
		Args: []string{"--data", filepath.Join(data(d), "train.parquet")}, Test: filepath.Join(data(d), "test.parquet")}
}

// A point is the state of the run at a stage.
type point struct {
	Stage      int     `json:"stage"` // products at which the published log has a line
	Products   int     `json:"products"`
	Iterations int     `json:"iterations"`
	Loss       float64 `json:"f"`
	Train      float64 `json:"train_squared_error"` // summed over pixels, mean over images
	Test       float64 `json:"test_squared_error"`
	Seconds    float64 `json:"seconds"`
	CPUSeconds float64 `json:"cpu_seconds"`
}

// points are what a run of the given settings has reached so far.
type points struct {
	Digest string  `json:"digest"`
	Points []point `json:"points"`
}

// stages trains up to the products of each line of the log, and to the limit, and looks at the squared error there.
func stages(ctx context.Context, d bench.Desk, limit int, within time.Duration) error {
	j := job(d)
	for _, stage := range until(limit) {
		j.Limit = bench.Limit{Products: stage, Time: within}
		known, err := load(d, j)
		if err != nil {
			return err
		}
		if n := len(known.Points); n > 0 && known.Points[n-1].Stage >= stage {
			continue
		}
		r, err := d.Do(ctx, j)
		if err != nil {
			return err
		}
		p := point{Stage: stage, Products: r.Products, Iterations: r.Iterations, Seconds: r.Seconds, CPUSeconds: r.CPUSeconds}
		if r.Loss != nil {
			p.Loss = *r.Loss
		}
		if r.Reason != "products" { // it used its time, or no step lowers f any more: the stage was not reached
			if p.Stage = r.Products; known.has(p) {
				return report(d)
			}
		}
		if p.Train, err = squaredError(ctx, d, j, "train"); err != nil {
			return err
		}
		if p.Test, err = squaredError(ctx, d, j, "test"); err != nil {
			return err
		}
		known.Points = append(known.Points, p)
		if err := save(d, known); err != nil {
			return err
		}
		if err := report(d); err != nil {
			return err
		}
		if r.Reason != "products" {
			return nil
		}
	}
	return report(d)
}

// has reports whether p was looked at before.
func (all points) has(p point) bool {
	n := len(all.Points)
	return n > 0 && all.Points[n-1].Products == p.Products
}

// until returns the stages up to the limit, and the limit.
func until(limit int) (all []int) {
	for _, line := range published {
		if line.products < limit {
			all = append(all, line.products)
		}
	}
	return append(all, limit)
}

func file(d bench.Desk) string { return filepath.Join(d.Dir, "points.json") }

// load returns the points of the run with the job's settings; none where there are none, or those of other settings.
func load(d bench.Desk, j bench.Job) (p points, err error) {
	digest, err := j.Digest()
	if err != nil {
		return p, err
	}
	text, err := os.ReadFile(file(d))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return p, err
	}
	if err == nil {
		if err := json.Unmarshal(text, &p); err != nil {
			return p, fmt.Errorf("%s: %w", file(d), err)
		}
	}
	if p.Digest != digest {
		p = points{Digest: digest}
	}
	return p, nil
}

func save(d bench.Desk, p points) error {
	text, err := json.MarshalIndent(p, "", " ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(file(d)+".new", text, 0o644); err != nil {
		return err
	}
	return os.Rename(file(d)+".new", file(d))
}
