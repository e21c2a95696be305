package main

import (
	"fmt"
	"math"
	"runtime"

	"curvestream/accel"
	"curvestream/accel/cpu"
	"curvestream/nn"
	"curvestream/rnn"
	"curvestream/run/bench"
)

// problem is an RNN of tanh units with 8 inputs and 8 outputs at each time-step, on all processors.
func problem(hidden, batch, length int) bench.Problem {
	p := bench.Recurrent(hidden, batch, length, 8, 8, "each")
	p.Threads = runtime.NumCPU()
	return p
}

// plan returns how the states of a problem are kept within a budget.
func plan(p bench.Problem, budget int64) (rnn.StatePlan, error) {
	net, err := rnn.New(cpu.New[float32](cpu.Options{}), rnn.Config{In: p.In, Hidden: p.Hidden, Out: p.Out, Activation: accel.Tanh, Biases: true, StateBudget: budget})
	if err != nil {
		return rnn.StatePlan{}, err
	}
	b := &nn.Batch[float32]{In: p.In, Out: p.Out}
	for range p.Batch {
		b.Lengths = append(b.Lengths, p.Length)
	}
	return net.PlanStates(b)
}

// slots returns the smallest budget that gives each shard so many slots; 0 slots mean √(2 blocks), the fewest of the triangular schedule.
func slots(p bench.Problem, want int) (budget int64, err error) {
	all, err := plan(p, 0)
	if err != nil {
		return 0, err
	}
	if want == 0 {
		want = int(math.Ceil((math.Sqrt(8*float64(all.Blocks)+1) - 1) / 2))
	}
	for budget = all.All * int64(want) / int64(all.Blocks); budget < 2*all.All; budget += all.All/int64(8*all.Blocks) + 1 {
		if got, err := plan(p, budget); err == nil && got.Slots >= want {
			return budget, nil
		}
	}
	return 0, fmt.Errorf("no budget gives %d slots", want)
}

func mib(bytes int64) string { return fmt.Sprintf("%.1f", float64(bytes)/(1<<20)) }
