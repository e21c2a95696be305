package pipeline

import (
	"errors"
	"fmt"

	"curvestream/ingest"
)

// Shuffle says in which order an epoch walks over the sequences.
type Shuffle string

// The shuffles. The zero value "" means ShuffleGlobal.
const (
	ShuffleGlobal Shuffle = "global" // a permutation of all sequences
	ShuffleBlock  Shuffle = "block"  // blocks of consecutive sequences in any order, each permuted within: reading stays local
	ShuffleNone   Shuffle = "none"   // file order
)

// CurvatureFrom says how the curvature minibatch relates to the gradient minibatch of the same step (section 12.1).
type CurvatureFrom string

// The relations. The zero value "" means CurvatureEqual where CurvatureSize is 0 or the gradient minibatch's, and
// CurvatureSubset otherwise.
const (
	CurvatureEqual    CurvatureFrom = "equal"    // the same sequences
	CurvatureSubset   CurvatureFrom = "subset"   // chosen among the gradient minibatch's, afresh at each step
	CurvatureDisjoint CurvatureFrom = "disjoint" // none of the gradient minibatch's
)

// PlanOptions say how sequences are dealt to minibatches, and minibatches to chunks. Sizes count sequences.
type PlanOptions struct {
	Seed          uint64
	GradientSize  int // 0 means all of them at every step, in file order
	CurvatureSize int // 0 means the gradient minibatch's
	CurvatureFrom CurvatureFrom
	HeldOutSize   int // sequences that neither gradient nor curvature minibatch has; 0 means that the role's minibatch is empty
	Shuffle       Shuffle
	BlockSize     int // of ShuffleBlock; 0 means 4096
	// ChunkSequences and ChunkSteps bound what is computed at once (the report's computational minibatches, section 7.1): the
	// sequences of a chunk and the time-steps of all of them together. A sequence longer than ChunkSteps is a chunk of its
	// own. Zero means 1000 and 262144.
	ChunkSequences int
	ChunkSteps     int
}

// withDefaults returns o with each zero field set to what it means.
func (o PlanOptions) withDefaults() PlanOptions {
	setDefault(&o.Shuffle, ShuffleGlobal)
	setDefault(&o.BlockSize, 4096)
	setDefault(&o.ChunkSequences, 1000)
	setDefault(&o.ChunkSteps, 1<<18)
	if o.CurvatureFrom == "" {
		o.CurvatureFrom = CurvatureSubset
		if o.CurvatureSize == 0 || o.CurvatureSize == o.GradientSize {
			o.CurvatureFrom = CurvatureEqual
		}
	}
	return o
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// validate returns everything that is wrong with o, defaults applied, for n sequences; n is ingest.Endless for a source without
// end.
func (o PlanOptions) validate(n int) error {
	var problems []error
	wrong := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf("pipeline: "+format, args...))
	}

	if min(o.GradientSize, o.CurvatureSize, o.HeldOutSize, o.BlockSize, o.ChunkSequences, o.ChunkSteps) < 0 {
		wrong("sizes of minibatches, blocks and chunks must not be negative")
		return errors.Join(problems...)
	}
	switch o.Shuffle {
	case ShuffleGlobal, ShuffleBlock, ShuffleNone:
	default:
		wrong("unknown shuffle %q: use global, block or none", string(o.Shuffle))
	}
	gradient := o.GradientSize
	switch {
	case n == ingest.Endless && gradient == 0:
		wrong("the source has no end, so a gradient minibatch cannot be all of it: give the gradient minibatch a size")
		return errors.Join(problems...)
	case n != ingest.Endless && gradient > n:
		wrong("a gradient minibatch of %d sequences is more than the %d that there are: give at most %d, or 0 for all", gradient, n, n)
	case n != ingest.Endless && gradient == 0:
		gradient = n
	}
	problems = append(problems, o.validateCurvature(n, gradient)...)
	used := gradient
	if o.CurvatureFrom == CurvatureDisjoint {
		used += o.curvatureSize(gradient)
	}
	if n != ingest.Endless && o.HeldOutSize > max(0, n-used) {
		wrong("a held-out minibatch of %d sequences cannot be apart from the %d that gradient and curvature use, among %d: make them smaller", o.HeldOutSize, used, n)
	}
	return errors.Join(problems...)
}

func (o PlanOptions) validateCurvature(n, gradient int) (problems []error) {
	wrong := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf("pipeline: "+format, args...))
	}
	curvature := o.curvatureSize(gradient)
	switch o.CurvatureFrom {
	case CurvatureEqual:
		if curvature != gradient {
			wrong("a curvature minibatch of %d sequences cannot equal a gradient minibatch of %d: leave its size at 0, or take it from a subset", curvature, gradient)
		}
	case CurvatureSubset:
		if curvature > gradient {
			wrong("a curvature minibatch of %d sequences cannot be a subset of a gradient minibatch of %d", curvature, gradient)
		}
	case CurvatureDisjoint:
		if n != ingest.Endless && gradient+curvature > n {
			wrong("a gradient minibatch of %d and a curvature minibatch of %d sequences cannot be disjoint among %d: make them smaller, or take the curvature minibatch from a subset", gradient, curvature, n)
		}
	default:
		wrong("the curvature minibatch cannot be taken from %q: use equal, subset or disjoint", string(o.CurvatureFrom))
	}
	return problems
}

// curvatureSize returns the number of sequences of a curvature minibatch beside a gradient minibatch of the given size.
func (o PlanOptions) curvatureSize(gradient int) int {
	if o.CurvatureSize == 0 {
		return gradient
	}
	return o.CurvatureSize
}
