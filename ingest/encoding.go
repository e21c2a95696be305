package ingest

// Layout says how rows become sequences.
type Layout string

// The layouts.
const (
	Nested Layout = "nested" // a row is a sequence; inputs are lists
	Long   Layout = "long"   // a row is a time-step, grouped by an id column; lists are vectors
	Flat   Layout = "flat"   // a row is a case of one time-step, for feedforward nets; lists are vectors
)

// Kind is the encoding of a column.
type Kind string

// The encodings.
const (
	Numeric  Kind = "numeric"  // (x − Mean) / Scale; lists of lists and fixed-size lists give several inputs
	OneHot   Kind = "onehot"   // integers or strings by Vocabulary
	MultiHot Kind = "multihot" // lists of active indices 0 … Width−1
	Chars    Kind = "chars"    // characters of a text by Vocabulary; one time-step a character
)

// A ColumnEncoding says what becomes of one column. It is stored with the model.
type ColumnEncoding struct {
	Column     string    `json:"column" yaml:"column"`
	Kind       Kind      `json:"kind" yaml:"kind"`
	Type       string    `json:"type,omitempty" yaml:"-"`                          // of the column's innermost values in training data, as Arrow names it: utf8, int16; "" where unknown
	Width      int       `json:"width" yaml:"width"`                               // inputs or outputs that the column makes
	Mean       []float64 `json:"mean,omitempty" yaml:"mean,omitempty"`             // numeric: of each of Width; empty means 0
	Scale      []float64 `json:"scale,omitempty" yaml:"scale,omitempty"`           // numeric: of each of Width; empty means 1
	Vocabulary []string  `json:"vocabulary,omitempty" yaml:"vocabulary,omitempty"` // onehot, chars: in order of code
}

// An Encoding is everything needed to turn rows into sequences: roles, and what was fitted on the training data. It is
// stored with the model, so that evaluation and prediction encode as training did.
type Encoding struct {
	Layout  Layout           `json:"layout"`
	ID      []string         `json:"id"` // none: the row number, with the file, is the id
	Time    string           `json:"time,omitempty"`
	Inputs  []ColumnEncoding `json:"inputs"`
	Static  []ColumnEncoding `json:"static,omitempty"` // one value a sequence, repeated at every time-step after Inputs
	Targets []ColumnEncoding `json:"targets"`          // none with Form "next": the inputs of the next step
	Form    string           `json:"form"`             // "each", "last" or "next"
	Mask    string           `json:"mask,omitempty"`
	Weight  string           `json:"weight,omitempty"`
	Loss    string           `json:"loss"` // one of those of nn.LossNames
	Missing string           `json:"missing"`
	// In and Out are the widths of inputs and outputs; SparseInputs tells whether inputs are given as indices.
	In           int  `json:"in"`
	Out          int  `json:"out"`
	SparseInputs bool `json:"sparse_inputs"`
}

// RoleOptions is what a person said about the columns; zero fields are inferred (see [Infer]).
type RoleOptions struct {
	Layout    Layout
	ID        []string
	Time      string
	Inputs    []string
	Targets   []string
	Static    []string
	Mask      string
	Weight    string
	Ignore    []string // columns that play no role
	Form      string   // "each", "last" or "next"
	Loss      string   // inferred from the target's type: float → squared_error, category → softmax, multi-hot → logistic
	Normalize string   // of numeric inputs: "zscore" or "none"; "" means "none"
	// Missing is what becomes of nulls, NaN and infinities; "" means "error". With "zero" inputs become 0 after normalisation (no
	// category is active), targets stay an error; with "mask" missing targets do not count, too; with "drop-sequence" sequences with
	// such values, with ragged columns or without time-steps are left out.
	Missing       string
	MaxLength     int                       // longer sequences are an error; 0 means no limit
	MaxCategories int                       // of a one-hot vocabulary; 0 means 256
	Encode        map[string]ColumnEncoding // by column: a Kind, Width, Scale or Vocabulary that overrides inference and fitting
}
