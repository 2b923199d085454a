package awswire

import (
	"context"
	"sync"
	"time"
)

// Limit is how often an operation may be called in a second. The zero value means no limit.
type Limit struct {
	Calls int
	Per   Scope
}

// Scope says whose calls a Limit counts.
type Scope uint8

const (
	PerAccount  Scope = iota // of an account in a region
	PerResource              // on a resource; on none, of the account
)

// maxThrottles is how many seconds are counted at once; beyond it the counts start again,
// which lets too many calls through, not too few.
const maxThrottles = 4096

// Throttle returns the interceptor that enforces the limits of operations. A second begins
// with the first call in it.
func Throttle(now func() time.Time) Interceptor {
	t := &throttle{now: now}
	return t.intercept
}

type throttle struct {
	now    func() time.Time
	mu     sync.Mutex
	counts map[throttleKey]*throttleCount
}

type throttleKey struct{ service, operation, account, region, resource string }

type throttleCount struct {
	start time.Time
	calls int
}

func (t *throttle) intercept(ctx context.Context, c *Call) error {
	if c.Limit.Calls == 0 {
		return c.Next(ctx)
	}
	resources, err := c.Resources()
	if err != nil {
		return err
	}
	resource := ""
	if len(resources) > 0 {
		resource = resources[0]
	}
	k := throttleKey{service: c.Service, operation: c.Operation, account: c.Caller.Account, region: c.Caller.Region}
	if c.Limit.Per == PerResource {
		k.resource = resource
	}
	if !t.admit(k, c.Limit.Calls) {
		return c.exchange.h.api.Throttled(c, resource)
	}
	return c.Next(ctx)
}

// admit counts a call unless its second is full.
func (t *throttle) admit(k throttleKey, most int) bool {
	now := t.now()
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.counts[k]
	if n == nil {
		if t.counts == nil || len(t.counts) >= maxThrottles {
			t.counts = make(map[throttleKey]*throttleCount)
		}
		n = new(throttleCount)
		t.counts[k] = n
	}
	if d := now.Sub(n.start); d >= time.Second || d < 0 {
		*n = throttleCount{start: now}
	}
	if n.calls >= most {
		return false
	}
	n.calls++
	return true
}
