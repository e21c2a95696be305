package objective

import (
	"context"
	"errors"
	"math"
	"testing"

	"curvestream/hf"
	"curvestream/pipeline"
)

// sized is a plan whose gradient minibatches have so many of three chunks.
type sized int

func (s sized) Minibatch(role pipeline.Role, step int) pipeline.Minibatch {
	return pipeline.Minibatch{Role: role, Step: step, Sequences: []int{0, 1, 2}[:min(3, int(s))]}
}

// The size of an iteration follows from the schedule, from what was asked for, and from how many there are.
func TestSizes(t *testing.T) {
	ctx := context.Background()
	_, c, net, theta := setup(t, 1<<30)
	made := 0
	sizes := &Sizes{Base: 1, Largest: 3, Whole: 6, Plan: func(n int) (Plan, error) {
		made++
		if n == 3 && made > 100 {
			return nil, errors.New("no such plan")
		}
		return sized(n), nil
	}}
	o := New[float64](net, c, sized(1), Settings{Keep: 1 << 30, WeightDecay: beta, Sizes: sizes})
	for _, k := range []struct {
		iteration, asked, want int
		schedule               hf.Schedule
	}{
		{1, 0, 1, nil}, {2, 2, 2, nil}, {3, 9, 3, nil}, {4, 0, 1, nil},
		{5, 0, 2, hf.Schedule{{Iteration: 4, Value: 1}, {Iteration: 6, Value: 3}}},
		{6, 0, 3, hf.Schedule{{Iteration: 4, Value: 1}, {Iteration: 6, Value: 3}}},
	} {
		sizes.Schedule = k.schedule
		o.Resize(k.asked)
		if err := o.Advance(ctx, k.iteration); err != nil {
			t.Fatal(err)
		}
		if got := o.Size(hf.Gradient); got != k.want {
			t.Errorf("iteration %d: %d, want %d", k.iteration, got, k.want)
		}
	}
	whole := New[float64](net, c, sized(1), Settings{Sizes: &Sizes{Base: 10, Largest: 400, Whole: 400, Plan: func(n int) (Plan, error) { return sized(n), nil }}})
	for asked, want := range map[int]int{0: 10, 60: 67, 186: 200, 372: 400, 500: 400} {
		whole.Resize(asked)
		if err := whole.Advance(ctx, 1); err != nil || whole.size != want {
			t.Errorf("of 400 sequences %d are asked for: %d, want %d so that an epoch ends without a small rest (%v)", asked, whole.size, want, err)
		}
	}
	before := made
	if err := o.Advance(ctx, 7); err != nil || made != before {
		t.Errorf("a plan of the same size is made again, %v", err)
	}
	made = 100
	o.Resize(2)
	sizes.Schedule = nil
	if err := o.Advance(ctx, 8); err != nil {
		t.Fatal(err)
	}
	o.Resize(3)
	if err := o.Advance(ctx, 9); err == nil {
		t.Error("a plan that cannot be made is no error")
	}

	o.Resize(2)
	if err := o.Advance(ctx, 10); err != nil {
		t.Fatal(err)
	}
	grad, fisher := theta.New(), theta.New()
	if _, err := o.Gradient(ctx, theta, grad, fisher); err != nil {
		t.Fatal(err)
	}
	var n float64
	mean, square := theta.New(), 0.0
	for _, b := range c[:2] {
		for i := range b.Columns() {
			g := theta.New()
			if _, err := net.Gradient(ctx, theta, b.Pick([]int{i}), g, nil); err != nil {
				t.Fatal(err)
			}
			n++
			mean.Add(1, g)
			square += g.Dot(g)
		}
	}
	want := square/n - mean.Dot(mean)/n/n
	if s := o.Sample(); s.Cases != 2 || s.Whole != 6 || math.Abs(s.Variance-want) > 1e-12*(1+want) {
		t.Errorf("sample %+v, want a variance of %g", s, want)
	}
}
