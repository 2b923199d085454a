package glue

import (
	"context"
	"errors"
	"maps"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"

	"github.com/brookmere/brookmere/internal/engine/state"
)

// TagResource, UntagResource, GetTags, for databases, connections and crawlers. At most 50 tags a
// resource.

type tagsDoc struct {
	Tags map[string]string `json:"tags"`
}

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
	default:
		return sc, invalidInput("Resources of this type cannot be tagged: %s", arn)
	}
	return sc, err
}

func (s *Service) addTags(ctx context.Context, sc scope, arn string, tags map[string]string) error {
	add := func(d *tagsDoc) error {
		if d.Tags == nil {
			d.Tags = make(map[string]string)
		}
		maps.Copy(d.Tags, tags)
		if len(d.Tags) > 50 {
			return invalidInput("A resource cannot have more than 50 tags.")
		}
		return nil
	}
	for {
		_, err := s.tags.Modify(ctx, add, sc.account, sc.region, arn)
		if !errors.Is(err, state.ErrNotFound) {
			return err
		}
		d := new(tagsDoc)
		if err := add(d); err != nil {
			return err
		}
		if err := s.tags.Create(ctx, d, sc.account, sc.region, arn); !errors.Is(err, state.ErrExists) {
			return err
		}
	}
}

func (s *Service) deleteTags(ctx context.Context, sc scope, arn string) error {
	if _, err := s.tags.Get(sc.account, sc.region, arn); errors.Is(err, state.ErrNotFound) {
		return nil
	}
	err := s.tags.Delete(ctx, sc.account, sc.region, arn)
	if errors.Is(err, state.ErrNotFound) {
		return nil
	}
	return err
}

func (s *Service) tagsOf(sc scope, arn string) map[string]string {
	d, err := s.tags.Get(sc.account, sc.region, arn)
	if err != nil {
		return nil
	}
	return d.Tags
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
	_, err = s.tags.Modify(ctx, func(d *tagsDoc) error {
		for _, k := range in.TagsToRemove {
			delete(d.Tags, k)
		}
		return nil
	}, sc.account, sc.region, arn)
	if err != nil && !errors.Is(err, state.ErrNotFound) {
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
	tags := maps.Clone(s.tagsOf(sc, arn))
	if tags == nil {
		tags = map[string]string{}
	}
	return &glue.GetTagsOutput{Tags: tags}, nil
}
