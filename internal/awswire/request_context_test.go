package awswire

import (
	"context"
	"errors"
	"testing"
)

type requestKey struct{}

// TestRequestContext: the context of a request has the values of its connection's and the caller, as what was made of it
// before has, and ends with each of what it hangs on.
func TestRequestContext(t *testing.T) {
	for name, end := range map[string]func(conn, stack context.CancelFunc, c *RequestContext){
		"the connection": func(conn, _ context.CancelFunc, _ *RequestContext) { conn() },
		"the stack":      func(_, stack context.CancelFunc, _ *RequestContext) { stack() },
		"the request":    func(_, _ context.CancelFunc, c *RequestContext) { c.Release() },
	} {
		for _, waited := range []string{"before", "after", "never"} {
			conn, endConn := context.WithCancel(context.WithValue(t.Context(), requestKey{}, "of the connection"))
			stack, endStack := context.WithCancel(t.Context())
			c := NewRequestContext(conn)
			if got := CallerFrom(c); got.Account != DefaultAccount || got.Region != DefaultRegion {
				t.Errorf("without a caller: %+v", got)
			}
			var child context.Context = context.WithValue(c, requestKey{}, "of the child")
			if waited == "before" {
				<-closedAfter(c)
				var cancel context.CancelFunc
				child, cancel = context.WithCancel(child)
				defer cancel()
			}
			c.SetCaller(Caller{Account: "111111111111", Region: "eu-west-1", RequestID: "r"})
			c.Join(stack)
			if waited == "after" {
				var cancel context.CancelFunc
				child, cancel = context.WithCancel(child)
				defer cancel()
			}
			for _, ctx := range []context.Context{c, child} {
				if got := CallerFrom(ctx); got.Account != "111111111111" || got.Region != "eu-west-1" || got.RequestID != "r" {
					t.Errorf("%+v", got)
				}
			}
			if got := CallerFrom(WithCaller(c, Caller{Account: "222222222222"})).Account; got != "222222222222" || CallerFrom(c).Account != "111111111111" {
				t.Errorf("another caller: %s, of the request: %s", got, CallerFrom(c).Account)
			}
			if c.Value(requestKey{}) != "of the connection" || child.Value(requestKey{}) != "of the child" {
				t.Errorf("values %v, %v", c.Value(requestKey{}), child.Value(requestKey{}))
			}
			if c.Err() != nil || child.Err() != nil {
				t.Fatalf("%v, %v before any end", c.Err(), child.Err())
			}
			end(endConn, endStack, c)
			if !errors.Is(c.Err(), context.Canceled) {
				t.Errorf("after the end of %s, waited for %s: %v", name, waited, c.Err())
			}
			if waited != "never" {
				<-child.Done()
			}
			<-c.Done()
			c.Release()
			endConn()
			endStack()
		}
	}
}

// closedAfter waits for a context without an end of it: it is closed when the wait has begun.
func closedAfter(ctx context.Context) <-chan struct{} {
	begun := make(chan struct{})
	go func() {
		done := ctx.Done()
		close(begun)
		<-done
	}()
	return begun
}
