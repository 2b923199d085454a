package firehose

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/brookmere/brookmere/internal/engine/shardlog"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// undelivered makes a node with records that wait, and a function that starts the service
// again after damage was done to its documents.
func undelivered(t *testing.T) (n *node, restart func(damage func()) error) {
	n = newNode(t)
	n.create(t, "a", raw("b"))
	n.create(t, "z", raw("b"))
	n.put(t, "a", "waits")
	restart = func(damage func()) error {
		if err := n.svc.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		damage()
		svc, err := New(Config{State: n.state, Log: n.log, S3: n.s3, Glue: n.glue})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { svc.Close(t.Context()) })
		n.svc = svc
		return svc.Start(t.Context())
	}
	return n, restart
}

func (n *node) shards(t *testing.T) int {
	names, err := n.log.Shards(t.Context(), "firehose/")
	if err != nil {
		t.Fatal(err)
	}
	return len(names)
}

// A document that this version cannot read, of whatever reason, is an error at the start.
// Its records are nobody's garbage.
func TestStartWithUndecodableDocument(t *testing.T) {
	for _, c := range []struct{ what, value string }{
		{"another type", `{"_form":1,"id":7}`},
		{"a later form", `{"_form":9,"id":"x"}`},
		{"no JSON", `{`},
	} {
		t.Run(c.what, func(t *testing.T) {
			n, restart := undelivered(t)
			err := restart(func() {
				for k := range n.svc.docs.Keys() {
					if k[len(k)-1] == "a" {
						if _, err := n.state.Put(t.Context(), append(state.Key{"firehose.stream"}, k...), []byte(c.value)); err != nil {
							t.Fatal(err)
						}
					}
				}
			})
			if err == nil || !strings.Contains(err.Error(), "firehose.stream/") {
				t.Errorf("Start: %v", err)
			}
			if got := n.shards(t); got != 2 {
				t.Errorf("%d shards are left of 2", got)
			}
		})
	}
}

// A document that is gone does not make its records garbage either.
func TestStartWithLostDocument(t *testing.T) {
	n, restart := undelivered(t)
	err := restart(func() {
		for k := range n.svc.docs.Keys() {
			if k[len(k)-1] == "a" {
				if err := n.state.Delete(t.Context(), append(state.Key{"firehose.stream"}, k...), 0); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := n.shards(t); got != 2 {
		t.Errorf("%d shards are left of 2", got)
	}
}

// What a crash has left of a creation and of a deletion is removed, but nothing that
// somebody may still be making.
func TestStartRemovesDiscarded(t *testing.T) {
	n, restart := undelivered(t)
	ctx := t.Context()
	d := &streamDoc{Account: "1", Region: "r", ID: "new", Name: "new"}
	making := &streamDoc{Account: "1", Region: "r", ID: "making", Name: "making"}
	err := restart(func() {
		for _, d := range []*streamDoc{d, making} {
			until := time.Now().Add(-time.Second)
			if d == making {
				until = time.Now().Add(time.Hour)
			}
			if err := n.svc.discard(ctx, d, until); err != nil {
				t.Fatal(err)
			}
			if _, err := n.log.CreateShard(ctx, d.shardName(), shardlog.ShardConfig{}); err != nil {
				t.Fatal(err)
			}
		}
		for it, err := range n.svc.docs.List() {
			if err != nil {
				t.Fatal(err)
			}
			if err := n.svc.discard(ctx, it.Value, time.Time{}); err != nil {
				t.Fatal(err)
			}
			if it.Value.Name == "a" {
				if err := n.svc.docs.Delete(ctx, it.Key...); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	for k := range n.svc.discarded.Keys() {
		if err := n.svc.discards.Await(ctx, k...); err != nil {
			t.Error(err)
		}
	}
	if got := n.shards(t); got != 2 {
		t.Errorf("%d shards are left, want 2", got)
	}
	for k := range n.svc.discarded.Keys() {
		if k[2] != making.ID {
			t.Errorf("a mark is left: %q", k)
		}
	}
	if err := n.svc.keep(ctx, making); err != nil {
		t.Errorf("a stream that was still being made: %v", err)
	}
	if err := n.svc.keep(ctx, d); !errors.Is(err, errSwept) {
		t.Errorf("a stream that has been swept: %v", err)
	}
}
