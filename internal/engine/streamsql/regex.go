package streamsql

import (
	"errors"
	"regexp"
	"strings"
	"sync"

	"github.com/brookmere/brookmere/internal/engine/lakesql/javaregexp"
)

// regexes are the compiled patterns of Java's language, similars those of SIMILAR TO. They are
// shared by all Apps; most patterns are constants.
var (
	regexes  = newPatternCache(javaregexp.CompileSearch)
	similars = newPatternCache(regexp.Compile)
)

const maxPatterns = 1000

type patternCache[T any] struct {
	compile func(string) (*T, error)
	mu      sync.RWMutex
	kept    map[string]*T
}

func newPatternCache[T any](compile func(string) (*T, error)) *patternCache[T] {
	return &patternCache[T]{compile: compile, kept: map[string]*T{}}
}

func (c *patternCache[T]) get(pattern string) (*T, *rowError) {
	c.mu.RLock()
	re := c.kept[pattern]
	c.mu.RUnlock()
	if re != nil {
		return re, nil
	}
	re, err := c.compile(pattern)
	if err != nil {
		return nil, &rowError{errorArgument, "The regular expression '" + pattern + "' cannot be used: " + err.Error()}
	}
	c.mu.Lock()
	if len(c.kept) >= maxPatterns {
		clear(c.kept)
	}
	c.kept[pattern] = re
	c.mu.Unlock()
	return re, nil
}

// find looks for the first n matches, all for a negative n. A match that takes too long ends the
// step, not the row: whether it does depends on the machine, and the same step must give the
// same rows.
func find(re *javaregexp.Searcher, s string, n int) [][]int {
	all, err := re.Find(s, n)
	if errors.Is(err, javaregexp.ErrTimeout) {
		panic(&Error{Message: "A regular expression takes too long to match", Hint: "Repeat nothing that itself repeats: (a+)+ tries every way to part the text."})
	}
	return all
}

// expand appends a replacement of Java's for a match: $1 and ${1} are groups, \\ takes the
// meaning from what follows it.
func expand(b *strings.Builder, re *javaregexp.Searcher, replacement, s string, m []int) *rowError {
	bad := &rowError{errorArgument, "The replacement '" + replacement + "' has a reference to a group that the regular expression does not have"}
	group := func(n int) *rowError {
		if n > re.Groups() {
			return bad
		}
		if m[2*n] >= 0 {
			b.WriteString(s[m[2*n]:m[2*n+1]])
		}
		return nil
	}
	for i := 0; i < len(replacement); i++ {
		switch c := replacement[i]; {
		case c == '\\' && i+1 < len(replacement):
			i++
			b.WriteByte(replacement[i])
		case c == '$':
			rest := strings.TrimPrefix(replacement[i+1:], "{")
			braced := len(rest) < len(replacement)-i-1
			n, digits := 0, 0
			// A further digit belongs to the number while there is such a group.
			for digits < len(rest) && rest[digits] >= '0' && rest[digits] <= '9' {
				more := n*10 + int(rest[digits]-'0')
				if digits > 0 && more > re.Groups() {
					break
				}
				n, digits = more, digits+1
			}
			if digits == 0 || braced && !strings.HasPrefix(rest[digits:], "}") {
				return bad
			}
			if err := group(n); err != nil {
				return err
			}
			if i += digits; braced {
				i += 2
			}
		default:
			b.WriteByte(c)
		}
		if b.Len() > longestText {
			return errTooLong
		}
	}
	return nil
}
