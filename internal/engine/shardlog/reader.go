package shardlog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	fetchBatch = 1024 // frames of one request
	fetchWait  = 10 * time.Second
	fetchSlots = 4 // requests of one connection at once
)

// reader asks for frames on a connection of its own, many with one request.
type reader struct {
	conn  *nats.Conn
	inbox string
	slots chan struct{}

	mu      sync.Mutex
	token   uint64
	waiting map[uint64]chan *nats.Msg
}

func newReader(l *Log) (*reader, error) {
	conn, err := l.broker.Dial("shardlog reader")
	if err != nil {
		return nil, fmt.Errorf("shardlog: %w", err)
	}
	r := &reader{conn: conn, inbox: conn.NewInbox() + ".", slots: make(chan struct{}, fetchSlots), waiting: map[uint64]chan *nats.Msg{}}
	conn.SetReconnectHandler(func(*nats.Conn) { r.disconnected() })
	sub, err := conn.Subscribe(r.inbox+"*", r.deliver)
	if err == nil {
		err = sub.SetPendingLimits(-1, -1) // what is asked for is bounded
	}
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("shardlog: %w", err)
	}
	return r, nil
}

func (r *reader) deliver(m *nats.Msg) {
	token, err := strconv.ParseUint(strings.TrimPrefix(m.Subject, r.inbox), 36, 64)
	if err != nil {
		return
	}
	r.mu.Lock()
	to := r.waiting[token]
	r.mu.Unlock()
	if to != nil {
		select {
		case to <- m:
		default: // more than was asked for
		}
	}
}

// disconnected tells those who wait that no answer will come.
func (r *reader) disconnected() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, to := range r.waiting {
		select {
		case to <- nil:
		default:
		}
	}
}

// getRequest is JetStream's direct get, see its ADR-31.
type getRequest struct {
	Seq       uint64     `json:"seq,omitempty"`
	StartTime *time.Time `json:"start_time,omitempty"`
	Batch     int        `json:"batch"`
	MaxBytes  int        `json:"max_bytes,omitempty"`
}

// message is a stored message: a frame not yet verified.
type message struct {
	seq  uint64
	data []byte
}

var (
	errNone         = errors.New("shardlog: no such message")
	errDisconnected = errors.New("shardlog: read: disconnected")
)

// get returns messages of the stream in order; errNone when there is none. On an error
// it returns what it has.
func (r *reader) get(ctx context.Context, stream string, req getRequest) ([]message, error) {
	for pause := time.Millisecond; ; pause *= 2 {
		got, err := r.getOnce(ctx, stream, req)
		if len(got) > 0 || !errors.Is(err, errDisconnected) && !errors.Is(err, nats.ErrReconnectBufExceeded) || pause > time.Second {
			return got, err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (r *reader) getOnce(ctx context.Context, stream string, req getRequest) ([]message, error) {
	select {
	case r.slots <- struct{}{}:
		defer func() { <-r.slots }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	body, err := json.Marshal(req)
	if err != nil {
		return nil, err
	}
	to := make(chan *nats.Msg, req.Batch+1)
	r.mu.Lock()
	r.token++
	token := r.token
	r.waiting[token] = to
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		delete(r.waiting, token)
		r.mu.Unlock()
	}()
	err = r.conn.PublishRequest("$JS.API.DIRECT.GET."+stream, r.inbox+strconv.FormatUint(token, 36), body)
	if err != nil {
		return nil, fmt.Errorf("shardlog: read: %w", err)
	}
	timeout := time.NewTimer(fetchWait)
	defer timeout.Stop()
	var got []message
	for {
		select {
		case m := <-to:
			if m == nil {
				return got, errDisconnected
			}
			switch status := m.Header.Get("Status"); status {
			case "":
			case "204": // the end of the batch
				return got, nil
			case "404":
				return got, errNone
			case "503":
				return got, fmt.Errorf("shardlog: read: %w", nats.ErrNoResponders)
			default:
				return got, fmt.Errorf("shardlog: read: %s %s", status, m.Header.Get("Description"))
			}
			seq, err := strconv.ParseUint(m.Header.Get("Nats-Sequence"), 10, 64)
			if err != nil {
				return got, fmt.Errorf("shardlog: read: message without a sequence")
			}
			got = append(got, message{seq, m.Data})
		case <-ctx.Done():
			return got, ctx.Err()
		case <-timeout.C:
			return got, fmt.Errorf("shardlog: read: %w", nats.ErrTimeout)
		}
	}
}
