package server

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/brookmere/brookmere/internal/awswire"
)

// The fast path serves prompt operations (Service.Prompt: those that answer at once and in one piece, as a put does)
// without net/http, which takes a quarter to a third of the time of a put of one record: it has a goroutine for each
// request that looks whether the client is still there, contexts and deadlines of its own, and buffers in which an answer
// that is whole is put together once more.
//
// A connection begins on the fast path and stays there while each of its requests is one that fastHead takes: of HTTP/1.1,
// whole, plain, and for such an operation. With the first other request the connection goes over to net/http, with all that
// has been read of it, and remains there. So whatever is unusual, incomplete or wrong is net/http's to judge, and the
// fast path has no errors of its own.
//
// What a handler sees is what it would see from net/http, but that its context does not end when its client hangs up. It keeps
// nothing of a request that it has answered but the context: the header, the body and the writer of the answer are in the
// memory of the connection, where those of the next request are.
type fastPath struct {
	server  *Server
	inner   net.Listener
	over    *connListener // connections that went over to net/http
	failed  chan error    // of the listener, for good: for net/http
	begun   sync.Once
	targets map[string]bool

	mu      sync.Mutex
	conns   map[*fastConn]bool
	closing atomic.Bool   // set under mu
	gone    chan struct{} // closed when there are no more connections after closing
}

// keptConn is a connection that takes back what has been read of it.
type keptConn interface {
	net.Conn
	answering
	giveBack(read []byte)
}

func newFastPath(s *Server, inner net.Listener) *fastPath {
	f := &fastPath{
		server: s, inner: inner, over: newConnListener(), failed: make(chan error), targets: make(map[string]bool),
		conns: make(map[*fastConn]bool), gone: make(chan struct{}),
	}
	for _, svc := range s.opts.Services {
		for _, op := range svc.Prompt {
			f.targets[svc.TargetPrefix+"."+op] = true
		}
	}
	return f
}

// Accept implements net.Listener, for net/http: it returns what the fast path does not serve.
func (f *fastPath) Accept() (net.Conn, error) {
	f.begun.Do(func() { go f.accept() })
	select {
	case c := <-f.over.conns:
		return c, nil
	case err := <-f.failed:
		return nil, err
	case <-f.over.done:
		return nil, net.ErrClosed
	}
}

// Addr implements net.Listener.
func (f *fastPath) Addr() net.Addr { return f.inner.Addr() }

// accept begins connections. It waits by itself when the listener fails for now, as where there are no more descriptors:
// net/http would take no connection that goes over to it meanwhile.
func (f *fastPath) accept() {
	var delay time.Duration
	for {
		c, err := f.inner.Accept()
		if err == nil {
			delay = 0
			go f.serve(c)
			continue
		}
		//lint:ignore SA1019 net/http tells failures that pass by it
		if passing, ok := err.(net.Error); !ok || !passing.Temporary() {
			select {
			case f.failed <- err:
			case <-f.over.done:
			}
			return
		}
		delay = min(max(2*delay, 5*time.Millisecond), time.Second)
		f.server.http.ErrorLog.Printf("http: Accept error: %v; retrying in %v", err, delay)
		select {
		case <-time.After(delay):
		case <-f.over.done:
			return
		}
	}
}

// Close takes no more connections and ends those that wait for a request, but for one that is on its way. Requests that run
// go on.
func (f *fastPath) Close() error {
	err := f.inner.Close()
	f.over.Close()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closing.Swap(true) {
		return err
	}
	for c := range f.conns {
		c.endIdle()
	}
	if len(f.conns) == 0 {
		close(f.gone)
	}
	return err
}

// wait waits for the requests that run; after ctx has ended it cuts their connections.
func (f *fastPath) wait(ctx context.Context) error {
	select {
	case <-f.gone:
		return nil
	case <-ctx.Done():
		f.mu.Lock()
		defer f.mu.Unlock()
		for c := range f.conns {
			c.conn.Close()
		}
		return ctx.Err()
	}
}

func (f *fastPath) add(c *fastConn) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closing.Load() {
		return false
	}
	f.conns[c] = true
	return true
}

func (f *fastPath) remove(c *fastConn) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.conns, c)
	if f.closing.Load() && len(f.conns) == 0 {
		close(f.gone)
	}
}

// serve serves a connection until it ends or goes over to net/http.
func (f *fastPath) serve(conn net.Conn) {
	kept, ok := conn.(keptConn)
	if !ok || len(f.targets) == 0 {
		if !f.over.offer(conn) {
			conn.Close()
		}
		return
	}
	c := newFastConn(f, kept)
	if !f.add(c) {
		conn.Close()
		return
	}
	goesOver := c.serve()
	f.remove(c)
	if !goesOver || !f.over.offer(conn) {
		conn.Close()
	}
}

// Variables for tests.
var (
	// firstWait is how long a new connection may take until its first request, its TLS handshake included: as long as
	// net/http gives it.
	firstWait = 20 * time.Second
	// idleWait is how long a connection may be without a request.
	idleWait = 5 * time.Minute
	// lastWait is how long it may be when the server closes: a request that its client has just sent is answered.
	lastWait = 20 * time.Millisecond
)

const (
	// rearm is how old a deadline may become before it is set anew: setting it for each request costs more than it is worth.
	rearm = time.Second
	// headRoom is how long the head of a request may be on the fast path.
	headRoom = 8 << 10
	// maxLeftover is how much of a body that its handler left alone is read for the sake of the next request.
	maxLeftover = 256 << 10
	// lingers is how long a connection that ends is read after its last answer: a client that is still sending would see a
	// reset instead of it.
	lingers = 500 * time.Millisecond
)

// States of a connection. One that waits for a request may be told to end by others than its goroutine.
const (
	fastIdle int32 = iota
	fastActive
	fastEnding
)

// fastConn is a connection on the fast path, of one goroutine.
type fastConn struct {
	path  *fastPath
	conn  keptConn
	state atomic.Int32
	ctx   context.Context // of all its requests
	blank *http.Request   // what they have in common

	// Of the request that is answered, in the memory of the ones before: nobody has a request on the fast path when it has
	// been answered, but for its context.
	head   fastHead
	url    url.URL
	body   fastBody // of one that is not held: what is left of it
	held   heldBody
	out    fastAnswer
	record recorder

	control http.ResponseController // of out

	buf        []byte
	start, end int // of what has been read and not used

	served     bool      // a request at least
	skipped    int       // bytes of line ends before the next request
	readArmed  time.Time // when the deadline for the next request was set; zero: another is
	writeArmed time.Time // the same of that for answers
}

func newFastConn(f *fastPath, conn keptConn) *fastConn {
	c := &fastConn{
		path: f, conn: conn, buf: make([]byte, headRoom),
		blank: &http.Request{Method: http.MethodPost, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, RequestURI: "/", RemoteAddr: conn.RemoteAddr().String()},
	}
	c.control = *http.NewResponseController(&c.out)
	return c
}

// endIdle ends the connection if it waits for a request, and none comes in lastWait. The path's mu is held.
func (c *fastConn) endIdle() {
	if c.state.CompareAndSwap(fastIdle, fastEnding) && c.conn.SetReadDeadline(time.Now().Add(lastWait)) != nil {
		c.conn.Close()
	}
}

// serve answers requests. It reports whether the connection goes over to net/http; otherwise it has ended.
func (c *fastConn) serve() (goesOver bool) {
	ctx, cancel := context.WithCancel(context.WithValue(c.path.server.serving, http.ServerContextKey, c.path.server.http))
	defer cancel()
	c.ctx = context.WithValue(ctx, http.LocalAddrContextKey, c.conn.LocalAddr())
	c.conn.of().ofHandler.Store(true)
	for {
		if !c.next() {
			return false
		}
		if c.skipBlank(); c.start == c.end {
			continue
		}
		if !c.state.CompareAndSwap(fastIdle, fastActive) { // the last request, for the server closes
			c.path.mu.Lock()
			c.state.Store(fastActive) // endIdle has set its deadline
			c.path.mu.Unlock()
			c.readArmed = time.Time{}
		}
		if !c.head.parse(c.buf[c.start:c.end], c.path.targets) {
			c.conn.of().ofHandler.Store(false)
			c.conn.giveBack(append([]byte(nil), c.buf[c.start:c.end]...))
			return c.conn.SetDeadline(time.Time{}) == nil
		}
		c.start += c.head.size
		c.skipped = 0
		if !c.served {
			c.served, c.readArmed = true, time.Time{} // the next request has longer than the first
		}
		if !c.answer() {
			return false
		}
		c.state.Store(fastIdle)
		if c.path.closing.Load() {
			return false
		}
	}
}

// next waits until something of a request is there.
func (c *fastConn) next() bool {
	if c.start < c.end {
		return true
	}
	wait, now := idleWait, c.record.ended
	if !c.served {
		wait, now = firstWait, time.Now()
	}
	if now.Sub(c.readArmed) > rearm {
		c.readArmed = now
		if c.conn.SetReadDeadline(now.Add(wait+rearm)) != nil {
			return false
		}
		if c.path.closing.Load() && c.conn.SetReadDeadline(time.Now().Add(lastWait)) != nil { // endIdle's may have been before
			return false
		}
	}
	n, err := c.conn.Read(c.buf)
	c.start, c.end = 0, n
	return n > 0 && err == nil
}

// skipBlank skips what old clients send after the body of a POST and do not count: up to four bytes of line ends, as
// net/http does.
func (c *fastConn) skipBlank() {
	for c.served && c.start < c.end && c.skipped < 4 && (c.buf[c.start] == '\r' || c.buf[c.start] == '\n') {
		c.start++
		c.skipped++
	}
}

// answer has one request answered and reports whether the connection goes on.
func (c *fastConn) answer() (goesOn bool) {
	ctx := awswire.NewRequestContext(c.ctx)
	r := c.blank.WithContext(ctx)
	c.url = url.URL{Path: "/"}
	r.URL, r.Host, r.Header, r.ContentLength = &c.url, c.head.host, c.head.header, c.head.length
	c.body = fastBody{c: c}
	switch n := int(c.head.length); {
	case n == 0:
		r.Body = http.NoBody
	case n <= c.end-c.start:
		c.held = heldBody{data: c.buf[c.start : c.start+n : c.start+n]}
		c.start += n
		r.Body = &c.held
	default:
		c.body.left = c.head.length
		r.Body = &c.body
	}
	a := &c.out
	a.begin(c)
	c.record = recorder{ResponseWriter: a, whole: a, control: c.control, own: true}
	defer func() {
		ctx.Release()
		if failed := recover(); failed != nil {
			goesOn = false
			if err, ok := failed.(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
				stack := make([]byte, 64<<10)
				stack = stack[:runtime.Stack(stack, false)]
				c.path.server.http.ErrorLog.Printf("http: panic serving %s: %v\n%s", c.blank.RemoteAddr, failed, stack)
			}
		}
		a.release()
	}()
	c.path.server.answer(&c.record, r)
	if !a.finish() {
		return false
	}
	if a.ends {
		c.linger()
		return false
	}
	return c.body.discard()
}

// linger ends a connection so that its client sees the answer.
func (c *fastConn) linger() {
	if half, ok := c.conn.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
		_ = c.conn.SetReadDeadline(time.Now().Add(lingers)) // without it the client's end of the connection ends the reads
		for {
			if _, err := c.conn.Read(c.buf); err != nil {
				return
			}
		}
	}
}
