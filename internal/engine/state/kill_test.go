package state

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/brookmere/brookmere/internal/engine/broker"
	"github.com/brookmere/brookmere/internal/engine/broker/bucket"
	"github.com/brookmere/brookmere/internal/testdir"
)

// TestDeletedStayDeleted kills a node when the marks of deleted documents have gone: nothing of the
// documents is there again, though their revisions are in the files still.
func TestDeletedStayDeleted(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	b, err := broker.Start(broker.Options{Dir: filepath.Join(dir, "nats")})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	s, err := Open(ctx, b, Options{deletedFor: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	put := func(kind string, i int) (Key, uint64) {
		k := Key{kind, fmt.Sprint(i)}
		rev, err := s.Put(ctx, k, []byte(`{"a":1}`))
		if err != nil {
			t.Fatal(err)
		}
		return k, rev
	}
	for i := range 10 {
		put("before", i)
	}
	for i := range 10 {
		k, rev := put("deleted", i)
		for range i % 4 {
			if rev, err = s.Update(ctx, k, []byte(`{"a":2}`), rev); err != nil {
				t.Fatal(err)
			}
		}
		if i%2 == 0 {
			put("deleted", i)
		}
		if err := s.Delete(ctx, k, 0); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 10 {
		put("after", i)
	}
	st, err := b.JetStream().Stream(ctx, bucket.Stream("state"))
	if err != nil {
		t.Fatal(err)
	}
	for info := (*jetstream.StreamInfo)(nil); info == nil || info.State.Msgs > 20; {
		if info, err = st.Info(ctx); err != nil {
			t.Fatal(err)
		}
	}
	killed := filepath.Join(t.TempDir(), "nats")
	testdir.Copy(t, killed, filepath.Join(dir, "nats"))
	b2, err := broker.Start(broker.Options{Dir: killed})
	if err != nil {
		t.Fatal(err)
	}
	defer b2.Close()
	s2, err := Open(ctx, b2, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s2.Close()
	if n := s2.Len(); n != 20 {
		t.Errorf("%d documents after a kill, want 20", n)
	}
	for d := range s2.List(Key{"deleted"}) {
		t.Errorf("%s is there again", d.Key)
	}
}

// TestEarlierBucket opens a bucket of an earlier version, in which a document has two revisions.
func TestEarlierBucket(t *testing.T) {
	ctx := t.Context()
	b, s := start(t, t.TempDir())
	st, err := b.JetStream().Stream(ctx, bucket.Stream("state"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Put(ctx, Key{"kind", "a"}, []byte("one")); err != nil {
		t.Fatal(err)
	}
	name, err := Key{"kind", "a"}.escape()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.kv.Put(ctx, name, []byte("two")); err != nil { // as if it was killed before it removed what was there
		t.Fatal(err)
	}
	if _, err := bucket.Open(ctx, b.JetStream(), jetstream.KeyValueConfig{Bucket: "state"}); err != nil {
		t.Fatal(err)
	}
	info, err := st.Info(ctx)
	if err != nil || info.State.Msgs != 1 {
		t.Fatalf("%+v, %v: want one revision", info.State, err)
	}
	info.Config.MaxMsgsPerSubject = 1
	if _, err := b.JetStream().UpdateStream(ctx, info.Config); err != nil {
		t.Fatal(err)
	}
	if _, err := bucket.Open(ctx, b.JetStream(), jetstream.KeyValueConfig{Bucket: "state"}); err != nil {
		t.Fatal(err)
	}
	if info, err = st.Info(ctx); err != nil || info.Config.MaxMsgsPerSubject != bucket.History {
		t.Errorf("%+v, %v", info.Config, err)
	}
}
