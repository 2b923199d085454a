package node

import (
	"context"
	"runtime"
	"sync/atomic"

	"github.com/brookmere/brookmere/internal/engine/lakesql"
)

// politeEngine runs the queries beyond the first that run at once on threads that give
// way to all others: many queries take what processors are left, and what is put into a
// stream does not wait for them; one alone is as fast as it can be.
type politeEngine struct {
	*lakesql.Engine
	running atomic.Int32
}

// Query runs the query; reading its rows costs little.
func (p *politeEngine) Query(ctx context.Context, r lakesql.Request) (res *lakesql.Result, err error) {
	p.politely(func() { res, err = p.Engine.Query(ctx, r) })
	return res, err
}

// Write runs the query and writes its rows.
func (p *politeEngine) Write(ctx context.Context, r lakesql.WriteRequest) (w *lakesql.Written, err error) {
	p.politely(func() { w, err = p.Engine.Write(ctx, r) })
	return w, err
}

// politely calls f, on a thread of its own of low priority where another call is running.
func (p *politeEngine) politely(f func()) {
	defer p.running.Add(-1)
	if p.running.Add(1) == 1 {
		f()
		return
	}
	niced(10, f)
}

// openQueries opens the engine so that the threads it shares among queries give way a
// little: a thread begins with the priority of the one that starts it.
func openQueries(o lakesql.Options) (e *lakesql.Engine, err error) {
	niced(5, func() { e, err = lakesql.Open(o) })
	return e, err
}

// niced calls f on a thread of its own, of lower priority, which ends with it. A panic of
// f is the caller's, who may know what to do about it.
func niced(by int, f func()) {
	done := make(chan any)
	go func() {
		defer func() { done <- recover() }()
		runtime.LockOSThread() // and never unlocked, so that the thread ends
		giveWay(by)
		f()
	}()
	if p := <-done; p != nil {
		panic(p)
	}
}
