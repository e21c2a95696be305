package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
)

// A runner is a process that computes one product for each line it is sent: ours, or a peer's. Only one runs at a time.
type runner struct {
	name    string
	ready   ready
	samples []sample
	rounds  []round // what the samples of a round make together
	noisy   int     // rounds during which others used the processors
	peakRSS int64

	process *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Scanner
	stderr  bytes.Buffer
}

// A round is the mean of one runner's samples of one round, in seconds.
type round struct{ wall, cpu float64 }

// start starts a process and waits until it is ready. An error tells the last words that the process wrote to standard error.
func start(ctx context.Context, name string, argv ...string) (*runner, error) {
	r := &runner{name: name, process: exec.CommandContext(ctx, argv[0], argv[1:]...)}
	r.process.Stderr = &r.stderr
	var err error
	if r.in, err = r.process.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := r.process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	r.out = bufio.NewScanner(out)
	r.out.Buffer(nil, 1<<20)
	if err := r.process.Start(); err != nil {
		return nil, err
	}
	if err := r.read(&r.ready); err != nil {
		return nil, err
	}
	return r, nil
}

// read reads one line of JSON; where there is none, the process has ended, and is waited for.
func (r *runner) read(v any) error {
	if r.out.Scan() {
		if err := json.Unmarshal(r.out.Bytes(), v); err != nil {
			return fmt.Errorf("%s: %w in %q", r.name, err, r.out.Text())
		}
		return nil
	}
	_ = r.in.Close() // it may be closed already
	err := errors.Join(r.out.Err(), r.process.Wait())
	if err == nil {
		err = errors.New("it ended early")
	}
	return fmt.Errorf("%s: %w: %s", r.name, err, lastWords(r.stderr.String()))
}

// lastWords returns what a process wrote to standard error, in one line: the last one where it is long, as traces of Python are.
func lastWords(stderr string) string {
	lines := strings.Split(strings.TrimSpace(stderr), "\n")
	if len(lines) > 4 {
		lines = lines[len(lines)-1:]
	}
	return strings.Join(lines, "; ")
}

// run lets the process compute one product.
func (r *runner) run() (s sample, err error) {
	if _, err := io.WriteString(r.in, "run\n"); err != nil {
		return s, fmt.Errorf("%s: %w: %s", r.name, err, lastWords(r.stderr.String()))
	}
	err = r.read(&s)
	return s, err
}

// round lets the process compute several products and adds their mean to the rounds.
func (r *runner) round(products int) error {
	var mean round
	for range products {
		s, err := r.run()
		if err != nil {
			return err
		}
		r.samples = append(r.samples, s)
		mean.wall += s.Seconds / float64(products)
		mean.cpu += s.CPUSeconds / float64(products)
	}
	r.rounds = append(r.rounds, mean)
	return nil
}

// close ends the process and asks how much memory it used.
func (r *runner) close() error {
	if err := r.in.Close(); err != nil {
		return fmt.Errorf("%s: %w", r.name, err)
	}
	var g goodbye
	if err := r.read(&g); err != nil {
		return err
	}
	r.peakRSS = g.PeakRSS
	if err := r.process.Wait(); err != nil {
		return fmt.Errorf("%s: %w", r.name, err)
	}
	return nil
}

// kill ends a process whose answers are not needed any more.
func (r *runner) kill() {
	_ = r.process.Process.Kill()
	_ = r.process.Wait()
}
