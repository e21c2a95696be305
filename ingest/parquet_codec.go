package ingest

import (
	"bytes"
	"fmt"
	"io"
	"sync"

	"github.com/apache/arrow/go/v15/parquet/compress"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
)

// pageZstd decodes zstd frames, and never more bytes than there is room for. Safe for concurrent use.
var pageZstd = sync.OnceValues(func() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecodeAllCapLimit(true))
})

// decompress fills dst, whose length is what a page header announces, from src. Nothing is allocated by what src says, and the
// checksums of zstd and gzip are verified.
func decompress(dst, src []byte, codec compress.Compression) (err error) {
	n := len(dst)
	switch codec {
	case compress.Codecs.Uncompressed:
		n = copy(dst, src) + max(0, len(src)-len(dst))
	case compress.Codecs.Snappy:
		if n, err = snappy.DecodedLen(src); err == nil && n == len(dst) {
			_, err = snappy.Decode(dst, src)
		}
	case compress.Codecs.Zstd:
		var d *zstd.Decoder
		if d, err = pageZstd(); err != nil {
			return err
		}
		var out []byte
		if out, err = d.DecodeAll(src, dst[:0:len(dst)]); err == nil {
			n = len(out)
		}
	case compress.Codecs.Gzip:
		err = inflate(dst, src)
	default:
		c, err := compress.GetCodec(codec)
		if err != nil {
			return err
		}
		n = len(c.Decode(dst, src))
	}
	if err == nil && n != len(dst) {
		err = fmt.Errorf("a page of %d bytes, where %d are announced", n, len(dst))
	}
	return err
}

// inflate reads all of a gzip stream: only its end verifies the checksum.
func inflate(dst, src []byte) error {
	r, err := gzip.NewReader(bytes.NewReader(src))
	if err != nil {
		return err
	}
	if _, err := io.ReadFull(r, dst); err != nil {
		return err
	}
	var more [1]byte
	if n, err := r.Read(more[:]); n > 0 || err != io.EOF {
		return fmt.Errorf("a page with more than the %d bytes announced, or a wrong checksum (%v)", len(dst), err)
	}
	return r.Close()
}
