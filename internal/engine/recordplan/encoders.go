package recordplan

import (
	"archive/zip"
	"bufio"
	"encoding/binary"
	"errors"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy"

	"github.com/brookmere/brookmere/internal/engine/columnar"
	"github.com/brookmere/brookmere/internal/engine/delivery"
	"github.com/brookmere/brookmere/internal/engine/jsontext"
)

// rawEncoder writes rows as they came, each followed by the delimiter, compressed as a
// whole.
type rawEncoder struct {
	w         io.Writer
	close     func() error // ends the compression; nil without one
	flush     func() error
	held      int64 // memory of the compression
	encoding  string
	delimiter []byte
}

const rawBlock = 4 << 10

func newRawEncoder(w io.Writer, c Compression, delimiter []byte) (*rawEncoder, error) {
	e := &rawEncoder{w: w, delimiter: delimiter}
	switch c {
	case Uncompressed:
		b := bufio.NewWriterSize(w, rawBlock) // a row is much less than what is worth a write
		e.w, e.close, e.flush, e.held = b, b.Flush, b.Flush, rawBlock
	case Gzip:
		z, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
		if err != nil {
			return nil, err
		}
		e.w, e.close, e.flush, e.held, e.encoding = z, z.Close, z.Flush, 600<<10, "gzip"
	case Zip:
		z := zip.NewWriter(w)
		f, err := z.Create("data")
		if err != nil {
			return nil, err
		}
		e.w, e.close, e.flush, e.held, e.encoding = f, z.Close, z.Flush, 600<<10, "zip"
	case Snappy:
		if _, err := w.Write(javaSnappyHeader); err != nil {
			return nil, err
		}
		z := &snappyBlocks{w: w, size: javaSnappyBlock}
		e.w, e.close, e.flush, e.held, e.encoding = z, z.Flush, z.Flush, javaSnappyBlock, "snappy-java"
	case HadoopSnappy:
		z := &snappyBlocks{w: w, size: hadoopBlock, hadoop: true}
		e.w, e.close, e.flush, e.held, e.encoding = z, z.Flush, z.Flush, hadoopBlock, "hadoop-snappy"
	}
	return e, nil
}

// NewCompressor writes what a delivery's object holds as a delivery does. To close it ends
// the compression and leaves w open.
func NewCompressor(w io.Writer, c Compression) (io.WriteCloser, error) {
	e, err := newRawEncoder(w, c, nil)
	if err != nil {
		return nil, err
	}
	return compressor{e}, nil
}

type compressor struct{ *rawEncoder }

func (c compressor) Write(p []byte) (int, error) { return c.w.Write(p) }

func (e *rawEncoder) Add(row *delivery.Row) error {
	if _, err := e.w.Write(row.Data); err != nil {
		return err
	}
	if len(e.delimiter) > 0 {
		if _, err := e.w.Write(e.delimiter); err != nil {
			return err
		}
	}
	return nil
}

// ContentEncoding is what Firehose says of an object in its metadata.
func (e *rawEncoder) ContentEncoding() string { return e.encoding }

func (e *rawEncoder) Buffered() int64 { return e.held }

func (e *rawEncoder) Spill() error {
	if e.flush == nil {
		return nil
	}
	return e.flush()
}

func (e *rawEncoder) Close() error {
	if e.close == nil {
		return nil
	}
	return e.close()
}

func (e *rawEncoder) Abort() {}

// Firehose's "Snappy" is the stream of snappy-java: a header, and blocks of at most so many
// bytes, each the length of its compressed form, big-endian, and one Snappy block.
const javaSnappyBlock = 32 << 10

var javaSnappyHeader = []byte("\x82SNAPPY\x00\x00\x00\x00\x01\x00\x00\x00\x01")

// hadoopBlock is the buffer size of Hadoop's SnappyCodec.
const hadoopBlock = 256 << 10

// snappyBlocks writes blocks of Snappy behind their lengths: that of the compressed form,
// and before it, as Hadoop's SnappyCodec does, that of the plain one.
type snappyBlocks struct {
	w      io.Writer
	size   int
	hadoop bool
	raw    []byte
	out    []byte
}

func (b *snappyBlocks) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		c := min(len(p), b.size-len(b.raw))
		b.raw = append(b.raw, p[:c]...)
		p = p[c:]
		if len(b.raw) == b.size {
			if err := b.Flush(); err != nil {
				return n - len(p), err
			}
		}
	}
	return n, nil
}

// Flush writes out what is held as a block.
func (b *snappyBlocks) Flush() error {
	if len(b.raw) == 0 {
		return nil
	}
	if b.out == nil {
		b.out = make([]byte, 8+snappy.MaxEncodedLen(b.size))
	}
	enc := snappy.Encode(b.out[8:], b.raw)
	binary.BigEndian.PutUint32(b.out, uint32(len(b.raw)))
	binary.BigEndian.PutUint32(b.out[4:], uint32(len(enc)))
	out := b.out[:8+len(enc)]
	if !b.hadoop {
		out = out[4:]
	}
	_, err := b.w.Write(out)
	b.raw = b.raw[:0]
	return err
}

var errEmptyRecord = &columnar.RecordError{Code: columnar.MalformedData, Reason: "The record was empty or contained only whitespace."}

// parquetEncoder writes rows, each a JSON object with white space around it perhaps, as
// Parquet.
type parquetEncoder struct {
	w      *columnar.Writer
	shared *rowRecords
	reject func(row []byte, from *delivery.From, err *columnar.RecordError) *delivery.Rejected
}

// parsedObject is the note of a row whose JSON object Route has parsed: where it begins in
// the row's data, and its members.
type parsedObject struct {
	members []jsontext.Member
	start   int
}

// parsedObjects are the notes of some rows.
type parsedObjects struct {
	objects []parsedObject
	members []jsontext.Member
}

// Reset is that of Notes.
func (n *parsedObjects) Reset() { n.objects, n.members = n.objects[:0], n.members[:0] }

// noteObject notes a parsed object for a row that is about to be added.
func noteObject(rows *delivery.Rows, members []jsontext.Member, start int) *parsedObject {
	n, ok := rows.Notes.(*parsedObjects)
	if !ok {
		n = new(parsedObjects)
		rows.Notes = n
	}
	at := len(n.members)
	n.members = append(n.members, members...)
	n.objects = append(n.objects, parsedObject{n.members[at:len(n.members):len(n.members)], start})
	return &n.objects[len(n.objects)-1]
}

// rowRecords are shared by the encoders of a plan, which run in one goroutine. They are
// two, for the numbers of the keys are others where Route has parsed.
type rowRecords struct{ routed, parsed jsontext.Record }

func (e *parquetEncoder) Add(row *delivery.Row) error {
	var err error
	if o, ok := row.Note.(*parsedObject); ok {
		r := &e.shared.routed
		r.Text, r.Kind, r.Members = row.Data[o.start:], jsontext.Object, o.members
		err = e.w.WriteRecord(r)
	} else if start := jsontext.SkipSpace(row.Data, 0); start == len(row.Data) {
		err = errEmptyRecord
	} else if _, perr := e.shared.parsed.Parse(row.Data[start:]); perr != nil {
		err = &columnar.RecordError{Code: columnar.ParseError, Reason: perr.Error()}
	} else {
		err = e.w.WriteRecord(&e.shared.parsed)
	}
	if err == nil {
		return nil
	}
	var re *columnar.RecordError
	if errors.As(err, &re) {
		return e.reject(row.Data, &row.From, re)
	}
	return err
}

func (e *parquetEncoder) Buffered() int64 { return e.w.Buffered() }
func (e *parquetEncoder) Spill() error    { return e.w.Flush() }
func (e *parquetEncoder) Close() error    { return e.w.Close() }
func (e *parquetEncoder) Abort()          { e.w.Abort() }
