// Package eitherctx makes contexts that end with the first of two. One that nobody waits for
// costs neither of its parents anything, so that each request may have one.
package eitherctx

import (
	"context"
	"sync"
	"sync/atomic"
)

// Context has the values and the deadline of its first parent, and ends with either of them,
// or when it is released. Its methods may be called from many goroutines.
type Context struct {
	context.Context
	other context.Context

	released atomic.Bool
	mu       sync.Mutex
	waited   context.Context // from the first call of Done on
	end      func()
}

// New returns a context that ends with a or with b. Release must be called when it is not
// needed any more.
func New(a, b context.Context) *Context { return &Context{Context: a, other: b} }

// Release ends the context.
func (c *Context) Release() {
	c.released.Store(true)
	c.mu.Lock()
	end := c.end
	c.mu.Unlock()
	if end != nil {
		end()
	}
}

// Err implements context.Context.
func (c *Context) Err() error {
	if err := c.Context.Err(); err != nil {
		return err
	}
	if c.released.Load() || c.other.Err() != nil {
		return context.Canceled
	}
	return nil
}

// Done implements context.Context.
func (c *Context) Done() <-chan struct{} { return c.waiting().Done() }

// AfterFunc spares contexts that are made of this one a goroutine each: see
// context.AfterFunc.
func (c *Context) AfterFunc(f func()) (stop func() bool) { return context.AfterFunc(c.waiting(), f) }

// waiting returns a context that can be waited for.
func (c *Context) waiting() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waited == nil {
		ctx, cancel := context.WithCancel(c.Context)
		stop := context.AfterFunc(c.other, cancel)
		c.waited, c.end = ctx, func() { stop(); cancel() }
		if c.released.Load() {
			c.end()
		}
	}
	return c.waited
}
