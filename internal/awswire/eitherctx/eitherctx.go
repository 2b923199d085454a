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
	waited   atomic.Pointer[waited] // from the first call of Done on
}

// waited is what those wait for who wait for a Context. end ends it.
type waited struct {
	context.Context
	end func()
}

// New returns a context that ends with a or with b. Release must be called when it is not
// needed any more.
func New(a, b context.Context) *Context { return &Context{Context: a, other: b} }

// Join sets the second parent of a Context that is part of another value and has had none, which must not be in use by
// other goroutines yet.
func (c *Context) Join(b context.Context) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.other = b
	if w := c.waited.Load(); w != nil {
		end := w.end
		stop := context.AfterFunc(b, end)
		w.end = func() { stop(); end() }
		if c.released.Load() {
			w.end()
		}
	}
}

// Release ends the context.
func (c *Context) Release() {
	c.released.Store(true)
	c.mu.Lock()
	w := c.waited.Load()
	c.mu.Unlock()
	if w != nil {
		w.end()
	}
}

// Err implements context.Context.
func (c *Context) Err() error {
	if err := c.Context.Err(); err != nil {
		return err
	}
	if c.released.Load() || c.other != nil && c.other.Err() != nil {
		return context.Canceled
	}
	return nil
}

// Done implements context.Context.
func (c *Context) Done() <-chan struct{} { return c.waiting().Done() }

// Value implements context.Context. By it package context finds what is waited for, and hangs
// contexts that are made of this one there: they need no goroutine each.
func (c *Context) Value(key any) any {
	if w := c.waited.Load(); w != nil {
		return w.Value(key)
	}
	return c.Context.Value(key)
}

// waiting returns a context that can be waited for.
func (c *Context) waiting() context.Context {
	if w := c.waited.Load(); w != nil {
		return w.Context
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	w := c.waited.Load()
	if w == nil {
		ctx, cancel := context.WithCancel(c.Context)
		w = &waited{ctx, cancel}
		if c.other != nil {
			stop := context.AfterFunc(c.other, cancel)
			w.end = func() { stop(); cancel() }
		}
		c.waited.Store(w)
		if c.released.Load() {
			w.end()
		}
	}
	return w.Context
}
