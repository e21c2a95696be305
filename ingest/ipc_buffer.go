package ingest

import (
	"bytes"
	"fmt"
	"io"
	"sync"

	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// nextBuffer reads the next buffer of the body, and decompresses it, into memory of mem: its first bytes, as many as are wanted.
func (r *ipcReader) nextBuffer(mem *lease, wanted int64) (*memory.Buffer, error) {
	i := r.buffer
	r.buffer++
	at, length, err := r.batch.place(i)
	if err != nil {
		return nil, err
	}
	size, err := r.batch.decodedSize(r.in, i)
	if err != nil {
		return nil, err
	}
	stored := length-8 == size // as it is, because compressing did not help; or so it may be
	part := wanted < size
	size = min(size, wanted)
	if r.batch.codec == codecNone && r.mapped != nil && at%8 == 0 {
		return memory.NewBufferBytes(r.mapped[at : at+size : at+size]), nil
	}
	b := mem.uncleared(int(size))
	switch {
	case r.batch.codec == codecNone:
		_, err = r.readAt(b.Bytes(), at)
	case length == 0:
	case stored:
		err = r.readStored(b.Bytes(), at, length, part)
	default:
		err = r.readCompressed(b.Bytes(), at+8, length-8, part)
	}
	if err != nil {
		b.Release()
		return nil, fmt.Errorf("buffer %d: %w", i, err)
	}
	return b, nil
}

func (r *ipcReader) readAt(p []byte, at int64) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	return r.in.ReadAt(p, at)
}

// readStored reads a buffer whose size does not tell whether it is compressed; its prefix does.
func (r *ipcReader) readStored(p []byte, at, length int64, part bool) error {
	prefix, err := r.in.section(at, 8)
	if err != nil {
		return err
	}
	if bytes.Equal(prefix, []byte{255, 255, 255, 255, 255, 255, 255, 255}) {
		_, err := r.readAt(p, at+8)
		return err
	}
	return r.readCompressed(p, at+8, length-8, part)
}

// readCompressed decompresses length bytes of the file into all of p, in this goroutine; where p is but a part of what they are, no more of them
// than it takes.
func (r *ipcReader) readCompressed(p []byte, at, length int64, part bool) error {
	if part {
		return r.readBegin(p, io.NewSectionReader(r.in, at, length))
	}
	packed := r.w.scratch.uncleared(int(length))
	defer packed.Release()
	if _, err := r.readAt(packed.Bytes(), at); err != nil {
		return err
	}
	if r.batch.codec == codecZstd {
		d, err := zstdDecoder()
		if err != nil {
			return err
		}
		out, err := d.DecodeAll(packed.Bytes(), p[:0:len(p)])
		if err == nil && len(out) != len(p) {
			err = fmt.Errorf("%d bytes, not %d", len(out), len(p))
		}
		return err
	}
	z := lz4.NewReader(bytes.NewReader(packed.Bytes()))
	if _, err := io.ReadFull(z, p); err != nil {
		return err
	}
	if n, err := z.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		return fmt.Errorf("more than %d bytes", len(p))
	}
	return nil
}

// readBegin fills p with the begin of what packed is compressed from.
func (r *ipcReader) readBegin(p []byte, packed io.Reader) error {
	if r.batch.codec != codecZstd {
		_, err := io.ReadFull(lz4.NewReader(packed), p)
		return err
	}
	d, err := zstd.NewReader(packed, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(64<<20)) // one: in this goroutine
	if err != nil {
		return err
	}
	defer d.Close()
	_, err = io.ReadFull(d, p)
	return err
}

// zstdDecoder returns the one decoder that all share; DecodeAll may be called concurrently. It never decodes more than it is
// given room for.
var zstdDecoder = sync.OnceValues(func() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecodeAllCapLimit(true))
})
