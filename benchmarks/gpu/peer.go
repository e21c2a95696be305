package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"curvestream/accel/cuda"
)

// theirs is what gv_torch_cuda.py prints.
type theirs struct {
	Why           string
	Device, Torch string
	Seconds       map[string]float64
	Failed        map[string]string
}

// torch lets PyTorch make the products that targets are about, each way that works, and ours beside it in this process.
func torch(ctx context.Context, o options, add func(row)) error {
	script := filepath.Join("benchmarks", "peers", "gv_torch_cuda.py")
	if _, err := os.Stat(script); err != nil {
		return lacking("%s is not here: run this from the project's root, or copy the folder benchmarks/peers there", script)
	}
	if _, err := exec.LookPath(o.python); err != nil {
		return lacking("no Python: name one by -python")
	}
	return onDevice(o, func(b *cuda.Backend[float32]) error {
		var all []error
		for _, p := range judgedProblems(o) {
			if p.name != "long" && p.name != "pathological" {
				continue
			}
			line, err := json.Marshal(p.Problem)
			if err != nil {
				return err
			}
			t, err := ask(ctx, o.python, script, string(line), "30")
			if err != nil {
				all = append(all, err)
				continue
			}
			if t.Why != "" {
				return lacking("%s", t.Why)
			}
			best := ""
			for method, seconds := range t.Seconds {
				add(row{fmt.Sprintf("%s, PyTorch %s", p.name, method), 1e3 * seconds, "ms", t.Torch})
				if best == "" || seconds < t.Seconds[best] {
					best = method
				}
			}
			for method, why := range t.Failed {
				add(row{fmt.Sprintf("%s, PyTorch %s", p.name, method), 0, "", "does not work: " + why})
			}
			ours, err := timeWork(ctx, o, b, p.Problem)
			if err != nil || best == "" {
				all = append(all, err)
				continue
			}
			add(row{"PyTorch's time to ours, " + p.name, t.Seconds[best] / ours, "", fmt.Sprintf("%s, its fastest; ours %.4g ms", best, 1e3*ours)})
		}
		return errors.Join(all...)
	})
}

func ask(ctx context.Context, argv ...string) (t theirs, err error) {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.WaitDelay = 5 * time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return t, fmt.Errorf("PyTorch: %w: %s", err, lastLine(stderr.String()))
	}
	if err := json.Unmarshal(stdout.Bytes(), &t); err != nil {
		return t, fmt.Errorf("PyTorch: %w in %q", err, stdout.String())
	}
	return t, nil
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}
