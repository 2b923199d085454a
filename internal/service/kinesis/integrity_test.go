package kinesis

import (
	"errors"
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
