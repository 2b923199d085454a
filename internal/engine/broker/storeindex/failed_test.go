package storeindex_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/brookmere/brookmere/internal/engine/broker/storeindex"
)

// TestFailed has the index of a stream know a message that no block has: that is damage, but for a
// stream that is marked, which goes on where its blocks end.
func TestFailed(t *testing.T) {
	s := start(t, t.TempDir())
	s.create(jetstream.StreamConfig{Name: "s", Subjects: []string{"s"}})
	s.publish("s", 1, 100)
	s.stop()
	dir := streamDir(s.dir, "s")
	block := filepath.Join(dir, "msgs", "1.blk")
	if err := os.Truncate(block, 0); err != nil {
		t.Fatal(err)
	}
	faults := func() int {
		t.Helper()
		in, err := storeindex.Inspect(dir, storeindex.Ends, false, 0, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		return len(in.Faults)
	}
	if faults() == 0 {
		t.Error("a message that is missing is no fault")
	}
	if err := storeindex.NoteFailed(dir); err != nil {
		t.Fatal(err)
	}
	if n := faults(); n != 0 {
		t.Errorf("%d faults of a marked stream", n)
	}
	if err := storeindex.DropFailed(dir); err != nil {
		t.Fatal(err)
	}
	if names, err := filepath.Glob(filepath.Join(dir, "failed")); len(names) > 0 || err != nil {
		t.Error("the mark is still there", err)
	}
	s.start()
	s.publish("s", 1, 100)
	if got := s.messages("s"); len(got) != 2 { // its state and the message
		t.Errorf("the stream holds %q", got)
	}
	if err := storeindex.NoteFailed(filepath.Join(dir, "none")); err != nil {
		t.Errorf("a stream that is gone: %v", err)
	}
}
