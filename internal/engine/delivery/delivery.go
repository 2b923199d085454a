package delivery

import (
	"context"
	"errors"
	"io"
	"iter"
	"time"

	"github.com/brookmere/brookmere/internal/engine/shardlog"
)

// ErrConflict is what a ProgressStore returns when another pipeline has written.
var ErrConflict = errors.New("delivery: progress was changed by another pipeline")

// Source is a shard of the log that a pipeline reads. *shardlog.Shard is one.
type Source interface {
	Read(ctx context.Context, from shardlog.Position, o shardlog.ReadOptions, dst []shardlog.Record) (recs []shardlog.Record, next shardlog.Position, err error)
	Wait(ctx context.Context, from shardlog.Position) error
}

// poller is a Source that looks for records now and then. After PollNow its Read finds
// nothing only where there is nothing.
type poller interface{ PollNow() }

// Objects is where a pipeline puts what it makes. Put returns when the object is durable
// and replaces an object of the same key as a whole; Delete of a missing object is no
// error. Both are called concurrently, and again with the same arguments after an error.
type Objects interface {
	Put(ctx context.Context, o Object) error
	Delete(ctx context.Context, bucket, key string) error
}

// Object is a put. Body is read from its start.
type Object struct {
	Bucket, Key string
	Body        io.ReadSeeker
	Size        int64
	Encoding    string // the content encoding; "" if there is none
}

// ProgressStore keeps the document of one pipeline. Load returns the zero Progress when
// there is none. Save replaces the document that this store last loaded or saved, or
// returns ErrConflict. After any other error of Save the pipeline ends; it may have
// been saved or not.
type ProgressStore interface {
	Load(ctx context.Context) (*Progress, error)
	Save(ctx context.Context, p *Progress) error
}

// Progress is what a pipeline remembers; the package comment says how it is used.
type Progress struct {
	Plan      string                       `json:"plan,omitempty"`
	Watermark shardlog.Position            `json:"watermark"`
	Flushed   map[string]shardlog.Position `json:"flushed,omitempty"`
	Intents   []Intent                     `json:"intents,omitempty"`
	Atomic    bool                         `json:"atomic,omitempty"` // of the batch of Intents

	Undoing bool `json:"undoing,omitempty"` // the objects of Intents are being deleted

	// What was delivered since the pipeline began.
	Rows       int64     `json:"rows"`     // in objects, error objects left out
	Rejected   int64     `json:"rejected"` // rows in error objects
	Bytes      int64     `json:"bytes"`    // of rows before encoding
	Objects    int64     `json:"objects"`
	LastObject string    `json:"lastObject,omitempty"` // bucket/key
	LastTime   time.Time `json:"lastTime,omitzero"`    // of its put
}

// Intent is an object that is about to be put.
type Intent struct {
	Partition string            `json:"partition"`
	Bucket    string            `json:"bucket"`
	Key       string            `json:"key"`
	From      shardlog.Position `json:"from"` // of the first row
	Upto      shardlog.Position `json:"upto"` // of the last row
	Rows      int64             `json:"rows"`
	Codes     map[string]int64  `json:"codes,omitempty"` // of an error partition: rows by the codes of what was wrong with them
}

// Plan says what becomes of a record. Route and the encoders of a plan run in one
// goroutine each, not the same.
type Plan interface {
	// Version names the plan; Plans.Pinned must give an equal one for it.
	Version() string
	// Route appends the rows of r. It is a pure function of r.
	Route(r *shardlog.Record, rows *Rows)
	// Encoder starts an object of the partition, written to w.
	Encoder(partition string, w io.Writer) (Encoder, error)
	// Buffering is when an object of the partition is sealed.
	Buffering(partition string) Buffering
	// Name is where the object goes, a pure function of the arguments.
	Name(o ObjectInfo) (bucket, key string)
	// MaxPartitions may be open at a time; a row of one more goes where TooMany says.
	MaxPartitions() int
	TooMany(partition string, row []byte, from *From) *Rejected
}

// Plans gives a pipeline its plan.
type Plans interface {
	// Current is the plan for new records. It is asked now and then while records
	// flow, and must be cheap when nothing has changed. It keeps what Pinned needs
	// before it returns a plan.
	Current(ctx context.Context) (Plan, error)
	// Pinned is an earlier plan.
	Pinned(ctx context.Context, version string) (Plan, error)
}

// Buffering says when a buffer is sealed: when its rows reach Size bytes, or Interval
// after the arrival of its first record, whichever is first. A zero Interval seals as
// soon as the source has no more, but not more often than every few hundred milliseconds.
type Buffering struct {
	Size     int64
	Interval time.Duration
}

// ObjectInfo describes an object to Plan.Name.
type ObjectInfo struct {
	Partition  string
	From, Upto shardlog.Position
	Arrival    time.Time // of the first record
}

// Encoder writes the rows of one object. Add returns *Rejected for a row that does not
// fit, and has then written nothing of it; any other error is fatal to the pipeline. It
// may write from a goroutine of its own, until Spill, Close or Abort returns.
type Encoder interface {
	Add(row *Row) error
	Buffered() int64 // bytes of memory held, about
	Spill() error    // write out what is held, as far as the format allows
	Close() error    // write out the rest
	Abort()          // write no more; the object is not wanted
}

// Rejected is a row that goes to an error partition instead of its own.
type Rejected struct {
	Partition string // begins with ErrorMark
	Data      []byte
	Code      string // names the kind of reason, one of a few; empty: rows of it are not counted apart
	Reason    string
}

func (r *Rejected) Error() string { return r.Reason }

// ErrorMark begins the names of error partitions, and no other.
const ErrorMark = "\x01"

// IsError reports whether the partition is an error partition.
func IsError(partition string) bool { return len(partition) > 0 && partition[0] == ErrorMark[0] }

// Rows collects what a plan makes of records.
type Rows struct {
	// From is the record that is being routed, and so that of the rows that are added. The
	// pipeline sets it before Route; a plan that takes a record apart counts in Sub.
	From From

	// Notes is the plan's memory for what its rows have as notes. It begins as nil; what
	// Route puts here it finds again, after a Reset when the rows of before are encoded.
	Notes Notes

	rows  []routedRow
	arena []byte
	bytes int64 // of the rows' data
}

// Notes is memory that a plan keeps with Rows and uses again.
type Notes interface{ Reset() }

// routedRow is a row and its partition.
type routedRow struct {
	partition []byte
	Row
}

// Row is what is to be encoded of a record.
type Row struct {
	Data []byte
	From From
	Note any // what Route knows of Data, so that the plan's encoder need not find it again; nil: nothing

	code string // of a row of an error partition
}

// From is the record that a row was made of.
type From struct {
	Position shardlog.Position
	Arrival  time.Time
	Key      []byte // of the record in the source
	Sub      int64  // which one of those in an aggregated record
}

// Add appends a row of the record that is being routed. partition is copied; data is
// kept until the row is encoded, and may alias the record.
func (r *Rows) Add(partition, data []byte) { r.AddNoted(partition, data, nil) }

// AddNoted is Add with a note for the encoder. A pointer into Notes costs no allocation.
func (r *Rows) AddNoted(partition, data []byte, note any) {
	var p []byte
	if n := len(r.rows); n > 0 && string(r.rows[n-1].partition) == string(partition) {
		p = r.rows[n-1].partition
	} else {
		at := len(r.arena)
		r.arena = append(r.arena, partition...)
		p = r.arena[at:len(r.arena):len(r.arena)]
	}
	if n := len(r.rows); n < cap(r.rows) {
		r.rows = r.rows[:n+1] // it is empty since reset
	} else {
		r.rows = append(r.rows, routedRow{})
	}
	row := &r.rows[len(r.rows)-1]
	row.partition, row.Data, row.From, row.Note = p, data, r.From, note
	r.bytes += int64(len(data))
}

// Reject appends a row of an error partition.
func (r *Rows) Reject(e *Rejected) {
	r.rows = append(r.rows, routedRow{[]byte(e.Partition), Row{Data: e.Data, From: r.From, code: e.Code}})
	r.bytes += int64(len(e.Data))
}

// All goes through the rows in their order, each with its partition. What it yields is
// valid until the rows are reset.
func (r *Rows) All() iter.Seq2[[]byte, *Row] {
	return func(yield func(partition []byte, row *Row) bool) {
		for i := range r.rows {
			if !yield(r.rows[i].partition, &r.rows[i].Row) {
				return
			}
		}
	}
}

func (r *Rows) reset() {
	clear(r.rows) // let go of the records' frames
	r.rows, r.arena, r.bytes = r.rows[:0], r.arena[:0], 0
	if r.Notes != nil {
		r.Notes.Reset()
	}
}

// Events are told by a pipeline as it works, from any of its goroutines; nil ones are
// left out. They must not block.
type Events struct {
	// Delivered: a batch of objects is durable and the progress that covers it, too.
	// Records before watermark are no longer needed.
	Delivered func(objects []Intent, p *Progress)
	// Resumed: a run goes on from this progress. Records before its watermark are no longer needed.
	Resumed func(p *Progress)
	// Retrying: an object could not be put or the plan not be had; tried again after wait.
	Retrying func(err error, attempt int, wait time.Duration)
	// Corrupt: the source could not read records and they were skipped.
	Corrupt func(err error)
}
