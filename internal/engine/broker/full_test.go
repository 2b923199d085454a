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
	for deadline := time.Now().Add(time.Minute); publish() != nil; {
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

// TestFirstWriteFails has the first message of a block not fit on the disk: the server's index
// knows it all the same. The stream is not taken for damaged, by the broker when it starts the server
// again, or after a kill, and the sequence of the message is the next one's.
func TestFirstWriteFails(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64m"); err != nil {
		t.Skip("cannot mount a small disk: ", err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	log := filepath.Join(dir, "nats")
	b := start(t, log)
	for _, name := range []string{"empty", "full"} {
		if _, err := b.JetStream().CreateStream(ctx, jetstream.StreamConfig{Name: name, Subjects: []string{name}}); err != nil {
			t.Fatal(err)
		}
	}
	const size = 512 << 10
	for range 15 { // nearly a block
		if _, err := b.JetStream().Publish(ctx, "full", make([]byte, size)); err != nil {
			t.Fatal(err)
		}
	}
	free, err := b.Free()
	if err != nil {
		t.Fatal(err)
	}
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, free), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"empty", "full"} {
		for b.Check(name) == nil { // the first write that does not fit
			if ctx.Err() != nil {
				t.Fatalf("%s did not fail", name)
			}
			short, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
			b.JetStream().Publish(short, name, make([]byte, size))
			cancel()
		}
	}
	for _, stream := range []string{"empty", "full"} {
		if _, err := os.Lstat(filepath.Join(streamDir(log, stream), "failed")); err != nil {
			t.Errorf("%s is not marked: %v", stream, err)
		}
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if err := b.Restart(ctx); err != nil {
		t.Fatal(err)
	}
	for stream, want := range map[string]uint64{"empty": 1, "full": 16} {
		var ack *jetstream.PubAck
		for ack == nil || err != nil { // the connection comes back
			if ctx.Err() != nil {
				t.Fatal(err)
			}
			ack, err = b.JetStream().Publish(ctx, stream, []byte("x"))
		}
		if ack.Sequence != want {
			t.Errorf("%s went on at %d, not %d", stream, ack.Sequence, want)
		}
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b = start(t, log)
	b.Close()
}
