package main

import (
	"context"
	"fmt"
	"math"

	"curvestream/benchmarks/internal/bench"
	"curvestream/checkpointing"
)

// A count is how many states of a chain are computed, as actions are carried out one by one.
type count struct {
	Steps    int    `json:"steps"`
	Slots    int    `json:"slots"`
	Method   string `json:"method"`
	Gradient int    `json:"gradient"`
	Product  int    `json:"product"`
	// LeastGradient and LeastProduct are what no schedule goes below: 2T − M and 2(T − M).
	LeastGradient int `json:"least_gradient"`
	LeastProduct  int `json:"least_product"`
}

// counts counts states that are computed, for the chains and slots of the table, a state being one time-step.
func counts(context.Context, options) (any, string, error) {
	var rows []count
	var m bench.Markdown
	m.Head("T", "slots M", "schedule", "states computed for a gradient", "for a product", "bounds 2T − M, 2(T − M)")
	for _, T := range []int{1000, 10000} {
		for _, M := range []int{int(math.Ceil(math.Sqrt(2 * float64(T)))), int(math.Ceil(2 * math.Sqrt(float64(T)))), T / 4, T / 2} {
			s, err := checkpointing.New(T, M)
			if err != nil {
				return nil, "", err
			}
			c := count{Steps: T, Slots: M, Method: s.Method.String(), LeastGradient: 2*T - M, LeastProduct: 2 * (T - M)}
			if c.Gradient, c.Product, err = play(s); err != nil {
				return nil, "", err
			}
			rows = append(rows, c)
			m.Row(fmt.Sprint(T), fmt.Sprint(M), c.Method, fmt.Sprint(c.Gradient), fmt.Sprint(c.Product), fmt.Sprintf("%d, %d", c.LeastGradient, c.LeastProduct))
		}
	}
	return rows, m.String(), nil
}

// play carries out a gradient's sweeps and then a product's, and counts.
func play(s *checkpointing.Schedule) (gradient, product int, err error) {
	resident := map[int]bool{}
	sweep := func(actions []checkpointing.Action) (computed int) {
		for _, a := range actions {
			switch a.Op {
			case checkpointing.Compute:
				if a.Step > 0 && !resident[a.Step-1] {
					err = fmt.Errorf("state %d is computed from one that is not there", a.Step)
				}
				computed++
				resident[a.Step] = true
			case checkpointing.Use:
				if !resident[a.Step] {
					err = fmt.Errorf("state %d is used and is not there", a.Step)
				}
			case checkpointing.Drop:
				delete(resident, a.Step)
			}
			if len(resident) > s.Slots {
				err = fmt.Errorf("%d states are kept in %d slots", len(resident), s.Slots)
			}
		}
		return computed
	}
	gradient = sweep(s.First) + sweep(s.Backward)
	product = sweep(s.Forward) + sweep(s.Backward)
	return gradient, product, err
}
