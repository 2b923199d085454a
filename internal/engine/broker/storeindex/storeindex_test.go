package storeindex_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/brookmere/brookmere/internal/engine/broker/storeindex"
)

// store is a server alone, without what the broker does before it starts one.
type store struct {
	t   *testing.T
	dir string
	srv *server.Server
	js  jetstream.JetStream
}

func start(t *testing.T, dir string) *store {
	t.Helper()
	s := &store{t: t, dir: dir}
	s.start()
	t.Cleanup(func() { s.stop() })
	return s
}

func (s *store) start() {
	t := s.t
	t.Helper()
	srv, err := server.NewServer(&server.Options{DontListen: true, NoSigs: true, NoLog: true, JetStream: true, StoreDir: s.dir, MaxPayload: 32 << 20, MaxPending: 64 << 20})
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	if !srv.ReadyForConnections(time.Minute) {
		t.Fatal("server is not ready")
	}
	conn, err := nats.Connect("", nats.InProcessServer(srv))
	if err != nil {
		t.Fatal(err)
	}
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	s.srv, s.js = srv, js
}

func (s *store) stop() {
	s.srv.Shutdown()
	s.srv.WaitForShutdown()
}

func (s *store) restart() {
	s.stop()
	s.start()
}

// create makes a stream with blocks of 32 KB, which take a limit of its size that is lifted
// at once.
func (s *store) create(cfg jetstream.StreamConfig) jetstream.Stream {
	s.t.Helper()
	cfg.MaxBytes = 100_000
	if cfg.MaxMsgsPerSubject == 0 { // as shards have; those of before have none (-1)
		cfg.MaxMsgsPerSubject = storeindex.NoLimit
	}
	str, err := s.js.CreateStream(s.t.Context(), cfg)
	if err == nil {
		cfg.MaxBytes = -1
		str, err = s.js.UpdateStream(s.t.Context(), cfg)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return str
}

// publish publishes n messages of about a size, the first of them with a header.
func (s *store) publish(subject string, n, size int) {
	s.t.Helper()
	for i := range n {
		m := &nats.Msg{Subject: subject, Data: bytes.Repeat([]byte{byte(i)}, i*7919%(size+1))}
		if i%2 == 0 {
			m.Header = nats.Header{"Some-Header": {fmt.Sprint(i)}}
		}
		if _, err := s.js.PublishMsg(s.t.Context(), m); err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s *store) purge(str jetstream.Stream, before uint64) {
	s.t.Helper()
	if err := str.Purge(s.t.Context(), jetstream.WithPurgeSequence(before)); err != nil {
		s.t.Fatal(err)
	}
}

// messages tells all that a stream holds.
func (s *store) messages(name string) []string {
	s.t.Helper()
	str, err := s.js.Stream(s.t.Context(), name)
	if err != nil {
		s.t.Fatal(err)
	}
	st := str.CachedInfo().State
	all := []string{fmt.Sprint(st.Msgs, st.Bytes, st.FirstSeq, st.FirstTime, st.LastSeq, st.LastTime, st.NumDeleted)}
	for seq := st.FirstSeq; seq <= st.LastSeq; seq++ {
		m, err := str.GetMsg(s.t.Context(), seq)
		if err != nil {
			all = append(all, fmt.Sprint(seq, " ", err))
			continue
		}
		all = append(all, fmt.Sprint(seq, m.Subject, m.Header, len(m.Data), m.Time))
	}
	return all
}

// killed copies a store as a kill would leave it. The server may be removing files.
func (s *store) killed() string {
	s.t.Helper()
	dir := s.t.TempDir()
	err := filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		to := filepath.Join(dir, path[len(s.dir):])
		if d.IsDir() {
			return os.MkdirAll(to, 0o700)
		}
		b, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := os.WriteFile(to, b, 0o600); err != nil {
			return err
		}
		info, err := os.Stat(path)
		if err != nil {
			return nil
		}
		return os.Chtimes(to, info.ModTime(), info.ModTime())
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return dir
}

func streamDir(dir, name string) string {
	return filepath.Join(dir, "jetstream", "$G", "streams", name)
}

func index(t *testing.T, dir, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(streamDir(dir, name), "msgs", "index.db"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func blocks(t *testing.T, dir, name string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(streamDir(dir, name), "msgs", "*.blk"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	slices.SortFunc(files, func(a, b string) int { return len(a) - len(b) })
	return files
}

func update(t *testing.T, dir, name string) bool {
	t.Helper()
	updated, err := storeindex.Update(streamDir(dir, name), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return updated
}

// TestSameAsServer compares the index with the one that the server writes after it has
// read all blocks, for streams that were killed at all sorts of moments.
func TestSameAsServer(t *testing.T) {
	const name = "shard-a=2f0"
	for _, c := range []struct {
		name  string
		fill  func(*store, jetstream.Stream)
		plain bool
	}{
		{"blocks of full size", func(s *store, _ jetstream.Stream) {
			s.restart()
			s.publish("x", 6, 4_000_000)
		}, true},
		{"one message", func(s *store, _ jetstream.Stream) { s.publish("x", 1, 100) }, true},
		{"many small ones", func(s *store, _ jetstream.Stream) { s.publish("x", 500, 300) }, true},
		{"several blocks", func(s *store, _ jetstream.Stream) { s.publish("x", 150, 3_000) }, true},
		{"blocks of one message", func(s *store, _ jetstream.Stream) { s.publish("x", 5, 200_000) }, true},
		{"trimmed in a block", func(s *store, str jetstream.Stream) { s.publish("x", 50, 1000); s.purge(str, 20) }, false}, // which has the index written
		{"trimmed twice", func(s *store, str jetstream.Stream) {
			s.publish("x", 50, 1000)
			s.purge(str, 20)
			s.publish("x", 10, 1000)
			s.purge(str, 40)
			s.publish("x", 1, 1000)
		}, true},
		{"whole blocks trimmed", func(s *store, str jetstream.Stream) {
			s.publish("x", 150, 3_000)
			s.purge(str, 97)
			s.publish("x", 3, 1000)
		}, true},
		{"trimmed again and again", func(s *store, str jetstream.Stream) {
			for i := range uint64(10) {
				s.publish("x", 12, 6_000)
				s.purge(str, 12*i+2)
			}
			s.publish("x", 1, 1000)
		}, true},
		{"after an index", func(s *store, str jetstream.Stream) {
			s.publish("x", 50, 5_000)
			s.purge(str, 2)
			s.publish("x", 50, 5_000)
		}, true},
		{"tombstones alone in the last block", func(s *store, str jetstream.Stream) {
			for range 20 {
				if _, err := s.js.Publish(s.t.Context(), "x", make([]byte, 3200-22-1-8)); err != nil {
					s.t.Fatal(err)
				}
			}
			s.purge(str, 5)
			if err := os.Remove(filepath.Join(streamDir(s.dir, name), "msgs", "index.db")); err != nil {
				s.t.Fatal(err)
			}
		}, true},
		{"all trimmed", func(s *store, str jetstream.Stream) { s.publish("x", 50, 1000); s.purge(str, 51) }, false},
		{"all trimmed, then more", func(s *store, str jetstream.Stream) {
			s.publish("x", 50, 1000)
			s.purge(str, 51)
			s.publish("x", 5, 1000)
		}, true},
		{"a message removed in the middle", func(s *store, str jetstream.Stream) {
			s.publish("x", 10, 1000)
			if err := str.DeleteMsg(s.t.Context(), 5); err != nil {
				s.t.Fatal(err)
			}
		}, false},
		{"a message erased", func(s *store, str jetstream.Stream) {
			s.publish("x", 10, 1000)
			if err := str.SecureDeleteMsg(s.t.Context(), 10); err != nil {
				s.t.Fatal(err)
			}
		}, false},
		{"the first removed", func(s *store, str jetstream.Stream) {
			s.publish("x", 10, 1000)
			if err := str.DeleteMsg(s.t.Context(), 1); err != nil {
				s.t.Fatal(err)
			}
		}, true},
		{"empty", func(s *store, str jetstream.Stream) {}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, t.TempDir())
			str := s.create(jetstream.StreamConfig{Name: name, Subjects: []string{"x"}})
			c.fill(s, str)
			ours, theirs := s.killed(), s.killed()
			want := s.messages(name)

			if updated := update(t, ours, name); updated != c.plain {
				t.Fatalf("updated: %v", updated)
			}
			if !c.plain {
				return
			}
			if update(t, ours, name) {
				t.Error("updated what is current")
			}
			start(t, theirs).stop()
			got, exp := index(t, ours, name), index(t, theirs, name)
			if !bytes.Equal(got, exp) {
				t.Errorf("index differs from the server's:\n got %x\nwant %x", got, exp)
			}
			// The server takes it, and goes on from there.
			o := start(t, ours)
			if got := o.messages(name); !slices.Equal(got, want) {
				t.Errorf("messages differ: %d, want %d", len(got), len(want))
			}
			o.publish("x", 20, 5_000)
			want = o.messages(name)
			again := o.killed()
			update(t, again, name)
			if got := start(t, again).messages(name); !slices.Equal(got, want) {
				t.Errorf("messages differ after more of them: %d, want %d", len(got), len(want))
			}
		})
	}
}

// TestOtherStreams leaves streams alone whose messages say less than all.
func TestOtherStreams(t *testing.T) {
	s := start(t, t.TempDir())
	for _, cfg := range []jetstream.StreamConfig{
		{Name: "two", Subjects: []string{"two", "more"}},
		{Name: "wild", Subjects: []string{"wild.*"}},
		{Name: "work", Subjects: []string{"work"}, Retention: jetstream.WorkQueuePolicy},
		{Name: "packed", Subjects: []string{"packed"}, Compression: jetstream.S2Compression},
		{Name: "last", Subjects: []string{"last"}, MaxMsgsPerSubject: 1},
		{Name: "timed", Subjects: []string{"timed"}, AllowMsgTTL: true},
		{Name: "before", Subjects: []string{"before"}, MaxMsgsPerSubject: -1},
	} {
		s.create(cfg)
		subject := cfg.Subjects[0]
		if cfg.Name == "wild" {
			subject = "wild.x"
		}
		s.publish(subject, 5, 100)
	}
	dir := s.killed()
	for _, name := range []string{"two", "wild", "work", "packed", "last", "timed"} {
		if update(t, dir, name) {
			t.Errorf("%s: updated", name)
		}
	}
	if !update(t, dir, "before") {
		t.Error("a stream as shards had before is not updated")
	}
}

// TestTorn damages the last block as a kill or decay would. What the server would keep is
// kept, and what follows a damaged message too.
func TestTorn(t *testing.T) {
	const name = "torn"
	s := start(t, t.TempDir())
	s.create(jetstream.StreamConfig{Name: name, Subjects: []string{"x"}})
	s.publish("x", 50, 5_000)
	if _, err := s.js.Publish(t.Context(), "x", bytes.Repeat([]byte("y"), 5000)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.js.Publish(t.Context(), "x", bytes.Repeat([]byte("z"), 5000)); err != nil {
		t.Fatal(err)
	}
	want := s.messages(name)
	zeros := make([]byte, 4096)
	for _, c := range []struct {
		name  string
		spoil func([]byte) []byte
		lost  int // of the messages at the end
		bad   int // which one cannot be read, from the end
		alone bool
	}{
		{"whole", func(b []byte) []byte { return b }, 0, 0, true},
		{"a byte is missing", func(b []byte) []byte { return b[:len(b)-1] }, 1, 0, true},
		{"most is missing", func(b []byte) []byte { return b[:len(b)-5000] }, 1, 0, true},
		{"a bit of a record", func(b []byte) []byte { return append(b, 1, 2, 3) }, 0, 0, true},
		{"half is zeros", func(b []byte) []byte { clear(b[len(b)-2500:]); return b }, 1, 0, true},
		{"zeros follow", func(b []byte) []byte { return append(b, zeros...) }, 0, 0, true},
		{"one before it has changed", func(b []byte) []byte { b[bytes.Index(b, []byte("yyyy"))] ^= 1; return b }, 0, 2, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			ours, theirs := s.killed(), s.killed()
			for _, dir := range []string{ours, theirs} {
				files := blocks(t, dir, name)
				last := files[len(files)-1]
				b, err := os.ReadFile(last)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(last, c.spoil(b), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if !update(t, ours, name) {
				t.Fatal("not updated")
			}
			if c.alone {
				start(t, theirs).stop()
				if got, exp := index(t, ours, name), index(t, theirs, name); !bytes.Equal(got, exp) {
					t.Errorf("index differs from the server's:\n got %x\nwant %x", got, exp)
				}
			}
			got := start(t, ours).messages(name)
			if len(got) != len(want)-c.lost {
				t.Fatalf("%d messages, want %d less than %d", len(got)-1, c.lost, len(want)-1)
			}
			for i := range got[1:] {
				if i+1 == len(want)-c.bad {
					if got[i+1] == want[i+1] {
						t.Errorf("served %s", got[i+1])
					}
				} else if got[i+1] != want[i+1] {
					t.Errorf("message %d: %q, want %q", i+1, got[i+1], want[i+1])
				}
			}
		})
	}
}

// TestUnclear leaves blocks alone that do not fit together.
func TestUnclear(t *testing.T) {
	const name = "s"
	s := start(t, t.TempDir())
	s.create(jetstream.StreamConfig{Name: name, Subjects: []string{"x"}})
	s.publish("x", 100, 3_000)
	for what, spoil := range map[string]func(files []string) error{
		"a block is missing": func(f []string) error { return os.Remove(f[1]) },
		"a block is short":   func(f []string) error { return os.Truncate(f[1], 1000) },
		"a block is empty":   func(f []string) error { return os.Truncate(f[1], 0) },
		"the last is noise":  func(f []string) error { return os.WriteFile(f[len(f)-1], make([]byte, 5000), 0o600) },
		"twice the same":     func(f []string) error { return os.Link(f[0], filepath.Join(filepath.Dir(f[0]), "1000.blk")) },
	} {
		dir := s.killed()
		if err := spoil(blocks(t, dir, name)); err != nil {
			t.Fatal(err)
		}
		if update(t, dir, name) {
			t.Errorf("%s: updated", what)
		}
	}
	// One that was made and not written to is not in the way.
	dir := s.killed()
	files := blocks(t, dir, name)
	if err := os.WriteFile(filepath.Join(filepath.Dir(files[0]), fmt.Sprint(len(files)+1, ".blk")), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if !update(t, dir, name) {
		t.Error("not updated with an empty block at the end")
	}
	want := s.messages(name)
	if got := start(t, dir).messages(name); !slices.Equal(got, want) {
		t.Errorf("messages differ: %d, want %d", len(got), len(want))
	}
	if _, err := storeindex.Update(t.TempDir(), time.Now()); err != nil {
		t.Errorf("no stream: %v", err)
	}
}

// TestExpired removes blocks that have passed their age, whether or not the index is current.
func TestExpired(t *testing.T) {
	const name = "s"
	s := start(t, t.TempDir())
	str := s.create(jetstream.StreamConfig{Name: name, Subjects: []string{"x"}, MaxAge: time.Hour})
	s.publish("x", 100, 3_000)
	m, err := str.GetMsg(t.Context(), 50)
	if err != nil {
		t.Fatal(err)
	}
	now := m.Time.Add(time.Hour)
	want := s.messages(name)
	killed, later := s.killed(), s.killed()
	s.stop()
	for what, dir := range map[string]string{"stopped": s.dir, "killed": killed} {
		had := len(blocks(t, dir, name))
		if updated, err := storeindex.Update(streamDir(dir, name), now); !updated || err != nil {
			t.Fatal(what, updated, err)
		}
		have := len(blocks(t, dir, name))
		got := start(t, dir).messages(name)
		if left := len(got) - 1; have >= had || left < 50 || left >= 100 || !slices.Equal(got[1:], want[len(want)-left:]) {
			t.Errorf("%s: %d blocks of %d, %d messages: %q...", what, have, had, left, got[:2])
		}
	}
	if _, err := storeindex.Update(streamDir(later, name), now.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if n := len(blocks(t, later, name)); n != 1 {
		t.Errorf("%d blocks are left of an expired stream", n)
	}
}
