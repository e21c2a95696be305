package bench

// Schema is the name and version of the JSON form of a Report.
const Schema = "curvestream.bench/1"

// A Row is one line of a benchmark. Times are of one call: a kernel, a product with G, a gradient, or an HF iteration. What is
// not in them: building the problem, the forward pass that products share, packing θ, and the warm-up.
type Row struct {
	Name   string `json:"name"`   // what, a slash, and the net or the kernel: gv/rnn, kernel/gemm_nn
	Hidden int    `json:"hidden"` // of the curves net: its widest hidden layer
	Batch  int    `json:"batch"`  // sequences or cases
	// Length is the number of time-steps. A kernel's result has batch × length rows.
	Length  int    `json:"length"`
	DType   string `json:"dtype"`
	Threads int    `json:"threads"`
	Device  string `json:"device,omitempty"` // what computed, where it was not the processor

	Seconds   float64 `json:"seconds"`    // wall clock, mean
	SecondsSD float64 `json:"seconds_sd"` // its standard deviation between samples
	// CPUSeconds is the processor time of all threads, the median of the samples.
	CPUSeconds float64 `json:"cpu_seconds"`
	// GFLOPS is 1e-9 times the floating point operations of the matrix products (ProductFlops and others count them; 0 for
	// tanh and logistic), divided by CPUSeconds on one thread, and by the median of the wall clock on more and on a device.
	GFLOPS float64 `json:"gflops"`
	// PeakGFLOPS is the arithmetic peak of one core in the row's type, measured between the samples, by its processor time; 0 where a
	// device computes, and so is SGEMMGFLOPS.
	PeakGFLOPS float64 `json:"peak_gflops"`
	// SGEMMGFLOPS is the rate of our general product, one thread, processor time, at the shapes of the row: of an RNN
	// [batch × hidden]·[hidden × hidden]ᵀ; of the curves net [batch × in]·[out × in]ᵀ of all layers together; of a kernel the
	// untransposed product of its size.
	SGEMMGFLOPS float64 `json:"sgemm_gflops"`

	Samples []float64 `json:"samples"` // seconds on the wall clock, in the order they were taken

	NanosecondsPerElement float64 `json:"ns_per_element,omitempty"` // tanh and logistic, with the copy of their inputs; processor time
	// OutsideShare is the share of an HF iteration's processor time that is in neither ∇f, f, linearization nor products.
	OutsideShare *float64 `json:"outside_share,omitempty"`
	// PaddingShare is the share of a net's rows that are no time-step of a sequence.
	PaddingShare *float64 `json:"padding_share,omitempty"`
	Products     int      `json:"products,omitempty"` // of an HF iteration
	Losses       int      `json:"losses,omitempty"`   // evaluations of f, likewise

	Baseline *Comparison `json:"baseline,omitempty"`
}

// key identifies a row.
func (r Row) key() [7]any {
	return [7]any{r.Name, r.Hidden, r.Batch, r.Length, r.DType, r.Threads, r.Device}
}

// time returns the seconds that rows are judged by: processor time on one thread, which other processes disturb less, and the
// median of the wall clock on more, and on a device.
func (r Row) time() float64 {
	if r.Device == "" && r.Threads == 1 || len(r.Samples) == 0 {
		return r.CPUSeconds
	}
	return Median(r.Samples)
}

// measured fills in what was measured of the work.
func (r *Row) measured(work timing) {
	r.Samples = work.wall
	r.Seconds, r.SecondsSD = mean(work.wall)
	r.CPUSeconds = Median(work.cpu)
	r.GFLOPS = 1e-9 * work.flops / r.time()
}

// A timing is a candidate that was timed, with the floating point operations of a call.
type timing struct {
	*candidate
	flops float64
}
