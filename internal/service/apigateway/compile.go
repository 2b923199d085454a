package apigateway

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/brookmere/brookmere/internal/engine/vtl"
)

// compiled is a deployment made ready for requests.
type compiled struct {
	api  *apiDoc
	root *pathNode
}

// pathNode is a part of a path.
type pathNode struct {
	children map[string]*pathNode // static parts
	variable *pathNode            // {name}
	greedy   *pathNode            // {name+}
	name     string               // of a variable
	path     string               // "/orders/{id}"
	id       string               // of the resource
	methods  map[string]*route
}

// route is a method made ready.
type route struct {
	node      *pathNode
	method    types.Method
	target    target // of AWS integrations
	requests  map[string]*vtl.Template
	answers   []answer // by status
	models    map[string]*jsonschema.Schema
	validator types.RequestValidator
}

type answer struct {
	types.IntegrationResponse
	pattern   *regexp.Regexp // nil: the answer where no pattern matches
	templates map[string]*vtl.Template
}

// maxCompiled bounds the deployments that are kept ready.
const maxCompiled = 200

// compile makes a deployment ready, once.
func (s *Service) compile(d *deploymentDoc) (*compiled, error) {
	key := d.API.ID + "/" + d.ID
	s.mu.Lock()
	c := s.compiled[key]
	s.mu.Unlock()
	if c != nil {
		return c, nil
	}
	c, err := compileAPI(&d.API)
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

func compileAPI(d *apiDoc) (*compiled, error) {
	c := &compiled{api: d}
	ms, err := modelsOf(d)
	if err != nil {
		return nil, err
	}
	var build func(r *resourceDoc) (*pathNode, error)
	build = func(r *resourceDoc) (*pathNode, error) {
		n := &pathNode{path: d.path(r), id: r.ID, children: map[string]*pathNode{}, methods: map[string]*route{}}
		for verb, m := range r.Methods {
			rt, err := compileRoute(d, ms, n, m)
			if err != nil {
				return nil, fmt.Errorf("%s %s: %w", verb, n.path, err)
			}
			n.methods[verb] = rt
		}
		for _, id := range d.children(r.ID) {
			child := d.Resources[id]
			cn, err := build(child)
			if err != nil {
				return nil, err
			}
			switch {
			case strings.HasSuffix(child.Part, "+}"):
				cn.name = strings.Trim(child.Part, "{+}")
				n.greedy = cn
			case strings.HasPrefix(child.Part, "{"):
				cn.name = strings.Trim(child.Part, "{}")
				n.variable = cn
			default:
				n.children[child.Part] = cn
			}
		}
		return n, nil
	}
	root := d.Resources[d.Root]
	if root == nil {
		return nil, errors.New("the API has no root resource")
	}
	c.root, err = build(root)
	return c, err
}

func compileRoute(d *apiDoc, ms *models, n *pathNode, m types.Method) (*route, error) {
	r := &route{node: n, method: m, models: map[string]*jsonschema.Schema{}, validator: d.Validators[aws.ToString(m.RequestValidatorId)]}
	for contentType, name := range m.RequestModels {
		schema, err := ms.compile(name)
		if err != nil {
			return nil, fmt.Errorf("model %s: %w", name, err)
		}
		r.models[strings.ToLower(contentType)] = schema
	}
	i := m.MethodIntegration
	if i == nil {
		return r, nil
	}
	r.target, _ = parseTarget(aws.ToString(i.Uri))
	var err error
	if r.requests, err = parseTemplates(i.RequestTemplates); err != nil {
		return nil, err
	}
	for _, resp := range i.IntegrationResponses {
		a := answer{IntegrationResponse: resp}
		if p := aws.ToString(resp.SelectionPattern); p != "" {
			if a.pattern, err = compilePattern(p); err != nil {
				return nil, err
			}
		}
		if a.templates, err = parseTemplates(resp.ResponseTemplates); err != nil {
			return nil, err
		}
		r.answers = append(r.answers, a)
	}
	slices.SortFunc(r.answers, func(a, b answer) int { return strings.Compare(*a.StatusCode, *b.StatusCode) })
	return r, nil
}

func parseTemplates(in map[string]string) (map[string]*vtl.Template, error) {
	out := make(map[string]*vtl.Template, len(in))
	for contentType, text := range in {
		t, err := vtl.Parse(text)
		if err != nil {
			return nil, err
		}
		if text == "" {
			t = nil // an empty template passes through
		}
		out[strings.ToLower(contentType)] = t
	}
	return out, nil
}

// noLoader refuses to load what a schema refers to outside of its API.
type noLoader struct{}

func (noLoader) Load(url string) (any, error) {
	return nil, fmt.Errorf("the reference %s leads out of the API", url)
}

const modelBase = "https://apigateway.amazonaws.com/restapis/"

// models compiles the models of an API, each of which may refer to others. Each is read once.
type models struct {
	base     string
	compiler *jsonschema.Compiler
	bad      map[string]error // by name: those that cannot be read
}

func modelsOf(d *apiDoc) (*models, error) {
	m := &models{base: modelBase + d.ID + "/models/", compiler: jsonschema.NewCompiler(), bad: map[string]error{}}
	m.compiler.DefaultDraft(jsonschema.Draft4)
	m.compiler.UseLoader(noLoader{})
	for name, model := range d.Models {
		text := aws.ToString(model.Schema)
		if strings.TrimSpace(text) == "" {
			text = "{}"
		}
		doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err != nil {
			m.bad[name] = errors.New("the schema is not JSON")
			continue
		}
		if obj, ok := doc.(map[string]any); ok {
			delete(obj, "id") // models are known by their names
		}
		if err := m.compiler.AddResource(m.base+name, doc); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// compile compiles a model.
func (m *models) compile(name string) (*jsonschema.Schema, error) {
	if err := m.bad[name]; err != nil {
		return nil, err
	}
	return m.compiler.Compile(m.base + name)
}

// find returns the route of a request with its path parameters; nil if there is none. The path is escaped: a
// slash that is escaped separates nothing, and parts and variables are what the client meant.
func (c *compiled) find(verb, path string) (*route, map[string]string) {
	params := map[string]string{}
	parts := strings.Split(strings.Trim(path, "/"), "/")
	if strings.Trim(path, "/") == "" {
		parts = nil
	}
	for i, part := range parts {
		if u, err := url.PathUnescape(part); err == nil {
			parts[i] = u
		}
	}
	n := c.root.walk(parts, verb, params)
	if n == nil {
		return nil, nil
	}
	return n.route(verb), params
}

// routeOf returns the route of a method of a resource; nil if there is none.
func (c *compiled) routeOf(id, verb string) *route {
	var find func(*pathNode) *route
	find = func(n *pathNode) *route {
		if n.id == id {
			return n.methods[verb]
		}
		for _, child := range n.children {
			if r := find(child); r != nil {
				return r
			}
		}
		for _, child := range []*pathNode{n.variable, n.greedy} {
			if child == nil {
				continue
			}
			if r := find(child); r != nil {
				return r
			}
		}
		return nil
	}
	return find(c.root)
}

func (n *pathNode) route(verb string) *route {
	if r := n.methods[verb]; r != nil {
		return r
	}
	return n.methods["ANY"]
}

// walk finds the node of a path: static parts before variables, variables before greedy ones.
func (n *pathNode) walk(parts []string, verb string, params map[string]string) *pathNode {
	if len(parts) == 0 {
		if n.route(verb) == nil {
			return nil
		}
		return n
	}
	if c := n.children[parts[0]]; c != nil {
		if found := c.walk(parts[1:], verb, params); found != nil {
			return found
		}
	}
	if v := n.variable; v != nil && parts[0] != "" {
		if found := v.walk(parts[1:], verb, params); found != nil {
			params[v.name] = parts[0]
			return found
		}
	}
	if g := n.greedy; g != nil && g.route(verb) != nil {
		params[g.name] = strings.Join(parts, "/")
		return g
	}
	return nil
}
