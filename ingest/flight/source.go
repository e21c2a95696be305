// Package flight reads data from Arrow Flight servers: grpc://host:port/PATH, or grpc+tls:// for encrypted connections.
//
// The endpoints of the flight are the units. Flight says neither how many rows an endpoint has nor that a ticket gives the same twice, so
// opening reads every endpoint once and counts; each later read of its ticket must have as many rows of the same columns. A server must
// therefore redeem a ticket as often as it is asked to, and an endpoint must fit into memory. A stream that is lost is asked for again from
// its endpoint's begin, several times, with growing pauses. Dictionaries are read as the values that they stand for.
package flight

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/flight"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/zeebo/xxh3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"curvestream/ingest"
)

// Is reports whether a name is that of a flight.
func Is(name string) bool {
	return strings.HasPrefix(name, "grpc://") || strings.HasPrefix(name, "grpc+tls://")
}

// source is an opened flight. It is safe for concurrent use.
type source struct {
	name    string
	client  flight.Client
	memory  int64         // of a message, and of the values in it
	pause   time.Duration // before a lost stream is asked for again, the first time
	sent    *arrow.Schema // the columns as the server sends them
	schema  *arrow.Schema // and without dictionaries
	tickets []*flight.Ticket
	units   []ingest.Unit
	sum     string
}

var _ ingest.Source = (*source)(nil)

// Open opens a flight. memory bounds a message, in bytes. Errors about data are of type *ingest.Error.
func Open(ctx context.Context, name string, memory int64) (ingest.Source, error) {
	u, err := url.Parse(name)
	if err != nil || u.Port() == "" || strings.Trim(u.Path, "/") == "" || u.User != nil || u.RawQuery != "" {
		return nil, fault(name, "data.not_found", "write grpc://host:port/PATH", "is not the address of a flight", nil)
	}
	security := insecure.NewCredentials()
	if u.Scheme == "grpc+tls" {
		security = credentials.NewTLS(nil)
	}
	client, err := flight.NewClientWithMiddlewareCtx(ctx, u.Host, nil, nil, grpc.WithTransportCredentials(security),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(int(min(memory, 1<<31-1)))))
	if err != nil {
		return nil, fault(name, "data.unreadable", "check host and port", "cannot be reached", err)
	}
	s := &source{name: name, client: client, memory: memory, pause: firstPause}
	if err := s.open(ctx, u); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *source) open(ctx context.Context, u *url.URL) error {
	info, err := s.client.GetFlightInfo(ctx, &flight.FlightDescriptor{Type: flight.DescriptorPATH, Path: strings.Split(strings.Trim(u.Path, "/"), "/")})
	if err != nil {
		return s.failed(ctx, "gives no information about this flight", err)
	}
	for _, e := range info.Endpoint {
		for _, l := range e.Location {
			if at, err := url.Parse(l.Uri); err != nil || at.Host != u.Host && at.Scheme != "arrow-flight-reuse-connection" {
				return fault(s.name, "data.unsupported", "name that server instead", fmt.Sprintf("sends to another server, %s", l.Uri), nil)
			}
		}
		if err := s.count(ctx, e.Ticket); err != nil {
			return err
		}
	}
	if len(s.units) == 0 {
		return fault(s.name, "data.empty", "name a flight that holds data", "no rows in this flight", nil)
	}
	return nil
}

// count reads an endpoint once, and makes a unit of it.
func (s *source) count(ctx context.Context, ticket *flight.Ticket) error {
	u := ingest.Unit{File: s.name, RowGroup: len(s.units)}
	if last := len(s.units) - 1; last >= 0 {
		u.FirstRow = s.units[last].FirstRow + s.units[last].Rows
	}
	var counted ingest.Unit
	var largest int64
	var h *xxh3.Hasher128
	again := func() {
		counted, largest, h = u, 0, xxh3.New128()
		h.WriteString(s.sum)
	}
	err := s.each(ctx, u, ticket, again, func(rec arrow.Record) error {
		n := ingest.RecordBytes(rec)
		counted.Rows += rec.NumRows()
		counted.Bytes, largest = counted.Bytes+n, max(largest, n)
		fmt.Fprint(h, rec.NumRows(), rec.Schema())
		return nil
	})
	if err != nil || counted.Rows == 0 {
		return err
	}
	counted.Bytes = 2*counted.Bytes + 2*largest // parts, the whole, and a message, as sent and plain
	sum := h.Sum128().Bytes()
	s.sum = hex.EncodeToString(sum[:])
	s.units, s.tickets = append(s.units, counted), append(s.tickets, ticket)
	return nil
}

// sameSchema takes over the first endpoint's columns and refuses others in the rest.
func (s *source) sameSchema(schema *arrow.Schema, u ingest.Unit) (err error) {
	if s.schema == nil {
		if s.schema, err = ingest.PlainSchema(s.name, schema); err != nil {
			return err
		}
		s.sent = schema
	}
	if !s.sent.Equal(schema) {
		return fault(s.name, "data.schema_mismatch", "give all endpoints the same columns", fmt.Sprintf("endpoint %d has other columns than the first", u.RowGroup), nil)
	}
	return nil
}

// Schema implements ingest.Source.
func (s *source) Schema() *arrow.Schema { return s.schema }

// Len implements ingest.Source.
func (s *source) Len() int { return len(s.units) }

// Unit implements ingest.Source.
func (s *source) Unit(i int) ingest.Unit { return s.units[i] }

// Read implements ingest.Source: it redeems the ticket of endpoint i.
func (s *source) Read(ctx context.Context, i int, columns []int) (arrow.Record, error) {
	u := s.units[i]
	parts, rows := make([][]arrow.Array, len(columns)), int64(0)
	again := func() {
		for k, column := range parts {
			for _, a := range column {
				a.Release()
			}
			parts[k] = nil
		}
		rows = 0
	}
	defer again()
	err := s.each(ctx, u, s.tickets[i], again, func(rec arrow.Record) error {
		rows += rec.NumRows()
		for k, c := range columns {
			a := rec.Column(c)
			a.Retain()
			parts[k] = append(parts[k], a)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if rows != u.Rows {
		return nil, fault(s.name, "data.changed", "start again; the server must give the same for a ticket each time", fmt.Sprintf("endpoint %d had %d rows when it was opened, now %d", i, u.Rows, rows), nil)
	}
	fields, whole := make([]arrow.Field, len(columns)), make([]arrow.Array, len(columns))
	for k, c := range columns {
		fields[k] = s.schema.Field(c)
		if whole[k], err = array.Concatenate(parts[k], memory.DefaultAllocator); err != nil {
			return nil, fmt.Errorf("flight: joining the batches of %s: %w", s.name, err)
		}
		defer whole[k].Release()
	}
	return array.NewRecord(arrow.NewSchema(fields, nil), whole, rows), nil
}

// Fingerprint implements ingest.Source.
func (s *source) Fingerprint() []ingest.FileInfo {
	info := ingest.FileInfo{Path: s.name, Format: "flight", Footer: s.sum, Units: len(s.units)}
	for _, u := range s.units {
		info.Rows += u.Rows
	}
	return []ingest.FileInfo{info}
}

// Close implements ingest.Source.
func (s *source) Close() error { return s.client.Close() }

// failed prefers the context's end to what the connection makes of it.
func (s *source) failed(ctx context.Context, what string, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return fmt.Errorf("flight: reading %s: %w", s.name, cause)
	}
	return fault(s.name, "data.unreadable", "check the server; where a message is too large, send smaller batches or raise --memory", what, err)
}

func fault(name, code, hint, message string, err error) *ingest.Error {
	return &ingest.Error{Code: code, File: name, RowGroup: -1, Row: -1, Hint: hint, Message: message, Err: err, Missing: code == "data.not_found"}
}
