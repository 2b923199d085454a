package apigateway

import (
	"context"
	"maps"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
)

// PutMethod, GetMethod, UpdateMethod, DeleteMethod, and the same of method responses.
//
// Authorization is NONE, AWS_IAM or CUSTOM (a Lambda authorizer); COGNITO_USER_POOLS is refused.

// changeMethod changes a method of an API; what f is given may be changed, but its maps are replaced.
func (s *Service) changeMethod(ctx context.Context, api, resource, verb *string, f func(*apiDoc, *types.Method) error) error {
	_, err := s.changeOr(ctx, api, invalidResource, func(d *apiDoc) error {
		r, m, err := d.method(resource, verb)
		if err != nil {
			return err
		}
		if err := f(d, &m); err != nil {
			return err
		}
		r.Methods[*m.HttpMethod] = m
		return nil
	})
	return err
}

var verbs = regexp.MustCompile(`^(GET|PUT|POST|DELETE|PATCH|HEAD|OPTIONS|ANY)$`)

// methodOf finds a method of an API of the caller's.
func (s *Service) methodOf(ctx context.Context, api, resource, verb *string) (types.Method, error) {
	d, err := s.apiOr(ctx, api, invalidResource)
	if err != nil {
		return types.Method{}, err
	}
	_, m, err := d.method(resource, verb)
	return m, err
}

// checkMethod refuses a method that names what the API does not have. An authorizer that the method does not ask is left out.
func (d *apiDoc) checkMethod(m *types.Method) error {
	m.RequestValidatorId = full(m.RequestValidatorId)
	switch aws.ToString(m.AuthorizationType) {
	case "NONE", "AWS_IAM":
		m.AuthorizerId = nil
	case "CUSTOM":
		a, ok := d.Authorizers[aws.ToString(m.AuthorizerId)]
		if !ok || a.Type == types.AuthorizerTypeCognitoUserPools {
			return badRequest("Invalid authorizer ID specified. Setting the authorization type to CUSTOM or COGNITO_USER_POOLS requires a valid authorizer.")
		}
	case "COGNITO_USER_POOLS":
		return badRequest("Brookmere has no Cognito user pools: use a Lambda authorizer (CUSTOM) or AWS_IAM")
	default:
		return badRequest("Invalid authorization type specified. Valid options are AWS_IAM, CUSTOM, COGNITO_USER_POOLS and NONE")
	}
	if id := aws.ToString(m.RequestValidatorId); id != "" {
		if _, ok := d.Validators[id]; !ok {
			return badRequest("Invalid Request Validator identifier specified")
		}
	}
	for _, name := range m.RequestModels {
		if _, ok := d.Models[name]; !ok {
			return badRequest("Invalid model identifier specified: %s", name)
		}
	}
	names := map[string]bool{}
	for p := range m.RequestParameters {
		where := methodParameter.FindStringSubmatch(p)
		if where == nil {
			return badRequest("Invalid mapping expression specified: Validation Result: warnings : [], errors : [Invalid mapping expression specified: %s]", p)
		}
		if names[where[2]] {
			return badRequest("Parameter names must be unique across querystring, header and path")
		}
		names[where[2]] = true
	}
	return nil
}

var (
	methodParameter   = regexp.MustCompile(`^method\.request\.(path|querystring|multivaluequerystring|header|multivalueheader)\.([^\s]+)$`)
	responseParameter = regexp.MustCompile(`^method\.response\.header\.[A-Za-z0-9!#$%&'*+.^_|~-]+$`)
)

// PutMethod adds a method to a resource.
func (s *Service) PutMethod(ctx context.Context, in *apigateway.PutMethodInput, _ ...func(*apigateway.Options)) (*apigateway.PutMethodOutput, error) {
	verb := *in.HttpMethod
	m := types.Method{
		HttpMethod: aws.String(verb), AuthorizationType: in.AuthorizationType, ApiKeyRequired: aws.Bool(in.ApiKeyRequired), AuthorizationScopes: in.AuthorizationScopes,
		AuthorizerId: in.AuthorizerId, OperationName: in.OperationName, RequestModels: in.RequestModels, RequestParameters: in.RequestParameters, RequestValidatorId: in.RequestValidatorId,
	}
	_, err := s.changeOr(ctx, in.RestApiId, invalidResource, func(d *apiDoc) error {
		r, err := d.resource(in.ResourceId)
		if err != nil {
			return err
		}
		if !verbs.MatchString(verb) {
			return badRequest("Invalid HttpMethod specified. Valid options are GET,PUT,POST,DELETE,PATCH,OPTIONS,HEAD,ANY")
		}
		if _, ok := r.Methods[verb]; ok {
			return conflict("Method already exists for this resource")
		}
		if err := d.checkMethod(&m); err != nil {
			return err
		}
		if r.Methods == nil {
			r.Methods = map[string]types.Method{}
		}
		r.Methods[verb] = m
		return nil
	})
	if err != nil {
		return nil, err
	}
	return (*apigateway.PutMethodOutput)(methodOutput(&m)), nil
}

func methodOutput(m *types.Method) *apigateway.GetMethodOutput {
	return &apigateway.GetMethodOutput{
		HttpMethod: m.HttpMethod, AuthorizationType: m.AuthorizationType, ApiKeyRequired: m.ApiKeyRequired, AuthorizationScopes: m.AuthorizationScopes,
		AuthorizerId: m.AuthorizerId, OperationName: m.OperationName, RequestModels: m.RequestModels, RequestParameters: m.RequestParameters,
		RequestValidatorId: m.RequestValidatorId, MethodIntegration: m.MethodIntegration, MethodResponses: m.MethodResponses,
	}
}

// GetMethod returns a method with its integration and responses.
func (s *Service) GetMethod(ctx context.Context, in *apigateway.GetMethodInput, _ ...func(*apigateway.Options)) (*apigateway.GetMethodOutput, error) {
	m, err := s.methodOf(ctx, in.RestApiId, in.ResourceId, in.HttpMethod)
	if err != nil {
		return nil, err
	}
	return methodOutput(&m), nil
}

// UpdateMethod changes settings of a method.
func (s *Service) UpdateMethod(ctx context.Context, in *apigateway.UpdateMethodInput, _ ...func(*apigateway.Options)) (*apigateway.UpdateMethodOutput, error) {
	var out *apigateway.GetMethodOutput
	err := s.changeMethod(ctx, in.RestApiId, in.ResourceId, in.HttpMethod, func(d *apiDoc, m *types.Method) error {
		required := aws.ToBool(m.ApiKeyRequired)
		err := patches{
			"/authorizationType":    replaced(setText(&m.AuthorizationType)),
			"/authorizerId":         replaced(setText(&m.AuthorizerId)),
			"/operationName":        replaced(setText(&m.OperationName)),
			"/requestValidatorId":   replaced(setText(&m.RequestValidatorId)),
			"/apiKeyRequired":       replaced(setBool(&required)),
			"/authorizationScopes":  setList(&m.AuthorizationScopes),
			"/authorizationScopes/": setList(&m.AuthorizationScopes),
			"/requestModels/":       setMap(&m.RequestModels),
			"/requestParameters/":   setBoolMap(&m.RequestParameters),
		}.apply(in.PatchOperations)
		if err != nil {
			return err
		}
		m.ApiKeyRequired = aws.Bool(required)
		err = d.checkMethod(m)
		out = methodOutput(m)
		return err
	})
	if err != nil {
		return nil, err
	}
	return (*apigateway.UpdateMethodOutput)(out), nil
}

// DeleteMethod removes a method.
func (s *Service) DeleteMethod(ctx context.Context, in *apigateway.DeleteMethodInput, _ ...func(*apigateway.Options)) (*apigateway.DeleteMethodOutput, error) {
	_, err := s.changeOr(ctx, in.RestApiId, invalidResource, func(d *apiDoc) error {
		r, m, err := d.method(in.ResourceId, in.HttpMethod)
		if err != nil {
			return err
		}
		delete(r.Methods, *m.HttpMethod)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &apigateway.DeleteMethodOutput{}, nil
}

var statusCode = regexp.MustCompile(`^[1-5][0-9][0-9]$`)

func (d *apiDoc) checkResponse(r *types.MethodResponse) error {
	if !statusCode.MatchString(aws.ToString(r.StatusCode)) {
		return badRequest("Invalid status code specified: %s", aws.ToString(r.StatusCode))
	}
	for _, name := range r.ResponseModels {
		if _, ok := d.Models[name]; !ok {
			return badRequest("Invalid model identifier specified: %s", name)
		}
	}
	for p := range r.ResponseParameters {
		if !responseParameter.MatchString(p) {
			return badRequest("Invalid mapping expression specified: Validation Result: warnings : [], errors : [Invalid mapping expression parameter specified: %s]", p)
		}
	}
	return nil
}

// PutMethodResponse adds a response to a method.
func (s *Service) PutMethodResponse(ctx context.Context, in *apigateway.PutMethodResponseInput, _ ...func(*apigateway.Options)) (*apigateway.PutMethodResponseOutput, error) {
	r := types.MethodResponse{StatusCode: in.StatusCode, ResponseModels: in.ResponseModels, ResponseParameters: in.ResponseParameters}
	err := s.changeMethod(ctx, in.RestApiId, in.ResourceId, in.HttpMethod, func(d *apiDoc, m *types.Method) error {
		if _, ok := m.MethodResponses[*in.StatusCode]; ok {
			return conflict("Response already exists for this resource")
		}
		if err := d.checkResponse(&r); err != nil {
			return err
		}
		m.MethodResponses = with(m.MethodResponses, *in.StatusCode, r)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &apigateway.PutMethodResponseOutput{StatusCode: r.StatusCode, ResponseModels: r.ResponseModels, ResponseParameters: r.ResponseParameters}, nil
}

// with is a copy of a map with one more entry.
func with[V any](m map[string]V, key string, v V) map[string]V {
	out := maps.Clone(m)
	if out == nil {
		out = map[string]V{}
	}
	out[key] = v
	return out
}

// without is a copy of a map without a key; nil if nothing is left.
func without[V any](m map[string]V, key string) map[string]V {
	out := maps.Clone(m)
	delete(out, key)
	if len(out) == 0 {
		return nil
	}
	return out
}

// GetMethodResponse returns a response of a method.
func (s *Service) GetMethodResponse(ctx context.Context, in *apigateway.GetMethodResponseInput, _ ...func(*apigateway.Options)) (*apigateway.GetMethodResponseOutput, error) {
	m, err := s.methodOf(ctx, in.RestApiId, in.ResourceId, in.HttpMethod)
	if err != nil {
		return nil, err
	}
	r, ok := m.MethodResponses[*in.StatusCode]
	if !ok {
		return nil, invalidStatus()
	}
	return &apigateway.GetMethodResponseOutput{StatusCode: r.StatusCode, ResponseModels: r.ResponseModels, ResponseParameters: r.ResponseParameters}, nil
}

// UpdateMethodResponse changes a response of a method.
func (s *Service) UpdateMethodResponse(ctx context.Context, in *apigateway.UpdateMethodResponseInput, _ ...func(*apigateway.Options)) (*apigateway.UpdateMethodResponseOutput, error) {
	var r types.MethodResponse
	err := s.changeMethod(ctx, in.RestApiId, in.ResourceId, in.HttpMethod, func(d *apiDoc, m *types.Method) error {
		var ok bool
		if r, ok = m.MethodResponses[*in.StatusCode]; !ok {
			return invalidStatus()
		}
		err := patches{
			"/responseModels/":     existing(&r.ResponseModels, "Content-Type specified was not found", setMap(&r.ResponseModels)),
			"/responseParameters/": existing(&r.ResponseParameters, "Invalid parameter name specified", setBoolMap(&r.ResponseParameters)),
		}.apply(in.PatchOperations)
		if err != nil {
			return err
		}
		m.MethodResponses = with(m.MethodResponses, *in.StatusCode, r)
		return d.checkResponse(&r)
	})
	if err != nil {
		return nil, err
	}
	return &apigateway.UpdateMethodResponseOutput{StatusCode: r.StatusCode, ResponseModels: r.ResponseModels, ResponseParameters: r.ResponseParameters}, nil
}

// DeleteMethodResponse removes a response of a method.
func (s *Service) DeleteMethodResponse(ctx context.Context, in *apigateway.DeleteMethodResponseInput, _ ...func(*apigateway.Options)) (*apigateway.DeleteMethodResponseOutput, error) {
	err := s.changeMethod(ctx, in.RestApiId, in.ResourceId, in.HttpMethod, func(_ *apiDoc, m *types.Method) error {
		if _, ok := m.MethodResponses[*in.StatusCode]; !ok {
			return invalidStatus()
		}
		m.MethodResponses = without(m.MethodResponses, *in.StatusCode)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &apigateway.DeleteMethodResponseOutput{}, nil
}

// mediaType is a content type without its parameters, in lower case; application/json where there
// is none.
func mediaType(contentType string) string {
	t, _, _ := strings.Cut(contentType, ";")
	if t = strings.ToLower(strings.TrimSpace(t)); t == "" {
		return "application/json"
	}
	return t
}
