package tags

import (
	"errors"
	"fmt"
	"maps"
	"testing"

	"github.com/brookmere/brookmere/internal/engine/broker"
	"github.com/brookmere/brookmere/internal/engine/state"
)

func TestStore(t *testing.T) {
	b, err := broker.Start(broker.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	st, err := state.Open(t.Context(), b, state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	s, ctx := New(st, "test.tags"), t.Context()
	want := func(tags map[string]string, key ...string) {
		t.Helper()
		if got := s.Of(key...); !maps.Equal(got, tags) {
			t.Errorf("tags of %v: %v, want %v", key, got, tags)
		}
	}
	want(map[string]string{}, "a", "x")
	if err := errors.Join(
		s.Remove(ctx, []string{"k"}, "a", "x"),
		s.Delete(ctx, "a", "x"),
		s.Add(ctx, map[string]string{"k": "1", "l": "2"}, "a", "x"),
		s.Add(ctx, map[string]string{"k": "3"}, "a", "x"),
		s.Add(ctx, nil, "a", "y"),
		s.Remove(ctx, []string{"l", "no"}, "a", "x"),
	); err != nil {
		t.Fatal(err)
	}
	want(map[string]string{"k": "3"}, "a", "x")
	want(map[string]string{}, "a", "y")
	s.Of("a", "x")["k"] = "changed"
	want(map[string]string{"k": "3"}, "a", "x")
	many := make(map[string]string)
	for i := range Max {
		many[fmt.Sprint(i)] = ""
	}
	if err := s.Add(ctx, many, "a", "x"); !errors.Is(err, ErrTooMany) {
		t.Errorf("a tag too many: %v", err)
	}
	want(map[string]string{"k": "3"}, "a", "x")
	if err := s.Delete(ctx, "a", "x"); err != nil {
		t.Fatal(err)
	}
	want(map[string]string{}, "a", "x")
}
