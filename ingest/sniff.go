package ingest

import (
	"bytes"
	"encoding/binary"
	"io"
)

// The formats of files.
const (
	formatUnknown     = ""
	formatParquet     = "parquet"
	formatArrowFile   = "arrow-file"
	formatArrowStream = "arrow-stream"
)

// sniff tells what a file of size bytes is from its first bytes.
func sniff(r io.ReaderAt, size int64) string {
	head := make([]byte, 8)
	n, _ := r.ReadAt(head, 0) // a file that cannot be read is unknown here, and opening it says why
	head = head[:n]
	switch {
	case bytes.HasPrefix(head, []byte("PAR1")), bytes.HasPrefix(head, []byte("PARE")):
		return formatParquet
	case bytes.HasPrefix(head, []byte("ARROW1")):
		return formatArrowFile
	case n < 8:
		return formatUnknown
	}
	// The first message of a stream is its schema: a continuation marker and a length, or, in files from before Arrow 0.15, the
	// length alone.
	first := binary.LittleEndian.Uint32(head)
	if first == continuation {
		return formatArrowStream
	}
	length := int64(int32(first))
	if length <= 0 || length > size-4 {
		return formatUnknown
	}
	meta := make([]byte, length)
	if _, err := r.ReadAt(meta, 4); err != nil {
		return formatUnknown
	}
	if kind, err := messageKind(meta); err != nil || kind != messageSchema {
		return formatUnknown
	}
	return formatArrowStream
}

// foreign are formats that people may take for data of ours, by their first bytes, and how to convert them.
var foreign = []struct{ magic, name, hint string }{
	{"FEA1", "a Feather file of version 1", "write it again as Arrow IPC (Feather version 2) or Parquet"},
	{"\x1f\x8b", "a gzip file", "unpack it; Parquet and Arrow compress inside the file"},
	{"\x28\xb5\x2f\xfd", "a zstd file", "unpack it; Parquet and Arrow compress inside the file"},
	{"\x04\x22\x4d\x18", "an lz4 file", "unpack it; Parquet and Arrow compress inside the file"},
	{"PK\x03\x04", "a zip file", "unpack it"},
	{"ORC", "an ORC file", "convert it to Parquet"},
	{"Obj\x01", "an Avro file", "convert it to Parquet"},
	{"\x89HDF", "an HDF5 file", "convert it to Parquet"},
	{"{", "JSON, it seems", "convert it, such as COPY (FROM 'x.json') TO 'x.parquet' (FORMAT parquet, CODEC zstd) in DuckDB"},
	{"[", "JSON, it seems", "convert it, such as COPY (FROM 'x.json') TO 'x.parquet' (FORMAT parquet, CODEC zstd) in DuckDB"},
}

// unknownFormat says what a file is that is not data of ours, as far as its first bytes tell.
func unknownFormat(in *bytesAt, f *file) error {
	head := make([]byte, min(f.size, 256))
	if _, err := in.ReadAt(head, 0); err != nil {
		return openFault(f.name, err)
	}
	for _, k := range foreign {
		if bytes.HasPrefix(head, []byte(k.magic)) {
			return fault(codeFormat, f.name, k.hint, "is %s, not Parquet, an Arrow IPC file or an Arrow IPC stream", k.name)
		}
	}
	if isText(head) {
		return fault(codeFormat, f.name, "convert it, such as COPY (FROM 'x.csv') TO 'x.parquet' (FORMAT parquet, CODEC zstd) in DuckDB; or, where its characters are the data, by curvestream data text",
			"is text (CSV?), not Parquet, an Arrow IPC file or an Arrow IPC stream")
	}
	return fault(codeFormat, f.name, "name a Parquet or Arrow file", "is not Parquet, an Arrow IPC file or an Arrow IPC stream (it begins with % x)", head[:min(8, len(head))])
}

func isText(head []byte) bool {
	for _, c := range head {
		if c < ' ' && c != '\n' && c != '\r' && c != '\t' {
			return false
		}
	}
	return true
}
