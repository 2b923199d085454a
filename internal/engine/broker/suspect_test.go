//go:build linux

package broker

import (
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/brookmere/brookmere/internal/engine/broker/journal"
	"github.com/brookmere/brookmere/internal/engine/shardlog"
)

// forgetful is a disk that forgets what it could not sync: a sync that fails leaves a hole in
// what is durable of the file, which no later sync fills.
type forgetful struct {
	t *testing.T

	mu    sync.Mutex
	fails bool                // the next sync of a block that has got something
	files map[uint64]*durable // by inode
}

// durable is what is on the disk of a block.
type durable struct {
	open  *os.File // so that no other file gets its inode
	size  int64
	holes [][2]int64
}

// of is what is on the disk of a block.
func (d *forgetful) of(path string) *durable {
	info, err := os.Stat(path)
	if err != nil {
		return new(durable)
	}
	inode := info.Sys().(*syscall.Stat_t).Ino
	on := d.files[inode]
	if on == nil {
		on = new(durable)
		if on.open, err = os.Open(path); err != nil {
			d.t.Error(err)
		}
		d.files[inode] = on
	}
	return on
}

func (d *forgetful) sync(f *os.File) error {
	info, err := f.Stat()
	if err != nil || info.IsDir() {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	on := d.of(f.Name())
	at := on.size
	on.size = info.Size()
	if d.fails && filepath.Ext(f.Name()) == ".blk" && on.size > at {
		d.fails = false
		on.holes = append(on.holes, [2]int64{at, on.size})
		return &os.PathError{Op: "sync", Path: f.Name(), Err: syscall.EIO}
	}
	return nil
}

// failNext lets the next sync fail.
func (d *forgetful) failNext() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fails = true
}

func (d *forgetful) failed() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return !d.fails
}

// kill copies the files of a broker as a kill leaves them, or a loss of power, after which there is
// what is on the disk.
func (d *forgetful) kill(b *Broker, power bool) string {
	d.t.Helper()
	to := killLog(d.t, b, map[string]int{})
	d.mu.Lock()
	defer d.mu.Unlock()
	for rel := range sizes(d.t, to) {
		if filepath.Ext(rel) != ".blk" {
			continue
		}
		path := filepath.Join(to, rel)
		was, now := d.of(filepath.Join(b.opts.Dir, rel)), d.of(path)
		now.size, now.holes = was.size, slices.Clone(was.holes)
		if !power {
			continue
		}
		data, err := os.ReadFile(path)
		if err != nil {
			d.t.Fatal(err)
		}
		data = data[:min(now.size, int64(len(data)))]
		for _, h := range now.holes {
			clear(data[min(h[0], int64(len(data))):min(h[1], int64(len(data)))])
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			d.t.Fatal(err)
		}
		now.size, now.holes = int64(len(data)), nil
	}
	if power {
		return to
	}
	for _, name := range []string{suspectFile, runningFile} {
		data, err := os.ReadFile(filepath.Join(b.opts.Dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(to, name), data, 0o600)
		}
		if err != nil {
			d.t.Fatal(err)
		}
	}
	return to
}

// TestFailedSync lets the sync of a stream's block fail once, on a disk that has forgotten then
// what it could not write. What was acknowledged is there after a loss of power at once, and also
// after a kill or a stop, a start, which writes the block again, and a loss of power then. The stop
// is tried where BROKER_ROUNDS is set.
func TestFailedSync(t *testing.T) {
	ways := []string{"power", "kill"}
	if os.Getenv("BROKER_ROUNDS") != "" {
		ways = append(ways, "stop")
	}
	for _, how := range ways {
		t.Run(how, func(t *testing.T) {
			t.Parallel() // they wait most of the time
			testFailedSync(t, how)
		})
	}
}

func testFailedSync(t *testing.T, how string) {
	dir := filepath.Join(t.TempDir(), "nats")
	d := &forgetful{t: t, files: map[uint64]*durable{}}
	defer func() {
		for _, on := range d.files {
			on.open.Close()
		}
	}()
	w := &logWriter{name: "s/0", acked: map[shardlog.Position]uint64{}}
	var b *Broker
	var l *shardlog.Log
	var s *shardlog.Shard
	open := func() {
		t.Helper()
		var err error
		keep := 0
		if how == "kill" {
			keep = -1
		}
		if b, err = Start(Options{Dir: dir, fsync: d.sync, keptOpen: keep}); err != nil {
			t.Fatal(err)
		}
		if len(w.acked) == 0 {
			makeStreams(t, b, w.name)
		}
		if l, err = shardlog.Open(t.Context(), b, shardlog.Options{Journal: AppendsDir(dir), SegmentBytes: 64 << 10}); err != nil {
			t.Fatal(err)
		}
		s = w.check(t, l)
	}
	shut := func() {
		l.Close()
		b.Close()
	}
	appendSome := func(n int) error {
		for range n {
			var batch shardlog.Batch
			batch.Add([]byte("k"), binary.LittleEndian.AppendUint64(make([]byte, 0, 20<<10), w.n)[:20<<10])
			w.n++
			at, _, err := s.Append(t.Context(), &batch)
			if err != nil {
				return err
			}
			w.acked[at] = w.n - 1
		}
		return nil
	}

	open()
	if err := appendSome(20); err != nil {
		t.Fatal(err)
	}
	d.failNext()
	// They fill the journal, which cannot give anything up.
	for n := 0; appendSome(1) == nil; n++ {
		if n > 5000 {
			t.Fatal("appends are taken for ever while their stream cannot be synced")
		}
	}
	if !d.failed() {
		t.Fatal("no sync has failed")
	}
	streams, err := streamNames(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.SyncAppended(streams); !errors.Is(err, journal.ErrSuspect) {
		t.Errorf("a sync after one that failed: %v", err)
	}
	w.check(t, l) // it is read as before
	if err := b.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := b.SyncAppended(streams); !errors.Is(err, journal.ErrSuspect) {
		t.Errorf("a sync after one that failed, and a restart of the server: %v", err)
	}

	to := dir
	if how != "stop" {
		to = d.kill(b, how == "power")
	}
	shut()
	dir = to
	open()
	if err := appendSome(60); err != nil {
		t.Fatalf("after a start: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, suspectFile)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("there is a list of suspect files: %v", err)
	}
	to = d.kill(b, true)
	shut()
	dir = to
	open()
	shut()
}

// makeStreams makes shards that have streams, as versions did before there were packs.
func makeStreams(t *testing.T, b *Broker, names ...string) {
	t.Helper()
	l, err := shardlog.Open(t.Context(), b, shardlog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, name := range names {
		if _, err := l.CreateShard(t.Context(), name, shardlog.ShardConfig{}); err != nil && !errors.Is(err, shardlog.ErrShardExists) {
			t.Fatal(err)
		}
	}
}

// startForgetful starts a broker on a forgetful disk, and a log with two shards.
func startForgetful(t *testing.T) (*forgetful, *Broker, *shardlog.Log) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "nats")
	d := &forgetful{t: t, files: map[uint64]*durable{}}
	b, err := Start(Options{Dir: dir, fsync: d.sync})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		b.Close()
		for _, on := range d.files {
			on.open.Close()
		}
	})
	makeStreams(t, b, "a", "b")
	l, err := shardlog.Open(t.Context(), b, shardlog.Options{Journal: AppendsDir(dir)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return d, b, l
}

// TestFailedSyncOfLargeAppend lets the sync fail that makes a large append durable: the append ends,
// with an error that leaves open what became of it, the shard takes no more, and other shards do.
func TestFailedSyncOfLargeAppend(t *testing.T) {
	d, b, l := startForgetful(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	add := func(shard string, size int) error {
		s, err := l.Shard(ctx, shard)
		if err != nil {
			t.Fatal(err)
		}
		var batch shardlog.Batch
		batch.Add([]byte("k"), make([]byte, size))
		_, _, err = s.Append(ctx, &batch)
		return err
	}
	for _, shard := range []string{"a", "b"} {
		if err := add(shard, 200<<10); err != nil {
			t.Fatal(err)
		}
	}
	d.failNext()
	if err := add("a", 200<<10); !errors.Is(err, context.Canceled) || !errors.Is(err, journal.ErrSuspect) || ctx.Err() != nil {
		t.Errorf("a large append whose sync fails: %v", err)
	}
	for _, size := range []int{10, 200 << 10} {
		if err := add("a", size); !errors.Is(err, journal.ErrSuspect) {
			t.Errorf("an append of %d bytes behind it: %v", size, err)
		}
		if err := add("b", size); err != nil {
			t.Errorf("an append of %d bytes to another shard: %v", size, err)
		}
	}
	l.Close()
	b.Close()
	if _, err := os.Stat(filepath.Join(b.opts.Dir, manifestFile)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a list says that all files are synced: %v", err)
	}
}

// TestReadersOfSuspectStream reads a shard that takes no more, since a sync of its stream has failed:
// whoever waits gets what is there, and learns of the deletion.
func TestReadersOfSuspectStream(t *testing.T) {
	d, _, l := startForgetful(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s, err := l.Shard(ctx, "a")
	if err != nil {
		t.Fatal(err)
	}
	var batch shardlog.Batch
	batch.Add([]byte("k"), make([]byte, 200<<10))
	if _, _, err := s.Append(ctx, &batch); err != nil {
		t.Fatal(err)
	}
	d.failNext()
	if _, _, err := s.Append(ctx, &batch); !errors.Is(err, journal.ErrSuspect) {
		t.Fatalf("a large append whose sync fails: %v", err)
	}
	if err := s.Wait(ctx, shardlog.Position{}); err != nil {
		t.Errorf("a wait for a record that is there: %v", err)
	}
	recs, end, err := s.Read(ctx, shardlog.Position{}, shardlog.ReadOptions{}, nil)
	if err != nil || len(recs) != 1 {
		t.Fatalf("%d records are read, %v", len(recs), err)
	}
	waited := make(chan error, 1)
	go func() { waited <- s.Wait(ctx, end) }()
	if err := l.DeleteShard(ctx, "a"); err != nil {
		t.Fatal(err)
	}
	if err := <-waited; !errors.Is(err, shardlog.ErrNoShard) {
		t.Errorf("a wait for a record when the shard is deleted: %v", err)
	}
	if _, _, err := s.Append(ctx, &batch); !errors.Is(err, shardlog.ErrNoShard) {
		t.Errorf("an append when the shard is deleted: %v", err)
	}
}

// TestTornListOfSuspectFiles starts with a list that a loss of power has left half written, is killed,
// and starts again.
func TestTornListOfSuspectFiles(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{suspectFile: `{"stream":"a","fi`, runningFile: "another boot"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b, err := Start(Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if list, err := readSuspects(dir); err != nil || list.any() {
		t.Errorf("the start has left the list %v, %v", list, err)
	}
}

// TestCutListOfSuspectFiles reads lists whose last lines a kill on a full disk has cut off: all is
// suspect that they may have named.
func TestCutListOfSuspectFiles(t *testing.T) {
	for _, c := range []struct {
		list string
		want []string
	}{
		{`{"stream":"a","file":"msgs/1.blk"}` + "\n" + `{"stream":"b","fi`, []string{"a msgs/1.blk", "b ."}},
		{`{"stream":"b"`, []string{"b ."}},
		{`{"stream":"b","file":"x"}`, []string{"b x"}},
		{`{"stream":"b`, []string{"a .", "b .", "c ."}},
		{`{"str`, []string{"a .", "b .", "c ."}},
		{`{"stream":"..","fi`, []string{"a .", "b .", "c ."}},
	} {
		dir := t.TempDir()
		for _, stream := range []string{"a", "b", "c"} {
			if err := os.MkdirAll(streamDir(dir, stream), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(os.WriteFile(filepath.Join(dir, suspectFile), []byte(c.list), 0o600), begin(dir)); err != nil {
			t.Fatal(err)
		}
		s, err := readSuspects(dir)
		if err != nil {
			t.Fatalf("%s: %v", c.list, err)
		}
		if got := listed(s); !slices.Equal(got, c.want) {
			t.Errorf("%s: suspect are %q, want %q", c.list, got, c.want)
		}
		if err := s.add("d", "x"); err != nil {
			t.Fatal(err)
		}
		s, err = readSuspects(dir)
		if err != nil {
			t.Fatalf("%s, and one more: %v", c.list, err)
		}
		if got := listed(s); !slices.Equal(got, append(c.want, "d x")) {
			t.Errorf("%s, and one more: suspect are %q", c.list, got)
		}
	}
}

func listed(s *suspects) (all []string) {
	for stream, files := range s.byStream {
		for file := range files {
			all = append(all, stream+" "+file)
		}
	}
	slices.Sort(all)
	return all
}

// TestListOfSuspectFilesWithoutSpace notes files where the list cannot be written: it is written
// when that works again.
func TestListOfSuspectFilesWithoutSpace(t *testing.T) {
	dir := t.TempDir()
	if err := begin(dir); err != nil {
		t.Fatal(err)
	}
	s, err := readSuspects(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.add("a", "msgs/1.blk"); err != nil {
		t.Fatal(err)
	}
	// Nobody may write a folder, not root either.
	list := filepath.Join(dir, suspectFile)
	if err := errors.Join(os.Remove(list), os.Mkdir(list, 0o700)); err != nil {
		t.Fatal(err)
	}
	if err := s.add("b", "."); err == nil {
		t.Error("a list that cannot be written was written")
	}
	if !s.has("b") {
		t.Error("a file is not suspect any more because it could not be written down")
	}
	if err := os.Remove(list); err != nil {
		t.Fatal(err)
	}
	for _, stream := range []string{"b", "a"} {
		if !s.has(stream) {
			t.Errorf("%s is not suspect", stream)
		}
	}
	got, err := readSuspects(dir)
	if want := []string{"a msgs/1.blk", "b ."}; err != nil || !slices.Equal(listed(got), want) {
		t.Errorf("listed are %q, want %q (%v)", listed(got), want, err)
	}
}

// TestServerSyncFails has the server tell of a sync of its own that failed.
func TestServerSyncFails(t *testing.T) {
	b := start(t, filepath.Join(t.TempDir(), "nats"))
	for _, stream := range []string{"a", "b"} {
		if _, err := b.JetStream().CreateStream(t.Context(), jetstream.StreamConfig{Name: stream, Subjects: []string{stream}}); err != nil {
			t.Fatal(err)
		}
	}
	block := filepath.Join(streamDir(b.opts.Dir, "a"), "msgs", "1.blk")
	l := &logger{failed: b.failed}
	l.Errorf("Filestore [a] Critical write error: %v", &fs.PathError{Op: "write", Path: block, Err: syscall.ENOSPC})
	if err := b.Sync("a"); err != nil {
		t.Errorf("a sync after a write that failed: %v", err)
	}
	l.Errorf("Filestore [a] Critical write error: %v", &fs.PathError{Op: "sync", Path: block, Err: syscall.EIO})
	if err := b.Sync("a"); !errors.Is(err, journal.ErrSuspect) {
		t.Errorf("a sync after one of the server's that failed: %v", err)
	}
	if err := b.Sync("b"); err != nil {
		t.Errorf("a sync of another stream: %v", err)
	}
	if err := b.JetStream().DeleteStream(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if err := b.Sync("a"); err != nil {
		t.Errorf("a sync of a stream that was removed: %v", err)
	}
	if list, err := readSuspects(b.opts.Dir); err != nil || len(list.byStream) > 0 {
		t.Errorf("suspect is %v, %v", list, err)
	}
}

// FuzzSuspects reads lists of suspect files: none names a file outside of a stream.
func FuzzSuspects(f *testing.F) {
	f.Add([]byte(`{"stream":"a","file":"msgs/1.blk"}` + "\n"))
	f.Add([]byte(`{"stream":"..","file":"x"}`))
	f.Add([]byte(`{"stream":"a\u002e","fi`))
	f.Add([]byte(`{"stream":"a","file":"../../x"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		if err := errors.Join(os.WriteFile(filepath.Join(dir, suspectFile), data, 0o600), begin(dir)); err != nil {
			t.Fatal(err)
		}
		s, err := readSuspects(dir)
		if err != nil {
			return
		}
		for stream, files := range s.byStream {
			for file := range files {
				if rel, err := filepath.Rel(filepath.Join(dir, stream), filepath.Join(dir, stream, file)); err != nil || !filepath.IsLocal(rel) || filepath.Dir(filepath.Join(dir, stream)) != dir {
					t.Errorf("it names %q of %q", file, stream)
				}
			}
		}
	})
}
