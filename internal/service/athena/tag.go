package athena

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/athena"
	"github.com/aws/aws-sdk-go-v2/service/athena/types"

	"github.com/brookmere/brookmere/internal/engine/state"
)

// TagResource, UntagResource, ListTagsForResource, for workgroups and data catalogs.

type tagsDoc struct {
	Tags map[string]string `json:"tags"`
}

func (s *Service) taggable(ctx context.Context, arn string) (scope, error) {
	sc := scopeOf(ctx)
	name, ok := strings.CutPrefix(arn, sc.arn("workgroup/"))
	if ok {
		if _, err := s.workGroup(sc, name); err == nil {
			return sc, nil
		}
	} else if name, ok := strings.CutPrefix(arn, sc.arn("datacatalog/")); ok {
		if _, err := s.dataCatalog(sc, name); err == nil {
			return sc, nil
		}
	}
	return sc, &types.ResourceNotFoundException{Message: aws.String("Resource " + arn + " was not found"), ResourceName: aws.String(arn)}
}

func (s *Service) addTags(ctx context.Context, sc scope, arn string, tags []types.Tag) error {
	if len(tags) == 0 {
		return nil
	}
	add := func(d *tagsDoc) error {
		if d.Tags == nil {
			d.Tags = make(map[string]string)
		}
		for _, t := range tags {
			d.Tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
		}
		if len(d.Tags) > 50 {
			return invalidRequest("INVALID_INPUT", "A resource cannot have more than 50 tags.")
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
	if err := s.tags.Delete(ctx, sc.account, sc.region, arn); !errors.Is(err, state.ErrNotFound) {
		return err
	}
	return nil
}

// TagResource adds tags.
func (s *Service) TagResource(ctx context.Context, in *athena.TagResourceInput, _ ...func(*athena.Options)) (*athena.TagResourceOutput, error) {
	arn := aws.ToString(in.ResourceARN)
	sc, err := s.taggable(ctx, arn)
	if err != nil {
		return nil, err
	}
	if err := s.addTags(ctx, sc, arn, in.Tags); err != nil {
		return nil, err
	}
	return &athena.TagResourceOutput{}, nil
}

// UntagResource removes tags by key.
func (s *Service) UntagResource(ctx context.Context, in *athena.UntagResourceInput, _ ...func(*athena.Options)) (*athena.UntagResourceOutput, error) {
	arn := aws.ToString(in.ResourceARN)
	sc, err := s.taggable(ctx, arn)
	if err != nil {
		return nil, err
	}
	_, err = s.tags.Modify(ctx, func(d *tagsDoc) error {
		for _, k := range in.TagKeys {
			delete(d.Tags, k)
		}
		return nil
	}, sc.account, sc.region, arn)
	if err != nil && !errors.Is(err, state.ErrNotFound) {
		return nil, err
	}
	return &athena.UntagResourceOutput{}, nil
}

// ListTagsForResource lists the tags of a workgroup by key.
func (s *Service) ListTagsForResource(ctx context.Context, in *athena.ListTagsForResourceInput, _ ...func(*athena.Options)) (*athena.ListTagsForResourceOutput, error) {
	arn := aws.ToString(in.ResourceARN)
	sc, err := s.taggable(ctx, arn)
	if err != nil {
		return nil, err
	}
	out := &athena.ListTagsForResourceOutput{Tags: []types.Tag{}}
	if d, err := s.tags.Get(sc.account, sc.region, arn); err == nil {
		for k, v := range d.Tags {
			out.Tags = append(out.Tags, types.Tag{Key: aws.String(k), Value: aws.String(v)})
		}
	}
	slices.SortFunc(out.Tags, func(a, b types.Tag) int { return strings.Compare(*a.Key, *b.Key) })
	return out, nil
}
