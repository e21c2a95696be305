package bench

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// A Comparison is a row beside that of an earlier report: by processor time on one thread, by the median of the wall clock on
// more.
type Comparison struct {
	Seconds float64 `json:"seconds"` // of the baseline
	Change  float64 `json:"change"`  // of the time: 0.05 is 5 % slower
	OK      bool    `json:"ok"`      // not slower than allowed
}

// LoadReport reads a report that was written as JSON.
func LoadReport(path string) (*Report, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("bench: reading a baseline: %w", err)
	}
	var r Report
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, fmt.Errorf("bench: %s is not a report: %w: write one by `curvestream bench … -o json`", path, err)
	}
	if r.Schema != Schema {
		return nil, fmt.Errorf("bench: %s has schema %q, not %q: write a report by `curvestream bench … -o json`", path, r.Schema, Schema)
	}
	return &r, nil
}

// Compare sets Baseline of each row that old has too, and returns how many there are and how many are slower by more than
// maxRegress, a share.
func (r *Report) Compare(old *Report, maxRegress float64) (compared, regressed int) {
	known := map[[7]any]Row{}
	for _, row := range old.Rows {
		known[row.key()] = row
	}
	for i := range r.Rows {
		row := &r.Rows[i]
		before, ok := known[row.key()]
		if !ok || before.time() <= 0 {
			continue
		}
		change := row.time()/before.time() - 1
		row.Baseline = &Comparison{Seconds: before.time(), Change: change, OK: change <= maxRegress}
		compared++
		if !row.Baseline.OK {
			regressed++
		}
	}
	return compared, regressed
}

// ParseShare reads a share that is not negative: "5%" or "0.05".
func ParseShare(text string) (float64, error) {
	number, percent := strings.CutSuffix(strings.TrimSpace(text), "%")
	x, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if percent {
		x /= 100
	}
	if err != nil || !(x >= 0) || x > 1e6 {
		return 0, fmt.Errorf("bench: %q is not a share: give one such as 5%% or 0.05", text)
	}
	return x, nil
}
