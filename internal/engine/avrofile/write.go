package avrofile

import (
	"bytes"
	"compress/flate"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
)

// Writer writes a file, block by block. It is used by one goroutine.
type Writer struct {
	out   io.Writer
	codec string
	sync  [16]byte
	zstd  *zstd.Encoder
}

// NewWriter begins a file of records of a schema, which is JSON. The codec is null, deflate,
// snappy or zstandard.
func NewWriter(out io.Writer, schema []byte, codec string) (*Writer, error) {
	w := &Writer{out: out, codec: codec}
	switch codec {
	case "null", "deflate", "snappy":
	case "zstandard":
		var err error
		if w.zstd, err = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1)); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("codec %s of Avro is not supported", codec)
	}
	if _, err := rand.Read(w.sync[:]); err != nil {
		return nil, err
	}
	text := func(b, s []byte) []byte { return append(binary.AppendVarint(b, int64(len(s))), s...) }
	head := binary.AppendVarint([]byte("Obj\x01"), 2)
	head = text(text(head, []byte("avro.schema")), schema)
	head = text(text(head, []byte("avro.codec")), []byte(codec))
	head = append(append(head, 0), w.sync[:]...)
	_, err := out.Write(head)
	return w, err
}

// Write writes a block of so many records.
func (w *Writer) Write(records int, data []byte) error {
	stored := data
	switch w.codec {
	case "deflate":
		var b bytes.Buffer
		f, err := flate.NewWriter(&b, flate.DefaultCompression)
		if err != nil {
			return err
		}
		if _, err := f.Write(data); err != nil {
			return err
		}
		if err := f.Close(); err != nil {
			return err
		}
		stored = b.Bytes()
	case "snappy":
		stored = binary.BigEndian.AppendUint32(snappy.Encode(nil, data), crc32.ChecksumIEEE(data))
	case "zstandard":
		stored = w.zstd.EncodeAll(data, nil)
	}
	block := binary.AppendVarint(binary.AppendVarint(nil, int64(records)), int64(len(stored)))
	_, err := w.out.Write(append(append(block, stored...), w.sync[:]...))
	return err
}

// Close releases what compression holds; the file is whole without it.
func (w *Writer) Close() error {
	if w.zstd != nil {
		return w.zstd.Close()
	}
	return nil
}
