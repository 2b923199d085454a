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
		for _, m := range all {
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
