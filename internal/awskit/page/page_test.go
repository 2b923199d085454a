package page

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func self(s string) string { return s }

func TestPagesOfAListThatChanges(t *testing.T) {
	items := []string{"a", "b", "c", "d", "e"}
	two := int32(2)
	first, next, err := Of(items, self, Request{Max: &two, Limit: 100})
	if err != nil || !slices.Equal(first, []string{"a", "b"}) || next == nil {
		t.Fatalf("first page: %v, %v, %v", first, next, err)
	}
	// The last item of the page goes, and one comes before it and one behind.
	items = []string{"a", "aa", "bb", "c", "d", "e"}
	second, next, err := Of(items, self, Request{Token: next, Max: &two, Limit: 100})
	if err != nil || !slices.Equal(second, []string{"bb", "c"}) {
		t.Fatalf("second page: %v, %v", second, err)
	}
	third, next, err := Of(items, self, Request{Token: next, Limit: 100})
	if err != nil || !slices.Equal(third, []string{"d", "e"}) || next != nil {
		t.Fatalf("third page: %v, %v, %v", third, next, err)
	}
}

func TestLimit(t *testing.T) {
	for _, max := range []*int32{nil, ptr(0), ptr(-1), ptr(1000)} {
		got, next, err := Of([]string{"a", "b", "c"}, self, Request{Max: max, Limit: 2})
		if err != nil || len(got) != 2 || next == nil {
			t.Errorf("Max %v: %v, %v, %v", max, got, next, err)
		}
	}
}

func ptr(n int32) *int32 { return &n }

func TestTokens(t *testing.T) {
	empty := ""
	if got, _, err := Of([]string{"a"}, self, Request{Token: &empty, Limit: 1}); err != nil || len(got) != 1 {
		t.Errorf("an empty token is the first page; got %v, %v", got, err)
	}
	for _, token := range []string{"!", "../../x", "\x00", "YQ==", strings.Repeat("A", 100_000)} {
		if _, _, err := Of([]string{"a"}, self, Request{Token: &token, Limit: 1}); !errors.Is(err, ErrToken) {
			t.Errorf("token %.20q: %v, want ErrToken", token, err)
		}
	}
}
