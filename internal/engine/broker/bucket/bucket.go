// Package bucket makes KeyValue buckets in which what was replaced or deleted stays so after a kill.
//
// The server forgets, and does not write down, what a limit on the revisions of a key removes. A
// kill before it has written its index lets it find these revisions in its files again: then the
// last one counts where nothing newer is left, as when the mark of a deleted key has expired. So a
// change removes what it replaces by a rollup, of which the server keeps a tombstone, and the limit
// leaves the replaced revision for that to find.
package bucket

import (
	"context"
	"errors"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// History is how many revisions of a key a bucket may have: the one that a change replaces is there
// still when the change is stored, and is removed by it.
const History = 2

// Stream is the name of the stream that holds a bucket.
func Stream(bucket string) string { return "KV_" + bucket }

// Open opens the bucket, which it makes with the configuration, and History, if it is missing. One of
// an earlier version gets History, and loses the replaced revisions that a kill has left: one
// would be the value again when the mark that has replaced it goes. It does not wait until the
// disk has any of that.
func Open(ctx context.Context, js jetstream.JetStream, cfg jetstream.KeyValueConfig) (jetstream.KeyValue, error) {
	kv, err := js.KeyValue(ctx, cfg.Bucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		cfg.History = History
		return js.CreateKeyValue(ctx, cfg)
	}
	if err == nil {
		err = prepare(ctx, js, Stream(cfg.Bucket))
	}
	return kv, err
}

func prepare(ctx context.Context, js jetstream.JetStream, stream string) error {
	st, err := js.Stream(ctx, stream)
	if err != nil {
		return err
	}
	info := st.CachedInfo()
	if info.Config.MaxMsgsPerSubject < History {
		info.Config.MaxMsgsPerSubject = History
		if st, err = js.UpdateStream(ctx, info.Config); err != nil {
			return err
		}
	}
	if info.State.Msgs <= info.State.NumSubjects {
		return nil
	}
	if info, err = st.Info(ctx, jetstream.WithSubjectFilter(">")); err != nil {
		return err
	}
	for name, revisions := range info.State.Subjects {
		if revisions > 1 {
			if err := st.Purge(ctx, jetstream.WithPurgeSubject(name), jetstream.WithPurgeKeep(1)); err != nil {
				return err
			}
		}
	}
	return nil
}

// Message is a change of a key, to be published. It removes what was there.
func Message(bucket, key string, value []byte) *nats.Msg {
	m := nats.NewMsg("$KV." + bucket + "." + key)
	m.Header.Set(jetstream.MsgRollup, jetstream.MsgRollupSubject)
	m.Data = value
	return m
}
