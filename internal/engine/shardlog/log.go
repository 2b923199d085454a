package shardlog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/brookmere/brookmere/internal/engine/shardlog/framestore"
)

// Broker is what a log needs of the server that holds its streams; *broker.Broker is one.
type Broker interface {
	JetStream() jetstream.JetStream

	// Dial opens a connection for the log alone, which closes it.
	Dial(name string) (*nats.Conn, error)

	// Replicas is how many servers hold each stream.
	Replicas() int

	// Free tells the bytes that the disk has left.
	Free() (uint64, error)

	// Check reports whether a stream has failed: it does not answer writes.
	Check(stream string) error

	// Trimming is called before the messages before a sequence are removed from a stream.
	Trimming(stream string, first uint64) error

	// Changing is called before the configuration of a stream is changed.
	Changing(stream string) error

	// Restart brings back a store that refuses writes since its disk failed. It may do
	// nothing.
	Restart(ctx context.Context) error

	Durability
}

// Durability makes durable what the server has acknowledged.
type Durability interface {
	// Persist calls done when a message is durable, or cannot be made so. Messages of one
	// stream come in sequence.
	Persist(stream, subject string, seq uint64, data []byte, done func(error))

	// Sync does so for all of a stream: its messages, that it was made, changed, trimmed or
	// removed.
	Sync(stream string) error

	// Store does so for the messages of a stream up to a sequence, without what makes those of
	// others durable with them, and calls done then.
	Store(stream string, seq uint64, done func(error))

	// SyncAppended does so for all messages of some streams; of one that is not there it says
	// nothing.
	SyncAppended(streams []string) error
}

// Options configure a log. The zero value will do.
type Options struct {
	// Clock gives records their arrival time and ages them; nil is the real one.
	Clock clockwork.Clock

	// CacheBytes bounds the memory for frames that were just written or read, over all
	// shards. 0 means 64 MiB, negative none.
	CacheBytes int64

	// MinFree is how many bytes the disk must have left: with less, appends fail with
	// ErrFull before the store fails itself, which takes a restart of it; what is held in memory
	// beyond 64 MiB, which is to go there, comes on top. 0 means 128 MiB,
	// negative no limit.
	MinFree int64

	// Journal is the directory of the journal of appends, broker.AppendsDir of the broker's; it
	// is made if it is missing, and so is that of the packs, "packs" beside it. A log that has had them must
	// be opened with them again. Empty means none: each append goes to its shard's stream at once. A shared log has none.
	Journal string

	// NoSync leaves it to the system when the journal and the packs get to the disk: for data that goes
	// with the process.
	NoSync bool

	// SegmentBytes is the size of a segment of the journal, which is up to eight times as large
	// with many shards; there are up to eight. 0 means 8 MiB, and up to 64 with many shards.
	SegmentBytes int64

	// Report is told of what goes wrong in the background. It may be nil.
	Report func(error)

	packBytes      int64 // in place of the constants, in tests
	packSync       func(*os.File) error
	catalogForgets time.Duration
	startHeld      int64 // bytes that a start holds in memory

	// Shared says that other logs, of other nodes, make, remove and append to shards too.
	// What they do is seen, for requests to the server that a log of its own does not need.
	Shared bool
}

// Log holds shards by name.
type Log struct {
	broker  Broker
	js      jetstream.JetStream
	clock   clockwork.Clock
	cache   cache
	writers []*writer
	readers []*reader
	opts    Options

	maxFrame int

	mu     sync.RWMutex
	shards map[string]*Shard // every shard that is known, opened or not
	closed bool

	ctx    context.Context // ends at Close
	cancel context.CancelFunc
	busy   sync.WaitGroup // goroutines that send and recover

	front   *front            // nil: there is none
	catalog *catalog          // nil: there is none
	packs   *framestore.Store // nil: there are none
	noPacks bool              // they had no directory before

	space  space
	repair repair
	stamp  atomic.Uint64

	names     nameLocks
	following sync.Mutex // held by one that looks at a stream that others have changed
}

// Open finds the shards that there are.
func Open(ctx context.Context, b Broker, o Options) (*Log, error) {
	l := &Log{broker: b, js: b.JetStream(), clock: o.Clock, shards: map[string]*Shard{}, opts: o}
	if l.clock == nil {
		l.clock = clockwork.NewRealClock()
	}
	l.opts.MinFree = cmp.Or(o.MinFree, 128<<20)
	l.cache.max = cmp.Or(o.CacheBytes, 64<<20)
	l.ctx, l.cancel = context.WithCancel(context.Background())
	l.stamp.Store(randomStamp())
	if err := l.connect(); err != nil {
		l.disconnect()
		return nil, err
	}
	err := l.follow()
	if err == nil {
		err = l.list(ctx)
	}
	if err == nil {
		err = l.openPacks()
	}
	if err == nil {
		err = l.openCatalog(ctx)
	}
	if err == nil {
		err = l.sweepPacks()
	}
	if err == nil {
		err = l.openFront(ctx)
	}
	if err != nil {
		l.disconnect()
		if l.packs != nil {
			l.packs.Close()
		}
		return nil, err
	}
	return l, nil
}

// connect opens the connections. The server works off each by one goroutine, so reads
// go apart from writes, and both by more than one.
func (l *Log) connect() error {
	l.maxFrame = MaxFrame
	for range min(4, runtime.GOMAXPROCS(0)) {
		w, err := newWriter(l)
		if err != nil {
			return err
		}
		l.writers = append(l.writers, w)
		r, err := newReader(l)
		if err != nil {
			return err
		}
		l.readers = append(l.readers, r)
		l.maxFrame = min(l.maxFrame, int(w.conn.MaxPayload())-1024)
	}
	return nil
}

func (l *Log) disconnect() {
	for _, w := range l.writers {
		w.conn.Close()
	}
	for _, r := range l.readers {
		r.conn.Close()
	}
}

func (l *Log) list(ctx context.Context) error {
	streams := l.js.ListStreams(ctx, jetstream.WithStreamListSubject(subjectPrefix+"*"))
	for info := range streams.Info() {
		if name, ok := info.Config.Metadata[nameKey]; !ok || streamName(name) != info.Config.Name {
			return fmt.Errorf("shardlog: stream %s is said to be the shard %q: its description is damaged", info.Config.Name, name)
		} else {
			l.adopt(&info.Config)
		}
	}
	if err := streams.Err(); err != nil {
		return fmt.Errorf("shardlog: list streams: %w", err)
	}
	return nil
}

// ShardConfig says how long a shard keeps its records.
type ShardConfig struct {
	MaxAge time.Duration // 0: for ever
}

// CreateShard makes an empty shard, durable when it returns. Names are any non-empty
// UTF-8 up to 512 bytes; "/" separates a common prefix (stream) from the rest.
// ErrShardExists if there is one.
func (l *Log) CreateShard(ctx context.Context, name string, cfg ShardConfig) (*Shard, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	s := l.newShard(name, &jetstream.StreamConfig{MaxAge: cfg.MaxAge, Metadata: newMaker()})
	l.mu.RLock()
	_, exists := l.shards[name]
	closed := l.closed
	l.mu.RUnlock()
	switch {
	case closed:
		return nil, ErrClosed
	case exists:
		return nil, fmt.Errorf("%w: %s", ErrShardExists, name)
	}
	if err := l.space.check(l); err != nil {
		return nil, err
	}
	defer l.names.lock(name)() // a deletion takes an entry away that is not a shard of the log yet
	if err := l.makeShard(ctx, s); err != nil {
		if errors.Is(err, ErrShardExists) {
			if have, err := l.adoptListed(ctx, name); err == nil && have != nil && have.maker == s.maker {
				return have, nil
			}
			return nil, err
		}
		return nil, fmt.Errorf("shardlog: create shard %s: %w", name, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if have := l.shards[name]; have != nil && have.maker == s.maker {
		return have, nil // the server has told of it already
	}
	l.shards[name] = s
	return s, nil
}

// makeShard makes a shard known, durably: by the catalog, or its stream. Of two at once, by
// whatever nodes, one makes it.
func (l *Log) makeShard(ctx context.Context, s *Shard) error {
	if l.catalog != nil {
		s.listed, s.packed, s.form = true, true, packedForm
		err := l.catalog.create(ctx, s)
		if err == nil {
			s.attach()
		}
		return err
	}
	// No other creation has the same configuration.
	err := l.newStream(ctx, s.config(s.maxAge, 0))
	if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
		return fmt.Errorf("%w: %s", ErrShardExists, s.name)
	}
	if err != nil {
		return err
	}
	return l.broker.Sync(s.stream)
}

// Shard returns an existing shard; ErrNoShard. It is cheap after the first time.
func (l *Log) Shard(ctx context.Context, name string) (*Shard, error) {
	l.mu.RLock()
	s, closed := l.shards[name], l.closed
	l.mu.RUnlock()
	if closed {
		return nil, ErrClosed
	}
	if s == nil {
		if err := checkName(name); err != nil {
			return nil, fmt.Errorf("%w: %s", ErrNoShard, name)
		}
		if s, err := l.adoptListed(ctx, name); err != nil {
			return nil, err
		} else if s != nil {
			return s, nil
		}
		// Another node may have made it since.
		info, err := l.js.Stream(ctx, streamName(name))
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			return nil, fmt.Errorf("%w: %s", ErrNoShard, name)
		} else if err != nil {
			return nil, fmt.Errorf("shardlog: open shard %s: %w", name, err)
		}
		if s = l.adopt(&info.CachedInfo().Config); s == nil {
			return nil, fmt.Errorf("%w: %s", ErrNoShard, name)
		}
	}
	if err := s.open(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// Shards lists the names with the prefix, sorted.
func (l *Log) Shards(ctx context.Context, prefix string) ([]string, error) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.closed {
		return nil, ErrClosed
	}
	var names []string
	for name := range l.shards {
		if strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// DeleteShard removes a shard and its records; ErrNoShard. After any other error the shard is
// as it was, or takes no appends until it is deleted.
func (l *Log) DeleteShard(ctx context.Context, name string) error {
	defer l.names.lock(name)()
	l.mu.RLock()
	s := l.shards[name]
	l.mu.RUnlock()
	if s == nil {
		var err error
		if s, err = l.adoptListed(ctx, name); err != nil {
			return err
		}
	}
	if s != nil {
		s.configuring.Lock() // a flush makes no stream meanwhile
		defer s.configuring.Unlock()
	}
	gone, err := l.removeShard(ctx, name, s)
	if err != nil {
		return fmt.Errorf("shardlog: delete shard %s: %w", name, err)
	}
	l.mu.Lock()
	if l.shards[name] == s {
		delete(l.shards, name)
	}
	l.mu.Unlock()
	if s != nil {
		s.end(fmt.Errorf("%w: %s", ErrNoShard, name))
		l.cache.drop(s)
	}
	if gone {
		return fmt.Errorf("%w: %s", ErrNoShard, name)
	}
	return nil
}

// removeShard removes a shard from the catalog, and then its stream: one that a kill leaves
// between is there with all that it holds. It reports whether there was neither.
func (l *Log) removeShard(ctx context.Context, name string, s *Shard) (gone bool, err error) {
	listed := false
	if s != nil && l.catalog != nil {
		s.mu.Lock()
		listed = s.listed
		s.mu.Unlock()
	}
	if listed {
		if err := l.catalog.remove(ctx, s); err != nil {
			s.keep(err)
			return false, err
		}
		s.mu.Lock()
		s.listed = false
		s.mu.Unlock()
	}
	if s != nil && s.packed {
		l.packs.Drop(s.id())
		return !listed, nil
	}
	err = l.js.DeleteStream(ctx, streamName(name))
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return !listed, nil
	}
	if err == nil {
		err = l.broker.Sync(streamName(name))
	}
	return false, err
}

// start counts a goroutine in, unless the log is closed.
func (l *Log) start() bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if !l.closed {
		l.busy.Add(1)
	}
	return !l.closed
}

// Close waits for the appends that are under way, refuses further ones, and closes the
// connections. What is in the journal of appends alone goes to its shards' homes, as far as that is
// done in ten seconds; the next Open finds the rest in the journal.
func (l *Log) Close() (err error) {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil
	}
	l.closed = true
	shards := make([]*Shard, 0, len(l.shards))
	for _, s := range l.shards {
		shards = append(shards, s)
	}
	l.mu.Unlock()
	if l.front != nil {
		for _, s := range l.front.shards() {
			s.mu.Lock()
			s.fillAll() // all at once, rather than one after the other below
			s.mu.Unlock()
		}
	}
	for deadline, i := time.Now().Add(closeWait), 0; i < len(shards); i++ {
		shards[i].drain(time.Until(deadline))
	}
	if l.front != nil {
		err = l.front.close()
	}
	if l.packs != nil {
		err = errors.Join(err, l.packs.Close())
	}
	l.cancel()
	for _, s := range shards {
		s.end(ErrClosed)
	}
	l.disconnect()
	l.busy.Wait()
	l.cache.clear() // the server may hold on to what calls back for minutes, and so to the log
	return err
}

// closeWait is how long Close gives the appends of shards whose store does not answer.
const closeWait = 10 * time.Second

// space remembers for a moment whether the disk is full.
type space struct {
	mu   sync.Mutex
	at   time.Time
	full bool
}

const spaceEvery = 100 * time.Millisecond

func (sp *space) check(l *Log) error {
	if l.opts.MinFree < 0 {
		return nil
	}
	sp.mu.Lock()
	defer sp.mu.Unlock()
	if now := time.Now(); now.Sub(sp.at) >= spaceEvery || sp.full {
		free, err := l.broker.Free()
		sp.at, sp.full = now, err == nil && free < uint64(l.opts.MinFree+l.front.overEase())
	}
	if sp.full {
		return ErrFull
	}
	return nil
}

// repair restarts the broker for shards whose store has failed, once for all that ask
// about the same failure.
type repair struct {
	mu sync.Mutex
	at time.Time
}

func (r *repair) do(l *Log, failed time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.at.After(failed) {
		return nil
	}
	if err := l.broker.Restart(l.ctx); err != nil {
		return err
	}
	r.at = time.Now()
	return nil
}
