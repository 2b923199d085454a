package metricstore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// sweepAll removes what is too old, every hour.
func (s *Store) sweepAll() {
	t := s.o.Clock.NewTicker(time.Hour)
	defer t.Stop()
	for {
		if err := s.Sweep(); err != nil && !errors.Is(err, ErrFailed) {
			s.o.OnError(fmt.Errorf("metricstore: remove what is too old: %w", err))
		}
		select {
		case <-t.Chan():
		case <-s.stop:
			return
		}
	}
}

// Sweep removes what is too old.
func (s *Store) Sweep() error {
	now := s.now()
	return s.guarded(func() error {
		for res, r := range resolutions {
			oldest := now - r.kept
			if oldest -= oldest % r.block; oldest > 0 {
				if err := s.db.DeleteRange(blockKey(res, 0), blockKey(res, oldest), pebble.NoSync); err != nil {
					return err
				}
			}
		}
		return errors.Join(s.sweepKind(kindMetric, func(_, value []byte) bool {
			k, err := decodeKnown(value)
			return err == nil && k.last < now-Kept-day
		}), s.sweepKind(kindEvent, func(key, _ []byte) bool {
			n := len(key) - 16
			return n > 0 && int64(binary.BigEndian.Uint64(key[n:])) < (now-eventsKept)*1000
		}))
	})
}

// sweepKind removes the rows of a kind that are old.
func (s *Store) sweepKind(kind byte, old func(key, value []byte) bool) error {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{kind}, UpperBound: []byte{kind + 1}})
	if err != nil {
		return err
	}
	defer it.Close()
	for ok := it.First(); ok; ok = it.Next() {
		select {
		case <-s.stop:
			return nil
		default:
		}
		if !old(it.Key(), it.Value()) {
			continue
		}
		if err := s.removeOld(it.Key(), old); err != nil {
			return err
		}
	}
	return it.Error()
}

// removeOld removes a row that is still old when no metric can be written to.
func (s *Store) removeOld(key []byte, old func(key, value []byte) bool) error {
	s.metrics.mu.Lock()
	defer s.metrics.mu.Unlock()
	v, closer, err := s.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	is := old(key, v)
	closer.Close()
	if !is {
		return nil
	}
	delete(s.metrics.newer, string(key))
	delete(s.metrics.old, string(key))
	return s.db.Delete(key, pebble.NoSync)
}
