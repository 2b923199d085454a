package queue

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"time"

	"golang.org/x/sync/semaphore"
)

// Drain is how workers deliver what queues have, each the only consumer of its own: some messages at a time, with a bound on
// the bytes of those that all workers hold.
type Drain struct {
	// Memory is that bound, in bytes. It is at least n times Longest of each Run.
	Memory *semaphore.Weighted
	// Longest is how many bytes a stored message has at most, or nearly: there has to be room for so many before it is
	// received.
	Longest int64
	// Times is how many times its bytes a message takes while it is held.
	Times int64
}

const (
	// drainIdle is how long a worker waits for a message before it opens its queue again.
	drainIdle = 10 * time.Minute
	// drainHidden is how long a message that is being worked at is hidden: a crash delays it by as much.
	drainHidden = 30 * time.Second
)

// Run hands what the queue that open returns has to handle, up to n messages at a time, until ctx ends, and returns the
// cause of that. handle removes what is done, and says when what is not is to come again. The errors of open and handle end
// it, as does the removal of the queue: ErrGone.
func (d *Drain) Run(ctx context.Context, n int, open func() (*Queue, error), handle func(q *Queue, list []Received) error) error {
	for ctx.Err() == nil {
		q, err := open()
		if err != nil {
			return err
		}
		if err := d.once(ctx, n, q, handle); err != nil && ctx.Err() == nil {
			return err
		}
	}
	return context.Cause(ctx)
}

func (d *Drain) once(ctx context.Context, n int, q *Queue, handle func(q *Queue, list []Received) error) error {
	ready, err := q.Await(ctx, drainIdle)
	if err != nil || !ready {
		return err
	}
	most := int64(n) * d.Longest
	if err := d.Memory.Acquire(ctx, most); err != nil {
		return err
	}
	list, err := q.Receive(ctx, n, drainHidden, 0)
	held := int64(0)
	for i := range list {
		held += d.Times * int64(len(list[i].Body))
	}
	held = min(held, most)
	d.Memory.Release(most - held)
	defer d.Memory.Release(held)
	switch {
	case err != nil:
		return fmt.Errorf("receive from the queue: %w", err)
	case len(list) == 0:
		return nil
	case ctx.Err() != nil:
		return giveBack(q, list)
	}
	return handle(q, list)
}

// giveBack lets messages be received at once that a worker which ends has not worked at.
func giveBack(q *Queue, list []Received) error {
	handles := make([]string, len(list))
	for i := range list {
		handles[i] = list[i].Handle
	}
	_, err := q.Change(handles, make([]time.Duration, len(list)))
	return err
}

// NewID draws the id of a queue of a kind, its first byte: no other has it.
func NewID(kind byte) uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // it does not fail
	b[0] = kind
	return binary.BigEndian.Uint64(b[:])
}
