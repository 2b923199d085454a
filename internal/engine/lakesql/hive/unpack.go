package hive

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/brookmere/brookmere/internal/engine/lakesql/catalog"
	"github.com/brookmere/brookmere/internal/engine/lakesql/fault"
	"github.com/klauspost/compress/snappy"
	"github.com/pierrec/lz4/v4"
)

// Text in a compression that DuckDB does not read is unpacked into files of the scratch
// directory for the time of the query.

// unpackers are by the extension that says how a file is compressed.
var unpackers = map[string]func(io.Reader) (io.Reader, error){
	".bz2":     func(r io.Reader) (io.Reader, error) { return bzip2.NewReader(r), nil },
	".deflate": func(r io.Reader) (io.Reader, error) { return zlib.NewReader(r) },
	".snappy": func(r io.Reader) (io.Reader, error) {
		b := bufio.NewReader(r)
		if head, _ := b.Peek(10); bytes.Equal(head, []byte("\xff\x06\x00\x00sNaPpY")) {
			return snappy.NewReader(b), nil
		}
		if head, _ := b.Peek(8); bytes.Equal(head, []byte("\x82SNAPPY\x00")) { // snappy-java's stream
			_, err := b.Discard(16)
			return &blockReader{r: b, unpack: snappyBlock, bare: true}, err
		}
		return &blockReader{r: b, unpack: snappyBlock}, nil
	},
	".lz4": func(r io.Reader) (io.Reader, error) {
		b := bufio.NewReader(r)
		if head, _ := b.Peek(4); bytes.Equal(head, []byte{0x04, 0x22, 0x4d, 0x18}) {
			return lz4.NewReader(b), nil
		}
		return &blockReader{r: b, unpack: lz4Block}, nil
	},
}

// Unpack reads text that is compressed as the extension of its name says; nil: as it is.
func Unpack(ext string) func(io.Reader) (io.Reader, error) { return unpackers[ext] }

// maxBlock bounds a block of Hadoop's framing; Hadoop's own are of 256 KiB.
const maxBlock = 64 << 20

var errBlock = errors.New("damaged compressed block")

// blockReader reads Hadoop's framing of blocks: the length that a block has unpacked, then
// chunks, each behind the length that it has packed, until that many bytes are there. Both
// are four bytes, big endian.
type blockReader struct {
	r      io.Reader
	unpack func(dst, src []byte) ([]byte, error)
	bare   bool // chunks alone, without the lengths of blocks
	left   int  // of the block, unpacked
	packed []byte
	buf    []byte
	plain  []byte // of buf, not yet read
}

func (b *blockReader) Read(p []byte) (int, error) {
	for len(b.plain) == 0 {
		if err := b.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, b.plain)
	b.plain = b.plain[n:]
	return n, nil
}

func (b *blockReader) length() (int, error) {
	var head [4]byte
	if _, err := io.ReadFull(b.r, head[:]); err != nil {
		return 0, err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n > maxBlock {
		return 0, errBlock
	}
	return int(n), nil
}

// next reads a chunk.
func (b *blockReader) next() error {
	for b.left == 0 && !b.bare {
		n, err := b.length()
		if err != nil {
			return err // io.EOF where the file ends
		}
		b.left = n
	}
	n, err := b.length()
	if err != nil && b.bare {
		return err
	}
	if err != nil {
		return errBlock
	}
	if cap(b.packed) < n {
		b.packed = make([]byte, n)
	}
	b.packed = b.packed[:n]
	if _, err := io.ReadFull(b.r, b.packed); err != nil {
		return errBlock
	}
	if b.bare {
		if b.left, err = snappy.DecodedLen(b.packed); err != nil || b.left > maxBlock {
			return errBlock
		}
	}
	if cap(b.buf) < b.left {
		b.buf = make([]byte, b.left)
	}
	if b.plain, err = b.unpack(b.buf[:b.left], b.packed); err != nil || len(b.plain) == 0 || len(b.plain) > b.left {
		return errBlock
	}
	b.left -= len(b.plain)
	return nil
}

func snappyBlock(dst, src []byte) ([]byte, error) {
	if n, err := snappy.DecodedLen(src); err != nil || n > len(dst) {
		return nil, errBlock
	}
	return snappy.Decode(dst, src)
}

func lz4Block(dst, src []byte) ([]byte, error) {
	n, err := lz4.UncompressBlock(src, dst)
	if err != nil {
		return nil, err
	}
	return dst[:n], nil
}

// unpacked gives the pieces with plain files in the place of those that DuckDB cannot read.
func (s *scan) unpacked(pieces []Piece) []Piece {
	at := s.Position
	out := make([]Piece, len(pieces))
	for i, p := range pieces {
		out[i] = p
		for j, f := range p.Files {
			ext := filepath.Ext(f.URI) // letter case counts, as to Hadoop
			open := unpackers[ext]
			if open == nil {
				if ext == ".lzo" {
					fault.Fail(at, "HIVE_CANNOT_OPEN_SPLIT", "Error opening Hive split %s: compression lzo is not supported", f.URI)
				}
				continue
			}
			if &out[i].Files[0] == &p.Files[0] {
				out[i].Files = append([]catalog.File(nil), p.Files...)
			}
			path, err := s.unpack(f, ext, open)
			if err != nil {
				panic(fault.Stop(s.unreadable(f, err)))
			}
			out[i].Files[j].Path = path
		}
	}
	return out
}

// unpack gives the path of a file's plain text; how reports what open makes of it from what
// others do.
func (s *scan) unpack(f catalog.File, how string, open func(io.Reader) (io.Reader, error)) (string, error) {
	return s.converted(f, "unpacked "+how, func(out *os.File) error {
		in, err := os.Open(f.Path)
		if err != nil {
			return err
		}
		defer in.Close()
		r, err := open(in)
		if err != nil {
			return err
		}
		buf := make([]byte, 256<<10)
		for {
			if err := s.ctx.Err(); err != nil {
				return err
			}
			n, readErr := r.Read(buf)
			if _, err := out.Write(buf[:n]); err != nil {
				return err
			}
			switch {
			case errors.Is(readErr, io.EOF):
				return nil
			case readErr != nil:
				return readErr
			}
		}
	})
}
