package shardlog

import (
	"context"
	"sync"
	"time"
)

// Group is appends, to any shards of one log, that are begun one after the other and waited
// for together. The zero value is ready, and is again after Wait.
type Group struct {
	waits    sync.WaitGroup
	admitted bool
	refused  error
	now      int64  // when it was admitted, in milliseconds since 1970
	stamp    uint64 // the last one
	stamps   int    // how many there are behind it
}

// stampsAtOnce are the stamps that a group takes at a time, which all of the log take from.
const stampsAtOnce = 64

// Outcome is what has become of an append of a group. It must stay where it is from Begin to
// Wait.
type Outcome struct{ w waiter }

// Begin begins an append, whose outcome is o's after Wait. The batch is free for reuse then,
// too. The context is that of waiting for room, before the first append of a group: what has
// begun it does not end.
func (g *Group) Begin(ctx context.Context, s *Shard, b *Batch, o *Outcome) {
	o.w = waiter{group: g}
	if !g.admitted {
		g.admitted, g.refused = true, s.log.admit(ctx)
		g.now = s.log.clock.Now().UnixMilli()
	}
	if g.refused != nil {
		o.w.err = g.refused
		return
	}
	if g.stamps == 0 {
		g.stamps = stampsAtOnce
		g.stamp = s.log.stamp.Add(stampsAtOnce) - stampsAtOnce
	}
	g.stamps--
	g.stamp++
	g.waits.Add(1)
	if err := s.begin(ctx, b, &o.w, g.now, g.stamp); err != nil {
		o.w.fail(err)
	}
}

// Wait returns when each append is durable or has failed.
func (g *Group) Wait() {
	g.waits.Wait()
	g.admitted, g.refused = false, nil
}

// Result returns what Append returns.
func (o *Outcome) Result() (Position, time.Time, error) {
	if o.w.err != nil {
		return Position{}, time.Time{}, o.w.err
	}
	return o.w.pos, time.UnixMilli(o.w.time).UTC(), nil
}
