// Package avrofile reads and writes Avro object containers: a head with the schema that the records were
// written by, then blocks of records, each compressed and behind its length.
//
//	"Obj" 1 | map of metadata (avro.schema, avro.codec) | sync marker, 16 bytes |
//	blocks: number of records | length in bytes | records | sync marker
//
// The codecs null, deflate, snappy, zstandard and bzip2 are read, all but bzip2 written. Numbers in the head and in the
// blocks are bounded before memory is taken by them.
package avrofile

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
)

// Limits of a file.
const (
	maxHead  = 16 << 20  // of the metadata, which has the schema
	maxBlock = 256 << 20 // of a block, before and after decompression
)

// What is wrong with a file.
var (
	ErrNotAvro = errors.New("the file is not an Avro data file")
	ErrDamaged = errors.New("the Avro file is damaged")
)

// Reader reads the blocks of a file.
type Reader struct {
	Schema []byte // that the records were written by, as JSON
	Codec  string

	r    *bufio.Reader
	sync [16]byte
	open bytes.Buffer
	zstd *zstd.Decoder
}

// Open reads the head of a file.
func Open(r io.Reader) (*Reader, error) {
	out := &Reader{r: bufio.NewReaderSize(r, 256<<10), Codec: "null"}
	var magic [4]byte
	if _, err := io.ReadFull(out.r, magic[:]); err != nil || string(magic[:]) != "Obj\x01" {
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, err
		}
		return nil, ErrNotAvro
	}
	left := int64(maxHead)
	text := func() ([]byte, error) {
		n, err := out.long()
		if err != nil {
			return nil, err
		}
		if left -= n; n < 0 || left < 0 {
			return nil, ErrDamaged
		}
		b, err := io.ReadAll(io.LimitReader(out.r, n))
		if err == nil && int64(len(b)) < n {
			err = ErrDamaged
		}
		return b, err
	}
	for {
		n, err := out.long()
		if err != nil {
			return nil, err
		}
		if n == 0 {
			break
		}
		if n < 0 { // the length in bytes follows
			n = -n
			if _, err := out.long(); err != nil {
				return nil, err
			}
		}
		for ; n > 0; n-- {
			left -= 16
			key, err := text()
			if err != nil {
				return nil, err
			}
			value, err := text()
			if err != nil {
				return nil, err
			}
			switch string(key) {
			case "avro.schema":
				out.Schema = value
			case "avro.codec":
				out.Codec = string(value)
			}
		}
	}
	if _, err := io.ReadFull(out.r, out.sync[:]); err != nil {
		return nil, ErrDamaged
	}
	if out.Schema == nil {
		return nil, ErrDamaged
	}
	switch out.Codec {
	case "", "null", "deflate", "snappy", "bzip2":
	case "zstandard":
		var err error
		if out.zstd, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxBlock)); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("codec %s of Avro is not supported", out.Codec)
	}
	return out, nil
}

// Close releases what decompression holds.
func (r *Reader) Close() {
	if r.zstd != nil {
		r.zstd.Close()
	}
}

// long reads a number in zigzag form.
func (r *Reader) long() (int64, error) {
	n, err := binary.ReadVarint(r.r)
	if err != nil {
		return 0, ErrDamaged
	}
	return n, nil
}

// Next is the next block: how many records it has, and their bytes, good until the one after
// it. io.EOF where the file ends.
func (r *Reader) Next() (records int64, data []byte, err error) {
	if _, err := r.r.Peek(1); err != nil {
		return 0, nil, err
	}
	if records, err = r.long(); err != nil {
		return 0, nil, err
	}
	size, err := r.long()
	if err != nil {
		return 0, nil, err
	}
	if records < 0 || size < 0 || size > maxBlock {
		return 0, nil, ErrDamaged
	}
	var stored bytes.Buffer
	stored.Grow(int(min(size, 1<<20)))
	if n, err := io.Copy(&stored, io.LimitReader(r.r, size)); err != nil {
		return 0, nil, err
	} else if n < size {
		return 0, nil, ErrDamaged
	}
	var sync [16]byte
	if _, err := io.ReadFull(r.r, sync[:]); err != nil || sync != r.sync {
		return 0, nil, ErrDamaged
	}
	data, err = r.unpack(stored.Bytes())
	return records, data, err
}

func (r *Reader) unpack(b []byte) ([]byte, error) {
	var in io.Reader
	switch r.Codec {
	case "deflate":
		in = flate.NewReader(bytes.NewReader(b))
	case "bzip2":
		in = bzip2.NewReader(bytes.NewReader(b))
	case "snappy": // with a checksum behind it
		if len(b) < 4 {
			return nil, ErrDamaged
		}
		b, sum := b[:len(b)-4], binary.BigEndian.Uint32(b[len(b)-4:])
		n, err := snappy.DecodedLen(b)
		if err != nil || n > maxBlock {
			return nil, ErrDamaged
		}
		out, err := snappy.Decode(nil, b)
		if err != nil || crc32.ChecksumIEEE(out) != sum {
			return nil, ErrDamaged
		}
		return out, nil
	case "zstandard":
		if err := r.zstd.Reset(bytes.NewReader(b)); err != nil {
			return nil, ErrDamaged
		}
		in = r.zstd
	default:
		return b, nil
	}
	r.open.Reset()
	n, err := io.Copy(&r.open, io.LimitReader(in, maxBlock+1))
	if err != nil || n > maxBlock {
		return nil, ErrDamaged
	}
	return r.open.Bytes(), nil
}
