package apigatewayv2

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awskit/executeapi"
	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/openapi"
)

// ImportApi, ReimportApi, ExportApi: OpenAPI 3.0 with the extensions x-amazon-apigateway-integration (in place, or
// one of components), -authorizer, -cors, -endpoint-configuration and -any-method. A description is taken whole or not at all. What HTTP APIs
// do not have (schemas, parameters, API keys) is passed over with a warning.

// describe puts what a description says into an API, in the place of its routes, integrations and authorizers.
func (d *apiDoc) describe(body, basePath string, pass executeapi.Passes) ([]string, error) {
	doc, err := openapi.Parse([]byte(body))
	if err != nil {
		return nil, badRequest("Invalid OpenAPI input: %v", err)
	}
	if doc.Version != 3 {
		return nil, badRequest("Invalid OpenAPI input: HTTP APIs are described by OpenAPI 3.0")
	}
	im := &importer{doc: doc, api: d, authorizers: map[string]types.Authorizer{}, signed: map[string]bool{}, shared: map[string]string{}, pass: pass}
	for _, step := range []func() error{im.settings, im.security, func() error { return im.paths(basePath) }} {
		if err := step(); err != nil {
			if _, ok := err.(interface{ ErrorCode() string }); ok { // an error of the API's own
				return nil, err
			}
			return nil, badRequest("Errors found during import:\n\t%v", err)
		}
	}
	return doc.Warnings(), nil
}

type importer struct {
	doc         *openapi.Document
	api         *apiDoc
	authorizers map[string]types.Authorizer // by the names of security schemes
	signed      map[string]bool             // security schemes of signatures
	shared      map[string]string           // integrations of components, by reference: their ids
	pass        executeapi.Passes
}

// passing decides whether the caller of a context may hand on the roles of an API's description.
func (s *Service) passing(ctx context.Context, d *apiDoc) executeapi.Passes {
	region := scope.Of(ctx).Region
	return executeapi.Passing(ctx, s.cfg.PassRole, arn.ARN{Partition: arn.Partition(region), Service: "apigateway", Region: region, Resource: "/apis/" + d.id()}.String())
}

func (im *importer) settings() error {
	root, d := im.doc.Root, im.api
	info := openapi.Child(root, "info")
	d.API.Name = aws.String(openapi.Text(info, "title"))
	for name, to := range map[string]**string{"version": &d.API.Version, "description": &d.API.Description} {
		*to = nil
		if t := openapi.Text(info, name); t != "" {
			*to = &t
		}
	}
	d.API.CorsConfiguration = nil
	if c := openapi.Child(root, "x-amazon-apigateway-cors"); c != nil {
		d.API.CorsConfiguration = &types.Cors{}
		if err := im.doc.Decode(c, d.API.CorsConfiguration); err != nil {
			return badRequest("Invalid x-amazon-apigateway-cors: %v", err)
		}
	}
	if off, ok := im.doc.EndpointConfiguration()["disableExecuteApiEndpoint"].(bool); ok {
		d.API.DisableExecuteApiEndpoint = &off
	}
	d.Routes, d.Integrations, d.Authorizers = nil, nil, nil
	if list, _ := root["tags"].([]any); len(d.API.Tags) == 0 {
		for _, raw := range list {
			tag, _ := raw.(openapi.Object)
			if v, ok := tag["x-amazon-apigateway-tag-value"].(string); ok {
				d.API.Tags = with(d.API.Tags, openapi.Text(tag, "name"), v)
			}
		}
		if err := checkTags(d.API.Tags); err != nil {
			return err
		}
	}
	return checkAPI(&d.API)
}

// sources are identity sources, as a text or as a list.
func sources(v any) []string {
	var out []string
	switch v := v.(type) {
	case string:
		for s := range strings.SplitSeq(v, ",") {
			out = append(out, strings.TrimSpace(s))
		}
	case []any:
		for _, e := range v {
			out = append(out, sources(e)...)
		}
	}
	return out
}

func (im *importer) security() error {
	schemes := openapi.Child(openapi.Child(im.doc.Root, "components"), "securitySchemes")
	for _, name := range openapi.Names(schemes) {
		scheme, err := im.doc.Resolve(schemes[name])
		if err != nil {
			return err
		}
		if strings.EqualFold(openapi.Text(scheme, "x-amazon-apigateway-authtype"), "awsSigv4") {
			im.signed[name] = true
			continue
		}
		about := openapi.Child(scheme, "x-amazon-apigateway-authorizer")
		if about == nil {
			im.doc.Warn("The security scheme '%s' has no authorizer: it is not used", name)
			continue
		}
		var v struct {
			Type                           string
			IdentitySource                 any
			JwtConfiguration               *types.JWTConfiguration
			AuthorizerURI                  *string
			AuthorizerCredentials          *string
			AuthorizerPayloadFormatVersion *string
			AuthorizerResultTTLInSeconds   *int32
			EnableSimpleResponses          *bool
		}
		if err := im.doc.Decode(about, &v); err != nil {
			return badRequest("Invalid authorizer %s: %v", name, err)
		}
		a, err := im.api.addAuthorizer(types.Authorizer{
			Name: aws.String(name), AuthorizerType: types.AuthorizerType(strings.ToUpper(v.Type)), IdentitySource: sources(v.IdentitySource), JwtConfiguration: v.JwtConfiguration,
			AuthorizerUri: v.AuthorizerURI, AuthorizerCredentialsArn: v.AuthorizerCredentials, AuthorizerPayloadFormatVersion: v.AuthorizerPayloadFormatVersion,
			AuthorizerResultTtlInSeconds: v.AuthorizerResultTTLInSeconds, EnableSimpleResponses: v.EnableSimpleResponses,
		})
		if err == nil {
			err = im.pass(a.AuthorizerCredentialsArn)
		}
		if err != nil {
			return err
		}
		im.authorizers[name] = a
	}
	return nil
}

func (im *importer) basePath(mode string) (string, error) {
	servers, _ := im.doc.Root["servers"].([]any)
	base := ""
	if len(servers) > 0 {
		server, _ := servers[0].(openapi.Object)
		base = strings.Trim(openapi.Text(openapi.Child(openapi.Child(server, "variables"), "basePath"), "default"), "/")
	}
	switch mode {
	case "", "ignore":
		return "", nil
	case "prepend":
	case "split":
		_, base, _ = strings.Cut(base, "/")
	default:
		return "", badRequest("Invalid value of basepath: %s. It is ignore, prepend or split", mode)
	}
	if base != "" {
		base = "/" + base
	}
	return base, nil
}

func (im *importer) paths(mode string) error {
	base, err := im.basePath(mode)
	if err != nil {
		return err
	}
	paths := openapi.Child(im.doc.Root, "paths")
	for _, path := range openapi.Names(paths) {
		if !strings.HasPrefix(path, "/") {
			continue
		}
		item, err := im.doc.Resolve(paths[path])
		if err != nil {
			return err
		}
		for _, verb := range append(slices.Clone(openapi.Methods), openapi.AnyMethod) {
			op := openapi.Child(item, verb)
			if op == nil {
				continue
			}
			key := strings.ToUpper(verb) + " " + base + path
			if verb == openapi.AnyMethod {
				if key = "ANY " + base + path; path == "/$default" {
					key = defaultRoute
				}
			}
			if err := im.route(key, op); err != nil {
				return err
			}
		}
	}
	return nil
}

func (im *importer) route(key string, op openapi.Object) error {
	r := types.Route{RouteKey: &key}
	if err := im.doc.Take(len(key)); err != nil {
		return err
	}
	if name := openapi.Text(op, "operationId"); name != "" {
		r.OperationName = &name
	}
	list, ok := op["security"].([]any)
	if !ok {
		list, _ = im.doc.Root["security"].([]any)
	}
	for _, raw := range list {
		needs, _ := raw.(openapi.Object)
		for _, name := range openapi.Names(needs) {
			a, ok := im.authorizers[name]
			switch {
			case im.signed[name]:
				r.AuthorizationType = types.AuthorizationTypeAwsIam
			case ok && a.AuthorizerType == types.AuthorizerTypeJwt:
				r.AuthorizationType, r.AuthorizerId, r.AuthorizationScopes = types.AuthorizationTypeJwt, a.AuthorizerId, openapi.Texts(needs, name)
			case ok:
				r.AuthorizationType, r.AuthorizerId = types.AuthorizationTypeCustom, a.AuthorizerId
			default:
				if _, known := openapi.Child(openapi.Child(im.doc.Root, "components"), "securitySchemes")[name]; !known {
					return badRequest("Invalid security scheme specified: %s", name)
				}
				im.doc.Warn("The security scheme '%s' of %s has no authorizer: it is not used", name, key)
			}
		}
	}
	if raw := openapi.Child(op, "x-amazon-apigateway-integration"); raw != nil {
		id, err := im.integration(raw)
		if err != nil {
			return err
		}
		r.Target = aws.String("integrations/" + id)
	} else {
		im.doc.Warn("No integration found for %s", key)
	}
	_, err := im.api.addRoute(r)
	return err
}

// integration is the id of an integration, which routes that refer to it share.
func (im *importer) integration(raw openapi.Object) (string, error) {
	ref := openapi.Text(raw, "$ref")
	if id, ok := im.shared[ref]; ok && ref != "" {
		return id, nil
	}
	about, err := im.doc.Resolve(raw)
	if err != nil {
		return "", err
	}
	var v struct {
		Type, URI, HTTPMethod, Credentials, ConnectionType, ConnectionID, PayloadFormatVersion, IntegrationSubtype string
		TimeoutInMillis                                                                                            *int32
		RequestParameters                                                                                          map[string]string
		ResponseParameters                                                                                         map[string]map[string]string
	}
	if err := im.doc.Decode(about, &v); err != nil {
		return "", badRequest("Invalid integration: %v", err)
	}
	i := types.Integration{IntegrationType: types.IntegrationType(strings.ToUpper(v.Type)), ConnectionType: types.ConnectionType(strings.ToUpper(v.ConnectionType)), TimeoutInMillis: v.TimeoutInMillis, RequestParameters: v.RequestParameters, ResponseParameters: v.ResponseParameters}
	for _, m := range []struct {
		from string
		to   **string
	}{
		{v.URI, &i.IntegrationUri}, {v.HTTPMethod, &i.IntegrationMethod}, {v.Credentials, &i.CredentialsArn}, {v.ConnectionID, &i.ConnectionId},
		{v.PayloadFormatVersion, &i.PayloadFormatVersion}, {v.IntegrationSubtype, &i.IntegrationSubtype},
	} {
		if m.from != "" {
			*m.to = aws.String(m.from)
		}
	}
	i, err = im.api.addIntegration(i)
	if err == nil {
		err = im.pass(i.CredentialsArn)
	}
	if err != nil {
		return "", err
	}
	if ref != "" {
		im.shared[ref] = *i.IntegrationId
	}
	return *i.IntegrationId, nil
}

func failOn(fail *bool, warnings []string) error {
	if aws.ToBool(fail) && len(warnings) > 0 {
		return badRequest("Warnings found during import:\n\t%s", strings.Join(warnings, "\n\t"))
	}
	return nil
}

// ImportApi makes an API of a description.
func (s *Service) ImportApi(ctx context.Context, in *apigatewayv2.ImportApiInput, _ ...func(*apigatewayv2.Options)) (*apigatewayv2.ImportApiOutput, error) {
	d, err := s.newAPI(ctx, types.Api{Name: aws.String("imported"), ProtocolType: types.ProtocolTypeHttp})
	if err != nil {
		return nil, err
	}
	warnings, err := d.describe(aws.ToString(in.Body), aws.ToString(in.Basepath), s.passing(ctx, d))
	if err == nil {
		err = failOn(in.FailOnWarnings, warnings)
	}
	if err != nil {
		return nil, err
	}
	if err := s.createAPI(ctx, d, false); err != nil {
		return nil, err
	}
	out := filled[apigatewayv2.ImportApiOutput](d.API)
	out.Warnings = warnings
	return out, nil
}

// ReimportApi puts a description in the place of an API's routes, integrations and authorizers.
func (s *Service) ReimportApi(ctx context.Context, in *apigatewayv2.ReimportApiInput, _ ...func(*apigatewayv2.Options)) (*apigatewayv2.ReimportApiOutput, error) {
	var warnings []string
	d, err := s.change(ctx, in.ApiId, func(d *apiDoc) (err error) {
		if warnings, err = d.describe(aws.ToString(in.Body), aws.ToString(in.Basepath), s.passing(ctx, d)); err != nil {
			return err
		}
		return failOn(in.FailOnWarnings, warnings)
	})
	if err != nil {
		return nil, err
	}
	out := filled[apigatewayv2.ReimportApiOutput](d.API)
	out.Warnings = warnings
	return out, nil
}

// ExportApi describes an API, or what a stage of it serves.
func (s *Service) ExportApi(ctx context.Context, in *apigatewayv2.ExportApiInput, _ ...func(*apigatewayv2.Options)) (*apigatewayv2.ExportApiOutput, error) {
	if spec := aws.ToString(in.Specification); spec != "OAS30" {
		return nil, badRequest("Invalid specification: %s. It is OAS30", spec)
	}
	if v := aws.ToString(in.ExportVersion); v != "" && v != "1.0" {
		return nil, badRequest("Invalid export version: %s. It is 1.0", v)
	}
	d, base, err := s.described(ctx, in.ApiId, in.StageName)
	if err != nil {
		return nil, err
	}
	tree, err := d.tree(base, in.IncludeExtensions == nil || *in.IncludeExtensions)
	if err != nil {
		return nil, err
	}
	out := &apigatewayv2.ExportApiOutput{}
	switch aws.ToString(in.OutputType) {
	case "JSON":
		out.Body, err = openapi.JSON(tree)
	case "YAML":
		out.Body, err = openapi.YAML(tree)
	default:
		return nil, badRequest("Invalid output type: %s. It is JSON or YAML", aws.ToString(in.OutputType))
	}
	return out, err
}

// described is an API as it is, or as a stage of it serves it, and what comes before its paths there.
func (s *Service) described(ctx context.Context, api, stage *string) (d *apiDoc, base string, err error) {
	if d, err = s.api(ctx, api); err != nil || aws.ToString(stage) == "" {
		return d, "", err
	}
	_, st, err := s.stage(ctx, api, stage)
	if err != nil {
		return nil, "", err
	}
	if !st.auto() {
		doc, err := s.deployments.Get(scope.Of(ctx).Key(d.id(), aws.ToString(st.Stage.DeploymentId))...)
		if err != nil {
			return nil, "", err
		}
		d = &doc.API
	}
	if *stage != defaultStage {
		base = *stage
	}
	return d, base, nil
}

// Describe is what a stage serves, as OpenAPI 3.0 without extensions, whoever's API it is.
func (s *Service) Describe(ctx context.Context, api, stage string) (openapi.Object, error) {
	sc, _, err := executeapi.FindOwner(&s.owners, s.apis, api)
	if err != nil {
		return nil, err
	}
	d, base, err := s.described(awswire.WithCaller(ctx, awswire.Caller{Account: sc.Account, Region: sc.Region}), &api, &stage)
	if err != nil {
		return nil, err
	}
	return d.tree(base, false)
}

// lowered is a value of the API as descriptions write it: names of members begin with a small letter.
func lowered(v any) (openapi.Object, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var o openapi.Object
	if err := json.Unmarshal(b, &o); err != nil {
		return nil, err
	}
	out := openapi.Object{}
	for k, e := range o {
		if e != nil {
			out[strings.ToLower(k[:1])+k[1:]] = e
		}
	}
	return out, nil
}

func (d *apiDoc) tree(base string, extensions bool) (openapi.Object, error) {
	info := openapi.Object{"title": aws.ToString(d.API.Name), "version": d.Revised.UTC().Format("2006-01-02 15:04:05UTC")}
	if d.API.Version != nil {
		info["version"] = *d.API.Version
	}
	if d.API.Description != nil {
		info["description"] = *d.API.Description
	}
	server := openapi.Object{"url": aws.ToString(d.API.ApiEndpoint)}
	if base != "" {
		server = openapi.Object{"url": aws.ToString(d.API.ApiEndpoint) + "/{basePath}", "variables": openapi.Object{"basePath": openapi.Object{"default": base}}}
	}
	if aws.ToBool(d.API.DisableExecuteApiEndpoint) && extensions {
		server["x-amazon-apigateway-endpoint-configuration"] = openapi.Object{"disableExecuteApiEndpoint": true}
	}
	schemes, paths := openapi.Object{}, openapi.Object{}
	out := openapi.Object{"openapi": "3.0.1", "info": info, "servers": []any{server}, "paths": paths}
	for _, a := range sorted(d.Authorizers) {
		scheme := openapi.Object{"type": "apiKey", "name": "Unused", "in": "header"}
		if a.AuthorizerType == types.AuthorizerTypeJwt {
			scheme = openapi.Object{"type": "oauth2", "flows": openapi.Object{}}
		}
		if extensions {
			about, err := lowered(a)
			if err != nil {
				return nil, err
			}
			delete(about, "name")
			delete(about, "authorizerId")
			delete(about, "authorizerType")
			about["type"] = strings.ToLower(string(a.AuthorizerType))
			about["identitySource"] = strings.Join(a.IdentitySource, ",")
			if c := a.JwtConfiguration; c != nil {
				audience := make([]any, len(c.Audience))
				for i, v := range c.Audience {
					audience[i] = v
				}
				about["jwtConfiguration"] = openapi.Object{"issuer": aws.ToString(c.Issuer), "audience": audience}
			}
			if c, ok := about["authorizerCredentialsArn"]; ok {
				delete(about, "authorizerCredentialsArn")
				about["authorizerCredentials"] = c
			}
			scheme["x-amazon-apigateway-authorizer"] = about
		}
		schemes[*a.Name] = scheme
	}
	for _, r := range d.Routes {
		method, path, ok := strings.Cut(*r.RouteKey, " ")
		name := strings.ToLower(method)
		if !ok {
			path, name = "/$default", openapi.AnyMethod
		}
		if method == "ANY" {
			name = openapi.AnyMethod
		}
		op, err := d.operation(r, path, extensions, schemes)
		if err != nil {
			return nil, err
		}
		if paths[path] == nil {
			paths[path] = openapi.Object{}
		}
		paths[path].(openapi.Object)[name] = op
	}
	if len(schemes) > 0 {
		out["components"] = openapi.Object{"securitySchemes": schemes}
	}
	if c := d.API.CorsConfiguration; c != nil && extensions {
		cors, err := lowered(c)
		if err != nil {
			return nil, err
		}
		out["x-amazon-apigateway-cors"] = cors
	}
	if extensions {
		out["x-amazon-apigateway-importexport-version"] = "1.0"
	}
	return out, nil
}

const signedScheme = "sigv4"

func (d *apiDoc) operation(r types.Route, path string, extensions bool, schemes openapi.Object) (openapi.Object, error) {
	op := openapi.Object{"responses": openapi.Object{"default": openapi.Object{"description": "Default response for " + *r.RouteKey}}}
	if r.OperationName != nil {
		op["operationId"] = *r.OperationName
	}
	var parameters []any
	for part := range strings.SplitSeq(path, "/") {
		if strings.HasPrefix(part, "{") {
			parameters = append(parameters, openapi.Object{"name": strings.Trim(part, "{+}"), "in": "path", "required": true, "schema": openapi.Object{"type": "string"}})
		}
	}
	if parameters != nil {
		op["parameters"] = parameters
	}
	scopes := []any{}
	for _, s := range r.AuthorizationScopes {
		scopes = append(scopes, s)
	}
	if a, ok := d.Authorizers[aws.ToString(r.AuthorizerId)]; ok {
		op["security"] = []any{openapi.Object{*a.Name: scopes}}
	} else if r.AuthorizationType == types.AuthorizationTypeAwsIam {
		schemes[signedScheme] = openapi.Object{"type": "apiKey", "name": "Authorization", "in": "header", "x-amazon-apigateway-authtype": "awsSigv4"}
		op["security"] = []any{openapi.Object{signedScheme: scopes}}
	}
	i, ok := d.Integrations[strings.TrimPrefix(aws.ToString(r.Target), "integrations/")]
	if !ok || !extensions {
		return op, nil
	}
	about, err := lowered(i)
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"integrationId", "apiGatewayManaged", "description"} {
		delete(about, name)
	}
	for from, to := range map[string]string{"integrationType": "type", "integrationUri": "uri", "integrationMethod": "httpMethod", "credentialsArn": "credentials"} {
		if v, ok := about[from]; ok {
			delete(about, from)
			if about[to] = v; from == "integrationType" {
				about[to] = strings.ToLower(string(i.IntegrationType))
			}
		}
	}
	for name, v := range about {
		if v == "" {
			delete(about, name)
		}
	}
	op["x-amazon-apigateway-integration"] = about
	return op, nil
}
