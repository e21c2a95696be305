package rnn

import "curvestream/accel"

// StateOf returns the state of the first sequence of a Runner, by the names of the initial values.
func StateOf[F accel.Float](r *Runner[F]) map[string][]F {
	state := map[string][]F{}
	for i, m := range r.state {
		if m.V != nil {
			values := make([]F, m.Cols)
			elements(m.RowRange(0, 1)).Read(values)
			state[r.net.cell.nodes[i].initial] = values
		}
	}
	return state
}
