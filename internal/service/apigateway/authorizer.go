package apigateway

import (
	"cmp"
	"context"
	"regexp"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
)

// CreateAuthorizer, GetAuthorizer, GetAuthorizers, UpdateAuthorizer, DeleteAuthorizer.
//
// TOKEN and REQUEST authorizers are Lambda functions; Cognito user pools are refused. What an
// authorizer answers is kept for its time to live, five minutes where it has none.

func invalidAuthorizer() error { return notFound("Invalid Authorizer identifier specified") }

// resultTTL is how long an authorizer's answer is kept, in seconds.
func resultTTL(a *types.Authorizer) int32 {
	if a.AuthorizerResultTtlInSeconds == nil {
		return 300
	}
	return *a.AuthorizerResultTtlInSeconds
}

// concurrent is how the service refuses an authorizer for an API that is not there.
func concurrent() error {
	return conflict("Unable to complete operation due to concurrent modification. Please try again later.")
}

func checkAuthorizer(a *types.Authorizer) error {
	switch a.Type {
	case types.AuthorizerTypeToken, types.AuthorizerTypeRequest:
	case types.AuthorizerTypeCognitoUserPools:
		return badRequest("Brookmere has no Cognito user pools: use a Lambda authorizer of the type TOKEN or REQUEST")
	default:
		return badRequest("Invalid authorizer type: %s", a.Type)
	}
	if t, ok := parseTarget(aws.ToString(a.AuthorizerUri)); !ok || t.service != "lambda" {
		return badRequest("Invalid Authorizer URI: %s. Authorizer URI should be a valid API Gateway ARN that represents a Lambda function invocation.", aws.ToString(a.AuthorizerUri))
	}
	if a.Type == types.AuthorizerTypeToken && aws.ToString(a.IdentitySource) == "" {
		a.IdentitySource = aws.String("method.request.header.Authorization")
	}
	if ttl := aws.ToInt32(a.AuthorizerResultTtlInSeconds); ttl < 0 || ttl > 3600 {
		return badRequest("Authorizer result TTL must be between 0 and 3600 seconds")
	}
	if _, err := regexp.Compile(aws.ToString(a.IdentityValidationExpression)); err != nil {
		return badRequest("Invalid identity validation expression: %s", aws.ToString(a.IdentityValidationExpression))
	}
	return nil
}

func authorizerOutput(a types.Authorizer) *apigateway.GetAuthorizerOutput {
	return &apigateway.GetAuthorizerOutput{
		Id: a.Id, Name: a.Name, Type: a.Type, AuthType: a.AuthType, AuthorizerUri: a.AuthorizerUri, AuthorizerCredentials: a.AuthorizerCredentials,
		AuthorizerResultTtlInSeconds: a.AuthorizerResultTtlInSeconds, IdentitySource: a.IdentitySource, IdentityValidationExpression: a.IdentityValidationExpression, ProviderARNs: a.ProviderARNs,
	}
}

// CreateAuthorizer adds an authorizer to an API.
func (s *Service) CreateAuthorizer(ctx context.Context, in *apigateway.CreateAuthorizerInput, _ ...func(*apigateway.Options)) (*apigateway.CreateAuthorizerOutput, error) {
	a := types.Authorizer{
		Id: aws.String(newID(6)), Name: in.Name, Type: in.Type, AuthType: in.AuthType, AuthorizerUri: in.AuthorizerUri, AuthorizerCredentials: in.AuthorizerCredentials,
		AuthorizerResultTtlInSeconds: in.AuthorizerResultTtlInSeconds, IdentitySource: in.IdentitySource, IdentityValidationExpression: in.IdentityValidationExpression, ProviderARNs: in.ProviderARNs,
	}
	if a.AuthType == nil {
		a.AuthType = aws.String("custom")
	}
	if err := checkAuthorizer(&a); err != nil {
		return nil, err
	}
	_, err := s.changeOr(ctx, in.RestApiId, concurrent, func(d *apiDoc) error {
		for _, o := range d.Authorizers {
			if *o.Name == *in.Name {
				return conflict("Authorizer name must be unique. Authorizer %s already exists in this RestApi.", *in.Name)
			}
		}
		d.Authorizers = with(d.Authorizers, *a.Id, a)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return (*apigateway.CreateAuthorizerOutput)(authorizerOutput(a)), nil
}

// GetAuthorizer returns an authorizer.
func (s *Service) GetAuthorizer(ctx context.Context, in *apigateway.GetAuthorizerInput, _ ...func(*apigateway.Options)) (*apigateway.GetAuthorizerOutput, error) {
	d, err := s.api(ctx, in.RestApiId)
	if err != nil {
		return nil, err
	}
	a, ok := d.Authorizers[*in.AuthorizerId]
	if !ok {
		return nil, invalidAuthorizer()
	}
	return authorizerOutput(a), nil
}

// GetAuthorizers lists the authorizers of an API.
func (s *Service) GetAuthorizers(ctx context.Context, in *apigateway.GetAuthorizersInput, _ ...func(*apigateway.Options)) (*apigateway.GetAuthorizersOutput, error) {
	d, err := s.api(ctx, in.RestApiId)
	if err != nil {
		return nil, err
	}
	all := sortedValues(d.Authorizers, func(a, b types.Authorizer) int { return cmp.Compare(*a.Id, *b.Id) })
	list, next, err := pageOf(all, func(a types.Authorizer) string { return *a.Id }, in.Position, in.Limit)
	if err != nil {
		return nil, err
	}
	return &apigateway.GetAuthorizersOutput{Items: list, Position: next}, nil
}

// UpdateAuthorizer changes an authorizer.
func (s *Service) UpdateAuthorizer(ctx context.Context, in *apigateway.UpdateAuthorizerInput, _ ...func(*apigateway.Options)) (*apigateway.UpdateAuthorizerOutput, error) {
	var a types.Authorizer
	_, err := s.change(ctx, in.RestApiId, func(d *apiDoc) error {
		var ok bool
		if a, ok = d.Authorizers[*in.AuthorizerId]; !ok {
			return invalidAuthorizer()
		}
		kind, ttl := (*string)(&a.Type), a.AuthorizerResultTtlInSeconds
		err := patches{
			"/name": setText(&a.Name), "/type": setText(&kind), "/authType": setText(&a.AuthType), "/authorizerUri": setText(&a.AuthorizerUri), "/authorizerCredentials": setText(&a.AuthorizerCredentials),
			"/authorizerResultTtlInSeconds": func(op types.Op, key, value string) error {
				var n int32
				if ttl = nil; op == types.OpRemove {
					return nil
				}
				ttl = &n
				return setInt32(&n)(op, key, value)
			}, "/identitySource": setText(&a.IdentitySource), "/identityValidationExpression": setText(&a.IdentityValidationExpression),
		}.apply(in.PatchOperations)
		if err != nil {
			return err
		}
		a.Type, a.AuthorizerResultTtlInSeconds = types.AuthorizerType(aws.ToString(kind)), ttl
		if err := checkAuthorizer(&a); err != nil {
			return err
		}
		d.Authorizers = with(d.Authorizers, *a.Id, a)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return (*apigateway.UpdateAuthorizerOutput)(authorizerOutput(a)), nil
}

// DeleteAuthorizer removes an authorizer that no method uses.
func (s *Service) DeleteAuthorizer(ctx context.Context, in *apigateway.DeleteAuthorizerInput, _ ...func(*apigateway.Options)) (*apigateway.DeleteAuthorizerOutput, error) {
	_, err := s.change(ctx, in.RestApiId, func(d *apiDoc) error {
		if _, ok := d.Authorizers[*in.AuthorizerId]; !ok {
			return invalidAuthorizer()
		}
		for _, r := range d.Resources {
			for _, m := range r.Methods {
				if aws.ToString(m.AuthorizerId) == *in.AuthorizerId {
					return conflict("Cannot delete authorizer '%s', is referenced in method: %s %s", *in.AuthorizerId, *m.HttpMethod, d.path(r))
				}
			}
		}
		d.Authorizers = without(d.Authorizers, *in.AuthorizerId)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &apigateway.DeleteAuthorizerOutput{}, nil
}
