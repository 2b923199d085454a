package apigatewayv2

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
)

// CreateAuthorizer, GetAuthorizer, GetAuthorizers, UpdateAuthorizer, DeleteAuthorizer, ResetAuthorizersCache.
//
// The answers of functions are kept for 300 s where nothing else is said; 0 keeps none.

func checkAuthorizer(a *types.Authorizer, d *apiDoc) error {
	name := aws.ToString(a.Name)
	if name == "" || len(name) > 128 {
		return badRequest("Authorizer name should have 1 to 128 characters")
	}
	for _, o := range d.Authorizers {
		if *o.Name == name && aws.ToString(o.AuthorizerId) != aws.ToString(a.AuthorizerId) {
			return conflict("Authorizer name must be unique. Authorizer %s already exists in this API", name)
		}
	}
	for _, e := range a.IdentitySource {
		if x, err := parseExpression(e); err != nil || !x.isVariable() || x.ofResponse() {
			return badRequest("Invalid identity source: %s", e)
		}
	}
	if aws.ToString(a.IdentityValidationExpression) != "" {
		return badRequest("Identity validation expressions are not supported for HTTP APIs")
	}
	switch a.AuthorizerType {
	case types.AuthorizerTypeJwt:
		return checkJWTAuthorizer(a)
	case types.AuthorizerTypeRequest:
	default:
		return badRequest("Invalid authorizer type: %s", a.AuthorizerType)
	}
	if a.JwtConfiguration != nil {
		return badRequest("A JWT configuration is supported by authorizers of the type JWT alone")
	}
	if _, ok := functionOf(aws.ToString(a.AuthorizerUri)); !ok {
		return badRequest("Invalid Authorizer URI: %s. Authorizer URI should be a valid API Gateway ARN that represents a Lambda function invocation.", aws.ToString(a.AuthorizerUri))
	}
	if c := aws.ToString(a.AuthorizerCredentialsArn); c != "" && !roleARN.MatchString(c) {
		return badRequest("Invalid credentials ARN specified: %s", c)
	}
	switch aws.ToString(a.AuthorizerPayloadFormatVersion) {
	case "2.0":
	case "1.0":
		if aws.ToBool(a.EnableSimpleResponses) {
			return badRequest("Simple responses are supported with the payload format version 2.0 alone")
		}
	default:
		return badRequest("AuthorizerPayloadFormatVersion is a required parameter for REQUEST authorizer: 1.0 or 2.0")
	}
	if a.AuthorizerResultTtlInSeconds == nil {
		a.AuthorizerResultTtlInSeconds = aws.Int32(300)
	}
	ttl := *a.AuthorizerResultTtlInSeconds
	if ttl < 0 || ttl > 3600 {
		return badRequest("Authorizer result TTL must be between 0 and 3600 seconds")
	}
	if ttl > 0 && len(a.IdentitySource) == 0 {
		return badRequest("Identity sources are required where the answers of an authorizer are kept")
	}
	a.EnableSimpleResponses = aws.Bool(aws.ToBool(a.EnableSimpleResponses))
	return nil
}

func checkJWTAuthorizer(a *types.Authorizer) error {
	if a.AuthorizerUri != nil || a.AuthorizerCredentialsArn != nil || a.AuthorizerPayloadFormatVersion != nil || aws.ToInt32(a.AuthorizerResultTtlInSeconds) != 0 || aws.ToBool(a.EnableSimpleResponses) {
		return badRequest("JWT authorizers have no function, payload format or kept answers")
	}
	if len(a.IdentitySource) != 1 || !strings.HasPrefix(a.IdentitySource[0], "$request.") {
		return badRequest("A JWT authorizer has one identity source: $request.header.{name} or $request.querystring.{name}")
	}
	c := a.JwtConfiguration
	if c == nil || aws.ToString(c.Issuer) == "" || len(c.Audience) == 0 {
		return badRequest("JWT authorizers need an issuer and an audience")
	}
	u, err := url.Parse(*c.Issuer)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return badRequest("Invalid issuer: %s. Issuer must have a valid discovery endpoint ended with '/.well-known/openid-configuration'", *c.Issuer)
	}
	if slices.Contains(c.Audience, "") || len(c.Audience) > 50 {
		return badRequest("Invalid audience: it has 1 to 50 entries that are not empty")
	}
	return nil
}

// addAuthorizer adds an authorizer to the API.
func (d *apiDoc) addAuthorizer(a types.Authorizer) (types.Authorizer, error) {
	if len(d.Authorizers) >= maxAuthorizers {
		return a, badRequest("Maximum number of authorizers for this API has been reached")
	}
	if err := checkAuthorizer(&a, d); err != nil {
		return a, err
	}
	a.AuthorizerId = aws.String(newID(6))
	d.Authorizers = with(d.Authorizers, *a.AuthorizerId, a)
	return a, nil
}

// CreateAuthorizer adds an authorizer to an API.
func (s *Service) CreateAuthorizer(ctx context.Context, in *apigatewayv2.CreateAuthorizerInput, _ ...func(*apigatewayv2.Options)) (*apigatewayv2.CreateAuthorizerOutput, error) {
	var a types.Authorizer
	_, err := s.change(ctx, in.ApiId, func(d *apiDoc) (err error) {
		a, err = d.addAuthorizer(*filled[types.Authorizer](in))
		return err
	})
	if err != nil {
		return nil, err
	}
	return filled[apigatewayv2.CreateAuthorizerOutput](a), nil
}

func (d *apiDoc) authorizer(id *string) (types.Authorizer, error) {
	a, ok := d.Authorizers[aws.ToString(id)]
	if !ok {
		return a, missing("Authorizer", aws.ToString(id))
	}
	return a, nil
}

// GetAuthorizer returns an authorizer.
func (s *Service) GetAuthorizer(ctx context.Context, in *apigatewayv2.GetAuthorizerInput, _ ...func(*apigatewayv2.Options)) (*apigatewayv2.GetAuthorizerOutput, error) {
	d, err := s.api(ctx, in.ApiId)
	if err != nil {
		return nil, err
	}
	a, err := d.authorizer(in.AuthorizerId)
	if err != nil {
		return nil, err
	}
	return filled[apigatewayv2.GetAuthorizerOutput](a), nil
}

// GetAuthorizers lists the authorizers of an API.
func (s *Service) GetAuthorizers(ctx context.Context, in *apigatewayv2.GetAuthorizersInput, _ ...func(*apigatewayv2.Options)) (*apigatewayv2.GetAuthorizersOutput, error) {
	d, err := s.api(ctx, in.ApiId)
	if err != nil {
		return nil, err
	}
	list, next, err := pageOf(sorted(d.Authorizers), func(a types.Authorizer) string { return *a.AuthorizerId }, in.NextToken, in.MaxResults)
	if err != nil {
		return nil, err
	}
	return &apigatewayv2.GetAuthorizersOutput{Items: list, NextToken: next}, nil
}

// UpdateAuthorizer changes an authorizer.
func (s *Service) UpdateAuthorizer(ctx context.Context, in *apigatewayv2.UpdateAuthorizerInput, _ ...func(*apigatewayv2.Options)) (*apigatewayv2.UpdateAuthorizerOutput, error) {
	var a types.Authorizer
	_, err := s.change(ctx, in.ApiId, func(d *apiDoc) (err error) {
		if a, err = d.authorizer(in.AuthorizerId); err != nil {
			return err
		}
		kind := a.AuthorizerType
		update(&a, in)
		if a.AuthorizerType != kind && len(d.routesOf(func(r types.Route) bool { return aws.ToString(r.AuthorizerId) == *a.AuthorizerId })) > 0 {
			return conflict("The type of an authorizer that routes use cannot be changed")
		}
		if err := checkAuthorizer(&a, d); err != nil {
			return err
		}
		d.Authorizers[*a.AuthorizerId] = a
		return nil
	})
	if err != nil {
		return nil, err
	}
	return filled[apigatewayv2.UpdateAuthorizerOutput](a), nil
}

// DeleteAuthorizer removes an authorizer that no route uses.
func (s *Service) DeleteAuthorizer(ctx context.Context, in *apigatewayv2.DeleteAuthorizerInput, _ ...func(*apigatewayv2.Options)) (*apigatewayv2.DeleteAuthorizerOutput, error) {
	_, err := s.change(ctx, in.ApiId, func(d *apiDoc) error {
		if _, err := d.authorizer(in.AuthorizerId); err != nil {
			return err
		}
		if used := d.routesOf(func(r types.Route) bool { return aws.ToString(r.AuthorizerId) == *in.AuthorizerId }); len(used) > 0 {
			return conflict("Cannot delete authorizer '%s', is referenced in route: '%s'", *in.AuthorizerId, used[0])
		}
		delete(d.Authorizers, *in.AuthorizerId)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &apigatewayv2.DeleteAuthorizerOutput{}, nil
}

// ResetAuthorizersCache forgets what functions of authorizers answered for a stage.
func (s *Service) ResetAuthorizersCache(ctx context.Context, in *apigatewayv2.ResetAuthorizersCacheInput, _ ...func(*apigatewayv2.Options)) (*apigatewayv2.ResetAuthorizersCacheOutput, error) {
	if _, _, err := s.stage(ctx, in.ApiId, in.StageName); err != nil {
		return nil, err
	}
	s.authorized.forget(*in.ApiId + "/" + *in.StageName)
	return &apigatewayv2.ResetAuthorizersCacheOutput{}, nil
}
