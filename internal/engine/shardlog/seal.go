package shardlog

import (
	"cmp"
	"slices"
	"time"
)

// sealOld is the goroutine that lets frames go that have been open long, or the largest where
// too much is held.
func (fr *front) sealOld() {
	tick := time.NewTicker(sealEvery)
	defer tick.Stop()
	for n := 1; ; n++ {
		select {
		case <-fr.ended:
			return
		case <-tick.C:
			if n%seldom == 0 {
				frameBuffers.trim()
			}
			// To look at thousands takes a while, and they are in no hurry.
			if n%seldom == 0 || fr.excess() > 0 || fr.count() < manyDirty {
				fr.sealDue()
			}
		}
	}
}

// sealDue lets go what is due now.
func (fr *front) sealDue() {
	type aged struct {
		s     *Shard
		age   time.Duration
		bytes int64
	}
	var open []aged
	var leaving int64 // bytes that are under way to their streams, or will be without our doing
	all := fr.shards()
	for _, s := range all {
		s.mu.Lock()
		if n := len(s.growing); n > 0 && !s.growing[n-1].full {
			o := s.growing[n-1]
			a := aged{s, time.Since(o.began), int64(o.assigned.length)}
			open = append(open, a)
		}
		leaving += s.leaving()
		s.mu.Unlock()
	}
	excess := fr.excess() - leaving
	old := sealAge
	if len(all) > manyOpen {
		old = idleAge
	}
	if excess > 0 {
		slices.SortFunc(open, func(a, b aged) int { return cmp.Compare(b.bytes, a.bytes) })
	}
	for _, a := range open {
		if excess <= 0 && (a.age < old || a.bytes < idleBytes && a.age < idleAge) {
			continue
		}
		excess -= a.bytes
		a.s.mu.Lock()
		a.s.fillAll()
		a.s.mu.Unlock()
	}
}
