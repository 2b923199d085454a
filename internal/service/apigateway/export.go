package apigateway

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"

	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/engine/openapi"
)

// GetExport: what a stage serves as Swagger 2.0 ("swagger") or OpenAPI 3.0 ("oas30"), in JSON or YAML. The parameter
// extensions takes integrations, authorizers, apigateway (all of them) and documentation, with which nothing comes.

// exporter writes an API as a description.
type exporter struct {
	api         *apiDoc
	version     int
	integration bool // extensions of integrations, validators and gateway responses
	authorizers bool
}

// GetExport describes what a stage serves.
func (s *Service) GetExport(ctx context.Context, in *apigateway.GetExportInput, _ ...func(*apigateway.Options)) (*apigateway.GetExportOutput, error) {
	st, err := s.stage(ctx, in.RestApiId, in.StageName)
	if err != nil {
		return nil, err
	}
	d, err := s.deployments.Get(scope.Of(ctx).Key(*in.RestApiId, st.Deployment)...)
	if err != nil {
		return nil, err
	}
	x := exporter{api: &d.API}
	switch kind := aws.ToString(in.ExportType); kind {
	case "swagger":
		x.version = 2
	case "oas30":
		x.version = 3
	default:
		return nil, badRequest("Invalid export type: %s. It is swagger or oas30", kind)
	}
	for e := range strings.SplitSeq(in.Parameters["extensions"], ",") {
		switch strings.TrimSpace(e) {
		case "":
		case "apigateway":
			x.integration, x.authorizers = true, true
		case "integrations":
			x.integration = true
		case "authorizers":
			x.authorizers = true
		case "documentation":
		default:
			return nil, badRequest("Invalid value of the parameter extensions: %s", e)
		}
	}
	out := &apigateway.GetExportOutput{ContentType: aws.String("application/json")}
	tree, err := x.document(st.Name, scope.Of(ctx))
	if err != nil {
		return nil, err
	}
	name := "json"
	switch accepts := aws.ToString(in.Accepts); accepts {
	case "", "application/json":
		out.Body, err = openapi.JSON(tree)
	case "application/yaml":
		name = "yaml"
		out.ContentType = aws.String(accepts)
		out.Body, err = openapi.YAML(tree)
	default:
		return nil, badRequest("Invalid value of the header Accept: %s. It is application/json or application/yaml", accepts)
	}
	if err != nil {
		return nil, err
	}
	out.ContentDisposition = aws.String("attachment; filename=\"" + aws.ToString(in.ExportType) + "_" + d.API.Created.UTC().Format("2006-01-02T15:04:05.000Z") + "." + name + "\"")
	return out, nil
}

func (x *exporter) document(stage string, sc scope.Scope) (openapi.Object, error) {
	d := x.api
	info := openapi.Object{"title": d.Name, "version": d.Created.UTC().Format("2006-01-02T15:04:05Z")}
	if d.Version != nil {
		info["version"] = *d.Version
	}
	if d.Description != nil {
		info["description"] = *d.Description
	}
	host := d.ID + ".execute-api." + sc.Region + ".amazonaws.com"
	out := openapi.Object{"info": info}
	schemas, err := x.schemas()
	if err != nil {
		return nil, err
	}
	schemes := x.schemes()
	if x.version == 2 {
		out["swagger"], out["host"], out["basePath"], out["schemes"] = "2.0", host, "/"+stage, []any{"https"}
		putObject(out, "definitions", schemas)
		putObject(out, "securityDefinitions", schemes)
	} else {
		out["openapi"] = "3.0.1"
		out["servers"] = []any{openapi.Object{"url": "https://" + host + "/{basePath}", "variables": openapi.Object{"basePath": openapi.Object{"default": stage}}}}
		components := openapi.Object{}
		putObject(components, "schemas", schemas)
		putObject(components, "securitySchemes", schemes)
		out["components"] = components
	}
	paths := openapi.Object{}
	for _, r := range d.Resources {
		if len(r.Methods) == 0 {
			continue
		}
		item := openapi.Object{}
		for verb, m := range r.Methods {
			name := strings.ToLower(verb)
			if verb == "ANY" {
				name = openapi.AnyMethod
			}
			item[name] = x.operation(&m)
		}
		paths[d.path(r)] = item
	}
	out["paths"] = paths
	if x.integration {
		if err := x.settings(out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func putObject(to openapi.Object, name string, o openapi.Object) {
	if len(o) > 0 {
		to[name] = o
	}
}

func list[T any](in []T) []any {
	out := make([]any, len(in))
	for i, v := range in {
		out[i] = v
	}
	return out
}

func object[V any](in map[string]V) openapi.Object {
	out := openapi.Object{}
	for k, v := range in {
		out[k] = v
	}
	return out
}

// settings are the extensions of the API as a whole.
func (x *exporter) settings(out openapi.Object) error {
	d := x.api
	if len(d.BinaryTypes) > 0 {
		out["x-amazon-apigateway-binary-media-types"] = list(d.BinaryTypes)
	}
	if d.Compression != nil {
		out["x-amazon-apigateway-minimum-compression-size"] = *d.Compression
	}
	if d.DisableEndpoint {
		at := out
		if servers, _ := out["servers"].([]any); len(servers) > 0 { // where OpenAPI 3.0 has it
			at, _ = servers[0].(openapi.Object)
		}
		at["x-amazon-apigateway-endpoint-configuration"] = openapi.Object{"disableExecuteApiEndpoint": true}
	}
	if d.KeySource == types.ApiKeySourceTypeAuthorizer {
		out["x-amazon-apigateway-api-key-source"] = string(d.KeySource)
	}
	if p := aws.ToString(d.Policy); p != "" {
		var tree any
		if err := json.Unmarshal([]byte(p), &tree); err != nil {
			return err
		}
		out["x-amazon-apigateway-policy"] = tree
	}
	validators, responses := openapi.Object{}, openapi.Object{}
	for _, v := range d.Validators {
		validators[aws.ToString(v.Name)] = openapi.Object{"validateRequestBody": v.ValidateRequestBody, "validateRequestParameters": v.ValidateRequestParameters}
	}
	for kind, r := range d.Responses {
		o := openapi.Object{}
		if r.StatusCode != nil {
			o["statusCode"] = *r.StatusCode
		}
		putObject(o, "responseParameters", object(r.ResponseParameters))
		putObject(o, "responseTemplates", object(r.ResponseTemplates))
		responses[kind] = o
	}
	putObject(out, "x-amazon-apigateway-request-validators", validators)
	putObject(out, "x-amazon-apigateway-gateway-responses", responses)
	return nil
}

func (x *exporter) prefix() string {
	if x.version == 2 {
		return "#/definitions/"
	}
	return "#/components/schemas/"
}

// schemas are the models, but for the two that every API has and nothing uses.
func (x *exporter) schemas() (openapi.Object, error) {
	out := openapi.Object{}
	for name, m := range x.api.Models {
		text := aws.ToString(m.Schema)
		if strings.TrimSpace(text) == "" {
			text = "{}"
		}
		var tree any
		if err := json.Unmarshal([]byte(text), &tree); err != nil {
			return nil, err
		}
		out[name] = openapi.RewriteRefs(tree, func(ref string) string {
			if rest, ok := strings.CutPrefix(ref, modelBase+x.api.ID+"/models/"); ok {
				return x.prefix() + rest
			}
			return ref
		})
		if o, ok := out[name].(openapi.Object); ok {
			delete(o, "$schema")
		}
	}
	return out, nil
}

const keyScheme, signedScheme = "api_key", "sigv4"

func (x *exporter) schemes() openapi.Object {
	out := openapi.Object{}
	for _, r := range x.api.Resources {
		for _, m := range r.Methods {
			if aws.ToBool(m.ApiKeyRequired) {
				out[keyScheme] = openapi.Object{"type": "apiKey", "name": "x-api-key", "in": "header"}
			}
			if aws.ToString(m.AuthorizationType) == "AWS_IAM" {
				out[signedScheme] = openapi.Object{"type": "apiKey", "name": "Authorization", "in": "header", "x-amazon-apigateway-authtype": "awsSigv4"}
			}
		}
	}
	for _, a := range x.api.Authorizers {
		o := openapi.Object{"type": "apiKey", "name": "Unused", "in": "header"}
		if h, ok := strings.CutPrefix(aws.ToString(a.IdentitySource), "method.request.header."); ok && !strings.Contains(h, ",") {
			o["name"] = h
		}
		if x.authorizers {
			about := openapi.Object{"type": strings.ToLower(string(a.Type)), "authorizerUri": aws.ToString(a.AuthorizerUri), "authorizerResultTtlInSeconds": resultTTL(&a)}
			for name, v := range map[string]*string{"authorizerCredentials": a.AuthorizerCredentials, "identitySource": a.IdentitySource, "identityValidationExpression": a.IdentityValidationExpression} {
				if aws.ToString(v) != "" {
					about[name] = *v
				}
			}
			o["x-amazon-apigateway-authtype"], o["x-amazon-apigateway-authorizer"] = aws.ToString(a.AuthType), about
		}
		out[*a.Name] = o
	}
	return out
}

// operation is a method.
func (x *exporter) operation(m *types.Method) openapi.Object {
	out := openapi.Object{}
	if m.OperationName != nil {
		out["operationId"] = *m.OperationName
	}
	var parameters []any
	for name, required := range m.RequestParameters {
		place, rest, _ := strings.Cut(strings.TrimPrefix(name, "method.request."), ".")
		in := map[string]string{"querystring": "query", "multivaluequerystring": "query", "header": "header", "multivalueheader": "header", "path": "path"}[place]
		p := openapi.Object{"name": rest, "in": in, "required": required}
		if x.version == 2 {
			p["type"] = "string"
		} else {
			p["schema"] = openapi.Object{"type": "string"}
		}
		parameters = append(parameters, p)
	}
	content, consumes := openapi.Object{}, []string{}
	for t, model := range m.RequestModels {
		content[t] = openapi.Object{"schema": openapi.Object{"$ref": x.prefix() + model}}
		consumes = append(consumes, t)
	}
	slices.Sort(consumes)
	if len(consumes) > 0 && x.version == 2 {
		model := m.RequestModels[consumes[0]]
		parameters = append(parameters, openapi.Object{"in": "body", "name": model, "required": true, "schema": openapi.Object{"$ref": x.prefix() + model}})
		out["consumes"] = list(consumes)
	} else if len(consumes) > 0 {
		out["requestBody"] = openapi.Object{"content": content, "required": true}
	}
	if len(parameters) > 0 {
		slices.SortFunc(parameters, func(a, b any) int {
			p, q := a.(openapi.Object), b.(openapi.Object)
			return strings.Compare(openapi.Text(p, "in")+" "+openapi.Text(p, "name"), openapi.Text(q, "in")+" "+openapi.Text(q, "name"))
		})
		out["parameters"] = parameters
	}
	out["responses"] = x.responses(m, out)
	var security []any
	switch aws.ToString(m.AuthorizationType) {
	case "AWS_IAM":
		security = append(security, openapi.Object{signedScheme: []any{}})
	case "CUSTOM":
		if a, ok := x.api.Authorizers[aws.ToString(m.AuthorizerId)]; ok {
			security = append(security, openapi.Object{*a.Name: list(m.AuthorizationScopes)})
		}
	}
	if aws.ToBool(m.ApiKeyRequired) {
		security = append(security, openapi.Object{keyScheme: []any{}})
	}
	if len(security) > 0 {
		out["security"] = security
	}
	if x.integration {
		if v, ok := x.api.Validators[aws.ToString(m.RequestValidatorId)]; ok {
			out["x-amazon-apigateway-request-validator"] = aws.ToString(v.Name)
		}
		if m.MethodIntegration != nil {
			out["x-amazon-apigateway-integration"] = integrationTree(m.MethodIntegration)
		}
	}
	return out
}

func (x *exporter) responses(m *types.Method, op openapi.Object) openapi.Object {
	out := openapi.Object{}
	var produces []string
	for code, r := range m.MethodResponses {
		o := openapi.Object{"description": code + " response"}
		headers, content := openapi.Object{}, openapi.Object{}
		for name := range r.ResponseParameters {
			h := openapi.Object{"schema": openapi.Object{"type": "string"}}
			if x.version == 2 {
				h = openapi.Object{"type": "string"}
			}
			headers[strings.TrimPrefix(name, "method.response.header.")] = h
		}
		for t, model := range r.ResponseModels {
			schema := openapi.Object{"$ref": x.prefix() + model}
			content[t] = openapi.Object{"schema": schema}
			if x.version == 2 {
				o["schema"] = schema
				produces = append(produces, t)
			}
		}
		putObject(o, "headers", headers)
		if x.version == 3 {
			putObject(o, "content", content)
		}
		out[code] = o
	}
	if len(produces) > 0 {
		slices.Sort(produces)
		op["produces"] = list(slices.Compact(produces))
	}
	return out
}

func integrationTree(i *types.Integration) openapi.Object {
	out := openapi.Object{"type": strings.ToLower(string(i.Type)), "passthroughBehavior": strings.ToLower(aws.ToString(i.PassthroughBehavior)), "timeoutInMillis": i.TimeoutInMillis}
	for name, v := range map[string]*string{"uri": i.Uri, "httpMethod": i.HttpMethod, "credentials": i.Credentials} {
		if aws.ToString(v) != "" {
			out[name] = *v
		}
	}
	if i.ContentHandling != "" {
		out["contentHandling"] = string(i.ContentHandling)
	}
	if i.TlsConfig != nil {
		out["tlsConfig"] = openapi.Object{"insecureSkipVerification": i.TlsConfig.InsecureSkipVerification}
	}
	putObject(out, "requestParameters", object(i.RequestParameters))
	putObject(out, "requestTemplates", object(i.RequestTemplates))
	responses := openapi.Object{}
	for code, r := range i.IntegrationResponses {
		o := openapi.Object{"statusCode": code}
		putObject(o, "responseParameters", object(r.ResponseParameters))
		putObject(o, "responseTemplates", object(r.ResponseTemplates))
		if r.ContentHandling != "" {
			o["contentHandling"] = string(r.ContentHandling)
		}
		pattern := aws.ToString(r.SelectionPattern)
		if pattern == "" {
			pattern = "default"
		}
		responses[pattern] = o
	}
	putObject(out, "responses", responses)
	return out
}
