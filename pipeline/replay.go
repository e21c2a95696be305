package pipeline

import (
	"context"
	"errors"

	"curvestream/nn"
)

// replay delivers chunks that are all in memory, pinned, without the stages of a pass: of the passes of an HF iteration all but the first of each
// minibatch are such, one a product, and goroutines that only hand on what is there have to be waited for while the
// computation holds the processors. What it returns, and what an error or a panic of consume leaves, is as in deliver.
func (l *Loader[F]) replay(ctx context.Context, kept []*chunk[F], consume func(*nn.Batch[F]) error) (ledger, error) {
	var seen ledger
	complete := false
	defer func() {
		for _, k := range kept {
			l.unpin(&k.held)
		}
		if !complete {
			l.Close()
		}
	}()
	for _, k := range kept {
		if ctx.Err() != nil {
			return ledger{}, context.Cause(ctx)
		}
		l.counters.replayed.Add(1)
		seen.add(k.ids)
		l.counters.delivered(k.batch.Columns(), k.batch.Rows())
		if err := consume(k.batch); err != nil {
			complete = errors.Is(err, ErrEnough)
			return ledger{}, err
		}
	}
	complete = true
	return seen, nil
}
