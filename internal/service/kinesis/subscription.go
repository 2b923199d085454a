package kinesis

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/brookmere/brookmere/internal/engine/state"
)

// subscriptions are the running subscriptions of consumers to shards, one at most for each
// consumer and shard.
type subscriptions struct {
	mu     sync.Mutex
	active map[subscriptionKey]*subscription
}

type subscriptionKey struct {
	stream   string // its ID
	consumer string
	created  int64 // of the consumer, in milliseconds
	shard    int
}

// subscription is one push. What ends it from outside gives its reason to end.
type subscription struct {
	subscriptionKey
	name  []string // key of the stream's document
	began time.Time
	end   context.CancelCauseFunc
	done  chan struct{} // closed when it has ended

	mu      sync.Mutex
	changed bool   // the stream's document is another since it was looked at
	wake    func() // ends the wait for records; nil when there is none
}

// What ends a subscription. Only the second of them is the client's to know: after the
// others it subscribes again.
var (
	errExpired   = errors.New("kinesis: the subscription has lasted its five minutes")
	errTakenOver = errors.New("kinesis: another call has taken the subscription over")
	errClosing   = errors.New("kinesis: the service closes")
)

// claim makes sub the one subscription of its consumer to its shard. One that is younger
// than takeoverAge is in its way and is returned; an older one ends.
func (ss *subscriptions) claim(sub *subscription) (inTheWay *subscription) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	if old := ss.active[sub.subscriptionKey]; old != nil {
		if sub.began.Sub(old.began) < takeoverAge {
			return old
		}
		old.end(errTakenOver)
	}
	if ss.active == nil {
		ss.active = make(map[subscriptionKey]*subscription)
	}
	ss.active[sub.subscriptionKey] = sub
	return nil
}

// release takes an ended subscription out.
func (ss *subscriptions) release(sub *subscription) {
	ss.mu.Lock()
	if ss.active[sub.subscriptionKey] == sub {
		delete(ss.active, sub.subscriptionKey)
	}
	ss.mu.Unlock()
	close(sub.done)
}

func (ss *subscriptions) count() int {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	return len(ss.active)
}

// streamChanged makes the subscriptions to a stream look at its document: a shard may have
// been closed, a consumer removed.
func (ss *subscriptions) streamChanged(e state.Event) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	for _, sub := range ss.active {
		if slices.Equal(e.Key[1:], sub.name) {
			sub.look()
		}
	}
}

func (sub *subscription) look() {
	sub.mu.Lock()
	defer sub.mu.Unlock()
	sub.changed = true
	if sub.wake != nil {
		sub.wake()
	}
}

// looked says that the document is about to be read.
func (sub *subscription) looked() {
	sub.mu.Lock()
	sub.changed = false
	sub.mu.Unlock()
}

// waiting sets what ends a wait, nil after it.
func (sub *subscription) waiting(wake func()) {
	sub.mu.Lock()
	defer sub.mu.Unlock()
	if sub.wake = wake; wake != nil && sub.changed {
		wake()
	}
}

// takenOver is the error of a call that comes too early, and the exception that ends a
// subscription which another call takes over.
func takenOver(d *stream, sub *subscription) error {
	return &types.ResourceInUseException{Message: aws.String("Another active subscription exists for this consumer: " +
		d.Account + ":" + d.Name + ":" + shardID(sub.shard) + ":" + sub.consumer)}
}
