package kinesis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/brookmere/brookmere/internal/engine/shardlog"
)

// route is what a running service keeps of a stream beside its document: the handles of
// its shards, and the lock that appends share and a change of shards takes alone.
type route struct {
	mu   sync.RWMutex
	view atomic.Pointer[view]

	limits limiter
}

// view is a stream's document with what puts and reads look up in it.
type view struct {
	doc    *stream
	open   []openShard // by range
	closed map[int]*shardlog.Shard
}

type openShard struct {
	*shard
	id  string
	seq sequence
	log *shardlog.Shard
}

func (s *Service) route(d *stream) *route {
	if r, ok := s.routes.Load(d.ID); ok {
		return r.(*route)
	}
	r, _ := s.routes.LoadOrStore(d.ID, new(route))
	return r.(*route)
}

// viewOf returns the view of the document, made anew when the document is another than
// that of the last call.
func (s *Service) viewOf(ctx context.Context, r *route, d *stream) (*view, error) {
	old := r.view.Load()
	if old != nil && old.doc == d {
		return old, nil
	}
	v := &view{doc: d, closed: make(map[int]*shardlog.Shard)}
	now := s.clock.Now()
	for i := range d.Shards {
		sh := &d.Shards[i]
		if d.expired(sh, now) {
			continue
		}
		log, err := s.cfg.Log.Shard(ctx, d.logName(sh.Index))
		if errors.Is(err, shardlog.ErrNoShard) && !sh.open() {
			continue // swept, by a document that is newer
		}
		if err != nil {
			return nil, fmt.Errorf("kinesis: opening %s of stream %s: %w", sh.id(), d.arn(), err)
		}
		if sh.open() {
			v.open = append(v.open, openShard{sh, sh.id(), sh.sequence(), log})
		} else {
			v.closed[sh.Index] = log
		}
	}
	slices.SortFunc(v.open, func(a, b openShard) int { return a.Start.compare(b.Start) })
	r.view.CompareAndSwap(old, v)
	return v, nil
}

// shardLog returns the log of a shard in the stream's document.
func (s *Service) shardLog(ctx context.Context, d *stream, sh *shard) (*shardlog.Shard, error) {
	v, err := s.viewOf(ctx, s.route(d), d)
	if err != nil {
		if _, gone := s.current(d); gone != nil {
			return nil, gone
		}
		return nil, shardError(d, sh, err)
	}
	log := v.log(sh.Index)
	if log == nil { // it has expired this moment
		return nil, noShard(sh.id(), d.Name, d.Account)
	}
	return log, nil
}

// locate returns the number, in v.open, of the shard that takes the hash key.
func (v *view) locate(k hashKey) int {
	lo, hi := 0, len(v.open)-1
	for lo < hi {
		mid := int(uint(lo+hi+1) >> 1)
		if v.open[mid].Start.compare(k) <= 0 {
			lo = mid
		} else {
			hi = mid - 1
		}
	}
	return lo
}

// log returns the shard of the log behind an open or closed shard, nil for neither.
func (v *view) log(index int) *shardlog.Shard {
	if l := v.closed[index]; l != nil {
		return l
	}
	for i := range v.open {
		if v.open[i].Index == index {
			return v.open[i].log
		}
	}
	return nil
}
