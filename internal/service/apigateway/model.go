package apigateway

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
)

// CreateModel, GetModel, GetModels, UpdateModel, DeleteModel; the same of request validators; and
// PutGatewayResponse, GetGatewayResponse, GetGatewayResponses, UpdateGatewayResponse,
// DeleteGatewayResponse.
//
// A model's schema is JSON Schema of draft 4. It is compiled when it is made.

var modelName = regexp.MustCompile(`^[A-Za-z0-9]+$`)

// sortedValues are the values of a map in the order of its keys.
func sortedValues[V any](m map[string]V, less func(a, b V) int) []V {
	out := make([]V, 0, len(m))
	for _, v := range m {
		out = append(out, v)
	}
	slices.SortFunc(out, less)
	return out
}

// CreateModel adds a model to an API.
func (s *Service) CreateModel(ctx context.Context, in *apigateway.CreateModelInput, _ ...func(*apigateway.Options)) (*apigateway.CreateModelOutput, error) {
	switch {
	case *in.Name == "":
		return nil, badRequest("Model name must be non-empty")
	case !modelName.MatchString(*in.Name):
		return nil, badRequest("Model name must be alphanumeric: %s", *in.Name)
	case aws.ToString(in.Schema) == "":
		return nil, emptySchema()
	}
	m := types.Model{Id: aws.String(newID(6)), Name: in.Name, ContentType: in.ContentType, Description: full(in.Description), Schema: in.Schema}
	_, err := s.change(ctx, in.RestApiId, func(d *apiDoc) error {
		if _, ok := d.Models[*in.Name]; ok {
			return conflict("Model name already exists for this REST API")
		}
		d.Models = with(d.Models, *in.Name, m)
		return d.checkModel(&m)
	})
	if err != nil {
		return nil, err
	}
	return &apigateway.CreateModelOutput{Id: m.Id, Name: m.Name, ContentType: m.ContentType, Description: m.Description, Schema: m.Schema}, nil
}

func emptySchema() error {
	return badRequest("Model schema must have at least 1 property or array items defined")
}

func invalidModel(name *string) func() error {
	return func() error { return notFound("Invalid model name specified: %s", aws.ToString(name)) }
}

// checkModel checks one model.
func (d *apiDoc) checkModel(m *types.Model) error {
	ms, err := modelsOf(d)
	if err != nil {
		return err
	}
	return ms.check(m)
}

func (ms *models) check(m *types.Model) error {
	if m.Schema == nil || *m.Schema == "" {
		return nil
	}
	if _, err := ms.compile(*m.Name); err != nil {
		return badRequest("Invalid model specified: Validation Result: warnings : [], errors : [Invalid model schema specified. %v]", err)
	}
	return nil
}

func modelOutput(m types.Model) *apigateway.GetModelOutput {
	return &apigateway.GetModelOutput{Id: m.Id, Name: m.Name, ContentType: m.ContentType, Description: m.Description, Schema: m.Schema}
}

// GetModel returns a model.
func (s *Service) GetModel(ctx context.Context, in *apigateway.GetModelInput, _ ...func(*apigateway.Options)) (*apigateway.GetModelOutput, error) {
	d, err := s.apiOr(ctx, in.RestApiId, invalidModel(in.ModelName))
	if err != nil {
		return nil, err
	}
	m, ok := d.Models[*in.ModelName]
	if !ok {
		return nil, invalidModel(in.ModelName)()
	}
	return modelOutput(m), nil
}

// GetModels lists the models of an API.
func (s *Service) GetModels(ctx context.Context, in *apigateway.GetModelsInput, _ ...func(*apigateway.Options)) (*apigateway.GetModelsOutput, error) {
	d, err := s.api(ctx, in.RestApiId)
	if err != nil {
		return nil, err
	}
	all := sortedValues(d.Models, func(a, b types.Model) int { return cmp.Compare(*a.Name, *b.Name) })
	list, next, err := pageOf(all, func(m types.Model) string { return *m.Name }, in.Position, in.Limit)
	if err != nil {
		return nil, err
	}
	return &apigateway.GetModelsOutput{Items: list, Position: next}, nil
}

// UpdateModel changes a model.
func (s *Service) UpdateModel(ctx context.Context, in *apigateway.UpdateModelInput, _ ...func(*apigateway.Options)) (*apigateway.UpdateModelOutput, error) {
	var m types.Model
	_, err := s.changeOr(ctx, in.RestApiId, invalidModel(in.ModelName), func(d *apiDoc) error {
		var ok bool
		if m, ok = d.Models[*in.ModelName]; !ok {
			return invalidModel(in.ModelName)()
		}
		had := aws.ToString(m.Schema)
		if err := (patches{"/description": setText(&m.Description), "/schema": setText(&m.Schema)}).replace(in.PatchOperations, "/description", "/schema"); err != nil {
			return err
		}
		if aws.ToString(m.Schema) == "" && had != "" {
			return emptySchema()
		}
		m.Description = full(m.Description)
		d.Models = with(d.Models, *in.ModelName, m)
		return d.checkModel(&m)
	})
	if err != nil {
		return nil, err
	}
	return (*apigateway.UpdateModelOutput)(modelOutput(m)), nil
}

// DeleteModel removes a model that no method uses.
func (s *Service) DeleteModel(ctx context.Context, in *apigateway.DeleteModelInput, _ ...func(*apigateway.Options)) (*apigateway.DeleteModelOutput, error) {
	_, err := s.changeOr(ctx, in.RestApiId, invalidModel(in.ModelName), func(d *apiDoc) error {
		if _, ok := d.Models[*in.ModelName]; !ok {
			return invalidModel(in.ModelName)()
		}
		uses := func(models map[string]string) bool {
			for _, name := range models {
				if name == *in.ModelName {
					return true
				}
			}
			return false
		}
		for _, r := range d.Resources {
			for _, m := range r.Methods {
				if uses(m.RequestModels) {
					return conflict("Cannot delete model '%s', is referenced in method request: %s/%s", *in.ModelName, d.path(r), *m.HttpMethod)
				}
				for _, resp := range m.MethodResponses {
					if uses(resp.ResponseModels) {
						return conflict("Cannot delete model '%s', is referenced in method response: %s/%s/%s", *in.ModelName, d.path(r), *m.HttpMethod, *resp.StatusCode)
					}
				}
			}
		}
		d.Models = without(d.Models, *in.ModelName)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &apigateway.DeleteModelOutput{}, nil
}

func validatorOutput(v types.RequestValidator) *apigateway.GetRequestValidatorOutput {
	return &apigateway.GetRequestValidatorOutput{Id: v.Id, Name: v.Name, ValidateRequestBody: v.ValidateRequestBody, ValidateRequestParameters: v.ValidateRequestParameters}
}

func invalidValidator() error { return notFound("Invalid Request Validator identifier specified") }

// CreateRequestValidator adds a validator to an API.
func (s *Service) CreateRequestValidator(ctx context.Context, in *apigateway.CreateRequestValidatorInput, _ ...func(*apigateway.Options)) (*apigateway.CreateRequestValidatorOutput, error) {
	v := types.RequestValidator{Id: aws.String(newID(6)), Name: in.Name, ValidateRequestBody: in.ValidateRequestBody, ValidateRequestParameters: in.ValidateRequestParameters}
	_, err := s.changeOr(ctx, in.RestApiId, func() error { return badRequest("Invalid REST API identifier specified") }, func(d *apiDoc) error {
		d.Validators = with(d.Validators, *v.Id, v)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return (*apigateway.CreateRequestValidatorOutput)(validatorOutput(v)), nil
}

// GetRequestValidator returns a validator.
func (s *Service) GetRequestValidator(ctx context.Context, in *apigateway.GetRequestValidatorInput, _ ...func(*apigateway.Options)) (*apigateway.GetRequestValidatorOutput, error) {
	d, err := s.apiOr(ctx, in.RestApiId, invalidValidator)
	if err != nil {
		return nil, err
	}
	v, ok := d.Validators[*in.RequestValidatorId]
	if !ok {
		return nil, invalidValidator()
	}
	return validatorOutput(v), nil
}

// GetRequestValidators lists the validators of an API.
func (s *Service) GetRequestValidators(ctx context.Context, in *apigateway.GetRequestValidatorsInput, _ ...func(*apigateway.Options)) (*apigateway.GetRequestValidatorsOutput, error) {
	d, err := s.api(ctx, in.RestApiId)
	if err != nil {
		return nil, err
	}
	all := sortedValues(d.Validators, func(a, b types.RequestValidator) int { return cmp.Compare(*a.Id, *b.Id) })
	list, next, err := pageOf(all, func(v types.RequestValidator) string { return *v.Id }, in.Position, in.Limit)
	if err != nil {
		return nil, err
	}
	return &apigateway.GetRequestValidatorsOutput{Items: list, Position: next}, nil
}

// UpdateRequestValidator changes a validator.
func (s *Service) UpdateRequestValidator(ctx context.Context, in *apigateway.UpdateRequestValidatorInput, _ ...func(*apigateway.Options)) (*apigateway.UpdateRequestValidatorOutput, error) {
	var v types.RequestValidator
	_, err := s.changeOr(ctx, in.RestApiId, invalidValidator, func(d *apiDoc) error {
		var ok bool
		if v, ok = d.Validators[*in.RequestValidatorId]; !ok {
			return invalidValidator()
		}
		d.Validators = with(d.Validators, *v.Id, v)
		err := patches{"/name": setText(&v.Name), "/validateRequestBody": setBool(&v.ValidateRequestBody), "/validateRequestParameters": setBool(&v.ValidateRequestParameters)}.
			replace(in.PatchOperations, "/name", "/validateRequestParameters", "/validateRequestBody")
		if err == nil && slices.ContainsFunc(in.PatchOperations, func(o types.PatchOperation) bool { return *o.Path == "/name" }) && aws.ToString(v.Name) == "" {
			err = badRequest("Request Validator name cannot be blank")
		}
		d.Validators[*v.Id] = v
		return err
	})
	if err != nil {
		return nil, err
	}
	return (*apigateway.UpdateRequestValidatorOutput)(validatorOutput(v)), nil
}

// DeleteRequestValidator removes a validator that no method uses.
func (s *Service) DeleteRequestValidator(ctx context.Context, in *apigateway.DeleteRequestValidatorInput, _ ...func(*apigateway.Options)) (*apigateway.DeleteRequestValidatorOutput, error) {
	_, err := s.changeOr(ctx, in.RestApiId, invalidValidator, func(d *apiDoc) error {
		if _, ok := d.Validators[*in.RequestValidatorId]; !ok {
			return invalidValidator()
		}
		for _, r := range d.Resources {
			for _, m := range r.Methods {
				if aws.ToString(m.RequestValidatorId) == *in.RequestValidatorId {
					return conflict("Cannot delete Request Validator '%s', is referenced in method request: %s %s", *in.RequestValidatorId, *m.HttpMethod, d.path(r))
				}
			}
		}
		d.Validators = without(d.Validators, *in.RequestValidatorId)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &apigateway.DeleteRequestValidatorOutput{}, nil
}

// responseStatus is the status of a gateway response by default; 0 where it is that of the failure.
// (Source: gateway response types of the developer guide.)
var responseStatus = map[types.GatewayResponseType]int{
	types.GatewayResponseTypeAccessDenied:                 403,
	types.GatewayResponseTypeApiConfigurationError:        500,
	types.GatewayResponseTypeAuthorizerConfigurationError: 500,
	types.GatewayResponseTypeAuthorizerFailure:            500,
	types.GatewayResponseTypeBadRequestBody:               400,
	types.GatewayResponseTypeBadRequestParameters:         400,
	types.GatewayResponseTypeDefault4xx:                   0,
	types.GatewayResponseTypeDefault5xx:                   0,
	types.GatewayResponseTypeExpiredToken:                 403,
	types.GatewayResponseTypeIntegrationFailure:           504,
	types.GatewayResponseTypeIntegrationTimeout:           504,
	types.GatewayResponseTypeInvalidApiKey:                403,
	types.GatewayResponseTypeInvalidSignature:             403,
	types.GatewayResponseTypeMissingAuthenticationToken:   403,
	types.GatewayResponseTypeQuotaExceeded:                429,
	types.GatewayResponseTypeRequestTooLarge:              413,
	types.GatewayResponseTypeResourceNotFound:             404,
	types.GatewayResponseTypeThrottled:                    429,
	types.GatewayResponseTypeUnauthorized:                 401,
	types.GatewayResponseTypeUnsupportedMediaType:         415,
	types.GatewayResponseTypeWafFiltered:                  403,
}

const defaultErrorTemplate = `{"message":$context.error.messageString}`

// gatewayResponse is the response of a type: the API's own, else that of the API for all of its class, else the default.
func (d *apiDoc) gatewayResponse(t types.GatewayResponseType) (types.GatewayResponse, bool) {
	if r, ok := d.Responses[string(t)]; ok {
		return r, true
	}
	status, ok := responseStatus[t]
	if !ok {
		return types.GatewayResponse{}, false
	}
	r := completeResponse(types.GatewayResponse{ResponseType: t, DefaultResponse: true})
	class, ok := d.Responses[string(types.GatewayResponseTypeDefault5xx)]
	if status < 500 {
		class, ok = d.Responses[string(types.GatewayResponseTypeDefault4xx)]
	}
	if ok && status != 0 {
		r.ResponseParameters, r.ResponseTemplates = class.ResponseParameters, class.ResponseTemplates
		if class.StatusCode != nil {
			r.StatusCode = class.StatusCode
		}
	}
	return r, true
}

// completeResponse gives a response what it does not say.
func completeResponse(r types.GatewayResponse) types.GatewayResponse {
	if status := responseStatus[r.ResponseType]; r.StatusCode == nil && status != 0 {
		r.StatusCode = aws.String(itoa(status))
	}
	if r.ResponseParameters == nil {
		r.ResponseParameters = map[string]string{}
	}
	if len(r.ResponseTemplates) == 0 {
		r.ResponseTemplates = map[string]string{"application/json": defaultErrorTemplate}
	}
	return r
}

func gatewayResponseOutput(r types.GatewayResponse) *apigateway.GetGatewayResponseOutput {
	return &apigateway.GetGatewayResponseOutput{ResponseType: r.ResponseType, DefaultResponse: r.DefaultResponse, StatusCode: r.StatusCode, ResponseParameters: r.ResponseParameters, ResponseTemplates: r.ResponseTemplates}
}

func checkGatewayResponse(r *types.GatewayResponse) error {
	if _, ok := responseStatus[r.ResponseType]; !ok {
		return badRequest("Invalid gateway response type: %s", r.ResponseType)
	}
	if c := aws.ToString(r.StatusCode); c != "" && !statusCode.MatchString(c) {
		return badRequest("Invalid status code specified: %s", c)
	}
	for k := range r.ResponseParameters {
		if !gatewayParameter.MatchString(k) {
			return badRequest("Invalid mapping expression parameter specified: %s", k)
		}
	}
	return checkTemplates(r.ResponseTemplates)
}

var gatewayParameter = regexp.MustCompile(`^gatewayresponse\.header\.[A-Za-z0-9!#$%&'*+.^_|~-]+$`)

// PutGatewayResponse sets how an API answers a kind of failure.
func (s *Service) PutGatewayResponse(ctx context.Context, in *apigateway.PutGatewayResponseInput, _ ...func(*apigateway.Options)) (*apigateway.PutGatewayResponseOutput, error) {
	r := completeResponse(types.GatewayResponse{ResponseType: in.ResponseType, StatusCode: in.StatusCode, ResponseParameters: in.ResponseParameters, ResponseTemplates: in.ResponseTemplates})
	if err := checkGatewayResponse(&r); err != nil {
		return nil, err
	}
	_, err := s.change(ctx, in.RestApiId, func(d *apiDoc) error {
		d.Responses = with(d.Responses, string(in.ResponseType), r)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return (*apigateway.PutGatewayResponseOutput)(gatewayResponseOutput(r)), nil
}

// GetGatewayResponse returns how an API answers a kind of failure.
func (s *Service) GetGatewayResponse(ctx context.Context, in *apigateway.GetGatewayResponseInput, _ ...func(*apigateway.Options)) (*apigateway.GetGatewayResponseOutput, error) {
	d, err := s.api(ctx, in.RestApiId)
	if err != nil {
		return nil, err
	}
	r, ok := d.gatewayResponse(in.ResponseType)
	if !ok {
		return nil, badRequest("Invalid gateway response type: %s", in.ResponseType)
	}
	return gatewayResponseOutput(r), nil
}

// GetGatewayResponses lists how an API answers all kinds of failures.
func (s *Service) GetGatewayResponses(ctx context.Context, in *apigateway.GetGatewayResponsesInput, _ ...func(*apigateway.Options)) (*apigateway.GetGatewayResponsesOutput, error) {
	d, err := s.api(ctx, in.RestApiId)
	if err != nil {
		return nil, err
	}
	var all []types.GatewayResponse
	for t := range responseStatus {
		r, _ := d.gatewayResponse(t)
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b types.GatewayResponse) int { return cmp.Compare(a.ResponseType, b.ResponseType) })
	list, next, err := pageOf(all, func(r types.GatewayResponse) string { return string(r.ResponseType) }, in.Position, in.Limit)
	if err != nil {
		return nil, err
	}
	return &apigateway.GetGatewayResponsesOutput{Items: list, Position: next}, nil
}

// UpdateGatewayResponse changes how an API answers a kind of failure.
func (s *Service) UpdateGatewayResponse(ctx context.Context, in *apigateway.UpdateGatewayResponseInput, _ ...func(*apigateway.Options)) (*apigateway.UpdateGatewayResponseOutput, error) {
	var r types.GatewayResponse
	_, err := s.change(ctx, in.RestApiId, func(d *apiDoc) error {
		r, _ = d.gatewayResponse(in.ResponseType)
		filled := func(what string, set func(types.Op, string, string) error) func(types.Op, string, string) error {
			return func(op types.Op, key, value string) error {
				if value == "" && op != types.OpRemove {
					return badRequest("Invalid null or empty value in %s", what)
				}
				return set(op, key, value)
			}
		}
		err := patches{
			"/statusCode": func(op types.Op, key, value string) error {
				if op != types.OpReplace {
					return badRequest("Invalid patch path /statusCode")
				}
				return setText(&r.StatusCode)(op, key, value)
			},
			"/responseParameters/": filled("responseParameters", existing(&r.ResponseParameters, "Invalid parameter name specified", setMap(&r.ResponseParameters))),
			"/responseTemplates/":  filled("responseTemplates", setMap(&r.ResponseTemplates)),
		}.apply(in.PatchOperations)
		if err != nil {
			return err
		}
		r = completeResponse(r)
		r.ResponseType, r.DefaultResponse = in.ResponseType, false
		d.Responses = with(d.Responses, string(in.ResponseType), r)
		return checkGatewayResponse(&r)
	})
	if err != nil {
		return nil, err
	}
	return (*apigateway.UpdateGatewayResponseOutput)(gatewayResponseOutput(r)), nil
}

// DeleteGatewayResponse gives a kind of failure its default answer again.
func (s *Service) DeleteGatewayResponse(ctx context.Context, in *apigateway.DeleteGatewayResponseInput, _ ...func(*apigateway.Options)) (*apigateway.DeleteGatewayResponseOutput, error) {
	_, err := s.change(ctx, in.RestApiId, func(d *apiDoc) error {
		if _, ok := d.Responses[string(in.ResponseType)]; !ok {
			return notFound("Gateway response type not defined on api")
		}
		d.Responses = without(d.Responses, string(in.ResponseType))
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &apigateway.DeleteGatewayResponseOutput{}, nil
}

// jsonText quotes a text as JSON, without the escapes that are for pages of HTML.
func jsonText(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil { // a text always has a JSON form
		return `""`
	}
	return strings.TrimSuffix(b.String(), "\n")
}
