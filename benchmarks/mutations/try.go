package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

// A result says whether a change was noticed.
type result struct {
	Technique string   `json:"technique"`
	Section   string   `json:"section"`
	File      string   `json:"file"`
	From      string   `json:"from"`
	To        string   `json:"to"`
	Tests     []string `json:"tests"` // that failed
	Noticed   bool     `json:"noticed"`
}

var failed = regexp.MustCompile(`(?m)^--- FAIL: (\w+)`)

// try makes a change and runs the test that is to notice it, or all tests of the package.
func try(ctx context.Context, dir string, t technique, c change, all bool) (result, error) {
	file := t.place(c)
	r := result{Technique: t.name, Section: t.section, File: file, From: c.from, To: c.to}
	overlay, err := mutate(dir, file, c)
	if err != nil {
		return r, err
	}
	args := []string{"test", "-vet=off", "-timeout=5m", "-overlay", overlay}
	if c.test != "" && !all {
		args = append(args, "-run", "^"+c.test+"$")
	}
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, "go", append(args, "./"+c.tested(file))...)
	cmd.Stdout, cmd.Stderr = &out, &out
	err = cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || ctx.Err() != nil {
		return r, errors.Join(err, ctx.Err())
	}
	text := out.String()
	if strings.Contains(text, "[build failed]") || strings.Contains(text, "[setup failed]") {
		return r, fmt.Errorf("%s: %q in the place of %q is no program:\n%s", file, c.to, c.from, text)
	}
	for _, m := range failed.FindAllStringSubmatch(text, -1) {
		r.Tests = append(r.Tests, m[1])
	}
	r.Noticed = err != nil
	if r.Noticed && len(r.Tests) == 0 {
		r.Tests = []string{"(no test ends)"}
	}
	return r, nil
}

// tested returns the package whose test notices a change of the file.
func (c change) tested(file string) string {
	if c.pkg != "" {
		return c.pkg
	}
	return path.Dir(file)
}

// mutate writes the changed file and the overlay that puts it in the place of the file, and returns the overlay's name.
func mutate(dir, file string, c change) (string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("run this from the project's root: %w", err)
	}
	if n := strings.Count(string(text), c.from); n != 1 {
		return "", fmt.Errorf("%s has %q %d times, want once", file, c.from, n)
	}
	original, err := filepath.Abs(file)
	if err != nil {
		return "", err
	}
	changed := filepath.Join(dir, "changed.go")
	if err := os.WriteFile(changed, []byte(strings.Replace(string(text), c.from, c.to, 1)), 0o600); err != nil {
		return "", err
	}
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{original: changed}})
	if err != nil {
		return "", err
	}
	name := filepath.Join(dir, "overlay.json")
	return name, os.WriteFile(name, overlay, 0o600)
}
