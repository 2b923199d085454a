package awswire

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"iter"
	"net/http"
	"reflect"
	"runtime/debug"
	"sync"
	"time"

	"github.com/brookmere/brookmere/internal/awswire/eventstream"
)

// An event stream is one response whose body goes on: a message with the operation's
// output, then one for each event. It speaks HTTP/2 and HTTP/1.1 alike.

const (
	// streamStall is how long one event may wait for a client that does not read.
	streamStall = 5 * time.Minute
	// streamGrace is how long it may when the client is gone or the node closes.
	streamGrace = time.Second
	// streamRest is rest for a stream, which lasts minutes: waiting is nothing to it.
	streamRest = 5 * time.Millisecond
)

// eventSource is a stream that the operation has granted.
type eventSource struct {
	op     *boundOperation
	output reflect.Value
	events iter.Seq2[any, error]
}

// openStream calls an operation that answers with events.
func (x *exchange) openStream(ctx context.Context, in any) error {
	out, events, err := x.op.stream(ctx, in)
	if err != nil {
		return err
	}
	x.h.plans(x.op)
	x.events = &eventSource{x.op, reflect.ValueOf(out).Elem(), events}
	return nil
}

// recovered turns a panic into an error, for a deferred call.
func recovered(err *error) {
	if p := recover(); p != nil {
		if p == http.ErrAbortHandler {
			panic(p)
		}
		*err = &panicError{value: p, stack: debug.Stack()}
	}
}

// push sends the events of a stream.
func (x *exchange) push(src *eventSource) {
	s := &eventSender{x: x, control: http.NewResponseController(x.w)}
	time.Sleep(streamRest)
	status := http.StatusOK
	if x.protocol == RestJSON {
		x.bindHeaders(src.op.output, src.output)
		status = cmp.Or(x.status, status)
	}
	head := x.head(eventstream.ContentType)
	head.set(x.w.Header())
	x.w.WriteHeader(status)
	// A client that does not read must not hold up a node that closes.
	defer s.end(context.AfterFunc(x.ctx, func() { s.patience(streamGrace) }))

	var err error
	if x.protocol != RestJSON { // whose headers say it
		err = s.send(x.eventHeaders("initial-response"), func(dst []byte) ([]byte, error) {
			return x.appendStruct(dst, src.op.output, src.output)
		})
	}
	if err == nil {
		err = x.pump(s, src)
	}
	if err != nil && !errors.Is(err, errClientGone) && x.ctx.Err() == nil {
		_ = s.exception(src.op, x.report(err)) // the client has gone: nobody to tell
	}
}

func (x *exchange) eventHeaders(name string) []eventstream.Header {
	return []eventstream.Header{
		{Name: eventstream.EventType, Value: name},
		{Name: eventstream.TypeOfContent, Value: x.protocol.contentType()},
		{Name: eventstream.MessageType, Value: "event"},
	}
}

// A WireEvent is an event that knows its wire form, as a FastPath does.
type WireEvent interface {
	// EventName is the event's member of the union.
	EventName() string
	// AppendEvent appends the payload in the protocol. With ok false it has done nothing.
	AppendEvent(dst []byte, p Protocol) (out []byte, ok bool)
	// Event is the event as a member of the SDK's union.
	Event() any
}

// sendWire sends an event that knows its wire form, if it does in this protocol.
func (x *exchange) sendWire(s *eventSender, w WireEvent) (sent bool, err error) {
	sent = true
	err = s.send(x.eventHeaders(w.EventName()), func(dst []byte) ([]byte, error) {
		out, ok := w.AppendEvent(dst, x.protocol)
		if !ok {
			sent = false
			return dst, errNoWireForm
		}
		return out, nil
	})
	if err == errNoWireForm {
		err = nil
	}
	return sent, err
}

var errNoWireForm = errors.New("awswire: the event has no form in the protocol")

// pump sends events until there are no more.
func (x *exchange) pump(s *eventSender, src *eventSource) (err error) {
	defer recovered(&err)
	for e, err := range src.events {
		if err != nil {
			return err
		}
		if w, ok := e.(WireEvent); ok {
			if sent, err := x.sendWire(s, w); err != nil {
				return err
			} else if sent {
				continue
			}
			e = w.Event()
		}
		v := reflect.Indirect(reflect.ValueOf(e))
		m, err := x.h.planner.unionMemberFor(src.op.events, v.Type())
		if err != nil {
			return err
		}
		if err := x.sendEvent(s, m, v.FieldByName("Value")); err != nil {
			return err
		}
	}
	return nil
}

// sendEvent sends an event: its payload is the member that the model says is it, or an object
// of all.
func (x *exchange) sendEvent(s *eventSender, m *unionMember, v reflect.Value) error {
	headers := x.eventHeaders(m.name)
	for i := range m.plan.fields {
		f := &m.plan.fields[i]
		if f.member == nil || !f.member.EventPayload {
			continue
		}
		fv := v.Field(f.index)
		return s.send(withType(headers, f.plan.kind), func(dst []byte) ([]byte, error) {
			switch {
			case absent(f.plan, fv):
				return dst, nil
			case f.plan.kind == kindBlob:
				return append(dst, deref(f.plan, fv).Bytes()...), nil
			case f.plan.kind == kindString:
				return append(dst, deref(f.plan, fv).String()...), nil
			}
			return x.appendStruct(dst, f.plan, deref(f.plan, fv))
		})
	}
	return s.send(headers, func(dst []byte) ([]byte, error) { return x.appendStruct(dst, m.plan, v) })
}

func withType(headers []eventstream.Header, k kind) []eventstream.Header {
	for i := range headers {
		if headers[i].Name == eventstream.TypeOfContent {
			switch k {
			case kindBlob:
				headers[i].Value = "application/octet-stream"
			case kindString:
				headers[i].Value = "text/plain"
			}
		}
	}
	return headers
}

var errClientGone = errors.New("awswire: the client does not take the event")

// eventSender writes messages to the connection.
type eventSender struct {
	x *exchange

	mu      sync.Mutex
	control *http.ResponseController // nil when the response is at its end
}

func (s *eventSender) send(headers []eventstream.Header, payload func([]byte) ([]byte, error)) error {
	// A buffer for each event: a stream that waits holds none.
	buf := bufferPool.Get().(*bytes.Buffer)
	defer func() { putBuffer(buf) }()
	message, err := eventstream.Append(buf.AvailableBuffer(), headers, payload)
	if err != nil {
		return err
	}
	if cap(message) > buf.Cap() {
		buf = bytes.NewBuffer(message[:0])
	}
	s.patience(streamStall)
	if s.x.ctx.Err() != nil {
		s.patience(streamGrace)
	}
	if _, err := s.x.w.Write(message); err != nil {
		return errClientGone
	}
	if err := s.control.Flush(); err != nil {
		return errClientGone
	}
	return nil
}

// patience is how long the client may take to read from now on.
func (s *eventSender) patience(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.control != nil {
		_ = s.control.SetWriteDeadline(time.Now().Add(d)) // not every connection has deadlines
	}
}

// end leaves the response alone from now on: net/http takes it back.
func (s *eventSender) end(stop func() bool) {
	stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.control.SetWriteDeadline(time.Time{}) // the connection may serve other requests
	s.control = nil
}

// exception sends an error: as an event of the stream's union if that has it.
func (s *eventSender) exception(op *boundOperation, f fault) error {
	if p := op.events; p.shape != nil && findMember(p.shape, f.code) != nil {
		headers := []eventstream.Header{
			{Name: eventstream.ExceptionType, Value: f.code},
			{Name: eventstream.TypeOfContent, Value: s.x.protocol.contentType()},
			{Name: eventstream.MessageType, Value: "exception"},
		}
		return s.send(headers, func(dst []byte) ([]byte, error) {
			if s.x.protocol == CBOR11 || s.x.protocol == rpcV2CBOR {
				return s.x.h.appendCBORFault(dst, f, s.x.protocol == CBOR11), nil
			}
			return s.x.h.appendJSONFault(dst, f, s.x.protocol != RestJSON), nil
		})
	}
	return s.send([]eventstream.Header{
		{Name: eventstream.ErrorCode, Value: f.code},
		{Name: eventstream.ErrorMessage, Value: f.message},
		{Name: eventstream.MessageType, Value: "error"},
	}, nil)
}
