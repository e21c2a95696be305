package train

// An Observer is told what happens in a run, in order, by one goroutine. It must not keep a run waiting.
type Observer interface {
	// Observe is given a Setup, a Start, a Solving, an Iteration, an Evaluation, a Warning, a Checkpoint or an End.
	Observe(event any)
}

// silent is an Observer that looks away.
type silent struct{}

// Observe implements Observer.
func (silent) Observe(any) {}

// both are two observers that see the same.
type both [2]Observer

// Observe implements Observer.
func (b both) Observe(event any) {
	b[0].Observe(event)
	b[1].Observe(event)
}

// A Solving is told, and not recorded, at every iterate of a CG run: what a person may watch while it works.
type Solving struct {
	Iter      int // of the optimizer
	Step, Max int // of CG
	M         float64
	Progress  float64 // relative progress, which ends the run below Bound; NaN where that is not asked
	Bound     float64
	Loss      *float64 // f after the iteration before; nil before the first
}

// A Setup says what was found out before the first iteration, for a person.
type Setup struct {
	Event string   `json:"event"` // "setup"
	Lines []string `json:"lines"`
}

// A Start is the first row of a session in metrics.jsonl.
type Start struct {
	Schema    string  `json:"schema"`
	Event     string  `json:"event"` // "start"
	Iter      int     `json:"iter"`  // the iteration that the session goes on from
	T         float64 `json:"t"`     // seconds since the run began, of all sessions
	UTC       string  `json:"utc"`
	Session   int     `json:"session"`
	Seed      uint64  `json:"seed"`
	Params    int     `json:"params"`
	Sequences int     `json:"sequences"` // of the training data; -1 where they have no end
	Steps     int64   `json:"steps"`
	Device    string  `json:"device"`
	Threads   int     `json:"threads"`
	// Iterations and TimeLimit are where the run is to stop; 0 means no limit.
	Iterations int     `json:"iterations"`
	TimeLimit  float64 `json:"time_limit"`
}

// An Iteration is a row of metrics.jsonl: what an HF iteration did.
type Iteration struct {
	Event         string  `json:"event"` // "iter"
	Iter          int     `json:"iter"`
	T             float64 `json:"t"`
	Outcome       string  `json:"outcome"`
	F0            float64 `json:"f0"`
	F             float64 `json:"f"`
	ModelDecrease float64 `json:"model_decrease"`
	Rho           float64 `json:"rho"`
	Verdict       string  `json:"verdict"`
	Damping       float64 `json:"damping"` // lambda after the iteration; damping_used is what it ran with
	DampingUsed   float64 `json:"damping_used"`
	Mu            float64 `json:"mu"`
	Radius        float64 `json:"radius,omitempty"`
	Zeta          float64 `json:"zeta"`
	CGSteps       int     `json:"cg_steps"`
	CGUsed        int     `json:"cg_used"`
	CGStop        string  `json:"cg_stop"`
	CGInitM       float64 `json:"cg_init_m"`
	SelectF0      float64 `json:"select_f0"` // f before, and at the chosen CG iterate, on cg.backtrack_batch; with cg.backtrack_by model M there, from 0
	SelectF       float64 `json:"select_f"`
	Alpha         float64 `json:"alpha"`
	LSEvals       int     `json:"ls_evals"`
	FEvals        int     `json:"f_evals"`
	GradEvals     int     `json:"grad_evals"` // one, but with method.kind ksd or lbfgs
	GradNorm      float64 `json:"grad_norm"`
	StepNorm      float64 `json:"step_norm"`
	Rejections    int     `json:"rejections"`
	GradSeqs      int     `json:"grad_seqs"`
	CurvSeqs      int     `json:"curv_seqs"`
	GvProducts    int     `json:"gv_products"`
	Products      int64   `json:"products"` // of all iterations
	Passes        float64 `json:"passes"`   // sequences through the net over those of the training data
	Sec           float64 `json:"sec"`
	SecGrad       float64 `json:"sec_grad"`
	SecCG         float64 `json:"sec_cg"`
	SecF          float64 `json:"sec_f"`
	SecWait       float64 `json:"sec_wait"` // that the computation waited for data
	SeqPerSec     float64 `json:"seq_per_sec"`
	StepsPerSec   float64 `json:"steps_per_sec"`
	ReadUnits     int64   `json:"read_units"` // row groups or record batches that were decoded; none where all was in memory
	ReadBytes     int64   `json:"read_bytes"` // that they take, decoded
	DataWorkers   int     `json:"data_workers"`
	DataPrefetch  int     `json:"data_prefetch"`
	RSS           int64   `json:"rss_bytes,omitempty"`
}

// A Resumed is a row of metrics.jsonl: after the first iteration of a session that goes on with a run, what the session has read of the
// training data by then, but for what it has read ahead for the next iteration. That is at most the row groups of the minibatches of this iteration, each of which the session before may have
// read too; and, where the run directory does not hold what the first scan found, another scan.
type Resumed struct {
	Event     string  `json:"event"` // "resumed"
	Iter      int     `json:"iter"`
	T         float64 `json:"t"`
	Rescanned bool    `json:"rescanned"`
	ReadUnits int64   `json:"read_units"`
	ReadBytes int64   `json:"read_bytes"`
	OfUnits   int     `json:"of_units"` // that the training data have; -1 where they have no end
}

// An Evaluation is a row of metrics.jsonl: the model on the validation data.
type Evaluation struct {
	Event       string   `json:"event"` // "eval"
	Iter        int      `json:"iter"`
	T           float64  `json:"t"`
	Dataset     string   `json:"dataset"`
	Loss        float64  `json:"loss"`
	LossPerStep float64  `json:"loss_per_step"`
	Accuracy    *float64 `json:"accuracy"`
	ErrorRate   *float64 `json:"error_rate"`
	Best        bool     `json:"best"`
}

// A Warning is a row of metrics.jsonl: something that a person may want to know.
type Warning struct {
	Event   string  `json:"event"` // "warn"
	Iter    int     `json:"iter"`
	T       float64 `json:"t"`
	Code    string  `json:"code"`
	Message string  `json:"message"`
}

// A Checkpoint is a row of metrics.jsonl: the state was saved.
type Checkpoint struct {
	Event string  `json:"event"` // "checkpoint"
	Iter  int     `json:"iter"`
	T     float64 `json:"t"`
	Path  string  `json:"path"`
	Sec   float64 `json:"sec"`
}

// An End is the last row of a session in metrics.jsonl.
type End struct {
	Event  string  `json:"event"` // "end"
	Iter   int     `json:"iter"`
	T      float64 `json:"t"`
	UTC    string  `json:"utc"`
	Status string  `json:"status"`
	Reason string  `json:"reason"`
	Exit   int     `json:"exit"`
}

// A Result is what a run came to.
type Result struct {
	Schema         string   `json:"schema"`
	Run            string   `json:"run"`
	Status         string   `json:"status"`
	Reason         string   `json:"reason"`
	Iterations     int      `json:"iterations"`
	Products       int64    `json:"products"` // with the curvature matrix, in all
	Loss           *float64 `json:"loss"`     // f after the last iteration, on its gradient minibatch
	ValidLoss      *float64 `json:"valid_loss"`
	BestIteration  int      `json:"best_iteration"`
	BestLoss       *float64 `json:"best_loss"`
	Model          string   `json:"model"`
	Seconds        float64  `json:"seconds"`
	SecondsWaiting float64  `json:"seconds_waiting"` // for data
	Passes         float64  `json:"passes"`
	Seed           uint64   `json:"seed"`
}
