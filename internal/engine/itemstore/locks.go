package itemstore

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cespare/xxhash/v2"
)

const stripes = 4096

// locks are the locks of keys: a key's is that of its stripe.
type locks [stripes]stripe

type stripe struct {
	mu sync.Mutex
	// pending is the last write of a key of the stripe that may not be synced yet.
	pending atomic.Pointer[commit]
	// version counts the writes of the stripe that were applied: see hot.
	version atomic.Uint32
}

// commit is a write on its way to the disk. err is valid when done is closed.
type commit struct {
	done chan struct{}
	err  error
}

func (c *commit) wait() error {
	if c == nil {
		return nil
	}
	<-c.done
	return c.err
}

func (l *locks) of(row []byte) *stripe { return l.at(xxhash.Sum64(row)) }

func (l *locks) at(hash uint64) *stripe { return &l[hash%stripes] }

// set locks the stripes of rows, in one order for all callers. With patience not zero it
// gives up when one is not to be had in that time: busy is then the first row of it, else -1.
func (l *locks) set(rows [][]byte, patience time.Duration) (held []*stripe, busy int) {
	of := make([]int, 0, len(rows))
	for _, r := range rows {
		of = append(of, int(xxhash.Sum64(r)%stripes))
	}
	at := slices.Clone(of)
	slices.Sort(at)
	at = slices.Compact(at)
	var deadline time.Time
	for _, i := range at {
		s := &l[i]
		if patience == 0 {
			s.mu.Lock()
		} else {
			for wait := time.Microsecond; !s.mu.TryLock(); wait *= 2 {
				if deadline.IsZero() {
					deadline = time.Now().Add(patience)
				}
				if time.Now().After(deadline) {
					unlock(held)
					return nil, slices.Index(of, i)
				}
				time.Sleep(min(wait, time.Millisecond))
			}
		}
		held = append(held, s)
	}
	return held, -1
}

func unlock(held []*stripe) {
	for _, s := range held {
		s.mu.Unlock()
	}
}
