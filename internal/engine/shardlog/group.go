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
}

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
	}
	if g.refused != nil {
		o.w.err = g.refused
		return
	}
	g.waits.Add(1)
	if err := s.begin(ctx, b, &o.w); err != nil {
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
