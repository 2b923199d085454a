package udf

import (
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/brookmere/brookmere/internal/engine/lakesql/jsonpath"
	"github.com/brookmere/brookmere/internal/engine/sql"
)

// What the functions of SQL/JSON answer is one text, whose first character says what it is.
const (
	JSONFound   = "v" // the rest is the value
	JSONNull    = "n"
	JSONNothing = "e" // no item
	JSONFailed  = "x" // the rest is the message
)

// paths keeps parsed paths by their text.
var paths struct {
	sync.Mutex
	m map[string]*jsonpath.Path
}

func CompiledPath(text string) (*jsonpath.Path, error) {
	paths.Lock()
	defer paths.Unlock()
	if p := paths.m[text]; p != nil {
		return p, nil
	}
	p, err := jsonpath.Parse(text)
	if err != nil {
		return nil, err
	}
	if len(paths.m) >= 256 || paths.m == nil {
		paths.m = map[string]*jsonpath.Path{}
	}
	paths.m[text] = p
	return p, nil
}

// jsonPathUDF takes the function and its wrapper and quotes, the path, the document and the
// variables (an object).
func jsonPathUDF(v []driver.Value) (any, error) {
	how, path, document, variables := v[0].(string), v[1].(string), v[2].(string), v[3].(string)
	p, err := CompiledPath(path)
	if err != nil {
		return nil, argumentError("%s", err)
	}
	doc, err := jsonpath.Decode(document)
	if err != nil {
		return JSONFailed + "conversion to JSON failed", nil
	}
	vars, err := jsonpath.Decode(variables)
	if err != nil {
		return JSONFailed + "conversion to JSON failed", nil
	}
	items, err := p.Eval(doc, vars.(*jsonpath.Object).Map())
	if err != nil {
		return JSONFailed + "path evaluation failed: " + err.Error(), nil
	}
	function, rest, _ := strings.Cut(how, "|")
	if function == "json_exists" {
		return JSONFound + fmt.Sprint(len(items) > 0), nil
	}
	if len(items) == 0 {
		return JSONNothing, nil
	}
	if function == "json_value" {
		return jsonScalar(items), nil
	}
	return jsonItems(items, rest), nil
}

func jsonScalar(items []any) string {
	if len(items) > 1 {
		return JSONFailed + "cannot extract SQL scalar from JSON: JSON path found multiple items"
	}
	switch x := items[0].(type) {
	case nil:
		return JSONNull
	case string:
		return JSONFound + x
	case bool, json.Number:
		return JSONFound + fmt.Sprint(x)
	}
	return JSONFailed + "cannot extract SQL scalar from JSON: JSON path found an item that cannot be converted to an SQL value"
}

func jsonItems(items []any, how string) string {
	wrapper, quotes, _ := strings.Cut(how, "|")
	_, list := items[0].([]any)
	_, object := items[0].(*jsonpath.Object)
	switch {
	case wrapper == sql.WithWrapper, wrapper == sql.WithWrapperMaybe && (len(items) > 1 || !list && !object):
		return JSONFound + jsonpath.Encode(items)
	case len(items) > 1:
		return JSONFailed + "JSON path found multiple items"
	}
	if s, ok := items[0].(string); ok && quotes == sql.OmitQuotes {
		return JSONFound + s
	}
	return JSONFound + jsonpath.Encode(items[0])
}

// jsonUnique refuses an object that has a key twice.
func jsonUnique(v []driver.Value) (any, error) {
	d := json.NewDecoder(strings.NewReader(v[0].(string)))
	seen := map[string]bool{}
	for depth, key := 0, false; ; {
		token, err := d.Token()
		if err != nil {
			break
		}
		switch x := token.(type) {
		case json.Delim:
			if x == '{' || x == '[' {
				depth++
			} else {
				depth--
			}
			key = depth == 1
			continue
		case string:
			if depth == 1 && key {
				if seen[x] && v[1].(bool) {
					return nil, argumentError("duplicate key passed to JSON_OBJECT function")
				} else if seen[x] {
					return nil, errors.New("NOT_SUPPORTED: cannot construct a JSON object with duplicate key")
				}
				seen[x], key = true, false
				continue
			}
		}
		key = depth == 1
	}
	return v[0], nil
}
