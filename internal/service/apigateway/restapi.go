package apigateway

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"

	"github.com/brookmere/brookmere/internal/awskit/executeapi"
	"github.com/brookmere/brookmere/internal/awskit/page"
	"github.com/brookmere/brookmere/internal/awskit/scope"
)

// CreateRestApi, GetRestApi, GetRestApis, UpdateRestApi, DeleteRestApi.
//
// Cloning is refused; importing is in import.go. A policy is checked for being JSON and kept to
// the byte.

// CreateRestApi makes an API with its root resource and the two models that every API has.
func (s *Service) CreateRestApi(ctx context.Context, in *apigateway.CreateRestApiInput, _ ...func(*apigateway.Options)) (*apigateway.CreateRestApiOutput, error) {
	switch {
	case strings.TrimSpace(*in.Name) == "":
		return nil, badRequest("REST API name cannot be blank")
	case in.CloneFrom != nil:
		return nil, badRequest("Brookmere does not clone APIs: export the other one and import it")
	case in.Description != nil && *in.Description == "":
		return nil, blankDescription()
	}
	if err := checkPolicy(in.Policy); err != nil {
		return nil, err
	}
	if err := checkCompression(in.MinimumCompressionSize); err != nil {
		return nil, err
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	d := s.newAPI(*in.Name)
	d.Description, d.Version, d.BinaryTypes, d.Compression, d.Policy = in.Description, in.Version, in.BinaryMediaTypes, in.MinimumCompressionSize, in.Policy
	d.DisableEndpoint, d.Tags = in.DisableExecuteApiEndpoint, in.Tags
	if in.ApiKeySource != "" {
		d.KeySource = in.ApiKeySource
	}
	if in.EndpointConfiguration != nil {
		d.Endpoint = *in.EndpointConfiguration
		switch {
		case d.Endpoint.Types == nil:
			d.Endpoint.Types = []types.EndpointType{types.EndpointTypeEdge}
		case len(d.Endpoint.Types) == 0:
			return nil, badRequest("REGIONAL Configuration and EDGE Configuration cannot be both DISABLED.")
		case len(d.Endpoint.Types) > 1:
			return nil, badRequest("Cannot create an api with multiple Endpoint Types.")
		}
	}
	if err := checkEndpoint(&d.Endpoint); err != nil {
		return nil, err
	}
	if err := s.apis.Create(ctx, d, scope.Of(ctx).Key(d.ID)...); err != nil {
		return nil, err
	}
	return (*apigateway.CreateRestApiOutput)(restAPIOutput(d)), nil
}

func (s *Service) newAPI(name string) *apiDoc {
	root := newID(10)
	return &apiDoc{
		ID: newID(10), Name: name, Created: s.cfg.Clock.Now().UTC(), KeySource: types.ApiKeySourceTypeHeader,
		Endpoint: types.EndpointConfiguration{Types: []types.EndpointType{types.EndpointTypeEdge}, IpAddressType: types.IpAddressTypeIpv4},
		Root:     root, Resources: map[string]*resourceDoc{root: {ID: root}},
		Models: map[string]types.Model{
			"Empty": {Id: aws.String(newID(6)), Name: aws.String("Empty"), ContentType: aws.String("application/json"), Description: aws.String("This is a default empty schema model"),
				Schema: aws.String("{\n  \"$schema\": \"http://json-schema.org/draft-04/schema#\",\n  \"title\" : \"Empty Schema\",\n  \"type\" : \"object\"\n}")},
			"Error": {Id: aws.String(newID(6)), Name: aws.String("Error"), ContentType: aws.String("application/json"), Description: aws.String("This is a default error schema model"),
				Schema: aws.String("{\n  \"$schema\" : \"http://json-schema.org/draft-04/schema#\",\n  \"title\" : \"Error Schema\",\n  \"type\" : \"object\",\n  \"properties\" : {\n    \"message\" : { \"type\" : \"string\" }\n  }\n}")},
		},
	}
}

// checkEndpoint gives an endpoint configuration its IP address type, and checks it: private APIs have both.
func checkEndpoint(e *types.EndpointConfiguration) error {
	private := slices.Contains(e.Types, types.EndpointTypePrivate)
	switch {
	case private && e.IpAddressType == types.IpAddressTypeIpv4:
		return badRequest("Only dualstack ipAddressType is supported for Private APIs.")
	case e.IpAddressType != "":
	case private:
		e.IpAddressType = types.IpAddressTypeDualstack
	default:
		e.IpAddressType = types.IpAddressTypeIpv4
	}
	return nil
}

// restAPIOutput is an API as calls answer it: their outputs have the members of types.RestApi.
func restAPIOutput(d *apiDoc) *apigateway.GetRestApiOutput {
	o := d.output()
	return &apigateway.GetRestApiOutput{
		Id: o.Id, Name: o.Name, Description: o.Description, Version: o.Version, CreatedDate: o.CreatedDate, ApiKeySource: o.ApiKeySource,
		BinaryMediaTypes: o.BinaryMediaTypes, MinimumCompressionSize: o.MinimumCompressionSize, Policy: o.Policy,
		EndpointConfiguration: o.EndpointConfiguration, DisableExecuteApiEndpoint: o.DisableExecuteApiEndpoint, RootResourceId: o.RootResourceId,
		Tags: o.Tags, ApiStatus: o.ApiStatus,
	}
}

// tagsOf are tags as the answers to reading and changing one thing have them: always.
func tagsOf(tags map[string]string) map[string]string {
	if tags == nil {
		return map[string]string{}
	}
	return tags
}

func checkPolicy(policy *string) error {
	if policy != nil && *policy != "" && !json.Valid([]byte(*policy)) {
		return badRequest("Invalid policy document. Please check the policy syntax and ensure that Principals are valid.")
	}
	return nil
}

func checkCompression(n *int32) error {
	if n != nil && (*n < 0 || *n > 10<<20) {
		return badRequest("Invalid minimum compression size, must be between 0 and 10485760")
	}
	return nil
}

func checkTags(tags map[string]string) error {
	if fault := executeapi.TagFault(tags); fault != "" {
		return badRequest("%s", fault)
	}
	return nil
}

// GetRestApi returns an API.
func (s *Service) GetRestApi(ctx context.Context, in *apigateway.GetRestApiInput, _ ...func(*apigateway.Options)) (*apigateway.GetRestApiOutput, error) {
	d, err := s.api(ctx, in.RestApiId)
	if err != nil {
		return nil, err
	}
	out := restAPIOutput(d)
	out.Tags = tagsOf(out.Tags)
	return out, nil
}

// GetRestApis lists the caller's APIs by id, up to 500 a page.
func (s *Service) GetRestApis(ctx context.Context, in *apigateway.GetRestApisInput, _ ...func(*apigateway.Options)) (*apigateway.GetRestApisOutput, error) {
	all, err := s.apis.In(scope.Of(ctx).Key()...).All()
	if err != nil {
		return nil, err
	}
	list, next, err := pageOf(all, func(d *apiDoc) string { return d.ID }, in.Position, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &apigateway.GetRestApisOutput{Items: []types.RestApi{}, Position: next}
	for _, d := range list {
		out.Items = append(out.Items, *d.output())
	}
	return out, nil
}

// pageOf cuts a page of up to 500 items, 25 where nothing is asked for.
func pageOf[T any](items []T, key func(T) string, position *string, limit *int32) ([]T, *string, error) {
	if limit == nil {
		limit = aws.Int32(25)
	}
	out, next, err := page.Of(items, key, page.Request{Token: position, Max: limit, Limit: 500})
	if err != nil {
		return nil, nil, badRequest("Invalid position parameter")
	}
	return out, next, nil
}

// UpdateRestApi changes settings of an API.
func (s *Service) UpdateRestApi(ctx context.Context, in *apigateway.UpdateRestApiInput, _ ...func(*apigateway.Options)) (*apigateway.UpdateRestApiOutput, error) {
	d, err := s.change(ctx, in.RestApiId, func(d *apiDoc) error {
		name, source := &d.Name, (*string)(&d.KeySource)
		err := patches{
			"/name":                      setText(&name),
			"/description":               setText(&d.Description),
			"/version":                   setText(&d.Version),
			"/policy":                    setText(&d.Policy),
			"/apiKeySource":              setText(&source),
			"/disableExecuteApiEndpoint": setBool(&d.DisableEndpoint),
			"/binaryMediaTypes/":         setList(&d.BinaryTypes),
			"/minimumCompressionSize": replaced(func(_ types.Op, _, value string) error {
				if d.Compression = nil; value == "" {
					return nil
				}
				n, err := strconv.ParseInt(value, 10, 32)
				if err != nil {
					n = -1
				}
				d.Compression = aws.Int32(int32(n))
				return checkCompression(d.Compression)
			}),
			"/endpointConfiguration/types/": func(_ types.Op, _, value string) error {
				t := types.EndpointType(value)
				if t != types.EndpointTypeEdge && t != types.EndpointTypeRegional && t != types.EndpointTypePrivate {
					return badRequest("Invalid EndpointTypes specified. Valid options are REGIONAL,EDGE,PRIVATE")
				}
				d.Endpoint.Types = []types.EndpointType{t}
				if t == types.EndpointTypePrivate {
					d.Endpoint.IpAddressType = types.IpAddressTypeDualstack
				}
				return nil
			},
			"/endpointConfiguration/ipAddressType": replaced(func(_ types.Op, _, value string) error {
				if d.Endpoint.IpAddressType = types.IpAddressType(value); !slices.Contains(d.Endpoint.IpAddressType.Values(), d.Endpoint.IpAddressType) {
					return badRequest("ipAddressType must be either ipv4 or dualstack.")
				}
				return checkEndpoint(&d.Endpoint)
			}),
			"/endpointConfiguration/vpcEndpointIds": setList(&d.Endpoint.VpcEndpointIds),
		}.apply(in.PatchOperations)
		if err != nil {
			return err
		}
		d.Name, d.KeySource = aws.ToString(name), types.ApiKeySourceType(aws.ToString(source))
		switch {
		case strings.TrimSpace(d.Name) == "":
			return badRequest("REST API name cannot be blank")
		case d.KeySource != types.ApiKeySourceTypeHeader && d.KeySource != types.ApiKeySourceTypeAuthorizer:
			return badRequest("Invalid API key source: %s", d.KeySource)
		}
		return checkPolicy(d.Policy)
	})
	if err != nil {
		return nil, err
	}
	out := restAPIOutput(d)
	out.Tags = tagsOf(out.Tags)
	return (*apigateway.UpdateRestApiOutput)(out), nil
}

// DeleteRestApi removes an API with its stages and deployments, where no domain name leads to it.
func (s *Service) DeleteRestApi(ctx context.Context, in *apigateway.DeleteRestApiInput, _ ...func(*apigateway.Options)) (*apigateway.DeleteRestApiOutput, error) {
	if _, err := s.api(ctx, in.RestApiId); err != nil {
		return nil, err
	}
	if err := s.mapped(ctx, *in.RestApiId, ""); err != nil {
		return nil, err
	}
	key := scope.Of(ctx).Key(*in.RestApiId)
	// The API goes last: a crash before that leaves one that can be deleted again.
	if err := s.stages.DeleteAll(ctx, key...); err != nil {
		return nil, err
	}
	if err := s.deployments.DeleteAll(ctx, key...); err != nil {
		return nil, err
	}
	if err := s.parts.DeleteAll(ctx, key...); err != nil {
		return nil, err
	}
	if err := s.docVersions.DeleteAll(ctx, key...); err != nil {
		return nil, err
	}
	if err := s.apis.Delete(ctx, key...); err != nil {
		return nil, err
	}
	return &apigateway.DeleteRestApiOutput{}, nil
}

// apiARN is the name of what belongs to API Gateway, as tags name it: "/restapis/id/stages/name".
func apiARN(sc scope.Scope, path string) string {
	return strings.Replace(sc.ARN("apigateway", path), ":"+sc.Account+":", "::", 1)
}

// resourceOfARN finds what an ARN of tags names.
func (s *Service) resourceOfARN(ctx context.Context, text *string) (kind string, ids []string, err error) {
	name, err := url.PathUnescape(aws.ToString(text))
	if err != nil {
		return "", nil, badRequest("Invalid ARN specified in the request")
	}
	sc := scope.Of(ctx)
	path, ok := strings.CutPrefix(name, apiARN(sc, "")+"/")
	if !ok {
		return "", nil, badRequest("Invalid ARN specified in the request")
	}
	parts := strings.Split(path, "/")
	switch {
	case len(parts) == 2 && (parts[0] == "restapis" || parts[0] == "apikeys" || parts[0] == "usageplans" || parts[0] == "domainnames"):
		return parts[0], parts[1:], nil
	case len(parts) == 4 && parts[0] == "restapis" && parts[2] == "stages":
		return "stages", []string{parts[1], parts[3]}, nil
	}
	return "", nil, badRequest("Invalid ARN specified in the request")
}

// tagged changes the tags of what an ARN names, or reads them where f is nil.
func (s *Service) tagged(ctx context.Context, arn *string, f func(map[string]string) error) (map[string]string, error) {
	kind, ids, err := s.resourceOfARN(ctx, arn)
	if err != nil {
		return nil, err
	}
	key := scope.Of(ctx).Key(ids...)
	var tags map[string]string
	apply := func(t *map[string]string) error {
		if f != nil {
			if *t == nil {
				*t = map[string]string{}
			}
			if err := f(*t); err != nil {
				return err
			}
		}
		tags = *t
		return nil
	}
	switch kind {
	case "restapis":
		_, err = s.apis.Modify(ctx, func(d *apiDoc) error { return apply(&d.Tags) }, key...)
	case "stages":
		_, err = s.stages.Modify(ctx, func(d *stageDoc) error { return apply(&d.Tags) }, key...)
	case "apikeys":
		_, err = s.keys.Modify(ctx, func(d *keyDoc) error { return apply(&d.Tags) }, key...)
	case "domainnames":
		_, err = s.domains.Modify(ctx, func(d *domainDoc) error { return apply(&d.Tags) }, key...)
	case "usageplans":
		_, err = s.plans.Modify(ctx, func(d *planDoc) error { return apply(&d.Tags) }, key...)
	}
	return tags, err
}

// TagResource, UntagResource, GetTags: tags of APIs, stages, keys, usage plans and domain names.

// TagResource adds tags.
func (s *Service) TagResource(ctx context.Context, in *apigateway.TagResourceInput, _ ...func(*apigateway.Options)) (*apigateway.TagResourceOutput, error) {
	_, err := s.tagged(ctx, in.ResourceArn, func(t map[string]string) error {
		for k, v := range in.Tags {
			t[k] = v
		}
		return checkTags(t)
	})
	if err != nil {
		return nil, err
	}
	return &apigateway.TagResourceOutput{}, nil
}

// UntagResource removes tags.
func (s *Service) UntagResource(ctx context.Context, in *apigateway.UntagResourceInput, _ ...func(*apigateway.Options)) (*apigateway.UntagResourceOutput, error) {
	_, err := s.tagged(ctx, in.ResourceArn, func(t map[string]string) error {
		for _, k := range in.TagKeys {
			delete(t, k)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &apigateway.UntagResourceOutput{}, nil
}

// GetTags lists tags.
func (s *Service) GetTags(ctx context.Context, in *apigateway.GetTagsInput, _ ...func(*apigateway.Options)) (*apigateway.GetTagsOutput, error) {
	tags, err := s.tagged(ctx, in.ResourceArn, nil)
	if err != nil {
		return nil, err
	}
	if tags == nil {
		tags = map[string]string{}
	}
	return &apigateway.GetTagsOutput{Tags: tags}, nil
}
