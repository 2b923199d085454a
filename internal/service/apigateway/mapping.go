package apigateway

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"

	"github.com/brookmere/brookmere/internal/awskit/scope"
)

// CreateBasePathMapping, GetBasePathMapping, GetBasePathMappings, UpdateBasePathMapping,
// DeleteBasePathMapping: which API and stage a path of a domain name stands for.

// mappingDoc is a base path mapping.
type mappingDoc struct {
	API   string  `json:"api"`
	Stage *string `json:"stage,omitempty"` // nil: the first part of the path names it
}

const (
	noBasePath  = "(none)" // the base path of a mapping without one
	maxMappings = 200      // of a domain name, as on AWS
)

var basePath = regexp.MustCompile(`^[A-Za-z0-9$_.+!*'()-]{1,300}$`)

func invalidMapping() error { return notFound("Invalid base path mapping identifier specified") }

func (m mappingDoc) output(path string) *apigateway.GetBasePathMappingOutput {
	return &apigateway.GetBasePathMappingOutput{BasePath: aws.String(path), RestApiId: aws.String(m.API), Stage: m.Stage}
}

// basePathOf is the base path that a request names, empty for none.
func basePathOf(text *string) (string, error) {
	path := aws.ToString(text)
	switch {
	case path == "" || path == noBasePath:
		return noBasePath, nil
	case strings.Contains(path, "/"):
		return "", badRequest("API Gateway V1 doesn't support the slash character (/) in base path mappings. To create a multi-level base path mapping, use API Gateway V2.")
	case !basePath.MatchString(path):
		return "", badRequest("Base path only allows a-zA-Z0-9 and $-_.+!*'()")
	}
	return path, nil
}

// checkMapping checks that API and stage of a mapping are the caller's.
func (s *Service) checkMapping(ctx context.Context, m mappingDoc) error {
	_, err := s.api(ctx, &m.API)
	if isNotFound(err) {
		return badRequest("Invalid REST API identifier specified")
	}
	if err != nil || m.Stage == nil {
		return err
	}
	_, err = s.stages.Get(scope.Of(ctx).Key(m.API, *m.Stage)...)
	if isNotFound(err) {
		return badRequest("Invalid stage identifier specified")
	}
	return err
}

// mapped refuses the removal of an API, or of one of its stages, that a domain name leads to.
func (s *Service) mapped(ctx context.Context, api, stage string) error {
	all, err := s.domains.All(scope.Of(ctx).Key()...)
	if err != nil {
		return err
	}
	var names []string
	for _, d := range all {
		for _, m := range d.Mappings {
			if m.API == api && (stage == "" || aws.ToString(m.Stage) == stage) {
				names = append(names, d.Name)
				break
			}
		}
	}
	slices.Sort(names)
	switch {
	case len(names) == 0:
		return nil
	case stage != "":
		return badRequest("Deleting stage %s failed. Please remove all base path mappings related to the stage in your domains: %s", stage, strings.Join(names, ", "))
	}
	return badRequest("Deleting RestApi %s failed. Please remove all base path mappings related to the RestApi in your domains: %s", api, strings.Join(names, ", "))
}

// CreateBasePathMapping maps a path of a domain name, or the whole name, to an API.
func (s *Service) CreateBasePathMapping(ctx context.Context, in *apigateway.CreateBasePathMappingInput, _ ...func(*apigateway.Options)) (*apigateway.CreateBasePathMappingOutput, error) {
	if _, err := s.domain(ctx, in.DomainName, in.DomainNameId); err != nil {
		return nil, err
	}
	path, err := basePathOf(in.BasePath)
	if err != nil {
		return nil, err
	}
	m := mappingDoc{API: *in.RestApiId, Stage: full(in.Stage)}
	if err := s.checkMapping(ctx, m); err != nil {
		return nil, err
	}
	_, err = s.domains.Modify(ctx, func(d *domainDoc) error {
		return d.place(path, m)
	}, scope.Of(ctx).Key(*in.DomainName)...)
	if err != nil {
		return nil, err
	}
	return (*apigateway.CreateBasePathMappingOutput)(m.output(path)), nil
}

// place adds a mapping at a path that is free.
func (d *domainDoc) place(path string, m mappingDoc) error {
	if _, taken := d.Mappings[path]; taken {
		return conflict("Base path already exists for this domain name")
	}
	if len(d.Mappings) >= maxMappings {
		return &types.LimitExceededException{Message: aws.String("Maximum number of base path mappings of a domain name is 200")}
	}
	if d.Mappings == nil {
		d.Mappings = map[string]mappingDoc{}
	}
	d.Mappings[path] = m
	return nil
}

// GetBasePathMapping returns a mapping.
func (s *Service) GetBasePathMapping(ctx context.Context, in *apigateway.GetBasePathMappingInput, _ ...func(*apigateway.Options)) (*apigateway.GetBasePathMappingOutput, error) {
	d, err := s.domain(ctx, in.DomainName, in.DomainNameId)
	if err != nil {
		return nil, err
	}
	m, ok := d.Mappings[*in.BasePath]
	if !ok {
		return nil, invalidMapping()
	}
	return m.output(*in.BasePath), nil
}

// GetBasePathMappings lists the mappings of a domain name by their paths.
func (s *Service) GetBasePathMappings(ctx context.Context, in *apigateway.GetBasePathMappingsInput, _ ...func(*apigateway.Options)) (*apigateway.GetBasePathMappingsOutput, error) {
	d, err := s.domain(ctx, in.DomainName, in.DomainNameId)
	if err != nil {
		return nil, err
	}
	paths := make([]string, 0, len(d.Mappings))
	for path := range d.Mappings {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	list, next, err := pageOf(paths, func(path string) string { return path }, in.Position, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &apigateway.GetBasePathMappingsOutput{Items: []types.BasePathMapping{}, Position: next}
	for _, path := range list {
		m := d.Mappings[path]
		out.Items = append(out.Items, types.BasePathMapping{BasePath: aws.String(path), RestApiId: aws.String(m.API), Stage: m.Stage})
	}
	return out, nil
}

// UpdateBasePathMapping changes path, API or stage of a mapping.
func (s *Service) UpdateBasePathMapping(ctx context.Context, in *apigateway.UpdateBasePathMappingInput, _ ...func(*apigateway.Options)) (*apigateway.UpdateBasePathMappingOutput, error) {
	if _, err := s.domain(ctx, in.DomainName, in.DomainNameId); err != nil {
		return nil, err
	}
	var out mappingDoc
	var at string
	_, err := s.domains.Modify(ctx, func(d *domainDoc) error {
		m, ok := d.Mappings[*in.BasePath]
		if !ok {
			return invalidMapping()
		}
		path, api := aws.String(*in.BasePath), aws.String(m.API)
		err := patches{"/basePath": setText(&path), "/restapiId": setText(&api), "/stage": setText(&m.Stage)}.apply(in.PatchOperations)
		if err != nil {
			return err
		}
		m.API, m.Stage = aws.ToString(api), full(m.Stage)
		if at, err = basePathOf(path); err != nil {
			return err
		}
		if err := s.checkMapping(ctx, m); err != nil {
			return err
		}
		delete(d.Mappings, *in.BasePath)
		out = m
		return d.place(at, m)
	}, scope.Of(ctx).Key(*in.DomainName)...)
	if err != nil {
		return nil, err
	}
	return (*apigateway.UpdateBasePathMappingOutput)(out.output(at)), nil
}

// DeleteBasePathMapping removes a mapping.
func (s *Service) DeleteBasePathMapping(ctx context.Context, in *apigateway.DeleteBasePathMappingInput, _ ...func(*apigateway.Options)) (*apigateway.DeleteBasePathMappingOutput, error) {
	if _, err := s.domain(ctx, in.DomainName, in.DomainNameId); err != nil {
		return nil, err
	}
	_, err := s.domains.Modify(ctx, func(d *domainDoc) error {
		if _, ok := d.Mappings[*in.BasePath]; !ok {
			return invalidMapping()
		}
		delete(d.Mappings, *in.BasePath)
		return nil
	}, scope.Of(ctx).Key(*in.DomainName)...)
	if err != nil {
		return nil, err
	}
	return &apigateway.DeleteBasePathMappingOutput{}, nil
}
