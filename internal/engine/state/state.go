// Package state keeps documents in a JetStream KV bucket, changed by compare-and-swap.
//
// SKELETON: the face that services are written against. The owner replaces the bodies
// and may add to the face, not take away.
package state

import (
	"context"
	"errors"
	"iter"
)

var (
	ErrNotFound = errors.New("state: no such document")
	ErrExists   = errors.New("state: document exists")
	ErrConflict = errors.New("state: document changed meanwhile")
)

// Key names a document: segments of any UTF-8, escaped by the store. By custom the
// first is the kind ("kinesis.stream"), then account, region and name.
type Key []string

// Document is a stored value and the revision that a change of it must name.
type Document struct {
	Key      Key
	Value    []byte // must not be changed
	Revision uint64
}

// Store holds all documents, in memory as well as on disk: reads do no I/O and see
// every write that has returned.
type Store struct{ _ int }

func (s *Store) Get(key Key) (Document, error)                                     { panic("skeleton") }
func (s *Store) Create(ctx context.Context, key Key, value []byte) (uint64, error) { panic("skeleton") }
func (s *Store) Update(ctx context.Context, key Key, value []byte, rev uint64) (uint64, error) {
	panic("skeleton")
}
func (s *Store) Delete(ctx context.Context, key Key, rev uint64) error { panic("skeleton") } // rev 0: any

// List yields the documents whose keys begin with the segments of prefix, in key order.
func (s *Store) List(prefix Key) iter.Seq[Document] { panic("skeleton") }

// Event is a change that Watch reports; Value is nil when the document was deleted.
type Event struct{ Document }

// Watch calls f for every change under prefix after the call, in order, until ctx ends.
func (s *Store) Watch(ctx context.Context, prefix Key, f func(Event)) error { panic("skeleton") }

// Collection is a typed view of the documents of one kind, as JSON. Values that it
// returns are decoded once a revision and shared: callers do not change them.
type Collection[T any] struct{ _ *T }

func NewCollection[T any](s *Store, kind string) *Collection[T] { panic("skeleton") }

func (c *Collection[T]) Get(key ...string) (*T, error)                         { panic("skeleton") }
func (c *Collection[T]) Create(ctx context.Context, v *T, key ...string) error { panic("skeleton") }

// Modify reads the document, calls f on a copy of its own, and stores the result by
// compare-and-swap, again from the start when another writer came between. An error of
// f ends it unchanged. It returns what was stored.
func (c *Collection[T]) Modify(ctx context.Context, f func(*T) error, key ...string) (*T, error) {
	panic("skeleton")
}

// Put stores v whatever was there.
func (c *Collection[T]) Put(ctx context.Context, v *T, key ...string) error { panic("skeleton") }
func (c *Collection[T]) Delete(ctx context.Context, key ...string) error    { panic("skeleton") }

// List yields documents in key order; the key's segments are those after the kind.
func (c *Collection[T]) List(prefix ...string) iter.Seq2[[]string, *T] { panic("skeleton") }
