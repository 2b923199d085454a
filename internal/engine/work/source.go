package work

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/state"
)

// Key names a document: its segments after the kind.
type Key []string

func (k Key) String() string { return strings.Join(k, "/") }

// id is different for different keys.
func (k Key) id() string {
	var b strings.Builder
	for _, s := range k {
		b.WriteString(strconv.Itoa(len(s)))
		b.WriteByte(':')
		b.WriteString(s)
	}
	return b.String()
}

// Source has the documents that a Runner runs. Its methods may be called concurrently and
// must not block for long: Get is called with the Runner's lock held.
type Source[T any] interface {
	// Keys yields the keys of all documents, also of those that cannot be decoded.
	Keys() iter.Seq[Key]

	// Get returns a document as it is now; ErrGone when there is none. Any other error
	// means that there is one which cannot be used. The document is shared: nobody changes it.
	Get(key Key) (*T, error)

	// Watch calls changed after every change of a document that is made after Watch was
	// called, until ctx ends. Changes of one document may be told together.
	Watch(ctx context.Context, changed func(Key)) error
}

// Documents is the Source of the documents of one kind in a state store.
func Documents[T any](s *state.Store, kind string) Source[T] {
	return &documents[T]{store: s, kind: kind, docs: state.NewCollection[T](s, kind)}
}

type documents[T any] struct {
	store *state.Store
	kind  string
	docs  *state.Collection[T]
}

func (d *documents[T]) Keys() iter.Seq[Key] {
	return func(yield func(Key) bool) {
		for doc := range d.store.List(state.Key{d.kind}) {
			if !yield(Key(doc.Key[1:])) {
				return
			}
		}
	}
}

func (d *documents[T]) Get(key Key) (*T, error) {
	v, err := d.docs.Get(key...)
	if errors.Is(err, state.ErrNotFound) {
		return nil, fmt.Errorf("%w: %w", ErrGone, err)
	}
	return v, err
}

func (d *documents[T]) Watch(ctx context.Context, changed func(Key)) error {
	return d.store.Watch(ctx, state.Key{d.kind}, func(e state.Event) { changed(Key(e.Key[1:])) })
}
