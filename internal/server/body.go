package server

import (
	"io"
	"net/http"
	"time"

	"github.com/brookmere/brookmere/internal/awswire/inflight"
)

// bodyStall is how long a client may pause within a body before the request fails: one
// that announces more than it sends must not hold a request for ever. A variable for tests.
var bodyStall = 30 * time.Second

// stallingBody ends a body whose sender has stalled.
type stallingBody struct {
	io.ReadCloser
	control *http.ResponseController
	armed   time.Time
}

// nothing is the release of a body that drew nothing.
func nothing() {}

// guardBody makes reads of the request's body fail when the client stalls, and, for services
// that have bodies in memory, draw from the budget of all. The function that it returns gives
// back what was drawn, when the request is done. One that is within what its connection has read
// needs neither.
func (s *Server) guardBody(w http.ResponseWriter, r *http.Request, svc *Service) (release func()) {
	if r.Body == nil || r.Body == http.NoBody {
		return nothing
	}
	if _, ok := r.Body.(*heldBody); ok {
		return nothing
	}
	r.Body = &stallingBody{ReadCloser: r.Body, control: http.NewResponseController(w)}
	if svc.StreamsBody {
		return nothing
	}
	body := inflight.NewBody(r.Context(), r.Body, s.opts.Bodies)
	r.Body = body
	return body.Release
}

func (b *stallingBody) Read(p []byte) (int, error) {
	// Arming costs a system call's worth; once a second is often enough.
	if now := time.Now(); now.Sub(b.armed) > time.Second {
		b.armed = now
		_ = b.control.SetReadDeadline(now.Add(bodyStall)) // not every connection has deadlines
	}
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		_ = b.control.SetReadDeadline(time.Time{}) // the answer may take as long as it takes
	}
	return n, err
}
