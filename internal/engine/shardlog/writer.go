package shardlog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/brookmere/brookmere/internal/engine/broker/journal"
)

const (
	// ackWait is how long a published frame may go without an answer before it is
	// published again. In the same process only a reconnect loses answers, so this is for a
	// server outside: a disk that many shards wait for is slow, and more work makes it slower.
	ackWait = 30 * time.Second

	// checkEvery is how long it may go before the broker is asked the first time whether the
	// store has failed, since a store that fails does not answer.
	checkEvery = 250 * time.Millisecond
)

// writer publishes frames on a connection of its own and takes their acknowledgements.
type writer struct {
	log   *Log
	conn  *nats.Conn
	inbox string // ends in "."

	mu      sync.Mutex
	token   uint64
	waiting map[uint64]*sent
}

func newWriter(l *Log) (*writer, error) {
	conn, err := l.broker.Dial("shardlog writer")
	if err != nil {
		return nil, fmt.Errorf("shardlog: %w", err)
	}
	w := &writer{log: l, conn: conn, inbox: conn.NewInbox() + ".", waiting: map[uint64]*sent{}}
	// What was published before a reconnect may have been stored, and its answer lost.
	conn.SetReconnectHandler(func(*nats.Conn) { w.disconnected() })
	sub, err := conn.Subscribe(w.inbox+"*", w.answer)
	if err == nil {
		err = sub.SetPendingLimits(-1, -1)
	}
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("shardlog: %w", err)
	}
	return w, nil
}

func (out *sent) message() *nats.Msg {
	return &nats.Msg{
		Subject: out.shard.subject,
		Header:  nats.Header{jetstream.ExpectedLastSeqHeader: {strconv.FormatUint(out.seq-1, 10)}},
		Data:    out.buf,
	}
}

// publish sends a frame. When that fails, it is as if no answer came.
func (w *writer) publish(out *sent) {
	m := out.message()
	w.mu.Lock()
	w.token++
	out.token = w.token
	w.waiting[out.token] = out
	published := time.Now()
	out.timer = time.AfterFunc(checkEvery, func() { w.check(out, published) })
	w.mu.Unlock()
	m.Reply = w.inbox + strconv.FormatUint(out.token, 36)
	if err := w.conn.PublishMsg(m); err != nil {
		go w.unanswered(out)
	}
}

// claim takes the frame with the token off the list; nil when it is not on it any more.
func (w *writer) claim(token uint64) *sent {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := w.waiting[token]
	delete(w.waiting, token)
	return out
}

func (w *writer) answer(m *nats.Msg) {
	token, err := strconv.ParseUint(strings.TrimPrefix(m.Subject, w.inbox), 36, 64)
	if err != nil {
		return
	}
	if out := w.claim(token); out != nil {
		w.persist(out, parseAck(m))
	}
}

// persist sees to it that a frame that the server has stored is durable, too.
func (w *writer) persist(out *sent, err error) {
	if err != nil {
		out.shard.answered(out, err)
		return
	}
	s := out.shard
	done := func(err error) {
		if err != nil {
			err = &storeError{err.Error()}
		}
		s.answered(out, err)
	}
	if w.log.front != nil {
		// The frames before it may be durable in the journal of appends alone, which that of
		// frames knows nothing of.
		w.log.broker.Store(s.stream, out.seq, done)
		return
	}
	w.log.broker.Persist(s.stream, s.subject, out.seq, out.buf, done)
}

func (w *writer) disconnected() {
	w.mu.Lock()
	lost := w.waiting
	w.waiting = map[uint64]*sent{}
	w.mu.Unlock()
	for _, out := range lost {
		out.shard.answered(out, errUnanswered)
	}
}

// check looks after a frame that has gone long without an answer.
func (w *writer) check(out *sent, published time.Time) {
	if err := w.log.broker.Check(out.shard.stream); err != nil {
		if w.claim(out.token) != nil {
			out.shard.answered(out, &storeError{err.Error()})
		}
		return
	}
	if time.Since(published) >= ackWait {
		w.unanswered(out)
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.waiting[out.token] == out {
		out.timer.Reset(time.Since(published)) // less and less often: on a slow disk all frames wait
	}
}

func (w *writer) unanswered(out *sent) {
	if w.claim(out.token) != nil {
		out.shard.answered(out, errUnanswered)
	}
}

var (
	errUnanswered = errors.New("no answer from the store")
	errWrongSeq   = errors.New("not the last sequence")
)

// storeError is that of a store that failed to write the frame. It takes nothing more
// until it is started again.
type storeError struct{ cause string }

func (e *storeError) Error() string { return e.cause }

// refusedError is the server's refusal to store a frame.
type refusedError struct{ cause string }

func (e *refusedError) Error() string { return e.cause }

// parseAck is nil when the frame was stored.
func parseAck(m *nats.Msg) error {
	if len(m.Data) == 0 {
		if m.Header.Get("Status") == "503" {
			return nats.ErrNoResponders
		}
		return errUnanswered
	}
	var ack struct {
		Error *jetstream.APIError `json:"error"`
		Seq   uint64              `json:"seq"`
	}
	if err := json.Unmarshal(m.Data, &ack); err != nil {
		return errUnanswered
	}
	switch {
	case ack.Error == nil && ack.Seq > 0:
		return nil
	case ack.Error == nil:
		return errUnanswered
	case ack.Error.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence:
		return errWrongSeq
	}
	return &refusedError{ack.Error.Description}
}

// answered takes the server's answer to a frame. As long as all goes well frames are
// committed here, in order; else recover sorts out what was stored.
func (s *Shard) answered(out *sent, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out.answered, out.err, out.failed = true, err, time.Now()
	if s.recovering {
		return
	}
	for len(s.inflight) > 0 && s.inflight[0].answered && s.inflight[0].err == nil {
		s.commit(s.inflight[0])
	}
	if len(s.inflight) > 0 && s.inflight[0].answered {
		s.recovering = true
		s.log.busy.Add(1)
		go s.recover()
		return
	}
	s.pump()
	s.signalIdle()
}

// recover takes over when a frame was not stored, or nobody knows: it finds out about
// each frame in flight, in order, and sends those again that were refused for the sake
// of an earlier one.
func (s *Shard) recover() {
	defer s.log.busy.Done()
	pause := 5 * time.Millisecond
	for {
		s.mu.Lock()
		if len(s.inflight) == 0 && !s.sending {
			// The next frame goes on from what is stored.
			s.next, s.nextSeq = s.lastHeader, s.last
			s.next.time = max(s.next.time, s.lastHeader.time)
			s.recovering = false
			s.pump()
			s.signalIdle()
			s.mu.Unlock()
			return
		}
		var out *sent
		if len(s.inflight) > 0 {
			out = s.inflight[0]
		}
		ready := out != nil && out.answered && !s.sending
		s.mu.Unlock()
		if !ready {
			if s.log.sleep(time.Millisecond) != nil {
				s.giveUp(ErrClosed)
				return
			}
			continue
		}
		stored, err := s.resolve(out)
		if err == nil && stored {
			if err = s.syncHome(); errors.Is(err, journal.ErrSuspect) {
				s.giveUp(fmt.Errorf("shardlog: append to shard %s: %w", s.name, err))
				return
			} else if err != nil {
				err = errUnanswered
			}
		}
		s.mu.Lock()
		switch {
		case err == nil && stored:
			s.commit(out)
		case err == nil: // another frame is at its place: it is for the next round
			foreign := s.last+1 == out.seq
			s.inflight = s.inflight[1:]
			s.requeue(out)
			if foreign {
				s.mu.Unlock()
				if s.resync() != nil && s.log.sleep(pause) != nil {
					s.giveUp(ErrClosed)
					return
				}
				continue
			}
		case errors.Is(err, errUnanswered):
			s.mu.Unlock()
			if s.log.sleep(pause) != nil {
				s.giveUp(ErrClosed)
				return
			}
			pause = min(2*pause, time.Second)
			continue
		default:
			s.inflight = s.inflight[1:]
			for _, w := range out.waiters {
				w.fail(err)
			}
			out.release()
			if errors.Is(err, ErrNoShard) && s.err == nil {
				s.err = err
			}
		}
		s.mu.Unlock()
	}
}

// requeue puts the appends of a frame that was not stored back to the front. Callers
// hold mu.
func (s *Shard) requeue(out *sent) {
	s.queue = append(out.waiters[:len(out.waiters):len(out.waiters)], s.queue...)
	s.queued += int(out.header.length)
	out.release()
}

// resync reads where the shard ends, which is not where this log left it.
func (s *Shard) resync() error {
	first, last, err := s.bounds(s.log.ctx)
	if err != nil {
		return err
	}
	end, err := s.endHeader(s.log.ctx, first, last)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.beginAt(first, nil)
	s.last, s.lastHeader, s.stored = last, end, last
	s.wake()
	return nil
}

// giveUp ends the appends under way when their outcome stays unknown: because the log is closed, or
// the stream is not synced any more. The shard takes no more.
func (s *Shard) giveUp(cause error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, out := range s.inflight {
		for _, w := range out.waiters {
			w.fail(fmt.Errorf("%w while an append was under way: %w", cause, context.Canceled))
		}
	}
	s.inflight, s.recovering = nil, false
	if s.err == nil {
		s.err = cause
	}
	for _, w := range s.queue {
		w.fail(cause)
	}
	s.queue, s.queued = nil, 0
	s.signalIdle()
}

// resolve finds out whether a frame was stored. errUnanswered: not known yet. Any other
// error: it was not, and never will be.
func (s *Shard) resolve(out *sent) (stored bool, err error) {
	s.mu.Lock()
	err, late := out.err, s.last+1 != out.seq
	s.mu.Unlock()
	if late && errors.Is(err, errWrongSeq) {
		return false, nil // it was to follow a frame that is not there
	}
	if s.packed {
		return s.resolveInPacks(out, err)
	}
	var failed *storeError
	var refused *refusedError
	switch {
	case err == nil:
		return true, nil
	case errors.As(err, &failed):
		return s.resolveFailed(out, failed)
	case errors.As(err, &refused):
		return false, refusal(refused.cause)
	case errors.Is(err, errWrongSeq):
		return s.isStored(out)
	}
	// No answer. Publish it again: it is stored now if it was not, and refused if it was.
	m, err := s.republish(out)
	switch {
	case errors.As(err, &failed):
	case errors.Is(err, nats.ErrNoResponders):
		if _, _, err := s.bounds(s.log.ctx); errors.Is(err, ErrNoShard) {
			return false, err
		}
		return false, errUnanswered
	case err != nil:
		return false, errUnanswered
	default:
		err = parseAck(m)
	}
	if err == nil {
		return true, nil
	}
	if errors.Is(err, nats.ErrNoResponders) || errors.Is(err, errUnanswered) {
		return false, errUnanswered
	}
	s.mu.Lock()
	out.err, out.failed = err, time.Now()
	s.mu.Unlock()
	return s.resolve(out)
}

// republish sends a frame again and waits for the answer, or until the store is found
// to have failed.
func (s *Shard) republish(out *sent) (*nats.Msg, error) {
	ctx, cancel := context.WithTimeoutCause(s.log.ctx, ackWait, errUnanswered)
	defer cancel()
	inner, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	watch := time.AfterFunc(checkEvery, func() {
		for inner.Err() == nil {
			if err := s.log.broker.Check(s.stream); err != nil {
				stop(&storeError{err.Error()})
			}
			s.log.sleep(checkEvery)
		}
	})
	defer watch.Stop()
	m, err := s.writer.conn.RequestMsgWithContext(inner, out.message())
	if err != nil && inner.Err() != nil {
		err = context.Cause(inner)
	}
	return m, err
}

// resolveFailed starts the store again, which only then shows whether the frame is there.
func (s *Shard) resolveFailed(out *sent, failed *storeError) (bool, error) {
	if err := s.log.repair.do(s.log, out.failed); err != nil {
		return false, errUnanswered
	}
	stored, err := s.isStored(out)
	if stored || err != nil {
		return stored, err
	}
	return false, refusal(failed.cause)
}

// isStored looks whether the frame stands at its sequence.
func (s *Shard) isStored(out *sent) (bool, error) {
	ctx, cancel := context.WithTimeout(s.log.ctx, ackWait)
	defer cancel()
	_, last, err := s.bounds(ctx)
	if errors.Is(err, ErrNoShard) {
		return false, err
	}
	if err != nil {
		return false, errUnanswered
	}
	if last < out.seq {
		return false, nil
	}
	f, err := s.load(ctx, out.seq)
	if errors.Is(err, ErrCorrupt) || err == nil && f == nil {
		return false, nil
	}
	if err != nil {
		return false, errUnanswered
	}
	return f.stamp == out.header.stamp, nil
}

// refusal is the error for a caller whose frame was refused.
func refusal(d string) error {
	switch {
	case strings.Contains(d, syscall.ENOSPC.Error()), strings.Contains(d, syscall.EDQUOT.Error()),
		strings.Contains(d, syscall.EFBIG.Error()), strings.Contains(d, "maximum bytes exceeded"),
		strings.Contains(d, "resource limits exceeded"), strings.Contains(d, "insufficient"):
		return fmt.Errorf("%w: %s", ErrFull, d)
	}
	return fmt.Errorf("shardlog: append: %s", d)
}

// sleep waits, or returns an error when the log is closed.
func (l *Log) sleep(d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-l.ctx.Done():
		return ErrClosed
	}
}
