package javaregexp

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"unicode/utf8"

	"github.com/dlclark/regexp2"

	"github.com/brookmere/brookmere/internal/engine/lakesql/duck"
)

// Searcher looks for places of a text that a pattern matches. It is safe for use by many
// goroutines.
type Searcher struct {
	linear *regexp.Regexp
	behind *regexp.Regexp // linear's pattern as its first group, behind a character that it may look back at
	back   *regexp2.Regexp
	empty  bool // a match of linear may be empty
	groups int
	names  []string // of the groups, by number; empty: it has none
}

// CompileSearch compiles a pattern that is to match parts of a text.
func CompileSearch(pattern string) (*Searcher, error) {
	if len(pattern) > maxLength {
		return nil, fmt.Errorf("the pattern is longer than %d bytes", maxLength)
	}
	if out, missing := duck.Pattern(pattern); missing == "" {
		if re, err := regexp.Compile(out); err == nil {
			parsed, err := syntax.Parse(out, syntax.Perl)
			if err != nil {
				return nil, fmt.Errorf("not a regular expression: %s", pattern)
			}
			behind, err := regexp.Compile(`\A(?s:..*?)(` + parsed.String() + `)`) // \Q may be open in the pattern
			if err != nil {
				return nil, fmt.Errorf("not a regular expression: %s", pattern)
			}
			return &Searcher{linear: re, behind: behind, empty: MayBeEmpty(parsed), groups: re.NumSubexp(), names: re.SubexpNames()}, nil
		}
	}
	out, groups, named, err := translate(pattern)
	if err != nil {
		return nil, err
	}
	re, err := regexp2.Compile(out, regexp2.None)
	if err != nil {
		return nil, fmt.Errorf("not a regular expression: %s", pattern)
	}
	re.MatchTimeout = Timeout
	names := make([]string, groups+1)
	for name, i := range named {
		names[i] = name
	}
	return &Searcher{back: re, groups: groups, names: names}, nil
}

// Groups is the number of groups.
func (s *Searcher) Groups() int { return s.groups }

// Names are the names of the groups by their numbers, from 1 on; empty for those that have none.
func (s *Searcher) Names() []string { return s.names }

// Find returns the first n matches that do not overlap, from left to right, all of them for a
// negative n. Each has the offsets in bytes of its start and end, then those of its groups, -1
// for groups that take no part. The error is ErrTimeout.
func (s *Searcher) Find(text string, n int) ([][]int, error) {
	if s.linear != nil {
		if n == 1 {
			if m := s.linear.FindStringSubmatchIndex(text); m != nil {
				return [][]int{m}, nil
			}
			return nil, nil
		}
		if !s.empty {
			return s.linear.FindAllStringSubmatchIndex(text, n), nil
		}
		var all [][]int
		for from := 0; from <= len(text) && len(all) != n; { // Go passes over an empty match at the end of another
			m := s.next(text, from)
			if m == nil {
				break
			}
			all, from = append(all, m), after(text, m)
		}
		return all, nil
	}
	m, err := s.back.FindStringMatch(text)
	var at []int // the offset of each character, and of the end
	var all [][]int
	for ; m != nil && err == nil && len(all) != n; m, err = s.back.FindNextMatch(m) {
		if at == nil {
			at = offsets(text)
		}
		found := append(make([]int, 0, 2*s.groups+2), at[m.Index], at[m.Index+m.Length])
		for i := range s.groups {
			if g := m.GroupByNumber(i + 1); g != nil && len(g.Captures) > 0 {
				found = append(found, at[g.Index], at[g.Index+g.Length])
			} else {
				found = append(found, -1, -1)
			}
		}
		all = append(all, found)
	}
	if err != nil {
		return nil, ErrTimeout
	}
	return all, nil
}

// Position is the character, from 1 on, that the n-th match of those from a character of the text on begins with; -1: there
// are fewer. What is before that character is seen by lookbehind, ^ and \b. The error is ErrTimeout.
func (s *Searcher) Position(text string, start, n int64) (int64, error) {
	at, chars := 0, int64(1)
	for ; chars < start && at < len(text); chars++ {
		_, size := utf8.DecodeRuneInString(text[at:])
		at += size
	}
	if at == len(text) {
		return -1, nil
	}
	if s.linear != nil {
		for from := at; from <= len(text); n-- {
			m := s.next(text, from)
			if m == nil {
				break
			}
			if n == 1 {
				return chars + int64(utf8.RuneCountInString(text[at:m[0]])), nil
			}
			from = after(text, m)
		}
		return -1, nil
	}
	m, err := s.back.FindStringMatchStartingAt(text, at)
	for ; m != nil && err == nil && n > 1; n-- {
		m, err = s.back.FindNextMatch(m)
	}
	switch {
	case err != nil:
		return 0, ErrTimeout
	case m == nil:
		return -1, nil
	}
	return int64(m.Index) + 1, nil
}

// next is the first match of a linear pattern that begins at an offset or later, with its groups; nil: there is none.
func (s *Searcher) next(text string, from int) []int {
	if from == 0 {
		return s.linear.FindStringSubmatchIndex(text)
	}
	_, size := utf8.DecodeLastRuneInString(text[:from])
	m := s.behind.FindStringSubmatchIndex(text[from-size:])
	if m == nil {
		return nil
	}
	m = m[2:]
	for i := range m {
		if m[i] >= 0 {
			m[i] += from - size
		}
	}
	return m
}

// after is where the search goes on behind a match.
func after(text string, m []int) int {
	if m[0] < m[1] {
		return m[1]
	}
	_, size := utf8.DecodeRuneInString(text[m[1]:])
	return m[1] + max(size, 1)
}

// MayBeEmpty reports whether a match of a pattern, or of a part of it, may be empty.
func MayBeEmpty(re *syntax.Regexp) bool {
	switch re.Op {
	case syntax.OpNoMatch, syntax.OpLiteral, syntax.OpCharClass, syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return false
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			if !MayBeEmpty(sub) {
				return false
			}
		}
		return true
	case syntax.OpAlternate:
		return slices.ContainsFunc(re.Sub, MayBeEmpty)
	case syntax.OpCapture, syntax.OpPlus:
		return MayBeEmpty(re.Sub[0])
	case syntax.OpRepeat:
		return re.Min == 0 || MayBeEmpty(re.Sub[0])
	}
	return true
}

func offsets(text string) []int {
	at := make([]int, 0, utf8.RuneCountInString(text)+1)
	for i := range text {
		at = append(at, i)
	}
	return append(at, len(text))
}
