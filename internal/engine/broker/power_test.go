package broker

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/brookmere/brookmere/internal/testdir"
)

// writer publishes to one stream and persists what it has published.
type writer struct {
	stream    string
	seq       uint64
	persisted uint64
}

func payload(stream string, seq uint64, n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{byte(stream[0]), byte(seq), byte(seq >> 8)})
	r.Read(b)
	binary.LittleEndian.PutUint32(b, uint32(n))
	return b
}

func (w *writer) write(t *testing.T, b *Broker, r *rand.Rand, n int) {
	t.Helper()
	var acks sync.WaitGroup
	var mu sync.Mutex
	for range n {
		size := 4 + r.IntN(8<<10)
		if r.IntN(40) == 0 {
			size = directBytes + r.IntN(1000)
		}
		w.seq++
		data := payload(w.stream, w.seq, size)
		for deadline := time.Now().Add(time.Minute); !b.conn.IsConnected(); time.Sleep(time.Millisecond) { // after a restart
			if time.Now().After(deadline) {
				t.Errorf("%s: not connected again", w.stream)
				return
			}
		}
		ack, err := b.JetStream().PublishMsg(t.Context(), &nats.Msg{
			Subject: w.stream,
			Header:  nats.Header{jetstream.ExpectedLastSeqHeader: {strconv.FormatUint(w.seq-1, 10)}},
			Data:    data,
		})
		if err != nil || ack.Sequence != w.seq {
			t.Errorf("%s: publish %d: %+v, %v", w.stream, w.seq, ack, err)
			return
		}
		acks.Add(1)
		seq := w.seq
		b.Persist(w.stream, w.stream, seq, data, func(err error) {
			if err != nil {
				t.Errorf("%s: persist %d: %v", w.stream, seq, err)
			}
			mu.Lock()
			w.persisted = max(w.persisted, seq)
			mu.Unlock()
			acks.Done()
		})
	}
	acks.Wait()
}

// check reads what was persisted.
func (w *writer) check(t *testing.T, b *Broker) {
	t.Helper()
	s, err := b.JetStream().Stream(t.Context(), w.stream)
	if err != nil {
		t.Fatal(err)
	}
	last := s.CachedInfo().State.LastSeq
	if last < w.persisted {
		t.Fatalf("%s ends at %d, persisted was %d", w.stream, last, w.persisted)
	}
	for seq := uint64(1); seq <= w.persisted; seq++ {
		m, err := s.GetMsg(t.Context(), seq)
		if err != nil {
			t.Fatalf("%s: message %d: %v", w.stream, seq, err)
		}
		if want := payload(w.stream, seq, int(binary.LittleEndian.Uint32(m.Data))); !bytes.Equal(m.Data, want) {
			t.Fatalf("%s: message %d has changed", w.stream, seq)
		}
	}
}

// sizes are those of the files in a directory, by their paths in it.
func sizes(t *testing.T, dir string) map[string]int {
	t.Helper()
	all := map[string]int{}
	filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			if info, err := d.Info(); err == nil {
				rel, _ := filepath.Rel(dir, path)
				all[rel] = int(info.Size())
			}
		}
		return nil
	})
	return all
}

// kill copies the files of a running broker as a kill leaves them. It adds to synced, the
// sizes up to which they are durable, what has been synced.
func kill(t *testing.T, b *Broker, synced map[string]int) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "nats")
	// A checkpoint may be under way: what the journal has now it makes superfluous later.
	testdir.Copy(t, filepath.Join(to, "journal"), b.disk.journalDir())
	b.disk.mu.Lock()
	noteSynced(b, slices.Collect(maps.Values(b.disk.streams)), synced)
	b.disk.mu.Unlock()
	testdir.Copy(t, filepath.Join(to, "jetstream"), filepath.Join(b.opts.Dir, "jetstream"))
	return to
}

// noteSynced adds the sizes up to which files are durable.
func noteSynced(b *Broker, streams []*files, synced map[string]int) {
	for _, f := range streams {
		f.mu.Lock()
		for path, info := range f.synced {
			rel, _ := filepath.Rel(b.opts.Dir, path)
			synced[rel] = int(info.Size())
		}
		f.mu.Unlock()
	}
}

// losePower makes of the files what may be left of them without power: of what was not
// synced there is all, or the beginning, or something else in its place, or no file.
func losePower(t *testing.T, dir string, r *rand.Rand, synced map[string]int) {
	t.Helper()
	for rel, size := range sizes(t, dir) {
		path := filepath.Join(dir, rel)
		safe := min(synced[rel], size)
		var err error
		switch {
		case filepath.Base(path) == "index.db" && r.IntN(2) == 0, filepath.Ext(path) == ".blk" && safe == 0 && r.IntN(3) == 0:
			err = os.Remove(path)
		case filepath.Ext(path) == ".blk":
			var data []byte
			if data, err = os.ReadFile(path); err != nil {
				break
			}
			at := safe + r.IntN(size-safe+1)
			switch r.IntN(4) {
			case 0:
				data = data[:at]
			case 1:
				clear(data[at:])
			case 2:
				for i := at; i < size && i < at+4096; i++ {
					data[i] = byte(r.Uint32())
				}
			}
			err = os.WriteFile(path, data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestPowerLoss stops a broker in all ways, again and again: whatever was persisted is
// there after the next start.
func TestPowerLoss(t *testing.T) {
	seed := rand.Uint64()
	t.Log("seed", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	dir := filepath.Join(t.TempDir(), "nats")
	writers := []*writer{{stream: "a"}, {stream: "b"}, {stream: "c"}}
	synced := map[string]int{}
	for round := range 14 {
		b, err := Start(Options{Dir: dir, segmentBytes: 512 << 10})
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range writers {
			if round == 0 {
				_, err = b.JetStream().CreateStream(t.Context(), jetstream.StreamConfig{Name: w.stream, Subjects: []string{w.stream}, AllowDirect: true})
				if err == nil {
					err = b.Sync(w.stream)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			w.check(t, b)
			w.seq = lastSeq(t, b, w.stream)
		}
		var all sync.WaitGroup
		for _, w := range writers {
			own := rand.New(rand.NewPCG(r.Uint64(), 1))
			all.Go(func() {
				if own.IntN(6) > 0 {
					w.write(t, b, own, own.IntN(150))
				}
				for range own.IntN(3) { // that nobody is told of
					if _, err := b.JetStream().Publish(t.Context(), w.stream, payload(w.stream, w.seq+1, 100)); err != nil {
						t.Error(err)
					}
					w.seq++
				}
			})
		}
		all.Wait()
		switch r.IntN(5) {
		case 0: // and stopped after that
			b.disk.mu.Lock()
			before := slices.Collect(maps.Values(b.disk.streams))
			b.disk.mu.Unlock()
			if err := b.Restart(t.Context()); err != nil {
				t.Fatal(err)
			}
			noteSynced(b, before, synced)
			fallthrough
		case 1, 2:
			dir = kill(t, b, synced)
		default:
			dir = kill(t, b, synced)
			losePower(t, dir, r, synced)
			synced = sizes(t, dir)
		}
		b.Close()
		if t.Failed() {
			return
		}
	}
}

func lastSeq(t *testing.T, b *Broker, stream string) uint64 {
	t.Helper()
	s, err := b.JetStream().Stream(t.Context(), stream)
	if err != nil {
		t.Fatal(err)
	}
	return s.CachedInfo().State.LastSeq
}

// stay makes a stream that stays: behind the last one, the server removes the directory of all
// some time after its answer, when the next one is in it perhaps.
func stay(t *testing.T, b *Broker) {
	t.Helper()
	_, err := b.JetStream().CreateStream(t.Context(), jetstream.StreamConfig{Name: "stays", Subjects: []string{"stays"}})
	if err == nil {
		err = b.Sync("stays")
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestPowerLossAfterExpiry loses the beginning of a stream whose older messages have all
// gone: it goes on at the sequence where it was.
func TestPowerLossAfterExpiry(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "nats")
	b, err := Start(Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	s, err := b.JetStream().CreateStream(t.Context(), jetstream.StreamConfig{Name: "a", Subjects: []string{"a"}})
	if err != nil {
		t.Fatal(err)
	}
	stay(t, b)
	r := rand.New(rand.NewPCG(1, 1))
	w := &writer{stream: "a"}
	w.write(t, b, r, 20)
	if err := s.Purge(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := b.Sync("a"); err != nil {
		t.Fatal(err)
	}
	w.write(t, b, r, 5)
	to := filepath.Join(t.TempDir(), "nats")
	testdir.Copy(t, to, dir)
	b.Close()
	if err := os.Remove(filepath.Join(to, runningFile)); err != nil {
		t.Fatal(err)
	}
	blocks, err := filepath.Glob(filepath.Join(streamDir(to, "a"), "msgs", "*"))
	if err != nil || len(blocks) == 0 {
		t.Fatal(blocks, err)
	}
	for _, file := range blocks {
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
	b = start(t, to)
	for seq := uint64(21); seq <= 25; seq++ {
		s, err := b.JetStream().Stream(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		if m, err := s.GetMsg(t.Context(), seq); err != nil || !bytes.Equal(m.Data, payload("a", seq, len(m.Data))) {
			t.Errorf("message %d: %v", seq, err)
		}
	}
	if got := lastSeq(t, b, "a"); got != 25 {
		t.Errorf("the stream ends at %d, want 25", got)
	}
}

// TestOtherOfTheName removes a stream and makes another of its name: messages of the first
// do not come back with the power.
func TestOtherOfTheName(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "nats")
	b, err := Start(Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	stay(t, b)
	cfg := jetstream.StreamConfig{Name: "a", Subjects: []string{"a"}}
	for i := range 2 {
		if _, err := b.JetStream().CreateStream(t.Context(), cfg); err != nil {
			t.Fatal(err)
		}
		if err := b.Sync("a"); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			(&writer{stream: "a"}).write(t, b, rand.New(rand.NewPCG(1, 1)), 10)
			if err := b.JetStream().DeleteStream(t.Context(), "a"); err != nil {
				t.Fatal(err)
			}
			if err := b.Sync("a"); err != nil {
				t.Fatal(err)
			}
			// The server removes the files some time after its answer.
			for gone := false; !gone; {
				_, err := os.Lstat(streamDir(dir, ".a"))
				gone = errors.Is(err, fs.ErrNotExist)
			}
		}
	}
	to := filepath.Join(t.TempDir(), "nats")
	testdir.Copy(t, to, dir)
	b.Close()
	b = start(t, to)
	if got := lastSeq(t, b, "a"); got != 0 {
		t.Errorf("the new stream ends at %d", got)
	}
}
