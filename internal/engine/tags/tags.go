// Package tags keeps the tags of resources: by the key of a resource, names with values.
package tags

import (
	"context"
	"errors"
	"maps"

	"github.com/brookmere/brookmere/internal/engine/state"
)

// Max is how many tags a resource may have.
const Max = 50

// ErrTooMany is returned for a change that would leave a resource with more than Max.
var ErrTooMany = errors.New("tags: too many tags for one resource")

type doc struct {
	Tags map[string]string `json:"tags"`
}

// Store holds the tags of one kind of resources.
type Store struct{ docs *state.Collection[doc] }

// New returns a store of the documents of that kind.
func New(st *state.Store, kind string) *Store {
	return &Store{state.NewCollection[doc](st, kind)}
}

// Add gives a resource tags, in place of those that have the same names.
func (s *Store) Add(ctx context.Context, tags map[string]string, key ...string) error {
	if len(tags) == 0 {
		return nil
	}
	add := func(d *doc) error {
		if d.Tags == nil {
			d.Tags = make(map[string]string, len(tags))
		}
		maps.Copy(d.Tags, tags)
		if len(d.Tags) > Max {
			return ErrTooMany
		}
		return nil
	}
	for {
		_, err := s.docs.Modify(ctx, add, key...)
		if !errors.Is(err, state.ErrNotFound) {
			return err
		}
		d := new(doc)
		if err := add(d); err != nil {
			return err
		}
		if err := s.docs.Create(ctx, d, key...); !errors.Is(err, state.ErrExists) {
			return err
		}
	}
}

// Remove takes tags away by name; names that a resource does not have are passed over.
func (s *Store) Remove(ctx context.Context, names []string, key ...string) error {
	_, err := s.docs.Modify(ctx, func(d *doc) error {
		for _, n := range names {
			delete(d.Tags, n)
		}
		return nil
	}, key...)
	if errors.Is(err, state.ErrNotFound) {
		return nil
	}
	return err
}

// Of returns a copy of the tags of a resource, never nil.
func (s *Store) Of(key ...string) map[string]string {
	d, err := s.docs.Get(key...)
	if err != nil || d.Tags == nil {
		return map[string]string{}
	}
	return maps.Clone(d.Tags)
}

// Delete forgets a resource.
func (s *Store) Delete(ctx context.Context, key ...string) error {
	if _, err := s.docs.Get(key...); errors.Is(err, state.ErrNotFound) {
		return nil
	}
	err := s.docs.Delete(ctx, key...)
	if errors.Is(err, state.ErrNotFound) {
		return nil
	}
	return err
}
