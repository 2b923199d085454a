package policy

import (
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A second evaluator, written for being simple: it walks the JSON for every question, by regular
// expressions, and shares no code with the first.

// naivePattern makes the regular expression of a pattern; false where a variable has no value.
func naivePattern(pattern string, wild bool, keys Keys) (string, bool) {
	var re strings.Builder
	re.WriteString("(?s)^")
	for pattern != "" {
		if strings.HasPrefix(pattern, "${") && strings.Contains(pattern, "}") {
			inner, rest, _ := strings.Cut(pattern[2:], "}")
			pattern = rest
			if inner == "*" || inner == "?" || inner == "$" {
				re.WriteString(regexp.QuoteMeta(inner))
				continue
			}
			name, def, hasDefault := strings.Cut(inner, ",")
			def = strings.TrimSpace(def)
			values := keys(strings.ToLower(strings.TrimSpace(name)))
			switch {
			case len(values) == 1:
				re.WriteString(regexp.QuoteMeta(values[0]))
			case len(values) == 0 && hasDefault && len(def) >= 2:
				re.WriteString(regexp.QuoteMeta(def[1 : len(def)-1]))
			default:
				return "", false
			}
			continue
		}
		c := []rune(pattern)[0]
		pattern = pattern[len(string(c)):]
		switch {
		case wild && c == '*':
			re.WriteString(".*")
		case wild && c == '?':
			re.WriteString(".")
		default:
			re.WriteString(regexp.QuoteMeta(string(c)))
		}
	}
	return re.String() + "$", true
}

func naiveMatch(pattern, value string, wild bool, keys Keys) bool {
	re, ok := naivePattern(pattern, wild, keys)
	return ok && compiled(re).MatchString(value)
}

var expressions = map[string]*regexp.Regexp{}

func compiled(re string) *regexp.Regexp {
	if len(expressions) > 10_000 {
		clear(expressions)
	}
	if expressions[re] == nil {
		expressions[re] = regexp.MustCompile(re)
	}
	return expressions[re]
}

var variableForm = regexp.MustCompile(`\$\{[^}]*\}`)

func naiveARN(pattern, arn string, complete bool, keys Keys) bool {
	if strings.Trim(pattern, "*") == "" {
		return true
	}
	hidden := variableForm.ReplaceAllStringFunc(pattern, func(v string) string { return strings.ReplaceAll(v, ":", "\x00") })
	p := strings.SplitN(hidden, ":", 6)
	for complete && len(p) < 6 {
		p = append(p, "*")
	}
	a := strings.SplitN(arn, ":", 6)
	if len(p) != 6 || len(a) != 6 {
		return false
	}
	for i := range p {
		hit := false
		for _, name := range naiveNames(a, i) {
			hit = hit || naiveMatch(strings.ReplaceAll(p[i], "\x00", ":"), name, true, keys)
		}
		if !hit {
			return false
		}
	}
	return true
}

var naivePartitions = regexp.MustCompile(`^aws(-.*)?$`)

// naiveNames are the names of an ARN's part: a partition has those of all.
func naiveNames(parts []string, i int) []string {
	if i != 1 || !naivePartitions.MatchString(parts[1]) {
		return []string{parts[i]}
	}
	return []string{parts[1], "aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f", "aws-eusc"}
}

// naiveText is naiveOperator on a key that may hold an ARN: any of its names will do.
func naiveText(op, key, want, have string, keys Keys) bool {
	parts := strings.SplitN(have, ":", 3)
	if !strings.HasPrefix(op, "string") || !strings.HasSuffix(key, "arn") || len(parts) < 3 || parts[0] != "arn" {
		return naiveOperator(op, want, have, keys)
	}
	for _, name := range naiveNames(parts, 1) {
		if naiveOperator(op, want, "arn:"+name+":"+parts[2], keys) {
			return true
		}
	}
	return false
}

var naivePartition = regexp.MustCompile(`^arn:aws-[a-z-]+:`)

func naiveCanonical(arn string) string { return naivePartition.ReplaceAllString(arn, "arn:aws:") }

func naiveResource(pattern, arn string, keys Keys) bool { return naiveARN(pattern, arn, true, keys) }

func naiveList(v any) []string {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		var list []string
		for _, e := range v {
			list = append(list, naiveList(e)...)
		}
		return list
	}
	return []string{fmt.Sprint(v)}
}

func naiveOperator(op, want, have string, keys Keys) bool {
	number := func(f func(a, b float64) bool) bool {
		a, err := strconv.ParseFloat(have, 64)
		b, _ := strconv.ParseFloat(want, 64)
		return err == nil && f(a, b)
	}
	when := func(f func(a, b time.Time) bool) bool {
		a, ok := parseDate(have)
		b, _ := parseDate(want)
		return ok && f(a, b)
	}
	switch op {
	case "stringequals":
		return naiveMatch(want, have, false, keys)
	case "stringequalsignorecase":
		re, ok := naivePattern(want, false, keys)
		return ok && compiled("(?i)"+re).MatchString(have)
	case "stringlike":
		return naiveMatch(want, have, true, keys)
	case "numericequals":
		return number(func(a, b float64) bool { return a == b })
	case "numericlessthan":
		return number(func(a, b float64) bool { return a < b })
	case "numericlessthanequals":
		return number(func(a, b float64) bool { return a <= b })
	case "numericgreaterthan":
		return number(func(a, b float64) bool { return a > b })
	case "numericgreaterthanequals":
		return number(func(a, b float64) bool { return a >= b })
	case "dateequals":
		return when(func(a, b time.Time) bool { return a.Equal(b) })
	case "datelessthan":
		return when(time.Time.Before)
	case "datelessthanequals":
		return when(func(a, b time.Time) bool { return !a.After(b) })
	case "dategreaterthan":
		return when(time.Time.After)
	case "dategreaterthanequals":
		return when(func(a, b time.Time) bool { return !a.Before(b) })
	case "bool":
		return strings.EqualFold(have, want)
	case "binaryequals":
		a, err := base64.StdEncoding.DecodeString(have)
		b, _ := base64.StdEncoding.DecodeString(want)
		return err == nil && string(a) == string(b)
	case "ipaddress":
		ip := net.ParseIP(have)
		if _, block, err := net.ParseCIDR(want); err == nil {
			return ip != nil && block.Contains(ip) && (block.IP.To4() != nil) == (ip.To4() != nil)
		}
		return ip != nil && ip.Equal(net.ParseIP(want))
	case "arnequals", "arnlike":
		return naiveARN(want, have, false, keys)
	}
	panic(op)
}

func naiveCondition(op, key string, want []string, have []string, keys Keys) bool {
	op = strings.ToLower(op)
	set, rest, ok := strings.Cut(op, ":")
	if ok {
		op = rest
	} else {
		set = ""
	}
	if op == "null" {
		for _, w := range want {
			if (w == "true") == (len(have) == 0) {
				return true
			}
		}
		return false
	}
	op, ifExists := strings.CutSuffix(op, "ifexists")
	negated := strings.Contains(op, "not")
	op = strings.Replace(op, "not", "", 1)
	if len(have) == 0 {
		if ifExists || set == "forallvalues" {
			return true
		}
		return set == "" && negated
	}
	satisfied := 0
	for _, h := range have {
		hit := false
		for _, w := range want {
			hit = hit || naiveText(op, key, w, h, keys)
		}
		if hit != negated {
			satisfied++
		}
	}
	switch {
	case set == "forallvalues", set == "" && negated:
		return satisfied == len(have)
	}
	return satisfied > 0
}

func naiveApplies(s map[string]any, r *Request) bool {
	matches := func(name string, f func(string) bool) bool {
		list, not := s[name], false
		if list == nil {
			if list = s["Not"+name]; list == nil {
				return true
			}
			not = true
		}
		for _, p := range naiveList(list) {
			if f(p) {
				return !not
			}
		}
		return not
	}
	none := func(string) []string { return nil }
	if !matches("Action", func(p string) bool { return naiveMatch(strings.ToLower(p), strings.ToLower(r.Action), true, none) }) {
		return false
	}
	if !matches("Resource", func(p string) bool { return naiveResource(p, r.Resource, r.Keys) }) {
		return false
	}
	conditions, _ := s["Condition"].(map[string]any)
	for op, keys := range conditions {
		for key, want := range keys.(map[string]any) {
			if !naiveCondition(op, strings.ToLower(key), naiveList(want), r.Keys(strings.ToLower(key)), r.Keys) {
				return false
			}
		}
	}
	return true
}

func naiveStatements(text string) []map[string]any {
	var doc map[string]any
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		panic(err)
	}
	var list []map[string]any
	switch v := doc["Statement"].(type) {
	case []any:
		for _, e := range v {
			list = append(list, e.(map[string]any))
		}
	case map[string]any:
		list = append(list, v)
	}
	return list
}

// naiveGrant is 3 where a principal is named itself, 2 by its role, 1 by its account, 0 not.
func naiveGrant(s map[string]any, p *Principal) int {
	named := func(element any, arn string) bool {
		if element == "*" {
			return true
		}
		m, _ := element.(map[string]any)
		for kind, values := range m {
			for _, v := range naiveList(values) {
				v, arn := naiveCanonical(v), naiveCanonical(arn)
				account := "arn:aws:iam::" + v + ":root"
				if arn != "" && (v == arn || kind == "AWS" && (v == "*" || account == arn)) || kind == "AWS" && v == "*" {
					return true
				}
			}
		}
		return false
	}
	root := ""
	if p.Account != "" {
		root = "arn:aws:iam::" + p.Account + ":root"
	}
	self := p.ARN
	if p.Name != "" {
		self = p.Name
	}
	if not, ok := s["NotPrincipal"]; ok {
		if s["Effect"] == "Deny" {
			for _, arn := range []string{self, p.Role, root} {
				if arn != "" && !named(not, arn) || arn == "" && self == "" && not != "*" {
					return 3
				}
			}
			return 0
		}
		if named(not, self) || p.Role != "" && named(not, p.Role) || root != "" && named(not, root) {
			return 0
		}
		return 3
	}
	element := s["Principal"]
	switch {
	case element == nil:
		return 0
	case named(element, self):
		return 3
	case p.Role != "" && named(element, p.Role):
		return 2
	case root != "" && named(element, root):
		return 1
	}
	return 0
}

// naivePolicies are the texts of the policies of a request; nil limits are none.
type naivePolicies struct {
	identity, boundary, session []string
	resource                    string
}

func naiveAllows(identity string, more *naivePolicies, r *Request) bool {
	if more == nil {
		more = &naivePolicies{identity: []string{identity}}
	}
	applying := func(texts []string, effect string, least int) bool {
		for _, text := range texts {
			for _, s := range naiveStatements(text) {
				if s["Effect"] == effect && (least == 0 || naiveGrant(s, &r.Principal) >= least) && naiveApplies(s, r) {
					return true
				}
			}
		}
		return false
	}
	var resource []string
	if more.resource != "" {
		resource = []string{more.resource}
	}
	if applying(more.identity, "Deny", 0) || applying(more.boundary, "Deny", 0) || applying(more.session, "Deny", 0) || applying(resource, "Deny", 1) {
		return false
	}
	same := r.Account == "" || r.Account == r.Principal.Account
	limits := (more.boundary == nil || applying(more.boundary, "Allow", 0)) && (more.session == nil || applying(more.session, "Allow", 0))
	own := applying(more.identity, "Allow", 0) && limits
	switch k := r.Principal.Kind; {
	case k == Root && same && !r.ResourceDecides:
		return true
	case k == Root, k == Anonymous, k == Service, k == Federated:
		return applying(resource, "Allow", 3)
	case !same:
		return own && applying(resource, "Allow", 1)
	case applying(resource, "Allow", 3):
		return true
	case applying(resource, "Allow", 2):
		return limits
	case r.ResourceDecides:
		return own && applying(resource, "Allow", 1)
	}
	return own
}

var randomPolicies = flag.Int("policies", 3000, "how many random policies the two evaluators are to agree on")

// TestRandomPolicies holds the evaluator against the second one.
func TestRandomPolicies(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	g := &generator{rand.New(rand.NewPCG(seed, 1))}
	allowed := 0
	for i := range *randomPolicies {
		r, p, n := g.request()
		d := Evaluate(r, p)
		if want := naiveAllows("", n, r); d.Allowed != want {
			t.Fatalf("seed %d, policy %d: the evaluator says %v, the second %v\n%+v\nidentity %v\nboundary %v\nsession %v\nresource %v",
				seed, i, d.Allowed, want, r, n.identity, n.boundary, n.session, n.resource)
		}
		if d.Allowed {
			allowed++
		}
	}
	t.Logf("%d of %d allowed", allowed, *randomPolicies)
}

type generator struct{ *rand.Rand }

func (g *generator) of(list ...string) string { return list[g.IntN(len(list))] }
func (g *generator) chance(percent int) bool  { return g.IntN(100) < percent }

func (g *generator) some(f func() string) any {
	n := g.IntN(3)
	if n == 0 {
		return f()
	}
	list := make([]string, n)
	for i := range list {
		list[i] = f()
	}
	return list
}

func (g *generator) resource() string {
	return g.of("*", "arn:aws:s3:::b/*", "arn:aws:s3:::b/k", "arn:aws:s3:::b", "arn:aws:s3:::*", "arn:aws:s3:::b/${aws:username}/*", "arn:aws:s3:::b/${aws:none, 'k'}",
		"arn:aws:s3:::b/${aws:none}", "arn:aws:kinesis:*:111122223333:stream/?", "arn:aws:kinesis:us-*", "arn:aws:*", "arn:*:kinesis:*:*:stream/s*", "arn:aws:s3:::b/k?*", "arn:aws:s3:::?/*/*",
		"arn:aws-cn:s3:::b/*", "arn:aws-us-gov:kinesis:*:*:stream/*", "arn:aws-*:s3:::b/k", "arn:a?s:s3:::b/*", "arn:${aws:none, 'aws-cn'}:s3:::b/k")
}

func (g *generator) statement(kind Kind) map[string]any {
	s := map[string]any{"Effect": g.of("Allow", "Allow", "Allow", "Deny")}
	name := func(n string) string {
		if g.chance(15) {
			return "Not" + n
		}
		return n
	}
	action := func() string {
		return g.of("*", "s3:*", "s3:Get*", "s3:GetObject", "S3:getobject", "kinesis:Put*", "kinesis:*", "s3:?etObject", "*:*Object", "iam:*")
	}
	if kind == Trust {
		action = func() string { return g.of("sts:*", "sts:AssumeRole", "sts:Assume*", "sts:TagSession") }
	}
	s[g.of("Action", name("Action"))] = g.some(action)
	if kind != Trust {
		s[name("Resource")] = g.some(g.resource)
	}
	if kind != Identity {
		if g.chance(30) {
			s["Principal"] = "*"
		} else {
			names := []string{}
			for range 1 + g.IntN(3) {
				names = append(names, g.of("account", "user", "bob", "role", "session", "federated", "account@2", "user@2", "role@2", "svc:s3.amazonaws.com", "web:token.example.com"))
			}
			s[name("Principal")] = principalElement(strings.Join(names, ","))
		}
	}
	if g.chance(40) {
		s["Condition"] = g.condition()
	}
	return s
}

func (g *generator) condition() map[string]any {
	c := map[string]any{}
	for range 1 + g.IntN(2) {
		kind := g.of("String", "Like", "Numeric", "Date", "Bool", "Ip", "Arn", "Null", "Binary")
		op, key, value := "", "", func() string { return "" }
		switch kind {
		case "String":
			op, key = g.of("StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"), g.of("aws:username", "test:one", "test:many", "test:none", "test:arn")
			value = func() string {
				return g.of("arn:aws-iso:s3:::b", "arn:aws:s3:::B", "ann", "ANN", "x", "y", "${aws:username}", "${test:none}", "${test:none, 'x'}")
			}
		case "Like":
			op, key = g.of("StringLike", "StringNotLike"), g.of("aws:username", "test:one", "test:many", "test:none", "test:arn")
			value = func() string {
				return g.of("a*", "*", "?", "??n", "x*y", "${test:one}*", "${*}", "arn:aws:*", "arn:aws-cn:s3:::b", "arn:*:b", "ARN:*", "arn:aws-*:t")
			}
		case "Numeric":
			op, key = "Numeric"+g.of("Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals"), g.of("test:number", "test:none", "test:one")
			value = func() string { return g.of("1", "5", "5.0", "9", "-3") }
		case "Date":
			op, key = "Date"+g.of("Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals"), g.of("test:date", "test:none", "test:one")
			value = func() string { return g.of("2026-01-01T00:00:00Z", "2026-06-01T12:00:00Z", "1767323045", "2027-01-01") }
		case "Bool":
			op, key = "Bool", g.of("test:bool", "test:none")
			value = func() string { return g.of("true", "false") }
		case "Ip":
			op, key = g.of("IpAddress", "NotIpAddress"), g.of("test:ip", "test:none", "test:one")
			value = func() string { return g.of("10.0.0.0/8", "10.1.2.3", "2001:db8::/32", "0.0.0.0/0") }
		case "Arn":
			op, key = "Arn"+g.of("Equals", "Like", "NotEquals", "NotLike"), g.of("test:arn", "test:none", "test:one")
			value = func() string {
				return g.of("arn:aws:s3:::*", "arn:aws-cn:s3:::b", "arn:aws-*:s3:::b", "arn:aws:s3:::b", "arn:aws:sns:*:*:t", "*", "arn:aws:s3:::${test:one}")
			}
		case "Null":
			op, key = "Null", g.of("test:one", "test:none")
			value = func() string { return g.of("true", "false") }
		case "Binary":
			op, key = "BinaryEquals", g.of("test:binary", "test:none")
			value = func() string { return g.of("AAEC", "QmluYXJ5") }
		}
		if g.chance(25) {
			op = g.of("ForAnyValue:", "ForAllValues:") + op
		}
		if kind != "Null" && g.chance(20) {
			op += "IfExists"
		}
		c[op] = map[string]any{key: g.some(value)}
	}
	return c
}

func (g *generator) document(kind Kind) (string, Named) {
	var statements []any
	for range 1 + g.IntN(3) {
		statements = append(statements, g.statement(kind))
	}
	b, _ := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": statements})
	d, err := Parse(string(b), kind)
	if err != nil {
		panic(fmt.Sprintf("%s: %v", b, err))
	}
	return string(b), Named{"p", d}
}

func (g *generator) request() (*Request, *Policies, *naivePolicies) {
	r := &Request{
		Action:   g.of("s3:GetObject", "s3:PutObject", "kinesis:PutRecord"),
		Resource: g.of("arn:aws:s3:::b/k", "arn:aws-cn:s3:::b/k", "arn:aws:s3:::b/ann/x", "arn:aws:s3:::b", "arn:aws:kinesis:us-east-1:111122223333:stream/s"),
		Account:  here,
	}
	r.Principal = who(nil, g.of("root", "user", "user", "role", "role", "federated", "anon", "user@2", "role@2", "root@2", "svc:s3.amazonaws.com", "web:token.example.com"))
	if g.chance(30) {
		r.Principal.ARN = strings.Replace(r.Principal.ARN, "arn:aws:", "arn:"+g.of("aws-cn", "aws-us-gov")+":", 1)
	}
	values := map[string][]string{
		"aws:username": {"ann"}, "test:one": {g.of("x", "xy", "ann", "5", "b")}, "test:many": {"x", g.of("y", "ann", "z")}, "test:number": {g.of("1", "5", "7")},
		"test:date": {g.of("2026-01-01T00:00:00Z", "2026-09-01T00:00:00Z", "1767323045")}, "test:bool": {g.of("true", "false")}, "test:ip": {g.of("10.1.2.3", "192.168.1.1", "2001:db8::1")},
		"test:arn": {g.of("arn:aws:s3:::b", "arn:aws-cn:s3:::b", "arn:aws-us-gov:sns:us-gov-west-1:111122223333:t", "not an ARN", "arn:aws:sns:us-east-1:111122223333:t")}, "test:binary": {"AAEC"},
	}
	r.Keys = func(key string) []string { return values[key] }
	p, n := &Policies{}, &naivePolicies{}
	for range g.IntN(3) {
		text, doc := g.document(Identity)
		p.Identity, n.identity = append(p.Identity, doc), append(n.identity, text)
	}
	if g.chance(25) {
		text, doc := g.document(Identity)
		p.Boundary, n.boundary = &doc, []string{text}
	}
	if g.chance(25) {
		p.Session, n.session = []Named{}, []string{}
		for range g.IntN(3) {
			text, doc := g.document(Identity)
			p.Session, n.session = append(p.Session, doc), append(n.session, text)
		}
	}
	kind := Resource
	if g.chance(15) {
		kind, r.Action, r.Resource, r.ResourceDecides = Trust, "sts:AssumeRole", "arn:aws:iam::111122223333:role/r", true
	}
	if g.chance(60) {
		text, doc := g.document(kind)
		p.Resource, n.resource = &doc, text
	}
	return r, p, n
}
