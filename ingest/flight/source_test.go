package flight

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/flight"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"go.uber.org/goleak"

	"curvestream/ingest"
	"curvestream/internal/shared"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A server is arrow's own, over a file: each row group is an endpoint, sent in batches of 20 rows.
type server struct {
	flight.BaseFlightServer
	src  ingest.Source
	drop atomic.Int64 // so many batches are left out of every stream
	host string       // of the endpoints' locations
}

func (s *server) GetFlightInfo(_ context.Context, d *flight.FlightDescriptor) (*flight.FlightInfo, error) {
	if strings.Join(d.Path, "/") != "data/jsb" {
		return nil, errors.New("no such flight")
	}
	info := &flight.FlightInfo{}
	for i := range s.src.Len() {
		e := &flight.FlightEndpoint{Ticket: &flight.Ticket{Ticket: fmt.Append(nil, i)}}
		if s.host != "" {
			e.Location = []*flight.Location{{Uri: s.host}}
		}
		info.Endpoint = append(info.Endpoint, e)
	}
	return info, nil
}

func (s *server) DoGet(t *flight.Ticket, stream flight.FlightService_DoGetServer) error {
	var i int
	fmt.Sscan(string(t.Ticket), &i)
	columns := make([]int, s.src.Schema().NumFields())
	for c := range columns {
		columns[c] = c
	}
	rec, err := s.src.Read(stream.Context(), i, columns)
	if err != nil {
		return err
	}
	defer rec.Release()
	w := flight.NewRecordWriter(stream, ipc.WithSchema(rec.Schema()))
	defer w.Close()
	for lo := s.drop.Load() * 20; lo < rec.NumRows(); lo += 20 {
		part := rec.NewSlice(lo, min(lo+20, rec.NumRows()))
		err := w.Write(part)
		part.Release()
		if err != nil {
			return err
		}
	}
	return nil
}

// start serves a file in row groups of 50.
func start(t *testing.T) (*server, string) {
	t.Helper()
	whole, err := ingest.Open(t.Context(), []string{shared.Dir(t, "data", "jsb_chorales_train.parquet")}, ingest.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer whole.Close()
	path := filepath.Join(t.TempDir(), "x.arrow")
	if _, err := ingest.Convert(t.Context(), whole, path, ingest.WriteOptions{RowGroupRows: 50}); err != nil {
		t.Fatal(err)
	}
	src, err := ingest.Open(t.Context(), []string{path}, ingest.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	f := &server{src: src}
	s := flight.NewServerWithMiddleware(nil)
	if err := s.Init("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	s.RegisterFlightService(f)
	done := make(chan error, 1) // so that the server's goroutine ends whoever waits
	go func() { done <- s.Serve() }()
	t.Cleanup(func() {
		s.Shutdown()
		if err := errors.Join(<-done, src.Close()); err != nil {
			t.Error(err)
		}
	})
	return f, "grpc://" + s.Addr().String() + "/data/jsb"
}

// A flight has the units and the content of what the server reads, as often as it is asked and whatever columns.
func TestFlight(t *testing.T) {
	f, name := start(t)
	src, err := Open(t.Context(), name, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	if src.Len() != f.src.Len() || src.Len() < 2 {
		t.Fatalf("%d units, want %d", src.Len(), f.src.Len())
	}
	for _, columns := range [][]int{{0, 1}, {1}, {1, 0, 1}} {
		for i := range src.Len() {
			got, err := src.Read(t.Context(), i, columns)
			if err != nil {
				t.Fatal(err)
			}
			want, err := f.src.Read(t.Context(), i, columns)
			if err != nil {
				t.Fatal(err)
			}
			if !array.RecordEqual(got, want) || src.Unit(i).Rows != want.NumRows() || src.Unit(i).FirstRow != f.src.Unit(i).FirstRow {
				t.Errorf("unit %d differs", i)
			}
			if held := ingest.RecordBytes(got); held > src.Unit(i).Bytes {
				t.Errorf("unit %d takes %d bytes, told %d", i, held, src.Unit(i).Bytes)
			}
			got.Release()
			want.Release()
		}
	}
	if _, err := ingest.Validate(t.Context(), src, ingest.RoleOptions{Form: "next"}, nil, 1); err != nil {
		t.Error(err)
	}
}

// What a server does wrong is one error that names the flight and the fix.
func TestFlightRefused(t *testing.T) {
	f, name := start(t)
	src, err := Open(t.Context(), name, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	f.drop.Store(1)
	_, changed := src.Read(t.Context(), 0, []int{0})
	f.drop.Store(0)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := src.Read(ctx, 0, []int{0}); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled read: %v", err)
	}
	open := func(name string, memory int64) error {
		s, err := Open(t.Context(), name, memory)
		if err == nil {
			s.Close()
		}
		return err
	}
	other := strings.Replace(name, "data/jsb", "data/none", 1)
	f.host = "grpc://elsewhere:1"
	elsewhere := open(name, 1<<20)
	f.host = ""
	for _, c := range []struct {
		err  error
		want string
	}{
		{changed, "endpoint 0 had 50 rows when it was opened, now 30"},
		{elsewhere, "sends to another server, grpc://elsewhere:1"},
		{open(other, 1<<20), "gives no information about this flight"},
		{open(name, 100), "send smaller batches or raise --memory"},
		{open("grpc://host/x", 1<<20), "write grpc://host:port/PATH"},
		{open("grpc://host:1", 1<<20), "write grpc://host:port/PATH"},
	} {
		if e, ok := errors.AsType[*ingest.Error](c.err); !ok || !strings.Contains(c.err.Error(), c.want) || !strings.Contains(e.File, "grpc://") || e.Hint == "" {
			t.Errorf("%v, want %s", c.err, c.want)
		}
	}
}

// Columns of types that are not read are refused by name; dictionaries are read as their values.
func TestSchemas(t *testing.T) {
	for _, c := range []struct {
		sent, read arrow.DataType
	}{
		{dictionary, arrow.BinaryTypes.String},
		{arrow.ListOf(dictionary), arrow.ListOf(arrow.BinaryTypes.String)},
		{arrow.PrimitiveTypes.Float32, arrow.PrimitiveTypes.Float32},
		{arrow.StructOf(arrow.Field{Name: "a", Type: dictionary}), nil},
		{&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.StructOf()}, nil},
	} {
		got, err := ingest.PlainSchema("grpc://x", arrow.NewSchema([]arrow.Field{{Name: "word", Type: c.sent}}, nil))
		if c.read == nil {
			if err == nil || !strings.Contains(err.Error(), `"word"`) {
				t.Errorf("%s: %v", c.sent, err)
			}
		} else if err != nil || !arrow.TypeEqual(got.Field(0).Type, c.read) {
			t.Errorf("%s is read as %v, %v", c.sent, got, err)
		}
	}
}
