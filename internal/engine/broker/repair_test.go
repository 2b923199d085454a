package broker

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
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
