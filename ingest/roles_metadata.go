package ingest

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/apache/arrow/go/v15/arrow"
)

// TaskKey is the key of the schema metadata under which a file says what it is.
const TaskKey = "curvestream.task"

// TaskMetadata is what a file of a known task says about itself, as JSON under [TaskKey]: its roles, and vocabularies that are
// complete even if the file happens to lack a symbol.
type TaskMetadata struct {
	Task    string                    `json:"task"`
	Length  int                       `json:"length,omitempty"`
	Success string                    `json:"success,omitempty"` // the criterion of error_rate, by name
	Layout  Layout                    `json:"layout,omitempty"`
	ID      []string                  `json:"id,omitempty"`
	Inputs  []string                  `json:"inputs,omitempty"`
	Targets []string                  `json:"targets,omitempty"`
	Form    string                    `json:"form,omitempty"`
	Loss    string                    `json:"loss,omitempty"`
	Encode  map[string]ColumnEncoding `json:"encode,omitempty"`
}

// TaskOf returns the task metadata of a schema; ok is false where there is none.
func TaskOf(schema *arrow.Schema) (task TaskMetadata, ok bool, err error) {
	text, ok := schema.Metadata().GetValue(TaskKey)
	if !ok {
		return TaskMetadata{}, false, nil
	}
	if err := json.Unmarshal([]byte(text), &task); err != nil {
		return TaskMetadata{}, false, &Error{Code: "data.metadata", RowGroup: -1, Row: -1, Err: err,
			Message: fmt.Sprintf("the file's metadata %s is not what curvestream writes", TaskKey), Hint: "remove or mend it"}
	}
	return task, true, nil
}

// taskMetadata is schema metadata that holds only the task, as readers keep it.
func taskMetadata(text string) *arrow.Metadata {
	m := arrow.NewMetadata([]string{TaskKey}, []string{text})
	return &m
}

// withMetadata fills what the options leave open from the file's task metadata.
func withMetadata(schema *arrow.Schema, o RoleOptions, r *Roles) (RoleOptions, error) {
	task, ok, err := TaskOf(schema)
	if err != nil || !ok {
		return o, err
	}
	for _, c := range slices.Concat(task.ID, task.Inputs, task.Targets) {
		if len(schema.FieldIndices(c)) == 0 {
			r.note("the file says that it holds the task %s, but has no column %s: what it says of itself is left aside", task.Task, c)
			return o, nil
		}
	}
	r.note("the file says that it holds the task %s, which settles what the options leave open", task.Task)
	if o.Layout == "" {
		o.Layout = task.Layout
	}
	if len(o.ID) == 0 {
		o.ID = task.ID
	}
	if len(o.Inputs) == 0 {
		o.Inputs = task.Inputs
	}
	if len(o.Targets) == 0 && (o.Form == "" || o.Form == task.Form) {
		o.Targets = task.Targets
	}
	if o.Form == "" {
		o.Form = task.Form
	}
	if o.Loss == "" {
		o.Loss = task.Loss
	}
	encode := map[string]ColumnEncoding{}
	for column, e := range task.Encode {
		encode[column] = e
	}
	for column, e := range o.Encode {
		encode[column] = e
	}
	o.Encode = encode
	return o, nil
}
