package server

import (
	"io"
	"net/http"
	"time"
)

// bodyStall is how long a client may pause within a body before the request fails: one
// that announces more than it sends must not hold a request for ever.
const bodyStall = 30 * time.Second

// stallingBody ends a body whose sender has stalled.
type stallingBody struct {
	io.ReadCloser
	control *http.ResponseController
	armed   time.Time
}

// guardBody makes reads of the request's body fail when the client stalls.
func guardBody(w http.ResponseWriter, r *http.Request) {
	if r.Body == nil || r.Body == http.NoBody {
		return
	}
	r.Body = &stallingBody{ReadCloser: r.Body, control: http.NewResponseController(w)}
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
