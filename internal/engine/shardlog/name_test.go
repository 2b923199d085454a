package shardlog

import (
	"strings"
	"testing"
)

// TestShardName: a stream tells its shard, unless its name ends in a hash.
func TestShardName(t *testing.T) {
	for _, name := range []string{"a", "stream/ID-0/x", "Ä=\x00", "=", strings.Repeat("a", 150), "KV_state"} {
		if got, ok := shardName(streamName(name)); !ok || got != name {
			t.Errorf("the shard of %s is %q, %v", streamName(name), got, ok)
		}
	}
	for n := range 6 { // the hash begins within an escaped byte, and beside one
		long := strings.Repeat("a", n) + strings.Repeat("/", 200)
		if got, ok := shardName(streamName(long)); ok {
			t.Errorf("the shard of %s is %q", streamName(long), got)
		}
	}
	for _, stream := range []string{"", "KV_state", streamPrefix + "=", streamPrefix + "=4", streamPrefix + "=zz"} {
		if got, ok := shardName(stream); ok {
			t.Errorf("the shard of %q is %q", stream, got)
		}
	}
}
