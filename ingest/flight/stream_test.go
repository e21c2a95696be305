package flight

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/flight"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"curvestream/ingest"
)

// A wordServer sends two endpoints of three batches each, with dictionaries, and loses streams where told to.
type wordServer struct {
	flight.BaseFlightServer
	lose    atomic.Int32 // so many streams after their first batch
	code    codes.Code   // of a stream that is lost
	streams atomic.Int32
}

var (
	dictionary = &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}
	wordSchema = arrow.NewSchema([]arrow.Field{
		{Name: "n", Type: arrow.PrimitiveTypes.Int32},
		{Name: "word", Type: dictionary, Nullable: true},
		{Name: "words", Type: arrow.ListOf(dictionary), Nullable: true},
	}, nil)
	vocabulary = []string{"red", "green", "blue"}
)

// words is batch k: rows 4k to 4k+3.
func words(k int) arrow.Record {
	b := array.NewRecordBuilder(memory.NewGoAllocator(), wordSchema)
	defer b.Release()
	for i := 4 * k; i < 4*k+4; i++ {
		b.Field(0).(*array.Int32Builder).Append(int32(i))
		if i%4 == 3 {
			b.Field(1).AppendNull()
			b.Field(2).AppendNull()
			continue
		}
		b.Field(1).(*array.BinaryDictionaryBuilder).AppendString(vocabulary[i%3])
		lists := b.Field(2).(*array.ListBuilder)
		lists.Append(true)
		for j := range i % 4 {
			lists.ValueBuilder().(*array.BinaryDictionaryBuilder).AppendString(vocabulary[j])
		}
	}
	return b.NewRecord()
}

func (s *wordServer) GetFlightInfo(context.Context, *flight.FlightDescriptor) (*flight.FlightInfo, error) {
	info := &flight.FlightInfo{}
	for i := range 2 {
		info.Endpoint = append(info.Endpoint, &flight.FlightEndpoint{Ticket: &flight.Ticket{Ticket: fmt.Append(nil, i)}})
	}
	return info, nil
}

func (s *wordServer) DoGet(t *flight.Ticket, stream flight.FlightService_DoGetServer) error {
	var endpoint int
	fmt.Sscan(string(t.Ticket), &endpoint)
	s.streams.Add(1)
	w := flight.NewRecordWriter(stream, ipc.WithSchema(wordSchema))
	defer w.Close()
	for k := range 3 {
		rec := words(3*endpoint + k)
		err := w.Write(rec)
		rec.Release()
		if err != nil {
			return err
		}
		if k == 0 && s.lose.Add(-1) >= 0 {
			return status.Error(s.code, "the machine goes down")
		}
	}
	return nil
}

func startWords(t *testing.T) (*wordServer, *source) {
	t.Helper()
	f, s := &wordServer{code: codes.Unavailable}, flight.NewServerWithMiddleware(nil)
	if err := s.Init("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	s.RegisterFlightService(f)
	done := make(chan error, 1) // so that the server's goroutine ends whoever waits
	go func() { done <- s.Serve() }()
	t.Cleanup(func() {
		s.Shutdown()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	src, err := Open(t.Context(), "grpc://"+s.Addr().String()+"/words", 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { src.Close() })
	flown := src.(*source)
	flown.pause = time.Millisecond
	return f, flown
}

// checkWords reads unit i and compares it with what was sent.
func checkWords(t *testing.T, src ingest.Source, i int) {
	t.Helper()
	got, err := src.Read(t.Context(), i, []int{0, 1, 2})
	if err != nil {
		t.Fatal(err)
	}
	defer got.Release()
	if got.NumRows() != 12 || got.Column(1).DataType().ID() != arrow.STRING {
		t.Fatalf("unit %d has %d rows, words of type %s", i, got.NumRows(), got.Column(1).DataType())
	}
	for row := range 12 {
		n := 12*i + row
		word, list := vocabulary[n%3], fmt.Sprintf(`["%s"]`, strings.Join(vocabulary[:n%4%4], `","`))
		switch n % 4 {
		case 3:
			word, list = array.NullValueStr, array.NullValueStr
		case 0:
			list = "[]"
		}
		if g := got.Column(0).ValueStr(row) + " " + got.Column(1).ValueStr(row) + " " + got.Column(2).ValueStr(row); g != fmt.Sprint(n, " ", word, " ", list) {
			t.Errorf("row %d is %s, want %d %s %s", n, g, n, word, list)
		}
	}
}

// Dictionaries, in lists too, are read as their values.
func TestFlightDictionaries(t *testing.T) {
	_, src := startWords(t)
	for i := range src.Len() {
		checkWords(t, src, i)
	}
}

// A stream that is lost is asked for again, and nothing of it counts twice; one that is lost for good is one error.
func TestFlightLostStreams(t *testing.T) {
	f, src := startWords(t)
	for _, lose := range []int32{1, attempts - 1} {
		f.streams.Store(0)
		f.lose.Store(lose)
		checkWords(t, src, 1)
		if n := f.streams.Load(); n != lose+1 {
			t.Errorf("%d streams for %d that were lost", n, lose)
		}
	}
	f.lose.Store(100)
	for _, c := range []struct {
		code    codes.Code
		want    string
		streams int32
	}{{codes.Unavailable, "endpoint 1 was lost in 6 attempts", attempts}, {codes.PermissionDenied, "endpoint 1 broke off", 1}} {
		f.code = c.code
		f.streams.Store(0)
		_, err := src.Read(t.Context(), 1, []int{0})
		if e, ok := errors.AsType[*ingest.Error](err); !ok || !strings.Contains(err.Error(), c.want) || e.Hint == "" || f.streams.Load() != c.streams {
			t.Errorf("%v after %d streams, want %s after %d", err, f.streams.Load(), c.want, c.streams)
		}
	}
	src.pause, f.code = time.Hour, codes.Unavailable
	ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, errors.New("enough"))
	defer cancel()
	if _, err := src.Read(ctx, 1, []int{0}); err == nil || !strings.Contains(err.Error(), "enough") {
		t.Errorf("%v while waiting to ask again", err)
	}
}
