package apigatewayv2

import (
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
)

// compiled is a definition made ready for requests.
type compiled struct {
	api      *apiDoc
	revision string // of the deployment, for what is kept by it
	root     *pathNode
	fallback *plan // of the route $default, nil without
}

// pathNode is a part of a path.
type pathNode struct {
	children map[string]*pathNode // static parts
	variable *pathNode            // {name}
	greedy   map[string]*plan     // of {name+}, by method
	plans    map[string]*plan     // by method
}

// plan is a route with its integration, made ready.
type plan struct {
	route       types.Route
	names       []string // of the path's variables, in order
	integration types.Integration
	broken      bool   // there is no integration
	function    string // of a proxy integration with a function
	subtype     *subtype
	parameters  map[string]expression // of a subtype
	requests    []mappingRule
	answers     map[int][]mappingRule
	identity    []expression // of its authorizer
	authorizer  types.Authorizer
}

// maxCompiled bounds the definitions that are kept ready.
const maxCompiled = 200

// compile makes a definition ready, once for its deployment.
func (s *Service) compile(d *apiDoc, deployment string) (*compiled, error) {
	key := d.id() + "/" + deployment
	s.mu.Lock()
	c := s.compiled[key]
	s.mu.Unlock()
	if c != nil {
		return c, nil
	}
	c, err := compileAPI(d, deployment)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.compiled) >= maxCompiled {
		clear(s.compiled)
	}
	s.compiled[key] = c
	return c, nil
}

func compileAPI(d *apiDoc, deployment string) (*compiled, error) {
	c := &compiled{api: d, revision: deployment, root: &pathNode{}}
	for _, r := range sorted(d.Routes) {
		p, err := compileRoute(d, r)
		if err != nil {
			return nil, err
		}
		method, parts, err := splitKey(*r.RouteKey)
		if err != nil {
			return nil, err
		}
		if method == "" {
			c.fallback = p
			continue
		}
		c.root.add(method, parts, p)
	}
	return c, nil
}

func (n *pathNode) add(method string, parts []string, p *plan) {
	for _, part := range parts {
		switch {
		case strings.HasSuffix(part, "+}"):
			p.names = append(p.names, strings.Trim(part, "{+}"))
			n.greedy = with(n.greedy, method, p)
			return
		case strings.HasPrefix(part, "{"):
			p.names = append(p.names, strings.Trim(part, "{}"))
			if n.variable == nil {
				n.variable = &pathNode{}
			}
			n = n.variable
		default:
			if n.children[part] == nil {
				n.children = with(n.children, part, &pathNode{})
			}
			n = n.children[part]
		}
	}
	n.plans = with(n.plans, method, p)
}

func compileRoute(d *apiDoc, r types.Route) (*plan, error) {
	p := &plan{route: r}
	if id := aws.ToString(r.AuthorizerId); id != "" {
		a, ok := d.Authorizers[id]
		if !ok {
			return nil, missing("Authorizer", id)
		}
		p.authorizer = a
		for _, source := range a.IdentitySource {
			e, err := parseExpression(source)
			if err != nil {
				return nil, err
			}
			p.identity = append(p.identity, e)
		}
	}
	i, ok := d.Integrations[strings.TrimPrefix(aws.ToString(r.Target), "integrations/")]
	if !ok {
		p.broken = true
		return p, nil
	}
	p.integration = i
	var err error
	if p.answers, err = parseResponseMappings(i.ResponseParameters); err != nil {
		return nil, err
	}
	if name := aws.ToString(i.IntegrationSubtype); name != "" {
		st := subtypes[name]
		p.subtype, p.parameters = &st, map[string]expression{}
		for k, v := range i.RequestParameters {
			if p.parameters[k], err = parseExpression(v); err != nil {
				return nil, err
			}
		}
		return p, nil
	}
	if i.IntegrationType == types.IntegrationTypeAwsProxy {
		p.function, _ = functionOf(aws.ToString(i.IntegrationUri))
	}
	p.requests, err = parseRequestMappings(i.RequestParameters)
	return p, err
}

func pick(plans map[string]*plan, method string) *plan {
	if p := plans[method]; p != nil {
		return p
	}
	return plans["ANY"]
}

// find returns the route of a request with its path variables; nil if there is none. The path is escaped: a
// slash that is escaped separates nothing. Full matches go before greedy variables, those before $default.
func (c *compiled) find(method, path string) (*plan, map[string]string) {
	path = strings.TrimPrefix(path, "/")
	var parts []string
	if path != "" {
		parts = strings.Split(strings.TrimSuffix(path, "/"), "/")
	}
	for i, part := range parts {
		if u, err := url.PathUnescape(part); err == nil {
			parts[i] = u
		}
	}
	for _, greedy := range []bool{false, true} {
		if p, values := c.root.walk(method, parts, nil, greedy); p != nil {
			params := make(map[string]string, len(values))
			for i, name := range p.names {
				params[name] = values[i]
			}
			return p, params
		}
	}
	return c.fallback, map[string]string{}
}

// walk finds the plan of a path: static parts before variables; greedy ones only where they are asked for, the
// longest path first.
func (n *pathNode) walk(method string, parts, values []string, greedy bool) (*plan, []string) {
	if len(parts) == 0 {
		if greedy {
			return nil, nil
		}
		return pick(n.plans, method), values
	}
	if c := n.children[parts[0]]; c != nil {
		if p, v := c.walk(method, parts[1:], values, greedy); p != nil {
			return p, v
		}
	}
	if n.variable != nil && parts[0] != "" {
		if p, v := n.variable.walk(method, parts[1:], append(values[:len(values):len(values)], parts[0]), greedy); p != nil {
			return p, v
		}
	}
	if p := pick(n.greedy, method); greedy && p != nil {
		return p, append(values[:len(values):len(values)], strings.Join(parts, "/"))
	}
	return nil, nil
}
