package awswire

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/brookmere/brookmere/internal/awswire/model"
)

// restRouter finds the operation of a request in a REST protocol by its method and path, as
// the model's URI templates have them: "/2015-03-31/functions/{FunctionName}/versions",
// "/{Bucket}/{Key+}?uploads".
type restRouter struct {
	byMethod map[string][]*restRoute // the most specific first
}

// restRoute is the template of one operation.
type restRoute struct {
	op       *model.Operation
	segments []restSegment
	literals [][2]string // name and value in the query string; an empty value: any
	query    []string    // names of required members in the query string
	headers  []string    // names of required members in headers
}

type restSegment struct {
	text   string // literal, or the name of the label
	label  bool
	greedy bool // takes all segments that are left
}

func newRestRouter(m *model.Service, bound func(name string) bool) *restRouter {
	rt := &restRouter{byMethod: map[string][]*restRoute{}}
	for _, op := range m.Operations {
		r := newRestRoute(op)
		method := op.Method
		if method == "" {
			method = http.MethodPost
		}
		rt.byMethod[method] = append(rt.byMethod[method], r)
	}
	for _, routes := range rt.byMethod {
		slices.SortFunc(routes, func(a, b *restRoute) int {
			if c := compareSegments(a.segments, b.segments); c != 0 {
				return c
			}
			return cmp.Or(
				cmp.Compare(len(b.literals), len(a.literals)),
				cmp.Compare(len(b.query)+len(b.headers), len(a.query)+len(a.headers)),
				// Of two names of one operation: the one that the service has, or the newer.
				-compareBool(bound(a.op.Name), bound(b.op.Name)),
				cmp.Compare(len(b.op.Name), len(a.op.Name)),
				cmp.Compare(a.op.Name, b.op.Name),
			)
		})
	}
	return rt
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// compareSegments orders literals before labels before greedy labels, from left to right.
func compareSegments(a, b []restSegment) int {
	rank := func(s []restSegment, i int) int {
		switch {
		case i >= len(s):
			return 3
		case s[i].greedy:
			return 2
		case s[i].label:
			return 1
		}
		return 0
	}
	for i := range max(len(a), len(b)) {
		if c := cmp.Compare(rank(a, i), rank(b, i)); c != 0 {
			return c
		}
	}
	return 0
}

func newRestRoute(op *model.Operation) *restRoute {
	r := &restRoute{op: op}
	path, query, _ := strings.Cut(op.URI, "?")
	for s := range strings.SplitSeq(strings.Trim(path, "/"), "/") {
		if s == "" {
			continue
		}
		seg := restSegment{text: s}
		if name, ok := strings.CutPrefix(s, "{"); ok {
			seg.label = true
			seg.text = strings.TrimSuffix(name, "}")
			seg.text, seg.greedy = strings.CutSuffix(seg.text, "+")
		}
		r.segments = append(r.segments, seg)
	}
	for pair := range strings.SplitSeq(query, "&") {
		if name, value, _ := strings.Cut(pair, "="); name != "" {
			r.literals = append(r.literals, [2]string{name, value})
		}
	}
	if op.Input == nil {
		return r
	}
	for _, m := range op.Input.Members {
		switch {
		case m.Required && m.Location == "querystring":
			r.query = append(r.query, m.WireName())
		case m.Required && m.Location == "header":
			r.headers = append(r.headers, m.WireName())
		}
	}
	return r
}

// match returns the operation of a request, with the values of its labels in the order of the
// template's segments; nil if there is none. Of operations with one template, that is taken
// whose required members are there; if none's are, the last, which is told what it misses.
func (rt *restRouter) match(r *http.Request) (*restRoute, []string) {
	path := splitPath(r.URL.EscapedPath())
	query := r.URL.Query()
	var fallback *restRoute
	var fallbackLabels []string
	for _, route := range rt.byMethod[r.Method] {
		labels, ok := route.labels(path)
		if !ok || !route.hasLiterals(query) {
			continue
		}
		if fallback != nil && (len(route.literals) < len(fallback.literals) || compareSegments(route.segments, fallback.segments) != 0) {
			break // another template, less like the request
		}
		if route.hasRequired(query, r.Header) {
			return route, labels
		}
		fallback, fallbackLabels = route, labels
	}
	return fallback, fallbackLabels
}

// splitPath takes a path apart; one slash at its end is of no account.
func splitPath(path string) []string {
	path = strings.TrimPrefix(path, "/")
	if path == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(path, "/"), "/")
}

// labels matches a path, whose segments are escaped, and returns the values of the labels.
func (r *restRoute) labels(path []string) ([]string, bool) {
	var values []string
	for i, s := range r.segments {
		switch {
		case i >= len(path):
			return nil, false
		case s.greedy:
			v, err := url.PathUnescape(strings.Join(path[i:], "/"))
			return append(values, v), err == nil && v != ""
		case s.label:
			v, err := url.PathUnescape(path[i])
			if err != nil || v == "" {
				return nil, false
			}
			values = append(values, v)
		case s.text != path[i]:
			return nil, false
		}
	}
	return values, len(path) == len(r.segments)
}

func (r *restRoute) hasLiterals(query url.Values) bool {
	for _, l := range r.literals {
		values, ok := query[l[0]]
		if !ok || l[1] != "" && !slices.Contains(values, l[1]) {
			return false
		}
	}
	return true
}

func (r *restRoute) hasRequired(query url.Values, head http.Header) bool {
	for _, name := range r.query {
		if !query.Has(name) {
			return false
		}
	}
	for _, name := range r.headers {
		if len(head.Values(name)) == 0 {
			return false
		}
	}
	return true
}

// IsREST says whether the service speaks a REST protocol.
func (h *Handler) IsREST() bool { return h.rest != nil }

// Matches says whether the service has an operation for the method and path of the request:
// of a REST protocol alone.
func (h *Handler) Matches(r *http.Request) bool {
	if h.rest == nil {
		return false
	}
	route, _ := h.rest.match(r)
	return route != nil
}
