package broker

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/brookmere/brookmere/internal/engine/broker/journal"
)

func start(t testing.TB, dir string) *Broker {
	t.Helper()
	b, err := Start(Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

func TestRestartKeepsWhatWasAcknowledged(t *testing.T) {
	ctx := t.Context()
	dir := filepath.Join(t.TempDir(), "new", "nats")
	b := start(t, dir)
	if _, err := b.JetStream().CreateStream(ctx, jetstream.StreamConfig{Name: "a", Subjects: []string{"a"}}); err != nil {
		t.Fatal(err)
	}
	big := make([]byte, 30<<20)
	if _, err := b.JetStream().Publish(ctx, "a", big); err != nil {
		t.Fatal(err)
	}
	if err := b.Restart(ctx); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		// The connection comes back by itself.
		_, err := b.JetStream().Publish(ctx, "a", nil, jetstream.WithExpectLastSequence(1))
		if err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	if err := b.Check("a"); err != nil {
		t.Error(err)
	}
	if free, err := b.Free(); err != nil || free == 0 {
		t.Errorf("free %d, %v", free, err)
	}
	b.Close()
	b = start(t, dir)
	s, err := b.JetStream().Stream(ctx, "a")
	if err != nil {
		t.Fatal(err)
	}
	if got := s.CachedInfo().State.Msgs; got != 2 {
		t.Errorf("%d messages, want 2", got)
	}
	if _, err := b.Dial("x"); err != nil {
		t.Error(err)
	}
	b.Close()
	if _, err := b.Dial("x"); err == nil {
		t.Error("Dial after Close")
	}
	if err := b.Restart(ctx); err == nil {
		t.Error("Restart after Close")
	}
}

// TestMarkedWhenTold looks, as soon as it is told that messages are in the synced files of a stream,
// for what a start after a kill would miss them by. The journal is busy syncing entries of others.
func TestMarkedWhenTold(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "nats")
	b := start(t, dir)
	for _, name := range []string{"a", "b"} {
		if _, err := b.JetStream().CreateStream(t.Context(), jetstream.StreamConfig{Name: name, Subjects: []string{name}}); err != nil {
			t.Fatal(err)
		}
		if err := b.Sync(name); err != nil {
			t.Fatal(err)
		}
	}
	born, err := readBorn(streamDir(dir, "a"))
	if err != nil {
		t.Fatal(err)
	}
	for seq := uint64(1); seq <= 30; seq++ {
		if _, err := b.JetStream().Publish(t.Context(), "a", nil); err != nil {
			t.Fatal(err)
		}
		b.Persist("b", "b", seq, make([]byte, 64<<10), func(error) {})
		told := make(chan error)
		b.Store("a", seq, func(err error) { told <- err })
		if err := <-told; err != nil {
			t.Fatal(err)
		}
		left, err := journal.Read(filepath.Join(dir, "journal"))
		if err != nil {
			t.Fatal(err)
		}
		if _, written := left.Held(journal.StreamID{Name: "a", Born: born}); written != seq {
			t.Fatalf("message %d is told as durable, a start after a kill would miss what is gone up to %d", seq, written)
		}
	}
}

func TestStartErrors(t *testing.T) {
	if _, err := Start(Options{Dir: "relative"}); err == nil || !strings.Contains(err.Error(), "absolute") {
		t.Errorf("relative directory: %v", err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Start(Options{Dir: filepath.Join(file, "below")}); err == nil || !strings.Contains(err.Error(), "file") {
		t.Errorf("directory below a file: %v", err)
	}
	if _, err := Start(Options{URL: "nats://127.0.0.1:1"}); err == nil {
		t.Error("no server at the URL")
	}
}

// TestNoPort sees to it that the embedded server listens nowhere.
func TestNoPort(t *testing.T) {
	start(t, filepath.Join(t.TempDir(), "nats"))
	if c, err := net.DialTimeout("tcp", "127.0.0.1:4222", time.Second); err == nil {
		c.Close()
		t.Error("something listens on 4222")
	}
}

func BenchmarkStart(b *testing.B) {
	dir := filepath.Join(b.TempDir(), "nats")
	for b.Loop() {
		br, err := Start(Options{Dir: dir})
		if err != nil {
			b.Fatal(err)
		}
		br.Close()
	}
}
