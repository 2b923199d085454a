package recordplan

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/brookmere/brookmere/internal/engine/delivery"
	"github.com/brookmere/brookmere/internal/engine/shardlog"
)

// A Function transforms records. It is called with a batch and returns an outcome for
// each record of it, in the order of the batch; it does its own retries, and what it
// cannot do is an outcome too. Its error is that of ctx.
type Function interface {
	Transform(ctx context.Context, batch []Outcome) ([]Outcome, error)
}

// TransformSettings say how a Transformer works now.
type TransformSettings struct {
	Spec     *Spec         // how records are unpacked
	Function Function      // nil: records go on as they are
	Size     int64         // a batch is at least so large,
	Interval time.Duration // or its first record so old
}

// TransformMark is what a Transformer remembers.
type TransformMark struct {
	Source shardlog.Position `json:"source"` // everything before it is transformed
	Output shardlog.Position `json:"output"` // and in the output before here
}

// MarkStore keeps the mark of one Transformer, as a ProgressStore keeps a Progress.
type MarkStore interface {
	Load(ctx context.Context) (*TransformMark, error)
	Save(ctx context.Context, m *TransformMark) error
}

// A Transformer copies records from a source to a shard of the log, through a function.
//
// A function need not give the same for the same record twice, so its outcomes are made
// durable before they are routed, and what follows stays exactly once. An outcome in the
// output says which record it was made of. After a crash the transformer goes on behind
// the last one of them; the function alone may see records again that it has dropped or
// whose outcomes were not written.
type Transformer struct {
	Source   delivery.Source
	Output   *shardlog.Shard
	Marks    MarkStore
	Settings func() TransformSettings // asked for each batch
	Clock    clockwork.Clock
	Moved    func(*TransformMark) // when a mark is saved; nil: not told
	Corrupt  func(error)

	mu       sync.Mutex
	at       shardlog.Position // of the mark, in the source
	flushes  int               // flushes under way
	empty    bool              // the source had no more, when it was read after the last of them began
	wake     context.CancelFunc
	progress chan struct{} // closed when the mark moves; nil when nobody waits
}

// Flush returns when everything in the source before the position is in the output. It
// needs a running Run.
func (t *Transformer) Flush(ctx context.Context, upto shardlog.Position) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.flushes++
	t.empty = false
	defer func() { t.flushes-- }()
	if t.wake != nil {
		t.wake()
	}
	for !t.reached(upto) {
		if t.progress == nil {
			t.progress = make(chan struct{})
		}
		moved := t.progress
		t.mu.Unlock()
		select {
		case <-moved:
		case <-ctx.Done():
		}
		t.mu.Lock()
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// reached reports whether everything before the position is transformed. The mark of a start
// after a crash may be behind the last record of a frame, where the end of the source is
// the next frame.
func (t *Transformer) reached(upto shardlog.Position) bool {
	sameEnd := t.at.Index > 0 && upto == shardlog.Position{Frame: t.at.Frame + 1}
	return t.at.Compare(upto) >= 0 || sameEnd && t.empty
}

// foundNothing notes that the source has no more.
func (t *Transformer) foundNothing() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.empty = true
	if t.progress != nil {
		close(t.progress)
		t.progress = nil
	}
}

// At is the position in the source that is transformed up to.
func (t *Transformer) At() shardlog.Position {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.at
}

// moved tells of a mark.
func (t *Transformer) moved(m *TransformMark) {
	t.mu.Lock()
	t.at = m.Source
	if t.progress != nil {
		close(t.progress)
		t.progress = nil
	}
	t.mu.Unlock()
	if t.Moved != nil {
		t.Moved(m)
	}
}

// Wake makes a waiting Run look at its source.
func (t *Transformer) Wake() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.wake != nil {
		t.wake()
	}
}

// idle is Source.Wait until Wake.
func (t *Transformer) idle(ctx context.Context, from shardlog.Position) error {
	wctx, cancel := context.WithCancel(ctx)
	defer cancel()
	t.mu.Lock()
	if t.flushes > 0 && !t.empty {
		t.mu.Unlock()
		return nil
	}
	t.wake = cancel
	t.mu.Unlock()
	err := t.Source.Wait(wctx, from)
	t.mu.Lock()
	t.wake = nil
	t.mu.Unlock()
	if ctx.Err() == nil && wctx.Err() != nil {
		return nil
	}
	return err
}

// waiting is Source.Wait for no longer than a time, and not during a flush.
func (t *Transformer) waiting(ctx context.Context, from shardlog.Position, d time.Duration) error {
	wctx, cancel := clockwork.WithTimeout(ctx, t.Clock, d)
	defer cancel()
	t.mu.Lock()
	if t.flushes > 0 {
		t.mu.Unlock()
		return context.DeadlineExceeded
	}
	t.wake = cancel
	t.mu.Unlock()
	err := t.Source.Wait(wctx, from)
	t.mu.Lock()
	t.wake = nil
	t.mu.Unlock()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if wctx.Err() != nil {
		return context.DeadlineExceeded
	}
	return err
}

// Run transforms until ctx ends or the source, the output or the store fails. It may be
// run again.
func (t *Transformer) Run(ctx context.Context) error {
	mark, err := t.Marks.Load(ctx)
	if err != nil {
		return err
	}
	if mark, err = t.recover(ctx, mark); err != nil {
		return err
	}
	t.moved(mark)
	var recs []shardlog.Record
	var batch shardlog.Batch
	for {
		s := t.Settings()
		var next shardlog.Position
		if recs, next, err = t.gather(ctx, mark.Source, s, recs[:0]); err != nil {
			return err
		}
		outcomes, err := t.transform(ctx, s, recs)
		if err != nil {
			return err
		}
		m := &TransformMark{Source: next, Output: mark.Output}
		if err := t.write(ctx, outcomes, &batch, m); err != nil {
			return err
		}
		if err := t.save(ctx, m); err != nil {
			return err
		}
		mark = m
		clear(recs)
	}
}

// Limits of one read.
const (
	readBytes   = 512 << 10
	readRecords = 4096
)

// Limits of what one append writes: about, and for the outcomes of one record at most.
const (
	appendTarget = 8 << 20
	appendLimit  = 20 << 20
)

// write appends outcomes. Those of one record go together, so that a crash cannot part
// them.
func (t *Transformer) write(ctx context.Context, outcomes []Outcome, batch *shardlog.Batch, m *TransformMark) error {
	batch.Reset()
	flush := func() error {
		n := batch.Len()
		if n == 0 {
			return nil
		}
		pos, _, err := t.Output.Append(ctx, batch)
		if err != nil {
			return fmt.Errorf("recordplan: write outcomes: %w", err)
		}
		m.Output = shardlog.Position{Frame: pos.Frame, Index: pos.Index + uint32(n)}
		batch.Reset()
		return nil
	}
	for len(outcomes) > 0 {
		n, size := 0, 0
		for n < len(outcomes) && outcomes[n].From == outcomes[0].From {
			size += len(outcomes[n].Data) + 512
			n++
		}
		group := outcomes[:n]
		outcomes = outcomes[n:]
		if size > appendLimit {
			o := group[0]
			o.Result, o.Data, o.Code, o.Attempts, o.Ended = Failed, nil, "Lambda.ResponseTooLarge", 1, t.Clock.Now().UnixMilli()
			o.Message = "What the record was transformed into is too large"
			group, size = []Outcome{o}, 512
		}
		if batch.Size() > 0 && batch.Size()+size > appendTarget {
			if err := flush(); err != nil {
				return err
			}
		}
		for i := range group {
			o := &group[i]
			if o.Result == Dropped {
				continue
			}
			key, err := json.Marshal(o)
			if err != nil {
				return fmt.Errorf("recordplan: write an outcome: %w", err)
			}
			batch.Add(key, o.Data)
		}
	}
	return flush()
}

func (t *Transformer) save(ctx context.Context, m *TransformMark) error {
	if err := t.Marks.Save(ctx, m); err != nil {
		return err
	}
	t.moved(m)
	return nil
}

// recover moves the mark behind outcomes that were written and not marked.
func (t *Transformer) recover(ctx context.Context, mark *TransformMark) (*TransformMark, error) {
	m := *mark
	for {
		recs, next, err := t.Output.Read(ctx, m.Output, shardlog.ReadOptions{MaxBytes: readBytes}, nil)
		if err != nil && !(errors.Is(err, shardlog.ErrCorrupt) && next.Compare(m.Output) > 0) {
			return nil, err
		}
		if len(recs) > 0 {
			var o Outcome
			if err := json.Unmarshal(recs[len(recs)-1].Key, &o); err != nil {
				return nil, fmt.Errorf("recordplan: read an outcome: %w", err)
			}
			o.From.Index++
			if m.Source.Compare(o.From) < 0 {
				m.Source = o.From
			}
		} else if err == nil {
			break
		}
		m.Output = next
	}
	if m != *mark {
		return &m, t.save(ctx, &m)
	}
	return &m, nil
}

// gather reads a batch: at least one record, and more until there is enough of them or
// the first has waited enough.
func (t *Transformer) gather(ctx context.Context, from shardlog.Position, s TransformSettings, recs []shardlog.Record) ([]shardlog.Record, shardlog.Position, error) {
	var size int64
	var due time.Time
	for size < s.Size {
		n := len(recs)
		var next shardlog.Position
		var err error
		recs, next, err = t.Source.Read(ctx, from, shardlog.ReadOptions{MaxRecords: readRecords, MaxBytes: int(min(s.Size-size, readBytes))}, recs)
		if err != nil {
			if !errors.Is(err, shardlog.ErrCorrupt) || next.Compare(from) <= 0 {
				return nil, from, err
			}
			if t.Corrupt != nil {
				t.Corrupt(err)
			}
		}
		from = next
		for _, r := range recs[n:] {
			size += int64(len(r.Data))
		}
		if len(recs) > 0 && due.IsZero() {
			due = t.Clock.Now().Add(s.Interval)
		}
		if len(recs) > n || err != nil {
			continue
		}
		if len(recs) == 0 {
			t.foundNothing()
			if err := t.idle(ctx, from); err != nil {
				return nil, from, err
			}
			continue
		}
		left := due.Sub(t.Clock.Now())
		if left <= 0 {
			break
		}
		if err := t.waiting(ctx, from, left); errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
			break
		} else if err != nil {
			return nil, from, err
		}
	}
	return recs, from, nil
}

// transform unpacks records and calls the function, with no more than it takes at once.
func (t *Transformer) transform(ctx context.Context, s TransformSettings, recs []shardlog.Record) ([]Outcome, error) {
	u := unpacker{spec: s.Spec}
	if s.Spec.Split == SplitDelimited {
		var err error
		if u.splitAt, err = ParseDelimiter(s.Spec.SplitAt); err != nil {
			return nil, err
		}
	}
	var done, batch []Outcome
	var size int64
	call := func() error {
		if len(batch) == 0 {
			return nil
		}
		if s.Function == nil {
			done = append(done, batch...)
		} else {
			out, err := s.Function.Transform(ctx, batch)
			if err != nil {
				return err
			}
			done = append(done, out...)
		}
		batch, size = nil, 0
		return nil
	}
	for i := range recs {
		r := &recs[i]
		from, arrival := r.Position, r.Time.UnixMilli()
		var failed error
		fail := func(data []byte, code, reason string) {
			batch = append(batch, Outcome{
				Result: Failed, Data: data, Arrival: arrival, Origin: u.origin, Code: code, Message: reason, Attempts: 1,
				Ended: t.Clock.Now().UnixMilli(), From: from,
			})
		}
		add := func(data []byte) {
			if failed == nil && size > 0 && size+int64(len(data)) > max(s.Size, 1) {
				failed = call()
			}
			batch = append(batch, Outcome{Data: data, Arrival: arrival, Origin: u.origin, From: from})
			size += int64(len(data))
		}
		open := func(data []byte) {
			u.open(data, func(data []byte) { u.split(data, add, fail) }, fail)
		}
		if s.Spec.Kinesis {
			u.kinesis(r.Key, r.Data, open)
		} else {
			open(r.Data)
		}
		if failed != nil {
			return nil, failed
		}
	}
	return done, call()
}

// Transformed is the source of a pipeline that delivers what a Transformer has written:
// its records have the arrival times of those that they were made of.
type Transformed struct{ *shardlog.Shard }

// Read is that of Source.
func (s Transformed) Read(ctx context.Context, from shardlog.Position, o shardlog.ReadOptions, dst []shardlog.Record) ([]shardlog.Record, shardlog.Position, error) {
	n := len(dst)
	recs, next, err := s.Shard.Read(ctx, from, o, dst)
	for i := n; i < len(recs); i++ {
		var a struct {
			Arrival int64 `json:"arrival"`
		}
		if json.Unmarshal(recs[i].Key, &a) == nil && a.Arrival > 0 {
			recs[i].Time = time.UnixMilli(a.Arrival).UTC()
		}
	}
	return recs, next, err
}
