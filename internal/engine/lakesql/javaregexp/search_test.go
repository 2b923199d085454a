package javaregexp

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

func TestFind(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		n             int
		want          [][]int
	}{
		{`b`, "abcb", -1, [][]int{{1, 2}, {3, 4}}},
		{`b`, "abcb", 1, [][]int{{1, 2}}},
		{`b`, "xyz", 1, nil},
		{`(?<=a)b(c)?`, "éabéabc", -1, [][]int{{3, 4, -1, -1}, {7, 9, 8, 9}}},
		{`foo(?=baz)`, "foobar foobaz", -1, [][]int{{7, 10}}},
		{`(a.)\1`, "abab", 1, [][]int{{0, 4, 0, 2}}},
		{`x*+`, "ax", -1, [][]int{{0, 0}, {1, 2}, {2, 2}}},
		{`\p{Lower}+`, "ABcd", -1, [][]int{{2, 4}}},
	} {
		s, err := CompileSearch(c.pattern)
		if err != nil {
			t.Errorf("%s: %v", c.pattern, err)
			continue
		}
		if got, err := s.Find(c.text, c.n); err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s in %q: %v, %v, want %v", c.pattern, c.text, got, err, c.want)
		}
	}
	for _, pattern := range []string{`(`, `(?<=`, strings.Repeat("a", maxLength+1)} {
		if _, err := CompileSearch(pattern); err == nil {
			t.Errorf("%.20s: no error", pattern)
		}
	}
	s, err := CompileSearch(`(?=x)(a+)+$`)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Find(strings.Repeat("xa", 10), -1); err != nil && !errors.Is(err, ErrTimeout) {
		t.Error(err)
	}
}

// FuzzFind: whatever the pattern and the text, what is found lies in the text.
func FuzzFind(f *testing.F) {
	f.Add(`(?<=a)b(c)?`, "éabéabc\xff")
	f.Add(`(?>a*)b`, "aab")
	f.Add(`x*|^a`, "aaxé\xffa")
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if len(pattern) > 50 || len(text) > 50 {
			return
		}
		s, err := CompileSearch(pattern)
		if err != nil {
			return
		}
		all, err := s.Find(text, 10)
		if err != nil {
			return
		}
		end := 0
		for _, m := range all {
			if m[0] < end || m[1] < m[0] {
				t.Fatalf("%q in %q: %v is before %d", pattern, text, m, end)
			}
			end = m[1]
			if len(m) != 2*s.Groups()+2 {
				t.Fatalf("%q in %q: %v, %d groups", pattern, text, m, s.Groups())
			}
			for i := 0; i < len(m); i += 2 {
				if m[i] >= 0 {
					_ = text[m[i]:m[i+1]]
				}
			}
		}
	})
}

// TestPositionBehind: a search from within a text knows what is before it.
func TestPositionBehind(t *testing.T) {
	for _, c := range []struct {
		pattern, text    string
		start, n, wanted int64
	}{
		{"^a", "aaa", 1, 1, 1}, {"^a", "aaa", 1, 2, -1}, {"^a", "aaa", 2, 1, -1}, {"(?m)^a", "aa\naa", 2, 1, 4},
		{`\ba`, "aaa ab", 2, 1, 5}, {`\Ba`, "aaa", 2, 2, 3}, {"aa", "aaaa", 2, 1, 2}, {"aa", "aaaaa", 2, 2, 4},
		{"é?a", "éaéa", 2, 2, 3}, {"x*", "ab", 1, 2, 2}, {"x*", "ab", 1, 3, 3}, {"x*", "ab", 1, 4, -1}, {"a|ab", "xab", 2, 1, 2}, {"(?i)B|(c)", "abc", 2, 2, 3},
		{"a|b", "xb", 2, 1, 2}, {"b|xb", "axb", 2, 1, 2}, {"a", "\xff\xffa", 2, 1, 3}, {"a(?i)b", "aABab", 2, 1, 4}, {`\Qa`, "ba", 2, 1, 2},
	} {
		s, err := CompileSearch(c.pattern)
		if err != nil {
			t.Fatal(err)
		}
		if at, err := s.Position(c.text, c.start, c.n); err != nil || at != c.wanted {
			t.Errorf("%q in %q, from %d, number %d: %d, %v, want %d", c.pattern, c.text, c.start, c.n, at, err, c.wanted)
		}
	}
}
