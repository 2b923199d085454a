package shardlog

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/brookmere/brookmere/internal/engine/broker/bucket"
)

// catalogBucket is the JetStream KV bucket of the catalog.
const catalogBucket = "shards"

// catalogForgets is how long the bucket remembers that a shard was removed.
const catalogForgets = time.Minute

func (l *Log) catalogForgets() time.Duration { return cmp.Or(l.opts.catalogForgets, catalogForgets) }

// catalog has an entry for each shard that was made by a log with a journal of appends: its
// stream is made when the first frame goes there. Shards of before, and those of logs without
// a journal, are known by their streams alone. Where there is a stream, its own configuration
// counts.
type catalog struct {
	log *Log
	kv  jetstream.KeyValue
	new bool // it has never had an entry
}

// catalogEntry is the value of a key, which is the name of the shard's stream.
type catalogEntry struct {
	Form   int           `json:"_form"`
	Name   string        `json:"name"`
	Made   string        `json:"made"`              // makerKey of its stream's metadata
	MaxAge time.Duration `json:"max_age,omitempty"` // nanoseconds
	First  uint64        `json:"first,omitempty"`   // frames before it are gone, of a shard in packs
}

// Versions of catalogEntry.
const (
	streamForm = 1 // what the shard has is in its stream
	packedForm = 2 // it may have frames in packs
)

// openCatalog reads the catalog.
func (l *Log) openCatalog(ctx context.Context) error {
	if l.opts.Journal == "" || l.opts.Shared {
		return nil
	}
	kv, err := bucket.Open(ctx, l.js, jetstream.KeyValueConfig{
		Bucket: catalogBucket, Storage: jetstream.FileStorage, Replicas: l.broker.Replicas(), LimitMarkerTTL: l.catalogForgets(),
	})
	if err == nil {
		err = l.broker.Sync(bucket.Stream(catalogBucket))
	}
	if err != nil {
		return fmt.Errorf("shardlog: open the catalog of shards: %w", err)
	}
	w, err := kv.WatchAll(ctx, jetstream.IgnoreDeletes())
	if err != nil {
		return fmt.Errorf("shardlog: read the catalog of shards: %w", err)
	}
	defer w.Stop()
	entries, err := l.js.Stream(ctx, bucket.Stream(catalogBucket))
	if err != nil {
		return fmt.Errorf("shardlog: read the catalog of shards: %w", err)
	}
	l.catalog = &catalog{log: l, kv: kv, new: entries.CachedInfo().State.LastSeq == 0}
	for {
		select {
		case e, ok := <-w.Updates():
			if !ok {
				return errors.New("shardlog: read the catalog of shards: it ended early")
			}
			if e == nil {
				return nil
			}
			if err := l.listed(e.Key(), e.Value()); err != nil {
				return err
			}
		case <-ctx.Done():
			return fmt.Errorf("shardlog: read the catalog of shards: %w", ctx.Err())
		}
	}
}

// listed takes in an entry.
func (l *Log) listed(key string, value []byte) error {
	var e catalogEntry
	err := json.Unmarshal(value, &e)
	switch {
	case err != nil:
		return fmt.Errorf("shardlog: the entry %s in the catalog of shards is damaged: %w", key, err)
	case e.Form > packedForm:
		return fmt.Errorf("shardlog: the entry %s in the catalog of shards is of form %d, which a later version has written", key, e.Form)
	case checkName(e.Name) != nil || streamName(e.Name) != key:
		return fmt.Errorf("shardlog: the entry %s in the catalog of shards is said to be the shard %q: it is damaged", key, e.Name)
	}
	s := l.shards[e.Name]
	if s == nil {
		s = l.newShard(e.Name, &jetstream.StreamConfig{MaxAge: e.MaxAge, Metadata: map[string]string{makerKey: e.Made}})
		s.packed, s.floor = true, e.First
		s.attach()
		l.shards[e.Name] = s
	}
	s.mu.Lock()
	s.listed, s.form = true, e.Form
	s.mu.Unlock()
	return nil
}

// adoptListed takes in a shard that the catalog has and the log does not know, as one whose
// creation failed when the entry was written already. It is durable when this returns; nil when
// there is none.
func (l *Log) adoptListed(ctx context.Context, name string) (*Shard, error) {
	if l.catalog == nil {
		return nil, nil
	}
	l.mu.RLock()
	s := l.shards[name]
	l.mu.RUnlock()
	if s != nil {
		return s, nil
	}
	e, err := l.catalog.kv.Get(ctx, streamName(name))
	if err == nil {
		err = l.catalog.sync(0)
	}
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("shardlog: look up shard %s: %w", name, err)
	}
	l.mu.Lock()
	err = l.listed(e.Key(), e.Value())
	s = l.shards[name]
	l.mu.Unlock()
	if err != nil {
		return nil, err
	}
	if now, err := l.catalog.kv.Get(ctx, streamName(name)); err == nil && now.Revision() == e.Revision() {
		return s, s.open(ctx)
	}
	// It was removed meanwhile: whoever did so may have looked before it was taken in.
	l.mu.Lock()
	if l.shards[name] == s {
		delete(l.shards, name)
	}
	l.mu.Unlock()
	s.end(fmt.Errorf("%w: %s", ErrNoShard, name))
	return nil, nil
}

// keep puts the entry of a shard back whose removal has failed: it may be gone from the catalog
// all the same. If it cannot, the shard takes no more appends, which the next start would not
// find.
func (s *Shard) keep(cause error) {
	ctx, cancel := context.WithTimeout(s.log.ctx, keepWait)
	defer cancel()
	s.mu.Lock()
	maxAge, floor := s.maxAge, s.floor
	s.mu.Unlock()
	if s.log.catalog.update(ctx, s, maxAge, floor) == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = fmt.Errorf("shardlog: shard %s is half deleted: %w", s.name, cause)
	}
}

// keepWait is how long the entry of a shard may take to be put back.
const keepWait = 10 * time.Second

// create adds an entry, durably; ErrShardExists if there is one.
func (c *catalog) create(ctx context.Context, s *Shard) error {
	return c.write(s, s.maxAge, 0, func(value []byte) (uint64, error) { return c.kv.Create(ctx, s.stream, value) })
}

// update writes another retention, or where what is left of a shard in packs begins. Callers hold configuring. A shard that
// was deleted gets no entry again, which might be another one's of its name.
func (c *catalog) update(ctx context.Context, s *Shard, maxAge time.Duration, first uint64) error {
	s.mu.Lock()
	deleted := s.err
	s.mu.Unlock()
	if errors.Is(deleted, ErrNoShard) {
		return deleted
	}
	return c.write(s, maxAge, first, func(value []byte) (uint64, error) {
		ack, err := c.log.js.PublishMsg(ctx, bucket.Message(catalogBucket, s.stream, value))
		if err != nil {
			return 0, err
		}
		return ack.Sequence, nil
	})
}

func (c *catalog) write(s *Shard, maxAge time.Duration, first uint64, write func([]byte) (uint64, error)) error {
	if !s.packed {
		first = 0 // which its stream tells
	}
	s.mu.Lock()
	form := s.form
	s.mu.Unlock()
	value, err := json.Marshal(catalogEntry{form, s.name, s.maker, maxAge, first})
	if err != nil {
		return err
	}
	seq, err := write(value)
	if errors.Is(err, jetstream.ErrKeyExists) {
		return fmt.Errorf("%w: %s", ErrShardExists, s.name)
	}
	if err != nil {
		return err
	}
	return c.sync(seq)
}

// remove takes an entry away, durably.
func (c *catalog) remove(ctx context.Context, s *Shard) error {
	if err := c.kv.Purge(ctx, s.stream, jetstream.PurgeTTL(c.log.catalogForgets())); err != nil {
		return err
	}
	return c.sync(0)
}

// sync makes entries durable; those who come at the same time share it.
func (c *catalog) sync(seq uint64) error {
	if seq == 0 {
		return c.log.broker.Sync(bucket.Stream(catalogBucket))
	}
	done := make(chan error, 1)
	c.log.broker.Store(bucket.Stream(catalogBucket), seq, func(err error) { done <- err })
	return <-done
}

// createFailed is the server's code for a stream whose folder it could not make.
const createFailed jetstream.ErrorCode = 10049

// newStream makes a stream. One of the same name that was just removed may be in its way: the server
// removes a folder behind its answer.
func (l *Log) newStream(ctx context.Context, cfg jetstream.StreamConfig) error {
	for pause := time.Millisecond; ; pause *= 4 {
		_, err := l.js.CreateStream(ctx, cfg)
		var failed *jetstream.APIError
		if !errors.As(err, &failed) || failed.ErrorCode != createFailed || pause > 100*time.Millisecond {
			return err
		}
		if err := l.sleep(pause); err != nil {
			return err
		}
	}
}

func newMaker() map[string]string {
	return map[string]string{makerKey: strconv.FormatUint(randomStamp(), 36)}
}
