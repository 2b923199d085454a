// Package state keeps documents in a JetStream KV bucket, changed by compare-and-swap.
//
// A document is a value of bytes under a key of segments. All documents are held in
// memory too, so that reads do no I/O; a change is on disk when the call that made it
// returns, and every read after that sees it. Changes by another node of the same
// cluster arrive by the bucket's watch.
//
// Invariants: the map in memory holds, for each key, the change of the highest revision
// that this store has seen of it. The bucket's revisions are those of its stream, hence
// one order for all documents; the watch delivers in that order.
//
// In the bucket a key is its segments, each escaped, joined with dots. Escaped, a segment
// has ASCII letters, digits and '-' as they are and any other byte as '=' with two upper-case
// hexadecimal digits; an empty segment is '_'.
package state

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/brookmere/brookmere/internal/engine/broker/bucket"
)

var (
	ErrNotFound = errors.New("state: no such document")
	ErrExists   = errors.New("state: document exists")
	ErrConflict = errors.New("state: document changed meanwhile")
	ErrKey      = errors.New("state: bad key")
	ErrClosed   = errors.New("state: closed")
	ErrFull     = errors.New("state: disk is full")

	// ErrUndecodable is a document that is there and cannot be read: never an absence.
	ErrUndecodable = errors.New("state: document cannot be decoded")

	// ErrNewerForm is a document that a newer version of the program has written.
	ErrNewerForm = errors.New("state: document of a newer version")
)

// Document is a stored value and the revision that a change of it must name.
type Document struct {
	Key      Key
	Value    []byte // must not be changed
	Revision uint64
}

// Options configure a store. The zero value will do.
type Options struct {
	Bucket   string // "state" when empty
	Replicas int    // servers of the cluster that hold each document; 0 means 1

	deletedFor time.Duration // how long the marks of deleted documents stay; 0: deletedFor
}

// Server holds the bucket; *broker.Broker is one.
type Server interface {
	JetStream() jetstream.JetStream

	// Free tells the bytes that the disk has left. With fewer than 4 MiB changes fail with
	// ErrFull at once, since a bucket that has run into the end of its disk does not answer.
	Free() (uint64, error)

	// Sync makes durable what was acknowledged for a stream.
	Sync(stream string) error

	// Mark notes that all up to the sequence was synced, for checks at the next start.
	Mark(stream string, seq uint64)
}

// minFree leaves room for more than any document, and is less than what the log of records
// leaves: when that is full, streams can still be deleted.
const minFree = 4 << 20

// deletedFor is how long the mark of a deleted document stays in the bucket, for nodes
// that were away when it was deleted.
const deletedFor = 24 * time.Hour

// maxStrange bounds how many keys of others are remembered.
const maxStrange = 100

// listChunk is how many documents List reads under one hold of the lock.
const listChunk = 256

// Store holds all documents, in memory as well as on disk: reads do no I/O and see
// every write that has returned.
type Store struct {
	server     Server
	kv         jetstream.KeyValue
	deletedFor time.Duration

	mu       sync.RWMutex
	docs     map[string]*entry // by sortKey; deleted ones as long as the watch is behind
	order    []*entry          // those not deleted, by sortKey
	watched  uint64            // revision up to which the watch has delivered
	watchers map[*watcher]struct{}
	kinds    map[string]*kind
	strange  []string // keys in the bucket that this package does not write

	feed   jetstream.KeyWatcher
	closed chan struct{}
	done   sync.WaitGroup
	once   sync.Once
}

// entry is the newest known change of one document. It is replaced, never changed, so
// that its decoded form can be kept with it.
type entry struct {
	sort    string
	doc     Document
	deleted bool
	decoded sync.Map // reflect.Type of T -> *T
}

// Open makes the bucket if it is missing, reads every document, and follows the bucket
// from then on.
func Open(ctx context.Context, server Server, o Options) (*Store, error) {
	js := server.JetStream()
	name := cmp.Or(o.Bucket, "state")
	kv, err := bucket.Open(ctx, js, jetstream.KeyValueConfig{
		Bucket:         name,
		Storage:        jetstream.FileStorage,
		Replicas:       max(1, o.Replicas),
		LimitMarkerTTL: cmp.Or(o.deletedFor, deletedFor),
	})
	if err != nil {
		return nil, fmt.Errorf("state: open bucket %s: %w", name, err)
	}
	if err := server.Sync(bucket.Stream(name)); err != nil {
		return nil, fmt.Errorf("state: open bucket %s: %w", name, err)
	}
	s := &Store{server: server, kv: kv, deletedFor: cmp.Or(o.deletedFor, deletedFor), docs: map[string]*entry{}, watchers: map[*watcher]struct{}{}, kinds: map[string]*kind{}, closed: make(chan struct{})}
	if s.feed, err = kv.WatchAll(context.WithoutCancel(ctx)); err != nil {
		return nil, fmt.Errorf("state: watch bucket %s: %w", name, err)
	}
	if err := s.load(ctx); err != nil {
		s.feed.Stop()
		return nil, fmt.Errorf("state: read bucket %s: %w", name, err)
	}
	s.done.Add(1)
	go s.follow()
	return s, nil
}

// loadWait is how long the bucket may take for the next document.
const loadWait = 30 * time.Second

// load takes what the watch delivers first: every document as it is now, then nil.
func (s *Store) load(ctx context.Context) error {
	stalled := time.NewTimer(loadWait)
	defer stalled.Stop()
	for {
		stalled.Reset(loadWait)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-stalled.C:
			return fmt.Errorf("nothing came for %v after %d documents: the bucket is damaged", loadWait, len(s.order))
		case kve, ok := <-s.feed.Updates():
			if !ok {
				return errors.New("watch ended")
			}
			if kve == nil {
				slices.SortFunc(s.order, func(a, b *entry) int { return cmp.Compare(a.sort, b.sort) })
				return nil
			}
			s.watched = max(s.watched, kve.Revision())
			e := s.entryOf(kve)
			if e == nil || e.deleted {
				continue
			}
			s.docs[e.sort] = e
			s.order = append(s.order, e)
		}
	}
}

// entryOf is nil for a key that this package did not write.
func (s *Store) entryOf(kve jetstream.KeyValueEntry) *entry {
	key, err := unescape(kve.Key())
	if err != nil {
		s.mu.Lock()
		if kve.Operation() == jetstream.KeyValuePut && len(s.strange) < maxStrange {
			s.strange = append(s.strange, kve.Key())
		}
		s.mu.Unlock()
		return nil
	}
	e := &entry{sort: key.sortKey(), deleted: kve.Operation() != jetstream.KeyValuePut}
	e.doc = Document{Key: key, Revision: kve.Revision()}
	if !e.deleted {
		e.doc.Value = notNil(kve.Value())
	}
	return e
}

func notNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

func (s *Store) follow() {
	defer s.done.Done()
	for {
		select {
		case <-s.closed:
			return
		case kve, ok := <-s.feed.Updates():
			if !ok {
				return
			}
			if kve == nil {
				continue
			}
			e := s.entryOf(kve)
			if e == nil {
				continue
			}
			s.mu.Lock()
			if e.doc.Revision <= s.watched { // delivered again after a reconnect
				s.mu.Unlock()
				continue
			}
			s.apply(e)
			s.watched = e.doc.Revision
			if cur := s.docs[e.sort]; cur != nil && cur.deleted && cur.doc.Revision <= s.watched {
				delete(s.docs, e.sort)
			}
			s.mu.Unlock()
		}
	}
}

// applyOwn takes a change that this store has made itself.
func (s *Store) applyOwn(e *entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.doc.Revision > s.watched { // else the watch has brought it, and perhaps later ones
		s.apply(e)
	}
}

// apply puts e in unless a later change of the same document is there. Callers hold mu.
func (s *Store) apply(e *entry) {
	cur := s.docs[e.sort]
	if cur != nil && cur.doc.Revision >= e.doc.Revision {
		return
	}
	s.docs[e.sort] = e
	i, found := s.find(e.sort)
	switch {
	case e.deleted && found:
		s.order = slices.Delete(s.order, i, i+1)
	case e.deleted:
	case found:
		s.order[i] = e
	default:
		s.order = slices.Insert(s.order, i, e)
	}
	for w := range s.watchers {
		w.add(e)
	}
}

func (s *Store) find(sort string) (int, bool) {
	return slices.BinarySearchFunc(s.order, sort, func(e *entry, k string) int { return cmp.Compare(e.sort, k) })
}

// lookup finds the entry of a key, which may be in parts; nil: there is no such document.
func (s *Store) lookup(key ...Key) *entry {
	var room [192]byte // for most keys, which need no memory of their own then
	sort := room[:0]
	for _, k := range key {
		sort = k.appendSort(sort)
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if e := s.docs[string(sort)]; e != nil && !e.deleted {
		return e
	}
	return nil
}

// Get returns a document; ErrNotFound.
func (s *Store) Get(key Key) (Document, error) {
	if e := s.lookup(key); e != nil {
		return e.doc, nil
	}
	return Document{}, fmt.Errorf("%w: %s", ErrNotFound, key)
}

// Create stores a new document and returns its revision; ErrExists.
func (s *Store) Create(ctx context.Context, key Key, value []byte) (uint64, error) {
	name, err := s.writable(key)
	if err != nil {
		return 0, err
	}
	if s.lookup(key) != nil {
		return 0, fmt.Errorf("%w: %s", ErrExists, key)
	}
	for attempt := 0; ; attempt++ {
		rev, err := s.create(ctx, name, value)
		if err == nil {
			return rev, s.wrote(key, value, rev)
		}
		if errors.Is(err, jetstream.ErrKeyExists) {
			return 0, fmt.Errorf("%w: %s", ErrExists, key)
		}
		if err = changeError("create", key, err); !errors.Is(err, ErrConflict) || attempt == maxAttempts {
			return 0, err
		}
		// Another creation was under way, of which nobody knows yet whether it succeeds.
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(min(time.Millisecond<<min(attempt, 10), 100*time.Millisecond)):
		}
	}
}

// Put stores a document whatever was there and returns its revision.
func (s *Store) Put(ctx context.Context, key Key, value []byte) (uint64, error) {
	name, err := s.writable(key)
	if err != nil {
		return 0, err
	}
	rev, err := s.publish(ctx, s.message(name, value))
	if err != nil {
		return 0, fmt.Errorf("state: put %s: %w", key, err)
	}
	return rev, s.wrote(key, value, rev)
}

// Update replaces a document that still has the revision; ErrConflict, ErrNotFound.
func (s *Store) Update(ctx context.Context, key Key, value []byte, rev uint64) (uint64, error) {
	name, err := s.writable(key)
	if err != nil {
		return 0, err
	}
	e := s.lookup(key)
	if e == nil || rev == 0 {
		return 0, fmt.Errorf("%w: %s", ErrNotFound, key)
	}
	if e.doc.Revision > rev {
		return 0, fmt.Errorf("%w: %s", ErrConflict, key)
	}
	rev, err = s.publish(ctx, at(s.message(name, value), rev))
	if err != nil {
		return 0, changeError("update", key, err)
	}
	return rev, s.wrote(key, value, rev)
}

// Delete removes a document that still has the revision, or any when rev is 0;
// ErrConflict, ErrNotFound.
func (s *Store) Delete(ctx context.Context, key Key, rev uint64) error {
	name, err := s.writable(key)
	if errors.Is(err, ErrKey) {
		return fmt.Errorf("%w: %w", ErrNotFound, err) // there is no document of a key that none can have
	}
	if err != nil {
		return err
	}
	for attempt := 0; ; attempt++ {
		e := s.lookup(key)
		if e == nil {
			return fmt.Errorf("%w: %s", ErrNotFound, key)
		}
		at := cmp.Or(rev, e.doc.Revision)
		if e.doc.Revision > at {
			return fmt.Errorf("%w: %s", ErrConflict, key)
		}
		deleted, err := s.remove(ctx, name, at)
		if err == nil {
			s.applyOwn(&entry{sort: key.sortKey(), doc: Document{Key: slices.Clone(key), Revision: deleted}, deleted: true})
			return s.sync(key, deleted)
		}
		err = changeError("delete", key, err)
		if rev != 0 || !errors.Is(err, ErrConflict) {
			return err
		}
		if err := s.passed(ctx, key, at, attempt); err != nil {
			return err
		}
	}
}

func (s *Store) wrote(key Key, value []byte, rev uint64) error {
	s.applyOwn(&entry{sort: key.sortKey(), doc: Document{Key: slices.Clone(key), Value: notNil(slices.Clone(value)), Revision: rev}})
	return s.sync(key, rev)
}

// sync makes a change durable that the server has acknowledged.
func (s *Store) sync(key Key, rev uint64) error {
	if err := s.server.Sync(bucket.Stream(s.kv.Bucket())); err != nil {
		return fmt.Errorf("state: make the change of %s durable: %w", key, err)
	}
	s.server.Mark(bucket.Stream(s.kv.Bucket()), rev)
	return nil
}

// conflictWait is how long a change is tried again that others keep coming before.
const conflictWait = 10 * time.Second

// passed is called after a change of the document failed that named the revision. It reads
// the document again, since what another node has changed the watch may not have brought
// yet, and since in a cluster a change may also be refused where nothing has changed. The
// attempt says how often that was, and makes it wait a little.
func (s *Store) passed(ctx context.Context, key Key, rev uint64, attempt int) error {
	if e := s.lookup(key); e == nil || e.doc.Revision > rev {
		return nil
	}
	name, err := key.escape()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, conflictWait)
	defer cancel()
	kve, err := s.kv.Get(ctx, name)
	switch {
	case err == nil && kve.Revision() > rev:
		if e := s.entryOf(kve); e != nil {
			s.applyOwn(e)
		}
		return nil
	case err != nil && !errors.Is(err, jetstream.ErrKeyNotFound):
		return fmt.Errorf("state: read %s again: %w", key, err)
	case attempt > maxAttempts:
		return fmt.Errorf("%w: %s", ErrConflict, key)
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-s.closed:
		return ErrClosed
	case <-time.After(min(time.Millisecond<<min(attempt, 10), 100*time.Millisecond)):
	}
	return nil
}

// maxAttempts are about ten seconds of attempts on a document that does not seem to change.
const maxAttempts = 100

// List yields the documents whose keys begin with the segments of prefix, in key order.
// A document that is changed meanwhile is seen as it was or as it is.
func (s *Store) List(prefix Key) iter.Seq[Document] {
	return func(yield func(Document) bool) {
		for e := range s.entries(prefix) {
			if !yield(e.doc) {
				return
			}
		}
	}
}

func (s *Store) entries(prefix Key) iter.Seq[*entry] {
	return func(yield func(*entry) bool) {
		begin := prefix.sortKey()
		from, skip := begin, false
		chunk := make([]*entry, 0, listChunk)
		for {
			chunk = chunk[:0]
			s.mu.RLock()
			i, found := s.find(from)
			if found && skip {
				i++
			}
			for ; i < len(s.order) && len(chunk) < listChunk; i++ {
				if e := s.order[i]; len(e.sort) < len(begin) || e.sort[:len(begin)] != begin {
					break
				} else {
					chunk = append(chunk, e)
				}
			}
			s.mu.RUnlock()
			for _, e := range chunk {
				if !yield(e) {
					return
				}
			}
			if len(chunk) < listChunk {
				return
			}
			from, skip = chunk[len(chunk)-1].sort, true
		}
	}
}

// Len is the number of documents.
func (s *Store) Len() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.order)
}

// Close stops following the bucket and ends every watch. The documents stay readable.
func (s *Store) Close() error {
	s.once.Do(func() {
		s.mu.Lock()
		close(s.closed)
		s.mu.Unlock()
		s.feed.Stop()
		s.done.Wait()
	})
	return nil
}
