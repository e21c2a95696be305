package metrics

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"curvestream/run/fault"
)

// Read returns the rows of a file of metrics as values of type T, those of which event accepts the name; nil accepts all, and so rows
// without an event. A last line that is not whole, as a run at work or a crash leaves it, is passed over; an absent file has no rows.
func Read[T any](path string, event func(name string) bool) ([]T, error) {
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	var rows []T
	number := 0
	for line := range bytes.Lines(content) {
		number++
		if line[len(line)-1] != '\n' {
			break
		}
		var kind struct {
			Event string `json:"event"`
		}
		var row T
		err := json.Unmarshal(line, &kind)
		if err == nil && event != nil && !event(kind.Event) {
			continue
		}
		if err == nil {
			err = json.Unmarshal(line, &row)
		}
		if err != nil {
			return nil, fault.New(fault.Data, "metrics.damaged", "%s, line %d: %v", path, number, err).
				Fix("remove that line, or take the file from a copy of the run")
		}
		rows = append(rows, row)
	}
	return rows, nil
}
