package kinesis

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/brookmere/brookmere/internal/engine/metering"
	"github.com/brookmere/brookmere/internal/engine/shardlog"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// streamRuntime is what a running service keeps of a stream beside its document: the handles of
// its shards, and the lock that appends share and a change of shards takes alone.
type streamRuntime struct {
	mu   sync.RWMutex
	view atomic.Pointer[view]

	limits limiter
	meter  *metering.Resource
}

// view is a stream's document with what puts and reads look up in it.
type view struct {
	doc    *stream
	open   []openShard             // by range
	starts []hashKey               // of their ranges, for locate: close together
	near   []uint16                // by the upper bits of a hash key: the shard of the first key with them; nil: few shards
	logs   map[int]*shardlog.Shard // of all shards that have not expired, by index
}

type openShard struct {
	*shard
	id  string
	seq sequence
	log *shardlog.Shard
}

// runtime returns what the service keeps of a stream. Of a stream that has gone meanwhile nothing is kept.
func (s *Service) runtime(d *stream) *streamRuntime {
	if r, ok := s.runtimes.Load(d.ID); ok {
		return r.(*streamRuntime)
	}
	r, _ := s.runtimes.LoadOrStore(d.ID, &streamRuntime{meter: s.measured(d)})
	if now, err := s.streams.Get(d.key()...); errors.Is(err, state.ErrNotFound) || err == nil && now.ID != d.ID {
		s.runtimes.Delete(d.ID) // remove deletes the document first, so that one of the two sees the other
	}
	return r.(*streamRuntime)
}

// viewOf returns the view of the document, recreated when the document is another than
// that of the last call.
func (s *Service) viewOf(ctx context.Context, r *streamRuntime, d *stream) (*view, error) {
	old := r.view.Load()
	if old != nil && old.doc == d {
		return old, nil
	}
	v := &view{doc: d, logs: make(map[int]*shardlog.Shard, len(d.Shards))}
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
		v.logs[sh.Index] = log
		if sh.open() {
			v.open = append(v.open, openShard{sh, sh.id(), sh.sequence(), log})
		}
	}
	slices.SortFunc(v.open, func(a, b openShard) int { return a.Start.compare(b.Start) })
	v.starts = make([]hashKey, len(v.open))
	for i := range v.open {
		v.starts[i] = v.open[i].Start
	}
	v.index()
	r.view.CompareAndSwap(old, v)
	return v, nil
}

// shardLog returns the log of a shard in the stream's document.
func (s *Service) shardLog(ctx context.Context, d *stream, sh *shard) (*shardlog.Shard, error) {
	v, err := s.viewOf(ctx, s.runtime(d), d)
	if err != nil {
		if _, gone := s.current(d); gone != nil {
			return nil, gone
		}
		return nil, shardError(d, sh, err)
	}
	log := v.logs[sh.Index]
	if log == nil { // it has expired this moment
		return nil, noShard(sh.id(), d.Name, d.Account)
	}
	return log, nil
}

// nearShift is how far a hash key's upper half is shifted for its place in view.near.
const nearShift = 64 - 12

// index makes near, if there are so many shards that it is worth its memory.
func (v *view) index() {
	if len(v.starts) < 32 || len(v.starts) > math.MaxUint16 {
		return
	}
	near := make([]uint16, 1<<(64-nearShift)+1)
	for at := range near[:len(near)-1] {
		near[at] = uint16(v.locate(hashKey{uint64(at) << nearShift, 0}))
	}
	near[len(near)-1] = uint16(len(v.starts) - 1)
	v.near = near
}

// locate returns the number, in v.open, of the shard that takes the hash key.
func (v *view) locate(k hashKey) int {
	lo, hi := 0, len(v.starts)-1
	if v.near != nil {
		at := k.hi >> nearShift
		lo, hi = int(v.near[at]), int(v.near[at+1])
	}
	for lo < hi {
		mid := int(uint(lo+hi+1) >> 1)
		if v.starts[mid].compare(k) <= 0 {
			lo = mid
		} else {
			hi = mid - 1
		}
	}
	return lo
}
