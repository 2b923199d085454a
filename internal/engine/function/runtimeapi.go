package function

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The Runtime API, as a process sees it: below a secret path at a port of its instance's
// own.
//
//	GET  runtime/invocation/next
//	POST runtime/invocation/ID/response
//	POST runtime/invocation/ID/error
//	POST runtime/init/error
const apiVersion = "2018-06-01"

// maxUnread is the size of a payload, in bytes, that a connection holds for a process which does not read.
const maxUnread = 8 << 10

// invocation is a request on its way through an instance.
type invocation struct {
	r        *Request
	taken    chan struct{} // closed when the process has the payload
	answered chan struct{} // closed when result is there
	streamed chan struct{} // closed when a streamed answer is complete
	asked    chan struct{} // closed when it is, and the process asks for the next invocation

	mu       sync.Mutex
	began    time.Time // when the process took it
	deadline time.Time
	done     bool
	whole    bool // streamed is closed
	asks     bool // the process, for the next invocation
	result   Result
	ended    time.Time
	log      tail
}

// finish gives the invocation its result, if it has none.
func (v *invocation) finish(r Result, now time.Time) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.done {
		return false
	}
	v.done, v.result, v.ended = true, r, now
	close(v.answered)
	return true
}

// next notes that the process asks for the next invocation, which may be seen before the end of a streamed answer is.
func (v *invocation) next() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.whole && !v.asks {
		close(v.asked)
	}
	v.asks = true
}

// complete notes that the process has streamed all of its answer. It is called once.
func (v *invocation) complete() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.whole = true
	close(v.streamed)
	if v.asks {
		close(v.asked)
	}
}

// fail notes how an invocation has failed that has begun to answer, as a stream, if it has not failed before.
func (v *invocation) fail(r Result) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.result.Failed {
		v.result.Failed, v.result.TimedOut, v.result.ErrorType = true, r.TimedOut, r.ErrorType
	}
}

// serve answers the Runtime API of the instance at a port of its own, and returns its
// address.
func (i *instance) serve() (address string, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	var secret [16]byte
	rand.Read(secret[:])
	i.prefix = "/" + hex.EncodeToString(secret[:])
	i.port = uint16(l.Addr().(*net.TCPAddr).Port)
	ctx, cancel := context.WithCancel(context.Background())
	i.server = &http.Server{
		Handler:     http.HandlerFunc(i.api),
		BaseContext: func(net.Listener) context.Context { return ctx },
		// A process has a connection or two; what else comes is cut off.
		ReadHeaderTimeout: 10 * time.Second,
		MaxHeaderBytes:    64 << 10,
	}
	i.unserve = func() { cancel(); i.server.Close() }
	go i.server.Serve(l) // it ends by Close
	return l.Addr().String() + i.prefix, nil
}

func (i *instance) api(w http.ResponseWriter, r *http.Request) {
	p, ok := strings.CutPrefix(r.URL.Path, i.prefix+"/")
	if !ok {
		apiError(w, http.StatusForbidden, "Forbidden", "The address of the Runtime API is that of AWS_LAMBDA_RUNTIME_API, with its path")
		return
	}
	p, ok = strings.CutPrefix(p, apiVersion+"/runtime/")
	if !ok {
		apiError(w, http.StatusForbidden, "Extension.Unsupported", "Only the Runtime API "+apiVersion+" is here: extensions are not supported")
		return
	}
	id, verb, _ := strings.Cut(strings.TrimPrefix(p, "invocation/"), "/")
	switch {
	case r.Method == http.MethodGet && p == "invocation/next":
		i.next(w, r)
	case r.Method == http.MethodPost && p == "init/error":
		i.initFailed(w, r)
	case r.Method == http.MethodPost && verb == "response":
		i.response(w, r, id)
	case r.Method == http.MethodPost && verb == "error":
		i.failure(w, r, id)
	default:
		apiError(w, http.StatusNotFound, "NotFound", "The Runtime API has no such resource")
	}
}

func apiError(w http.ResponseWriter, status int, kind, message string) {
	body, _ := json.Marshal(map[string]string{"errorType": kind, "errorMessage": message}) // two strings
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	w.Write(body)
}

// accepted is the body of what was taken.
var accepted = []byte(`{"status":"OK"}`)

func apiAccepted(w http.ResponseWriter) {
	h := w.Header()
	h["Content-Type"] = []string{"application/json"}
	h["Content-Length"] = []string{strconv.Itoa(len(accepted))}
	w.WriteHeader(http.StatusAccepted)
	w.Write(accepted)
}

// next hands the process its next invocation, and waits for one.
func (i *instance) next(w http.ResponseWriter, r *http.Request) {
	i.readyOnce.Do(func() { close(i.ready) })
	if v := i.current.Load(); v != nil {
		v.next()
	}
	i.rest.ask()
	var v *invocation
	gone := false
	select {
	case v = <-i.queue:
	case <-i.gone:
		gone = true
	case <-r.Context().Done():
	}
	i.rest.asked()
	switch {
	case gone:
		apiError(w, http.StatusGone, "Gone", "The instance is being stopped")
		return
	case v == nil: // the process has
		return
	}
	now := i.e.clock.Now()
	v.mu.Lock()
	v.began, v.deadline = now, now.Add(i.timeout())
	v.mu.Unlock()
	i.current.Store(v)
	i.capture.begin(v)
	h := w.Header()
	h["Content-Type"] = []string{"application/json"}
	h["Content-Length"] = []string{strconv.Itoa(len(v.r.Payload))}
	h["Lambda-Runtime-Aws-Request-Id"] = []string{v.r.ID}
	h["Lambda-Runtime-Deadline-Ms"] = []string{strconv.FormatInt(v.deadline.UnixMilli(), 10)}
	h["Lambda-Runtime-Invoked-Function-Arn"] = []string{v.r.ARN}
	if v.r.Trace != "" {
		h["Lambda-Runtime-Trace-Id"] = []string{v.r.Trace}
	}
	if v.r.ClientContext != "" {
		h["Lambda-Runtime-Client-Context"] = []string{v.r.ClientContext}
	}
	close(v.taken) // its time runs, whether it reads the payload or not
	small := len(v.r.Payload) <= maxUnread
	if !small {
		i.rest.goOn() // it has to read
	}
	w.WriteHeader(http.StatusOK)
	w.Write(v.r.Payload) // a process that has gone is seen to have
	if small {
		// What it waits for is there when it goes on: it is woken once, not twice.
		http.NewResponseController(w).Flush()
		i.rest.goOn()
	}
}

// of returns the invocation under way if it has that id.
func (i *instance) of(w http.ResponseWriter, id string) *invocation {
	v := i.current.Load()
	if v == nil || v.r.ID != id {
		apiError(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
		return nil
	}
	return v
}

// readBody reads a body into memory as it comes.
func readBody(r *http.Request, limit int) ([]byte, error) {
	if n := r.ContentLength; n > int64(limit) {
		return nil, errTooLarge
	}
	var b bytes.Buffer
	if r.ContentLength > 0 {
		b.Grow(int(min(r.ContentLength+bytes.MinRead, 1<<20)))
	}
	if _, err := b.ReadFrom(io.LimitReader(r.Body, int64(limit)+1)); err != nil {
		return nil, err
	}
	if b.Len() > limit {
		return nil, errTooLarge
	}
	return b.Bytes(), nil
}

var errTooLarge = errors.New("too large")

func (i *instance) response(w http.ResponseWriter, r *http.Request, id string) {
	v := i.of(w, id)
	if v == nil {
		return
	}
	if strings.EqualFold(r.Header.Get("Lambda-Runtime-Function-Response-Mode"), "streaming") {
		i.streamed(w, r, v)
		return
	}
	body, err := readBody(r, MaxPayload)
	if errors.Is(err, errTooLarge) {
		message := fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", MaxPayload)
		io.CopyN(io.Discard, r.Body, 64<<20)
		payload, _ := json.Marshal(map[string]string{"errorMessage": message, "errorType": "Function.ResponseSizeTooLarge"})
		i.answer(v, Result{Failed: true, ErrorType: "Function.ResponseSizeTooLarge", Payload: payload})
		apiError(w, http.StatusRequestEntityTooLarge, "Function.ResponseSizeTooLarge", message)
		return
	}
	if err != nil {
		apiError(w, http.StatusBadRequest, "InvalidRequest", "The response ended early")
		return
	}
	if len(body) == 0 {
		body = nil
	}
	i.answer(v, Result{Payload: body})
	apiAccepted(w)
}

// streamed passes a response on while it is made.
func (i *instance) streamed(w http.ResponseWriter, r *http.Request, v *invocation) {
	if !v.r.Stream {
		// Whoever called wants it whole.
		body, err := readBody(r, MaxPayload)
		failed, kind, text := trailers(r)
		switch {
		case failed:
			i.answer(v, Result{Failed: true, ErrorType: kind, Payload: text})
		case err != nil:
			i.answer(v, Result{Failed: true, ErrorType: "Function.ResponseSizeTooLarge", Payload: []byte(fmt.Sprintf(`{"errorMessage":"Response payload size exceeded maximum allowed payload size (%d bytes).","errorType":"Function.ResponseSizeTooLarge"}`, MaxPayload))})
		default:
			i.answer(v, Result{Payload: body})
		}
		apiAccepted(w)
		return
	}
	pr, pw := io.Pipe()
	if !v.finish(Result{Body: pr, ContentType: r.Header.Get("Content-Type")}, i.e.clock.Now()) {
		apiError(w, http.StatusBadRequest, "InvalidRequestID", "The invocation has been answered")
		return
	}
	n, err := io.Copy(pw, io.LimitReader(r.Body, MaxStreamed+1))
	switch failed, kind, text := trailers(r); {
	case failed:
		err = &StreamError{Type: kind, Payload: text}
	case n > MaxStreamed:
		err = &StreamError{Type: "Function.ResponseSizeTooLarge", Payload: []byte(`{"errorMessage":"The streamed response is larger than 200 MB","errorType":"Function.ResponseSizeTooLarge"}`)}
	case errors.Is(err, io.ErrClosedPipe):
		err = nil // nobody reads any more
		io.Copy(io.Discard, io.LimitReader(r.Body, MaxStreamed))
	case err != nil:
		err = &StreamError{Type: "Runtime.TruncatedResponse", Payload: []byte(`{"errorMessage":"The function ended in the middle of its response","errorType":"Runtime.TruncatedResponse"}`)}
	}
	var failure *StreamError
	if errors.As(err, &failure) {
		v.fail(Result{ErrorType: failure.Type})
	}
	i.capture.end(v)
	pw.CloseWithError(err)
	v.complete()
	apiAccepted(w)
}

// StreamError is how a function failed after a part of its response.
type StreamError struct {
	Type    string
	Payload []byte
}

func (e *StreamError) Error() string { return "function: " + e.Type }

func trailers(r *http.Request) (failed bool, kind string, text []byte) {
	kind = r.Trailer.Get("Lambda-Runtime-Function-Error-Type")
	if kind == "" {
		return false, "", nil
	}
	text, err := base64.StdEncoding.DecodeString(r.Trailer.Get("Lambda-Runtime-Function-Error-Body"))
	if err != nil {
		text = nil
	}
	return true, kind, text
}

func (i *instance) failure(w http.ResponseWriter, r *http.Request, id string) {
	v := i.of(w, id)
	if v == nil {
		return
	}
	body, err := readBody(r, MaxPayload)
	if err != nil {
		body = []byte(`{"errorMessage":"The error is too large","errorType":"Function.ResponseSizeTooLarge"}`)
		io.CopyN(io.Discard, r.Body, 64<<20)
	}
	kind := r.Header.Get("Lambda-Runtime-Function-Error-Type")
	if kind == "" {
		var e struct {
			Type string `json:"errorType"`
		}
		_ = json.Unmarshal(body, &e) // what has no type is unhandled
		kind = e.Type
	}
	i.answer(v, Result{Failed: true, ErrorType: kind, Payload: body})
	apiAccepted(w)
}

func (i *instance) initFailed(w http.ResponseWriter, r *http.Request) {
	body, err := readBody(r, MaxPayload)
	if err != nil {
		body = nil
	}
	i.initError.CompareAndSwap(nil, &Result{Failed: true, ErrorType: r.Header.Get("Lambda-Runtime-Function-Error-Type"), Payload: body})
	i.initOnce.Do(func() { close(i.initGone) })
	apiAccepted(w)
}

// answer finishes an invocation by what the process has said, after what it printed.
func (i *instance) answer(v *invocation, r Result) {
	i.capture.end(v)
	v.finish(r, i.e.clock.Now())
}
