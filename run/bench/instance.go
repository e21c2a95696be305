package bench

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"curvestream/accel"
	"curvestream/checkpointing"
	"curvestream/fnn"
	"curvestream/nn"
	"curvestream/rnn"
	"curvestream/run/device"
	"curvestream/run/model"
)

// An Instance is a problem in memory, ready to be computed again and again. It is used by one goroutine. Close it.
type Instance struct {
	// Run does the work once: one product with G at the kept activations, or f and ∇f.
	Run func(ctx context.Context) error
	// Check describes the result r of the last Run: ‖r‖, vᵀr, and the norm of each parameter's part in the order of θ, r being
	// divided by the number of cases. The peers report the same numbers.
	Check func() []float64
	// Close frees the activations.
	Close func() error
	// Plan says how an rnn keeps its states, and Bytes what a linearization needs in memory in all; of other nets Plan is zero.
	Plan  rnn.StatePlan
	Bytes int64
	// Padding is the share of the rows of the packed batch that are no time-step of a sequence.
	Padding float64
	// Device is the name of what computes, where it is not the processor.
	Device string
}

// Open builds a problem on its device and does what products share: the forward pass (section 7.1).
func Open(ctx context.Context, p Problem) (*Instance, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	if err := fits(p.bytes()); err != nil {
		return nil, err
	}
	if p.DType == "float64" {
		return open[float64](ctx, p)
	}
	return open[float32](ctx, p)
}

func open[F accel.Float](ctx context.Context, p Problem) (*Instance, error) {
	backend, _, err := device.Open[F](p.Device, p.Threads)
	if err != nil {
		return nil, err
	}
	ends := []func() error{backend.Close}
	closeAll := func() (err error) {
		for _, end := range slices.Backward(ends) {
			err = errors.Join(err, end())
		}
		return err
	}
	var spill *checkpointing.Spill
	if p.Spill > 0 {
		if spill, err = checkpointing.OpenSpill("", p.Spill); err != nil {
			return nil, errors.Join(fmt.Errorf("bench: %w", err), closeAll())
		}
		ends = append(ends, spill.Close)
	}
	i, err := openOn(ctx, p, backend, spill)
	if err != nil {
		return nil, errors.Join(err, closeAll())
	}
	i.Device = named(p, backend)
	ends = append(ends, i.Close)
	i.Close = closeAll
	return i, nil
}

// named returns what rows call a device: nothing where it is the processor.
func named[F accel.Float](p Problem, backend accel.Backend[F]) string {
	if p.onProcessor() {
		return ""
	}
	return backend.Name()
}

// openOn opens a problem on a backend, with a file for states or without.
func openOn[F accel.Float](ctx context.Context, p Problem, backend accel.Backend[F], spill *checkpointing.Spill) (*Instance, error) {
	net, err := newNet(backend, p, spill)
	if err != nil {
		return nil, fmt.Errorf("bench: building the net: %w", err)
	}
	b := batch[F](p)
	theta, err := backend.FromHost(parameters[F](p, net.Layout(), "theta"))
	if err != nil {
		return nil, fmt.Errorf("bench: moving θ: %w", err)
	}
	v, err := backend.FromHost(parameters[F](p, net.Layout(), "v"))
	if err != nil {
		return nil, fmt.Errorf("bench: moving v: %w", err)
	}
	r := theta.New()
	i := &Instance{Check: func() []float64 { return check(net.Layout(), r, v, float64(p.Batch)) }, Close: func() error { return nil }, Bytes: net.Bytes(b, false), Padding: padding(b)}
	if r, ok := net.(*rnn.Net[F]); ok {
		if i.Plan, err = r.PlanStates(b); err != nil {
			return nil, fmt.Errorf("bench: %w", err)
		}
	}
	if p.What == "gradient" {
		i.Run = func(ctx context.Context) error {
			r.Zero()
			_, err := net.Gradient(ctx, theta, b, r, nil)
			return err
		}
		return i, nil
	}
	l, err := net.Linearize(ctx, theta, b)
	if err != nil {
		return nil, fmt.Errorf("bench: linearizing: %w", err)
	}
	i.Run = func(ctx context.Context) error {
		r.Zero()
		return l.AddGv(ctx, r, v, 0)
	}
	i.Close = l.Close
	return i, nil
}

// padding returns the share of a batch's rows that are no time-step of a sequence.
func padding[F accel.Float](b *nn.Batch[F]) float64 {
	steps := 0
	for _, length := range b.Lengths {
		steps += length
	}
	return float64(b.Rows()-steps) / float64(b.Rows())
}

func check[F accel.Float](layout nn.Layout, r, v accel.Vector[F], cases float64) []float64 {
	values := []float64{norm(r) / cases, r.Dot(v) / cases}
	for _, p := range layout {
		values = append(values, norm(r.View(p.Off, p.Off+p.Size()))/cases)
	}
	return values
}

func norm[F accel.Float](x accel.Vector[F]) float64 { return math.Sqrt(x.Dot(x)) }

func newNet[F accel.Float](backend accel.Backend[F], p Problem, spill *checkpointing.Spill) (model.Net[F], error) {
	activations := make([]accel.Activation, len(p.Activations))
	for i, name := range p.Activations {
		var err error
		if activations[i], err = nn.ParseActivation(name); err != nil {
			return nil, err
		}
	}
	loss, err := nn.ParseLoss(p.Loss)
	if err != nil {
		return nil, err
	}
	if p.Net == "rnn" {
		return rnn.New(backend, rnn.Config{In: p.In, Hidden: p.Hidden, Out: p.Out, Activation: activations[0], Loss: loss, Biases: true,
			StateBudget: p.StateBudget, Store: rnn.Store{Device: p.StateDevice, Spill: spill, SpillBudget: p.Spill, Verify: !p.Unverified}})
	}
	return fnn.New(backend, fnn.Config{Sizes: p.Sizes, Activations: activations, Loss: loss, Biases: true})
}
