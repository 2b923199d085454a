package framestore

import (
	"fmt"
	"slices"
	"sort"
	"sync"
)

// flight is a sync that calls share.
type flight struct {
	done chan struct{}
	err  error
}

// Sync makes durable what was appended before the call. Calls at the same time share the work: one that comes while another
// one's is under way waits for the next. After an error nothing is known of what was appended since the last success,
// and the next call tries again.
func (s *Store) Sync() error {
	s.flights.Lock()
	if f := s.next; f != nil {
		s.flights.Unlock()
		<-f.done
		return f.err
	}
	f := &flight{done: make(chan struct{})}
	s.next = f
	s.flights.Unlock()

	s.syncing.Lock()
	s.flights.Lock()
	s.next = nil
	s.flights.Unlock()
	if s.done {
		f.err = ErrClosed
	} else {
		f.err = s.syncAll()
	}
	s.syncing.Unlock()
	close(f.done)
	return f.err
}

// syncAll syncs, and heals what is suspect. The caller holds syncing.
func (s *Store) syncAll() error {
	var failed error
	for range 2 { // what fails in the first round is healed at once, while the system still has it in memory
		moves, cannot := s.copySuspects()
		failed = s.syncPacks()
		for _, m := range moves {
			if failed == nil {
				s.settle(m)
			} else {
				s.abandon(m)
			}
		}
		s.sealFull()
		if cannot != nil {
			failed = cannot
			break
		}
		if failed == nil {
			return nil
		}
	}
	return fmt.Errorf("%w: %w", ErrSuspect, failed)
}

// syncPacks syncs the packs that have something new, two at a time. One of which that fails is suspect then.
func (s *Store) syncPacks() error {
	type due struct {
		*pack
		end int64
	}
	var all []due
	nameless := false
	s.mu.RLock()
	for _, p := range s.unsealed() {
		if p.suspect == nil && p.end > p.synced {
			all = append(all, due{p, p.end})
			nameless = nameless || !p.named
		}
	}
	s.mu.RUnlock()
	if nameless && !s.o.NoSync {
		if err := s.disk.syncDir(s.dir); err != nil {
			for _, d := range all {
				if !d.named {
					s.suspect(d.pack, err)
				}
			}
			return err
		}
	}
	errs := make([]error, len(all))
	var wg sync.WaitGroup
	two := make(chan struct{}, 2)
	for i, d := range all {
		if s.o.NoSync {
			break
		}
		two <- struct{}{}
		wg.Go(func() {
			errs[i] = s.disk.sync(d.file)
			<-two
		})
	}
	wg.Wait()
	var failed error
	for i, d := range all {
		if errs[i] != nil {
			failed = errs[i]
			s.suspect(d.pack, errs[i])
			continue
		}
		s.mu.Lock()
		d.synced, d.named = d.end, true
		s.mu.Unlock()
	}
	return failed
}

// unsealed returns the packs without a footer, in ascending order. Callers hold mu.
func (s *Store) unsealed() []*pack {
	var all []*pack
	// They are among the last ones, except at a start.
	for _, p := range s.packs[min(s.sealedTo, len(s.packs)):] {
		if p != nil && !p.sealed {
			all = append(all, p)
		}
	}
	return all
}

// sealFull seals the packs that take no more and are durable, and moves on where the unsealed ones begin. The caller
// holds syncing.
func (s *Store) sealFull() {
	s.mu.RLock()
	all := slices.DeleteFunc(s.unsealed(), func(p *pack) bool {
		return p == s.active || p.suspect == nil && p.synced < p.end || p.suspect != nil && len(p.unsynced()) > 0
	})
	s.mu.RUnlock()
	for _, p := range all {
		if err := s.seal(p); err != nil && !p.told {
			p.told = true
			s.report(err)
		}
	}
	s.mu.Lock()
	for s.sealedTo < len(s.packs) && (s.packs[s.sealedTo] == nil || s.packs[s.sealedTo].sealed) {
		s.sealedTo++
	}
	s.mu.Unlock()
}

// unsynced returns those runs that are in the index and not durable. Callers hold Store.mu.
func (p *pack) unsynced() []*openRun {
	var all []*openRun
	for _, o := range p.open {
		if !o.dead && !o.pending && o.refs[0].offset() >= p.synced {
			all = append(all, o)
		}
	}
	return all
}

// suspect takes a pack out of use of which a sync has failed: one that succeeds later would not prove that the system has not
// dropped what it could not write. The caller holds syncing.
func (s *Store) suspect(p *pack, err error) {
	s.appending.Lock()
	s.mu.Lock()
	p.suspect = err
	if s.active == p {
		s.active = nil
	}
	for at, o := range slices.Clone(p.open) {
		if o.dead {
			continue
		}
		k := sort.Search(len(o.refs), func(i int) bool { return o.refs[i].offset() >= p.synced })
		if o.pending {
			if k < len(o.refs) {
				o.lost, o.dead, o.refs = true, true, nil
			}
			continue
		}
		if k == 0 || k == len(o.refs) {
			continue
		}
		tail := &openRun{shard: o.shard, first: o.first + uint64(k), refs: o.refs[k:]}
		o.refs = o.refs[:k:k]
		p.open = append(p.open, tail)
		sh := s.shards[o.shard]
		i := sh.at(o.first)
		sh.runs[i] = o.run(p.key, uint32(at))
		sh.runs = slices.Insert(sh.runs, i+1, tail.run(p.key, uint32(len(p.open)-1)))
		p.runs++
	}
	s.mu.Unlock()
	s.appending.Unlock()
	s.report(fmt.Errorf("framestore: sync of pack %016x failed: its frames go to another one: %w", p.number, err))
	s.nameSuspect(p)
}

// nameSuspect gives the file the name by which the next start knows that it is suspect.
func (s *Store) nameSuspect(p *pack) {
	to := s.path(p.number, suspectName)
	if err := s.rename(p.path, to); err != nil {
		s.report(err)
		return
	}
	s.mu.Lock()
	p.path, p.renamed = to, true
	s.mu.Unlock()
}

// copySuspects copies what is not durable of suspect packs to the active one. It returns what it has copied also
// when not all could be. The caller holds syncing.
func (s *Store) copySuspects() (moves []move, err error) {
	type source struct {
		*pack
		id, first uint64
		refs      []ref
	}
	var all []source
	s.mu.RLock()
	for _, p := range s.unsealed() {
		if p.suspect == nil {
			continue
		}
		for _, o := range p.unsynced() {
			all = append(all, source{p, o.shard, o.first, o.refs})
		}
	}
	s.mu.RUnlock()
	for _, a := range all {
		if !a.renamed {
			s.nameSuspect(a.pack)
		}
		m, failed := s.copyRun(a.pack, a.file, a.end, a.id, a.first, a.refs)
		if failed != nil {
			err = failed
			continue
		}
		moves = append(moves, m)
	}
	return moves, err
}
