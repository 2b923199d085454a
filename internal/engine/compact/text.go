package compact

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy"

	"github.com/brookmere/brookmere/internal/engine/recordplan"
)

// format is how the data of an object lie in it.
type format int

const (
	text format = iota
	gzipped
	zipped
	snappyJava
	snappyHadoop
	parquetFile
	orcFile
)

// sniff finds the format of an object by its first bytes. Snappy as Hadoop frames it has
// none of its own, so that its name has to tell.
func sniff(o Object) (format, error) {
	f, err := o.open()
	if err != nil {
		return 0, err
	}
	defer f.Close()
	var head [10]byte
	n, err := io.ReadFull(f, head[:])
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return 0, err
	}
	for _, m := range []struct {
		magic  string
		format format
	}{
		{"PAR1", parquetFile}, {"ORC", orcFile}, {"\x1f\x8b", gzipped}, {"PK\x03\x04", zipped}, {snappyJavaMagic, snappyJava},
	} {
		if bytes.HasPrefix(head[:n], []byte(m.magic)) {
			return m.format, nil
		}
	}
	if strings.HasSuffix(o.Key, recordplan.SnappyExtension) {
		return snappyHadoop, nil
	}
	return text, nil
}

// mergeText writes the lines of the files, in their order, as one file of the same
// compression. It stops after a file that does not end with a newline: the next would go on
// in the middle of its last line.
func mergeText(out io.Writer, kind format, files []Object) (n int, err error) {
	compression := map[format]recordplan.Compression{
		gzipped: recordplan.Gzip, zipped: recordplan.Zip, snappyJava: recordplan.Snappy, snappyHadoop: recordplan.HadoopSnappy,
	}[kind]
	w, err := recordplan.NewCompressor(out, compression)
	if err != nil {
		return 0, err
	}
	buf := make([]byte, 256<<10)
	for i, o := range files {
		if o.Size == 0 {
			n++
			continue
		}
		f, err := sniff(o)
		if err != nil {
			return 0, &sourceError{i, err}
		}
		if f != kind {
			break
		}
		last, err := copyText(w, o, kind, buf)
		if err != nil {
			var werr *writeError
			if errors.As(err, &werr) {
				return 0, werr.error
			}
			return 0, &sourceError{i, fmt.Errorf("read %s: %w", o.Key, err)}
		}
		n++
		if last != '\n' && i == 0 && len(files) > 1 {
			return 0, &sourceError{0, errNoLines}
		}
		if last != '\n' {
			break
		}
	}
	return n, w.Close()
}

// copyText copies what an object holds, before its compression, and returns the last byte;
// a newline if there is none.
func copyText(w io.Writer, o Object, kind format, buf []byte) (last byte, err error) {
	f, err := o.open()
	if err != nil {
		return 0, err
	}
	defer f.Close()
	t := &tail{w: w, last: '\n'}
	if kind == zipped {
		z, err := zip.NewReader(f, o.Size)
		if err != nil {
			return 0, err
		}
		for _, entry := range z.File {
			r, err := entry.Open()
			if err != nil {
				return 0, err
			}
			_, err = io.CopyBuffer(t, onlyReader{r}, buf)
			r.Close()
			if err != nil {
				return 0, err
			}
		}
		return t.last, nil
	}
	var r io.Reader = f
	switch kind {
	case gzipped:
		z, err := gzip.NewReader(f)
		if err != nil {
			return 0, err
		}
		defer z.Close()
		r = z
	case snappyJava:
		r = &snappyReader{r: f}
	case snappyHadoop:
		r = &snappyReader{r: f, hadoop: true}
	}
	_, err = io.CopyBuffer(t, onlyReader{r}, buf)
	return t.last, err
}

// onlyReader hides a reader's WriteTo, which would go around the buffer.
type onlyReader struct{ io.Reader }

// tail remembers the last byte that goes through it, and tells errors of the writer from
// those of the reader.
type tail struct {
	w    io.Writer
	last byte
}

type writeError struct{ error }

func (t *tail) Write(p []byte) (int, error) {
	if len(p) > 0 {
		t.last = p[len(p)-1]
	}
	n, err := t.w.Write(p)
	if err != nil {
		err = &writeError{err}
	}
	return n, err
}

// snappyReader reads the two framings of Snappy's blocks that a delivery writes.
//
// snappy-java's stream is a header of 16 bytes and then pieces, each a length and as many
// bytes of Snappy; further headers may come between. Hadoop's SnappyCodec has no header. Its
// block is a length before compression and then, until that is reached, pieces.
type snappyReader struct {
	r      io.Reader
	hadoop bool
	left   uint32 // of Hadoop's block, before compression
	out    []byte // decoded and not read
	in     []byte
	mem    []byte
}

const snappyJavaMagic = "\x82SNAPPY\x00"

// maxSnappyBlock is beyond what any writer's buffer is.
const maxSnappyBlock = 16 << 20

var errSnappyBlock = errors.New("compact: a block of Snappy is damaged")

func (h *snappyReader) Read(p []byte) (int, error) {
	for len(h.out) == 0 {
		if err := h.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, h.out)
	h.out = h.out[n:]
	return n, nil
}

func (h *snappyReader) next() error {
	var b [16]byte
	if _, err := io.ReadFull(h.r, b[:4]); err != nil {
		if errors.Is(err, io.EOF) && h.left == 0 {
			return io.EOF
		}
		return errSnappyBlock
	}
	size := binary.BigEndian.Uint32(b[:])
	switch {
	case h.hadoop && h.left == 0:
		h.left = size
		return nil
	case !h.hadoop && string(b[:4]) == snappyJavaMagic[:4]:
		if _, err := io.ReadFull(h.r, b[4:]); err != nil || !bytes.HasPrefix(b[:], []byte(snappyJavaMagic)) {
			return errSnappyBlock
		}
		return nil
	case size > maxSnappyBlock || size == 0:
		return errSnappyBlock
	}
	if uint32(cap(h.in)) < size {
		h.in = make([]byte, size)
	}
	h.in = h.in[:size]
	if _, err := io.ReadFull(h.r, h.in); err != nil {
		return errSnappyBlock
	}
	n, err := snappy.DecodedLen(h.in)
	if err != nil || n > maxSnappyBlock || h.hadoop && uint32(n) > h.left {
		return errSnappyBlock
	}
	if h.mem, err = snappy.Decode(h.mem[:cap(h.mem)], h.in); err != nil {
		return errSnappyBlock
	}
	h.out = h.mem
	if h.hadoop {
		h.left -= uint32(n)
	}
	return nil
}
