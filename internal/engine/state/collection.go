package state

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"reflect"
)

// Collection is a typed view of the documents of one kind, as JSON. Values that it
// returns are decoded once a revision and shared: callers do not change them.
type Collection[T any] struct {
	s    *Store
	kind string
}

// NewCollection is the view of the documents whose first segment is kind.
func NewCollection[T any](s *Store, kind string) *Collection[T] {
	return &Collection[T]{s: s, kind: kind}
}

func (c *Collection[T]) key(rest []string) Key {
	return append(append(make(Key, 0, 1+len(rest)), c.kind), rest...)
}

// decoded is the shared value of a document.
func (c *Collection[T]) decoded(e *entry) (*T, error) {
	t := reflect.TypeFor[T]()
	if v, ok := e.decoded.Load(t); ok {
		return v.(*T), nil
	}
	v := new(T)
	if err := json.Unmarshal(e.doc.Value, v); err != nil {
		return nil, fmt.Errorf("state: decode %s: %w", e.doc.Key, err)
	}
	shared, _ := e.decoded.LoadOrStore(t, v)
	return shared.(*T), nil
}

// Get returns the document; ErrNotFound.
func (c *Collection[T]) Get(key ...string) (*T, error) {
	k := c.key(key)
	e := c.s.lookup(k)
	if e == nil {
		return nil, fmt.Errorf("%w: %s", ErrNotFound, k)
	}
	return c.decoded(e)
}

// Create stores a new document; ErrExists.
func (c *Collection[T]) Create(ctx context.Context, v *T, key ...string) error {
	value, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("state: encode %s: %w", c.key(key), err)
	}
	_, err = c.s.Create(ctx, c.key(key), value)
	return err
}

// Modify reads the document, calls f on a copy of its own, and stores the result by
// compare-and-swap, again from the start when another writer came between. An error of
// f ends it unchanged. It returns what was stored.
func (c *Collection[T]) Modify(ctx context.Context, f func(*T) error, key ...string) (*T, error) {
	k := c.key(key)
	for {
		doc, err := c.s.Get(k)
		if err != nil {
			return nil, err
		}
		v := new(T)
		if err := json.Unmarshal(doc.Value, v); err != nil {
			return nil, fmt.Errorf("state: decode %s: %w", k, err)
		}
		if err := f(v); err != nil {
			return nil, err
		}
		value, err := json.Marshal(v)
		if err != nil {
			return nil, fmt.Errorf("state: encode %s: %w", k, err)
		}
		_, err = c.s.Update(ctx, k, value, doc.Revision)
		if err == nil {
			return v, nil
		}
		if !errors.Is(err, ErrConflict) {
			return nil, err
		}
		if err := c.s.passed(ctx, k, doc.Revision); err != nil {
			return nil, err
		}
	}
}

// Put stores v whatever was there.
func (c *Collection[T]) Put(ctx context.Context, v *T, key ...string) error {
	k := c.key(key)
	value, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("state: encode %s: %w", k, err)
	}
	_, err = c.s.Put(ctx, k, value)
	return err
}

// Delete removes the document; ErrNotFound.
func (c *Collection[T]) Delete(ctx context.Context, key ...string) error {
	return c.s.Delete(ctx, c.key(key), 0)
}

// List yields documents in key order; the key's segments are those after the kind. A
// document that is not a T is left out.
func (c *Collection[T]) List(prefix ...string) iter.Seq2[[]string, *T] {
	return func(yield func([]string, *T) bool) {
		for e := range c.s.entries(c.key(prefix)) {
			v, err := c.decoded(e)
			if err != nil {
				continue
			}
			if !yield(e.doc.Key[1:], v) {
				return
			}
		}
	}
}
