// Package demo shows the whole way on a small problem with long-range dependencies: it writes data, trains, evaluates.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"curvestream/run/config"
	"curvestream/run/evaluate"
	"curvestream/run/generate"
	"curvestream/run/rundir"
	"curvestream/run/train"
)

// length is T of the addition problem that is learned: two marked numbers, up to T steps from the end, are to be averaged.
const length = 30

// A Report is what `curvestream demo` prints.
type Report struct {
	Schema string          `json:"schema"`
	Data   []generate.File `json:"data"`
	Train  train.Result    `json:"train"`
	Test   evaluate.Score  `json:"test"`
	Solved bool            `json:"solved"` // under 1 % of the test sequences are wrong
}

// Run makes the folder o.Run with data/ and run/ inside, and trains there. o.Config is not used.
func Run(ctx context.Context, o train.Options) (*Report, error) {
	root := o.Run
	if err := os.MkdirAll(filepath.Dir(filepath.Clean(root)), 0o755); err != nil {
		return nil, fmt.Errorf("demo: %w", err)
	}
	if err := os.Mkdir(root, 0o755); errors.Is(err, fs.ErrExist) {
		return nil, rundir.Taken(root)
	} else if err != nil {
		return nil, fmt.Errorf("demo: %w", err)
	}
	r := &Report{Schema: "curvestream.demo/1"}
	data := filepath.Join(root, "data")
	made, err := generate.Run(ctx, generate.Options{Task: "addition", Length: length, Train: 10000, Valid: 1000, Test: 10000, Seed: 1, Format: "parquet", Dir: data})
	if err != nil {
		return nil, err
	}
	r.Data = made.Files
	test := filepath.Join(data, "test.parquet")
	if o.Config, err = settings(data); err != nil {
		return nil, err
	}
	o.Run = filepath.Join(root, "run")
	if r.Train, err = train.Run(ctx, o); err != nil {
		return r, err
	}
	score, err := evaluate.Evaluate(ctx, evaluate.Options{Model: o.Run, Data: []string{test}, Memory: int64(o.Config.Memory), Threads: o.Config.Threads})
	if err != nil {
		return r, err
	}
	r.Test = score.Score
	r.Solved = score.ErrorRate != nil && *score.ErrorRate < 0.01
	return r, nil
}

// settings are those of the recipe long-range, on the demo's data, with a net that is quick to train.
func settings(data string) (*config.Resolved, error) {
	flag := func(key, value string) config.Assignment {
		return config.Assignment{Key: key, Value: value, Origin: "the demo"}
	}
	return config.Load(config.Sources{Recipe: "long-range", Flags: []config.Assignment{
		flag("data.train", fmt.Sprintf("[%q]", filepath.Join(data, "train.parquet"))),
		flag("data.valid", fmt.Sprintf("[%q]", filepath.Join(data, "valid.parquet"))),
		flag("model.hidden", "50"), flag("batch.gradient", "3000"), flag("batch.curvature", "500"),
		flag("run.iterations", "100"), flag("run.target_loss", "5e-5"), flag("run.time_limit", "100s"), flag("seed", "1"),
	}})
}
