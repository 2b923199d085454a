package firehose

import (
	"strings"
	"testing"

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

// What a crash has left of a creation and of a deletion is removed by the next start.
func TestStartRemovesDiscarded(t *testing.T) {
	n, restart := undelivered(t)
	ctx := t.Context()
	d := &streamDoc{Account: "1", Region: "r", ID: "new", Name: "new"}
	err := restart(func() {
		if err := n.svc.discard(ctx, d); err != nil {
			t.Fatal(err)
		}
		if _, err := n.log.CreateShard(ctx, d.shardName(), shardlog.ShardConfig{}); err != nil {
			t.Fatal(err)
		}
		for it, err := range n.svc.docs.List() {
			if err != nil {
				t.Fatal(err)
			}
			if err := n.svc.discard(ctx, it.Value); err != nil {
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
	if got := n.shards(t); got != 1 {
		t.Errorf("%d shards are left, want 1", got)
	}
	for k := range n.svc.discarded.Keys() {
		t.Errorf("a mark is left: %q", k)
	}
}
