package hf

import (
	"encoding/json"
	"reflect"
	"testing"
)

// A run that is stopped after any iteration and taken up by another optimizer ends with the same bits; the scalars go
// through their JSON form.
func TestResumedRunEqualsTheUninterruptedOne(t *testing.T) {
	for name, s := range map[string]Settings{
		"default":      {},
		"structural":   {Structural: Structural{Mu: 0.1, Rule: MuOwn}},
		"tied":         {Structural: Structural{Mu: 0.1}},
		"trust region": {Damping: DampTrustRegion},
		"schedules": {
			CG:         CGSettings{Start: StartChosen, ZetaSchedule: Schedule{{1, 0.5}, {9, 1}}},
			LineSearch: LineSearchSettings{LineSearch: LineSearch{Rate: Schedule{{1, 1}, {12, 0.3}}}},
		},
	} {
		const n = 15
		whole, _ := newOptimizer(t, classics()[2], s)
		states := []State[float64]{whole.State()}
		for range n {
			if _, err := whole.Step(t.Context()); err != nil {
				t.Fatal(err)
			}
			states = append(states, whole.State())
		}
		if states[n].Theta[0] == states[n-1].Theta[0] {
			t.Fatalf("%s: the run stands still: nothing is tested", name)
		}
		for k, state := range states {
			text, err := json.Marshal(state.Progress)
			if err != nil {
				t.Fatal(err)
			}
			restored := State[float64]{Theta: state.Theta, Delta: state.Delta}
			if err := json.Unmarshal(text, &restored.Progress); err != nil {
				t.Fatal(err)
			}
			o, _ := newOptimizer(t, classics()[2], s)
			o.Step(t.Context()) // what it did before must not matter
			if err := o.SetState(restored); err != nil {
				t.Fatal(err)
			}
			for i := k; i < n; i++ {
				o.Step(t.Context())
				if got := o.State(); !reflect.DeepEqual(got, states[i+1]) {
					t.Fatalf("%s: resumed after %d, iteration %d ends in\n%+v, want\n%+v", name, k, i+1, got, states[i+1])
				}
			}
		}
	}
}
