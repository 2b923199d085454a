package apigatewayv2

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
)

// CreateRoute, GetRoute, GetRoutes, UpdateRoute, DeleteRoute.
//
// A route's key is a method and a path, "GET /orders/{id}", or $default. Models, request parameters and API keys
// are for WebSocket APIs, and refused.

var methods = map[string]bool{"GET": true, "POST": true, "PUT": true, "PATCH": true, "DELETE": true, "HEAD": true, "OPTIONS": true, "ANY": true}

var (
	pathPart     = regexp.MustCompile(`^[A-Za-z0-9._~!$&'()*,;=:@%+-]+$`)
	pathVariable = regexp.MustCompile(`^\{[A-Za-z0-9._:-]+\+?\}$`)
	targetForm   = regexp.MustCompile(`^integrations/([a-z0-9]{1,20})$`)
)

// splitKey splits a route's key into its method and the parts of its path.
func splitKey(key string) (method string, parts []string, err error) {
	if key == defaultRoute {
		return "", nil, nil
	}
	method, path, ok := strings.Cut(key, " ")
	if !ok || !methods[method] || !strings.HasPrefix(path, "/") || len(key) > 512 {
		return "", nil, badRequest("The provided route key is not formatted properly for HTTP protocol. Format should be \"<HTTP METHOD> /<RESOURCE PATH>\" or \"$default\"")
	}
	names := map[string]bool{}
	parts = strings.Split(strings.Trim(path, "/"), "/")
	if path == "/" {
		return method, nil, nil
	}
	for i, p := range parts {
		switch {
		case pathVariable.MatchString(p):
			name := strings.Trim(p, "{+}")
			if names[name] {
				return "", nil, badRequest("The path variable %s is in the route key %s twice", name, key)
			}
			names[name] = true
			if strings.HasSuffix(p, "+}") && i < len(parts)-1 {
				return "", nil, badRequest("The greedy path variable of the route key %s must be the end of its path", key)
			}
		case !pathPart.MatchString(p):
			return "", nil, badRequest("The route key %s has an invalid path", key)
		}
	}
	return method, parts, nil
}

const defaultRoute, defaultStage = "$default", "$default"

// checkRoute checks a route of the API, and gives it its defaults.
func (d *apiDoc) checkRoute(r *types.Route) error {
	method, parts, err := splitKey(aws.ToString(r.RouteKey))
	if err != nil {
		return err
	}
	if aws.ToString(r.RouteKey) != defaultRoute {
		r.RouteKey = aws.String(method + " /" + strings.Join(parts, "/"))
	}
	for _, o := range d.Routes {
		if *o.RouteKey == *r.RouteKey && aws.ToString(o.RouteId) != aws.ToString(r.RouteId) {
			return conflict("Route with key %s already exists for this API", *r.RouteKey)
		}
	}
	if aws.ToBool(r.ApiKeyRequired) {
		return badRequest("API keys are not supported for HTTP APIs")
	}
	if len(r.RequestModels) > 0 || len(r.RequestParameters) > 0 || aws.ToString(r.ModelSelectionExpression) != "" || aws.ToString(r.RouteResponseSelectionExpression) != "" {
		return badRequest("Models, request parameters and route responses are not supported for HTTP APIs")
	}
	r.ApiKeyRequired = aws.Bool(false)
	if t := aws.ToString(r.Target); t != "" {
		m := targetForm.FindStringSubmatch(t)
		if m == nil {
			return badRequest("Invalid target specified: %s. It should have the form integrations/{integrationId}", t)
		}
		if _, ok := d.Integrations[m[1]]; !ok {
			return missing("Integration", m[1])
		}
	}
	if r.AuthorizationType == "" {
		r.AuthorizationType = types.AuthorizationTypeNone
	}
	a, ok := d.Authorizers[aws.ToString(r.AuthorizerId)]
	switch r.AuthorizationType {
	case types.AuthorizationTypeNone, types.AuthorizationTypeAwsIam:
		r.AuthorizerId = nil
	case types.AuthorizationTypeJwt, types.AuthorizationTypeCustom:
		if !ok {
			return badRequest("Authorizer with ID %s does not exist", aws.ToString(r.AuthorizerId))
		}
		if (a.AuthorizerType == types.AuthorizerTypeJwt) != (r.AuthorizationType == types.AuthorizationTypeJwt) {
			return badRequest("The authorizer %s has another type than the route's authorization type %s", *a.AuthorizerId, r.AuthorizationType)
		}
	default:
		return badRequest("Invalid authorization type: %s", r.AuthorizationType)
	}
	if len(r.AuthorizationScopes) > 0 && r.AuthorizationType != types.AuthorizationTypeJwt {
		return badRequest("Authorization scopes are supported with the authorization type JWT alone")
	}
	if len(r.AuthorizationScopes) == 0 {
		r.AuthorizationScopes = nil
	}
	return nil
}

// addRoute adds a route to the API.
func (d *apiDoc) addRoute(r types.Route) (types.Route, error) {
	if len(d.Routes) >= maxRoutes {
		return r, badRequest("Maximum number of routes for this API has been reached")
	}
	r.RouteId = aws.String(newID(7))
	if err := d.checkRoute(&r); err != nil {
		return r, err
	}
	d.Routes = with(d.Routes, *r.RouteId, r)
	return r, nil
}

// CreateRoute adds a route to an API.
func (s *Service) CreateRoute(ctx context.Context, in *apigatewayv2.CreateRouteInput, _ ...func(*apigatewayv2.Options)) (*apigatewayv2.CreateRouteOutput, error) {
	var r types.Route
	_, err := s.change(ctx, in.ApiId, func(d *apiDoc) (err error) {
		r, err = d.addRoute(*filled[types.Route](in))
		return err
	})
	if err != nil {
		return nil, err
	}
	return filled[apigatewayv2.CreateRouteOutput](r), nil
}

func (d *apiDoc) route(id *string) (types.Route, error) {
	r, ok := d.Routes[aws.ToString(id)]
	if !ok {
		return r, missing("Route", aws.ToString(id))
	}
	return r, nil
}

// GetRoute returns a route.
func (s *Service) GetRoute(ctx context.Context, in *apigatewayv2.GetRouteInput, _ ...func(*apigatewayv2.Options)) (*apigatewayv2.GetRouteOutput, error) {
	d, err := s.api(ctx, in.ApiId)
	if err != nil {
		return nil, err
	}
	r, err := d.route(in.RouteId)
	if err != nil {
		return nil, err
	}
	return filled[apigatewayv2.GetRouteOutput](r), nil
}

// GetRoutes lists the routes of an API.
func (s *Service) GetRoutes(ctx context.Context, in *apigatewayv2.GetRoutesInput, _ ...func(*apigatewayv2.Options)) (*apigatewayv2.GetRoutesOutput, error) {
	d, err := s.api(ctx, in.ApiId)
	if err != nil {
		return nil, err
	}
	list, next, err := pageOf(sorted(d.Routes), func(r types.Route) string { return *r.RouteId }, in.NextToken, in.MaxResults)
	if err != nil {
		return nil, err
	}
	return &apigatewayv2.GetRoutesOutput{Items: list, NextToken: next}, nil
}

// UpdateRoute changes a route.
func (s *Service) UpdateRoute(ctx context.Context, in *apigatewayv2.UpdateRouteInput, _ ...func(*apigatewayv2.Options)) (*apigatewayv2.UpdateRouteOutput, error) {
	var r types.Route
	_, err := s.change(ctx, in.ApiId, func(d *apiDoc) (err error) {
		if r, err = d.route(in.RouteId); err != nil {
			return err
		}
		update(&r, in)
		r.RequestModels, r.RequestParameters = in.RequestModels, in.RequestParameters
		if err := d.checkRoute(&r); err != nil {
			return err
		}
		d.Routes[*r.RouteId] = r
		return nil
	})
	if err != nil {
		return nil, err
	}
	return filled[apigatewayv2.UpdateRouteOutput](r), nil
}

// DeleteRoute removes a route.
func (s *Service) DeleteRoute(ctx context.Context, in *apigatewayv2.DeleteRouteInput, _ ...func(*apigatewayv2.Options)) (*apigatewayv2.DeleteRouteOutput, error) {
	_, err := s.change(ctx, in.ApiId, func(d *apiDoc) error {
		if _, err := d.route(in.RouteId); err != nil {
			return err
		}
		delete(d.Routes, *in.RouteId)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &apigatewayv2.DeleteRouteOutput{}, nil
}

// routesOf are the keys of the routes that use something.
func (d *apiDoc) routesOf(uses func(types.Route) bool) []string {
	var keys []string
	for _, r := range d.Routes {
		if uses(r) {
			keys = append(keys, *r.RouteKey)
		}
	}
	slices.Sort(keys)
	return keys
}
