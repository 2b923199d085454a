package athena

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/athena"
	"github.com/aws/aws-sdk-go-v2/service/athena/types"

	"github.com/brookmere/brookmere/internal/engine/tags"
)

// TagResource, UntagResource, ListTagsForResource, for workgroups, data catalogs and
// capacity reservations.

func (s *Service) taggable(ctx context.Context, arn string) (scope, error) {
	sc := scopeOf(ctx)
	kind, name, _ := strings.Cut(strings.TrimPrefix(arn, sc.arn("")), "/")
	var err error
	switch kind {
	case "workgroup":
		_, err = s.workGroup(sc, name)
	case "datacatalog":
		_, err = s.dataCatalog(sc, name)
	case "capacity-reservation":
		_, err = s.capacityReservation(sc, name)
	default:
		err = errors.New("no such kind")
	}
	if err != nil || name == "" {
		return sc, &types.ResourceNotFoundException{Message: aws.String("Resource " + arn + " was not found"), ResourceName: aws.String(arn)}
	}
	return sc, nil
}

func (s *Service) addTags(ctx context.Context, sc scope, arn string, list []types.Tag) error {
	m := make(map[string]string, len(list))
	for _, t := range list {
		m[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	err := s.tags.Add(ctx, m, sc.account, sc.region, arn)
	if errors.Is(err, tags.ErrTooMany) {
		return invalidRequest("INVALID_INPUT", "A resource cannot have more than %d tags.", tags.Max)
	}
	return err
}

func (s *Service) deleteTags(ctx context.Context, sc scope, arn string) error {
	return s.tags.Delete(ctx, sc.account, sc.region, arn)
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
	if err := s.tags.Remove(ctx, in.TagKeys, sc.account, sc.region, arn); err != nil {
		return nil, err
	}
	return &athena.UntagResourceOutput{}, nil
}

// ListTagsForResource lists the tags of a resource by key, 75 a page.
func (s *Service) ListTagsForResource(ctx context.Context, in *athena.ListTagsForResourceInput, _ ...func(*athena.Options)) (*athena.ListTagsForResourceOutput, error) {
	arn := aws.ToString(in.ResourceARN)
	sc, err := s.taggable(ctx, arn)
	if err != nil {
		return nil, err
	}
	all := s.tags.Of(sc.account, sc.region, arn)
	page, next, err := pageOf(slices.Sorted(maps.Keys(all)), func(k string) string { return k }, in.NextToken, in.MaxResults, 75)
	if err != nil {
		return nil, err
	}
	out := &athena.ListTagsForResourceOutput{Tags: []types.Tag{}, NextToken: next}
	for _, k := range page {
		out.Tags = append(out.Tags, types.Tag{Key: aws.String(k), Value: aws.String(all[k])})
	}
	return out, nil
}
