package rundir

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/zeebo/xxh3"

	"curvestream/run/durable"
	"curvestream/run/fault"
)

// A Checkpoint is everything that a run needs to go on: binary files by name, and a state that is kept as JSON.
type Checkpoint struct {
	Files map[string][]byte
	State json.RawMessage
}

// stateFile is state.json: the state with the sums of everything in the folder, so that damage is noticed.
type stateFile struct {
	Schema string            `json:"schema"`
	Sums   map[string]string `json:"xxh3"` // of the other files, and of "state": the JSON below without white space
	State  json.RawMessage   `json:"state"`
}

const (
	stateName   = "state.json"
	stateSchema = "curvestream.checkpoint/1"
	latest      = "latest"
	best        = "best"
)

// Name returns the name of the checkpoint after an iteration.
func Name(iter int) string { return fmt.Sprintf("iter-%06d", iter) }

func sum(content []byte) string {
	h := xxh3.Hash128(content)
	return fmt.Sprintf("%016x%016x", h.Hi, h.Lo)
}

// Save writes the checkpoint of an iteration and makes it the latest. If there is one of that iteration already, from a run
// that was resumed at an earlier one, it is replaced.
func (d *Dir) Save(iter int, c Checkpoint) error {
	compacted, err := compact(c.State)
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	state := stateFile{Schema: stateSchema, Sums: map[string]string{"state": sum(compacted)}, State: c.State}
	for name, content := range c.Files {
		state.Sums[name] = sum(content)
	}
	text, err := json.MarshalIndent(state, "", "  ")
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	path := d.Path("checkpoints", Name(iter))
	if err := d.remove(Name(iter)); err != nil {
		return err
	}
	err = durable.NewDir(path, func(dir string) error {
		for name, content := range c.Files {
			if err := durable.WriteNew(filepath.Join(dir, name), content); err != nil {
				return err
			}
		}
		return durable.WriteNew(filepath.Join(dir, stateName), append(text, '\n'))
	})
	if err != nil {
		return fmt.Errorf("checkpoint %s: %w", path, err)
	}
	return d.MarkLatest(iter)
}

// MarkLatest says from which checkpoint the run goes on.
func (d *Dir) MarkLatest(iter int) error { return d.mark(latest, iter) }

// MarkBest says which checkpoint is the best one. It is never pruned.
func (d *Dir) MarkBest(iter int) error { return d.mark(best, iter) }

func (d *Dir) mark(which string, iter int) error {
	return durable.WriteFile(d.Path("checkpoints", which), []byte(Name(iter)+"\n"))
}

// Marked returns the name that "latest" or "best" holds, or "".
func (d *Dir) Marked(which string) string {
	text, err := os.ReadFile(d.Path("checkpoints", which))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

// Checkpoints returns the names of all checkpoints, the oldest first.
func (d *Dir) Checkpoints() ([]string, error) {
	entries, err := os.ReadDir(d.Path("checkpoints"))
	if err != nil {
		return nil, fmt.Errorf("checkpoints: %w", err)
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() && strings.HasPrefix(e.Name(), "iter-") {
			names = append(names, e.Name())
		}
	}
	slices.SortFunc(names, func(a, b string) int { return Iteration(a) - Iteration(b) })
	return names, nil
}

// Iteration returns the iteration of a checkpoint's name, or -1.
func Iteration(name string) int {
	var iter int
	if _, err := fmt.Sscanf(name, "iter-%d", &iter); err != nil {
		return -1
	}
	return iter
}

// Prune removes checkpoints but the keep newest and the best one, and what crashes left behind.
func (d *Dir) Prune(keep int) error {
	names, err := d.Checkpoints()
	if err != nil {
		return err
	}
	for _, name := range names[:max(0, len(names)-keep)] {
		if name != d.Marked(best) && name != d.Marked(latest) {
			if err := d.remove(name); err != nil {
				return err
			}
		}
	}
	leftovers, err := filepath.Glob(d.Path("checkpoints", ".tmp-*"))
	if err != nil {
		return fmt.Errorf("checkpoints: %w", err)
	}
	for _, path := range leftovers {
		if err := os.RemoveAll(path); err != nil {
			return fmt.Errorf("checkpoints: %w", err)
		}
	}
	return nil
}

// Forget removes the checkpoints after an iteration: those of a course that the run no longer follows.
func (d *Dir) Forget(iter int) error {
	names, err := d.Checkpoints()
	if err != nil {
		return err
	}
	for _, name := range names {
		if Iteration(name) > iter {
			if err := d.remove(name); err != nil {
				return err
			}
		}
	}
	if b := d.Marked(best); Iteration(b) > iter {
		return os.Remove(d.Path("checkpoints", best))
	}
	return nil
}

// remove takes a checkpoint away in one step, so that a crash leaves it whole or gone.
func (d *Dir) remove(name string) error {
	path := d.Path("checkpoints", name)
	gone := d.Path("checkpoints", ".tmp-old-"+name)
	if err := os.RemoveAll(gone); err != nil {
		return fmt.Errorf("checkpoints: %w", err)
	}
	if err := os.Rename(path, gone); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return fmt.Errorf("checkpoints: %w", err)
	}
	if err := os.RemoveAll(gone); err != nil {
		return fmt.Errorf("checkpoints: %w", err)
	}
	return nil
}

// Load reads a checkpoint and checks its sums.
func (d *Dir) Load(name string) (Checkpoint, error) {
	c := Checkpoint{Files: map[string][]byte{}}
	text, err := d.Read(filepath.Join("checkpoints", name, stateName))
	if err != nil {
		return c, err
	}
	var state stateFile
	if err := json.Unmarshal(text, &state); err != nil {
		return c, fmt.Errorf("checkpoint %s: %s: %w", name, stateName, err)
	}
	if state.Schema != stateSchema {
		return c, fmt.Errorf("checkpoint %s: schema %q is not %q: it was written by another version", name, state.Schema, stateSchema)
	}
	c.State, err = compact(state.State)
	if err != nil || sum(c.State) != state.Sums["state"] {
		return c, fmt.Errorf("checkpoint %s: %s is damaged", name, stateName)
	}
	for file, want := range state.Sums {
		if file == "state" {
			continue
		}
		content, err := d.Read(filepath.Join("checkpoints", name, filepath.Base(file)))
		if err != nil {
			return c, err
		}
		if sum(content) != want {
			return c, fmt.Errorf("checkpoint %s: %s is damaged", name, file)
		}
		c.Files[file] = content
	}
	return c, nil
}

// LoadLatest reads the checkpoint that the run goes on from, or, where that one is damaged, the newest one before it that is
// not; what was passed over is returned as warnings. With no checkpoint at all the name is empty.
func (d *Dir) LoadLatest() (name string, c Checkpoint, warnings []string, err error) {
	names, err := d.Checkpoints()
	if err != nil {
		return "", c, nil, err
	}
	from := len(names) - 1
	if marked := slices.Index(names, d.Marked(latest)); marked >= 0 {
		from = marked
	}
	for i := from; i >= 0; i-- {
		c, err := d.Load(names[i])
		if err == nil {
			return names[i], c, warnings, nil
		}
		warnings = append(warnings, fmt.Sprintf("%v; the one before it is used", err))
	}
	if len(names) > 0 {
		e := fault.New(fault.Data, "run.damaged", "%s: no checkpoint can be read", d.path)
		e.Detail = warnings
		return "", c, nil, e
	}
	return "", c, nil, nil
}

// compact removes white space, which has been put in for people.
func compact(raw json.RawMessage) (json.RawMessage, error) {
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
