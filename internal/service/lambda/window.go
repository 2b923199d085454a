package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"time"

	"github.com/brookmere/brookmere/internal/awskit/shardreader"
)

// windowGrace is how long after its end a window waits for records that came before it and are being written.
const windowGrace = 500 * time.Millisecond

// runWindows calls the function with the records of one tumbling window after the other, and
// with the state that it returned before. A window is over when a record of a later one
// comes, or its time has passed and all records that are there were read; the function is
// then called once more, finally.
func (l *lane[R]) runWindows(ctx context.Context) error {
	for {
		d := l.j.Document()
		size := time.Duration(d.Tumbling) * time.Second
		w := l.store.window(l.sh.ID)
		records, over, err := l.gather(ctx, d, w)
		if err != nil {
			return err
		}
		for len(records) > 0 {
			start := l.c.info(&records[0]).Arrived.Truncate(size)
			n := 1
			for n < len(records) && l.c.info(&records[n]).Arrived.Truncate(size).Equal(start) {
				n++
			}
			if w != nil && start.After(w.Start) {
				if err := l.closeWindow(ctx, w, false); err != nil {
					return err
				}
				w = nil
			}
			if w == nil {
				w = &windowDoc{Start: start, End: start.Add(size), State: json.RawMessage("{}")}
			}
			last := l.c.info(&records[n-1]).Sequence
			if kept := l.filtered(d, records[:n]); len(kept) > 0 {
				if err := l.deliver(ctx, batch[R]{records: kept, window: w}); err != nil {
					return err
				}
			}
			records = records[n:]
			if len(w.State) > maxState {
				if err := l.closeWindow(ctx, w, true); err != nil {
					return err
				}
				w = nil
			}
			l.store.setWindow(l.sh.ID, w)
			if err := l.sh.CommitTo(ctx, shardreader.Place{After: last, Begun: true}); err != nil {
				return err
			}
		}
		past := w != nil && !l.s.clock.Now().Before(w.End.Add(windowGrace))
		if past && !over {
			if past, err = l.sh.CaughtUp(ctx); err != nil {
				return err
			}
		}
		if w != nil && (over || past) {
			if err := l.closeWindow(ctx, w, false); err != nil {
				return err
			}
			l.store.setWindow(l.sh.ID, nil)
			if err := l.sh.CommitTo(ctx, l.sh.Place()); err != nil {
				return err
			}
		}
		if over {
			return nil
		}
	}
}

// closeWindow is the last call for a window.
func (l *lane[R]) closeWindow(ctx context.Context, w *windowDoc, early bool) error {
	c := *w
	return l.deliver(ctx, batch[R]{window: &c, final: true, early: early})
}

// gather takes a batch, and waits no longer than to the end of an open window. over says that
// the shard has ended.
func (l *lane[R]) gather(ctx context.Context, d *mappingDoc, w *windowDoc) (records []R, over bool, err error) {
	until := time.Time{}
	if w != nil {
		until = w.End.Add(windowGrace)
	}
	size := 0
	for len(records) < int(d.Batch) && size < maxBatchData {
		wait, cancel := ctx, context.CancelFunc(func() {})
		if !until.IsZero() {
			left := until.Sub(l.s.clock.Now())
			if left <= 0 && len(records) > 0 {
				return records, false, nil
			}
			// Time that is not the machine's is waited for by the clock.
			wait, cancel = context.WithCancel(ctx)
			t := l.s.clock.AfterFunc(max(left, time.Millisecond), cancel)
			defer t.Stop()
		}
		more, err := l.sh.Next(wait, shardreader.Limits{Records: int(d.Batch) - len(records), Bytes: maxBatchData - size})
		late := wait.Err() != nil
		cancel()
		switch {
		case ctx.Err() != nil:
			return nil, false, context.Cause(ctx)
		case errors.Is(err, io.EOF):
			return records, true, nil
		case err != nil && late:
			return records, false, nil
		case err != nil:
			return nil, false, err
		}
		for i := range more {
			size += l.c.info(&more[i]).Size
		}
		records = append(records, more...)
		// From the first record on, a batch gathers for so long.
		end := l.s.clock.Now().Add(time.Duration(d.Window) * time.Second)
		if d.Window == 0 {
			return records, false, nil
		}
		if len(records) == len(more) && (until.IsZero() || end.Before(until)) {
			until = end
		}
	}
	return records, false, nil
}
