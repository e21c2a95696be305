package ingest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"sync"

	"github.com/apache/arrow/go/v15/parquet/compress"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
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
	case codecLZ4Raw:
		n, err = lz4.UncompressBlock(src, dst)
	case codecLZ4Hadoop:
		if n, err = hadoopLZ4(dst, src); err != nil { // some writers left out the frames
			n, err = lz4.UncompressBlock(src, dst)
		}
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

// Codecs of the Parquet format that v15 has no names for.
const (
	codecLZ4Hadoop compress.Compression = 5 // blocks, each after its sizes, decompressed and compressed, as Hadoop frames them
	codecLZ4Raw    compress.Compression = 7 // one block
)

// hadoopLZ4 decompresses framed blocks, and returns how many bytes they have.
func hadoopLZ4(dst, src []byte) (n int, err error) {
	for len(src) > 0 {
		if len(src) < 8 {
			return n, fmt.Errorf("%d bytes behind its blocks", len(src))
		}
		size, packed := int64(binary.BigEndian.Uint32(src)), int64(binary.BigEndian.Uint32(src[4:]))
		src = src[8:]
		if size > int64(len(dst)-n) || packed > int64(len(src)) {
			return n, fmt.Errorf("a block of %d bytes from %d", size, packed)
		}
		got, err := lz4.UncompressBlock(src[:packed], dst[n:n+int(size)])
		if err != nil || int64(got) != size {
			return n, fmt.Errorf("a block of %d bytes instead of %d: %w", got, size, err)
		}
		n, src = n+got, src[packed:]
	}
	return n, nil
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
