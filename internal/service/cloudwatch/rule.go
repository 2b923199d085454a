package cloudwatch

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awskit/scope"
)

// rule is the condition of a composite alarm: ALARM("a") AND (NOT OK(b) OR INSUFFICIENT_DATA(arn...)), TRUE, FALSE,
// AT_LEAST(2, ALARM, (a, b, c)).
type rule struct {
	op    string // "AND", "OR", "NOT", "TRUE", "FALSE", "AT_LEAST", or a state
	of    []*rule
	name  string // of an alarm, or its ARN
	least int
}

const (
	maxRuleDepth = 64
	maxChildren  = 500
)

type ruleParser struct {
	rest  string
	names int
}

func parseRule(text string) (*rule, error) {
	p := &ruleParser{rest: text}
	r, err := p.or(0)
	if err != nil {
		return nil, err
	}
	if p.skip(); p.rest != "" {
		return nil, fmt.Errorf("unexpected %.20q", p.rest)
	}
	return r, nil
}

func (p *ruleParser) skip() { p.rest = strings.TrimLeft(p.rest, " \t\r\n") }

func (p *ruleParser) take(s string) bool {
	p.skip()
	if !strings.HasPrefix(p.rest, s) {
		return false
	}
	p.rest = p.rest[len(s):]
	return true
}

// keyword takes a word that ends there.
func (p *ruleParser) keyword(s string) bool {
	p.skip()
	if !strings.HasPrefix(p.rest, s) {
		return false
	}
	if after := p.rest[len(s):]; after != "" && !strings.ContainsAny(after[:1], " \t\r\n()") {
		return false
	}
	p.rest = p.rest[len(s):]
	return true
}

func (p *ruleParser) or(depth int) (*rule, error) {
	r, err := p.and(depth)
	for err == nil && p.keyword("OR") {
		var right *rule
		right, err = p.and(depth)
		r = &rule{op: "OR", of: []*rule{r, right}}
	}
	return r, err
}

func (p *ruleParser) and(depth int) (*rule, error) {
	r, err := p.one(depth)
	for err == nil && p.keyword("AND") {
		var right *rule
		right, err = p.one(depth)
		r = &rule{op: "AND", of: []*rule{r, right}}
	}
	return r, err
}

func (p *ruleParser) one(depth int) (*rule, error) {
	if depth > maxRuleDepth {
		return nil, fmt.Errorf("it is nested more than %d levels deep", maxRuleDepth)
	}
	switch {
	case p.keyword("NOT"):
		r, err := p.one(depth + 1)
		return &rule{op: "NOT", of: []*rule{r}}, err
	case p.keyword("TRUE"):
		return &rule{op: "TRUE"}, nil
	case p.keyword("FALSE"):
		return &rule{op: "FALSE"}, nil
	case p.keyword("AT_LEAST"):
		return p.atLeast()
	case p.take("("):
		r, err := p.or(depth + 1)
		if err == nil && !p.take(")") {
			err = fmt.Errorf("a parenthesis is not closed")
		}
		return r, err
	}
	for _, st := range types.StateValue("").Values() {
		if !p.keyword(string(st)) {
			continue
		}
		if !p.take("(") {
			return nil, fmt.Errorf("%s has no alarm in parentheses", st)
		}
		name, err := p.name()
		if err == nil && !p.take(")") {
			err = fmt.Errorf("the parenthesis behind %.60s is not closed", name)
		}
		return &rule{op: string(st), name: name}, err
	}
	return nil, fmt.Errorf("unexpected %.20q", p.rest)
}

// atLeast is what follows AT_LEAST: (2, ALARM, (a, b, c)).
func (p *ruleParser) atLeast() (*rule, error) {
	bad := fmt.Errorf("AT_LEAST is not of the form AT_LEAST(2, ALARM, (a, b))")
	if !p.take("(") {
		return nil, bad
	}
	p.skip()
	n := strings.IndexByte(p.rest, ',')
	if n < 0 {
		return nil, bad
	}
	least, err := strconv.Atoi(strings.TrimSpace(p.rest[:n]))
	if err != nil || least < 1 {
		return nil, bad
	}
	p.rest = p.rest[n+1:]
	not := p.keyword("NOT")
	st := ""
	for _, v := range types.StateValue("").Values() {
		p.skip()
		if strings.HasPrefix(p.rest, string(v)) {
			st = string(v)
			p.rest = p.rest[len(st):]
			break
		}
	}
	if st == "" || !p.take(",") || !p.take("(") {
		return nil, bad
	}
	r := &rule{op: "AT_LEAST", least: least}
	for {
		name, err := p.name()
		if err != nil {
			return nil, err
		}
		one := &rule{op: st, name: name}
		if not {
			one = &rule{op: "NOT", of: []*rule{one}}
		}
		r.of = append(r.of, one)
		if p.take(")") {
			break
		}
		if !p.take(",") {
			return nil, bad
		}
	}
	if !p.take(")") || least > len(r.of) {
		return nil, bad
	}
	return r, nil
}

// name is that of an alarm, quoted if it has blanks or parentheses, or its ARN.
func (p *ruleParser) name() (string, error) {
	if p.names++; p.names > maxChildren {
		return "", fmt.Errorf("it names more than %d alarms", maxChildren)
	}
	p.skip()
	if strings.HasPrefix(p.rest, `"`) {
		var b strings.Builder
		for i := 1; i < len(p.rest); i++ {
			switch c := p.rest[i]; {
			case c == '\\' && i+1 < len(p.rest):
				i++
				b.WriteByte(p.rest[i])
			case c == '"':
				p.rest = p.rest[i+1:]
				return b.String(), nil
			default:
				b.WriteByte(c)
			}
		}
		return "", fmt.Errorf("a quoted name does not end")
	}
	n := strings.IndexAny(p.rest, "(), \t\r\n")
	if n < 0 {
		n = len(p.rest)
	}
	if n == 0 {
		return "", fmt.Errorf("the name of an alarm is missing")
	}
	name := p.rest[:n]
	p.rest = p.rest[n:]
	return name, nil
}

// alarm is the name of an alarm of the scope.
func (r *rule) alarm(sc scope.Scope) string {
	if a, ok := arn.Parse(r.name); ok && a.Within("cloudwatch", sc.Region, sc.Account) {
		if name, is := a.After("alarm:"); is {
			return name
		}
	}
	return r.name
}

// alarms are the names of all that the rule has, each once, in order.
func (r *rule) alarms(sc scope.Scope) (names []string) {
	seen := map[string]bool{}
	var walk func(r *rule)
	walk = func(r *rule) {
		if r.name != "" {
			if name := r.alarm(sc); !seen[name] {
				seen[name] = true
				names = append(names, name)
			}
		}
		for _, x := range r.of {
			walk(x)
		}
	}
	walk(r)
	return names
}

// holds evaluates the rule, with the states of alarms.
func (r *rule) holds(sc scope.Scope, stateOf func(name string) types.StateValue) bool {
	switch r.op {
	case "TRUE", "FALSE":
		return r.op == "TRUE"
	case "NOT":
		return !r.of[0].holds(sc, stateOf)
	case "AND", "OR":
		left := r.of[0].holds(sc, stateOf)
		if left == (r.op == "OR") {
			return left
		}
		return r.of[1].holds(sc, stateOf)
	case "AT_LEAST":
		n := 0
		for _, x := range r.of {
			if x.holds(sc, stateOf) {
				n++
			}
		}
		return n >= r.least
	}
	return string(stateOf(r.alarm(sc))) == r.op
}
