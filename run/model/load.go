package model

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"curvestream/accel"
	"curvestream/nn"
	"curvestream/run/fault"
	"curvestream/run/safetensors"
)

// A Stored is a model on disk, found and described but not read yet.
type Stored struct {
	Spec Spec
	Path string // of the parameters
}

// Find returns the model of a run directory, or of a folder with model.json and model.safetensors. The checkpoint is "" for
// the run's best model, or "latest", "best", or a name such as iter-000120.
func Find(path, checkpoint string) (Stored, error) {
	folder := path
	if _, err := os.Stat(filepath.Join(path, "run.json")); err == nil {
		folder = filepath.Join(path, "model")
	} else if checkpoint != "" {
		return Stored{}, fault.New(fault.Usage, "usage.checkpoint", "%s is not a run directory, so it has no checkpoint %q", path, checkpoint)
	}
	text, err := os.ReadFile(filepath.Join(folder, "model.json"))
	if err != nil {
		e := fault.Of(err)
		e.Code, e.Message, e.Err = "model.missing", fmt.Sprintf("%s is neither a run directory nor a model", path), nil
		if errors.Is(err, fs.ErrNotExist) && !exists(path) {
			e.Message = fmt.Sprintf("there is no run or model %s", path)
		}
		return Stored{}, e.Fix("give the folder that `curvestream train --run DIR` made, or one with model.json and model.safetensors")
	}
	spec, err := ParseSpec(text)
	if err != nil {
		return Stored{}, fault.New(fault.Data, "model.unreadable", "%s: %v", folder, err)
	}
	if checkpoint == "" {
		return Stored{spec, filepath.Join(folder, "model.safetensors")}, nil
	}
	return Stored{Spec: spec}.at(path, checkpoint)
}

// at finds the parameters of a checkpoint.
func (s Stored) at(run, checkpoint string) (Stored, error) {
	name := checkpoint
	if name == "latest" || name == "best" {
		text, err := os.ReadFile(filepath.Join(run, "checkpoints", name))
		if err != nil {
			return s, fault.New(fault.NoInput, "model.checkpoint", "%s has no %s checkpoint", run, name)
		}
		name = string(text[:max(0, len(text)-1)])
	}
	s.Path = filepath.Join(run, "checkpoints", name, "model.safetensors")
	if !exists(s.Path) {
		return s, fault.New(fault.NoInput, "model.checkpoint", "%s has no checkpoint %q", run, checkpoint).Fix("`ls %s` lists them; latest and best are names too", filepath.Join(run, "checkpoints"))
	}
	return s, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// Load builds the net on a backend and reads its parameters.
func Load[F accel.Float](backend accel.Backend[F], s Stored) (Net[F], accel.Vector[F], error) {
	net, err := NewNet(backend, s.Spec, States{})
	if err != nil {
		return nil, nil, fault.New(fault.Data, "model.unreadable", "%v", err)
	}
	theta, err := read[F](net.Layout(), s.Path)
	if err != nil {
		return nil, nil, err
	}
	v, err := backend.FromHost(theta)
	if err != nil {
		return nil, nil, err
	}
	return net, v, nil
}

func read[F accel.Float](layout nn.Layout, path string) ([]F, error) {
	f, err := safetensors.Open(path)
	if err != nil {
		return nil, unreadable(path, err)
	}
	return DecodeParameters[F](layout, f, path)
}
