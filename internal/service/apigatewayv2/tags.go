package apigatewayv2

import (
	"context"
	"maps"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awskit/executeapi"
	"github.com/brookmere/brookmere/internal/awskit/scope"
)

// TagResource, UntagResource, GetTags: of APIs, arn:aws:apigateway:{region}::/apis/{id}, and of their stages,
// .../stages/{name}.

func checkTags(tags map[string]string) error {
	if fault := executeapi.TagFault(tags); fault != "" {
		return badRequest("%s", fault)
	}
	return nil
}

// tagged is the key of the API, or of the stage, that an ARN names.
func tagged(ctx context.Context, resource *string) (key []string, isStage bool, err error) {
	a, ok := arn.Parse(aws.ToString(resource))
	sc := scope.Of(ctx)
	parts := strings.Split(strings.TrimPrefix(a.Resource, "/"), "/")
	if ok && a.Service == "apigateway" && a.Region == sc.Region && parts[0] == "apis" {
		switch {
		case len(parts) == 2:
			return sc.Key(parts[1]), false, nil
		case len(parts) == 4 && parts[2] == "stages":
			return sc.Key(parts[1], parts[3]), true, nil
		}
	}
	return nil, false, badRequest("Invalid ARN specified in the request: %s", aws.ToString(resource))
}

// retag changes the tags of a resource, in place.
func (s *Service) retag(ctx context.Context, resource *string, f func(map[string]string) error) error {
	key, isStage, err := tagged(ctx, resource)
	if err != nil {
		return err
	}
	if isStage {
		_, err = s.stages.Modify(ctx, func(d *stageDoc) error {
			if d.Stage.Tags == nil {
				d.Stage.Tags = map[string]string{}
			}
			return f(d.Stage.Tags)
		}, key...)
		return err
	}
	_, err = s.apis.Modify(ctx, func(d *apiDoc) error {
		if d.API.Tags == nil {
			d.API.Tags = map[string]string{}
		}
		return f(d.API.Tags)
	}, key...)
	return err
}

// TagResource sets tags.
func (s *Service) TagResource(ctx context.Context, in *apigatewayv2.TagResourceInput, _ ...func(*apigatewayv2.Options)) (*apigatewayv2.TagResourceOutput, error) {
	err := s.retag(ctx, in.ResourceArn, func(tags map[string]string) error {
		maps.Copy(tags, in.Tags)
		return checkTags(tags)
	})
	if err != nil {
		return nil, err
	}
	return &apigatewayv2.TagResourceOutput{}, nil
}

// UntagResource removes tags.
func (s *Service) UntagResource(ctx context.Context, in *apigatewayv2.UntagResourceInput, _ ...func(*apigatewayv2.Options)) (*apigatewayv2.UntagResourceOutput, error) {
	err := s.retag(ctx, in.ResourceArn, func(tags map[string]string) error {
		for _, k := range in.TagKeys {
			delete(tags, k)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &apigatewayv2.UntagResourceOutput{}, nil
}

// GetTags returns the tags of a resource.
func (s *Service) GetTags(ctx context.Context, in *apigatewayv2.GetTagsInput, _ ...func(*apigatewayv2.Options)) (*apigatewayv2.GetTagsOutput, error) {
	key, isStage, err := tagged(ctx, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	out := &apigatewayv2.GetTagsOutput{Tags: map[string]string{}}
	if isStage {
		d, err := s.stages.Get(key...)
		if err != nil {
			return nil, err
		}
		maps.Copy(out.Tags, d.Stage.Tags)
		return out, nil
	}
	d, err := s.apis.Get(key...)
	if err != nil {
		return nil, err
	}
	maps.Copy(out.Tags, d.API.Tags)
	return out, nil
}
