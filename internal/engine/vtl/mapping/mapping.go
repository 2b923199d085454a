// Package mapping gives mapping templates what API Gateway gives them: $input, $util, $context and
// $stageVariables. (Source: the mapping template reference of API Gateway's developer guide.)
//
// A reference to what is not there prints nothing. $input.path of a path that leads nowhere is
// null, $input.json of one is two quotes; an empty body is {} as $input.body. A body that is not
// JSON is a text to $input.path("$").
package mapping

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/vtl"
	"github.com/brookmere/brookmere/internal/engine/vtl/jsonpath"
)

// Message is what a template turns into another: a request, or an integration's answer.
type Message struct {
	Body           string
	Path           map[string]string // parameters by name
	Query          map[string]string
	Header         map[string]string // names as they came; looked up without case
	Context        *vtl.Map          // $context
	StageVariables map[string]string
}

// Overrides is what a template set by $context.requestOverride and $context.responseOverride.
type Overrides struct {
	Status              int // 0: not set
	Header, Path, Query map[string]string
}

// Render runs a template on a message. Errors are those of vtl's run, and of calls of $util that
// fail, as parseJson of what is not JSON.
func Render(ctx context.Context, t *vtl.Template, m *Message) (string, *Overrides, error) {
	about := m.Context
	if about == nil {
		about = vtl.NewMap()
	}
	requests, responses := vtl.NewMap(), vtl.NewMap()
	for _, o := range []*vtl.Map{requests, responses} {
		o.Put("header", vtl.NewMap())
	}
	requests.Put("path", vtl.NewMap())
	requests.Put("querystring", vtl.NewMap())
	about.Put("requestOverride", requests)
	about.Put("responseOverride", responses)
	out, err := t.Run(ctx, map[string]any{
		"input":          &input{m: m},
		"util":           util{},
		"context":        about,
		"stageVariables": mapOf(m.StageVariables),
	}, vtl.Options{Quiet: true})
	if err != nil {
		return "", nil, err
	}
	return out, overrides(requests, responses), nil
}

func overrides(requests, responses *vtl.Map) *Overrides {
	o := &Overrides{Header: map[string]string{}, Path: map[string]string{}, Query: map[string]string{}}
	fill := func(from *vtl.Map, name string, to map[string]string) {
		v, _ := from.Get(name)
		m, ok := v.(*vtl.Map)
		if !ok {
			return
		}
		for _, k := range m.Keys() {
			x, _ := m.Get(k)
			to[k] = fmt.Sprint(x)
		}
	}
	fill(requests, "header", o.Header)
	fill(responses, "header", o.Header)
	fill(requests, "path", o.Path)
	fill(requests, "querystring", o.Query)
	if v, ok := responses.Get("status"); ok {
		_, _ = fmt.Sscan(fmt.Sprint(v), &o.Status) // what is not a number sets nothing
	}
	return o
}

func mapOf(in map[string]string) *vtl.Map {
	m := vtl.NewMap()
	for _, k := range slices.Sorted(maps.Keys(in)) {
		m.Put(k, in[k])
	}
	return m
}

// input is $input.
type input struct {
	m      *Message
	parsed bool
	root   any
}

// value is the body's value; a body that is not JSON is its text, an empty one null.
func (i *input) value() any {
	if !i.parsed {
		i.parsed = true
		v, err := vtl.FromJSON(i.m.Body)
		switch {
		case err == nil:
			i.root = v
		case i.m.Body != "":
			i.root = i.m.Body
		}
	}
	return i.root
}

func (i *input) String() string { return "$input" }

func (i *input) Property(name string) (any, bool) {
	if name != "body" {
		return nil, false
	}
	if i.m.Body == "" {
		return "{}", true
	}
	return i.m.Body, true
}

func (i *input) Call(method string, args []any) (any, bool, error) {
	name, isText := "", false
	if len(args) == 1 {
		name, isText = args[0].(string)
	}
	switch {
	case method == "params" && len(args) == 0:
		all := vtl.NewMap()
		all.Put("path", mapOf(i.m.Path))
		all.Put("querystring", mapOf(i.m.Query))
		all.Put("header", mapOf(i.m.Header))
		return all, true, nil
	case method == "params" && isText:
		if s, ok := i.param(name); ok {
			return s, true, nil
		}
		return "", true, nil // what is not there is empty
	case method == "path" && isText, method == "json" && isText:
		v, err := i.at(name)
		if err != nil {
			return nil, true, err
		}
		if method == "path" {
			return v, true, nil
		}
		if v == nil {
			return `""`, true, nil
		}
		s, err := vtl.JSON(v, 20<<20)
		return s, true, err
	}
	return nil, false, nil
}

// at is the value at a path, nil where it leads to nothing.
func (i *input) at(path string) (any, error) {
	p, err := jsonpath.Parse(path)
	if err != nil {
		return nil, &vtl.CallError{Method: "path", Reason: err.Error()}
	}
	v, err := p.Get(i.value())
	if errors.Is(err, jsonpath.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, &vtl.CallError{Method: "path", Reason: err.Error()}
	}
	return v, nil
}

// param looks a parameter up: in the path, then the query string, then the headers.
func (i *input) param(name string) (string, bool) {
	for _, m := range []map[string]string{i.m.Path, i.m.Query} {
		if s, ok := m[name]; ok {
			return s, true
		}
	}
	for k, s := range i.m.Header {
		if strings.EqualFold(k, name) {
			return s, true
		}
	}
	return "", false
}

// util is $util.
type util struct{}

func (util) String() string              { return "$util" }
func (util) Property(string) (any, bool) { return nil, false }

func (util) Call(method string, args []any) (any, bool, error) {
	if len(args) != 1 {
		return nil, false, nil
	}
	s, ok := args[0].(string)
	if !ok {
		if args[0] == nil {
			return nil, true, nil
		}
		s = fmt.Sprint(args[0])
		if v, err := vtl.JSON(args[0], 20<<20); err == nil {
			s = v
		}
	}
	switch method {
	case "escapeJavaScript":
		return escapeJavaScript(s), true, nil
	case "parseJson":
		v, err := vtl.FromJSON(s)
		if err != nil {
			return nil, true, &vtl.CallError{Method: method, Reason: "the text is not JSON"}
		}
		return v, true, nil
	case "urlEncode":
		return url.QueryEscape(s), true, nil
	case "urlDecode":
		v, err := url.QueryUnescape(s)
		if err != nil {
			return nil, true, &vtl.CallError{Method: method, Reason: "the text is not URL-encoded"}
		}
		return v, true, nil
	case "base64Encode":
		return base64.StdEncoding.EncodeToString([]byte(s)), true, nil
	case "base64Decode":
		b, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			return nil, true, &vtl.CallError{Method: method, Reason: "the text is not base64"}
		}
		return string(b), true, nil
	}
	return nil, false, nil
}

// escapeJavaScript escapes as Apache Commons Lang 2 does: quotes of both kinds, backslashes,
// slashes, control characters, and all beyond ASCII as \uXXXX.
func escapeJavaScript(s string) string {
	var b strings.Builder
	for _, c := range s {
		switch c {
		case '\'', '"', '\\', '/':
			b.WriteByte('\\')
			b.WriteRune(c)
		case '\b':
			b.WriteString(`\b`)
		case '\n':
			b.WriteString(`\n`)
		case '\t':
			b.WriteString(`\t`)
		case '\f':
			b.WriteString(`\f`)
		case '\r':
			b.WriteString(`\r`)
		default:
			switch {
			case c > 0xffff:
				c -= 0x10000
				fmt.Fprintf(&b, `\u%04X\u%04X`, 0xd800+c>>10, 0xdc00+c&0x3ff)
			case c < 0x20 || c > 0x7f:
				fmt.Fprintf(&b, `\u%04X`, c)
			default:
				b.WriteRune(c)
			}
		}
	}
	return b.String()
}

// BodyText is what a path leads to in a body of JSON, as parameters of a request take it: a text as it is, other
// values as JSON of at most limit bytes. It is false where the body is not JSON, or the path leads to nothing or to null.
func BodyText(body []byte, p *jsonpath.Path, limit int) (string, bool) {
	root, err := vtl.FromJSON(string(body))
	if err != nil {
		return "", false
	}
	v, err := p.Get(root)
	if err != nil || v == nil {
		return "", false
	}
	if s, ok := v.(string); ok {
		return s, true
	}
	s, err := vtl.JSON(v, limit)
	return s, err == nil
}
