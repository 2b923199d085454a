package worker

import "context"

// Owner says which process may run a key. Keys are those of Options.Name and the document,
// joined with slashes.
type Owner interface {
	// Acquire returns when this process may run the key, or with the error of ctx.
	Acquire(ctx context.Context, key string) (Lease, error)
}

// Lease is the right to run a key.
type Lease struct {
	// Epoch is greater than that of every earlier lease of the key that another owner had.
	Epoch uint64

	// Lost is closed when the lease is no longer this process's. nil: it never is.
	Lost <-chan struct{}

	// Release gives the lease back. It is called once, when nothing of the work is
	// running. nil: nothing needs to be done.
	Release func()
}

// Mine is the Owner on one machine: every key belongs to this process at once and for good.
// Its value is the epoch of all leases; zero means 1.
type Mine uint64

// Acquire never waits.
func (m Mine) Acquire(ctx context.Context, _ string) (Lease, error) {
	return Lease{Epoch: max(uint64(m), 1)}, ctx.Err()
}
