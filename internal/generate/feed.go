package generate

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jonboulle/clockwork"
)

// InFlight is how many batches of a feed wait or are on their way at most.
const InFlight = 8

// pace is how often a feed looks what is due.
const pace = 20 * time.Millisecond

// Record is what a sink takes.
type Record struct {
	Data []byte
	Key  string // the partition key; sinks without one ignore it
}

// A Sink takes records. It is for several goroutines.
type Sink interface {
	// Put sends a batch and returns how many records were taken. It tries again what was refused for now.
	Put(ctx context.Context, batch []Record) (int, error)
	// Limits are the most records and bytes (data and keys) of a batch.
	Limits() (records, bytes int)
}

// Feed is records on their way from a source to a sink.
type Feed struct {
	Source  Source  // or
	Replay  *Replay // records of a file
	Pattern Pattern // nil with a Replay, which has times of its own
	Sink    Sink
	Clock   clockwork.Clock
	Count   int64         // records to send; 0: no limit
	For     time.Duration // how long; 0: no limit
	Newline bool          // end each record with a line feed
	Gzip    bool          // compress each record, which then has no line feed
	Seed    uint64        // of random partition keys

	made, taken, bytes atomic.Int64
}

// Counts are the records made, those that the sink took, and their bytes.
func (f *Feed) Counts() (made, taken, bytes int64) {
	return f.made.Load(), f.taken.Load(), f.bytes.Load()
}

// patience is how long what was made before the end of a feed's context may take to be sent.
const patience = 5 * time.Second

// errUnsent is a sink that did not take in time what was made before the end.
var errUnsent = errors.New("stopped before all that was made was taken")

// Run sends until all that was asked for is taken, until the sink fails, or until the end of ctx, which is no
// error: what was made by then is sent still, for at most five seconds.
func (f *Feed) Run(ctx context.Context) error {
	sending, fail := context.WithCancelCause(context.WithoutCancel(ctx))
	defer fail(nil)
	defer context.AfterFunc(ctx, func() { f.Clock.AfterFunc(patience, func() { fail(errUnsent) }) })()
	batches := make(chan []Record, InFlight/2)
	var wg sync.WaitGroup
	for range InFlight / 2 {
		wg.Go(func() {
			for b := range batches {
				n, err := f.Sink.Put(sending, b)
				f.taken.Add(int64(n))
				if err != nil {
					fail(err)
				}
			}
		})
	}
	err := f.make(ctx, sending, batches)
	close(batches)
	wg.Wait()
	if cause := context.Cause(sending); cause != nil {
		return cause
	}
	return err
}

// make fills batches with what is due.
func (f *Feed) make(ctx, sending context.Context, out chan<- []Record) error {
	m := newMaker(f)
	tick := f.Clock.NewTicker(pace)
	defer tick.Stop()
	for start := f.Clock.Now(); ; {
		elapsed := f.Clock.Since(start)
		last := f.For > 0 && elapsed >= f.For
		if last {
			elapsed = f.For
		}
		done, err := m.fill(elapsed, func(b []Record) bool {
			select {
			case out <- b:
				return ctx.Err() == nil
			case <-sending.Done():
				return false
			}
		})
		if err != nil || done || last {
			return err
		}
		select {
		case <-tick.Chan():
		case <-sending.Done():
			return nil
		case <-ctx.Done():
			return nil
		}
	}
}

// maker makes the records of a feed.
type maker struct {
	*Feed
	rng              *rand.Rand
	keyed            Keyed
	scratch          []byte
	zipped           bytes.Buffer
	zip              *gzip.Writer
	records, maximum int
}

func newMaker(f *Feed) *maker {
	m := &maker{Feed: f, rng: newRand(f.Seed, 0x6b65_7973), scratch: make([]byte, 0, 1024)}
	m.keyed, _ = f.Source.(Keyed)
	m.records, m.maximum = f.Sink.Limits()
	if f.Gzip {
		m.zip = gzip.NewWriter(&m.zipped)
	}
	return m
}

// fill makes what is due after some time, in batches that go to send, and reports whether that was all there ever is.
func (m *maker) fill(elapsed time.Duration, send func([]Record) bool) (done bool, err error) {
	var (
		batch []Record
		size  int
		due   = int64(1) << 62
		now   = m.Clock.Now() // of a batch
	)
	if m.Pattern != nil {
		due = int64(m.Pattern(elapsed))
	}
	if m.Count > 0 {
		due = min(due, m.Count)
	}
	flush := func() bool {
		if len(batch) == 0 {
			return true
		}
		b := batch
		batch, size = nil, 0
		return send(b)
	}
	for made := m.made.Load(); made < due; made++ {
		var r Record
		if m.Replay != nil {
			var ok bool
			if r.Data, ok, err = m.Replay.next(elapsed); err != nil || !ok {
				done = m.Replay.ended
				break
			}
			m.scratch = append(m.scratch[:0], r.Data...)
		} else {
			m.scratch = m.Source.Append(m.scratch[:0], now)
		}
		r.Data = m.finish()
		if m.keyed != nil {
			r.Key = m.keyed.Key()
		} else {
			r.Key = strconv.FormatInt(m.rng.Int64N(1e10), 10)
		}
		n := len(r.Data) + len(r.Key)
		if len(batch) == m.records || size > 0 && size+n > m.maximum {
			if !flush() {
				return true, nil
			}
		}
		if batch == nil {
			now = m.Clock.Now()
			batch = make([]Record, 0, min(int64(m.records), due-made))
		}
		batch, size = append(batch, r), size+n
		m.made.Add(1)
		m.bytes.Add(int64(len(r.Data)))
	}
	if !flush() {
		return true, err
	}
	return done || m.Count > 0 && m.made.Load() >= m.Count, err
}

// finish returns the record as it is sent, in memory of its own.
func (m *maker) finish() []byte {
	if m.zip == nil {
		if m.Newline {
			m.scratch = append(m.scratch, '\n')
		}
		return bytes.Clone(m.scratch)
	}
	m.zipped.Reset()
	m.zip.Reset(&m.zipped)
	_, _ = m.zip.Write(m.scratch) // a buffer does not fail
	_ = m.zip.Close()
	return bytes.Clone(m.zipped.Bytes())
}
