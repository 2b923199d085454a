package state

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/brookmere/brookmere/internal/engine/broker/bucket"
)

// writable returns the key's name in the bucket, if there is room for a change of it.
func (s *Store) writable(key Key) (string, error) {
	name, err := key.escape()
	if err != nil {
		return name, err
	}
	if free, err := s.server.Free(); err == nil && free < minFree {
		return "", fmt.Errorf("%w: %s is not changed", ErrFull, key)
	}
	return name, nil
}

// answerWait is how long a change waits for the server's answer after its caller's context has ended.
const answerWait = 5 * time.Second

// change is the context of a change that is sent to the server. It outlasts the caller's: work that
// writes or removes its own document is stopped as soon as that shows, which may be before the answer,
// and the change is to be durable and told as made all the same. A context that has ended before
// changes nothing.
func change(ctx context.Context) (context.Context, context.CancelFunc) {
	if ctx.Err() != nil {
		return ctx, func() {}
	}
	out, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		t := time.AfterFunc(answerWait, func() { cancel(context.Cause(ctx)) })
		context.AfterFunc(out, func() { t.Stop() })
	})
	return out, func() { stop(); cancel(nil) }
}

// wrongLastSequence is what a replicated stream answers to a change that met another one
// under way: it may or may not be stored. Reading again reports whether the document is
// still at the revision.
const wrongLastSequence jetstream.ErrorCode = 10164

// changeError names a failed compare-and-swap ErrConflict.
func changeError(what string, key Key, err error) error {
	var api *jetstream.APIError
	if errors.As(err, &api) && (api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence || api.ErrorCode == wrongLastSequence) {
		return fmt.Errorf("%w: %s", ErrConflict, key)
	}
	return fmt.Errorf("state: %s %s: %w", what, key, err)
}

// message is a change of a document. It removes what was there.
func (s *Store) message(name string, value []byte) *nats.Msg {
	return bucket.Message(s.kv.Bucket(), name, value)
}

// at makes a change one of the revision.
func at(m *nats.Msg, rev uint64) *nats.Msg {
	m.Header.Set(jetstream.ExpectedLastSubjSeqHeader, fmt.Sprint(rev))
	return m
}

// publish stores a change and returns its revision.
func (s *Store) publish(ctx context.Context, m *nats.Msg) (uint64, error) {
	ctx, done := change(ctx)
	defer done()
	ack, err := s.server.JetStream().PublishMsg(ctx, m)
	if err != nil {
		return 0, err
	}
	return ack.Sequence, nil
}

// remove replaces the document by a mark that says it is gone, which goes by itself
// after a while, and returns the mark's revision. KeyValue.Purge does the same, without
// telling the revision.
func (s *Store) remove(ctx context.Context, name string, rev uint64) (uint64, error) {
	m := at(s.message(name, nil), rev)
	m.Header.Set("KV-Operation", "PURGE")
	m.Header.Set(jetstream.MsgTTLHeader, s.deletedFor.String())
	return s.publish(ctx, m)
}

// create stores a document that is not there and returns its revision.
func (s *Store) create(ctx context.Context, name string, value []byte) (uint64, error) {
	ctx, done := change(ctx)
	defer done()
	return s.kv.Create(ctx, name, value)
}
