package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os/exec"
	"path/filepath"

	text "curvestream/benchmarks/internal/bench"
	"curvestream/run/bench"
)

// A peerRow is one program's product.
type peerRow struct {
	Name    string    `json:"name"`
	Method  string    `json:"method"`
	Seconds []float64 `json:"seconds"`
	Least   float64   `json:"fastest"`
	PeakRSS int64     `json:"peak_rss"` // of the process, inputs included
	Check   []float64 `json:"check"`
}

// peers compares products in little memory with PyTorch's torch.utils.checkpoint and JAX's nested remat: h=256, B=64, T=2000, on
// one thread: where another process takes a core, PyTorch's threads wait for each other at every time-step. Ours goes before and after
// theirs, and once more with all states kept, which takes less memory than theirs too.
func peers(ctx context.Context, o options) (any, string, error) {
	p := problem(256, 64, 2000)
	p.Threads = 1
	budget, err := slots(p, 0)
	if err != nil {
		return nil, "", err
	}
	ours := p
	ours.StateBudget = budget
	var rows []peerRow
	add := func(r peerRow, err error) error {
		if err != nil {
			return err
		}
		if len(rows) > 0 {
			for i, x := range r.Check {
				if math.Abs(x-rows[0].Check[i]) > 1e-3*math.Abs(rows[0].Check[i]) {
					return fmt.Errorf("%s computes another product: %v, ours is %v", r.Name, r.Check, rows[0].Check)
				}
			}
		}
		rows = append(rows, r)
		return nil
	}
	for _, measure := range []func() (peerRow, error){
		func() (peerRow, error) { return own(ctx, ours) },
		func() (peerRow, error) { return peer(ctx, o.python, "gv_torch_checkpoint.py", "checkpoint", p) },
		func() (peerRow, error) { return peer(ctx, o.python, "gv_jax_remat.py", "nested_remat", p) },
		func() (peerRow, error) { return own(ctx, ours) },
		func() (peerRow, error) { return own(ctx, p) },
	} {
		if err := add(measure()); err != nil {
			return nil, "", err
		}
	}
	return rows, peerTable(rows), nil
}

func peerTable(rows []peerRow) string {
	fastest := math.Inf(1)
	for _, r := range rows {
		if r.Name != ourName {
			fastest = min(fastest, r.Least)
		}
	}
	var m text.Markdown
	m.Head("h=256 B=64 T=2000, one product on one thread", "how", "s, fastest of 3", "peak RSS of the process MiB", "over the faster of the others (target ≤ 0.6)")
	for _, r := range rows {
		m.Row(r.Name, r.Method, fmt.Sprintf("%.3f", r.Least), mib(r.PeakRSS), fmt.Sprintf("%.2f", r.Least/fastest))
	}
	return m.String()
}

// ourName is the name of ours among the rows.
const ourName = "curvestream"

// own measures ours.
func own(ctx context.Context, p bench.Problem) (peerRow, error) {
	got, err := child(ctx, job{p, 3})
	if err != nil {
		return peerRow{}, err
	}
	return peerRow{ourName, fmt.Sprintf("%v, %d of %d blocks of time-steps", got.Plan.Method, got.Plan.Slots, got.Plan.Blocks), got.Seconds, got.least(), got.Peak, got.Check}, nil
}

// peer measures a script of benchmarks/peers, by its protocol (README.md there).
func peer(ctx context.Context, python, script, method string, p bench.Problem) (r peerRow, err error) {
	p.Method = method
	text, err := json.Marshal(p)
	if err != nil {
		return r, err
	}
	cmd := exec.CommandContext(ctx, python, filepath.Join("benchmarks", "peers", script), string(text))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return r, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return r, err
	}
	if err := cmd.Start(); err != nil {
		return r, fmt.Errorf("starting %s: %w: benchmarks/peers/install makes it, or give -python", python, err)
	}
	err = converse(&r, in, bufio.NewReader(out))
	if e := endOf(in, cmd); err == nil {
		err = e
	}
	if err != nil {
		return r, fmt.Errorf("%s: %w: %s", script, err, bytes.TrimSpace(stderr.Bytes()))
	}
	return r, nil
}

// converse asks for three products and then for the memory.
func converse(r *peerRow, in io.WriteCloser, out io.Reader) error {
	lines := json.NewDecoder(out)
	var ready struct {
		Peer, Method string
		Check        []float64
	}
	if err := lines.Decode(&ready); err != nil {
		return err
	}
	r.Name, r.Method, r.Check, r.Least = ready.Peer, ready.Method, ready.Check, math.Inf(1)
	for range 3 {
		if _, err := io.WriteString(in, "run\n"); err != nil {
			return err
		}
		var sample struct{ Seconds float64 }
		if err := lines.Decode(&sample); err != nil {
			return err
		}
		r.Seconds, r.Least = append(r.Seconds, sample.Seconds), min(r.Least, sample.Seconds)
	}
	if err := in.Close(); err != nil {
		return err
	}
	var end struct {
		Peak int64 `json:"peak_rss_bytes"`
	}
	if err := lines.Decode(&end); err != nil {
		return err
	}
	r.PeakRSS = end.Peak
	return nil
}

// endOf ends a peer's input, which may have been ended, and waits for it.
func endOf(in io.Closer, cmd *exec.Cmd) error {
	_ = in.Close() // it may be closed already
	return cmd.Wait()
}
