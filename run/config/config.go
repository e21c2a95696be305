// Package config holds the settings of a run: one table of keys with their types, defaults, documentation and place in the
// report; and the layers that give them values.
//
// A key has one name. Its flag is the key with dashes, without the prefixes data., model. and run.: cg.max is --cg-max,
// model.hidden is --hidden. From weakest to strongest, a value comes from the defaults, from a recipe, from what the data
// says, from configuration files in the order given, from CURVESTREAM_* and from flags.
package config

import (
	"time"

	"curvestream/ingest"
)

// A Config is the settings of a run. [Table] documents each field under its key.
type Config struct {
	Data       Data
	Model      Model
	Method     Method
	Curvature  Curvature
	CG         CG
	KSD        KSD
	Damping    Damping
	LM         LM
	Precond    Precond
	LineSearch LineSearch
	FirstOrder FirstOrder
	Batch      Batch
	Eval       Eval
	Run        Run
	Checkpoint Checkpoint
	Trace      Trace
	Seed       Seed
	DType      string
	Threads    int
	Memory     Bytes
	States     string
	Store      Store
	Device     string
	Precision  string
}

// Data says what to read and what its columns mean.
type Data struct {
	Train, Valid             []string
	Layout                   string
	ID, Inputs, Targets      []string
	Static, Ignore           []string
	Time, Mask, Weight       string
	Form, Normalize, Missing string
	MaxLength, MaxCategories int
	ValidFraction            float64
	SplitCol                 string
	Cache, CacheCompression  string
	Manifest                 string
	S3Endpoint, S3Region     string
	RemoteCache              Bytes
	Workers, Prefetch        Auto
	Encode                   map[string]ingest.ColumnEncoding
}

// Validates reports whether there are validation data.
func (d Data) Validates() bool { return len(d.Valid) > 0 || d.ValidFraction > 0 || d.SplitCol != "" }

// Model says which net is trained and where it starts.
type Model struct {
	Arch               string
	Hidden             []int
	InputLayers        []int
	OutputLayers       []int
	LayerActivation    string
	Factors            int
	Activation         []string
	OutputActivation   string
	Loss               string
	LossCurvature      string
	Biases             bool
	WeightDecay        float64
	DecaySchedule      Schedule
	StructuralDistance string
	Window             int
	Init               string
	InitFanIn          int
	InitScale          float64
	InitScales         map[string]float64
	InitTanhShift      bool
	InitOutputBias     string
	SpectralRadius     float64
	InitFrom           string
}

// Method is what moves the parameters.
type Method struct{ Kind string }

// Curvature is the matrix of the quadratic model.
type Curvature struct{ Kind string }

// CG is the inner iteration.
type CG struct {
	Max             int
	MaxSchedule     Schedule
	MaxGrown        int
	Tol             float64
	Stop            string
	Start           string
	Decay           float64
	DecayFinal      float64
	DecayIterations int
	Refresh         int
	Residual        float64
	KeepStart       bool
	Watch           int
	WatchTolerance  float64
	Negative        string
	Backtrack       string
	BacktrackBatch  string
	BacktrackBy     string
	BacktrackEvery  int
	BacktrackRatio  float64
}

// Damping is λ and μ at the start, and what they multiply.
type Damping struct {
	Kind           string
	Init           float64
	InitPer        string
	Floor          Schedule
	Exponent       float64
	Kappa          float64
	KappaOfMean    float64
	Scale          map[string]float64
	Radius         float64
	TrustSolver    string
	StructuralMu   float64
	StructuralRule string
}

// LM is the rule by which λ and μ change.
type LM struct {
	Adapt       bool
	Low, High   float64
	Raise, Drop float64
	Min, Max    float64
	Model       string
	Batch       string
	Modest      bool
}

// KSD is Krylov subspace descent.
type KSD struct {
	Size, Iterations int
	Batch            string
	Floor            float64
}

// FirstOrder are the methods that HF is compared with.
type FirstOrder struct {
	Rate         Schedule
	MomentumMax  float64
	Momentum     Schedule
	Clip         float64
	Beta1, Beta2 float64
	Epsilon      float64
	Pairs        int
}

// Precond is the preconditioner of CG.
type Precond struct {
	Kind            string
	Exponent, Kappa float64
	KappaOfMean     float64
	Draws           int
}

// LineSearch is the search along δ.
type LineSearch struct {
	Enabled          bool
	Factor, Decrease float64
	Max              int
	Rate             float64
	RateSchedule     Schedule
	Batch            string
}

// Batch says which sequences an HF iteration uses.
type Batch struct {
	Gradient, Curvature        Count
	HeldOut                    int
	GradientSchedule           Schedule
	GrowthTheta, GrowthFactor  float64
	CurvatureFrom              string
	Shuffle                    string
	Block                      int
	ChunkSequences, ChunkSteps int
}

// Eval says how often the validation data are looked at.
type Eval struct{ Every int }

// Run says when to stop.
type Run struct {
	Iterations   int
	Products     int
	TimeLimit    Duration
	TargetLoss   Limit
	TargetError  Limit
	Patience     int
	MaxRejection int
}

// Checkpoint says what is kept.
type Checkpoint struct {
	Every Every
	Keep  int
}

// Store says where hidden states go that do not fit where they are computed.
type Store struct {
	Device, Spill Bytes
	SpillDir      string
	Verify        bool
}

// Trace says which CG runs are recorded, and whether the net's health is.
type Trace struct {
	CG     int
	Health bool
}

// Default returns the settings that hold where nothing else is said.
func Default() Config {
	return Config{
		Data: Data{Layout: auto, Form: auto, Normalize: "none", Missing: "error", MaxCategories: 256, CacheCompression: "none", RemoteCache: 64 << 20},
		Model: Model{Arch: auto, Hidden: []int{100}, Activation: []string{"tanh"}, LayerActivation: "tanh", OutputActivation: "linear", Loss: auto, LossCurvature: "drop", Biases: true,
			StructuralDistance: auto, Init: "sparse", InitFanIn: 15, InitScale: 1, InitOutputBias: "zero", SpectralRadius: 1.1},
		Method:     Method{Kind: "hf"},
		Curvature:  Curvature{Kind: "ggn"},
		KSD:        KSD{Size: 20, Iterations: 30, Batch: "gradient", Floor: 1e-4},
		FirstOrder: FirstOrder{MomentumMax: 0.99, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, Pairs: 10},
		CG:         CG{Max: 50, Tol: 5e-4, Stop: "martens", Start: "last", Decay: 0.95, DecayFinal: 0.95, Backtrack: "global", BacktrackBatch: "gradient", BacktrackBy: "f", BacktrackRatio: 1.3, WatchTolerance: 1e-3, Negative: "descend"},
		Damping:    Damping{Kind: "tikhonov", Init: 1, InitPer: "sequence", Exponent: 1, KappaOfMean: 1e-2, Radius: 1, TrustSolver: "steihaug", StructuralRule: "tied"},
		LM:         LM{Adapt: true, Low: 0.25, High: 0.75, Raise: 1.5, Drop: 2.0 / 3, Min: 1e-12, Max: 1e12, Model: "undamped", Batch: "gradient"},
		Precond:    Precond{Kind: "fisher", Exponent: 0.75, Draws: 1},
		LineSearch: LineSearch{Enabled: true, Factor: 0.8, Decrease: 1e-2, Max: 60, Rate: 1, Batch: "gradient"},
		Batch:      Batch{GrowthFactor: 2, CurvatureFrom: auto, Shuffle: "global", Block: 10000},
		Eval:       Eval{Every: 1},
		Run:        Run{Iterations: 100, MaxRejection: 10},
		Checkpoint: Checkpoint{Every: Every{Time: 10 * time.Second}, Keep: 3},
		Trace:      Trace{Health: true},
		DType:      "float32",
		Memory:     2 << 30,
		States:     "optimal",
		Store:      Store{Verify: true},
		Device:     "cpu",
		Precision:  "float32",
	}
}

const auto = "auto"
