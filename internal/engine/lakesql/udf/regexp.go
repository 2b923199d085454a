package udf

import (
	"database/sql/driver"
	"sync"

	"github.com/duckdb/duckdb-go/v2"

	"github.com/brookmere/brookmere/internal/engine/lakesql/javaregexp"
)

// compiled keeps compiled patterns by their text.
type compiled[T any] struct {
	sync.RWMutex
	m map[string]T
}

const maxExpressions = 256

func (c *compiled[T]) get(text string, compile func() (T, error)) (T, error) {
	c.RLock()
	re, ok := c.m[text]
	c.RUnlock()
	if ok {
		return re, nil
	}
	re, err := compile()
	if err != nil {
		return re, argumentError("%v", err)
	}
	c.Lock()
	defer c.Unlock()
	if c.m == nil || len(c.m) >= maxExpressions {
		c.m = map[string]T{}
	}
	c.m[text] = re
	return re, nil
}

var (
	expressions compiled[*javaregexp.Regexp]
	searchers   compiled[*javaregexp.Searcher]
)

// expression compiles a pattern behind 'i', where letter case does not matter, or 'c'.
func expression(how string) (*javaregexp.Regexp, error) {
	return expressions.get(how, func() (*javaregexp.Regexp, error) { return javaregexp.Compile(how[1:], how[0] == 'i') })
}

func searcher(pattern string) (*javaregexp.Searcher, error) {
	return searchers.get(pattern, func() (*javaregexp.Searcher, error) { return javaregexp.CompileSearch(pattern) })
}

// groups are what the groups of a pattern have in a line; null where it does not match.
type groups struct{ scalar }

func (g groups) Config() duckdb.ScalarFuncConfig {
	c := g.scalar.Config()
	list, err := duckdb.NewListInfo(typeInfo(text))
	if err != nil {
		panic(err) // lists are there
	}
	c.ResultTypeInfo = list
	return c
}

// regexGroups takes 'i' or 'c' and the pattern, and the line.
var regexGroups = groups{scalar{in: []duckdb.Type{text, text}, out: text, f: func(v []driver.Value) (any, error) {
	re, err := expression(v[0].(string))
	if err != nil {
		return nil, err
	}
	m, err := re.Match(v[1].(string))
	if err != nil {
		return nil, argumentError("%v", err)
	}
	if m == nil {
		return nil, nil
	}
	out := make([]any, len(m))
	for i, p := range m {
		if p != nil {
			out[i] = *p
		}
	}
	return out, nil
}}}

// maxParts bounds what one text is cut into, of which each is 16 bytes at least.
const maxParts = 4 << 20

// regexCut takes a pattern and a text, which it cuts at the matches: for each what is between it and
// the one before it, the match, and its groups, null for those that take no part; then what is left.
var regexCut = groups{scalar{in: []duckdb.Type{text, text}, out: text, f: func(v []driver.Value) (any, error) {
	re, err := searcher(v[0].(string))
	if err != nil {
		return nil, err
	}
	return cutAt(re, v[1].(string), maxParts)
}}}

// cutAt is what regexCut gives, of no more than so many parts.
func cutAt(re *javaregexp.Searcher, s string, parts int) ([]any, error) {
	most := parts / (re.Groups() + 2)
	matches, err := re.Find(s, most+1)
	if err != nil {
		return nil, argumentError("%v", err)
	}
	if len(matches) > most {
		return nil, argumentError("a text has more than %d matches of a regular expression with %d groups", most, re.Groups())
	}
	out := make([]any, 0, len(matches)*(re.Groups()+2)+1)
	at := 0
	for _, m := range matches {
		out = append(out, s[at:m[0]])
		for i := 0; i < len(m); i += 2 {
			if m[i] < 0 {
				out = append(out, nil)
			} else {
				out = append(out, s[m[i]:m[i+1]])
			}
		}
		at = m[1]
	}
	return append(out, s[at:]), nil
}

func regexFound(v []driver.Value) (any, error) {
	re, err := searcher(v[0].(string))
	if err != nil {
		return nil, err
	}
	matches, err := re.Find(v[1].(string), 1)
	if err != nil {
		return nil, argumentError("%v", err)
	}
	return len(matches) > 0, nil
}

// regexPosition takes a pattern, a text, the character to begin at, and the number of the match.
func regexPosition(v []driver.Value) (any, error) {
	re, err := searcher(v[0].(string))
	if err != nil {
		return nil, err
	}
	at, err := re.Position(v[1].(string), v[2].(int64), v[3].(int64))
	if err != nil {
		return nil, argumentError("%v", err)
	}
	return at, nil
}
