package state

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"strconv"
)

// Collection is a typed view of the documents of one kind, as JSON objects. Values that it
// returns are decoded once a revision and shared: callers do not change them.
//
// Each document carries the version of its form, as the member "_form"; one without it has
// the form 1. A collection reads documents of its own form and, with an upgrade (Form), of
// earlier ones. It writes its own form. A document of a later form, which a newer version
// of the program wrote, is ErrNewerForm.
type Collection[T any] struct {
	s      *Store
	kind   *kind
	prefix Key // the kind, then the scope

	missing func(key []string) error
	exists  func(key []string) error
}

// kind is what a store knows about the documents of one kind.
type kind struct {
	name    string
	form    int
	upgrade func(form int, value []byte) ([]byte, error)
	decode  func(*kind, *entry) error
}

// Item is a document of a listing. Its value is nil beside an error.
type Item[T any] struct {
	Key   []string // the segments after the kind and the scope; must not be changed
	Value *T       // shared: must not be changed
}

// NewCollection is the view of the documents whose first segment is name. T is a struct.
func NewCollection[T any](s *Store, name string) *Collection[T] {
	if t := reflect.TypeFor[T](); t.Kind() != reflect.Struct {
		panic("state: a document is a struct, not " + t.String())
	}
	k := &kind{name: name, form: 1, decode: func(k *kind, e *entry) error {
		_, err := decoded[T](k, e)
		return err
	}}
	s.mu.Lock()
	s.kinds[name] = k
	s.mu.Unlock()
	return &Collection[T]{s: s, kind: k, prefix: Key{name}}
}

// Form sets the form that the collection writes, at least 2, and how a document of an
// earlier form becomes one: upgrade is given the form and the value as it is stored, and
// returns a value of the present form. It is called before any document is read or
// written, and returns the collection.
func (c *Collection[T]) Form(form int, upgrade func(form int, value []byte) ([]byte, error)) *Collection[T] {
	c.kind.form, c.kind.upgrade = form, upgrade
	return c
}

// NotFound sets the error for a document that is not there, in place of ErrNotFound, and
// returns the collection. The maker is given the segments after the kind, scope included.
func (c *Collection[T]) NotFound(missing func(key []string) error) *Collection[T] {
	c.missing = missing
	return c
}

// Exists sets the error for creating a document that is there, in place of ErrExists, as
// NotFound does.
func (c *Collection[T]) Exists(exists func(key []string) error) *Collection[T] {
	c.exists = exists
	return c
}

// In is the view of the documents of a scope: by custom an account and a region.
func (c *Collection[T]) In(scope ...string) *Collection[T] {
	in := *c
	in.prefix = slices.Concat(c.prefix, scope)
	return &in
}

func (c *Collection[T]) key(rest []string) Key { return slices.Concat(c.prefix, rest) }

// named gives an error the words of the service, if it has any.
func (c *Collection[T]) named(k Key, err error) error {
	switch {
	case c.missing != nil && errors.Is(err, ErrNotFound):
		return c.missing(k[1:])
	case c.exists != nil && errors.Is(err, ErrExists):
		return c.exists(k[1:])
	}
	return err
}

const formMember = `{"_form":`

// formOf is the form of a stored document.
func formOf(value []byte) (int, error) {
	if rest, ok := bytes.CutPrefix(value, []byte(formMember)); ok {
		if n := bytes.IndexAny(rest, ",}"); n > 0 {
			if form, err := strconv.Atoi(string(rest[:n])); err == nil && form > 0 {
				return form, nil
			}
		}
	} else if !bytes.Contains(value, []byte(`"_form"`)) {
		return 1, nil
	}
	var v struct {
		Form *int `json:"_form"`
	}
	switch err := json.Unmarshal(value, &v); {
	case err != nil:
		return 0, err
	case v.Form == nil:
		return 1, nil
	case *v.Form < 1:
		return 0, fmt.Errorf("form %d", *v.Form)
	}
	return *v.Form, nil
}

// unmarshal decodes a stored document.
func (k *kind) unmarshal(key Key, value []byte, v any) error {
	form, err := formOf(value)
	if err == nil && form > k.form {
		return fmt.Errorf("%w: %s has the form %d, this program knows up to %d", ErrNewerForm, key, form, k.form)
	}
	if err == nil && form < k.form {
		if k.upgrade != nil {
			value, err = k.upgrade(form, value)
		} else {
			err = fmt.Errorf("form %d is not read any more", form)
		}
	}
	if err == nil {
		err = json.Unmarshal(value, v)
	}
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrUndecodable, key, err)
	}
	return nil
}

// marshal encodes a document with its form as the first member.
func (k *kind) marshal(key Key, v any) ([]byte, error) {
	value, err := json.Marshal(v)
	if err == nil && (len(value) < 2 || value[0] != '{') {
		err = errors.New("not an object")
	}
	if err != nil {
		return nil, fmt.Errorf("state: encode %s: %w", key, err)
	}
	out := make([]byte, 0, len(value)+len(formMember)+4)
	out = strconv.AppendInt(append(out, formMember...), int64(k.form), 10)
	if len(value) > 2 {
		out = append(out, ',')
	}
	return append(out, value[1:]...), nil
}

// decoded is the shared value of a document.
func decoded[T any](k *kind, e *entry) (*T, error) {
	t := reflect.TypeFor[T]()
	if v, ok := e.decoded.Load(t); ok {
		return v.(*T), nil
	}
	v := new(T)
	if err := k.unmarshal(e.doc.Key, e.doc.Value, v); err != nil {
		return nil, err
	}
	shared, _ := e.decoded.LoadOrStore(t, v)
	return shared.(*T), nil
}

// Get returns the document; ErrNotFound, ErrUndecodable, ErrNewerForm.
func (c *Collection[T]) Get(key ...string) (*T, error) {
	e := c.s.lookup(c.prefix, key)
	if e == nil {
		k := c.key(key)
		return nil, c.named(k, fmt.Errorf("%w: %s", ErrNotFound, k))
	}
	return decoded[T](c.kind, e)
}

// Create stores a new document; ErrExists.
func (c *Collection[T]) Create(ctx context.Context, v *T, key ...string) error {
	k := c.key(key)
	value, err := c.kind.marshal(k, v)
	if err != nil {
		return err
	}
	_, err = c.s.Create(ctx, k, value)
	return c.named(k, err)
}

// Modify reads the document, calls f on a copy of its own, and stores the result by
// compare-and-swap, again from the start when another writer came between. An error of
// f ends it unchanged. It returns what was stored.
func (c *Collection[T]) Modify(ctx context.Context, f func(*T) error, key ...string) (*T, error) {
	k := c.key(key)
	for attempt := 0; ; attempt++ {
		doc, err := c.s.Get(k)
		if err != nil {
			return nil, c.named(k, err)
		}
		v := new(T)
		if err := c.kind.unmarshal(k, doc.Value, v); err != nil {
			return nil, err
		}
		if err := f(v); err != nil {
			return nil, err
		}
		value, err := c.kind.marshal(k, v)
		if err != nil {
			return nil, err
		}
		_, err = c.s.Update(ctx, k, value, doc.Revision)
		if err == nil {
			return v, nil
		}
		if !errors.Is(err, ErrConflict) {
			return nil, c.named(k, err)
		}
		if err := c.s.passed(ctx, k, doc.Revision, attempt); err != nil {
			return nil, err
		}
	}
}

// Put stores v whatever was there.
func (c *Collection[T]) Put(ctx context.Context, v *T, key ...string) error {
	k := c.key(key)
	value, err := c.kind.marshal(k, v)
	if err != nil {
		return err
	}
	_, err = c.s.Put(ctx, k, value)
	return err
}

// Delete removes the document; ErrNotFound.
func (c *Collection[T]) Delete(ctx context.Context, key ...string) error {
	k := c.key(key)
	return c.named(k, c.s.Delete(ctx, k, 0))
}

// DeleteAll removes the documents below prefix, whether or not they can be decoded. One
// that another has removed meanwhile is passed over.
func (c *Collection[T]) DeleteAll(ctx context.Context, prefix ...string) error {
	for e := range c.s.entries(c.key(prefix)) {
		if err := c.s.Delete(ctx, e.doc.Key, 0); err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
	}
	return nil
}

// List yields the documents below prefix in key order. One that cannot be decoded comes as
// its key and an error (ErrUndecodable, ErrNewerForm); whoever goes on sees those after it.
// What a listing with an error does not show is there all the same: nothing may be removed
// for it.
func (c *Collection[T]) List(prefix ...string) iter.Seq2[Item[T], error] {
	return func(yield func(Item[T], error) bool) {
		for e := range c.s.entries(c.key(prefix)) {
			v, err := decoded[T](c.kind, e)
			if !yield(Item[T]{e.doc.Key[len(c.prefix):], v}, err) {
				return
			}
		}
	}
}

// All returns the documents below prefix in key order, or the error of the first that
// cannot be decoded.
func (c *Collection[T]) All(prefix ...string) ([]*T, error) {
	var all []*T
	for it, err := range c.List(prefix...) {
		if err != nil {
			return nil, err
		}
		all = append(all, it.Value)
	}
	return all, nil
}

// Keys yields the keys below prefix in order, of documents that cannot be decoded too. The
// segments are those after the kind and the scope.
func (c *Collection[T]) Keys(prefix ...string) iter.Seq[[]string] {
	return func(yield func([]string) bool) {
		for e := range c.s.entries(c.key(prefix)) {
			if !yield(e.doc.Key[len(c.prefix):]) {
				return
			}
		}
	}
}
