package kinesisanalytics

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/brookmere/brookmere/internal/awskit/shardreader"
	"github.com/brookmere/brookmere/internal/engine/streamsql"
)

// The steps of an application: which records are taken when, and what is written down of it.

// slot is how exact the ROWTIME of records is that come together: those that arrived in the same
// slot get the time of the newest of them. Slots begin at whole multiples, so that a slot never
// lies in two windows of whole slots.
const slot = 100 * time.Millisecond

// stepBytes is about how many bytes of records are taken for one step at most.
const stepBytes = 4 << 20

// When a snapshot is due: after so many bytes of records, or four times what the last one took, if
// that is more; so many steps; so much time.
const (
	snapshotBytes = 64 << 20
	snapshotSteps = 5000
	snapshotEvery = time.Minute
)

// work takes one step after the other until ctx ends, something fails, or it is to finish.
func (r *running) work(ctx context.Context) error {
	for {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		select {
		case <-r.finishing:
			return r.end(ctx)
		default:
		}
		took, wait, err := r.advance(ctx)
		if errors.Is(err, streamsql.ErrInterrupted) && ctx.Err() == nil {
			if err := r.write(ctx); err != nil {
				return err
			}
			return errFinished
		}
		if err != nil {
			return err
		}
		if r.snapshotDue() {
			if err := r.snapshot(ctx); err != nil {
				return err
			}
		}
		if took {
			continue
		}
		t := r.s.clock.NewTimer(wait)
		select {
		case <-r.wake:
		case <-t.Chan():
		case f := <-r.taps:
			f()
		case <-r.finishing:
		case <-ctx.Done():
		}
		t.Stop()
	}
}

// endWait is how long an application that is to stop waits for its outputs.
const endWait = 10 * time.Second

// end stops work: what is not delivered when an output does not take it stays to be delivered at
// the next start.
func (r *running) end(ctx context.Context) error {
	soon, cancel := context.WithTimeout(ctx, endWait)
	defer cancel()
	err := r.snapshot(soon)
	if err != nil && ctx.Err() == nil && soon.Err() != nil {
		r.s.tell(r.doc, "WARN", "The application has stopped before an output had taken all rows. They are delivered when it is started at LAST_STOPPED_POINT.")
		err = r.write(ctx)
	}
	if err != nil {
		return err
	}
	return errFinished
}

func (r *running) snapshotDue() bool {
	if r.sinceSteps == 0 {
		return false
	}
	return r.sinceBytes >= max(snapshotBytes, 4*r.stateBytes) || r.sinceSteps >= snapshotSteps || r.s.clock.Now().Sub(r.sinceTime) >= snapshotEvery
}

// advance takes the next step, if there is one; wait is how long there is none if nothing comes.
func (r *running) advance(ctx context.Context) (took bool, wait time.Duration, err error) {
	now := r.s.clock.Now()
	st, batches, tip, hold := r.gather(now)
	if st != nil {
		return true, 0, r.apply(ctx, *st, batches)
	}
	wait = r.untilSnapshot(now)
	if hold > 0 {
		return false, min(wait, hold), nil
	}
	deadline, ok := r.app.Deadline()
	if !ok || !tip {
		return false, wait, nil
	}
	if due := deadline.Add(r.slack).Sub(now); due > 0 {
		return false, min(wait, due), nil
	}
	return true, 0, r.apply(ctx, step{Time: deadline.UnixMilli()}, nil)
}

func (r *running) untilSnapshot(now time.Time) time.Duration {
	if r.sinceSteps == 0 {
		return time.Minute
	}
	return max(snapshotEvery-now.Sub(r.sinceTime), time.Millisecond)
}

// gather takes the records of the next slot of time, in the order of inputs and shards. tip is
// whether nothing is left that has arrived.
//
// Records of a slot are taken when every shard has been read beyond it, or has no more, so that
// shards that were read to different times come together by the times of their records. Before a
// window is closed by the records of one shard, the others get a moment (hold) to be read.
func (r *running) gather(now time.Time) (st *step, batches []streamsql.Batch, tip bool, hold time.Duration) {
	for _, f := range r.feeds {
		f.mu.Lock()
		defer f.mu.Unlock()
	}
	tip = true
	var first time.Time // arrival of the oldest record that waits
	var limit time.Time // arrival up to which all that there is has been read; zero: now
	found := false
	for _, f := range r.feeds {
		if !f.ready() {
			return nil, nil, false, 0
		}
		for _, q := range f.queues {
			if n := len(q.items); n > 0 {
				tip = false
				if at := q.items[0].arrival; !found || at.Before(first) {
					first, found = at, true
				}
			}
			if q.tip || q.ended || q.stalled {
				continue
			}
			tip = false
			if len(q.items) == 0 {
				return nil, nil, false, 0 // it is being read
			}
			if at := q.items[len(q.items)-1].arrival; limit.IsZero() || at.Before(limit) {
				limit = at
			}
		}
	}
	if !found {
		return nil, nil, tip, 0
	}
	if deadline, ok := r.app.Deadline(); ok && !first.Before(deadline) {
		if hold := deadline.Add(r.slack).Sub(now); hold > 0 {
			return nil, nil, false, hold
		}
	}
	until := first.Truncate(slot).Add(slot)
	st = &step{}
	newest := r.last
	size := 0
	for _, f := range r.feeds {
		for _, id := range sortedQueues(f.queues) {
			q := f.queues[id]
			n := 0
			for n < len(q.items) && size < stepBytes && q.items[n].arrival.Before(until) && (limit.IsZero() || !q.items[n].arrival.After(limit)) {
				if at := q.items[n].arrival; at.After(newest) {
					newest = at
				}
				size += q.items[n].size
				n++
			}
			if n > 0 {
				st.Parts = append(st.Parts, stepRange{Input: f.index, Shard: id, Count: n, Last: q.items[n-1].sequence})
				batches = append(batches, r.batch(f, q, n))
			}
		}
	}
	if st.Parts == nil {
		return nil, nil, false, 0
	}
	st.Time = newest.UnixMilli()
	r.sinceBytes += int64(size)
	return st, batches, false, 0
}

// batch takes the first n records of a queue. The feed's mu is held.
func (r *running) batch(f *feed, q *queue, n int) streamsql.Batch {
	items := f.take(q, n)
	return streamsql.Batch{Source: f.doc.streams()[q.source], Records: engineRecords(make([]streamsql.Record, 0, n), items)}
}

// apply takes a step and hands its rows to the outputs. What was taken before them is durable
// before they go out.
func (r *running) apply(ctx context.Context, st step, batches []streamsql.Batch) error {
	at := time.UnixMilli(st.Time).UTC()
	res, err := r.app.Apply(streamsql.Step{Time: at, Batches: batches})
	if err != nil {
		return fmt.Errorf("run the code: %w", err)
	}
	if at.After(r.last) {
		r.last = at
	}
	r.sinceSteps++
	r.s.metrics.took(r.doc, batches)
	sends := false
	for _, out := range res.Outputs {
		if out.Stream == streamsql.ErrorStream {
			r.tellErrors(out.Rows)
		}
		if r.watched[out.Stream] {
			sends = true
			r.rows[out.Stream] = out.First + uint64(out.Rows.Len())
		}
	}
	if !r.replaying {
		r.unwritten = append(r.unwritten, st)
		if sends {
			if err := r.write(ctx); err != nil {
				return err
			}
		}
	}
	for _, out := range res.Outputs {
		if !r.watched[out.Stream] {
			continue
		}
		for _, o := range r.outputs {
			if o.doc.Name == out.Stream {
				if err := o.take(ctx, out); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// write makes the steps durable that were taken, and how far outputs are.
func (r *running) write(ctx context.Context) error {
	if len(r.unwritten) == 0 {
		return nil
	}
	if err := r.progress.steps(ctx, stepsRecord{r.unwritten, r.delivered()}); err != nil {
		return fmt.Errorf("write down what was taken: %w", err)
	}
	r.unwritten = nil
	return nil
}

// replay takes the steps again that were taken since the snapshot.
func (r *running) replay(ctx context.Context, steps []step) error {
	r.replaying = true
	defer func() { r.replaying = false }()
	for _, st := range steps {
		var batches []streamsql.Batch
		for _, p := range st.Parts {
			b, err := r.again(ctx, p)
			if errors.Is(err, errRecordsLost) {
				r.s.log.Error("records that an application had taken are no longer in its stream: its open windows lack them", "application", r.doc.arn(), "shard", p.Shard)
				r.s.tell(r.doc, "ERROR", "Records of shard "+p.Shard+" that were taken before a failure are no longer in the stream: open windows lack them.")
				continue
			}
			if err != nil {
				return err
			}
			batches = append(batches, b)
		}
		if err := r.apply(ctx, st, batches); err != nil {
			return err
		}
	}
	return nil
}

var errRecordsLost = errors.New("records are no longer there")

// again waits for the records of a range and takes them.
func (r *running) again(ctx context.Context, p stepRange) (streamsql.Batch, error) {
	if p.Input < 0 || p.Input >= len(r.feeds) {
		return streamsql.Batch{}, fmt.Errorf("the log of progress tells of input %d, which the application does not have", p.Input)
	}
	f := r.feeds[p.Input]
	var parts []item
	source := 0
	for need := p.Count; need > 0; {
		f.mu.Lock()
		q := f.queues[p.Shard]
		n := 0
		gone := false
		if q != nil {
			n, source = min(len(q.items), need), q.source
			gone = q.ended && n == 0
		} else {
			gone = f.gone(p.Shard)
		}
		if n > 0 {
			// A record that is not of the range says that those of the range have expired.
			for k := range n {
				if later(q.items[k].sequence, p.Last) {
					n, gone = k, true
					break
				}
			}
		}
		if n > 0 {
			parts = append(parts, f.take(q, n)...)
			need -= n
		}
		f.mu.Unlock()
		if gone {
			if len(parts) == 0 {
				return streamsql.Batch{}, errRecordsLost
			}
			break
		}
		if n > 0 {
			continue
		}
		t := r.s.clock.NewTimer(50 * time.Millisecond)
		select {
		case <-r.wake:
		case <-t.Chan():
		case <-ctx.Done():
			t.Stop()
			return streamsql.Batch{}, context.Cause(ctx)
		}
		t.Stop()
	}
	return streamsql.Batch{Source: f.doc.streams()[source], Records: engineRecords(nil, parts)}, nil
}

// later says whether a sequence number is behind another of its shard: they are decimal numbers.
func later(a, b string) bool {
	if len(a) != len(b) {
		return len(a) > len(b)
	}
	return a > b
}

// inputs is how far the records of each input were taken.
func (r *running) inputs() map[string]*shardreader.Position {
	out := map[string]*shardreader.Position{}
	for _, f := range r.feeds {
		out[f.doc.ID] = f.position()
	}
	return out
}
