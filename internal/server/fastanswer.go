package server

import (
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/brookmere/brookmere/internal/awswire"
)

// heldBody is the body of a request on the fast path that has arrived whole with its head: it is read where it lies, in the
// buffer of its connection, which nothing else is read into until the request has been answered.
type heldBody struct {
	data   []byte
	read   int
	closed bool
}

// Read implements io.Reader.
func (b *heldBody) Read(p []byte) (int, error) {
	if b.closed {
		return 0, http.ErrBodyReadAfterClose
	}
	n := copy(p, b.data[b.read:])
	if b.read += n; b.read == len(b.data) {
		return n, io.EOF
	}
	return n, nil
}

// Close implements io.Closer.
func (b *heldBody) Close() error {
	b.closed = true
	return nil
}

// Bytes implements awswire.Bytes.
func (b *heldBody) Bytes() []byte { return b.data }

var _ awswire.Bytes = (*heldBody)(nil)

// fastBody is the body of another request on the fast path. It is read by the request's own goroutine.
type fastBody struct {
	c      *fastConn
	left   int64
	closed bool
	broken bool // a read has failed: no other request can follow
}

// Read implements io.Reader.
func (b *fastBody) Read(p []byte) (int, error) {
	switch {
	case b.closed:
		return 0, http.ErrBodyReadAfterClose
	case b.left == 0:
		return 0, io.EOF
	case int64(len(p)) > b.left:
		p = p[:b.left]
	}
	n, err := b.c.read(p)
	b.left -= int64(n)
	b.broken = b.broken || err != nil && err != io.EOF
	switch {
	case b.left == 0:
		return n, io.EOF
	case err == io.EOF:
		return n, io.ErrUnexpectedEOF
	}
	return n, err
}

// Close implements io.Closer. What has not been read is left to discard.
func (b *fastBody) Close() error {
	b.closed = true
	return nil
}

// buffered reports whether all of the rest has arrived.
func (b *fastBody) buffered() bool { return b.left <= int64(b.c.end-b.c.start) }

// discard reads what the handler has left; false: the connection cannot go on.
func (b *fastBody) discard() bool {
	if b.broken {
		return false
	}
	if b.left == 0 {
		return true
	}
	b.closed = false
	if !b.buffered() {
		b.c.readArmed = time.Time{}
		if b.left > maxLeftover || b.c.conn.SetReadDeadline(time.Now().Add(bodyStall)) != nil {
			return false
		}
	}
	_, err := io.Copy(io.Discard, b)
	b.closed = true
	return err == nil
}

// read reads from what has arrived, then from the connection.
func (c *fastConn) read(p []byte) (int, error) {
	if c.start < c.end {
		n := copy(p, c.buf[c.start:c.end])
		c.start += n
		return n, nil
	}
	return c.conn.Read(p)
}

// fastAnswer writes the answer of a request on the fast path. One whose length its handler does not say is held until it is
// whole. One whose length it does say needs a Content-Type as well: none is guessed.
type fastAnswer struct {
	c      *fastConn
	body   *fastBody
	header http.Header
	status int
	length int64 // what the header says; negative: nothing
	wrote  int64
	ends   bool // so does the connection, after the answer
	manual bool // the handler sets the deadline
	failed error
	out    *[]byte   // what is to be sent
	held   []byte    // body of unknown length
	begun  time.Time // when an answer in one piece was written
}

// fastOut has buffers for answers.
var fastOut = sync.Pool{New: func() any {
	b := make([]byte, 0, 4<<10)
	return &b
}}

// maxFastOut is how much of an answer is put together before it is sent.
const maxFastOut = 16 << 10

// begin makes it that of the next request.
func (a *fastAnswer) begin(c *fastConn) {
	*a = fastAnswer{c: c, body: &c.body, header: a.header, out: fastOut.Get().(*[]byte)}
	clear(a.header)
}

func (a *fastAnswer) release() {
	if cap(*a.out) <= 2*maxFastOut {
		*a.out = (*a.out)[:0]
		fastOut.Put(a.out)
	}
	a.out = nil
}

// Header implements http.ResponseWriter.
func (a *fastAnswer) Header() http.Header {
	if a.header == nil {
		a.header = make(http.Header, 8)
	}
	return a.header
}

// WriteHeader implements http.ResponseWriter.
func (a *fastAnswer) WriteHeader(status int) {
	if a.status != 0 || status < 200 {
		return // informational answers are not for prompt operations
	}
	a.status, a.length = status, -1
	b := append((*a.out)[:0], statusLine(status)...)
	var room [16]string // for the names of most answers, which need no memory of their own then
	names := slices.AppendSeq(room[:0], maps.Keys(a.header))
	slices.Sort(names)
	for _, name := range names {
		switch values := a.header[name]; {
		case name == "Content-Length" && len(values) > 0:
			if n, err := strconv.ParseInt(values[0], 10, 64); err == nil && n >= 0 {
				a.length = n
			}
		case name == "Connection":
			a.ends = a.ends || len(values) > 0 && strings.EqualFold(values[0], "close")
		case name == "Transfer-Encoding" || name == "Date" && len(values) == 0:
		default:
			for _, v := range values {
				b = append(append(b, name...), ": "...)
				b = append(append(b, oneLine(v)...), "\r\n"...)
			}
		}
	}
	if _, ok := a.header["Date"]; !ok {
		b = appendDate(b, time.Now())
	}
	*a.out = a.endHead(b)
}

// WriteWhole implements awswire.WholeWriter.
func (a *fastAnswer) WriteWhole(status int, head *awswire.AnswerHead, body []byte) bool {
	if a.status != 0 || len(a.header) > 0 || status < 200 || status == http.StatusNotModified {
		return false
	}
	a.status, a.length = status, int64(len(body))
	a.begun = time.Now()
	*a.out = a.endHead(appendDate(head.Append(append((*a.out)[:0], statusLine(status)...)), a.begun))
	_, _ = a.Write(body) // the client has gone if it fails: finish tells
	return true
}

func appendDate(b []byte, now time.Time) []byte {
	return append(append(append(b, "Date: "...), httpDate(now)...), "\r\n"...)
}

// endHead appends what the connection says of the answer, and the end of its head.
func (a *fastAnswer) endHead(b []byte) []byte {
	a.ends = a.ends || a.body.broken || a.body.left > maxLeftover || a.c.path.closing.Load()
	if a.ends {
		b = append(b, "Connection: close\r\n"...)
	}
	switch {
	case !a.hasBody():
		a.length = 0
		b = append(b, "\r\n"...)
	case a.length >= 0:
		b = append(strconv.AppendInt(append(b, "Content-Length: "...), a.length, 10), "\r\n\r\n"...)
	}
	return b
}

// hasBody reports whether an answer of the status has a body.
func (a *fastAnswer) hasBody() bool {
	return a.status != http.StatusNoContent && a.status != http.StatusNotModified
}

// Write implements http.ResponseWriter.
func (a *fastAnswer) Write(p []byte) (int, error) {
	if a.status == 0 {
		a.WriteHeader(http.StatusOK)
	}
	switch {
	case a.failed != nil:
		return 0, a.failed
	case !a.hasBody():
		return 0, http.ErrBodyNotAllowed
	case a.length < 0:
		a.held = append(a.held, p...)
		return len(p), nil
	case a.wrote+int64(len(p)) > a.length:
		a.ends = true // whatever the handler meant
		return 0, http.ErrContentLength
	}
	a.wrote += int64(len(p))
	if len(*a.out)+len(p) <= maxFastOut {
		*a.out = append(*a.out, p...)
		return len(p), nil
	}
	return len(p), a.send(p)
}

// send sends what has been put together, and p. The client has its time to take it.
func (a *fastAnswer) send(p []byte) error {
	now := a.begun
	if now.IsZero() {
		now = time.Now()
	}
	if a.begun = (time.Time{}); !a.manual && now.Sub(a.c.writeArmed) > rearm {
		a.c.writeArmed = now
		_ = a.c.conn.SetWriteDeadline(now.Add(answerStall)) // where that fails, so does the write
	}
	if len(p) == 0 {
		_, a.failed = a.c.conn.Write(*a.out)
	} else {
		pieces := net.Buffers{*a.out, p}
		_, a.failed = pieces.WriteTo(a.c.conn)
	}
	*a.out = (*a.out)[:0]
	return a.failed
}

// finish sends the rest of the answer; false: the connection is of no more use.
func (a *fastAnswer) finish() bool {
	if a.status == 0 {
		a.WriteHeader(http.StatusOK)
	}
	if a.length < 0 {
		if _, ok := a.header["Content-Type"]; !ok && len(a.held) > 0 {
			*a.out = append(append(append(*a.out, "Content-Type: "...), http.DetectContentType(a.held)...), "\r\n"...)
		}
		a.length = int64(len(a.held))
		*a.out = append(strconv.AppendInt(append(*a.out, "Content-Length: "...), a.length, 10), "\r\n\r\n"...)
		if _, err := a.Write(a.held); err != nil {
			return false
		}
	}
	if len(*a.out) > 0 && a.failed == nil {
		_ = a.send(nil)
	}
	return a.failed == nil && a.wrote == a.length
}

// SetReadDeadline is for http.ResponseController.
func (a *fastAnswer) SetReadDeadline(t time.Time) error {
	if a.body.buffered() {
		return nil // nothing is read from the connection
	}
	a.c.readArmed = time.Time{}
	return a.c.conn.SetReadDeadline(t)
}

// SetWriteDeadline is for http.ResponseController.
func (a *fastAnswer) SetWriteDeadline(t time.Time) error {
	a.manual, a.c.writeArmed = true, time.Time{}
	return a.c.conn.SetWriteDeadline(t)
}

// oneLine keeps a value from ending its line.
func oneLine(v string) string {
	if strings.ContainsAny(v, "\r\n") {
		return strings.NewReplacer("\r", " ", "\n", " ").Replace(v)
	}
	return v
}

// statusLine is the first line of an answer.
func statusLine(status int) string {
	if status == http.StatusOK {
		return "HTTP/1.1 200 OK\r\n"
	}
	text := http.StatusText(status)
	if text == "" {
		text = "status code " + strconv.Itoa(status)
	}
	return "HTTP/1.1 " + strconv.Itoa(status) + " " + text + "\r\n"
}

// dated is the date of one second, as headers have it.
type dated struct {
	second int64
	text   string
}

var lastDate atomic.Pointer[dated]

func httpDate(now time.Time) string {
	if d := lastDate.Load(); d != nil && d.second == now.Unix() {
		return d.text
	}
	d := &dated{now.Unix(), now.UTC().Format(http.TimeFormat)}
	lastDate.Store(d)
	return d.text
}
