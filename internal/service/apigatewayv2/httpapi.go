package apigatewayv2

import (
	"context"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"github.com/brookmere/brookmere/internal/awskit/page"
	"github.com/brookmere/brookmere/internal/awskit/scope"
)

// CreateApi, GetApi, GetApis, UpdateApi, DeleteApi, DeleteCorsConfiguration; TagResource, UntagResource and
// GetTags are in tags.go.
//
// A target makes an API of one route with its integration and the stage $default, which deploys automatically.

// Limits of what an API and an account have. (Source: quotas of HTTP APIs.)
const (
	maxAPIs         = 600
	maxRoutes       = 300
	maxIntegrations = 300
	maxAuthorizers  = 10
	maxStages       = 10
)

// api is an API of the caller's.
func (s *Service) api(ctx context.Context, id *string) (*apiDoc, error) {
	if aws.ToString(id) == "" {
		return nil, missing("API", "")
	}
	return s.apis.Get(scope.Of(ctx).Key(*id)...)
}

// change changes what an API of the caller's serves; f may run more than once.
func (s *Service) change(ctx context.Context, id *string, f func(*apiDoc) error) (*apiDoc, error) {
	if aws.ToString(id) == "" {
		return nil, missing("API", "")
	}
	return s.apis.Modify(ctx, func(d *apiDoc) error {
		if err := f(d); err != nil {
			return err
		}
		d.Revision, d.Revised = newID(8), s.cfg.Clock.Now().UTC()
		return nil
	}, scope.Of(ctx).Key(*id)...)
}

func checkProtocol(p types.ProtocolType) error {
	switch p {
	case types.ProtocolTypeHttp:
		return nil
	case types.ProtocolTypeWebsocket:
		return badRequest("Brookmere has no WebSocket APIs: use the protocol type HTTP")
	}
	return badRequest("Invalid protocol specified. Must be one of [HTTP, WEBSOCKET]")
}

func checkAPI(d *types.Api) error {
	name := aws.ToString(d.Name)
	switch {
	case name == "" || len(name) > 128:
		return badRequest("Name should have 1 to 128 characters")
	case len(aws.ToString(d.Description)) > 1024:
		return badRequest("Description has a maximum length of 1024 characters")
	case len(aws.ToString(d.Version)) > 64:
		return badRequest("Version has a maximum length of 64 characters")
	case aws.ToString(d.RouteSelectionExpression) != selectRoute:
		return badRequest("Unsupported route selection expression: %s. HTTP APIs select routes by %s", aws.ToString(d.RouteSelectionExpression), selectRoute)
	case aws.ToBool(d.DisableSchemaValidation):
		return badRequest("Schema validation is not supported for HTTP APIs")
	}
	return checkCORS(d.CorsConfiguration)
}

const selectRoute = "$request.method $request.path"

func checkCORS(c *types.Cors) error {
	if c == nil {
		return nil
	}
	for _, o := range c.AllowOrigins {
		if o != "*" && !strings.Contains(o, "://") {
			return badRequest("Invalid format for origin %s. Origin should start with valid scheme such as http:// or https://", o)
		}
		if o == "*" && aws.ToBool(c.AllowCredentials) {
			return badRequest("allowCredentials is not supported for origin *")
		}
	}
	if n := aws.ToInt32(c.MaxAge); n < -1 || n > 86400 {
		return badRequest("Invalid value for maxAge: it is between -1 and 86400 seconds")
	}
	for _, list := range [][]string{c.AllowOrigins, c.AllowHeaders, c.AllowMethods, c.ExposeHeaders} {
		for _, v := range list {
			if v == "" || strings.ContainsAny(v, "\r\n\x00,") {
				return badRequest("Invalid value in the CORS configuration: %q", v)
			}
		}
	}
	for _, m := range c.AllowMethods {
		if m != "*" && !methods[m] {
			return badRequest("Invalid HTTP method in the CORS configuration: %s", m)
		}
	}
	return nil
}

// CreateApi makes an API.
func (s *Service) CreateApi(ctx context.Context, in *apigatewayv2.CreateApiInput, _ ...func(*apigatewayv2.Options)) (*apigatewayv2.CreateApiOutput, error) {
	d, err := s.newAPI(ctx, *filled[types.Api](in))
	if err != nil {
		return nil, err
	}
	if in.RouteKey != nil && in.Target == nil || in.CredentialsArn != nil && in.Target == nil {
		return nil, badRequest("A target is required with a route key or credentials")
	}
	if in.Target != nil {
		if err := d.quickRoute(*in.Target, in.RouteKey, in.CredentialsArn); err != nil {
			return nil, err
		}
	}
	if err := s.createAPI(ctx, d, in.Target != nil); err != nil {
		return nil, err
	}
	return filled[apigatewayv2.CreateApiOutput](d.API), nil
}

// newAPI is a checked API that is not kept yet.
func (s *Service) newAPI(ctx context.Context, api types.Api) (*apiDoc, error) {
	if err := checkProtocol(api.ProtocolType); err != nil {
		return nil, err
	}
	sc := scope.Of(ctx)
	id := newID(10)
	api.ApiId, api.ApiEndpoint = aws.String(id), aws.String("https://"+id+".execute-api."+sc.Region+".amazonaws.com")
	api.CreatedDate = aws.Time(s.cfg.Clock.Now().UTC())
	if aws.ToString(api.RouteSelectionExpression) == "" {
		api.RouteSelectionExpression = aws.String(selectRoute)
	}
	if aws.ToString(api.ApiKeySelectionExpression) == "" {
		api.ApiKeySelectionExpression = aws.String("$request.header.x-api-key")
	}
	if api.IpAddressType == "" {
		api.IpAddressType = types.IpAddressTypeIpv4
	}
	api.ApiGatewayManaged, api.DisableExecuteApiEndpoint = nil, aws.Bool(aws.ToBool(api.DisableExecuteApiEndpoint))
	if err := checkAPI(&api); err != nil {
		return nil, err
	}
	if err := checkTags(api.Tags); err != nil {
		return nil, err
	}
	n := 0
	for range s.apis.Keys(sc.Key()...) {
		n++
	}
	if n >= maxAPIs {
		return nil, badRequest("Maximum number of APIs for this account has been reached")
	}
	return &apiDoc{API: api, Revision: newID(8), Revised: *api.CreatedDate}, nil
}

// quickRoute gives an API the route of a target.
func (d *apiDoc) quickRoute(target string, key, credentials *string) error {
	i := types.Integration{IntegrationUri: aws.String(target), CredentialsArn: credentials, ApiGatewayManaged: aws.Bool(true)}
	if strings.HasPrefix(target, "arn:") {
		i.IntegrationType, i.PayloadFormatVersion = types.IntegrationTypeAwsProxy, aws.String("2.0")
	} else {
		i.IntegrationType, i.IntegrationMethod = types.IntegrationTypeHttpProxy, aws.String("ANY")
	}
	i, err := d.addIntegration(i)
	if err != nil {
		return err
	}
	if key == nil {
		key = aws.String("$default")
	}
	_, err = d.addRoute(types.Route{RouteKey: key, Target: aws.String("integrations/" + *i.IntegrationId), ApiGatewayManaged: aws.Bool(true)})
	return err
}

// createAPI keeps a new API, with the stage $default where it is to have one: the stage first, which nobody
// sees before its API is there.
func (s *Service) createAPI(ctx context.Context, d *apiDoc, withStage bool) error {
	sc := scope.Of(ctx)
	if withStage {
		st := &stageDoc{Stage: types.Stage{
			StageName: aws.String(defaultStage), AutoDeploy: aws.Bool(true), ApiGatewayManaged: aws.Bool(true), CreatedDate: d.API.CreatedDate, LastUpdatedDate: d.API.CreatedDate,
			DefaultRouteSettings: &types.RouteSettings{DetailedMetricsEnabled: aws.Bool(false)}, RouteSettings: map[string]types.RouteSettings{},
		}}
		if err := s.stages.Create(ctx, st, sc.Key(d.id(), defaultStage)...); err != nil {
			return err
		}
	}
	if err := s.apis.Create(ctx, d, sc.Key(d.id())...); err != nil {
		return err
	}
	s.cfg.Logger.Info("HTTP API created", "api", d.id(), "name", aws.ToString(d.API.Name), "path", "/_aws/execute-api/"+d.id()+"/")
	return nil
}

// GetApi returns an API.
func (s *Service) GetApi(ctx context.Context, in *apigatewayv2.GetApiInput, _ ...func(*apigatewayv2.Options)) (*apigatewayv2.GetApiOutput, error) {
	d, err := s.api(ctx, in.ApiId)
	if err != nil {
		return nil, err
	}
	return filled[apigatewayv2.GetApiOutput](d.API), nil
}

// GetApis lists the caller's APIs by id.
func (s *Service) GetApis(ctx context.Context, in *apigatewayv2.GetApisInput, _ ...func(*apigatewayv2.Options)) (*apigatewayv2.GetApisOutput, error) {
	all, err := s.apis.All(scope.Of(ctx).Key()...)
	if err != nil {
		return nil, err
	}
	list, next, err := pageOf(all, (*apiDoc).id, in.NextToken, in.MaxResults)
	if err != nil {
		return nil, err
	}
	out := &apigatewayv2.GetApisOutput{Items: []types.Api{}, NextToken: next}
	for _, d := range list {
		out.Items = append(out.Items, d.API)
	}
	return out, nil
}

// pageOf cuts a page of up to 1000 items, 100 where nothing is asked for.
func pageOf[T any](items []T, key func(T) string, token, most *string) ([]T, *string, error) {
	n := int32(100)
	if most != nil {
		v, err := strconv.ParseInt(*most, 10, 32)
		if err != nil || v < 1 {
			return nil, nil, badRequest("Invalid maxResults parameter")
		}
		n = int32(v)
	}
	out, next, err := page.Of(items, key, page.Request{Token: token, Max: &n, Limit: 1000})
	if err != nil {
		return nil, nil, badRequest("Invalid nextToken parameter")
	}
	return out, next, nil
}

// UpdateApi changes settings of an API.
func (s *Service) UpdateApi(ctx context.Context, in *apigatewayv2.UpdateApiInput, _ ...func(*apigatewayv2.Options)) (*apigatewayv2.UpdateApiOutput, error) {
	d, err := s.change(ctx, in.ApiId, func(d *apiDoc) error {
		update(&d.API, in)
		if in.RouteKey != nil || in.Target != nil || in.CredentialsArn != nil {
			if err := d.updateQuick(in); err != nil {
				return err
			}
		}
		return checkAPI(&d.API)
	})
	if err != nil {
		return nil, err
	}
	return filled[apigatewayv2.UpdateApiOutput](d.API), nil
}

// updateQuick changes the route and the integration that a target made.
func (d *apiDoc) updateQuick(in *apigatewayv2.UpdateApiInput) error {
	found := false
	for id, r := range d.Routes {
		if aws.ToBool(r.ApiGatewayManaged) && in.RouteKey != nil {
			r.RouteKey = in.RouteKey
			if err := d.checkRoute(&r); err != nil {
				return err
			}
			d.Routes[id] = r
		}
	}
	for id, i := range d.Integrations {
		if !aws.ToBool(i.ApiGatewayManaged) {
			continue
		}
		found = true
		if in.Target != nil {
			i.IntegrationUri = in.Target
		}
		if in.CredentialsArn != nil {
			i.CredentialsArn = in.CredentialsArn
		}
		if err := checkIntegration(&i); err != nil {
			return err
		}
		d.Integrations[id] = i
	}
	if !found {
		return badRequest("The API was not made with a target: change its routes and integrations")
	}
	return nil
}

// DeleteApi removes an API with its stages and deployments; the API goes first, so that nobody sees a half of it.
func (s *Service) DeleteApi(ctx context.Context, in *apigatewayv2.DeleteApiInput, _ ...func(*apigatewayv2.Options)) (*apigatewayv2.DeleteApiOutput, error) {
	d, err := s.api(ctx, in.ApiId)
	if err != nil {
		return nil, err
	}
	key := scope.Of(ctx).Key(d.id())
	if err := s.apis.Delete(ctx, key...); err != nil {
		return nil, err
	}
	if err := s.stages.DeleteAll(ctx, key...); err != nil {
		return nil, err
	}
	if err := s.deployments.DeleteAll(ctx, key...); err != nil {
		return nil, err
	}
	s.owners.Forget(d.id())
	return &apigatewayv2.DeleteApiOutput{}, nil
}

// DeleteCorsConfiguration removes the CORS configuration of an API.
func (s *Service) DeleteCorsConfiguration(ctx context.Context, in *apigatewayv2.DeleteCorsConfigurationInput, _ ...func(*apigatewayv2.Options)) (*apigatewayv2.DeleteCorsConfigurationOutput, error) {
	_, err := s.change(ctx, in.ApiId, func(d *apiDoc) error {
		d.API.CorsConfiguration = nil
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &apigatewayv2.DeleteCorsConfigurationOutput{}, nil
}
