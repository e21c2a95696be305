package pipeline

import (
	"context"
	"errors"

	"curvestream/ingest"
	"curvestream/nn"
)

// A WrittenCopy says what a working copy holds.
type WrittenCopy struct {
	Path      string `json:"path"` // its directory
	Made      bool   `json:"made"` // else it was there
	Sequences int    `json:"sequences"`
	Units     int    `json:"units"` // record batches
	Bytes     int64  `json:"bytes"` // of its data file
}

// WriteCopy makes the working copy that a Loader with the same options makes in its first passes, or finds it. What is written has been
// delivered once, as [Loader.Each] proves, and is compared with its digests before WriteCopy returns; after an error, nothing is left.
func WriteCopy(ctx context.Context, src ingest.Source, m *Manifest, enc *ingest.Encoding, o LoaderOptions) (done WrittenCopy, err error) {
	if o.Copy.Dir == "" || m.endless {
		return done, errors.New("pipeline: a working copy needs a directory, and data that end")
	}
	plan, err := NewPlan(m, PlanOptions{})
	if err != nil {
		return done, err
	}
	l, err := NewLoader[float32](src, m, enc, o)
	if err != nil {
		return done, err
	}
	defer l.Close()
	if err := l.useCopy(ctx); err != nil {
		return done, err
	}
	if done.Made = !l.copy.used; done.Made {
		if err := l.Each(ctx, plan.Everything(), func(*nn.Batch[float32]) error { return nil }); err != nil {
			return done, err
		}
		if err := l.useCopy(ctx); err != nil {
			return done, err
		}
		if !l.copy.used {
			return done, errors.New("pipeline: the working copy is not complete although all sequences were delivered: this is a bug")
		}
	}
	done.Path, done.Sequences, done.Units = l.copy.path, m.Len(), l.src.Len()
	for _, f := range l.src.Fingerprint() {
		done.Bytes += f.Size
	}
	return done, nil
}
