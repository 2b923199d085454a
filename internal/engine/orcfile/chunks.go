package orcfile

import (
	"bufio"
	"bytes"
	"compress/flate"
	"io"

	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// chunks decompresses a stream: chunks behind three bytes, little endian, whose lowest bit says
// that the chunk is stored as it is and whose other bits are its length.
type chunks struct {
	in          *bufio.Reader
	compression uint64
	limit       int // bytes of a chunk, decompressed
	stored      []byte
	plain       []byte
	left        []byte // of plain
	flate       io.ReadCloser
	zstd        *zstd.Decoder
}

func (c *chunks) Read(p []byte) (int, error) {
	for len(c.left) == 0 {
		if err := c.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, c.left)
	c.left = c.left[n:]
	return n, nil
}

func (c *chunks) next() error {
	var head [3]byte
	if _, err := io.ReadFull(c.in, head[:]); err != nil {
		if err == io.EOF {
			return err
		}
		return ErrDamaged
	}
	h := int(head[0]) | int(head[1])<<8 | int(head[2])<<16
	n := h >> 1
	if n > c.limit {
		return ErrDamaged
	}
	if cap(c.stored) < n {
		c.stored = make([]byte, n)
	}
	c.stored = c.stored[:n]
	if _, err := io.ReadFull(c.in, c.stored); err != nil {
		return ErrDamaged
	}
	if h&1 == 1 {
		c.left = c.stored
		return nil
	}
	var err error
	switch c.compression {
	case 1:
		if c.flate == nil {
			c.flate = flate.NewReader(bytes.NewReader(c.stored))
		} else if err := c.flate.(flate.Resetter).Reset(bytes.NewReader(c.stored), nil); err != nil {
			return ErrDamaged
		}
		b := bytes.NewBuffer(c.plain[:0])
		_, err = io.Copy(b, io.LimitReader(c.flate, int64(c.limit)+1))
		c.plain = b.Bytes()
	case 2:
		var size int
		if size, err = snappy.DecodedLen(c.stored); err != nil || size > c.limit {
			return ErrDamaged
		}
		if cap(c.plain) < size {
			c.plain = make([]byte, size)
		}
		c.plain, err = snappy.Decode(c.plain[:cap(c.plain)], c.stored)
	case 4:
		if cap(c.plain) < c.limit {
			c.plain = make([]byte, c.limit)
		}
		var size int
		size, err = lz4.UncompressBlock(c.stored, c.plain[:c.limit])
		c.plain = c.plain[:max(0, size)]
	case 5:
		if c.zstd == nil {
			if c.zstd, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(uint64(c.limit)+1<<10)); err != nil {
				return err
			}
		}
		c.plain, err = c.zstd.DecodeAll(c.stored, c.plain[:0])
	}
	if err != nil || len(c.plain) > c.limit {
		return ErrDamaged
	}
	c.left = c.plain
	return nil
}
