package state

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
)

// The forms of one kind, as versions of a program would have them.
type (
	shopV1 struct {
		Name string `json:"name"`
		Open string `json:"open"` // "yes" or "no"
	}
	shopV2 struct {
		Name string `json:"name"`
		Open bool   `json:"open"`
	}
	shopV3 struct {
		Names []string `json:"names"`
		Open  bool     `json:"open"`
	}
)

func upgradeShop(form int, value []byte) ([]byte, error) {
	if form == 1 {
		var old shopV1
		if err := json.Unmarshal(value, &old); err != nil {
			return nil, err
		}
		value, _ = json.Marshal(shopV2{old.Name, old.Open == "yes"})
	}
	var old shopV2
	if err := json.Unmarshal(value, &old); err != nil {
		return nil, err
	}
	return json.Marshal(shopV3{[]string{old.Name}, old.Open})
}

func v2(s *Store) *Collection[shopV2] { return NewCollection[shopV2](s, "shop").Form(2, nil) }

func v3(s *Store) *Collection[shopV3] { return NewCollection[shopV3](s, "shop").Form(3, upgradeShop) }

func TestFormsOfBefore(t *testing.T) {
	ctx := t.Context()
	_, s := start(t, t.TempDir())
	// As versions without forms wrote it, as the one with the first form, and as later ones.
	if _, err := s.Put(ctx, Key{"shop", "eu", "a"}, []byte(`{"name":"a","open":"yes"}`)); err != nil {
		t.Fatal(err)
	}
	if err := NewCollection[shopV1](s, "shop").Create(ctx, &shopV1{"b", "no"}, "eu", "b"); err != nil {
		t.Fatal(err)
	}
	if err := v2(s).Create(ctx, &shopV2{"c", true}, "eu", "c"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Put(ctx, Key{"shop", "eu", "d"}, []byte(`{"name":"d","open":true, "_form" : 2}`)); err != nil {
		t.Fatal(err)
	}
	c := v3(s).In("eu")
	if err := s.Check(); err != nil {
		t.Fatal(err)
	}
	var got []string
	for it, err := range c.List() {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, it.Key[0]+"="+it.Value.Names[0])
		if want := it.Key[0] != "b"; it.Value.Open != want {
			t.Errorf("%s is open: %v, want %v", it.Key[0], it.Value.Open, want)
		}
	}
	if want := []string{"a=a", "b=b", "c=c", "d=d"}; !slices.Equal(got, want) {
		t.Errorf("listed %q, want %q", got, want)
	}
	if _, err := c.Modify(ctx, func(v *shopV3) error { v.Names = append(v.Names, "x"); return nil }, "a"); err != nil {
		t.Fatal(err)
	}
	d, err := s.Get(Key{"shop", "eu", "a"})
	if want := `{"_form":3,"names":["a","x"],"open":true}`; err != nil || string(d.Value) != want {
		t.Errorf("stored %s, %v, want %s", d.Value, err, want)
	}
}

// After a downgrade the program meets documents that it does not know. It says so and
// leaves them alone.
func TestFormOfLater(t *testing.T) {
	ctx := t.Context()
	dir := t.TempDir()
	b, s := start(t, dir)
	if err := v3(s).Create(ctx, &shopV3{[]string{"new"}, true}, "eu", "new"); err != nil {
		t.Fatal(err)
	}
	if err := v2(s).Create(ctx, &shopV2{"old", true}, "eu", "old"); err != nil {
		t.Fatal(err)
	}
	before, _ := s.Get(Key{"shop", "eu", "new"})
	s2, err := Open(ctx, b, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s2.Close()
	c := v2(s2)
	if err := s2.Check(); !errors.Is(err, ErrNewerForm) || !strings.Contains(err.Error(), "shop/eu/new") {
		t.Errorf("Check: %v", err)
	}
	if _, err := c.Get("eu", "new"); !errors.Is(err, ErrNewerForm) {
		t.Errorf("Get: %v", err)
	}
	if _, err := c.Modify(ctx, func(*shopV2) error { t.Error("called"); return nil }, "eu", "new"); !errors.Is(err, ErrNewerForm) {
		t.Errorf("Modify: %v", err)
	}
	if _, err := c.All("eu"); !errors.Is(err, ErrNewerForm) {
		t.Errorf("All: %v", err)
	}
	// Whoever goes on sees the others, and each key.
	var keys, readable []string
	for it, err := range c.List("eu") {
		keys = append(keys, it.Key[1])
		if err == nil {
			readable = append(readable, it.Value.Name)
		}
	}
	if !slices.Equal(keys, []string{"new", "old"}) || !slices.Equal(readable, []string{"old"}) {
		t.Errorf("listed %q, of which %q can be read", keys, readable)
	}
	if after, _ := s.Get(Key{"shop", "eu", "new"}); string(after.Value) != string(before.Value) {
		t.Errorf("changed to %s", after.Value)
	}
}

func TestUndecodable(t *testing.T) {
	ctx := t.Context()
	_, s := start(t, t.TempDir())
	c := v2(s)
	for _, bad := range []string{``, `{`, `[]`, `{"_form":0}`, `{"_form":"2","name":"x"}`, `{"_form":2,"name":7}`, `{"_form":99999999999999999999}`} {
		if _, err := s.Put(ctx, Key{"shop", "x"}, []byte(bad)); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Get("x"); !errors.Is(err, ErrUndecodable) {
			t.Errorf("Get of %q: %v", bad, err)
		}
		if err := s.Check(); !errors.Is(err, ErrUndecodable) {
			t.Errorf("Check with %q: %v", bad, err)
		}
	}
	var keys []string
	for k := range c.Keys() {
		keys = append(keys, k[0])
	}
	if !slices.Equal(keys, []string{"x"}) {
		t.Errorf("keys %q", keys)
	}
	if err := c.DeleteAll(ctx); err != nil {
		t.Fatal(err)
	}
	if err := s.Check(); err != nil || s.Len() != 0 {
		t.Errorf("%d documents left, %v", s.Len(), err)
	}
}

var errNoShop = errors.New("there is no such shop")

func TestScopedCollection(t *testing.T) {
	ctx := t.Context()
	_, s := start(t, t.TempDir())
	c := v2(s).NotFound(func(key []string) error {
		return errors.Join(errNoShop, errors.New(strings.Join(key, "/")))
	}).Exists(func([]string) error { return errNoShop })
	eu, us := c.In("1", "eu"), c.In("1", "us")
	if err := eu.Create(ctx, &shopV2{Name: "a"}, "a"); err != nil {
		t.Fatal(err)
	}
	if err := us.Create(ctx, &shopV2{Name: "b"}, "b"); err != nil {
		t.Fatal(err)
	}
	if all, err := eu.All(); err != nil || len(all) != 1 || all[0].Name != "a" {
		t.Errorf("eu has %v, %v", all, err)
	}
	if _, err := us.Get("a"); !errors.Is(err, errNoShop) || !strings.Contains(err.Error(), "1/us/a") {
		t.Errorf("Get: %v", err)
	}
	if err := us.Delete(ctx, "a"); !errors.Is(err, errNoShop) {
		t.Errorf("Delete: %v", err)
	}
	if _, err := us.Modify(ctx, func(*shopV2) error { return nil }, "a"); !errors.Is(err, errNoShop) {
		t.Errorf("Modify: %v", err)
	}
	if err := us.Create(ctx, &shopV2{}, "b"); !errors.Is(err, errNoShop) {
		t.Errorf("Create: %v", err)
	}
	if err := us.DeleteAll(ctx); err != nil {
		t.Fatal(err)
	}
	if all, _ := c.All(); len(all) != 1 {
		t.Errorf("%d left", len(all))
	}
}

func FuzzFormOf(f *testing.F) {
	for _, s := range []string{`{"_form":1}`, `{"_form":1,"a":2}`, `{"a":{"_form":3}}`, `{"_form":null}`, `{"_form":1e9}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if n, err := formOf([]byte(s)); err == nil && n < 1 {
			t.Errorf("form %d of %q", n, s)
		}
	})
}
