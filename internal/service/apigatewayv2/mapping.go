package apigatewayv2

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/brookmere/brookmere/internal/awskit/executeapi"
	"github.com/brookmere/brookmere/internal/engine/vtl/jsonpath"
	"github.com/brookmere/brookmere/internal/engine/vtl/mapping"
)

// Parameter mappings. (Source: "Transform API requests and responses for HTTP APIs" of the developer guide.)
//
// A value is a text, with variables in it as ${request.header.name}; or one variable alone, which may stand
// without braces: $request.header.name, $request.querystring.name, $request.path.name, $request.path,
// $request.body, $request.body.path, $context.name, $stageVariables.name, and of an answer
// $response.header.name, $response.body, $response.body.path.

// expression is a parsed value.
type expression []term

// term is a text, or a variable.
type term struct {
	text  string
	scope string // "request", "response", "context", "stageVariables"; empty for a text
	place string // of a request or an answer: "header", "querystring", "path", "body"
	name  string
	path  *jsonpath.Path // into a body, nil for the whole
}

func (e expression) isVariable() bool { return len(e) == 1 && e[0].scope != "" }

func (e expression) ofResponse() bool {
	return slices.ContainsFunc(e, func(t term) bool { return t.scope == "response" })
}

var variableStart = regexp.MustCompile(`^\$(request|response|context|stageVariables)\.`)

func parseExpression(s string) (expression, error) {
	if variableStart.MatchString(s) {
		t, err := parseVariable(s[1:])
		return expression{t}, err
	}
	var e expression
	for s != "" {
		i := strings.Index(s, "${")
		if i < 0 {
			return append(e, term{text: s}), nil
		}
		if i > 0 {
			e = append(e, term{text: s[:i]})
		}
		name, rest, ok := strings.Cut(s[i+2:], "}")
		if !ok {
			return nil, badRequest("Invalid mapping expression specified: %s", s)
		}
		t, err := parseVariable(name)
		if err != nil {
			return nil, err
		}
		e, s = append(e, t), rest
	}
	return e, nil
}

// parseVariable parses a variable without its dollar sign.
func parseVariable(s string) (term, error) {
	invalid := badRequest("Invalid mapping expression specified: $%s", s)
	scope, rest, ok := strings.Cut(s, ".")
	t := term{scope: scope, name: rest}
	switch {
	case !ok || rest == "":
		return t, invalid
	case scope == "context":
		if executeapi.VariablePath(rest) != rest {
			return t, invalid
		}
		return t, nil
	case scope == "stageVariables":
		return t, nil
	case scope != "request" && scope != "response":
		return t, invalid
	}
	t.place, t.name, _ = strings.Cut(rest, ".")
	if place, index, ok := strings.Cut(t.place, "["); ok && place == "body" { // $request.body[0]
		t.place, t.name = place, "["+index+strings.TrimPrefix(rest, t.place)
	}
	switch {
	case t.place == "body" && t.name != "":
		dot := "."
		if t.name[0] == '[' {
			dot = ""
		}
		p, err := jsonpath.Parse("$" + dot + t.name)
		if err != nil {
			return t, invalid
		}
		t.path = p
	case t.place == "body", t.place == "path" && t.name == "" && scope == "request":
	case t.place == "header" && t.name != "":
	case (t.place == "querystring" || t.place == "path") && t.name != "" && scope == "request":
	default:
		return t, invalid
	}
	return t, nil
}

// evaluate is the value of an expression; false where it is a variable that is not there.
func (x *exchange) evaluate(e expression, answer *result) (string, bool) {
	if e.isVariable() {
		return x.variable(e[0], answer)
	}
	var b strings.Builder
	for _, t := range e {
		if t.scope == "" {
			b.WriteString(t.text)
			continue
		}
		v, _ := x.variable(t, answer)
		b.WriteString(v)
	}
	return b.String(), true
}

func (x *exchange) variable(t term, answer *result) (string, bool) {
	switch t.scope {
	case "context":
		return x.contextVariable(t.name)
	case "stageVariables":
		v, ok := x.stage.Stage.StageVariables[t.name]
		return v, ok
	}
	if t.scope == "response" {
		if answer == nil {
			return "", false
		}
		if t.place == "header" {
			v := answer.header.Values(t.name)
			return strings.Join(v, ","), len(v) > 0
		}
		return bodyPath(answer.body, t.path)
	}
	switch t.place {
	case "header":
		if strings.EqualFold(t.name, "host") {
			return x.r.Host, true
		}
		v := x.r.Header.Values(t.name)
		return strings.Join(v, ","), len(v) > 0
	case "querystring":
		v := x.query[t.name]
		return strings.Join(v, ","), len(v) > 0
	case "path":
		if t.name == "" {
			return x.path, true
		}
		v, ok := x.params[t.name]
		return v, ok
	}
	return bodyPath(x.body, t.path)
}

// bodyPath is what a path leads to in a body of JSON; the whole body for nil.
func bodyPath(body []byte, p *jsonpath.Path) (string, bool) {
	if p == nil {
		return string(body), true
	}
	return mapping.BodyText(body, p, maxPayload)
}

// mappingRule is one change of a request or an answer.
type mappingRule struct {
	action string // "append", "overwrite", "remove"
	place  string // "header", "querystring", "path", "statuscode"
	name   string
	value  expression
}

var (
	requestKey  = regexp.MustCompile(`^(append|overwrite|remove):(header|querystring)\.([!#$%&'*+.^_|~0-9A-Za-z-]+)$`)
	responseKey = regexp.MustCompile(`^(append|overwrite|remove):(header)\.([!#$%&'*+.^_|~0-9A-Za-z-]+)$`)
	statusKey   = regexp.MustCompile(`^[2-5]\d\d$`)
)

// reservedHeaders are not mapped.
func isReserved(name string) bool {
	name = strings.ToLower(name)
	for _, p := range []string{"access-control-", "apigw-", "proxy-", "x-amz-", "x-amzn-"} {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	switch name {
	case "authorization", "connection", "content-encoding", "content-length", "content-location", "forwarded", "keep-alive", "origin",
		"te", "trailer", "trailers", "transfer-encoding", "upgrade", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "via", "host":
		return true
	}
	return false
}

func parseRule(form *regexp.Regexp, key, value string) (mappingRule, error) {
	m := form.FindStringSubmatch(key)
	if m == nil {
		return mappingRule{}, badRequest("Invalid mapping expression specified: Validation Result: warnings : [], errors : [Invalid mapping expression parameter specified: %s]", key)
	}
	r := mappingRule{action: m[1], place: m[2], name: m[3]}
	if r.place == "header" && isReserved(r.name) {
		return r, badRequest("Operations on header %s are restricted", r.name)
	}
	var err error
	if r.action == "remove" {
		if value != "" && value != "''" {
			return r, badRequest("Invalid mapping expression specified: the value of %s must be '' or empty", key)
		}
		return r, nil
	}
	r.value, err = parseExpression(value)
	return r, err
}

func parseRequestMappings(m map[string]string) ([]mappingRule, error) {
	var rules []mappingRule
	for _, key := range slices.Sorted(maps.Keys(m)) {
		var r mappingRule
		var err error
		if key == "overwrite:path" {
			r = mappingRule{action: "overwrite", place: "path"}
			r.value, err = parseExpression(m[key])
		} else {
			r, err = parseRule(requestKey, key, m[key])
		}
		if err != nil {
			return nil, err
		}
		if r.value.ofResponse() {
			return nil, badRequest("Invalid mapping expression specified: %s", m[key])
		}
		rules = append(rules, r)
	}
	return rules, nil
}

func parseResponseMappings(all map[string]map[string]string) (map[int][]mappingRule, error) {
	out := map[int][]mappingRule{}
	for status, m := range all {
		if !statusKey.MatchString(status) {
			return nil, badRequest("Invalid status code specified in the response parameters: %s", status)
		}
		n, _ := strconv.Atoi(status)
		for _, key := range slices.Sorted(maps.Keys(m)) {
			var r mappingRule
			var err error
			if key == "overwrite:statuscode" {
				r = mappingRule{action: "overwrite", place: "statuscode"}
				r.value, err = parseExpression(m[key])
			} else {
				r, err = parseRule(responseKey, key, m[key])
			}
			if err != nil {
				return nil, err
			}
			out[n] = append(out[n], r)
		}
	}
	return out, nil
}

// change applies a rule to values by name.
func (r *mappingRule) change(values map[string][]string, name, value string) {
	switch r.action {
	case "remove":
		delete(values, name)
	case "append":
		values[name] = append(slices.Clip(values[name]), value)
	default:
		values[name] = []string{value}
	}
}

// mapAnswer applies the rules for an answer's status.
func (x *exchange) mapAnswer(rules []mappingRule, out *result) {
	was := *out
	was.header = out.header.Clone()
	for i := range rules {
		r := &rules[i]
		v, ok := "", true
		if r.action != "remove" {
			v, ok = x.evaluate(r.value, &was)
		}
		switch {
		case !ok:
		case r.place == "statuscode":
			if n, err := strconv.Atoi(v); err == nil && n >= 200 && n <= 599 {
				out.status = n
			}
		case !strings.ContainsAny(v, "\r\n\x00"):
			r.change(out.header, http.CanonicalHeaderKey(r.name), v)
		}
	}
}
