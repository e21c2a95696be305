package ingest

import (
	"io"
	"maps"
	"slices"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/apache/arrow/go/v15/parquet/compress"
)

// A codec is a compression, as the formats' writers want to be told.
type codec struct {
	parquet compress.Compression
	arrow   []ipc.Option
}

// compressions are the compressions of each format, by name; "" is the default.
var compressions = map[string]map[string]*codec{
	WriteParquet: {
		"":       {parquet: compress.Codecs.Zstd},
		"zstd":   {parquet: compress.Codecs.Zstd},
		"snappy": {parquet: compress.Codecs.Snappy},
		"gzip":   {parquet: compress.Codecs.Gzip},
		"none":   {parquet: compress.Codecs.Uncompressed},
	},
	WriteArrow: {
		"":     {arrow: []ipc.Option{ipc.WithLZ4()}},
		"lz4":  {arrow: []ipc.Option{ipc.WithLZ4()}},
		"zstd": {arrow: []ipc.Option{ipc.WithZstd()}},
		"none": {},
	},
	WriteJSONL: {"": {}, "none": {}},
}

func codecNames(codecs map[string]*codec) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(codecs)), func(s string) bool { return s == "" })
}

// An ipcEncoder writes an Arrow IPC file or stream.
type ipcEncoder struct {
	w interface {
		Write(arrow.Record) error
		Close() error
	}
}

func newArrowEncoder(out output, o WriteOptions) (encoder, error) {
	w, err := ipc.NewFileWriter(out.(io.WriteSeeker), arrowOptions(o)...)
	if err != nil {
		return nil, err
	}
	return &ipcEncoder{w}, nil
}

func newStreamEncoder(out output, o WriteOptions) (encoder, error) {
	return &ipcEncoder{ipc.NewWriter(out, arrowOptions(o)...)}, nil
}

func arrowOptions(o WriteOptions) []ipc.Option {
	return append([]ipc.Option{ipc.WithSchema(o.Schema), ipc.WithAllocator(memory.NewGoAllocator())}, compressions[WriteArrow][o.Compression].arrow...)
}

func (e *ipcEncoder) write(r arrow.Record) error { return e.w.Write(r) }
func (e *ipcEncoder) close() error               { return e.w.Close() }
