package recordplan

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/brookmere/brookmere/internal/engine/delivery"
)

// EndpointBucket is in place of a bucket where an object is the records of a request to
// an HTTP endpoint. It is not a name that a bucket can have.
const EndpointBucket = "http:endpoint"

// frameEncoder writes rows so that Frames gives them back: for each the Unix time of its
// arrival in milliseconds, its length, both as varints, and the row.
type frameEncoder struct {
	w    io.Writer
	head []byte
}

func (e *frameEncoder) Add(row *delivery.Row) error {
	e.head = binary.AppendVarint(e.head[:0], row.From.Arrival.UnixMilli())
	e.head = binary.AppendUvarint(e.head, uint64(len(row.Data)))
	if _, err := e.w.Write(e.head); err != nil {
		return err
	}
	_, err := e.w.Write(row.Data)
	return err
}

func (e *frameEncoder) Buffered() int64 { return 0 }
func (e *frameEncoder) Spill() error    { return nil }
func (e *frameEncoder) Close() error    { return nil }
func (e *frameEncoder) Abort()          {}

// Frame is a row of an object for an HTTP endpoint.
type Frame struct {
	Arrival time.Time
	Data    []byte // valid until the next one
}

// Frames reads the rows of an object for an HTTP endpoint.
func Frames(r io.Reader) iter.Seq2[Frame, error] {
	return func(yield func(Frame, error) bool) {
		in := bufio.NewReaderSize(r, 64<<10)
		var data []byte
		for {
			ms, err := binary.ReadVarint(in)
			if errors.Is(err, io.EOF) {
				return
			}
			var n uint64
			if err == nil {
				n, err = binary.ReadUvarint(in)
			}
			if err == nil && n > maxUnpacked {
				err = errors.New("row too long")
			}
			if err == nil {
				if uint64(cap(data)) < n {
					data = make([]byte, n)
				}
				data = data[:n]
				_, err = io.ReadFull(in, data)
			}
			if err != nil {
				yield(Frame{}, fmt.Errorf("recordplan: read the rows of a request: %w", err))
				return
			}
			if !yield(Frame{Arrival: time.UnixMilli(ms).UTC(), Data: data}, nil) {
				return
			}
		}
	}
}
