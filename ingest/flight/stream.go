package flight

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/flight"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"curvestream/ingest"
)

// A stream that is lost is asked for again up to attempts times in all. The pauses double.
const (
	attempts   = 6
	firstPause = 200 * time.Millisecond
)

// A lost stream is one that may well come if it is asked for again.
type lost struct{ cause error }

// Error implements error.
func (l *lost) Error() string { return l.cause.Error() }

// Unwrap returns what the connection said.
func (l *lost) Unwrap() error { return l.cause }

// each calls take with every batch of an endpoint, checked, without dictionaries and valid until take returns. Before an attempt it calls
// again, which forgets what the one before gave: Flight cannot go on in the middle.
func (s *source) each(ctx context.Context, u ingest.Unit, ticket *flight.Ticket, again func(), take func(arrow.Record) error) error {
	pause := s.pause
	for attempt := 1; ; attempt++ {
		again()
		err := s.once(ctx, u, ticket, take)
		l, isLost := errors.AsType[*lost](err)
		switch {
		case !isLost:
			return err
		case attempt == attempts:
			return s.failed(ctx, fmt.Sprintf("endpoint %d was lost in %d attempts", u.RowGroup, attempts), l.cause)
		}
		select {
		case <-time.After(pause/2 + rand.N(pause)): // spread, so that readers that lost a server together do not come again together
		case <-ctx.Done():
			return s.failed(ctx, "", ctx.Err())
		}
		pause *= 2
	}
}

// once is each, once; the error is a *lost where asking again may help.
func (s *source) once(ctx context.Context, u ingest.Unit, ticket *flight.Ticket, take func(arrow.Record) error) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the stream where it is left
	defer func() { // the library decodes bytes that are not ours
		if r := recover(); r != nil {
			err = fault(s.name, "data.malformed", "check the server", fmt.Sprintf("sends what cannot be decoded: %v", r), nil)
		}
	}()
	stream, err := s.client.DoGet(ctx, ticket)
	if err != nil {
		return s.broken(ctx, fmt.Sprintf("endpoint %d cannot be read", u.RowGroup), err)
	}
	r, err := flight.NewRecordReader(stream)
	if err != nil {
		return s.broken(ctx, fmt.Sprintf("endpoint %d cannot be read", u.RowGroup), err)
	}
	defer r.Release()
	if err := s.sameSchema(r.Schema(), u); err != nil {
		return err
	}
	for r.Next() {
		if err := s.give(u, r.Record(), take); err != nil {
			return err
		}
	}
	if err := r.Err(); err != nil && !errors.Is(err, io.EOF) {
		return s.broken(ctx, fmt.Sprintf("endpoint %d broke off", u.RowGroup), err)
	}
	return nil
}

// give calls take with a batch as it is to be read.
func (s *source) give(u ingest.Unit, rec arrow.Record, take func(arrow.Record) error) error {
	plain, err := ingest.PlainRecord(u, rec, s.schema, s.memory)
	if err != nil {
		return err
	}
	defer plain.Release()
	return take(plain)
}

// broken is the error of a stream: a *lost one where the connection, and not the server, ended it.
func (s *source) broken(ctx context.Context, what string, err error) error {
	if context.Cause(ctx) == nil {
		switch status.Code(err) {
		case codes.Unavailable, codes.Aborted, codes.Internal:
			return &lost{err}
		}
	}
	return s.failed(ctx, what, err)
}
