package hf

const (
	defaultCGMax         = 250
	defaultMaxRejections = 10
)

// Settings are all that can be chosen about the optimizer. The zero Settings are ready to use: each field says what zero
// means. Strengths are relative to f as the Objective scales it, an average over cases.
type Settings struct {
	Method    Method
	KSD       KSD // for MethodKSD
	Curvature CurvatureKind

	Growth Growth

	Damping DampingKind
	Lambda  float64 // λ at the start, where the damping is a penalty; zero means 1
	// LambdaFloor, where not empty, bounds λ from below by iteration: the endgame of section 13 raises λ, and LM may not undo it.
	LambdaFloor  Schedule
	LM           LM            // adapts λ, or with DampTrustRegion 1/r
	DampingShape Interpolation // of D, for DampDiagonal. Its d is that of the preconditioner, the empirical Fisher diagonal with none
	// Scale is s, the coarse relative scale of each parameter (section 11.2), all positive. Where it is given, diag(s) takes the
	// place of the identity: in Tikhonov damping, and wherever κ is added. Nil means 1 for each.
	Scale       []float64
	Structural  Structural
	Radius      float64     // r at the start, for DampTrustRegion; zero means 1
	TrustSolver TrustSolver // for DampTrustRegion
	Rho         Rho

	CG           CGSettings
	Precondition PreconditionSettings
	Select       SelectSettings
	LineSearch   LineSearchSettings

	// MaxRejections is the number of rejected iterations in a row after which Step gives up. Zero means 10.
	MaxRejections int
	// Trace asks for Report.Trace. It costs one reduction over n elements an iteration of CG.
	Trace bool
}

// MuRule says what the strength of structural damping follows.
type MuRule int

// The rules.
const (
	MuTied  MuRule = iota // μ·λ: both are adapted together, as in Martens and Sutskever (2011)
	MuOwn                 // μ, adapted by Structural.LM
	MuFixed               // μ
)

var muNames = names{"tied", "own", "fixed"}

// String returns the name of m.
func (m MuRule) String() string { return muNames.of(int(m)) }

// MarshalText implements encoding.TextMarshaler.
func (m MuRule) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (m *MuRule) UnmarshalText(text []byte) error {
	i, err := muNames.find(string(text))
	*m = MuRule(i)
	return err
}

// Structural is the structural damping of section 8.4.
type Structural struct {
	Mu   float64 // μ at the start; zero means no structural damping
	Rule MuRule
	LM   LM // for MuOwn
}

// Rho says how the reduction ratio is taken (section 8.5).
type Rho struct {
	// Damped puts the damped model into the denominator of eqn. 10. False means the undamped one, as printed; with
	// structural damping that costs one product more an iteration.
	Damped bool
	Role   Role // the minibatch on which f(θ+δ) − f(θ) is taken; zero means Gradient
	// Share scales LM.Low and LM.High to the modest reduction of section 12.2: with f taken on other data than M (Role HeldOut), a
	// step is good if f falls by what M promises times the share of the minibatch in the training set. Zero means 1.
	Share float64
}

// StartRule says from where the next CG run starts, before the decay ζ (section 10).
type StartRule int

// The rules.
const (
	StartLast   StartRule = iota // the last iterate of the previous run, not the chosen one: Martens (2010)
	StartChosen                  // the iterate that was chosen as δ
	StartZero                    // 0
	// StartHighest is the iterate that CGSettings.Watch found to have the highest f on the curvature minibatch, of those after
	// the lowest (section 13, second recipe: "close to the last"). Without the lower bound a poor warm start would win.
	StartHighest
)

var startNames = names{"last", "chosen", "zero", "highest"}

// String returns the name of s.
func (s StartRule) String() string { return startNames.of(int(s)) }

// MarshalText implements encoding.TextMarshaler.
func (s StartRule) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *StartRule) UnmarshalText(text []byte) error {
	i, err := startNames.find(string(text))
	*s = StartRule(i)
	return err
}

// CGSettings are those of the CG runs (sections 4, 10 and 13).
type CGSettings struct {
	Max               int      // iterations at most; zero means 250
	MaxSchedule       Schedule // where not empty, gives Max by HF iteration instead, rounded down
	Truncation        Truncation
	Progress          RelativeProgress
	NoProgressStop    bool    // true: run to Max however little the progress
	Refresh           int     // compute the residual anew every so many iterations; zero means never
	ResidualTolerance float64 // see [CG]; zero means the unit roundoff

	Start StartRule // with DampTrustRegion every run starts from 0, as its theory asks
	// Zeta is the decay ζ of the start. Zero means 0.95; StartZero is how to have none.
	Zeta float64
	// ZetaSchedule, where not empty, gives ζ by iteration instead.
	ZetaSchedule Schedule
	// KeepStart keeps the start of the next run even if this one did not get from its own to M < 0. False means that the
	// next run then starts from 0 (section 8.5).
	KeepStart bool
	Watch     Watch
	Negative  NegativeRule
	// Sampling ends the run by the rule of [Sampling], in the place of Progress.
	Sampling bool
}

// Watch ends a CG run as soon as f(θ+δ) on the curvature minibatch gets worse: section 13, second recipe.
type Watch struct {
	Every int // iterations between two looks, each an evaluation of f; zero means not to look
	// Tolerance is the rise from one look to the next, relative to |f|, that ends the run. Zero means 1e-3.
	Tolerance float64
}

// PreconditionSettings shape P = (d + λD + κ)^ξ (section 11.2).
type PreconditionSettings struct {
	Kind  Preconditioning
	Draws int     // of the unbiased estimators, averaged; zero means 1
	Seed  uint64  // of the unbiased estimators; each HF iteration has draws of its own
	Xi    float64 // ξ; zero means 0.75
	Kappa float64 // κ; zero means 0
	// KappaOfMean is added to κ after multiplication by the mean of d + λ. Zero means 0 with Tikhonov damping, and 1e-2
	// without it, where nothing else keeps P positive (section 13). A negative value means 0.
	KappaOfMean float64
}

// SelectSettings are those of CG-backtracking (section 8.7). With Role HeldOut the iterate is chosen by data that CG has
// not seen (section 13, second recipe).
type SelectSettings struct {
	Rule Selection
	Role Role // whose f decides; zero means Gradient
	// Model lets M decide instead of f, M being that of the role's minibatch, without damping: section 13, second recipe. It costs a
	// gradient and a linearization there, and a product for each iterate that is looked at.
	Model bool
	Grid  Grid
}

// LineSearchSettings are those of the line search.
type LineSearchSettings struct {
	LineSearch
	Role Role // whose f decides; zero means Gradient
}

// WithDefaults returns s with every default in the place of its zero.
func (s Settings) WithDefaults() Settings {
	s.LM = s.LM.withDefaults()
	s.Structural.LM = s.Structural.LM.withDefaults()
	s.LineSearch.LineSearch = s.LineSearch.withDefaults()
	s.KSD = s.KSD.withDefaults()
	s.Growth = s.Growth.withDefaults()
	s.DampingShape = s.DampingShape.withDefaults()
	s.Rho.Share = orDefault(s.Rho.Share, 1)
	s.Lambda = orDefault(s.Lambda, 1)
	if !s.Damping.penalizes() {
		s.Lambda = 0
	}
	if s.Damping != DampTikhonov {
		s.Precondition.KappaOfMean = orDefault(s.Precondition.KappaOfMean, 1e-2)
	}
	s.Radius = orDefault(s.Radius, 1)
	if s.CG.Max == 0 {
		s.CG.Max = defaultCGMax
	}
	s.CG.Zeta = orDefault(s.CG.Zeta, 0.95)
	s.CG.Watch.Tolerance = orDefault(s.CG.Watch.Tolerance, 1e-3)
	s.Precondition.Xi = orDefault(s.Precondition.Xi, 0.75)
	if s.Precondition.Draws == 0 {
		s.Precondition.Draws = 1
	}
	if s.MaxRejections == 0 {
		s.MaxRejections = defaultMaxRejections
	}
	return s
}
