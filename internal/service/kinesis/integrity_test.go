package kinesis

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/brookmere/brookmere/internal/engine/shardlog"
)

// A stream whose shard the log has lost is not served as if it were empty, and a shard
// whose stream is lost is kept.
func TestCheck(t *testing.T) {
	n := newNode(t, Config{})
	ctx := t.Context()
	n.create("s", 2)
	log := n.Service.cfg.Log
	if strays, err := n.Service.Check(ctx); err != nil || len(strays) != 0 {
		t.Fatalf("%q, %v", strays, err)
	}
	for _, name := range []string{"000000000001/eu/x/shardId-000000000000", "logs/000000000001/eu/x"} { // the second is another service's
		if _, err := log.CreateShard(ctx, name, shardlog.ShardConfig{}); err != nil {
			t.Fatal(err)
		}
	}
	if strays, err := n.Service.Check(ctx); err != nil || len(strays) != 1 {
		t.Fatalf("%q, %v", strays, err)
	}
	names, err := log.Shards(ctx, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "shardId-000000000001") {
			if err := log.DeleteShard(ctx, name); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := n.Service.Check(ctx); !errors.Is(err, ErrMissingShards) || !strings.Contains(err.Error(), "shardId-000000000001 of arn:") {
		t.Fatal(err)
	}
}

// TestStrays starts with shards whose streams are gone: one without records is removed.
func TestStrays(t *testing.T) {
	n := newNode(t, Config{})
	ctx := t.Context()
	for _, name := range []string{"000000000001/eu/empty/shardId-000000000000", "000000000001/eu/full/shardId-000000000000", "logs/000000000001/eu/x"} {
		sh, err := n.Service.cfg.Log.CreateShard(ctx, name, shardlog.ShardConfig{})
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(name, "full") {
			var b shardlog.Batch
			b.Add([]byte("k"), []byte("d"))
			if _, _, err := sh.Append(ctx, &b); err != nil {
				t.Fatal(err)
			}
		}
	}
	n.close()
	n.start()
	names, err := n.Service.cfg.Log.Shards(ctx, "")
	if want := []string{"000000000001/eu/full/shardId-000000000000", "logs/000000000001/eu/x"}; err != nil || !slices.Equal(names, want) {
		t.Errorf("%q, %v, want %q", names, err, want)
	}
}
