package server

import (
	"bufio"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/awswire/eventstream"
)

// answerStall is how long a client may take no byte of its answer before the answer is given
// up: a client that does not read must not hold it in memory for ever.
var answerStall = 30 * time.Second // a variable for tests

// piece is what is written before the deadline moves on.
const piece = 256 << 10

// recorder is the response of one request. It remembers the status, and gives up an answer
// that its client does not read.
type recorder struct {
	http.ResponseWriter
	status int

	hijacked  bool                // the connection is another's
	sentWhole bool                // the answer was sent in one piece
	whole     awswire.WholeWriter // the ResponseWriter; nil: it is none
	control   http.ResponseController
	armed     time.Time
	ended     time.Time   // when the request was done
	own       bool        // the ResponseWriter gives its client time by itself
	lasting   bool        // HTTP/2, where a deadline that passes between two writes ends the stream
	manual    atomic.Bool // the handler sets deadlines by itself
}

func newRecorder(w http.ResponseWriter, r *http.Request) *recorder {
	return &recorder{ResponseWriter: w, control: *http.NewResponseController(w), lasting: r.ProtoMajor >= 2}
}

// WriteHeader sends the status.
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 || r.status < 200 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

// WriteWhole implements awswire.WholeWriter, for answers that one deadline does for.
func (r *recorder) WriteWhole(status int, head *awswire.AnswerHead, body []byte) bool {
	if r.whole == nil || r.status != 0 || len(body) > piece {
		return false
	}
	r.arm()
	if !r.whole.WriteWhole(status, head, body) {
		return false
	}
	r.status, r.sentWhole = status, true
	return true
}

// pushes reports whether the answer was one of events, which lasts as long as its client likes.
func (r *recorder) pushes() bool {
	return !r.sentWhole && r.Header().Get("Content-Type") == eventstream.ContentType
}

// Write sends a part of the answer, in pieces, each in its time.
func (r *recorder) Write(b []byte) (n int, err error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	if r.pushes() {
		return r.ResponseWriter.Write(b)
	}
	for {
		p := b[n:min(n+piece, len(b))]
		r.arm()
		m, err := r.ResponseWriter.Write(p)
		n += m
		if err != nil || n == len(b) {
			r.disarm()
			return n, err
		}
	}
}

// arm gives the client its time from now on. It costs a system call's worth, so once a second
// is often enough.
func (r *recorder) arm() {
	if r.own || r.manual.Load() {
		return
	}
	if now := time.Now(); now.Sub(r.armed) > time.Second {
		r.armed = now
		_ = r.control.SetWriteDeadline(now.Add(answerStall)) // not every connection has deadlines
	}
}

// disarm takes the deadline away where it would end more than a write.
func (r *recorder) disarm() {
	if r.lasting && !r.manual.Load() && !r.armed.IsZero() {
		r.armed = time.Time{}
		_ = r.control.SetWriteDeadline(time.Time{})
	}
}

// end is called when the request is done: what is still in buffers has its time as well.
func (r *recorder) end() {
	if !r.lasting {
		r.arm()
	}
}

// SetWriteDeadline is for handlers that know better.
func (r *recorder) SetWriteDeadline(t time.Time) error {
	r.manual.Store(true)
	return r.control.SetWriteDeadline(t)
}

// Hijack implements http.Hijacker, for tunnels.
func (r *recorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buf, err := r.control.Hijack()
	if err == nil {
		r.hijacked, r.status = true, http.StatusOK
	}
	return conn, buf, err
}

// Unwrap lets http.ResponseController reach Flush and the other deadline.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
