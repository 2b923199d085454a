package apigateway

import (
	"context"
	"net/url"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/engine/vtl"
)

// PutIntegration, GetIntegration, UpdateIntegration, DeleteIntegration, and the same of integration
// responses.
//
// Templates are parsed when they are put: what does not parse is refused then. Time limits are 50 ms
// to 29 s. VPC links are refused.

// target is where an AWS integration leads: "arn:aws:apigateway:{region}:{service}:action/PutRecord"
// or "...:{service}:path/{path}".
type target struct {
	service   string // as in the ARN: "kinesis", "sqs", "lambda"; a subdomain may stand before it
	subdomain string // "bucket" of "bucket.s3"
	action    string // empty for a path
	path      string
}

func parseTarget(uri string) (target, bool) {
	a, ok := arn.Parse(uri)
	if !ok || a.Service != "apigateway" || a.Account == "" {
		return target{}, false
	}
	t := target{service: a.Account} // the service stands where accounts do
	if sub, service, ok := strings.Cut(a.Account, "."); ok {
		t.subdomain, t.service = sub, service
	}
	switch {
	case strings.HasPrefix(a.Resource, "action/"):
		t.action = strings.TrimPrefix(a.Resource, "action/")
		return t, t.action != ""
	case strings.HasPrefix(a.Resource, "path/"):
		t.path = strings.TrimPrefix(a.Resource, "path/")
		if !strings.HasPrefix(t.path, "/") { // "path//x" is the path "/x" too
			t.path = "/" + t.path
		}
		return t, true
	}
	return target{}, false
}

var roleARN = regexp.MustCompile(`^arn:aws[a-z-]*:iam::(\d{12}|\*):(role/.+|user/\*)$`)

func checkIntegration(i *types.Integration) error {
	switch i.Type {
	case types.IntegrationTypeAws, types.IntegrationTypeAwsProxy:
		t, ok := parseTarget(aws.ToString(i.Uri))
		if !ok {
			if a, isARN := arn.Parse(aws.ToString(i.Uri)); isARN && a.Service == "apigateway" {
				return badRequest("AWS ARN for integration must contain path or action")
			}
			return badRequest("Invalid ARN specified in the request")
		}
		if t.service == "states" {
			return badRequest("Brookmere has no Step Functions: integrate with Kinesis, Firehose, DynamoDB, SQS, SNS, S3 or Lambda")
		}
		if i.Type == types.IntegrationTypeAwsProxy && (t.service != "lambda" || !strings.Contains(t.path, "/functions/")) {
			return badRequest("Integrations of type 'AWS_PROXY' currently only supports Lambda function and Firehose stream invocations.")
		}
		if aws.ToString(i.HttpMethod) == "" {
			return badRequest("Enumeration value for HttpMethod must be non-empty")
		}
	case types.IntegrationTypeHttp, types.IntegrationTypeHttpProxy:
		u, err := url.Parse(aws.ToString(i.Uri))
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return badRequest("Invalid HTTP endpoint specified for URI")
		}
		if aws.ToString(i.HttpMethod) == "" {
			return badRequest("Enumeration value for HttpMethod must be non-empty")
		}
	case types.IntegrationTypeMock:
	default:
		return badRequest("Invalid integration type: %s", i.Type)
	}
	if i.ConnectionType == types.ConnectionTypeVpcLink {
		return badRequest("Brookmere has no VPC links: use the connection type INTERNET")
	}
	if i.TimeoutInMillis < 50 || i.TimeoutInMillis > 29_000 {
		return badRequest("Timeout should be between 50 ms and 29000 ms")
	}
	if c := aws.ToString(i.Credentials); c != "" && !roleARN.MatchString(c) {
		return badRequest("Invalid ARN specified in the request")
	}
	switch p := aws.ToString(i.PassthroughBehavior); p {
	case "WHEN_NO_MATCH", "WHEN_NO_TEMPLATES", "NEVER":
	default:
		return badRequest("Invalid passthrough behavior: %s. Valid values are WHEN_NO_MATCH, WHEN_NO_TEMPLATES and NEVER", p)
	}
	for k, v := range i.RequestParameters {
		if !integrationParameter.MatchString(k) || !mappingExpression.MatchString(v) {
			return badRequest("Invalid mapping expression specified: Validation Result: warnings : [], errors : [Invalid mapping expression specified: %s]", v)
		}
	}
	return checkTemplates(i.RequestTemplates)
}

var (
	integrationParameter = regexp.MustCompile(`^integration\.request\.(path|querystring|header)\.[^\s]+$`)
	mappingExpression    = regexp.MustCompile(`^('[^']*'|method\.request\.(path|querystring|multivaluequerystring|header|multivalueheader)\.[^\s]+|method\.request\.body(\..*|\[.*)?|context\..+|stageVariables\..+|route\..*)$`)
	answerExpression     = regexp.MustCompile(`^('[^']*'|integration\.response\.(header|multivalueheader)\.[^\s]+|integration\.response\.body(\..*|\[.*)?|context\..+|stageVariables\..+)$`)
)

// templateType is a content type that a template can be of; "$default" is any.
var templateType = regexp.MustCompile(`^(\$default|[^/\s]+/[^\s].*)$`)

func checkTemplates(templates map[string]string) error {
	for contentType, t := range templates {
		if !templateType.MatchString(contentType) {
			return badRequest("Validation Result: warnings : [], errors : [Invalid content type specified: %s]", contentType)
		}
		if _, err := vtl.Parse(t); err != nil {
			return badRequest("Invalid mapping template for %s: %v", contentType, err)
		}
	}
	return nil
}

// PutIntegration sets the integration of a method.
func (s *Service) PutIntegration(ctx context.Context, in *apigateway.PutIntegrationInput, _ ...func(*apigateway.Options)) (*apigateway.PutIntegrationOutput, error) {
	i := &types.Integration{
		Type: in.Type, HttpMethod: in.IntegrationHttpMethod, Uri: in.Uri, Credentials: in.Credentials, ConnectionType: in.ConnectionType, ConnectionId: in.ConnectionId,
		ContentHandling: in.ContentHandling, PassthroughBehavior: in.PassthroughBehavior, RequestParameters: in.RequestParameters, RequestTemplates: in.RequestTemplates,
		TimeoutInMillis: 29_000, CacheKeyParameters: append([]string{}, in.CacheKeyParameters...), CacheNamespace: in.CacheNamespace, TlsConfig: in.TlsConfig,
		ResponseTransferMode: in.ResponseTransferMode,
	}
	if in.TimeoutInMillis != nil {
		i.TimeoutInMillis = *in.TimeoutInMillis
	}
	if i.PassthroughBehavior == nil {
		i.PassthroughBehavior = aws.String("WHEN_NO_MATCH")
	}
	if i.CacheNamespace == nil {
		i.CacheNamespace = in.ResourceId
	}
	switch i.Type {
	case types.IntegrationTypeMock:
		i.HttpMethod = nil
	case types.IntegrationTypeHttp, types.IntegrationTypeHttpProxy:
		if i.ConnectionType == "" {
			i.ConnectionType = types.ConnectionTypeInternet
		}
	}
	if in.ResponseTransferMode == types.ResponseTransferModeStream {
		return nil, badRequest("Brookmere does not stream the answers of integrations: use the response transfer mode BUFFERED")
	}
	err := s.changeMethod(ctx, in.RestApiId, in.ResourceId, in.HttpMethod, func(_ *apiDoc, m *types.Method) error {
		if err := checkIntegration(i); err != nil {
			return err
		}
		if m.MethodIntegration != nil { // what it answers stays
			i.IntegrationResponses = m.MethodIntegration.IntegrationResponses
		}
		m.MethodIntegration = i
		return nil
	})
	if err != nil {
		return nil, err
	}
	return (*apigateway.PutIntegrationOutput)(integrationOutput(i)), nil
}

func integrationOutput(i *types.Integration) *apigateway.GetIntegrationOutput {
	return &apigateway.GetIntegrationOutput{
		Type: i.Type, HttpMethod: i.HttpMethod, Uri: i.Uri, Credentials: i.Credentials, ConnectionType: i.ConnectionType, ConnectionId: i.ConnectionId,
		ContentHandling: i.ContentHandling, PassthroughBehavior: i.PassthroughBehavior, RequestParameters: i.RequestParameters, RequestTemplates: i.RequestTemplates,
		TimeoutInMillis: i.TimeoutInMillis, CacheKeyParameters: i.CacheKeyParameters, CacheNamespace: i.CacheNamespace, TlsConfig: i.TlsConfig,
		IntegrationResponses: i.IntegrationResponses, ResponseTransferMode: i.ResponseTransferMode,
	}
}

func invalidIntegration() error { return notFound("Invalid Integration identifier specified") }

func integrationOf(m *types.Method) (*types.Integration, error) {
	if m.MethodIntegration == nil {
		return nil, invalidIntegration()
	}
	i := *m.MethodIntegration
	return &i, nil
}

// GetIntegration returns the integration of a method.
func (s *Service) GetIntegration(ctx context.Context, in *apigateway.GetIntegrationInput, _ ...func(*apigateway.Options)) (*apigateway.GetIntegrationOutput, error) {
	m, err := s.methodOf(ctx, in.RestApiId, in.ResourceId, in.HttpMethod)
	if err != nil {
		return nil, err
	}
	i, err := integrationOf(&m)
	if err != nil {
		return nil, err
	}
	return integrationOutput(i), nil
}

// UpdateIntegration changes settings of an integration.
func (s *Service) UpdateIntegration(ctx context.Context, in *apigateway.UpdateIntegrationInput, _ ...func(*apigateway.Options)) (*apigateway.UpdateIntegrationOutput, error) {
	var out *apigateway.GetIntegrationOutput
	err := s.changeMethod(ctx, in.RestApiId, in.ResourceId, in.HttpMethod, func(_ *apiDoc, m *types.Method) error {
		i, err := integrationOf(m)
		if err != nil {
			return err
		}
		kind, handling, connection := (*string)(&i.Type), (*string)(&i.ContentHandling), (*string)(&i.ConnectionType)
		err = patches{
			"/uri":                 setText(&i.Uri),
			"/httpMethod":          setText(&i.HttpMethod),
			"/type":                setText(&kind),
			"/credentials":         setText(&i.Credentials),
			"/connectionId":        setText(&i.ConnectionId),
			"/connectionType":      setText(&connection),
			"/contentHandling":     setText(&handling),
			"/passthroughBehavior": setText(&i.PassthroughBehavior),
			"/timeoutInMillis":     setInt32(&i.TimeoutInMillis),
			"/cacheNamespace":      setText(&i.CacheNamespace),
			"/cacheKeyParameters/": setList(&i.CacheKeyParameters),
			"/requestParameters/":  setMap(&i.RequestParameters),
			"/requestTemplates/":   setMap(&i.RequestTemplates),
			"/tlsConfig/insecureSkipVerification": func(_ types.Op, _, value string) error {
				i.TlsConfig = &types.TlsConfig{InsecureSkipVerification: value == "true"}
				return nil
			},
		}.apply(in.PatchOperations)
		if err != nil {
			return err
		}
		i.Type, i.ConnectionType = types.IntegrationType(aws.ToString(kind)), types.ConnectionType(aws.ToString(connection))
		i.ContentHandling = types.ContentHandlingStrategy(aws.ToString(handling))
		if err := checkIntegration(i); err != nil {
			return err
		}
		m.MethodIntegration, out = i, integrationOutput(i)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return (*apigateway.UpdateIntegrationOutput)(out), nil
}

// DeleteIntegration removes the integration of a method.
func (s *Service) DeleteIntegration(ctx context.Context, in *apigateway.DeleteIntegrationInput, _ ...func(*apigateway.Options)) (*apigateway.DeleteIntegrationOutput, error) {
	err := s.changeMethod(ctx, in.RestApiId, in.ResourceId, in.HttpMethod, func(_ *apiDoc, m *types.Method) error {
		_, err := integrationOf(m)
		m.MethodIntegration = nil
		return err
	})
	if err != nil {
		return nil, err
	}
	return &apigateway.DeleteIntegrationOutput{}, nil
}

func checkAnswer(r *types.IntegrationResponse, m *types.Method) error {
	if !statusCode.MatchString(aws.ToString(r.StatusCode)) {
		return badRequest("Invalid status code specified: %s", aws.ToString(r.StatusCode))
	}
	if _, err := compilePattern(aws.ToString(r.SelectionPattern)); err != nil {
		return badRequest("Invalid selection pattern specified: %s", aws.ToString(r.SelectionPattern))
	}
	for k, v := range r.ResponseParameters {
		if !responseParameter.MatchString(k) || !answerExpression.MatchString(v) {
			return badRequest("Invalid mapping expression specified: Validation Result: warnings : [], errors : [Invalid mapping expression specified: %s]", v)
		}
		if _, ok := m.MethodResponses[*r.StatusCode].ResponseParameters[k]; !ok {
			return badRequest("Invalid mapping expression specified: Validation Result: warnings : [], errors : [Invalid mapping expression parameter specified: %s]", k)
		}
	}
	return checkTemplates(r.ResponseTemplates)
}

// PutIntegrationResponse sets what an integration's answer becomes.
func (s *Service) PutIntegrationResponse(ctx context.Context, in *apigateway.PutIntegrationResponseInput, _ ...func(*apigateway.Options)) (*apigateway.PutIntegrationResponseOutput, error) {
	r := types.IntegrationResponse{StatusCode: in.StatusCode, SelectionPattern: in.SelectionPattern, ResponseParameters: in.ResponseParameters, ResponseTemplates: in.ResponseTemplates, ContentHandling: in.ContentHandling}
	err := s.changeMethod(ctx, in.RestApiId, in.ResourceId, in.HttpMethod, func(_ *apiDoc, m *types.Method) error {
		i, err := integrationOf(m)
		if err != nil {
			return err
		}
		if err := checkAnswer(&r, m); err != nil {
			return err
		}
		i.IntegrationResponses = with(i.IntegrationResponses, *in.StatusCode, r)
		m.MethodIntegration = i
		return nil
	})
	if err != nil {
		return nil, err
	}
	return (*apigateway.PutIntegrationResponseOutput)(answerOutput(&r)), nil
}

func answerOutput(r *types.IntegrationResponse) *apigateway.GetIntegrationResponseOutput {
	return &apigateway.GetIntegrationResponseOutput{StatusCode: r.StatusCode, SelectionPattern: r.SelectionPattern, ResponseParameters: r.ResponseParameters, ResponseTemplates: r.ResponseTemplates, ContentHandling: r.ContentHandling}
}

// GetIntegrationResponse returns what an integration's answer becomes.
func (s *Service) GetIntegrationResponse(ctx context.Context, in *apigateway.GetIntegrationResponseInput, _ ...func(*apigateway.Options)) (*apigateway.GetIntegrationResponseOutput, error) {
	m, err := s.methodOf(ctx, in.RestApiId, in.ResourceId, in.HttpMethod)
	if err != nil {
		return nil, err
	}
	i, err := integrationOf(&m)
	if err != nil {
		return nil, err
	}
	r, ok := i.IntegrationResponses[*in.StatusCode]
	if !ok {
		return nil, invalidStatus()
	}
	return answerOutput(&r), nil
}

// UpdateIntegrationResponse changes what an integration's answer becomes.
func (s *Service) UpdateIntegrationResponse(ctx context.Context, in *apigateway.UpdateIntegrationResponseInput, _ ...func(*apigateway.Options)) (*apigateway.UpdateIntegrationResponseOutput, error) {
	var r types.IntegrationResponse
	err := s.changeMethod(ctx, in.RestApiId, in.ResourceId, in.HttpMethod, func(_ *apiDoc, m *types.Method) error {
		i, err := integrationOf(m)
		if err != nil {
			return err
		}
		var ok bool
		if r, ok = i.IntegrationResponses[*in.StatusCode]; !ok {
			return invalidStatus()
		}
		handling := (*string)(&r.ContentHandling)
		err = patches{
			"/selectionPattern":    setText(&r.SelectionPattern),
			"/contentHandling":     setText(&handling),
			"/responseParameters/": setMap(&r.ResponseParameters),
			"/responseTemplates/":  setMap(&r.ResponseTemplates),
		}.apply(in.PatchOperations)
		if err != nil {
			return err
		}
		r.ContentHandling = types.ContentHandlingStrategy(aws.ToString(handling))
		if err := checkAnswer(&r, m); err != nil {
			return err
		}
		i.IntegrationResponses = with(i.IntegrationResponses, *in.StatusCode, r)
		m.MethodIntegration = i
		return nil
	})
	if err != nil {
		return nil, err
	}
	return (*apigateway.UpdateIntegrationResponseOutput)(answerOutput(&r)), nil
}

// DeleteIntegrationResponse removes what an integration's answer becomes.
func (s *Service) DeleteIntegrationResponse(ctx context.Context, in *apigateway.DeleteIntegrationResponseInput, _ ...func(*apigateway.Options)) (*apigateway.DeleteIntegrationResponseOutput, error) {
	err := s.changeMethod(ctx, in.RestApiId, in.ResourceId, in.HttpMethod, func(_ *apiDoc, m *types.Method) error {
		i, err := integrationOf(m)
		if err != nil {
			return err
		}
		if _, ok := i.IntegrationResponses[*in.StatusCode]; !ok {
			return invalidStatus()
		}
		i.IntegrationResponses = without(i.IntegrationResponses, *in.StatusCode)
		m.MethodIntegration = i
		return nil
	})
	if err != nil {
		if err.Error() == invalidMethod().Error() {
			err = invalidIntegration() // a method that is not there has none
		}
		return nil, err
	}
	return &apigateway.DeleteIntegrationResponseOutput{}, nil
}

// compilePattern compiles a selection pattern: a regular expression that must match the whole.
func compilePattern(p string) (*regexp.Regexp, error) {
	return regexp.Compile(`(?s)^(?:` + p + `)$`)
}
