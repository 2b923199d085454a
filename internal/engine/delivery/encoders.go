package delivery

import (
	"archive/zip"
	"encoding/binary"
	"errors"
	"io"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/snappy"

	"github.com/brookmere/brookmere/internal/engine/columnar"
	"github.com/brookmere/brookmere/internal/engine/jsontext"
)

// rawEncoder writes rows as they came, each followed by the delimiter, compressed as a
// whole.
type rawEncoder struct {
	w         io.Writer
	close     func() error // ends the compression; nil without one
	flush     func() error
	held      int64 // memory of the compression
	delimiter []byte
}

func newRawEncoder(w io.Writer, c Compression, delimiter []byte) (*rawEncoder, error) {
	e := &rawEncoder{w: w, delimiter: delimiter}
	switch c {
	case Gzip:
		z, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
		if err != nil {
			return nil, err
		}
		e.w, e.close, e.flush, e.held = z, z.Close, z.Flush, 600<<10
	case Zip:
		z := zip.NewWriter(w)
		f, err := z.Create("data")
		if err != nil {
			return nil, err
		}
		e.w, e.close, e.flush, e.held = f, z.Close, z.Flush, 600<<10
	case Snappy:
		z := s2.NewWriter(w, s2.WriterSnappyCompat(), s2.WriterConcurrency(1), s2.WriterBlockSize(64<<10))
		e.w, e.close, e.flush, e.held = z, z.Close, z.Flush, 200<<10
	case HadoopSnappy:
		z := &hadoopSnappy{w: w}
		e.w, e.close, e.flush, e.held = z, z.Flush, z.Flush, hadoopBlock
	}
	return e, nil
}

func (e *rawEncoder) Add(row []byte, _ time.Time) error {
	if _, err := e.w.Write(row); err != nil {
		return err
	}
	if len(e.delimiter) > 0 {
		if _, err := e.w.Write(e.delimiter); err != nil {
			return err
		}
	}
	return nil
}

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

// hadoopBlock is the buffer size of Hadoop's SnappyCodec.
const hadoopBlock = 256 << 10

// hadoopSnappy is the framing of Hadoop's SnappyCodec: a block is its length before
// compression and its length after, both big-endian, and one Snappy block.
type hadoopSnappy struct {
	w   io.Writer
	raw []byte
	out []byte
}

func (h *hadoopSnappy) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		c := min(len(p), hadoopBlock-len(h.raw))
		h.raw = append(h.raw, p[:c]...)
		p = p[c:]
		if len(h.raw) == hadoopBlock {
			if err := h.Flush(); err != nil {
				return n - len(p), err
			}
		}
	}
	return n, nil
}

// Flush writes out what is held as a block.
func (h *hadoopSnappy) Flush() error {
	if len(h.raw) == 0 {
		return nil
	}
	if h.out == nil {
		h.out = make([]byte, 8+snappy.MaxEncodedLen(hadoopBlock))
	}
	enc := snappy.Encode(h.out[8:], h.raw)
	binary.BigEndian.PutUint32(h.out, uint32(len(h.raw)))
	binary.BigEndian.PutUint32(h.out[4:], uint32(len(enc)))
	_, err := h.w.Write(h.out[:8+len(enc)])
	h.raw = h.raw[:0]
	return err
}

// parquetEncoder writes rows, each a JSON object, as Parquet.
type parquetEncoder struct {
	w      *columnar.Writer
	record *jsontext.Record // shared by the encoders of a plan, which run in one goroutine
	reject func(row []byte, arrival time.Time, err *columnar.RecordError) *Rejected
}

func (e *parquetEncoder) Add(row []byte, arrival time.Time) error {
	var err error
	if _, perr := e.record.Parse(row); perr != nil {
		err = &columnar.RecordError{Code: columnar.ParseError, Reason: perr.Error()}
	} else {
		err = e.w.WriteRecord(e.record)
	}
	if err == nil {
		return nil
	}
	var re *columnar.RecordError
	if errors.As(err, &re) {
		return e.reject(row, arrival, re)
	}
	return err
}

func (e *parquetEncoder) Buffered() int64 { return e.w.Buffered() }
func (e *parquetEncoder) Spill() error    { return e.w.Flush() }
func (e *parquetEncoder) Close() error    { return e.w.Close() }
