// Package worker runs DuckDB in a process of its own, so that what a statement may take of the
// machine has an end that holds.
//
// Why a process. DuckDB's memory limit counts what its buffer manager gives out, not what a
// function makes of one row, and its interrupt is seen between chunks of rows, not within a
// call. Measured with DuckDB 1.5: rpad('a', 2000000000, 'b') took 4 GB against a limit of 1 GB,
// and went on for 52 s after it was told to stop. In a process whose data is limited by the
// kernel (RLIMIT_DATA, on Linux) the same call ends in half a second with an error of the query
// alone, at 0.6 GB, and the next statement runs in the same process; what does not stop in a
// second is killed, and started again in about 0.1 s. A scan of ten million rows takes the same
// time as before; a statement costs about 0.1 ms more for its way there and back.
//
// There is one process for all statements, because its threads, its memory and its cache of
// footers are to be shared. What is running when it has to be killed is told by ErrRestarted,
// and is run again; where the process ends by itself, what was running is run again one by one,
// so that who is to blame for it fails alone, and so is a statement that others left too little
// memory. That is done in a second process, which may have as much memory and ends with the
// statement: the first one goes on with others. A process that does not find its parent any more
// ends.
//
// The process is this program's own executable, which Main turns into a worker. It reads statements from, and writes rows to, one pair of sockets
// for each statement that may run at once:
//
//	to the worker    'Q' a Call in JSON; 'X' stop what runs
//	from the worker  'C' the columns in JSON, then any number of 'R' rows, then 'D' a Done in
//	                 JSON; or 'E' an error's text in the place of any of those
//
// Each is a byte, its length in four bytes, big endian, and so many bytes. In 'R' each value is
// a varint, 0 for null, otherwise its length and one, and the value as text.
package worker

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/sql"
)

// Settings of a worker.
type Settings struct {
	Dir       string // the only directory that statements may read from; absolute
	TempDir   string // a directory that statements may read from too; empty: none
	SpillDir  string // where sorts and joins spill, TempDir or below it; empty: nowhere. A Pool sets it
	Memory    int64  // bytes for DuckDB's buffers
	DataLimit int64  // bytes of data that the process may have, enforced by the kernel; zero: none
	Threads   int
	Slots     int // statements that run at once
}

// Call is a statement of DuckDB's.
type Call struct {
	Text string
	// Zones are the names of the time zones that columns of instants are shown in, by column;
	// empty: UTC.
	Zones []string `json:",omitempty"`
	// Describe asks for the columns alone.
	Describe bool `json:",omitempty"`
	// Execute asks for the number of rows that were changed alone.
	Execute bool `json:",omitempty"`
	// Again, if any, is called before the statement is run again: it removes what the statement has left.
	Again func() error `json:"-"`
}

// Column of a result.
type Column struct {
	Name             string
	Type             string // as Athena's ColumnInfo has it: varchar, bigint, row, ...
	Precision, Scale int
	CaseSensitive    bool
	Trino            *sql.Type // in full
}

// Done is how a statement ended.
type Done struct {
	Affected int64
}

// Value as Athena shows it.
type Value struct {
	Text string
	Null bool
}

// ErrRestarted is that the process was killed while a statement ran in it, for no fault of that
// statement. It can be run again.
var ErrRestarted = errors.New("the query engine was restarted")

// Error is what DuckDB says, in its words.
type Error struct{ Message string }

func (e *Error) Error() string { return e.Message }

// outOfMemory reports whether DuckDB says that all statements together have the memory that they may have.
func outOfMemory(err error) bool {
	var d *Error
	return errors.As(err, &d) && strings.HasPrefix(d.Message, "Out of Memory Error: ")
}

const (
	frameCall    = 'Q'
	frameStop    = 'X'
	frameColumns = 'C'
	frameRows    = 'R'
	frameDone    = 'D'
	frameError   = 'E'
)

var errFrame = errors.New("a frame from the query engine is too large")

// maxFrame bounds a frame: a statement, or a row.
const maxFrame = 1 << 30

func writeFrame(w io.Writer, kind byte, payload []byte) error {
	if len(payload) > maxFrame {
		return fmt.Errorf("a frame of %d bytes is too large", len(payload))
	}
	head := make([]byte, 5, 5+min(len(payload), 4096))
	head[0] = kind
	binary.BigEndian.PutUint32(head[1:], uint32(len(payload)))
	if len(payload) <= 4096 { // in one write
		_, err := w.Write(append(head, payload...))
		return err
	}
	if _, err := w.Write(head); err != nil {
		return err
	}
	_, err := w.Write(payload)
	return err
}

// readFrame reads a frame into buf, which it makes larger where it has to.
func readFrame(r io.Reader, buf []byte) (kind byte, payload []byte, err error) {
	var head [5]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, buf, err
	}
	n := int(binary.BigEndian.Uint32(head[1:]))
	if n > maxFrame {
		return 0, buf, errFrame
	}
	if cap(buf) < n {
		buf = make([]byte, n)
	}
	buf = buf[:n]
	_, err = io.ReadFull(r, buf)
	return head[0], buf, err
}
