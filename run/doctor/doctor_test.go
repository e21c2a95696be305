package doctor

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"curvestream/run/rundir"
)

// healthy is a row of an iteration that nobody need worry about.
func healthy(i int) map[string]any {
	return map[string]any{"event": "iter", "iter": i, "outcome": "accepted", "verdict": "agrees", "f0": 100 - float64(i), "f": 99 - float64(i),
		"select_f0": 100 - float64(i), "select_f": 99 - float64(i), "rho": 0.6, "damping": 1, "damping_used": 1, "cg_steps": 40, "cg_used": 35,
		"cg_stop": "progress", "alpha": 1, "grad_seqs": 100, "sec": 1, "sec_wait": 0.01}
}

// runOf makes a run directory of so many iterations, changed as given.
func runOf(t *testing.T, n int, change func(i int, row map[string]any), more ...map[string]any) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "run")
	dir, err := rundir.Create(path, map[string][]byte{"run.json": []byte(`{"schema": "curvestream.run/1", "status": "done"}`)})
	if err != nil {
		t.Fatal(err)
	}
	dir.Unlock()
	rows := []map[string]any{{"event": "start", "sequences": 1000}}
	for i := 1; i <= n; i++ {
		row := healthy(i)
		change(i, row)
		rows = append(rows, row)
	}
	var b strings.Builder
	for _, row := range append(rows, more...) {
		line, err := json.Marshal(row)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s\n", line)
	}
	b.WriteString(`{"event": "iter", "iter": 99`) // cut by a crash
	if err := os.WriteFile(filepath.Join(path, "metrics.jsonl"), []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// Each illness is found, by name, and no other; the healthy run and the one that has just begun have none.
func TestFindings(t *testing.T) {
	var looks []map[string]any
	for i := range 12 {
		looks = append(looks, map[string]any{"event": "eval", "iter": i, "loss": 5 + float64(i)})
	}
	look := func(iter int, change map[string]any) []map[string]any {
		row := map[string]any{"event": "health", "iter": iter, "saturated": []float64{0.1, 0.2}, "linear": []float64{0.3, 0.1}, "products": iter > 0, "difference": 0.0, "asymmetry": 1e-6}
		for key, value := range change {
			row[key] = value
		}
		return []map[string]any{row}
	}
	for _, c := range []struct {
		name   string
		n      int
		change func(i int, row map[string]any)
		more   []map[string]any
		want   []string
	}{
		{"healthy", 60, func(int, map[string]any) {}, nil, nil},
		{"just begun", 1, func(int, map[string]any) {}, nil, nil},
		{"no iteration", 0, func(int, map[string]any) {}, nil, nil},
		{"not finite", 20, func(i int, row map[string]any) {
			if i == 18 {
				row["outcome"], row["f"], row["alpha"] = "non_finite", nil, 0
			}
		}, nil, []string{"non_finite"}},
		{"rejections", 20, func(i int, row map[string]any) {
			if i%2 == 0 {
				row["outcome"], row["alpha"] = "no_decrease", 0
			}
		}, nil, []string{"rejected"}},
		{"short steps", 20, func(i int, row map[string]any) {
			if i%2 == 0 {
				row["alpha"] = 0.5
			}
		}, nil, []string{"line_search"}},
		{"promises", 20, func(_ int, row map[string]any) { row["rho"] = 0.1 }, nil, []string{"model_overestimates"}},
		{"behind", 20, func(i int, row map[string]any) {
			if i == 10 {
				row["verdict"], row["rho"] = "behind", -1
			}
		}, nil, []string{"model_behind"}},
		{"both shrink", 20, func(i int, row map[string]any) {
			row["damping_used"], row["cg_steps"], row["cg_used"] = 1/float64(i*i), 80/i, 80/i
		}, nil, []string{"feedback"}},
		{"both grow", 20, func(i int, row map[string]any) {
			row["damping_used"], row["cg_steps"], row["cg_used"] = i*i, 5*i, 5*i
		}, nil, []string{"feedback"}},
		{"explosion", 30, func(i int, row map[string]any) {
			if i > 10 {
				row["damping_used"] = 1e7
			}
		}, nil, []string{"lambda_exploded"}},
		{"always at the maximum", 60, func(_ int, row map[string]any) { row["cg_stop"] = "max" }, nil, []string{"cg_at_maximum"}},
		{"early iterates", 20, func(_ int, row map[string]any) { row["cg_used"] = 10 }, nil, []string{"iterates_unused"}},
		{"negative curvature", 20, func(_ int, row map[string]any) { row["cg_stop"] = "negative_curvature" }, nil, []string{"negative_curvature"}},
		{"the next minibatch gains nothing", 20, func(_ int, row map[string]any) { row["f0"], row["select_f0"], row["f"] = 50.0, 50.0, 40.0 }, nil, []string{"minibatch_overfitting"}},
		{"held-out data gain nothing", 20, func(_ int, row map[string]any) { row["select_f0"], row["select_f"] = 7.0, 7.5 }, nil, []string{"minibatch_overfitting"}},
		{"the whole set has no other data", 20, func(_ int, row map[string]any) { row["f0"], row["f"], row["grad_seqs"] = 50.0, 40.0, 1000 }, nil, nil},
		{"validation", 20, func(int, map[string]any) {}, looks, []string{"overfitting"}},
		{"slow data", 20, func(_ int, row map[string]any) { row["sec_wait"] = 0.2 }, nil, []string{"data_starve_compute"}},
		{"units well used, products equal", 20, func(int, map[string]any) {}, append(look(0, nil), look(2, nil)...), nil},
		{"saturated at the start", 20, func(int, map[string]any) {}, look(0, map[string]any{"saturated": []float64{0, 0.7}}), []string{"units_saturated"}},
		{"saturated later", 20, func(int, map[string]any) {}, append(look(0, nil), look(16, map[string]any{"saturated": []float64{0.6, 0}})...), []string{"units_saturated"}},
		{"linear at the start", 20, func(int, map[string]any) {}, look(0, map[string]any{"linear": []float64{0.95, 0}}), []string{"units_linear"}},
		{"products differ", 20, func(int, map[string]any) {}, look(4, map[string]any{"difference": 1e-7}), []string{"products_differ"}},
		{"products of no symmetric matrix", 20, func(int, map[string]any) {}, look(4, map[string]any{"asymmetry": 0.1}), []string{"products_differ"}},
		{"products not finite", 20, func(int, map[string]any) {}, look(4, map[string]any{"difference": nil}), []string{"products_differ"}},
		{"products of a method without them", 20, func(int, map[string]any) {}, look(4, map[string]any{"products": false, "difference": nil}), nil},
		{"first-order", 20, func(_ int, row map[string]any) {
			row["cg_steps"], row["cg_used"], row["alpha"], row["rho"] = 0, 0, 0.01, 0.0
		}, nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := Look(runOf(t, c.n, c.change, c.more...))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range r.Findings {
				got = append(got, f.Code)
				if f.Advice == "" || !strings.Contains(r.String(), f.Evidence) {
					t.Errorf("%+v is not told", f)
				}
			}
			if none := len(r.Devices) == 0; none != (r.NoDevices != "") || !strings.Contains(r.String(), "this machine: ") || none && !strings.Contains(r.String(), r.NoDevices) {
				t.Errorf("devices %v, %q: %s", r.Devices, r.NoDevices, r)
			}
			if !slices.Equal(got, c.want) || r.Iterations != c.n {
				t.Errorf("%d iterations, findings %v, want %v", r.Iterations, got, c.want)
			}
		})
	}
}

// What is damaged in the middle is named; what is no run is refused.
func TestLookAtWhatIsNoRun(t *testing.T) {
	path := runOf(t, 3, func(int, map[string]any) {})
	if err := os.WriteFile(filepath.Join(path, "metrics.jsonl"), []byte("{\"event\":\"iter\"\n{}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Look(path); err == nil || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("damaged metrics: %v", err)
	}
	if _, err := Look(t.TempDir()); err == nil {
		t.Error("an empty folder is taken for a run")
	}
}
