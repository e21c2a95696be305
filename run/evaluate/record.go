package evaluate

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"curvestream/run/durable"
)

// record keeps a report in the run that it is about, as eval/NAME.json, named after the data and, where that is given, the
// checkpoint. A report on the same data is replaced; one on other data of the same name is left, and the digest of these data is
// added to the new name. It returns the file, or "" where the model is not a run's.
func record(o Options, r Report) (string, error) {
	if _, err := os.Stat(filepath.Join(o.Model, "run.json")); err != nil {
		return "", nil
	}
	dir := filepath.Join(o.Model, "eval")
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("evaluate: keeping the report: %w", err)
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return "", fmt.Errorf("evaluate: keeping the report: %w", err)
	}
	path := filepath.Join(dir, nameOf(o)+".json")
	if old, err := os.ReadFile(path); err == nil {
		var before struct {
			Digest string `json:"data_digest"`
		}
		if json.Unmarshal(old, &before) != nil || before.Digest != r.Digest {
			path = filepath.Join(dir, fmt.Sprintf("%s-%.8s.json", nameOf(o), r.Digest))
		}
	}
	return path, durable.WriteFile(path, append(text, '\n'))
}

// nameOf names the data of a report: files by their names without endings, generators by their tasks.
func nameOf(o Options) string {
	var parts []string
	for _, d := range o.Data {
		if spec, ok := strings.CutPrefix(d, "gen:"); ok {
			d, _, _ = strings.Cut(spec, "?")
		}
		base := filepath.Base(d)
		if stem := strings.TrimSuffix(base, filepath.Ext(base)); stem != "" {
			base = stem
		}
		if d == "-" {
			base = "stdin"
		}
		parts = append(parts, base)
	}
	if o.Division.Column != "" {
		parts = append(parts, o.Part)
	}
	if o.Checkpoint != "" {
		parts = append(parts, o.Checkpoint)
	}
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(`*?[]{}: /\|<>"`, r) {
			return '_'
		}
		return r
	}, strings.Join(parts, "-"))
}
