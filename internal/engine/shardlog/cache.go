package shardlog

import (
	"container/list"
	"sync"
)

// cache holds verified frames of all shards, those used last, up to a number of bytes.
type cache struct {
	max int64

	mu     sync.Mutex
	bytes  int64
	recent list.List // of *cached, the one used last in front
	frames map[cacheKey]*list.Element
}

type cacheKey struct {
	shard *Shard
	seq   uint64
}

type cached struct {
	key cacheKey
	f   *frame
}

// cost is what a frame takes, with what surrounds it.
func cost(f *frame) int64 { return int64(cap(f.buf)) + 4*int64(cap(f.marks)) + 300 }

func (c *cache) get(s *Shard, seq uint64) *frame {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.frames[cacheKey{s, seq}]
	if e == nil {
		return nil
	}
	c.recent.MoveToFront(e)
	return e.Value.(*cached).f
}

func (c *cache) put(s *Shard, f *frame) {
	if cost(f) > c.max/2 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.frames == nil {
		c.frames = map[cacheKey]*list.Element{}
	}
	key := cacheKey{s, f.seq}
	if e := c.frames[key]; e != nil {
		c.recent.MoveToFront(e)
		return
	}
	c.frames[key] = c.recent.PushFront(&cached{key, f})
	for c.bytes += cost(f); c.bytes > c.max; {
		c.remove(c.recent.Back())
	}
}

func (c *cache) remove(e *list.Element) {
	v := c.recent.Remove(e).(*cached)
	delete(c.frames, v.key)
	c.bytes -= cost(v.f)
}

// clear forgets all frames.
func (c *cache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.recent.Init()
	c.frames, c.bytes = nil, 0
}

// drop forgets all frames of a shard.
func (c *cache) drop(s *Shard) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key, e := range c.frames {
		if key.shard == s {
			c.remove(e)
		}
	}
}
