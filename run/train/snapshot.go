package train

import (
	"encoding/json"
	"fmt"

	"curvestream/accel"
	"curvestream/hf"
	"curvestream/nn"
	"curvestream/run/model"
	"curvestream/run/rundir"
	"curvestream/run/safetensors"
)

// A snapshot is the state of a run after an iteration.
type snapshot[F accel.Float] struct {
	state
	optimizer hf.State[F]
}

// A state is the part of a snapshot that is not the optimizer's.
type state struct {
	Elapsed float64  `json:"elapsed"` // seconds of all sessions
	Waited  float64  `json:"waited"`  // of them, for data
	Passes  float64  `json:"passes"`  // over the training data
	Loss    *float64 `json:"loss"`    // f after the last iteration
	Valid   *float64 `json:"valid"`   // at the last evaluation
	Error   *float64 `json:"error"`   // the error rate at the last evaluation, where there is one
	Best    *score   `json:"best"`    // nil before the first evaluation, and without validation data
	Since   int      `json:"since"`   // evaluations since the best one
	Seen    int      `json:"seen"`    // iteration of the last evaluation; -1 before the first
	Moved   bool     `json:"moved"`   // some step has been accepted
}

// A score is the loss of an iteration.
type score struct {
	Iter int     `json:"iter"`
	Loss float64 `json:"loss"`
}

// stateJSON is what state.json holds.
type stateJSON struct {
	Run       state       `json:"run"`
	Optimizer hf.Progress `json:"optimizer"`
	Data      string      `json:"data"` // digest of the training data: the plan depends on it
	Seed      uint64      `json:"seed"`
}

func (s *snapshot[F]) iter() int { return s.optimizer.Iteration }

// encode returns the snapshot as a checkpoint.
func (s *snapshot[F]) encode(layout nn.Layout, digest string, seed uint64) (rundir.Checkpoint, error) {
	var c rundir.Checkpoint
	parameters, err := model.EncodeParameters(layout, s.optimizer.Theta, map[string]string{"format": "curvestream", "iteration": fmt.Sprint(s.iter())})
	if err != nil {
		return c, err
	}
	vectors := []safetensors.Tensor[F]{{Name: "delta", Shape: []int{len(s.optimizer.Delta)}, Data: s.optimizer.Delta}}
	for i, v := range s.optimizer.Memory {
		vectors = append(vectors, safetensors.Tensor[F]{Name: memoryName(i), Shape: []int{len(v)}, Data: v})
	}
	delta, err := safetensors.Encode(vectors, nil)
	if err != nil {
		return c, err
	}
	c.State, err = json.Marshal(stateJSON{s.state, s.optimizer.Progress, digest, seed})
	if err != nil {
		return c, fmt.Errorf("checkpoint: %w", err)
	}
	c.Files = map[string][]byte{modelFile: parameters, stateFile: delta}
	return c, nil
}

const (
	modelFile = "model.safetensors"
	stateFile = "state.safetensors"
)

// decode reads a snapshot back. The digest is that of the training data that the state belongs to.
func decode[F accel.Float](layout nn.Layout, c rundir.Checkpoint) (s *snapshot[F], digest string, err error) {
	var j stateJSON
	if err := json.Unmarshal(c.State, &j); err != nil {
		return nil, "", fmt.Errorf("checkpoint: state.json: %w", err)
	}
	s = &snapshot[F]{state: j.Run, optimizer: hf.State[F]{Progress: j.Optimizer}}
	file, err := safetensors.Decode(c.Files[modelFile])
	if err != nil {
		return nil, "", fmt.Errorf("checkpoint: %s: %w", modelFile, err)
	}
	if s.optimizer.Theta, err = model.DecodeParameters[F](layout, file, modelFile); err != nil {
		return nil, "", err
	}
	if file, err = safetensors.Decode(c.Files[stateFile]); err != nil {
		return nil, "", fmt.Errorf("checkpoint: %s: %w", stateFile, err)
	}
	if s.optimizer.Delta, err = safetensors.Values[F](file, "delta"); err != nil {
		return nil, "", fmt.Errorf("checkpoint: %s: %w", stateFile, err)
	}
	for i := range len(file.Names()) - 1 {
		v, err := safetensors.Values[F](file, memoryName(i))
		if err != nil {
			return nil, "", fmt.Errorf("checkpoint: %s: %w", stateFile, err)
		}
		s.optimizer.Memory = append(s.optimizer.Memory, v)
	}
	return s, j.Data, nil
}

// memoryName is the name of what a first-order method keeps, in state.safetensors.
func memoryName(i int) string { return fmt.Sprintf("memory.%d", i) }
