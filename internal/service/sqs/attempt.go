package sqs

import (
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/brookmere/brookmere/internal/engine/queue"
)

const (
	// attemptTime is how long a call that receives can be tried again.
	attemptTime = 5 * time.Minute
	// maxAttempts bounds those that are remembered. Beyond it, the messages of new ones come back in their time alone.
	maxAttempts = 20_000
)

// attempts remembers what calls with a ReceiveRequestAttemptId received from FIFO queues, so that a caller that got no answer
// gets the same messages again. It is in memory: after a restart the messages come back when their time is over.
type attempts struct {
	mu   sync.Mutex
	made map[attemptKey]attempt
}

type attemptKey struct {
	queue uint64 // its id
	id    string
}

type attempt struct {
	at   time.Time // of the first call
	held []queue.Held
}

// find returns what an attempt received.
func (a *attempts) find(k attemptKey, clock clockwork.Clock) (attempt, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	x, ok := a.made[k]
	if ok && clock.Since(x.at) >= attemptTime {
		delete(a.made, k)
		return attempt{}, false
	}
	return x, ok
}

// keep remembers what an attempt received, which began at a time. One that received nothing changes nothing: another call of
// the attempt, at the same time, may have received messages.
func (a *attempts) keep(k attemptKey, at time.Time, list []queue.Received, clock clockwork.Clock) {
	if len(list) == 0 {
		return
	}
	x := attempt{at: at}
	for i := range list {
		x.held = append(x.held, queue.Held{Handle: list[i].Handle, Until: list[i].Until})
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.made == nil {
		a.made = map[attemptKey]attempt{}
	}
	if len(a.made) >= maxAttempts {
		for k, x := range a.made {
			if clock.Since(x.at) >= attemptTime {
				delete(a.made, k)
			}
		}
		if len(a.made) >= maxAttempts {
			return
		}
	}
	a.made[k] = x
}
