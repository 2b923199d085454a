package glue

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/brookmere/brookmere/internal/engine/tags"
)

// TagResource, UntagResource, GetTags, for databases, connections, crawlers, jobs,
// triggers, workflows, registries and schemas. At most 50 tags a
// resource.

// taggable checks that arn names a database or crawler of the caller that exists.
func (s *Service) taggable(ctx context.Context, arn string) (scope, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return sc, err
	}
	resource, ok := strings.CutPrefix(arn, sc.arn(""))
	if !ok {
		return sc, invalidInput("Invalid resource ARN: %s", arn)
	}
	kind, name, ok := strings.Cut(resource, "/")
	switch {
	case ok && kind == "database":
		_, err = s.database(sc, strings.ToLower(name))
	case ok && kind == "connection":
		_, err = s.connection(sc, name)
	case ok && kind == "crawler":
		_, err = s.crawler(sc, name)
	case ok && kind == "registry":
		_, err = s.registry(sc, name)
	case ok && kind == "schema":
		_, err = s.schema(sc, &types.SchemaId{SchemaArn: aws.String(arn)})
	case ok && kind == "trigger":
		_, err = s.trigger(sc, name)
	case ok && kind == "workflow":
		_, err = s.workflow(sc, name)
	case ok && kind == "job":
		_, err = s.job(sc, name)
	default:
		return sc, invalidInput("Resources of this type cannot be tagged: %s", arn)
	}
	return sc, err
}

func (s *Service) addTags(ctx context.Context, sc scope, arn string, m map[string]string) error {
	err := s.tags.Add(ctx, m, sc.account, sc.region, arn)
	if errors.Is(err, tags.ErrTooMany) {
		return invalidInput("A resource cannot have more than %d tags.", tags.Max)
	}
	return err
}

func (s *Service) deleteTags(ctx context.Context, sc scope, arn string) error {
	return s.tags.Delete(ctx, sc.account, sc.region, arn)
}

func (s *Service) tagsOf(sc scope, arn string) map[string]string {
	return s.tags.Of(sc.account, sc.region, arn)
}

// TagResource adds tags, replacing those of the same key.
func (s *Service) TagResource(ctx context.Context, in *glue.TagResourceInput, _ ...func(*glue.Options)) (*glue.TagResourceOutput, error) {
	arn := aws.ToString(in.ResourceArn)
	sc, err := s.taggable(ctx, arn)
	if err != nil {
		return nil, err
	}
	if err := s.addTags(ctx, sc, arn, in.TagsToAdd); err != nil {
		return nil, err
	}
	return &glue.TagResourceOutput{}, nil
}

// UntagResource removes tags by key; keys that are not there are passed over.
func (s *Service) UntagResource(ctx context.Context, in *glue.UntagResourceInput, _ ...func(*glue.Options)) (*glue.UntagResourceOutput, error) {
	arn := aws.ToString(in.ResourceArn)
	sc, err := s.taggable(ctx, arn)
	if err != nil {
		return nil, err
	}
	if err := s.tags.Remove(ctx, in.TagsToRemove, sc.account, sc.region, arn); err != nil {
		return nil, err
	}
	return &glue.UntagResourceOutput{}, nil
}

// GetTags lists the tags of a resource.
func (s *Service) GetTags(ctx context.Context, in *glue.GetTagsInput, _ ...func(*glue.Options)) (*glue.GetTagsOutput, error) {
	arn := aws.ToString(in.ResourceArn)
	sc, err := s.taggable(ctx, arn)
	if err != nil {
		return nil, err
	}
	return &glue.GetTagsOutput{Tags: s.tagsOf(sc, arn)}, nil
}
