package framestore

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

const (
	collectEvery = 10 * time.Second

	// Packs below a quarter of the size are compacted when there are so many of them.
	smallPacks = 4

	// Compaction leaves so many bytes of the disk free for what is to be appended: it takes some before it gives any back.
	keepFree = 64 << 20
)

// loop collects now and then, and seals packs that are full.
func (s *Store) loop() {
	defer close(s.ended)
	tick := time.NewTicker(collectEvery)
	defer tick.Stop()
	for {
		var err error
		select {
		case <-s.stop:
			return
		case <-s.rotated:
			err = s.Sync()
		case <-tick.C:
			err = s.Collect()
		}
		if err != nil && !errors.Is(err, ErrClosed) && !errors.Is(err, ErrSuspect) { // that was reported when it happened
			s.report(err)
		}
	}
}

// Collect forgets frames that have expired, removes packs of which nothing is left, and compacts those of which less
// than half is: what is left goes to the active one. A goroutine of the store's calls it every ten seconds.
func (s *Store) Collect() error {
	s.collecting.Lock()
	defer s.collecting.Unlock()
	now := s.o.Now().UnixMilli()
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return ErrClosed
	}
	for _, sh := range s.shards {
		if sh.maxAge > 0 && sh.attached {
			s.expire(sh, now-sh.maxAge)
		}
	}
	garbage := s.garbage
	s.garbage = nil
	full := false
	for _, p := range s.unsealed() {
		full = full || p != s.active
	}
	s.mu.Unlock()
	for _, path := range garbage {
		s.unlink(path)
	}
	var failed, unread error
	if full {
		failed = s.Sync() // seals them
	}
	for _, group := range s.toCompact() {
		if failed != nil {
			return failed // copies would not become durable either
		}
		select {
		case <-s.stop:
			return nil
		default:
		}
		if !s.hasRoom(group) {
			continue // packs that become empty go all the same
		}
		if err := s.compact(group); errors.Is(err, errUnreadable) {
			unread = errors.Join(unread, err) // which keeps no other one from it
		} else if err != nil {
			return err
		}
	}
	return errors.Join(failed, unread)
}

// toCompact removes the sealed packs of which nothing is left, and returns those to be compacted, in groups.
func (s *Store) toCompact() [][]*pack {
	var empty, small []*pack
	var groups [][]*pack
	s.mu.RLock()
	for _, p := range s.packs {
		if p == nil || !p.sealed || p.pending > 0 {
			continue
		}
		size, live := p.footer.at-packHeader, p.live*alignment
		switch {
		case p.runs == 0:
			empty = append(empty, p)
		case p.keep:
		case live < size/2:
			groups = append(groups, []*pack{p})
		case p.footer.end < s.o.PackBytes/4:
			small = append(small, p)
		}
	}
	s.mu.RUnlock()
	for _, p := range empty {
		s.remove(p)
	}
	if len(small) >= smallPacks {
		groups = append(groups, slices.Collect(slices.Chunk(small, 2*smallPacks))...)
	}
	return groups
}

// hasRoom reports whether the disk has room for the copies of what is left of packs.
func (s *Store) hasRoom(group []*pack) bool {
	need := int64(keepFree)
	s.mu.RLock()
	for _, p := range group {
		need += p.live * alignment
	}
	s.mu.RUnlock()
	free, err := s.disk.free(s.dir)
	return err != nil || free >= uint64(need)
}

// compact copies what is left of sealed packs to the active one, and removes them. What could not be copied stays where it is.
func (s *Store) compact(group []*pack) error {
	var moves []move
	var failed error
	for _, p := range group {
		some, err := s.copyPack(p)
		moves = append(moves, some...)
		if errors.Is(err, errDamaged) {
			p.keep = true
			s.report(err)
		} else if err != nil {
			failed = errors.Join(failed, err)
			if !errors.Is(err, errUnreadable) {
				break
			}
		}
	}
	if len(moves) > 0 {
		if err := s.Sync(); err != nil {
			for _, m := range moves {
				s.abandon(m)
			}
			return err
		}
		for _, m := range moves {
			s.settle(m)
		}
	}
	for _, p := range group {
		s.remove(p)
	}
	return failed
}

// copyPack copies what is left of a sealed pack, up to the first frame that cannot be.
func (s *Store) copyPack(p *pack) (moves []move, err error) {
	file, err := s.files.take(p.key, p.path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUnreadable, err)
	}
	defer s.files.giveBack(file)
	_, _, foot, ok, err := readFooter(file, p.footer.end, p.number)
	if err == nil && !ok {
		err = errDamaged
	}
	if err != nil {
		return nil, fmt.Errorf("framestore: pack %016x: %w: %w", p.number, errUnreadable, err)
	}
	type source struct {
		shard uint64
		run
	}
	var all []source
	s.mu.RLock()
	for _, f := range foot {
		sh := s.shards[f.shard]
		if sh == nil {
			continue
		}
		for i := sh.at(f.first); i < len(sh.runs) && sh.runs[i].first < f.first+uint64(f.count); i++ {
			if sh.runs[i].pack == p.key {
				all = append(all, source{f.shard, sh.runs[i]})
			}
		}
	}
	s.mu.RUnlock()
	for _, a := range all {
		refs, err := readRefs(file, p.footer, a.ref, a.count)
		if err != nil {
			return moves, fmt.Errorf("framestore: pack %016x: %w: %w", p.number, errUnreadable, err)
		}
		m, err := s.copyRun(p, file, p.footer.at, a.shard, a.first, refs)
		if err != nil {
			return moves, err
		}
		moves = append(moves, m)
	}
	return moves, nil
}
