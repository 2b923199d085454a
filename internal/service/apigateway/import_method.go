package apigateway

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"

	"github.com/brookmere/brookmere/internal/engine/openapi"
)

// What a description says of paths: resources, methods, their parameters, models, authorizers, answers and integrations.

func (im *importer) paths(mode string) error {
	base := strings.Trim(im.basePath(), "/")
	switch mode {
	case "", "ignore":
		base = ""
	case "prepend":
	case "split":
		if _, rest, ok := strings.Cut(base, "/"); ok {
			base = rest
		} else {
			base = ""
		}
	default:
		return badRequest("Invalid value of the parameter basepath: %s. It is ignore, prepend or split", mode)
	}
	paths := openapi.Child(im.doc.Root, "paths")
	for _, path := range openapi.Names(paths) {
		if !strings.HasPrefix(path, "/") {
			if !strings.HasPrefix(path, "x-") {
				return badRequest("Invalid path: %s. It should begin with a slash", path)
			}
			continue
		}
		item, err := im.doc.Resolve(paths[path])
		if err != nil {
			return err
		}
		r, err := im.resource(base + path)
		if err != nil {
			return err
		}
		shared, _ := item["parameters"].([]any)
		for _, verb := range append(slices.Clone(openapi.Methods), openapi.AnyMethod) {
			op := openapi.Child(item, verb)
			if op == nil {
				continue
			}
			name := strings.ToUpper(verb)
			if verb == openapi.AnyMethod {
				name = "ANY"
			}
			m, err := im.method(name, path, op, shared)
			if err != nil {
				return err
			}
			if r.Methods == nil {
				r.Methods = map[string]types.Method{}
			}
			r.Methods[name] = *m
		}
	}
	return nil
}

// resource is the resource of a path, which is made with those above it.
func (im *importer) resource(path string) (*resourceDoc, error) {
	d := im.api
	at := d.Resources[d.Root]
	for part := range strings.SplitSeq(strings.Trim(path, "/"), "/") {
		if part == "" {
			continue
		}
		var next *resourceDoc
		for _, id := range d.children(at.ID) {
			if d.Resources[id].Part == part {
				next = d.Resources[id]
			}
		}
		if next == nil {
			if len(d.Resources) >= maxResources {
				return nil, &types.LimitExceededException{Message: aws.String("Maximum number of resources for this API has been reached.")}
			}
			if err := d.checkPart("", at.ID, part); err != nil {
				return nil, err
			}
			next = &resourceDoc{ID: newID(6), Parent: at.ID, Part: part}
			if id, ok := im.ids[d.path(next)]; ok && d.Resources[id] == nil {
				next.ID = id
			}
			d.Resources[next.ID] = next
		}
		at = next
	}
	return at, nil
}

// method is the method of an operation.
func (im *importer) method(verb, path string, op openapi.Object, shared []any) (*types.Method, error) {
	m := &types.Method{HttpMethod: aws.String(verb), AuthorizationType: aws.String("NONE"), ApiKeyRequired: aws.Bool(false), OperationName: text(openapi.Text(op, "operationId"))}
	if err := im.parameters(m, path, op, shared); err != nil {
		return nil, err
	}
	if err := im.authorization(m, op); err != nil {
		return nil, err
	}
	validator := openapi.Text(op, "x-amazon-apigateway-request-validator")
	if validator == "" {
		validator = openapi.Text(im.doc.Root, "x-amazon-apigateway-request-validator")
	}
	if validator != "" {
		id := im.validator(validator)
		if id == "" {
			return nil, badRequest("Invalid request validator specified: %s", validator)
		}
		m.RequestValidatorId = aws.String(id)
	}
	if err := im.responses(m, op); err != nil {
		return nil, err
	}
	return m, im.integration(m, op)
}

func (im *importer) parameters(m *types.Method, path string, op openapi.Object, shared []any) error {
	own, _ := op["parameters"].([]any)
	if len(shared)+len(own) > maxParameters {
		return badRequest("The operation of %s has more than %d parameters", path, maxParameters)
	}
	for _, raw := range slices.Concat(shared, own) {
		p, err := im.doc.Resolve(raw)
		if err != nil {
			return err
		}
		name, required := openapi.Text(p, "name"), p["required"] == true
		if err := im.doc.Take(len(name)); err != nil {
			return err
		}
		where := map[string]string{"query": "querystring", "header": "header", "path": "path"}[openapi.Text(p, "in")]
		switch {
		case where != "" && name != "" && !strings.ContainsAny(name, " \t\r\n"):
			m.RequestParameters = with(m.RequestParameters, "method.request."+where+"."+name, required)
		case openapi.Text(p, "in") == "body":
			consumes := openapi.Texts(op, "consumes")
			if consumes == nil {
				consumes = openapi.Texts(im.doc.Root, "consumes")
			}
			if consumes == nil {
				consumes = []string{"application/json"}
			}
			for _, t := range consumes {
				if err := im.requestModel(m, path, t, p["schema"]); err != nil {
					return err
				}
			}
		default:
			im.doc.Warn("Parameter '%s' of %s is not used: it is neither of the query, nor a header, the path or the body", name, path)
		}
	}
	body, err := im.doc.Resolve(op["requestBody"])
	if err != nil {
		return err
	}
	content := openapi.Child(body, "content")
	for _, t := range openapi.Names(content) {
		if schema, ok := openapi.Child(content, t)["schema"]; ok {
			if err := im.requestModel(m, path, t, schema); err != nil {
				return err
			}
		}
	}
	return nil
}

// requestModel is the model of a request's body: one of the document's, or one that is made for the operation.
func (im *importer) requestModel(m *types.Method, path, contentType string, schema any) error {
	if schema == nil {
		return nil
	}
	if len(m.RequestModels) >= maxParameters {
		return badRequest("The operation of %s has more than %d content types", path, maxParameters)
	}
	name, err := im.modelOf(schema, *m.HttpMethod+path+contentType)
	if err != nil {
		return err
	}
	m.RequestModels = with(m.RequestModels, contentType, name)
	return nil
}

func (im *importer) modelOf(schema any, unnamed string) (string, error) {
	_, prefix := im.schemas()
	o, _ := schema.(openapi.Object)
	if ref := openapi.Text(o, "$ref"); ref != "" {
		rest, ok := strings.CutPrefix(ref, prefix)
		name := notOfModels.ReplaceAllString(rest, "")
		if !ok || im.api.Models[name].Name == nil {
			return "", badRequest("Invalid model reference specified: %s", ref)
		}
		return name, nil
	}
	name := "Model" + notOfModels.ReplaceAllString(unnamed, "")
	return name, im.model(name, schema)
}

// authorization is who may call the method.
func (im *importer) authorization(m *types.Method, op openapi.Object) error {
	if t := openapi.Text(openapi.Child(op, "x-amazon-apigateway-auth"), "type"); t != "" {
		m.AuthorizationType = aws.String(t)
	}
	list, ok := op["security"].([]any)
	if !ok {
		list, _ = im.doc.Root["security"].([]any)
	}
	for _, raw := range list {
		needs, _ := raw.(openapi.Object)
		for _, name := range openapi.Names(needs) {
			scheme, ok := im.schemes[name]
			if !ok {
				return badRequest("Invalid security scheme specified: %s", name)
			}
			authtype := openapi.Text(scheme, "x-amazon-apigateway-authtype")
			switch {
			case openapi.Child(scheme, "x-amazon-apigateway-authorizer") != nil:
				for id, a := range im.api.Authorizers {
					if *a.Name == name {
						m.AuthorizationType, m.AuthorizerId = aws.String("CUSTOM"), aws.String(id)
					}
				}
				m.AuthorizationScopes = openapi.Texts(needs, name)
			case strings.EqualFold(authtype, "awsSigv4"):
				m.AuthorizationType = aws.String("AWS_IAM")
			case openapi.Text(scheme, "type") == "apiKey" && strings.EqualFold(openapi.Text(scheme, "name"), "x-api-key"):
				m.ApiKeyRequired = aws.Bool(true)
			default:
				im.doc.Warn("The security scheme '%s' has no authorizer: it is not used", name)
			}
		}
	}
	return nil
}

var importedStatus = regexp.MustCompile(`^[1-5]\d\d$`)

func (im *importer) responses(m *types.Method, op openapi.Object) error {
	all := openapi.Child(op, "responses")
	for _, code := range openapi.Names(all) {
		r, err := im.doc.Resolve(all[code])
		if err != nil {
			return err
		}
		if code == "default" || strings.HasPrefix(code, "x-") {
			continue
		}
		if !importedStatus.MatchString(code) {
			return badRequest("Invalid status code specified: %s", code)
		}
		out := types.MethodResponse{StatusCode: aws.String(code)}
		headers := openapi.Child(r, "headers")
		if len(headers) > maxParameters {
			return badRequest("The response %s has more than %d headers", code, maxParameters)
		}
		for _, h := range openapi.Names(headers) {
			if err := im.doc.Take(len(h)); err != nil {
				return err
			}
			out.ResponseParameters = with(out.ResponseParameters, "method.response.header."+h, false)
		}
		schemas := map[string]any{}
		if schema, ok := r["schema"]; ok {
			produces := openapi.Texts(op, "produces")
			if produces == nil {
				produces = openapi.Texts(im.doc.Root, "produces")
			}
			if produces == nil {
				produces = []string{"application/json"}
			}
			for _, t := range produces {
				schemas[t] = schema
			}
		}
		content := openapi.Child(r, "content")
		for t := range content {
			if schema, ok := openapi.Child(content, t)["schema"]; ok {
				schemas[t] = schema
			}
		}
		if len(schemas) > maxParameters {
			return badRequest("The response %s has more than %d content types", code, maxParameters)
		}
		for _, t := range slices.Sorted(maps.Keys(schemas)) {
			name, err := im.modelOf(schemas[t], "Response"+code+*m.HttpMethod+openapi.Text(op, "operationId")+t)
			if err != nil {
				return err
			}
			out.ResponseModels = with(out.ResponseModels, t, name)
		}
		m.MethodResponses = with(m.MethodResponses, code, out)
	}
	return nil
}

// integration is what the method's requests become.
func (im *importer) integration(m *types.Method, op openapi.Object) error {
	about, err := im.doc.Resolve(op["x-amazon-apigateway-integration"])
	if err != nil || about == nil {
		return err
	}
	var v struct {
		Type, URI, HTTPMethod, Credentials, ConnectionType, ConnectionID, PassthroughBehavior, ContentHandling, CacheNamespace string
		CacheKeyParameters                                                                                                     []string
		RequestParameters, RequestTemplates                                                                                    map[string]string
		TimeoutInMillis                                                                                                        *int32
		TLSConfig                                                                                                              *types.TlsConfig
		Responses                                                                                                              map[string]struct {
			StatusCode                            any
			ResponseParameters, ResponseTemplates map[string]string
			ContentHandling                       string
		}
	}
	if err := im.doc.Decode(about, &v); err != nil {
		return badRequest("Invalid integration: %v", err)
	}
	i := &types.Integration{
		Type: types.IntegrationType(strings.ToUpper(v.Type)), Uri: text(v.URI), HttpMethod: text(v.HTTPMethod), Credentials: text(v.Credentials), ConnectionType: types.ConnectionType(v.ConnectionType), ConnectionId: text(v.ConnectionID),
		PassthroughBehavior: aws.String(strings.ToUpper(v.PassthroughBehavior)), ContentHandling: types.ContentHandlingStrategy(v.ContentHandling), CacheNamespace: text(v.CacheNamespace), CacheKeyParameters: append([]string{}, v.CacheKeyParameters...),
		RequestParameters: v.RequestParameters, RequestTemplates: v.RequestTemplates, TimeoutInMillis: 29_000, TlsConfig: v.TLSConfig,
	}
	if v.PassthroughBehavior == "" {
		i.PassthroughBehavior = aws.String("WHEN_NO_MATCH")
	}
	if v.TimeoutInMillis != nil {
		i.TimeoutInMillis = *v.TimeoutInMillis
	}
	if i.Type == types.IntegrationTypeMock {
		i.HttpMethod = nil
	}
	if err := checkIntegration(i); err != nil {
		return err
	}
	if err := im.pass(i.Credentials); err != nil {
		return err
	}
	for _, pattern := range slices.Sorted(maps.Keys(v.Responses)) {
		r := v.Responses[pattern]
		a := types.IntegrationResponse{StatusCode: aws.String(statusText(r.StatusCode)), ResponseParameters: r.ResponseParameters, ResponseTemplates: r.ResponseTemplates, ContentHandling: types.ContentHandlingStrategy(r.ContentHandling)}
		if pattern != "default" {
			a.SelectionPattern = aws.String(pattern)
		}
		if _, ok := m.MethodResponses[*a.StatusCode]; !ok {
			return badRequest("Unable to put integration response on method: the method has no response %s", *a.StatusCode)
		}
		if err := checkAnswer(&a, m); err != nil {
			return err
		}
		i.IntegrationResponses = with(i.IntegrationResponses, *a.StatusCode, a)
	}
	m.MethodIntegration = i
	return nil
}

// check checks what is made as a whole.
