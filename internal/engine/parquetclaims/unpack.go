package parquetclaims

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/format"
	"github.com/pierrec/lz4/v4"
)

var errLonger = errors.New("it unpacks to more")

// unzstd unpacks to the capacity of a buffer.
var unzstd = sync.OnceValues(func() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecodeAllCapLimit(true))
})

// decompress unpacks to a buffer, and not beyond it.
func decompress(codec format.CompressionCodec, to, from []byte) (int, error) {
	switch codec {
	case format.Snappy:
		n, err := snappy.DecodedLen(from)
		if err != nil {
			return 0, err
		}
		if n > len(to) {
			return 0, errLonger
		}
		b, err := snappy.Decode(to, from)
		return len(b), err
	case format.Gzip:
		r, err := gzip.NewReader(bytes.NewReader(from))
		if err != nil {
			return 0, err
		}
		return fill(to, r)
	case format.Zstd:
		r, err := unzstd()
		if err != nil {
			return 0, err
		}
		b, err := r.DecodeAll(from, to[:0:len(to)])
		return len(b), err
	case format.Brotli:
		return fill(to, brotli.NewReader(bytes.NewReader(from)))
	case format.Lz4Raw:
		return lz4.UncompressBlock(from, to)
	}
	return 0, fmt.Errorf("compression by %s is not supported", codec)
}

// fill reads all that there is.
func fill(to []byte, r io.Reader) (int, error) {
	n, err := io.ReadFull(r, to)
	if err == io.EOF || err == io.ErrUnexpectedEOF && n < len(to) {
		// Readers that are cut off say io.ErrUnexpectedEOF too, and say it again.
		if _, err := r.Read(make([]byte, 1)); err != io.EOF {
			return 0, io.ErrUnexpectedEOF
		}
		return n, nil
	}
	if err != nil {
		return 0, err
	}
	if extra, err := io.ReadFull(r, make([]byte, 1)); extra > 0 {
		return 0, errLonger
	} else if err != io.EOF {
		return 0, err
	}
	return n, nil
}
