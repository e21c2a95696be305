// Package objective makes a function that package hf can minimise out of a net and a stream of data.
package objective

import (
	"context"
	"errors"
	"fmt"

	"curvestream/accel"
	"curvestream/hf"
	"curvestream/nn"
	"curvestream/pipeline"
	"curvestream/run/model"
)

// A Loader delivers the chunks of a minibatch, any number of times: a pipeline.Loader.
type Loader[F accel.Float] interface {
	// Each passes the chunks to consume, in a fixed order.
	Each(ctx context.Context, mb pipeline.Minibatch, consume func(*nn.Batch[F]) error) error
}

// A Preparer is a Loader that can assemble minibatches ahead of time: a pipeline.Loader.
type Preparer interface {
	// Prepare makes the minibatches of the next iteration while the present one is computed on.
	Prepare(ctx context.Context, minibatches ...pipeline.Minibatch) error
}

// A Plan says which sequences make the minibatch of a role at an HF iteration: a pipeline.Plan.
type Plan interface {
	// Minibatch returns the minibatch of a role at iteration step, counted from 1.
	Minibatch(role pipeline.Role, step int) pipeline.Minibatch
}

// Settings say what f is besides the loss of the net.
type Settings struct {
	Loss        accel.Loss // that of the net
	WeightDecay float64    // β of ½ β Σ ‖W‖² over the weights (not over biases and h_0)
	// DecaySchedule, where not empty, gives β by HF iteration instead (section 13: none near the end).
	DecaySchedule hf.Schedule
	// Keep bounds the bytes of activations that a linearization keeps for all its products (section 7.1). What does not fit is
	// computed anew for each product, from chunks that the loader replays.
	Keep       int64
	Sizes      *Sizes // nil where minibatches stay as the plan has them
	Guard      *Guard // nil where products are exact
	Structural bool   // products have structural damping, which takes more of it
}

// An Objective is f as the weighted average over the sequences of a minibatch, plus weight decay. It sums over chunks in their
// order, so that its bits do not depend on the memory or on threads. It is used by one goroutine.
type Objective[F accel.Float] struct {
	net         model.Net[F]
	loader      Loader[F]
	plan        Plan
	settings    Settings
	decaying    []nn.Param
	weightDecay float64               // β of this iteration
	step        [3]pipeline.Minibatch // by hf.Role
	counts      Counts

	asked, size int             // sequences that hf.Growth asks for, and those that the plan has
	variance    float64         // of the last gradient; see measure
	ones        accel.Vector[F] // nil where it is not needed
}

var _ hf.Extended[float64] = (*Objective[float64])(nil)

// Counts say how much an objective has computed.
type Counts struct {
	Sequences int64 // through the net, each evaluation of f or ∇f and each product counted once
	Steps     int64 // their time-steps
}

// New returns the objective of a net on the minibatches of a plan.
func New[F accel.Float](net model.Net[F], loader Loader[F], plan Plan, s Settings) *Objective[F] {
	o := &Objective[F]{net: net, loader: loader, plan: plan, settings: s, weightDecay: s.WeightDecay}
	for _, p := range net.Layout() {
		if p.Decays() && (s.WeightDecay > 0 || len(s.DecaySchedule) > 0) {
			o.decaying = append(o.decaying, p)
		}
	}
	return o
}

// Counts returns the counts up to now.
func (o *Objective[F]) Counts() Counts { return o.counts }

// Size returns the number of sequences in the present minibatch of a role.
func (o *Objective[F]) Size(role hf.Role) int { return o.step[role].Len() }

// Advance implements hf.Objective. A loader that can prepares the minibatches of iteration k+1 meanwhile.
func (o *Objective[F]) Advance(ctx context.Context, k int) error {
	o.weightDecay = o.settings.DecaySchedule.At(k, o.settings.WeightDecay)
	if err := o.resize(k); err != nil {
		return err
	}
	for role, r := range roles {
		o.step[role] = o.plan.Minibatch(r, k)
	}
	p, ok := o.loader.(Preparer)
	if !ok {
		return nil
	}
	next := make([]pipeline.Minibatch, len(roles))
	for role, r := range roles {
		next[role] = o.plan.Minibatch(r, k+1)
	}
	return p.Prepare(ctx, next...)
}

var roles = [3]pipeline.Role{hf.Gradient: pipeline.Gradient, hf.Curvature: pipeline.Curvature, hf.HeldOut: pipeline.HeldOut}

// Loss implements hf.Objective.
func (o *Objective[F]) Loss(ctx context.Context, role hf.Role, theta accel.Vector[F]) (float64, error) {
	var sum, weight float64
	err := o.each(ctx, role, func(b *nn.Batch[F]) error {
		f, err := o.net.Loss(ctx, theta, b, nil)
		sum += f
		weight += b.WeightSum
		return err
	})
	if err == nil {
		err = positive(weight)
	}
	if err != nil {
		return 0, fmt.Errorf("objective: f: %w", err)
	}
	return sum/weight + o.decay(theta), nil
}

// Gradient implements hf.Objective. Weight decay adds β to the diagonal, as it does to the curvature matrix that the diagonal
// is to resemble (Martens 2010 does the same).
func (o *Objective[F]) Gradient(ctx context.Context, theta, grad, fisher accel.Vector[F]) (float64, error) {
	return o.gradient(ctx, hf.Gradient, theta, grad, fisher)
}

// GradientOn implements hf.Extended.
func (o *Objective[F]) GradientOn(ctx context.Context, role hf.Role, theta, grad accel.Vector[F]) (float64, error) {
	return o.gradient(ctx, role, theta, grad, nil)
}

func (o *Objective[F]) gradient(ctx context.Context, role hf.Role, theta, grad, fisher accel.Vector[F]) (float64, error) {
	grad.Zero()
	if fisher != nil {
		fisher.Zero()
	}
	var sum, weight float64
	err := o.each(ctx, role, func(b *nn.Batch[F]) error {
		f, err := o.net.Gradient(ctx, theta, b, grad, fisher)
		sum += f
		weight += b.WeightSum
		return err
	})
	if err == nil {
		err = positive(weight)
	}
	if err != nil {
		return 0, fmt.Errorf("objective: gradient: %w", err)
	}
	grad.Scale(1 / weight)
	if fisher != nil {
		fisher.Scale(1 / weight)
	}
	o.measure(grad, fisher)
	o.addDecay(grad, theta)
	if fisher != nil {
		for _, p := range o.decaying {
			part(fisher, p).Shift(o.weightDecay)
		}
	}
	return sum/weight + o.decay(theta), nil
}

// each passes the chunks of a role's minibatch to consume.
func (o *Objective[F]) each(ctx context.Context, role hf.Role, consume func(*nn.Batch[F]) error) error {
	if o.step[role].Len() == 0 {
		return fmt.Errorf("the %v minibatch is empty", roles[role])
	}
	return o.loader.Each(ctx, o.step[role], func(b *nn.Batch[F]) error {
		o.count(b)
		return consume(b)
	})
}

func (o *Objective[F]) count(b *nn.Batch[F]) {
	o.counts.Sequences += int64(b.Columns())
	o.counts.Steps += int64(b.Rows())
}

func positive(weight float64) error {
	if !(weight > 0) {
		return errors.New("the weights of the minibatch's sequences add up to 0")
	}
	return nil
}

// decay returns ½ β Σ ‖W‖².
func (o *Objective[F]) decay(theta accel.Vector[F]) float64 {
	var sum float64
	for _, p := range o.decaying {
		w := part(theta, p)
		sum += w.Dot(w)
	}
	return o.weightDecay / 2 * sum
}

// addDecay adds β v to dst where parameters decay.
func (o *Objective[F]) addDecay(dst, v accel.Vector[F]) {
	for _, p := range o.decaying {
		part(dst, p).Add(o.weightDecay, part(v, p))
	}
}

func part[F accel.Float](v accel.Vector[F], p nn.Param) accel.Vector[F] {
	return v.View(p.Off, p.Off+p.Size())
}

// Chunks passes the chunks of the present minibatch of a role to look, without computing anything.
func (o *Objective[F]) Chunks(ctx context.Context, role hf.Role, look func(*nn.Batch[F]) error) error {
	return o.loader.Each(ctx, o.step[role], look)
}
