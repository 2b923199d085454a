//go:build linux

package broker

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// TestHeal fills a small disk until a stream fails, and makes room: the stream takes
// messages again without anybody's doing, and holds all that it acknowledged.
func TestHeal(t *testing.T) {
	ctx := t.Context()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64m"); err != nil {
		t.Skip("cannot mount a small disk: ", err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 50<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	b := start(t, filepath.Join(dir, "nats"))
	if _, err := b.JetStream().CreateStream(ctx, jetstream.StreamConfig{Name: "a", Subjects: []string{"a"}}); err != nil {
		t.Fatal(err)
	}
	publish := func() error {
		ctx, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
		defer cancel()
		_, err := b.JetStream().Publish(ctx, "a", make([]byte, 1<<20))
		return err
	}
	acked := 0
	for deadline := time.Now().Add(time.Minute); b.Check("a") == nil; { // an answer may be late, too
		if time.Now().After(deadline) {
			t.Fatalf("no failure after %d messages", acked)
		}
		if publish() == nil {
			acked++
		}
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); publish() != nil; {
		if time.Now().After(deadline) {
			t.Fatal("the stream did not come back")
		}
	}
	s, err := b.JetStream().Stream(ctx, "a")
	if err != nil {
		t.Fatal(err)
	}
	if got := s.CachedInfo().State.Msgs; got < uint64(acked+1) {
		t.Errorf("%d messages, acknowledged were %d", got, acked+1)
	}
}
