// Package inflight bounds the memory of requests and answers: buffers grow as bytes arrive,
// not as a header announces, and draw from one budget for all of a process.
package inflight

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/aws/smithy-go"
)

// Budget is how many bytes may be in memory at once. The nil Budget has no bound. Its methods
// may be called by many goroutines.
type Budget struct {
	mu    sync.Mutex
	limit int64
	used  int64
	freed chan struct{} // closed and replaced when bytes are given back while others wait
	wait  int           // how many do
}

// New returns a budget of so many bytes.
func New(limit int64) *Budget { return &Budget{limit: limit, freed: make(chan struct{})} }

// Patience is how long a request waits for room before its client is told to slow down.
const Patience = 2 * time.Second

// Used is how many bytes are taken.
func (b *Budget) Used() int64 {
	if b == nil {
		return 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used
}

// TryTake takes n bytes if there is room for them.
func (b *Budget) TryTake(n int64) bool {
	if b == nil {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.used+n > b.limit {
		return false
	}
	b.used += n
	return true
}

// Take takes n bytes, waiting for room up to Patience. It returns ErrSlowDown if there is
// none by then, and the context's error when that ends.
func (b *Budget) Take(ctx context.Context, n int64) error {
	if b.TryTake(n) {
		return nil
	}
	timer := time.NewTimer(Patience)
	defer timer.Stop()
	for {
		b.mu.Lock()
		if b.used+n <= b.limit {
			b.used += n
			b.mu.Unlock()
			return nil
		}
		freed := b.freed
		b.wait++
		b.mu.Unlock()
		var err error
		select {
		case <-freed:
		case <-timer.C:
			err = ErrSlowDown
		case <-ctx.Done():
			err = ctx.Err()
		}
		b.mu.Lock()
		b.wait--
		b.mu.Unlock()
		if err != nil {
			return err
		}
	}
}

// Give gives n bytes back.
func (b *Budget) Give(n int64) {
	if b == nil || n == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used -= n
	if b.wait > 0 {
		close(b.freed)
		b.freed = make(chan struct{})
	}
}

// slowDown is the error of a process that has no room; SDKs try again by its code.
type slowDown struct{ smithy.GenericAPIError }

// HTTPStatusCode is what the client is answered with.
func (*slowDown) HTTPStatusCode() int { return http.StatusServiceUnavailable }

// ErrSlowDown tells a client that there is no memory for its request now.
var ErrSlowDown error = &slowDown{smithy.GenericAPIError{
	Code: "SlowDown", Message: "Too many bytes of requests are in flight. Please reduce your request rate.", Fault: smithy.FaultServer,
}}

// step is what a body draws from its budget at first; then it draws as much again as it has
// read, up to maxStep.
const (
	step    = 64 << 10
	maxStep = 1 << 20
)

// Body is a request body that draws what it yields from a budget, until it is released.
type Body struct {
	io.ReadCloser
	ctx    context.Context
	budget *Budget
	taken  int64
	read   int64
}

// NewBody returns the body of a request.
func NewBody(ctx context.Context, body io.ReadCloser, b *Budget) *Body {
	return &Body{ReadCloser: body, ctx: ctx, budget: b}
}

// Read reads no more than there is room for.
func (b *Body) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if b.read == b.taken {
		more := max(step, min(b.read, maxStep))
		if err := b.budget.Take(b.ctx, more); err != nil {
			return 0, err
		}
		b.taken += more
	}
	if room := b.taken - b.read; int64(len(p)) > room {
		p = p[:room]
	}
	n, err := b.ReadCloser.Read(p)
	b.read += int64(n)
	return n, err
}

// Release gives back what the body took; its bytes are of no more use then.
func (b *Body) Release() {
	b.budget.Give(b.taken)
	b.taken, b.read = 0, 0
}

// first is the room that a body is given at once, whatever length it announces.
const first = 64 << 10

// ReadAll reads a body of up to limit bytes into buf. length is what its sender announces,
// negative if it does not. Room is made as bytes arrive. n is greater than limit for a body
// that is too long.
func ReadAll(buf *bytes.Buffer, body io.Reader, length, limit int64) (n int64, err error) {
	if length < 0 || length > limit {
		length = limit
	}
	grow := min(length, first)
	for {
		buf.Grow(int(grow) + bytes.MinRead)
		free := buf.AvailableBuffer()
		m, err := body.Read(free[:cap(free)])
		buf.Write(free[:m]) // in place: it is the buffer's own room
		n += int64(m)
		switch {
		case err == io.EOF:
			return n, nil
		case err != nil:
			return n, err
		case n > limit:
			return n, nil
		}
		grow = 0
		if buf.Available() < bytes.MinRead {
			// Four times of what is there, but not more than is to come.
			grow = max(min(3*n, length-n), 0)
		}
	}
}
