package udf

import (
	"database/sql/driver"
	"sync"

	"github.com/duckdb/duckdb-go/v2"

	"github.com/brookmere/brookmere/internal/engine/lakesql/javaregexp"
)

// expressions keeps compiled patterns, which begin with 'i' where letter case does not matter.
var expressions struct {
	sync.RWMutex
	m map[string]*javaregexp.Regexp
}

const maxExpressions = 256

func expression(how string) (*javaregexp.Regexp, error) {
	expressions.RLock()
	re := expressions.m[how]
	expressions.RUnlock()
	if re != nil {
		return re, nil
	}
	re, err := javaregexp.Compile(how[1:], how[0] == 'i')
	if err != nil {
		return nil, err
	}
	expressions.Lock()
	defer expressions.Unlock()
	if expressions.m == nil || len(expressions.m) >= maxExpressions {
		expressions.m = map[string]*javaregexp.Regexp{}
	}
	expressions.m[how] = re
	return re, nil
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
		return nil, argumentError("%v", err)
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
