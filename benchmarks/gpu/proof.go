package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	"curvestream/accel"
	"curvestream/accel/acceltest"
	"curvestream/accel/cpu"
	"curvestream/accel/cuda"
	"curvestream/run/bench"
	"curvestream/run/check"
	"curvestream/run/config"
)

// facts opens the device in both precisions.
func facts(_ context.Context, o options, add func(row)) error {
	if o.device != cuda.Emulated {
		all, err := cuda.Devices()
		if err != nil {
			return lacking("%v", err)
		}
		for i, d := range all {
			add(row{d.Name, float64(i), "", fmt.Sprintf("%s, compute capability %d.%d, %d multiprocessors, %.1f GiB, CUDA %s", d.Model, d.Major, d.Minor,
				d.Processors, float64(d.Memory)/(1<<30), d.Driver)})
		}
		b := cuda.CUBLAS()
		add(row{"cuBLAS", 0, "", fmt.Sprintf("%s %s %s (%s)", b.File, b.Version, b.Why, b.Setting)})
	}
	return errors.Join(opening[float32](o, "float32", add), opening[float64](o, "float64", add))
}

func opening[F accel.Float](o options, name string, add func(row)) error {
	began := time.Now()
	b, err := cuda.Open[F](o.device)
	if err != nil {
		return err
	}
	add(row{"opening, kernels compiled, " + name, time.Since(began).Seconds(), "s", b.Name()})
	return b.Close()
}

// onDevice calls f with a backend.
func onDevice[F accel.Float](o options, f func(b *cuda.Backend[F]) error) (err error) {
	b, err := cuda.Open[F](o.device)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	return f(b)
}

func conformance(_ context.Context, o options, add func(row)) error {
	return errors.Join(conforms[float32](o, "float32", add), conforms[float64](o, "float64", add))
}

func conforms[F accel.Float](o options, name string, add func(row)) error {
	operation := ""
	if o.quick {
		operation = "AddSquares"
	}
	return onDevice(o, func(b *cuda.Backend[F]) error {
		found := acceltest.Check[F](b, operation)
		add(row{"cases that fail, " + name, float64(len(found)), "", ""})
		return errors.Join(found[:min(5, len(found))]...)
	})
}

func goldenValues(ctx context.Context, o options, add func(row)) error {
	dir := o.golden
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) == 0 {
		return lacking("no reference values in %s: name their folder by -golden", dir)
	}
	if o.quick {
		if dir, err = smallest(files); err != nil {
			return err
		}
		defer os.RemoveAll(dir)
	}
	r, err := check.Golden(ctx, dir, o.device, 0)
	if err != nil {
		return err
	}
	return verdictOf(r, add)
}

// smallest copies the smallest file to a folder of its own.
func smallest(files []string) (dir string, err error) {
	least := slices.MinFunc(files, func(a, b string) int { return int(fileSize(a) - fileSize(b)) })
	data, err := os.ReadFile(least)
	if err != nil {
		return "", err
	}
	if dir, err = os.MkdirTemp("", "golden"); err != nil {
		return "", err
	}
	return dir, os.WriteFile(filepath.Join(dir, filepath.Base(least)), data, 0o600)
}

func fileSize(name string) int64 {
	info, err := os.Stat(name)
	if err != nil {
		return math.MaxInt32
	}
	return min(info.Size(), math.MaxInt32)
}

// verdictOf tells how many quantities were checked, and the first that is wrong.
func verdictOf(r *check.Report, add func(row)) error {
	wrong, worst := 0, 0.0
	var first error
	for _, c := range r.Cases {
		worst = max(worst, c.Error/c.Tolerance)
		if !c.OK {
			if wrong++; first == nil {
				first = fmt.Errorf("%s of %s is off by %.2g, at most %.2g", c.Quantity, c.Name, c.Error, c.Tolerance)
			}
		}
	}
	add(row{"quantities", float64(len(r.Cases)), "", ""})
	add(row{"wrong", float64(wrong), "", ""})
	add(row{"largest error, of what is tolerated", worst, "", ""})
	if first == nil && !r.OK {
		first = errors.New("nothing was checked")
	}
	return first
}

func derivatives(ctx context.Context, o options, add func(row)) error {
	c := config.Default()
	c.Device = o.device
	if o.quick {
		c.Model.Arch, c.Model.Loss, c.Data.Form, c.Model.Hidden = "rnn", "squared_error", "last", []int{1}
	}
	r, err := check.Net(ctx, &c)
	if err != nil {
		return err
	}
	return verdictOf(r, add)
}

// small is a net for proofs.
func small(o options) bench.Problem {
	p := bench.Recurrent(50, 200, 100, 3, 2, "each")
	if o.quick {
		p = bench.Recurrent(3, 2, 12, 1, 1, "each")
	}
	p.DType = "float64"
	return p
}

// repeatable makes a product twice, and once on a backend that was opened anew.
func repeatable(ctx context.Context, o options, add func(row)) error {
	var want []float64
	different := 0
	for range 2 {
		err := onDevice(o, func(b *cuda.Backend[float64]) error {
			i, err := bench.OpenOn[float64](ctx, small(o), b)
			if err != nil {
				return err
			}
			for range 3 { // the third is replayed as a graph, where its launches come again
				if err := i.Run(ctx); err != nil {
					return errors.Join(err, i.Close())
				}
				got := i.Check()
				if want == nil {
					want = got
				}
				if !slices.Equal(got, want) {
					different++
				}
			}
			return i.Close()
		})
		if err != nil {
			return err
		}
	}
	add(row{"products of six that have other bits", float64(different), "", ""})
	if different > 0 {
		return errors.New("equal inputs give different bits")
	}
	return nil
}

// agreement is how far f may be from the processor's, relative to it: in float64 rounding alone, as HF iterations spread it.
const agreement = 1e-6

// training makes HF iterations on the device and on the processor.
func training(ctx context.Context, o options, add func(row)) error {
	p, cg, iterations := small(o), 20, 5
	if o.quick {
		cg, iterations = 3, 2
	}
	want, err := bench.TrainOn[float64](ctx, p, cpu.New[float64](cpu.Options{}), cg, iterations)
	if err != nil {
		return err
	}
	return onDevice(o, func(b *cuda.Backend[float64]) error {
		got, err := bench.TrainOn[float64](ctx, p, b, cg, iterations)
		if err != nil {
			return err
		}
		worst := 0.0
		for i := range want {
			worst = max(worst, math.Abs(got[i]-want[i])/math.Abs(want[i]))
		}
		add(row{"iterations", float64(iterations), "", ""})
		add(row{"f at the end", got[len(got)-1], "", fmt.Sprintf("the processor's is %.12g", want[len(want)-1])})
		add(row{"largest relative difference of f", worst, "", fmt.Sprintf("at most %g", agreement)})
		if !(worst <= agreement) {
			return errors.New("training differs from the processor's")
		}
		return nil
	})
}

// mayStay is how much memory a driver may keep for itself after a first use.
const mayStay = 64 << 20

// leaks opens, uses and closes backends on one device, while another backend looks at its free memory.
func leaks(ctx context.Context, o options, add func(row)) error {
	if o.device == cuda.Emulated {
		return lacking("each emulated device has memory of its own; the tests of accel/cuda count it")
	}
	return onDevice(o, func(watch *cuda.Backend[float64]) error {
		var free []int64
		for range 3 {
			err := onDevice(o, func(b *cuda.Backend[float64]) error {
				i, err := bench.OpenOn[float64](ctx, small(o), b)
				if err != nil {
					return err
				}
				return errors.Join(i.Run(ctx), i.Close())
			})
			if err != nil {
				return err
			}
			now, _, err := watch.Free()
			if err != nil {
				return err
			}
			free = append(free, now)
		}
		lost := free[0] - free[2]
		add(row{"memory that the second and third use did not give back", float64(lost) / (1 << 20), "MiB", ""})
		if lost > mayStay {
			return errors.New("memory of the device is not given back")
		}
		return nil
	})
}
