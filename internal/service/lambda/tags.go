package lambda

import (
	"context"
	"maps"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awskit/scope"
)

// Limits of tags: how many, and the characters of each.
const (
	maxTags     = 50
	maxTagKey   = 128
	maxTagValue = 256
)

// tagged is the resource that an ARN means: a function, or a mapping.
func (s *Service) tagged(ctx context.Context, resource *string, read func(map[string]string), write func(map[string]string) error) error {
	a, ok := arn.Parse(aws.ToString(resource))
	sc := scope.Of(ctx)
	if !ok || !sc.Owns("lambda", a) {
		return notFound("The resource you requested does not exist.")
	}
	if id, ok := a.After("event-source-mapping:"); ok {
		key := sc.Key(id)
		if write == nil {
			d, err := s.mappings.Get(key...)
			if err == nil {
				read(d.Tags)
			}
			return err
		}
		_, err := s.mappings.Modify(ctx, func(d *mappingDoc) error {
			if d.Tags == nil {
				d.Tags = map[string]string{}
			}
			return write(d.Tags)
		}, key...)
		return err
	}
	name, ok := a.After("function:")
	if !ok || strings.Contains(name, ":") {
		return invalid("Tags on function aliases and versions are not supported. Please specify a function ARN.")
	}
	key := sc.Key(name)
	if write == nil {
		d, err := s.functions.Get(key...)
		if err == nil {
			read(d.Tags)
		}
		return err
	}
	_, err := s.functions.Modify(ctx, func(d *functionDoc) error {
		if d.Tags == nil {
			d.Tags = map[string]string{}
		}
		return write(d.Tags)
	}, key...)
	return err
}

// checkTags refuses tags that nobody but AWS sets, and more than there may be.
func checkTags(tags map[string]string) error {
	for k, v := range tags {
		switch {
		case k == "" || utf8.RuneCountInString(k) > maxTagKey:
			return invalid("A tag key has between 1 and %d characters", maxTagKey)
		case utf8.RuneCountInString(v) > maxTagValue:
			return invalid("The value of the tag %s has more than %d characters", k, maxTagValue)
		}
		if strings.HasPrefix(strings.ToLower(k), "aws:") {
			return invalid("Tag keys cannot begin with aws:")
		}
	}
	if len(tags) > maxTags {
		return invalid("Number of tags exceeds resource tag limit.")
	}
	return nil
}

// ListTags returns the tags of a function or a mapping.
func (s *Service) ListTags(ctx context.Context, in *lambda.ListTagsInput, _ ...func(*lambda.Options)) (*lambda.ListTagsOutput, error) {
	out := &lambda.ListTagsOutput{Tags: map[string]string{}}
	err := s.tagged(ctx, in.Resource, func(tags map[string]string) { maps.Copy(out.Tags, tags) }, nil)
	if err != nil {
		return nil, err
	}
	return out, nil
}

// TagResource adds tags.
func (s *Service) TagResource(ctx context.Context, in *lambda.TagResourceInput, _ ...func(*lambda.Options)) (*lambda.TagResourceOutput, error) {
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	if len(in.Tags) == 0 {
		return nil, invalid("An error occurred and the request cannot be processed.")
	}
	err := s.tagged(ctx, in.Resource, nil, func(tags map[string]string) error {
		maps.Copy(tags, in.Tags)
		if len(tags) > maxTags {
			return invalid("Number of tags exceeds resource tag limit.")
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &lambda.TagResourceOutput{}, nil
}

// UntagResource removes tags.
func (s *Service) UntagResource(ctx context.Context, in *lambda.UntagResourceInput, _ ...func(*lambda.Options)) (*lambda.UntagResourceOutput, error) {
	err := s.tagged(ctx, in.Resource, nil, func(tags map[string]string) error {
		for _, k := range in.TagKeys {
			delete(tags, k)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &lambda.UntagResourceOutput{}, nil
}
