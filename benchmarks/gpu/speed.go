package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"curvestream/accel"
	"curvestream/accel/cuda"
	"curvestream/rnn"
	"curvestream/run/bench"
)

// fastest returns the seconds of the fastest of some calls, after a first two: the second of them captures graphs.
func fastest(ctx context.Context, least time.Duration, f func() error) (float64, error) {
	best, end := 0.0, time.Time{}
	for i := 0; i < 5 || time.Now().Before(end); i++ {
		if err := ctx.Err(); err != nil {
			return best, err
		}
		if i == 2 {
			end = time.Now().Add(least)
		}
		began := time.Now()
		if err := f(); err != nil {
			return best, err
		}
		if t := time.Since(began).Seconds(); i >= 2 && (best == 0 || t < best) {
			best = t
		}
	}
	return best, nil
}

// patience is how long a figure is measured at least.
func (o options) patience() time.Duration {
	if o.quick {
		return 0
	}
	return time.Second
}

// setBLAS switches cuBLAS on where it is found, or off, for the backends that are opened next in this process.
func setBLAS(setting string) error { return os.Setenv("CURVESTREAM_CUBLAS", setting) }

// rates measures products by our own kernels and by cuBLAS, copies within the device, and copies to and from pinned memory.
func rates(ctx context.Context, o options, add func(row)) error {
	sizes := []int{1024, 4096, 8192}
	if o.quick {
		sizes = []int{16}
	}
	var all []error
	for _, by := range []struct{ setting, name string }{{"off", "our kernels"}, {"auto", "cuBLAS"}} {
		if by.setting == "auto" && (o.device == cuda.Emulated || cuda.CUBLAS().Why != "") {
			continue
		}
		if err := setBLAS(by.setting); err != nil {
			return err
		}
		all = append(all, onDevice(o, func(b *cuda.Backend[float32]) error {
			for _, n := range sizes {
				rate, err := multiplies(ctx, o, b, n)
				if err != nil {
					return err
				}
				add(row{fmt.Sprintf("SGEMM %d, %s", n, by.name), rate, "TFLOP/s", ""})
			}
			return nil
		}))
	}
	return errors.Join(append(all, onDevice(o, func(b *cuda.Backend[float32]) error { return copies(ctx, o, b, add) }))...)
}

// multiplies returns the rate of square products, in TFLOP/s.
func multiplies(ctx context.Context, o options, b accel.Backend[float32], n int) (float64, error) {
	v, err := b.NewVector(3 * n * n)
	if err != nil {
		return 0, err
	}
	v.Shift(0.5)
	mat := func(i int) accel.Mat[float32] { return accel.NewMat(v, i*n*n, n, n) }
	const products = 4
	seconds, err := fastest(ctx, o.patience(), func() error {
		return b.Run(1, func(_ int, s accel.Stream[float32]) error {
			for range products {
				s.GEMM(false, false, 1, mat(0), mat(1), 0, mat(2))
			}
			return s.Sync()
		})
	})
	return products * 2 * float64(n) * float64(n) * float64(n) / seconds / 1e12, err
}

// copies measures memory and the bus.
func copies(ctx context.Context, o options, b *cuda.Backend[float32], add func(row)) error {
	n := 256 << 20 / 4
	if o.quick {
		n = 1 << 10
	}
	v, err := b.NewVector(n)
	if err != nil {
		return err
	}
	w, err := b.NewVector(n)
	if err != nil {
		return err
	}
	host, giveBack, err := b.NewHost(n)
	if err != nil {
		return err
	}
	defer giveBack()
	inStream := func(f func(s accel.Stream[float32])) func() error {
		return func() error {
			return b.Run(1, func(_ int, s accel.Stream[float32]) error { f(s); return s.Sync() })
		}
	}
	bus := func(toHost bool) func() error {
		return inStream(func(s accel.Stream[float32]) {
			s.(accel.Mover[float32]).Begin([]accel.Transfer[float32]{{V: v, Host: host, ToHost: toHost}})
		})
	}
	for _, c := range []struct {
		name  string
		times float64 // that each byte is moved
		f     func() error
	}{
		{"memory of the device, read and written", 2, inStream(func(accel.Stream[float32]) { w.Copy(v) })},
		{"bus, from pinned memory", 1, bus(false)},
		{"bus, to pinned memory", 1, bus(true)},
	} {
		seconds, err := fastest(ctx, o.patience(), c.f)
		if err != nil {
			return err
		}
		add(row{c.name, c.times * 4 * float64(n) / seconds / 1e9, "GB/s", ""})
	}
	return nil
}

// A judged is a problem with a name of its own.
type judged struct {
	name, title string
	bench.Problem
}

// judgedProblems are those that targets are about.
func judgedProblems(o options) []judged {
	if o.quick {
		return []judged{{"long", "h=3 B=2 T=20", bench.Recurrent(3, 2, 20, 1, 1, "last")}}
	}
	return []judged{
		{"pathological", "h=100 B=1000 T=100", bench.Recurrent(100, 1000, 100, 2, 1, "last")},
		{"long", "h=100 B=100 T=10,000", bench.Recurrent(100, 100, 10000, 2, 1, "last")},
		{"curves", "CURVES, 5,000 cases", bench.Curves(5000)},
		{"wide", "h=1024 B=1024 T=1,000", bench.Recurrent(1024, 1024, 1000, 8, 8, "each")},
	}
}

func gvName(name string) string    { return "Gv " + name }
func shareName(name string) string { return "share of the SGEMM peak, " + name }

// products times Gv beside the peak of products in the same process.
func products(ctx context.Context, o options, add func(row)) error {
	return onDevice(o, func(b *cuda.Backend[float32]) error {
		n := 4096
		if o.quick {
			n = 16
		}
		peak, err := multiplies(ctx, o, b, n)
		if err != nil {
			return err
		}
		add(row{"SGEMM peak", peak, "TFLOP/s", fmt.Sprintf("%d × %d × %d, %s", n, n, n, b.Name())})
		var all []error
		for _, p := range judgedProblems(o) {
			seconds, err := timeSweeps(ctx, o, b, p, add)
			if err != nil {
				all = append(all, fmt.Errorf("%s: %w", p.title, err))
				continue
			}
			rate := p.WorkFlops() / seconds / 1e12
			add(row{gvName(p.name), 1e3 * seconds, "ms", fmt.Sprintf("%s; %.2f TFLOP/s", p.title, rate)})
			add(row{shareName(p.name), rate / peak, "", p.title})
		}
		return errors.Join(all...)
	})
}

// sweepVariable says how recurrent layers are swept; a training run measures which way is faster.
const sweepVariable = "CURVESTREAM_RECURRENCE"

// widestSwept is the number of units up to which both ways of sweeping are measured. Wider plain layers do not fit one block of any GPU.
const widestSwept = 256

// timeSweeps times a product, of narrow recurrent nets in both ways of sweeping their layers, and returns the time of the faster one, which a
// training run would take.
func timeSweeps(ctx context.Context, o options, b accel.Backend[float32], p judged, add func(row)) (best float64, err error) {
	if p.Net != "rnn" || p.Hidden > widestSwept {
		return timeWork(ctx, o, b, p.Problem)
	}
	before := os.Getenv(sweepVariable)
	defer func() { err = errors.Join(err, os.Setenv(sweepVariable, before)) }()
	for _, way := range []struct{ setting, name string }{{"layer", "a launch a sweep"}, {"steps", "time-step by time-step"}} {
		if err := os.Setenv(sweepVariable, way.setting); err != nil {
			return 0, err
		}
		seconds, err := timeWork(ctx, o, b, p.Problem)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", way.name, err)
		}
		add(row{p.name + ", " + way.name, 1e3 * seconds, "ms", p.title})
		if best == 0 || seconds < best {
			best = seconds
		}
	}
	return best, nil
}

// timeWork times a product or a gradient.
func timeWork(ctx context.Context, o options, b accel.Backend[float32], p bench.Problem) (float64, error) {
	i, err := bench.OpenOn(ctx, p, b)
	if err != nil {
		return 0, err
	}
	seconds, err := fastest(ctx, o.patience(), func() error { return drained(ctx, b, i) })
	return seconds, errors.Join(err, i.Close())
}

// drained runs an instance and waits for all that it has put on the device.
func drained(ctx context.Context, b accel.Backend[float32], i *bench.Instance) error {
	if err := i.Run(ctx); err != nil {
		return err
	}
	return b.Run(1, func(_ int, s accel.Stream[float32]) error { return s.Sync() })
}

const pinnedRatio = "time with half of the states in pinned memory, to that with all on the device"

// pinned times a product with all states on the device, with half of them in pinned memory of the host, and with some computed again in as much memory.
func pinned(ctx context.Context, o options, add func(row)) error {
	p := bench.Recurrent(1024, 1024, 1000, 8, 8, "each")
	if o.quick {
		p = bench.Recurrent(2, 1, 2400, 1, 1, "last")
	}
	p.Unverified = true
	return onDevice(o, func(b *cuda.Backend[float32]) error {
		i, err := bench.OpenOn[float32](ctx, p, b)
		if err != nil {
			return err
		}
		whole := i.Plan
		if err := i.Close(); err != nil {
			return err
		}
		full, err := timeWork(ctx, o, b, p)
		if err != nil {
			return err
		}
		add(row{"all states on the device", 1e3 * full, "ms", fmt.Sprintf("%d bytes", whole.All)})
		again, stored := p, p
		stored.StateDevice = whole.All * 9 / 16 // half of the blocks, and what is lost because slots are as large as the largest block
		again.StateBudget = stored.StateDevice
		half, plan, err := timePlanned(ctx, o, b, stored)
		if err != nil {
			return err
		}
		add(row{"half of them in pinned memory", 1e3 * half, "ms", fmt.Sprintf("%d of %d blocks stored, %d states computed again", plan.Host, plan.Blocks, plan.Recomputed)})
		add(row{pinnedRatio, half / full, "", ""})
		if plan.Host == 0 {
			return errors.New("no state is in pinned memory")
		}
		recomputed, plan, err := timePlanned(ctx, o, b, again)
		if err != nil {
			return err
		}
		add(row{"computed again instead, in as much memory", 1e3 * recomputed, "ms", fmt.Sprintf("%d states computed again", plan.Recomputed)})
		return nil
	})
}

// timePlanned times a product, and returns how its states are kept.
func timePlanned(ctx context.Context, o options, b accel.Backend[float32], p bench.Problem) (float64, rnn.StatePlan, error) {
	i, err := bench.OpenOn(ctx, p, b)
	if err != nil {
		return 0, rnn.StatePlan{}, err
	}
	seconds, err := fastest(ctx, o.patience(), func() error { return drained(ctx, b, i) })
	return seconds, i.Plan, errors.Join(err, i.Close())
}

const outsideShare = "outside of gradients, products and losses"

// iteration times whole HF iterations of the sizes of the pathological problems, and of CURVES.
func iteration(ctx context.Context, o options, add func(row)) error {
	list := []judged{{"h=100 B=1000 T=100", "", bench.Recurrent(100, 1000, 100, 2, 1, "last")}, {"CURVES, 1,000 cases", "", bench.Curves(1000)}}
	cg, times := 100, 5
	if o.quick {
		list, cg, times = []judged{{"h=2", "", bench.Recurrent(2, 2, 6, 1, 1, "last")}}, 2, 1
	}
	worst := 0.0
	err := onDevice(o, func(b *cuda.Backend[float32]) error {
		for _, p := range list {
			t, err := bench.TimeIterationOn[float32](ctx, p.Problem, b, cg, times)
			if err != nil {
				return err
			}
			share := 100 * t.Outside / t.Seconds
			worst = max(worst, share)
			add(row{"HF iteration, " + p.name, 1e3 * t.Seconds, "ms", fmt.Sprintf("%d products", t.Products)})
			add(row{"of it outside, " + p.name, share, "%", ""})
		}
		return nil
	})
	if err == nil {
		add(row{outsideShare, worst, "%", "the largest"})
	}
	return err
}
