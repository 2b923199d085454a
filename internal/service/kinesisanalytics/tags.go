package kinesisanalytics

import (
	"context"
	"maps"
	"slices"

	"github.com/brookmere/brookmere/internal/awskit/scope"
)

// maxTags is how many tags an application may have.
const maxTags = 50

type tagPair struct{ key, value string }

// tag changes the tags of the application of an ARN.
func (s *Service) tag(ctx context.Context, arn string, f func(map[string]string)) error {
	name, ok := nameOf(scope.Of(ctx), arn)
	if !ok {
		return notFound(arn)
	}
	_, err := s.applications.Modify(ctx, func(d *applicationDoc) error {
		tags := maps.Clone(d.Tags)
		if tags == nil {
			tags = map[string]string{}
		}
		f(tags)
		if len(tags) > maxTags {
			return tooManyTags()
		}
		d.Tags = tags
		return nil
	}, scope.Of(ctx).Key(name)...)
	return err
}

// tagsOf are the tags of the application of an ARN, by key.
func (s *Service) tagsOf(ctx context.Context, arn string) ([]tagPair, error) {
	name, ok := nameOf(scope.Of(ctx), arn)
	if !ok {
		return nil, notFound(arn)
	}
	d, err := s.application(ctx, name)
	if err != nil {
		return nil, err
	}
	var out []tagPair
	for _, k := range slices.Sorted(maps.Keys(d.Tags)) {
		out = append(out, tagPair{k, d.Tags[k]})
	}
	return out, nil
}
