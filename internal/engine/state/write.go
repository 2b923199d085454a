package state

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
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

// remove replaces the document by a mark that says it is gone, which goes by itself
// after a while, and returns the mark's revision. KeyValue.Purge does the same, without
// telling the revision.
func (s *Store) remove(ctx context.Context, name string, rev uint64) (uint64, error) {
	m := nats.NewMsg("$KV." + s.kv.Bucket() + "." + name)
	m.Header.Set("KV-Operation", "PURGE")
	m.Header.Set(jetstream.MsgRollup, jetstream.MsgRollupSubject)
	m.Header.Set(jetstream.MsgTTLHeader, deletedFor.String())
	m.Header.Set(jetstream.ExpectedLastSubjSeqHeader, fmt.Sprint(rev))
	ack, err := s.server.JetStream().PublishMsg(ctx, m)
	if err != nil {
		return 0, err
	}
	return ack.Sequence, nil
}
