package pipeline

import (
	"fmt"

	"curvestream/ingest"
)

// A ledger counts delivered sequences, and sums the hashes of their identifiers: both independent of order.
type ledger struct {
	count int
	sum   Hash
}

func (l *ledger) add(o ledger) {
	l.count += o.count
	l.sum = l.sum.Plus(o.sum)
}

// A DeliveryError says that what was delivered is not what the manifest lists: the files have changed since they were
// scanned, or there is a bug.
type DeliveryError struct {
	What      string // which minibatch or epoch
	Delivered int    // sequences
	Planned   int
}

// Error gives both counts.
func (e *DeliveryError) Error() string {
	return fmt.Sprintf("pipeline: %s: %d sequences were planned and %d delivered, or their identifiers differ: the data changed since it was scanned; start again to scan it afresh",
		e.What, e.Planned, e.Delivered)
}

// check compares what a pass delivered with what the minibatch lists. The identifiers of a source without end are not
// known before; there, only the number is compared.
func (l ledger) check(m *Manifest, mb Minibatch) error {
	want := ledger{count: len(mb.Sequences)}
	switch {
	case m.endless:
		want.sum = l.sum
	case mb.all:
		want = ledger{m.Len(), m.total}
	default:
		for _, i := range mb.Sequences {
			want.sum = want.sum.Plus(m.hash[i])
		}
	}
	if l != want {
		return &DeliveryError{What: fmt.Sprintf("%s minibatch of step %d", mb.Role, mb.Step), Delivered: l.count, Planned: want.count}
	}
	return nil
}

// An epochLedger adds up the gradient minibatches of an epoch, each once however often it is replayed.
type epochLedger struct {
	ledger
	epoch   int
	size    int // of the epoch's minibatches: a plan of another size deals an epoch out anew
	next    int // minibatch of the epoch that is awaited; 0 before the first
	started bool
}

// add takes notice of a pass. It reports true when an epoch is complete and every sequence of the manifest was delivered
// once in it, and an error where that is not so. An epoch that a run entered in the middle proves nothing.
func (e *epochLedger) add(m *Manifest, mb Minibatch, l ledger) (proven bool, err error) {
	if mb.Role != Gradient || m.Len() == ingest.Endless {
		return false, nil
	}
	if mb.place == 0 && (!e.started || e.epoch != mb.Epoch || e.size != mb.size) {
		*e = epochLedger{epoch: mb.Epoch, size: mb.size, started: true}
	}
	if !e.started || e.epoch != mb.Epoch || e.size != mb.size || e.next != mb.place {
		return false, nil
	}
	e.ledger.add(l)
	if e.next++; e.next < mb.places {
		return false, nil
	}
	if e.ledger != (ledger{m.Len(), m.total}) {
		return false, &DeliveryError{What: fmt.Sprintf("epoch %d", mb.Epoch), Delivered: e.count, Planned: m.Len()}
	}
	return true, nil
}
