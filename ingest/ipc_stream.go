package ingest

import (
	"errors"
	"fmt"
	"io"
	"maps"

	"github.com/zeebo/xxh3"
)

// openArrowStream walks over the messages of an Arrow IPC stream and notes where they are, so that batches can be read at
// random. A stream that stops at the border of a message looks complete but for its end-of-stream marker; so one without is
// refused.
func openArrowStream(in *bytesAt, f *file) (*opened, error) {
	x := &ipcFile{name: f.name}
	if err := x.readSchema(in, 0); err != nil {
		return nil, err
	}
	prefix, length, err := frame(in, 0)
	if err != nil {
		return nil, err
	}
	pos := prefix + length
	current := make(dictionaries)
	for {
		prefix, length, err := frame(in, pos)
		if err != nil {
			return nil, x.cut(err, pos)
		}
		if length == 0 {
			pos += prefix
			break
		}
		m, err := messageAt(in, pos+prefix, length, 0)
		if err != nil {
			return nil, x.cut(err, pos)
		}
		switch m.kind {
		case messageDictionary:
			current = maps.Clone(current)
			if err := current.add(in, m, true); err != nil {
				return nil, x.malformed(len(x.batches), "%v", err)
			}
		case messageBatch:
			x.batches = append(x.batches, ipcBatch{m, current})
		default:
			return nil, x.malformed(len(x.batches), "a message of kind %d at byte %d", m.kind, pos)
		}
		pos = m.bodyAt + m.bodyLen
	}
	if pos != in.size {
		return nil, x.malformed(-1, "%d bytes after the end of the stream; two streams in one file cannot be read", in.size-pos)
	}
	sum, err := wholeSum(in)
	if err != nil {
		return nil, err
	}
	return x.open(in, formatArrowStream, sum)
}

// cut says that the stream ends before its end.
func (x *ipcFile) cut(err error, pos int64) error {
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	return fault(codeTruncated, x.name, "the sender stopped early: send it again, and let the writer close the stream",
		"the Arrow stream is cut short: after %d record batches, at byte %d, there is neither a whole message nor the end-of-stream marker", len(x.batches), pos)
}

// wholeSum returns the digest of all bytes.
func wholeSum(in *bytesAt) (string, error) {
	h := xxh3.New()
	if _, err := io.Copy(h, io.NewSectionReader(in, 0, in.size)); err != nil {
		return "", err
	}
	sum := h.Sum128().Bytes()
	return fmt.Sprintf("%x", sum[:]), nil
}
