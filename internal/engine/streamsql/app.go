package streamsql

import (
	"context"
	"io"
	"time"
)

// Options are what an App is made with.
type Options struct {
	// Outputs are the names of the streams whose rows Apply returns.
	Outputs []string
	// StateLimit bounds the state, in bytes; 0: DefaultStateLimit.
	StateLimit int64
	// Parallel is how many goroutines decode records; 0: GOMAXPROCS.
	Parallel int
}

// DefaultStateLimit is that of Options.StateLimit.
const DefaultStateLimit = 1 << 30

// Step is what happens to an App at one time: records come in, or nothing but time goes on.
type Step struct {
	// Time is the ROWTIME of the records, in whole milliseconds, and closes the windows that end
	// at or before it.
	Time time.Time
	// Batches are taken in their order.
	Batches []Batch
}

// Batch are records of one source, in their order. The App keeps the bytes: they must not be
// changed afterwards.
type Batch struct {
	Source  string
	Records []Record
}

// Record is what a source gives: a Kinesis record's data, which may hold several rows.
type Record struct {
	Data    []byte
	Arrival time.Time // ApproximateArrivalTimestamp
}

// Result is what a step gave.
type Result struct {
	Outputs []Output
}

// Output are rows that came into a stream, in order. A step may give several of one stream.
type Output struct {
	Stream string
	First  uint64 // position of the first row: 0 is the first that the stream ever had
	Rows   *Rows
}

// App runs a plan.
type App struct {
	plan *Plan
}

// New makes an App at the beginning of time.
func New(p *Plan, o Options) (*App, error) { return &App{plan: p}, nil }

// Apply runs a step. Its error (ErrStateLimit, ErrNotFound for a batch of an unknown source) means
// that the App is not to be used further; what is wrong with single rows goes to error_stream.
func (a *App) Apply(s Step) (Result, error) { return Result{}, ErrNotFound }

// Deadline is when the next window ends, and so when the next step is due without any record.
func (a *App) Deadline() (time.Time, bool) { return time.Time{}, false }

// SetReference gives a reference table its rows in place of those it had: the content of an
// object, of the form that the Reference's Schema says. Until then a table is empty. Reference
// data is not part of a snapshot: it is set again after Restore.
func (a *App) SetReference(name string, data []byte) error { return ErrNotFound }

// StateBytes is about how much memory the state takes, in bytes.
func (a *App) StateBytes() int64 { return 0 }

// Snapshot writes the state, with a text of the owner's: where its inputs stand.
func (a *App) Snapshot(w io.Writer, positions []byte) error { return ErrSnapshot }

// Restore gives a new App the state of a snapshot and returns the owner's text.
func (a *App) Restore(r io.Reader) (positions []byte, err error) { return nil, ErrSnapshot }

// Tap is a live view of a stream.
type Tap struct{}

// Tap begins to keep the rows that come into a stream, up to a limit in bytes; those beyond it
// are dropped and counted. Close ends it.
func (a *App) Tap(stream string, limit int) (*Tap, error) { return nil, ErrNotFound }

// Next waits for rows, and says how many were dropped before them. It returns io.EOF behind Close.
func (t *Tap) Next(ctx context.Context) (rows *Rows, dropped uint64, err error) {
	return nil, 0, io.EOF
}

// Close ends the tap.
func (t *Tap) Close() {}
