package broker

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/brookmere/brookmere/internal/testdir"
)

// TestKillBetweenDescriptionAndChecksum finds a stream again whose checksum was not
// written, or is that of an older description.
func TestKillBetweenDescriptionAndChecksum(t *testing.T) {
	for name, spoil := range map[string]func(string) error{
		"missing": os.Remove,
		"old":     func(file string) error { return os.WriteFile(file, []byte("0123456789abcdef"), 0o640) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			b := start(t, dir)
			if _, err := b.JetStream().CreateStream(t.Context(), jetstream.StreamConfig{Name: "a=2fb", Subjects: []string{"a"}}); err != nil {
				t.Fatal(err)
			}
			if _, err := b.JetStream().Publish(t.Context(), "a", []byte("kept")); err != nil {
				t.Fatal(err)
			}
			b.Close()
			sums, err := filepath.Glob(filepath.Join(dir, "jetstream", "*", "streams", "*", "meta.sum"))
			if err != nil || len(sums) != 1 {
				t.Fatal(sums, err)
			}
			if err := spoil(sums[0]); err != nil {
				t.Fatal(err)
			}
			b = start(t, dir)
			s, err := b.JetStream().Stream(t.Context(), "a=2fb")
			if err != nil {
				t.Fatal(err)
			}
			if m, err := s.GetMsg(t.Context(), 1); err != nil || string(m.Data) != "kept" {
				t.Error(m, err)
			}
		})
	}
}

// TestOpenAfterKill finds that the server has nothing to say of a stream that was written
// to after its index was.
func TestOpenAfterKill(t *testing.T) {
	ctx := t.Context()
	b := start(t, t.TempDir())
	s, err := b.JetStream().CreateStream(ctx, jetstream.StreamConfig{Name: "a", Subjects: []string{"a"}})
	if err != nil {
		t.Fatal(err)
	}
	publish := func(n int) {
		t.Helper()
		for range n {
			if _, err := b.JetStream().Publish(ctx, "a", make([]byte, 5<<20)); err != nil {
				t.Fatal(err)
			}
		}
	}
	publish(3)
	if err := s.Purge(ctx, jetstream.WithPurgeSequence(2)); err != nil { // has the index written
		t.Fatal(err)
	}
	publish(3)
	dir := t.TempDir()
	testdir.Copy(t, dir, b.opts.Dir)
	var mu sync.Mutex
	var said []string
	k, err := Start(Options{Dir: dir, Logf: func(_, message string) {
		mu.Lock()
		defer mu.Unlock()
		if strings.Contains(message, "[a]") {
			said = append(said, message)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	mu.Lock()
	if len(said) > 0 {
		t.Errorf("the server says %q", said)
	}
	mu.Unlock()
	if s, err = k.JetStream().Stream(ctx, "a"); err != nil {
		t.Fatal(err)
	}
	if st := s.CachedInfo().State; st.FirstSeq != 2 || st.LastSeq != 6 || st.Msgs != 5 {
		t.Errorf("state %+v", st)
	}
}
