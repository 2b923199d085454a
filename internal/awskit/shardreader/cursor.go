package shardreader

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// cursor reads one shard from a place on. It is for one goroutine; what is atomic is not.
type cursor[R any] struct {
	r     *Reader[R]
	id    string
	place Place // as far as it has read
	over  bool  // what waits for the end of the shard may begin; not for the goroutine of Run

	iterator string // "": none at hand
	check    bool   // the first record to come is the last one again
	lost     bool   // it was not: records are no longer there

	atEnd    bool          // at the tip
	soon     bool          // the last read brought all there was
	at, due  time.Time     // of the last read; of the next one
	wait     time.Duration // between reads at the tip
	pause    time.Time     // after a failure
	failures int
	read     time.Time // when the last read succeeded, or the first one that failed was begun

	ready   atomic.Bool // there is more
	waiting atomic.Bool
	ctx     context.Context // of what waits
	close   context.CancelFunc
}

// next is when the shard is to be read.
func (c *cursor[R]) next(gap time.Duration) time.Time {
	t := c.due
	if c.soon || c.ready.Load() {
		t = c.at.Add(gap)
	}
	if c.pause.After(t) {
		return c.pause
	}
	return t
}

// get reads once. After an error the place is as it was.
func (c *cursor[R]) get(ctx context.Context, limit int32) ([]R, error) {
	r := c.r
	c.ready.Store(false)
	c.at = r.o.Clock.Now()
	page, err := c.call(ctx, limit)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, c.failed(err)
	}
	if c.failures > 0 && r.o.Events.Recovered != nil {
		r.o.Events.Recovered(c.id)
	}
	c.failures, c.pause, c.read = 0, time.Time{}, c.at
	records := c.took(page)
	c.soon = len(records) > 0 && c.atEnd
	switch {
	case c.place.Ended:
	case len(records) > 0 || !c.atEnd:
		c.due, c.wait = c.at, 0
	default:
		c.wait = min(max(r.o.PollWait, c.wait+c.wait/4), r.o.IdleWait)
		if r.waiter != nil {
			c.wait = max(r.o.ToldWait, c.wait)
			if !r.running {
				c.listen()
			}
		}
		c.due = c.at.Add(c.wait)
	}
	return records, nil
}

// failed notes a failure and says when to try again.
func (c *cursor[R]) failed(err error) error {
	r := c.r
	c.iterator = "" // it may be what is wrong
	if expired(err) {
		return err
	}
	if trimmed(err) { // nor is what comes after the place
		c.lost = true
		c.place = Place{Begun: true}
		return err
	}
	if c.read.IsZero() {
		c.read = c.at
	}
	if c.failures++; c.failures >= tellFailing {
		r.setFailed(c.id, c.read)
	}
	wait := min(r.o.PollWait<<min(c.failures-1, 10), r.o.MaxWait)
	c.pause = r.o.Clock.Now().Add(wait)
	if throttled(err) {
		return err
	}
	// Another stream of the name would take the place that is asked for.
	r.doubt.Store(true)
	err = fmt.Errorf("read shard %s: %w", c.id, err)
	r.o.Events.failed(c.id, err, c.failures, wait)
	return err
}

// took moves the place behind a page and returns what is new of it.
func (c *cursor[R]) took(page Page[R]) []R {
	records := page.Records
	if c.place.First != "" && c.place.After == "" && len(records) > 0 {
		c.lost = c.lost || c.place.First != c.r.s.About(&records[0]).Sequence
	}
	if c.check && len(records) > 0 {
		if c.check = false; c.r.s.About(&records[0]).Sequence == c.place.After {
			records = records[1:]
		} else {
			c.lost = true
		}
	}
	if n := len(records); n > 0 {
		c.place.After, c.place.First = c.r.s.About(&records[n-1]).Sequence, ""
	}
	c.iterator, c.atEnd = page.Next, page.Behind == 0
	c.place.Begun, c.place.latest = true, false
	c.place.Ended = page.Next == ""
	c.r.setBehind(c.id, page.Behind)
	return records
}

// start is where the cursor begins.
func (c *cursor[R]) start() Start {
	switch p := c.place; {
	case p.After != "":
		return Start{Kind: AtSequence, Sequence: p.After}
	case p.latest:
		return Start{Kind: Latest}
	case !p.From.IsZero():
		return Start{Kind: AtTime, Time: p.From}
	}
	return Start{Kind: TrimHorizon}
}

func (c *cursor[R]) call(ctx context.Context, limit int32) (Page[R], error) {
	if c.iterator == "" {
		c.check = c.place.After != ""
		iterator, err := c.r.s.Iterator(ctx, c.id, c.start())
		if err != nil {
			return Page[R]{}, err
		}
		c.iterator = iterator
	}
	if c.check {
		limit = min(limit+1, maxRecords)
	}
	return c.r.s.Read(ctx, c.iterator, limit)
}

// listen wakes the reader when the shard has more.
func (c *cursor[R]) listen() {
	if c.waiting.Swap(true) {
		return
	}
	iterator := c.iterator
	c.r.wg.Go(func() {
		err := c.r.waiter.WaitForRecords(c.ctx, iterator)
		c.waiting.Store(false)
		if err == nil {
			c.ready.Store(true)
			c.r.Wake()
		}
	})
}
