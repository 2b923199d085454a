package eitherctx

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"time"
)

type key struct{}

// ways are the ways in which a context ends.
var ways = map[string]func(a, b context.CancelFunc, c *Context){
	"the first parent":  func(a, _ context.CancelFunc, _ *Context) { a() },
	"the second parent": func(_, b context.CancelFunc, _ *Context) { b() },
	"its release":       func(_, _ context.CancelFunc, c *Context) { c.Release() },
}

func TestEnds(t *testing.T) {
	for name, end := range ways {
		for _, early := range []bool{true, false} {
			a, stopA := context.WithCancel(context.WithValue(t.Context(), key{}, "v"))
			b, stopB := context.WithCancel(t.Context())
			c := New(a, b)
			if c.Err() != nil || c.Value(key{}) != "v" {
				t.Fatalf("%v, value %v", c.Err(), c.Value(key{}))
			}
			var child context.Context
			if early {
				var stop context.CancelFunc
				child, stop = context.WithCancel(c)
				defer stop()
				select {
				case <-c.Done():
					t.Fatal("it is done at once")
				case <-child.Done():
					t.Fatal("what is made of it is done at once")
				default:
				}
			}
			end(stopA, stopB, c)
			if !errors.Is(c.Err(), context.Canceled) {
				t.Errorf("after the end of %s: %v", name, c.Err())
			}
			<-c.Done()
			if early {
				<-child.Done()
				if !errors.Is(child.Err(), context.Canceled) {
					t.Errorf("after the end of %s what is made of it has %v", name, child.Err())
				}
			}
			c.Release()
			stopA()
			stopB()
		}
	}
}

// TestJoin: a second parent that comes later ends it, whether it is waited for already or not.
func TestJoin(t *testing.T) {
	for _, early := range []bool{true, false} {
		b, stopB := context.WithCancel(t.Context())
		c := &Context{Context: t.Context()}
		if early {
			select {
			case <-c.Done():
				t.Fatal("it is done at once")
			default:
			}
		}
		c.Join(b)
		if c.Err() != nil {
			t.Fatal(c.Err())
		}
		stopB()
		<-c.Done()
		if !errors.Is(c.Err(), context.Canceled) {
			t.Errorf("%v", c.Err())
		}
		c.Release()
	}
	c := &Context{Context: t.Context()}
	c.Release()
	<-c.Done()
}

// TestDeadline: the deadline is that of the first parent.
func TestDeadline(t *testing.T) {
	a, stop := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer stop()
	c := New(a, t.Context())
	defer c.Release()
	if _, ok := c.Deadline(); !ok || !errors.Is(c.Err(), context.DeadlineExceeded) {
		t.Errorf("%v", c.Err())
	}
	<-c.Done()
}

// TestChildren: contexts that are made of one, or of one that has a value more, cost no goroutine
// and end with it.
func TestChildren(t *testing.T) {
	for name, end := range ways {
		a, stopA := context.WithCancel(t.Context())
		b, stopB := context.WithCancel(t.Context())
		c := New(a, b)
		before := runtime.NumGoroutine()
		var children []context.Context
		for range 100 {
			for _, parent := range []context.Context{c, context.WithValue(c, key{}, "v")} {
				child, stop := context.WithCancel(parent)
				defer stop()
				children = append(children, child)
			}
		}
		if got := runtime.NumGoroutine() - before; got > 10 {
			t.Errorf("200 contexts have made %d goroutines", got)
		}
		end(stopA, stopB, c)
		for _, child := range children {
			<-child.Done()
			if err := context.Cause(child); !errors.Is(err, context.Canceled) {
				t.Fatalf("after the end of %s: %v", name, err)
			}
		}
		c.Release()
		stopA()
		stopB()
	}
}

// TestMany has goroutines begin to wait while the context is released.
func TestMany(t *testing.T) {
	for range 200 {
		c := New(t.Context(), context.Background())
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				child, stop := context.WithCancel(c)
				defer stop()
				<-child.Done()
			})
		}
		c.Release()
		all.Wait()
	}
}
