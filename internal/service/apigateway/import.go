package apigateway

import (
	"context"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"

	"github.com/brookmere/brookmere/internal/awskit/executeapi"
	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/engine/openapi"
)

// ImportRestApi, PutRestApi; GetExport is in export.go.
//
// A description is taken whole or not at all: what it makes is checked as single calls check it. Putting keeps the
// ids of resources whose paths stay. The parameter basepath says what a base path is: ignore (as AWS, by default),
// prepend, or split (its last part but the first leads). Cognito user pools are refused.

// Bounds of what a description makes. (Source: quotas of REST APIs; AWS raises that of models on demand.)
const (
	maxModels     = 200
	maxParameters = 200 // of a method, and content types of its body
)

// importer builds an API of a description.
type importer struct {
	doc     *openapi.Document
	api     *apiDoc
	schemes map[string]openapi.Object // of security, resolved
	ids     map[string]string         // of resources before, by path
	pass    executeapi.Passes
}

// passing decides whether the caller of a context may hand on the roles of an API's description.
func (s *Service) passing(ctx context.Context, d *apiDoc) executeapi.Passes {
	return executeapi.Passing(ctx, s.cfg.PassRole, apiARN(scope.Of(ctx), "/restapis/"+d.ID))
}

// ImportRestApi makes an API of a description.
func (s *Service) ImportRestApi(ctx context.Context, in *apigateway.ImportRestApiInput, _ ...func(*apigateway.Options)) (*apigateway.ImportRestApiOutput, error) {
	d := s.newAPI("")
	if kind := in.Parameters["endpointConfigurationTypes"]; kind != "" {
		if !slices.Contains(types.EndpointType("").Values(), types.EndpointType(kind)) {
			return nil, badRequest("Invalid endpoint configuration type: %s", kind)
		}
		d.Endpoint.Types = []types.EndpointType{types.EndpointType(kind)}
	}
	warnings, err := describe(d, in.Body, in.Parameters, s.passing(ctx, d))
	if err != nil {
		return nil, err
	}
	if in.FailOnWarnings && len(warnings) > 0 {
		return nil, badRequest("Warnings found during import:\n\t%s", strings.Join(warnings, "\n\t"))
	}
	if err := s.apis.Create(ctx, d, scope.Of(ctx).Key(d.ID)...); err != nil {
		return nil, err
	}
	out := (*apigateway.ImportRestApiOutput)(restAPIOutput(d))
	out.Warnings = warnings
	return out, nil
}

// PutRestApi puts a description in the place of an API, or adds it to what is there.
func (s *Service) PutRestApi(ctx context.Context, in *apigateway.PutRestApiInput, _ ...func(*apigateway.Options)) (*apigateway.PutRestApiOutput, error) {
	var warnings []string
	d, err := s.change(ctx, in.RestApiId, func(d *apiDoc) (err error) {
		if in.Mode == types.PutModeOverwrite {
			fresh := s.newAPI(d.Name)
			fresh.ID, fresh.Created, fresh.Tags, fresh.Endpoint, fresh.Policy = d.ID, d.Created, d.Tags, d.Endpoint, d.Policy
			fresh.DisableEndpoint = d.DisableEndpoint
			root := d.Root
			fresh.Root, fresh.Resources = root, map[string]*resourceDoc{root: {ID: root}}
			ids := map[string]string{}
			for _, r := range d.Resources {
				ids[d.path(r)] = r.ID
			}
			warnings, err = describeOver(fresh, ids, in.Body, in.Parameters, s.passing(ctx, d))
			*d = *fresh
		} else {
			warnings, err = describe(d, in.Body, in.Parameters, s.passing(ctx, d))
		}
		if err == nil && in.FailOnWarnings && len(warnings) > 0 {
			err = badRequest("Warnings found during import:\n\t%s", strings.Join(warnings, "\n\t"))
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	out := (*apigateway.PutRestApiOutput)(restAPIOutput(d))
	out.Warnings = warnings
	return out, nil
}

// describe adds what a description says to an API.
func describe(d *apiDoc, body []byte, parameters map[string]string, pass executeapi.Passes) ([]string, error) {
	return describeOver(d, nil, body, parameters, pass)
}

func describeOver(d *apiDoc, ids map[string]string, body []byte, parameters map[string]string, pass executeapi.Passes) ([]string, error) {
	invalid := func(err error) error {
		if _, ok := err.(interface{ ErrorCode() string }); ok { // an error of the API's own
			return err
		}
		return badRequest("Errors found during import:\n\t%v", err)
	}
	doc, err := openapi.Parse(body)
	if err != nil {
		return nil, badRequest("Invalid OpenAPI input: %v", err)
	}
	im := &importer{doc: doc, api: d, ids: ids, pass: pass}
	for _, step := range []func() error{im.settings, im.models, im.security, func() error { return im.paths(parameters["basepath"]) }, im.check} {
		if err := step(); err != nil {
			return nil, invalid(err)
		}
	}
	return doc.Warnings(), nil
}

// settings takes what is said of the API as a whole.
func (im *importer) settings() error {
	root, d := im.doc.Root, im.api
	info := openapi.Child(root, "info")
	d.Name = openapi.Text(info, "title")
	if strings.TrimSpace(d.Name) == "" {
		return badRequest("REST API name cannot be blank")
	}
	if t := openapi.Text(info, "version"); t != "" {
		d.Version = aws.String(t)
	}
	if t := openapi.Text(info, "description"); t != "" {
		d.Description = aws.String(t)
	}
	if types := openapi.Texts(root, "x-amazon-apigateway-binary-media-types"); types != nil {
		d.BinaryTypes = types
	}
	if n, ok := root["x-amazon-apigateway-minimum-compression-size"].(float64); ok {
		d.Compression = aws.Int32(int32(n))
		if err := checkCompression(d.Compression); err != nil {
			return err
		}
	}
	switch source := openapi.Text(root, "x-amazon-apigateway-api-key-source"); source {
	case "":
	case "HEADER", "AUTHORIZER":
		d.KeySource = types.ApiKeySourceType(source)
	default:
		return badRequest("Invalid API key source: %s", source)
	}
	if raw, has := root["x-amazon-apigateway-policy"]; has && openapi.Child(root, "x-amazon-apigateway-policy") == nil {
		return badRequest("Invalid policy document: it is not an object but %T", raw)
	}
	if p := openapi.Child(root, "x-amazon-apigateway-policy"); p != nil {
		b, err := json.Marshal(p)
		if err != nil {
			return err
		}
		d.Policy = aws.String(string(b))
	}
	if off, ok := im.doc.EndpointConfiguration()["disableExecuteApiEndpoint"].(bool); ok {
		d.DisableEndpoint = off
	}
	for _, name := range openapi.Names(openapi.Child(root, "x-amazon-apigateway-request-validators")) {
		var v struct{ ValidateRequestBody, ValidateRequestParameters bool }
		if err := im.doc.Decode(openapi.Child(openapi.Child(root, "x-amazon-apigateway-request-validators"), name), &v); err != nil {
			return badRequest("Invalid request validator %s", name)
		}
		id := im.validator(name)
		if id == "" {
			id = newID(6)
		}
		d.Validators = with(d.Validators, id, types.RequestValidator{Id: aws.String(id), Name: aws.String(name), ValidateRequestBody: v.ValidateRequestBody, ValidateRequestParameters: v.ValidateRequestParameters})
	}
	responses := openapi.Child(root, "x-amazon-apigateway-gateway-responses")
	for _, kind := range openapi.Names(responses) {
		var v struct {
			StatusCode         any
			ResponseParameters map[string]string
			ResponseTemplates  map[string]string
		}
		if err := im.doc.Decode(openapi.Child(responses, kind), &v); err != nil {
			return badRequest("Invalid gateway response %s", kind)
		}
		r := types.GatewayResponse{ResponseType: types.GatewayResponseType(kind), ResponseParameters: v.ResponseParameters, ResponseTemplates: v.ResponseTemplates}
		if c := statusText(v.StatusCode); c != "" {
			r.StatusCode = aws.String(c)
		} else if n := responseStatus[r.ResponseType]; n != 0 {
			r.StatusCode = aws.String(itoa(n))
		}
		if err := checkGatewayResponse(&r); err != nil {
			return err
		}
		d.Responses = with(d.Responses, kind, r)
	}
	return nil
}

// statusText is a status that is written as a text or as a number.
func statusText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return ""
}

// validator is the id of a request validator by its name.
func (im *importer) validator(name string) string {
	for id, v := range im.api.Validators {
		if aws.ToString(v.Name) == name {
			return id
		}
	}
	return ""
}

// schemas are the document's named schemas.
func (im *importer) schemas() (openapi.Object, string) {
	if im.doc.Version == 2 {
		return openapi.Child(im.doc.Root, "definitions"), "#/definitions/"
	}
	return openapi.Child(openapi.Child(im.doc.Root, "components"), "schemas"), "#/components/schemas/"
}

var notOfModels = regexp.MustCompile(`[^A-Za-z0-9]`)

func (im *importer) models() error {
	schemas, _ := im.schemas()
	for _, name := range openapi.Names(schemas) {
		model := notOfModels.ReplaceAllString(name, "")
		if model == "" {
			return badRequest("Model name must be alphanumeric: %s", name)
		}
		if model != name {
			im.doc.Warn("The model name '%s' is not alphanumeric: it is %s", name, model)
		}
		if err := im.model(model, schemas[name]); err != nil {
			return err
		}
	}
	return nil
}

// model sets a model of the API. References lead to other models of it.
func (im *importer) model(name string, schema any) error {
	_, prefix := im.schemas()
	out := openapi.RewriteRefs(schema, func(ref string) string {
		if rest, ok := strings.CutPrefix(ref, prefix); ok {
			return modelBase + im.api.ID + "/models/" + notOfModels.ReplaceAllString(rest, "")
		}
		return ref
	})
	b, err := json.Marshal(out)
	if err == nil {
		err = im.doc.Take(len(name) + len(b))
	}
	if err != nil {
		return err
	}
	id := newID(6)
	if m, ok := im.api.Models[name]; ok {
		id = *m.Id
	} else if len(im.api.Models) >= maxModels {
		return &types.LimitExceededException{Message: aws.String("Maximum number of models for this API has been reached.")}
	}
	im.api.Models = with(im.api.Models, name, types.Model{Id: aws.String(id), Name: aws.String(name), ContentType: aws.String("application/json"), Schema: aws.String(string(b))})
	return nil
}

// security makes the authorizers of the document's security schemes.
func (im *importer) security() error {
	schemes := openapi.Child(im.doc.Root, "securityDefinitions")
	if im.doc.Version == 3 {
		schemes = openapi.Child(openapi.Child(im.doc.Root, "components"), "securitySchemes")
	}
	im.schemes = map[string]openapi.Object{}
	for _, name := range openapi.Names(schemes) {
		scheme, err := im.doc.Resolve(schemes[name])
		if err != nil {
			return err
		}
		im.schemes[name] = scheme
		about := openapi.Child(scheme, "x-amazon-apigateway-authorizer")
		if about == nil {
			continue
		}
		var v struct {
			Type, AuthorizerURI, AuthorizerCredentials, IdentitySource, IdentityValidationExpression string
			AuthorizerResultTTLInSeconds                                                             *int32
		}
		if err := im.doc.Decode(about, &v); err != nil {
			return badRequest("Invalid authorizer %s", name)
		}
		a := types.Authorizer{Id: aws.String(newID(6)), Name: aws.String(name), Type: types.AuthorizerType(strings.ToUpper(v.Type)), AuthorizerUri: text(v.AuthorizerURI), AuthorizerCredentials: text(v.AuthorizerCredentials),
			IdentitySource: text(v.IdentitySource), IdentityValidationExpression: text(v.IdentityValidationExpression), AuthorizerResultTtlInSeconds: v.AuthorizerResultTTLInSeconds, AuthType: text(openapi.Text(scheme, "x-amazon-apigateway-authtype"))}
		if a.AuthorizerResultTtlInSeconds == nil {
			a.AuthorizerResultTtlInSeconds = aws.Int32(300)
		}
		if a.Type == types.AuthorizerTypeToken && a.IdentitySource == nil {
			header := openapi.Text(scheme, "name")
			if header == "" {
				header = "Authorization"
			}
			a.IdentitySource = aws.String("method.request.header." + header)
		}
		if err := checkAuthorizer(&a); err != nil {
			return err
		}
		if err := im.pass(a.AuthorizerCredentials); err != nil {
			return err
		}
		for id, o := range im.api.Authorizers {
			if *o.Name == name {
				a.Id = aws.String(id)
			}
		}
		im.api.Authorizers = with(im.api.Authorizers, *a.Id, a)
	}
	return nil
}

// text is a text that is there.
func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// basePath is the path before all paths.
func (im *importer) basePath() string {
	if im.doc.Version == 2 {
		return openapi.Text(im.doc.Root, "basePath")
	}
	servers, _ := im.doc.Root["servers"].([]any)
	if len(servers) == 0 {
		return ""
	}
	server, _ := servers[0].(openapi.Object)
	if base := openapi.Text(openapi.Child(openapi.Child(server, "variables"), "basePath"), "default"); base != "" {
		return "/" + strings.Trim(base, "/")
	}
	u := openapi.Text(server, "url")
	if _, rest, ok := strings.Cut(u, "://"); ok {
		_, path, _ := strings.Cut(rest, "/")
		u = "/" + path
	}
	if strings.Contains(u, "{") {
		return ""
	}
	return u
}

func (im *importer) check() error {
	ms, err := modelsOf(im.api)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(im.api.Models)) {
		m := im.api.Models[name]
		if err := ms.check(&m); err != nil {
			return err
		}
	}
	for _, r := range im.api.Resources {
		for _, m := range r.Methods {
			if err := im.api.checkMethod(&m); err != nil {
				return err
			}
			for _, resp := range m.MethodResponses {
				if err := im.api.checkResponse(&resp); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
