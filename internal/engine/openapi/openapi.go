// Package openapi reads descriptions of HTTP APIs: Swagger 2.0 and OpenAPI 3.0, as JSON or YAML, with
// whatever extensions they have. It keeps them as trees, which it bounds, and follows references within them.
//
// A reference that leads out of the document is refused. What many references lead to is made anew for each of them, so
// that a small document may describe something huge: whoever makes something of a document takes its bytes from it. YAML has no anchors and no aliases here, so that a
// document is as large as it looks.
package openapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Bounds of a document.
const (
	MaxSource   = 6 << 20       // bytes
	MaxDepth    = 100           // of nesting
	MaxExpanded = 4 * MaxSource // bytes of what is made of it (Document.Take)
	MaxWarnings = 500
)

// Object is an object of a document: its values are those of encoding/json.
type Object = map[string]any

// Document is a description.
type Document struct {
	Root    Object
	Version int // 2 or 3

	expanded int
	warnings []string
}

// Take notes how many bytes are made of the document, or tells that it is too many (MaxExpanded).
func (d *Document) Take(bytes int) error {
	if d.expanded += bytes; d.expanded > MaxExpanded {
		return fmt.Errorf("the document describes more than %d bytes, as its references are followed", MaxExpanded)
	}
	return nil
}

// Warn notes what is not taken as it is written: of the first MaxWarnings times, and in a line about the rest.
func (d *Document) Warn(format string, args ...any) {
	switch n := len(d.warnings); {
	case n < MaxWarnings:
		text := fmt.Sprintf(format, args...)
		if len(text) > 1000 {
			text = strings.ToValidUTF8(text[:1000], "") + "..."
		}
		d.warnings = append(d.warnings, text)
	case n == MaxWarnings:
		d.warnings = append(d.warnings, "There are more warnings")
	}
}

// Warnings are those that were noted.
func (d *Document) Warnings() []string { return d.warnings }

// EndpointConfiguration is the extension of that name, of the document or of its first server; nil if it has none.
func (d *Document) EndpointConfiguration() Object {
	const name = "x-amazon-apigateway-endpoint-configuration"
	if o := Child(d.Root, name); o != nil {
		return o
	}
	if servers, _ := d.Root["servers"].([]any); len(servers) > 0 {
		server, _ := servers[0].(Object)
		return Child(server, name)
	}
	return nil
}

// Methods are the members of a path that are operations, in order; "x-amazon-apigateway-any-method" besides.
var Methods = []string{"get", "put", "post", "delete", "options", "head", "patch"}

// AnyMethod is the member of a path that stands for any method.
const AnyMethod = "x-amazon-apigateway-any-method"

// Parse reads a document.
func Parse(text []byte) (*Document, error) {
	if len(text) > MaxSource {
		return nil, fmt.Errorf("the document is larger than %d bytes", MaxSource)
	}
	root, err := parse(text)
	if err != nil {
		return nil, err
	}
	o, ok := root.(Object)
	if !ok {
		return nil, errors.New("the document is not an object")
	}
	if depth(root, 0) > MaxDepth {
		return nil, errTooDeep
	}
	d := &Document{Root: o}
	switch v := Text(o, "openapi"); {
	case strings.HasPrefix(v, "3.0"), strings.HasPrefix(v, "3.1"):
		d.Version = 3
	case v != "":
		return nil, fmt.Errorf("OpenAPI %s is not known", v)
	case Text(o, "swagger") == "2.0", o["swagger"] == 2.0:
		d.Version = 2
	default:
		return nil, errors.New("the document has neither swagger: \"2.0\" nor openapi: \"3.0\"")
	}
	return d, nil
}

var errTooDeep = fmt.Errorf("the document nests deeper than %d", MaxDepth)

func parse(text []byte) (any, error) {
	var root any
	if trimmed := bytes.TrimSpace(text); len(trimmed) > 0 && trimmed[0] == '{' {
		jsonErr := json.Unmarshal(text, &root)
		if jsonErr == nil {
			return root, nil
		}
		return nil, fmt.Errorf("the document is not JSON: %w", jsonErr)
	}
	var n yaml.Node
	if err := yaml.Unmarshal(text, &n); err != nil {
		return nil, fmt.Errorf("the document is not YAML: %w", err)
	}
	return plain(&n, 0)
}

// plain turns a node of YAML into what encoding/json makes. A date is a text.
func plain(n *yaml.Node, depth int) (any, error) {
	if depth > MaxDepth+1 { // the document is a node too
		return nil, errTooDeep
	}
	switch n.Kind {
	case yaml.DocumentNode:
		if len(n.Content) == 1 {
			return plain(n.Content[0], depth+1)
		}
	case yaml.MappingNode:
		out := make(Object, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i]
			if key.Kind != yaml.ScalarNode || key.Tag == "!!merge" {
				return nil, fmt.Errorf("line %d: a key of the document is not a plain one", key.Line)
			}
			if _, twice := out[key.Value]; twice {
				return nil, fmt.Errorf("line %d: the key %s is there twice", key.Line, key.Value)
			}
			v, err := plain(n.Content[i+1], depth+1)
			if err != nil {
				return nil, err
			}
			out[key.Value] = v
		}
		return out, nil
	case yaml.SequenceNode:
		out := make([]any, len(n.Content))
		for i, e := range n.Content {
			v, err := plain(e, depth+1)
			if err != nil {
				return nil, err
			}
			out[i] = v
		}
		return out, nil
	case yaml.AliasNode:
		return nil, fmt.Errorf("line %d: the document has YAML anchors or aliases, which are not followed", n.Line)
	case yaml.ScalarNode:
		switch n.ShortTag() {
		case "!!null":
			return nil, nil
		case "!!bool":
			var b bool
			err := n.Decode(&b)
			return b, err
		case "!!int", "!!float":
			var f float64
			if err := n.Decode(&f); err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
				return n.Value, nil
			}
			return f, nil
		}
		return n.Value, nil
	}
	return nil, errors.New("the document is empty")
}

func depth(v any, at int) int {
	if at > MaxDepth {
		return at
	}
	most := at
	switch v := v.(type) {
	case Object:
		for _, e := range v {
			most = max(most, depth(e, at+1))
		}
	case []any:
		for _, e := range v {
			most = max(most, depth(e, at+1))
		}
	}
	return most
}

// Resolve returns an object, or what it refers to within the document; nil where v is not an object.
func (d *Document) Resolve(v any) (Object, error) {
	o, _ := v.(Object)
	for range 20 {
		ref, ok := o["$ref"].(string)
		if !ok {
			return o, nil
		}
		path, ok := strings.CutPrefix(ref, "#/")
		if !ok {
			return nil, fmt.Errorf("the reference %s leads out of the document", ref)
		}
		var at any = d.Root
		for part := range strings.SplitSeq(path, "/") {
			in, _ := at.(Object)
			at = in[strings.NewReplacer("~1", "/", "~0", "~").Replace(part)]
		}
		if o, ok = at.(Object); !ok {
			return nil, fmt.Errorf("the reference %s leads nowhere", ref)
		}
	}
	return nil, errors.New("references lead in a circle")
}

// Child is a member that is an object, nil where there is none.
func Child(o Object, name string) Object {
	c, _ := o[name].(Object)
	return c
}

// Text is a member that is a text, empty where there is none.
func Text(o Object, name string) string {
	s, _ := o[name].(string)
	return s
}

// Texts are the texts of a member that is a list.
func Texts(o Object, name string) []string {
	list, _ := o[name].([]any)
	var out []string
	for _, v := range list {
		if s, ok := v.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// Names are the members of an object, in order.
func Names(o Object) []string { return slices.Sorted(maps.Keys(o)) }

// Decode puts an object of the document into a struct, by the JSON names of its members, and takes its bytes.
func (d *Document) Decode(o Object, into any) error {
	b, err := json.Marshal(o)
	if err != nil {
		return err
	}
	if err := d.Take(len(b)); err != nil {
		return err
	}
	return json.Unmarshal(b, into)
}

// RewriteRefs returns a copy of a tree in which each reference is what f makes of it.
func RewriteRefs(v any, f func(ref string) string) any {
	switch v := v.(type) {
	case Object:
		out := make(Object, len(v))
		for k, e := range v {
			if ref, ok := e.(string); ok && k == "$ref" {
				out[k] = f(ref)
				continue
			}
			out[k] = RewriteRefs(e, f)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = RewriteRefs(e, f)
		}
		return out
	}
	return v
}

// JSON writes a tree as JSON, its members in order.
func JSON(o Object) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(o); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(b.Bytes()), nil
}

// YAML writes a tree as YAML, its members in order.
func YAML(o Object) ([]byte, error) {
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(map[string]any(o)); err != nil {
		return nil, err
	}
	return b.Bytes(), e.Close()
}
