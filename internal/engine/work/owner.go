package work

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/brookmere/brookmere/internal/engine/state"
)

// Owner says which process may run a key. Keys are those of Options.Lease, else of Options.Name and
// the document, joined with slashes.
type Owner interface {
	// Acquire returns when this process may run the key, or with the error of ctx. A process that
	// has the key gets it again. elsewhere, if not nil, is called before Acquire waits, when
	// another process has it.
	Acquire(ctx context.Context, key string, elsewhere func()) (Lease, error)
}

// Lease is the right to run a key.
type Lease struct {
	// Epoch is greater than that of every earlier lease of the key that another owner had.
	Epoch uint64

	// Lost is closed when the lease is no longer this process's. nil: it never is.
	Lost <-chan struct{}

	// Release gives the lease back. It is called once, when nothing of the work is
	// running; the last one of a key lets others have it. nil: nothing needs to be done.
	Release func()
}

// Mine is the Owner on one machine: every key belongs to this process at once and for good.
// Its value is the epoch of all leases; zero means 1.
type Mine uint64

// Acquire never waits.
func (m Mine) Acquire(ctx context.Context, _ string, _ func()) (Lease, error) {
	return Lease{Epoch: max(uint64(m), 1)}, ctx.Err()
}

// Sole is the Owner of a process that has its documents to itself and keeps no count of its
// starts: its epoch is the time, so that it is later than that of the process before.
func Sole() Mine { return Mine(time.Now().UnixNano()) }

// epochDoc counts the starts of a process on one store.
type epochDoc struct {
	Epoch uint64 `json:"epoch"`
}

// Started counts a start of the one process that works on a store, and returns the Owner of
// that: its leases are later than all that earlier processes had.
func Started(ctx context.Context, s *state.Store) (Mine, error) {
	docs := state.NewCollection[epochDoc](s, "worker.epoch")
	d := &epochDoc{Epoch: 1}
	err := docs.Create(ctx, d, "node")
	if errors.Is(err, state.ErrExists) {
		d, err = docs.Modify(ctx, func(d *epochDoc) error { d.Epoch++; return nil }, "node")
	}
	if err != nil {
		return 0, fmt.Errorf("work: count the start: %w", err)
	}
	return Mine(d.Epoch), nil
}
