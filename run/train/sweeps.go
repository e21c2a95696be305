package train

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"curvestream/nn"
	"curvestream/rnn"
)

// A SweepChoice says which of two ways a GPU sweeps recurrent layers, as was measured when the run began, or an earlier one on the same device.
type SweepChoice struct {
	rnn.Sweeps
	Chosen     string `json:"chosen"`     // "whole": a launch for all time-steps; "steps": some for each, of layers that fit no launch too
	Remembered bool   `json:"remembered"` // from an earlier run
}

// String says for a person what was chosen; nothing where there was nothing to choose.
func (c *SweepChoice) String() string {
	if c == nil {
		return ""
	}
	if c.Whole == 0 {
		return "recurrent layers  time-step by time-step: they do not fit a launch a sweep\n"
	}
	ways := map[string]string{"whole": "in a launch a sweep", "steps": "time-step by time-step"}
	return fmt.Sprintf("recurrent layers  %s: a piece takes %.3g ms in a launch a sweep, %.3g ms time-step by time-step\n", ways[c.Chosen], 1e3*c.Whole, 1e3*c.Steps)
}

// A sweepDevice is a backend on which it is to be measured which way of sweeping is faster: that of package cuda.
type sweepDevice interface {
	// SweepsAs returns under which name that is remembered, "" where it is not to be measured, and whether it is to be measured anew.
	SweepsAs() (name string, anew bool)
}

// chooseSweeps has the net sweep layers the faster way for chunks like b. The choice changes no bit of what is computed.
func (m *machine[F]) chooseSweeps(ctx context.Context, net *rnn.Net[F], b *nn.Batch[F]) (*SweepChoice, error) {
	d, ok := m.backend.(sweepDevice)
	if !ok {
		return nil, nil
	}
	name, anew := d.SweepsAs()
	if name == "" {
		return nil, nil
	}
	c := net.Config
	name = fmt.Sprintf("%s, %s of %v units of %T, %d columns", name, c.Cell, append([]int{c.Hidden}, c.Upper...), *new(F), b.Columns())
	choice, err := remembered(sweepsFile(), name, anew, func() (rnn.Sweeps, error) { return net.MeasureSweeps(ctx, m.theta, b) })
	if err != nil {
		return nil, err
	}
	net.UseSteps(choice.Chosen == "steps")
	return &choice, nil
}

// sweepsFile returns where measured sweeps are remembered; "" where the system has no place for such things.
func sweepsFile() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "curvestream", "sweeps.json")
}

// remembered returns the choice that a file has under a name, or else, or where it is to be anew, measures and adds it to the file. A file that cannot be read, or is not what it should
// be, is as none, and one that cannot be written is left: what is lost is a measurement. Of two writers at once the last one's file stays, whole.
func remembered(file, name string, anew bool, measure func() (rnn.Sweeps, error)) (c SweepChoice, err error) {
	var all map[string]rnn.Sweeps
	if text, err := os.ReadFile(file); err != nil || json.Unmarshal(text, &all) != nil || all == nil {
		all = map[string]rnn.Sweeps{}
	}
	if c.Sweeps, c.Remembered = all[name]; anew || c.Whole < 0 || c.Steps <= 0 {
		c.Remembered = false
		if c.Sweeps, err = measure(); err != nil {
			return c, err
		}
		all[name] = c.Sweeps
		_ = keep(file, all)
	}
	c.Chosen = "whole"
	if c.Whole == 0 || c.Steps < c.Whole {
		c.Chosen = "steps"
	}
	return c, nil
}

// keep replaces a file by what is in all.
func keep(file string, all map[string]rnn.Sweeps) (err error) {
	if file == "" {
		return fs.ErrNotExist
	}
	text, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(file), ".sweeps-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(text)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), file)
}
