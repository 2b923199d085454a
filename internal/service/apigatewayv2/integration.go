package apigatewayv2

import (
	"context"
	"net/url"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"github.com/brookmere/brookmere/internal/awskit/arn"
)

// CreateIntegration, GetIntegration, GetIntegrations, UpdateIntegration, DeleteIntegration.
//
// AWS_PROXY leads to a function, or to an action of a service by its subtype (subtype.go); HTTP_PROXY to a URL.
// Time limits are 50 ms to 30 s. Templates and content handling are for WebSocket APIs, and refused.

var roleARN = regexp.MustCompile(`^arn:aws[a-z-]*:iam::(\d{12}:role/.+|\*:user/\*)$`)

// functionOf is the name or ARN of the function of an integration's or authorizer's URI: its own ARN, or the ARN
// arn:aws:apigateway:{region}:lambda:path/2015-03-31/functions/{ARN}/invocations.
func functionOf(uri string) (string, bool) {
	a, ok := arn.Parse(uri)
	if !ok {
		return "", false
	}
	if a.Service == "lambda" {
		return uri, strings.HasPrefix(a.Resource, "function:")
	}
	if a.Service != "apigateway" || a.Account != "lambda" { // the service stands where accounts do
		return "", false
	}
	_, name, ok := strings.Cut(a.Resource, "/functions/")
	name, ok2 := strings.CutSuffix(name, "/invocations")
	if u, err := url.PathUnescape(name); err == nil {
		name = u
	}
	return name, ok && ok2 && name != ""
}

// checkIntegration checks an integration, and gives it its defaults.
func checkIntegration(i *types.Integration) error {
	if i.ConnectionType == "" {
		i.ConnectionType = types.ConnectionTypeInternet
	}
	if i.ConnectionType != types.ConnectionTypeInternet || aws.ToString(i.ConnectionId) != "" || i.TlsConfig != nil {
		return badRequest("Brookmere has no VPC links: use the connection type INTERNET")
	}
	if len(i.RequestTemplates) > 0 || aws.ToString(i.TemplateSelectionExpression) != "" || i.ContentHandlingStrategy != "" || i.PassthroughBehavior != "" && i.PassthroughBehavior != types.PassthroughBehaviorWhenNoMatch {
		return badRequest("Templates, content handling and passthrough behaviors are not supported for HTTP APIs")
	}
	i.PassthroughBehavior = ""
	if i.TimeoutInMillis == nil {
		i.TimeoutInMillis = aws.Int32(30_000)
	}
	if t := *i.TimeoutInMillis; t < 50 || t > 30_000 {
		return badRequest("Invalid integration timeout: it is between 50 and 30000 milliseconds")
	}
	if len(aws.ToString(i.Description)) > 1024 {
		return badRequest("Description has a maximum length of 1024 characters")
	}
	if c := aws.ToString(i.CredentialsArn); c != "" && !roleARN.MatchString(c) {
		return badRequest("Invalid credentials ARN specified: %s", c)
	}
	subtype, uri := aws.ToString(i.IntegrationSubtype), aws.ToString(i.IntegrationUri)
	if i.PayloadFormatVersion == nil {
		i.PayloadFormatVersion = aws.String("1.0")
	}
	if v := *i.PayloadFormatVersion; v != "1.0" && (v != "2.0" || i.IntegrationType != types.IntegrationTypeAwsProxy || subtype != "") {
		return badRequest("PayloadFormatVersion provided is invalid: %s", v)
	}
	switch {
	case i.IntegrationType == types.IntegrationTypeAwsProxy && subtype != "":
		if err := checkSubtype(i); err != nil {
			return err
		}
	case i.IntegrationType == types.IntegrationTypeAwsProxy:
		if _, ok := functionOf(uri); !ok {
			return badRequest("Invalid integration URI: %s. It should be the ARN of a Lambda function", uri)
		}
		if m := aws.ToString(i.IntegrationMethod); m == "" {
			i.IntegrationMethod = aws.String("POST")
		} else if m != "POST" {
			return badRequest("The integration method of a Lambda function must be POST")
		}
	case i.IntegrationType == types.IntegrationTypeHttpProxy:
		u, err := url.Parse(stageVariable.ReplaceAllString(uri, "v"))
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
			return badRequest("Invalid HTTP endpoint specified for URI")
		}
		if !methods[aws.ToString(i.IntegrationMethod)] {
			return badRequest("Invalid integration method specified: %s", aws.ToString(i.IntegrationMethod))
		}
	default:
		return badRequest("Invalid integration type specified for HTTP API: %s. Must be one of [AWS_PROXY, HTTP_PROXY]", i.IntegrationType)
	}
	if subtype == "" {
		if _, err := parseRequestMappings(i.RequestParameters); err != nil {
			return err
		}
	}
	_, err := parseResponseMappings(i.ResponseParameters)
	return err
}

// stageVariable is a stage variable in a URI.
var stageVariable = regexp.MustCompile(`\$\{stageVariables\.([A-Za-z0-9_]+)\}`)

// addIntegration adds an integration to the API.
func (d *apiDoc) addIntegration(i types.Integration) (types.Integration, error) {
	if len(d.Integrations) >= maxIntegrations {
		return i, badRequest("Maximum number of integrations for this API has been reached")
	}
	if err := checkIntegration(&i); err != nil {
		return i, err
	}
	i.IntegrationId = aws.String(newID(8))
	d.Integrations = with(d.Integrations, *i.IntegrationId, i)
	return i, nil
}

// tlsOf is the TLS configuration of an input, whose type is another than that of answers.
func tlsOf(in *types.TlsConfigInput) *types.TlsConfig {
	if in == nil {
		return nil
	}
	return &types.TlsConfig{ServerNameToVerify: in.ServerNameToVerify}
}

// CreateIntegration adds an integration to an API.
func (s *Service) CreateIntegration(ctx context.Context, in *apigatewayv2.CreateIntegrationInput, _ ...func(*apigatewayv2.Options)) (*apigatewayv2.CreateIntegrationOutput, error) {
	var i types.Integration
	_, err := s.change(ctx, in.ApiId, func(d *apiDoc) (err error) {
		i = *filled[types.Integration](in)
		i.TlsConfig = tlsOf(in.TlsConfig)
		i, err = d.addIntegration(i)
		return err
	})
	if err != nil {
		return nil, err
	}
	return filled[apigatewayv2.CreateIntegrationOutput](i), nil
}

func (d *apiDoc) integration(id *string) (types.Integration, error) {
	i, ok := d.Integrations[aws.ToString(id)]
	if !ok {
		return i, missing("Integration", aws.ToString(id))
	}
	return i, nil
}

// GetIntegration returns an integration.
func (s *Service) GetIntegration(ctx context.Context, in *apigatewayv2.GetIntegrationInput, _ ...func(*apigatewayv2.Options)) (*apigatewayv2.GetIntegrationOutput, error) {
	d, err := s.api(ctx, in.ApiId)
	if err != nil {
		return nil, err
	}
	i, err := d.integration(in.IntegrationId)
	if err != nil {
		return nil, err
	}
	return filled[apigatewayv2.GetIntegrationOutput](i), nil
}

// GetIntegrations lists the integrations of an API.
func (s *Service) GetIntegrations(ctx context.Context, in *apigatewayv2.GetIntegrationsInput, _ ...func(*apigatewayv2.Options)) (*apigatewayv2.GetIntegrationsOutput, error) {
	d, err := s.api(ctx, in.ApiId)
	if err != nil {
		return nil, err
	}
	list, next, err := pageOf(sorted(d.Integrations), func(i types.Integration) string { return *i.IntegrationId }, in.NextToken, in.MaxResults)
	if err != nil {
		return nil, err
	}
	return &apigatewayv2.GetIntegrationsOutput{Items: list, NextToken: next}, nil
}

// UpdateIntegration changes an integration. A parameter whose mapping is empty is removed.
func (s *Service) UpdateIntegration(ctx context.Context, in *apigatewayv2.UpdateIntegrationInput, _ ...func(*apigatewayv2.Options)) (*apigatewayv2.UpdateIntegrationOutput, error) {
	var i types.Integration
	_, err := s.change(ctx, in.ApiId, func(d *apiDoc) (err error) {
		if i, err = d.integration(in.IntegrationId); err != nil {
			return err
		}
		update(&i, in)
		i.RequestParameters = updateMap(i.RequestParameters, in.RequestParameters, isEmpty)
		i.ResponseParameters = updateMap(i.ResponseParameters, in.ResponseParameters, func(m map[string]string) bool { return len(m) == 0 })
		i.RequestTemplates, i.TlsConfig = in.RequestTemplates, tlsOf(in.TlsConfig)
		if err := checkIntegration(&i); err != nil {
			return err
		}
		d.Integrations[*i.IntegrationId] = i
		return nil
	})
	if err != nil {
		return nil, err
	}
	return filled[apigatewayv2.UpdateIntegrationOutput](i), nil
}

// DeleteIntegration removes an integration that no route leads to.
func (s *Service) DeleteIntegration(ctx context.Context, in *apigatewayv2.DeleteIntegrationInput, _ ...func(*apigatewayv2.Options)) (*apigatewayv2.DeleteIntegrationOutput, error) {
	_, err := s.change(ctx, in.ApiId, func(d *apiDoc) error {
		if _, err := d.integration(in.IntegrationId); err != nil {
			return err
		}
		if used := d.routesOf(func(r types.Route) bool { return aws.ToString(r.Target) == "integrations/"+*in.IntegrationId }); len(used) > 0 {
			return conflict("Cannot delete Integration '%s', is referenced in route: '%s'", *in.IntegrationId, used[0])
		}
		delete(d.Integrations, *in.IntegrationId)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &apigatewayv2.DeleteIntegrationOutput{}, nil
}
