package streamsql

import (
	"fmt"
	goruntime "runtime"
	"sync"
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
	// Interrupted is asked now and then while a step is under way, by its goroutine. The step ends with
	// ErrInterrupted when it says true. nil: no step is interrupted.
	Interrupted func() bool
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
	// Of a record of a stream, for applications that select them.
	PartitionKey, SequenceNumber, ShardID string
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
	plan     *Plan
	rt       *runtime
	b        *builder
	outputs  []Output
	decoders map[string][]*recordDecoder
	parallel int
	broken   error
	started  bool
	mu       sync.Mutex // over the taps of the streams
}

// New makes an App at the beginning of time.
func New(p *Plan, o Options) (*App, error) {
	if o.StateLimit == 0 {
		o.StateLimit = DefaultStateLimit
	}
	if o.Parallel <= 0 {
		o.Parallel = goruntime.GOMAXPROCS(0)
	}
	rt := &runtime{limit: o.StateLimit, interrupted: o.Interrupted}
	b, err := build(p.statements, p.sources, p.references, rt)
	if err != nil {
		return nil, err
	}
	a := &App{plan: p, rt: rt, b: b, decoders: map[string][]*recordDecoder{}, parallel: o.Parallel}
	for _, s := range b.order {
		s.result = &a.outputs
	}
	for _, name := range o.Outputs {
		s := b.streams[name]
		if s == nil {
			return nil, fmt.Errorf("%w: stream %q", ErrNotFound, name)
		}
		s.output = true
	}
	return a, nil
}

// Apply runs a step. Its error (ErrStateLimit, ErrInterrupted, an Error where a
// regular expression takes too long, ErrNotFound for a batch of an unknown source) means
// that the App is not to be used further; what is wrong with single rows goes to error_stream.
func (a *App) Apply(s Step) (result Result, err error) {
	if a.broken != nil {
		return Result{}, a.broken
	}
	defer func() {
		if r := recover(); r != nil {
			switch r := r.(type) {
			case *Error:
				err = r
			case stateFull:
				err = fmt.Errorf("%w of %d bytes", ErrStateLimit, a.rt.limit)
			case stepEnded:
				err = ErrInterrupted
			default:
				a.broken = fmt.Errorf("streamsql: a step failed: %v", r)
				panic(r)
			}
		}
		if err != nil {
			a.broken = err
			result = Result{}
		}
	}()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.outputs = nil
	now := s.Time.UnixMilli()
	if a.started {
		now = max(now, a.rt.now)
	}
	a.started = true
	a.rt.now = now
	a.advance()
	for _, batch := range s.Batches {
		if err := a.feed(batch); err != nil {
			return Result{}, err
		}
	}
	if len(s.Batches) > 0 {
		a.advance()
	}
	return Result{a.outputs}, nil
}

func (a *App) advance() {
	for _, o := range a.rt.operators {
		o.advance(a.rt.now)
	}
}

// chunk is how many records are decoded at once. It is the same on every machine, as rows of
// error_stream come before those of their chunk.
const chunk = 1024

// feed decodes records, on several cores where they are many, and pushes their rows.
func (a *App) feed(in Batch) error {
	r := a.plan.readers[in.Source]
	s := a.b.streams[in.Source]
	if r == nil || s == nil || s.Kind != SourceStream {
		return fmt.Errorf("%w: source %q", ErrNotFound, in.Source)
	}
	decoders := a.decoders[in.Source]
	chunks := (len(in.Records) + chunk - 1) / chunk
	workers := min(a.parallel, chunks)
	for len(decoders) < workers {
		decoders = append(decoders, r.decoder())
	}
	a.decoders[in.Source] = decoders
	part := func(k int) []Record { return in.Records[k*chunk : min((k+1)*chunk, len(in.Records))] }
	if workers <= 1 {
		for k := range chunks {
			b, bad := decoders[0].decode(part(k), a.rt.now)
			a.push(s, b, bad)
		}
		return nil
	}
	// Worker w decodes the chunks w, w+workers, ...; each is one chunk ahead.
	type decoded struct {
		b   *batch
		bad []badRecord
	}
	now := a.rt.now
	results := make([]chan decoded, workers)
	stop := make(chan struct{})
	var running sync.WaitGroup
	for w := range workers {
		results[w] = make(chan decoded, 1)
		running.Go(func() {
			for k := w; k < chunks; k += workers {
				b, bad := decoders[w].decode(part(k), now)
				select {
				case results[w] <- decoded{b, bad}:
				case <-stop:
					return
				}
			}
		})
	}
	defer running.Wait()
	defer close(stop)
	for k := range chunks {
		d := <-results[k%workers]
		a.push(s, d.b, d.bad)
	}
	return nil
}

func (a *App) push(s *stream, b *batch, bad []badRecord) {
	for _, e := range bad {
		a.rt.report(e.err, "", value{i: a.rt.now}, e.data)
	}
	s.push(b)
}

// Deadline is when the next window ends, and so when the next step is due without any record.
func (a *App) Deadline() (time.Time, bool) {
	d := int64(never)
	for _, o := range a.rt.operators {
		d = min(d, o.deadline())
	}
	if d == never {
		return time.Time{}, false
	}
	return time.UnixMilli(d).UTC(), true
}

// SetReference gives a reference table its rows in place of those it had: the content of an
// object, of the form that the Reference's Schema says. Until then a table is empty. Reference
// data is not part of a snapshot: it is set again after Restore. It returns how many rows could
// not be read; the others are there.
func (a *App) SetReference(name string, data []byte) (bad int, err error) {
	t := a.b.tables[name]
	if t == nil {
		return 0, fmt.Errorf("%w: reference %q", ErrNotFound, name)
	}
	d := a.plan.readers[name].decoder()
	b, failed := d.decode([]Record{{Data: data}}, 0)
	t.rows = b
	clear(t.index)
	return len(failed), nil
}

// StateBytes is about how much memory the state takes, in bytes.
func (a *App) StateBytes() int64 { return a.rt.used }

// ErrorRows is how many rows have come into error_stream since the code began to run, those before a restored
// state included.
func (a *App) ErrorRows() uint64 { return a.rt.errors.count }
