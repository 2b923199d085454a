package awswire

import (
	"encoding/base64"
	"math"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"

	"github.com/aws/smithy-go"

	"github.com/brookmere/brookmere/internal/awswire/scan"
)

// Query protocol, the request: a form whose names are paths, as in
// Tags.member.1.Key=k. Lists and maps are numbered from one.

// queryForm is the form as a tree.
type queryForm struct{ root *queryNode }

type queryNode struct {
	value    string
	set      bool
	children map[string]*queryNode
}

// maxQueryParameters bounds a form.
const maxQueryParameters = 20_000

func (f queryForm) get(name string) string {
	if f.root == nil || f.root.children[name] == nil {
		return ""
	}
	return f.root.children[name].value
}

// byPath gives a parameter that the form has not the request's URL, if its path names something.
func (f queryForm) byPath(name string, r *http.Request) {
	if name == "" || f.root.children[name] != nil || strings.Trim(r.URL.Path, "/") == "" {
		return
	}
	if f.root.children == nil {
		f.root.children = map[string]*queryNode{}
	}
	f.root.children[name] = &queryNode{value: "http://" + r.Host + r.URL.Path, set: true}
}

func malformed(message string) error {
	return &smithy.GenericAPIError{Code: "MalformedInput", Message: message, Fault: smithy.FaultClient}
}

func parseQuery(r *http.Request, body []byte) (queryForm, error) {
	text := string(body)
	if r.Method == http.MethodGet || text == "" { // a presigned request has all in its URL
		text = r.URL.RawQuery
	}
	f := queryForm{root: &queryNode{}}
	if strings.Count(text, "&") >= maxQueryParameters {
		return f, malformed("Too many parameters")
	}
	for pair := range strings.SplitSeq(text, "&") {
		if pair == "" {
			continue
		}
		k, v, _ := strings.Cut(pair, "=")
		key, err := url.QueryUnescape(k)
		if err != nil {
			return f, malformed("The request could not be decoded: bad escape in a parameter name")
		}
		value, err := url.QueryUnescape(v)
		if err != nil {
			return f, malformed("The request could not be decoded: bad escape in the value of " + key)
		}
		if strings.HasPrefix(key, "X-Amz-") {
			continue // a presigned request's signature
		}
		if strings.Count(key, ".") > scan.MaxDepth {
			return f, malformed("Nesting is deeper than " + strconv.Itoa(scan.MaxDepth) + " levels")
		}
		n := f.root
		for segment := range strings.SplitSeq(key, ".") {
			c := n.children[segment]
			if c == nil {
				if n.children == nil {
					n.children = map[string]*queryNode{}
				}
				c = &queryNode{}
				n.children[segment] = c
			}
			n = c
		}
		n.value, n.set = value, true
	}
	return f, nil
}

func decodeQuery(b *planner, p *plan, f queryForm, v reflect.Value) error {
	return b.queryStruct(p, f.root, v)
}

func (b *planner) queryStruct(p *plan, n *queryNode, v reflect.Value) error {
	for i := range p.fields {
		f := &p.fields[i]
		name := f.name
		flat := false
		if f.member != nil {
			name = f.member.WireName()
			flat = f.member.Flattened
		}
		if c := n.children[name]; c != nil {
			if err := b.queryValue(f.plan, c, v.Field(f.index), flat, name); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *planner) queryValue(p *plan, n *queryNode, v reflect.Value, flat bool, name string) error {
	if p.ptr {
		fresh := reflect.New(p.typ.Elem())
		v.Set(fresh)
		v = fresh.Elem()
	}
	bad := func(what string) error {
		return malformed("Value (" + n.value + ") of parameter " + name + " is not " + what)
	}
	switch p.kind {
	case kindString:
		v.SetString(p.read(n.value))
	case kindBool:
		switch strings.ToLower(n.value) {
		case "true", "1":
			v.SetBool(true)
		case "false", "0":
			v.SetBool(false)
		default:
			return bad("a boolean")
		}
	case kindInt:
		i, err := strconv.ParseInt(n.value, 10, v.Type().Bits())
		if err != nil {
			return bad("an integer")
		}
		v.SetInt(i)
	case kindFloat:
		f, err := strconv.ParseFloat(n.value, 64)
		if err != nil || math.IsInf(f, 0) && !strings.Contains(n.value, "Inf") {
			return bad("a number")
		}
		v.SetFloat(f)
	case kindBlob:
		blob, err := base64.StdEncoding.DecodeString(n.value)
		if err != nil {
			return bad("base64")
		}
		v.SetBytes(blob)
	case kindTime:
		t, err := parseTimestamp(n.value)
		if err != nil {
			return bad("a timestamp")
		}
		v.Set(reflect.ValueOf(t))
	case kindStruct:
		return b.queryStruct(p, n, v)
	case kindList:
		return b.queryList(p, n, v, flat, name)
	case kindMap:
		return b.queryMap(p, n, v, flat, name)
	default:
		return bad("supported")
	}
	return nil
}

// numbered returns the children 1, 2, ... of n in order; gaps are closed up.
func (n *queryNode) numbered() []*queryNode {
	var out []*queryNode
	seen := 0
	for i := 1; seen < len(n.children) && i <= maxQueryParameters; i++ {
		if c := n.children[strconv.Itoa(i)]; c != nil {
			out = append(out, c)
			seen++
		}
	}
	return out
}

func (b *planner) queryList(p *plan, n *queryNode, v reflect.Value, flat bool, name string) error {
	flat = flat || p.shape != nil && p.shape.Flattened
	if !flat {
		member := "member"
		if p.shape != nil && p.shape.Elem != nil && p.shape.Elem.Wire != "" {
			member = p.shape.Elem.Wire
		}
		if c := n.children[member]; c != nil {
			n = c
		}
	}
	items := n.numbered()
	v.Set(reflect.MakeSlice(v.Type(), len(items), len(items)))
	for i, c := range items {
		if err := b.queryValue(p.elem, c, v.Index(i), false, name); err != nil {
			return err
		}
	}
	return nil
}

func (b *planner) queryMap(p *plan, n *queryNode, v reflect.Value, flat bool, name string) error {
	flat = flat || p.shape != nil && p.shape.Flattened
	if !flat {
		if c := n.children["entry"]; c != nil {
			n = c
		}
	}
	key, val := mapNames(p)
	v.Set(reflect.MakeMap(v.Type()))
	for _, c := range n.numbered() {
		if c.children[key] == nil {
			continue
		}
		k := reflect.New(v.Type().Key()).Elem()
		k.SetString(c.children[key].value)
		e := reflect.New(v.Type().Elem()).Elem()
		if from := c.children[val]; from != nil {
			if err := b.queryValue(p.elem, from, e, false, name); err != nil {
				return err
			}
		}
		v.SetMapIndex(k, e)
	}
	return nil
}

// mapNames are the names of a map entry's key and value in query and XML.
func mapNames(p *plan) (key, val string) {
	key, val = "key", "value"
	if p.shape != nil && p.shape.Key != nil {
		if p.shape.Key.Wire != "" {
			key = p.shape.Key.Wire
		}
		if p.shape.Val.Wire != "" {
			val = p.shape.Val.Wire
		}
	}
	return key, val
}
