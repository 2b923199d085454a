package logstore

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/brookmere/brookmere/internal/engine/shardlog"
	"github.com/brookmere/brookmere/internal/engine/work"
)

// Future is how much later than its arrival a line may be.
const Future = 2 * time.Hour

// Overhead is what a line counts for beside its text, in bytes.
const Overhead = 26

// ErrTooLarge is returned for lines of more than 16 MiB at once.
var ErrTooLarge = errors.New("logstore: too many bytes at once")

// Options configure a store. Log is required.
type Options struct {
	Log   *shardlog.Log
	Dir   string          // of the files of indexes; empty: none are written
	Clock clockwork.Clock // nil: the real one

	// Failed is told of what goes wrong behind a put: an index that is not written, a block that cannot be
	// read. nil: nobody is.
	Failed func(group string, err error)
}

// Store keeps groups by name. A name is given once: that of a group that was removed does not come again.
type Store struct {
	o     Options
	clock clockwork.Clock
	work  work.Group

	mu     sync.Mutex
	groups map[string]*group
}

// New returns a store. It reads and starts nothing.
func New(o Options) *Store {
	if o.Clock == nil {
		o.Clock = clockwork.NewRealClock()
	}
	if o.Failed == nil {
		o.Failed = func(string, error) {}
	}
	s := &Store{o: o, clock: o.Clock, groups: map[string]*group{}}
	s.work.Clock = o.Clock
	return s
}

const (
	catchUpEvery = 3 * time.Second // while a group is being put to
	writeEvery   = 5 * time.Minute
)

// Start begins to keep indexes up to date.
func (s *Store) Start(context.Context) error {
	if s.o.Dir != "" {
		if err := os.MkdirAll(s.o.Dir, 0o700); err != nil {
			return fmt.Errorf("create the directory of log indexes: %w", err)
		}
	}
	s.work.Every("log indexes", catchUpEvery, func(ctx context.Context) error {
		for _, g := range s.open() {
			if g.puts.Swap(0) == 0 {
				continue
			}
			if err := g.catchUp(ctx); err != nil && ctx.Err() == nil {
				s.o.Failed(g.name, err)
			}
		}
		return nil
	})
	s.work.Every("files of log indexes", writeEvery, func(context.Context) error { s.writeIndexes(); return nil })
	return nil
}

// Close writes the indexes.
func (s *Store) Close(ctx context.Context) error {
	err := s.work.Close(ctx)
	s.writeIndexes()
	return err
}

func (s *Store) writeIndexes() {
	for _, g := range s.open() {
		if err := g.writeIndex(); err != nil {
			s.o.Failed(g.name, err)
		}
	}
}

// open are the groups that have been used since the start.
func (s *Store) open() []*group {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]*group, 0, len(s.groups))
	for _, g := range s.groups {
		out = append(out, g)
	}
	return out
}

const shardPrefix = "logs/"

func (s *Store) group(name string) *group {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.groups[name]
	if g == nil {
		g = newGroup(s, name)
		s.groups[name] = g
	}
	return g
}

// Put puts the lines, in order of time, into a stream of a group, whose shard is made by the first of them with that
// retention; 0: for ever. Lines are durable when it returns.
func (s *Store) Put(ctx context.Context, name string, stream uint64, retention time.Duration, lines []Line) error {
	if len(lines) == 0 {
		return nil
	}
	size := 0
	for i := range lines {
		size += len(lines[i].Text) + 12
	}
	if size > maxPayload {
		return ErrTooLarge
	}
	g := s.group(name)
	sh, err := g.shardFor(ctx, retention)
	if err != nil {
		return err
	}
	var key [8]byte
	binary.BigEndian.PutUint64(key[:], stream)
	var b shardlog.Batch
	b.Add(key[:], appendBlock(make([]byte, 0, size/3+64), s.clock.Now().UnixMilli(), lines))
	if _, _, err := sh.Append(ctx, &b); err != nil {
		return err
	}
	g.puts.Add(1)
	return nil
}

// SetRetention changes how long a group keeps lines; 0: for ever.
func (s *Store) SetRetention(ctx context.Context, name string, retention time.Duration) error {
	sh, err := s.group(name).shardOf(ctx)
	if errors.Is(err, shardlog.ErrNoShard) {
		return nil
	}
	if err != nil {
		return err
	}
	return sh.SetMaxAge(ctx, shardAge(retention))
}

func shardAge(retention time.Duration) time.Duration {
	if retention == 0 {
		return 0
	}
	return retention + Future
}

// Remove removes a group and all of its lines.
func (s *Store) Remove(ctx context.Context, name string) error {
	s.mu.Lock()
	delete(s.groups, name)
	s.mu.Unlock()
	if s.o.Dir != "" {
		if err := os.Remove(s.indexFile(name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			s.o.Failed(name, err)
		}
	}
	if err := s.o.Log.DeleteShard(ctx, shardPrefix+name); err != nil && !errors.Is(err, shardlog.ErrNoShard) {
		return err
	}
	return nil
}

func (s *Store) indexFile(name string) string {
	return filepath.Join(s.o.Dir, fmt.Sprintf("%x.index", name))
}

// Key is the place of a line among those of its group: by its time, then by its place in the log.
type Key struct {
	Time  int64
	Block shardlog.Position
	Line  uint32 // in the block
}

// Compare orders keys as cmp.Compare does.
func (k Key) Compare(o Key) int {
	if c := cmp.Compare(k.Time, o.Time); c != 0 {
		return c
	}
	if c := k.Block.Compare(o.Block); c != 0 {
		return c
	}
	return cmp.Compare(k.Line, o.Line)
}

// Event is a line that was found.
type Event struct {
	Key
	Stream  uint64
	Arrived int64 // milliseconds since 1970
	Text    []byte
}

// Make makes the shard of a group that has none, and returns where the next block of it will be.
func (s *Store) Make(ctx context.Context, name string, retention time.Duration) (shardlog.Position, error) {
	sh, err := s.group(name).shardFor(ctx, retention)
	if err != nil {
		return shardlog.Position{}, err
	}
	info, err := sh.Info(ctx)
	return info.End, err
}
