package server

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"sync/atomic"
)

// A request that net/http cannot take (its Host header is a whole URL, a list or missing, say) never reaches a handler:
// net/http answers it by itself, in plain text. Clients take the body of an error for one in the form of their service,
// and fail on that text (those of S3 say that it is not XML). AWS answers without a body and ends the connection, and so
// does the node: the status line tells what is wrong.

// refusalHeaders are what net/http writes between the status line and the text of such an answer.
const refusalHeaders = "Content-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"

// answers knows whether what is written on a connection is from a handler: that is never changed, whatever it reads like.
type answers struct {
	ofHandler atomic.Bool
	lasting   atomic.Bool // for all the rest of the connection: it is HTTP/2
}

// ofConn is the context key of the *answers of a connection.
type ofConn struct{}

// begin says that a handler has the connection of a request.
func (a *answers) begin(r *http.Request) {
	if r.ProtoMajor >= 2 {
		a.lasting.Store(true)
	}
	a.ofHandler.Store(true)
}

// write writes b to c, without its text where net/http refuses a request by itself.
func (a *answers) write(c net.Conn, b []byte) (int, error) {
	if a.ofHandler.Load() || a.lasting.Load() || !bytes.HasPrefix(b, []byte("HTTP/1.1 4")) {
		return c.Write(b)
	}
	status, rest, ok := bytes.Cut(b, []byte("\r\n"))
	if !ok || !bytes.HasPrefix(rest, []byte(refusalHeaders)) {
		return c.Write(b)
	}
	if n, err := c.Write(append(bytes.Clone(status), "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"...)); err != nil {
		return min(n, len(b)), err
	}
	return len(b), nil
}

func (a *answers) of() *answers { return a }

// answering is a connection that knows it.
type answering interface{ of() *answers }

func withAnswers(ctx context.Context, c net.Conn) context.Context {
	if a, ok := c.(answering); ok {
		return context.WithValue(ctx, ofConn{}, a.of())
	}
	return ctx
}

// begun says that a handler has the connection of a request.
func begun(r *http.Request) {
	if a, ok := r.Context().Value(ofConn{}).(*answers); ok {
		a.begin(r)
	}
}

// idle is called when the answer of a connection's request has been sent, and the next has not begun.
func idle(c net.Conn, state http.ConnState) {
	if a, ok := c.(answering); ok && state == http.StateIdle {
		a.of().ofHandler.Store(false)
	}
}

// clearListener is a listener of connections in the clear.
type clearListener struct{ net.Listener }

// Accept implements net.Listener.
func (l clearListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if tcp, ok := c.(*net.TCPConn); ok && err == nil {
		return &clearConn{TCPConn: tcp}, nil
	}
	return c, err
}

// clearConn has all methods of a *net.TCPConn, so that files are sent as by one.
type clearConn struct {
	*net.TCPConn
	answers
	readAgain
}

func (c *clearConn) Read(p []byte) (int, error) {
	if n := c.again(p); n > 0 {
		return n, nil
	}
	return c.TCPConn.Read(p)
}

// WriteTo is what io.Copy calls.
func (c *clearConn) WriteTo(w io.Writer) (int64, error) {
	n, err := c.rest(w)
	if err != nil {
		return n, err
	}
	m, err := c.TCPConn.WriteTo(w)
	return n + m, err
}

// readAgain is what has been read of a connection and was given back.
type readAgain struct{ early []byte }

func (r *readAgain) giveBack(read []byte) { r.early = read }

// again reads what was given back; 0: nothing is left of it.
func (r *readAgain) again(p []byte) int {
	n := copy(p, r.early)
	if r.early = r.early[n:]; len(r.early) == 0 {
		r.early = nil
	}
	return n
}

// rest writes what was given back to w.
func (r *readAgain) rest(w io.Writer) (int64, error) {
	if r.early == nil {
		return 0, nil
	}
	n, err := w.Write(r.early)
	r.early = nil
	return int64(n), err
}

func (c *clearConn) Write(b []byte) (int, error) { return c.write(c.TCPConn, b) }
