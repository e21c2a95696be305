package bench

import (
	"context"
	"errors"
	"fmt"

	"curvestream/accel"
	"curvestream/hf"
	"curvestream/nn"
	"curvestream/pipeline"
	"curvestream/run/device"
	"curvestream/run/objective"
)

// An iteration is one HF iteration (algorithm 3), made again and again from the same state with the optimizer's default
// settings, but for the number of CG iterations, which has a bound of its own and no stop for want of progress: CG then ends
// early only where nothing is left of the residual. The minibatches of all roles are the same chunk in memory, so
// that nothing is read. The first iterations, which are unlike the later ones, are not the one that is timed.
type iteration struct {
	step func(ctx context.Context) (hf.Report, error)
	// inside returns the processor seconds spent in ∇f, f, linearizations and products since the start.
	inside func() float64
	clock  func() float64 // the same by the clock
	report hf.Report      // of the last step

	padding float64
	device  string // "" where the processor computes
	close   func() error
}

// used returns the seconds since a reading: of the processor where it computes, else by the clock.
func (i *iteration) used(began reading) float64 {
	wall, cpu := since(began)
	if i.device == "" {
		return cpu
	}
	return wall
}

// counted returns what inside or clock says, likewise.
func (i *iteration) counted() float64 {
	if i.device == "" {
		return i.inside()
	}
	return i.clock()
}

// settledAfter is how many HF iterations go before the one that is timed.
const settledAfter = 3

func openIteration(ctx context.Context, p Problem, cg int) (*iteration, error) {
	if err := fits(p.bytes()); err != nil {
		return nil, err
	}
	if p.DType == "float64" {
		return openIterationOf[float64](ctx, p, cg)
	}
	return openIterationOf[float32](ctx, p, cg)
}

func openIterationOf[F accel.Float](ctx context.Context, p Problem, cg int) (*iteration, error) {
	backend, _, err := device.Open[F](p.Device, p.Threads)
	if err != nil {
		return nil, err
	}
	i, err := newIteration[F](ctx, p, backend, cg)
	if err != nil {
		return nil, errors.Join(err, backend.Close())
	}
	i.device, i.padding, i.close = named(p, backend), padding(batch[F](p)), backend.Close
	return i, nil
}

// newOptimizer returns what makes HF iterations on a problem, on a backend.
func newOptimizer[F accel.Float](p Problem, backend accel.Backend[F], cg int) (*watched[F], *hf.Optimizer[F], error) {
	net, err := newNet(backend, p, nil)
	if err != nil {
		return nil, nil, fmt.Errorf("bench: building the net: %w", err)
	}
	theta, err := backend.FromHost(parameters[F](p, net.Layout(), "theta"))
	if err != nil {
		return nil, nil, fmt.Errorf("bench: moving θ: %w", err)
	}
	data := inMemory[F]{batch[F](p)}
	watched := &watched[F]{Objective: objective.New(net, data, data, objective.Settings{Keep: 1 << 62})}
	settings := hf.Settings{CG: hf.CGSettings{Max: cg, NoProgressStop: true}, MaxRejections: 1 << 30}
	optimizer, err := hf.New(watched, theta, settings)
	if err != nil {
		return nil, nil, fmt.Errorf("bench: making the optimizer: %w", err)
	}
	return watched, optimizer, nil
}

func newIteration[F accel.Float](ctx context.Context, p Problem, backend accel.Backend[F], cg int) (*iteration, error) {
	watched, optimizer, err := newOptimizer(p, backend, cg)
	if err != nil {
		return nil, err
	}
	for range settledAfter {
		if _, err := optimizer.Step(ctx); err != nil {
			return nil, fmt.Errorf("bench: the first iterations: %w", err)
		}
	}
	state := optimizer.State()
	return &iteration{inside: func() float64 { return watched.seconds }, clock: func() float64 { return watched.clock }, step: func(ctx context.Context) (hf.Report, error) {
		if err := optimizer.SetState(state); err != nil {
			return hf.Report{}, fmt.Errorf("bench: going back: %w", err)
		}
		return optimizer.Step(ctx)
	}}, nil
}

// flops returns the floating point operations of the last step.
func (i *iteration) flops(p Problem) float64 {
	r := i.report
	return float64(r.Gradients)*p.GradientFlops() + float64(r.Products)*p.ProductFlops() +
		float64(r.Losses+1)*p.ForwardFlops() // the one more is the linearization's
}

// inMemory is a Loader and a Plan with one chunk.
type inMemory[F accel.Float] struct{ b *nn.Batch[F] }

// Minibatch returns the one minibatch there is.
func (m inMemory[F]) Minibatch(role pipeline.Role, step int) pipeline.Minibatch {
	return pipeline.Minibatch{Role: role, Step: step, Sequences: m.b.Position}
}

// Each passes on the one chunk there is.
func (m inMemory[F]) Each(_ context.Context, _ pipeline.Minibatch, consume func(*nn.Batch[F]) error) error {
	return consume(m.b)
}

// watched adds up the processor time that an objective takes, and the time by the clock.
type watched[F accel.Float] struct {
	*objective.Objective[F]
	seconds, clock float64
}

func (w *watched[F]) count(began reading) {
	wall, used := since(began)
	w.clock, w.seconds = w.clock+wall, w.seconds+used
}

// Loss implements hf.Objective.
func (w *watched[F]) Loss(ctx context.Context, role hf.Role, theta accel.Vector[F]) (float64, error) {
	defer w.count(now())
	return w.Objective.Loss(ctx, role, theta)
}

// Gradient implements hf.Objective.
func (w *watched[F]) Gradient(ctx context.Context, theta, grad, fisher accel.Vector[F]) (float64, error) {
	defer w.count(now())
	return w.Objective.Gradient(ctx, theta, grad, fisher)
}

// Linearize implements hf.Objective.
func (w *watched[F]) Linearize(ctx context.Context, theta accel.Vector[F]) (hf.Linearization[F], error) {
	defer w.count(now())
	l, err := w.Objective.Linearize(ctx, theta)
	if err != nil {
		return nil, err
	}
	return watchedLinearization[F]{l, w}, nil
}

// watchedLinearization does the same for products.
type watchedLinearization[F accel.Float] struct {
	hf.Linearization[F]
	w *watched[F]
}

// Product implements hf.Linearization.
func (l watchedLinearization[F]) Product(ctx context.Context, dst, v accel.Vector[F], mu float64) error {
	defer l.w.count(now())
	return l.Linearization.Product(ctx, dst, v, mu)
}
