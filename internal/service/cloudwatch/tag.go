package cloudwatch

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/state"
	"github.com/brookmere/brookmere/internal/engine/tags"
)

// tagsOf checks tags.
func tagsOf(in []types.Tag) (map[string]string, error) {
	out := map[string]string{}
	for _, t := range in {
		key := aws.ToString(t.Key)
		if strings.HasPrefix(strings.ToLower(key), "aws:") {
			return nil, invalidValue("The tag key %s begins with aws:, which is reserved.", key)
		}
		if _, twice := out[key]; twice {
			return nil, invalidValue("The tag key %s is given more than once.", key)
		}
		out[key] = aws.ToString(t.Value)
	}
	if len(out) > tags.Max {
		return nil, invalidValue("A resource can have at most %d tags.", tags.Max)
	}
	return out, nil
}

func (s *Service) addTags(ctx context.Context, t map[string]string, resource string) error {
	err := s.tags.Add(ctx, t, resource)
	if errors.Is(err, tags.ErrTooMany) {
		return invalidValue("A resource can have at most %d tags.", tags.Max)
	}
	return err
}

// tagged checks that the resource of an ARN is the caller's and there.
func (s *Service) tagged(ctx context.Context, resource *string) (string, error) {
	c, name := awswire.CallerFrom(ctx), aws.ToString(resource)
	missing := &types.ResourceNotFoundException{ResourceId: aws.String(name), Message: aws.String("The named resource does not exist.")}
	a, ok := arn.Parse(name)
	if !ok || a.Service != "cloudwatch" {
		return "", invalidValue("The value %s for parameter ResourceARN is invalid.", name)
	}
	if a.Account != c.Account {
		return "", missing
	}
	var err error
	if d, is := a.After("dashboard/"); is {
		name = dashboardARN(c, d) // tags are kept under the one name that a resource has
		_, err = s.dashboards.Get(c.Account, d)
	} else if al, is := a.After("alarm:"); is {
		name = alarmARN(scope.Scope{Account: a.Account, Region: a.Region}, al)
		err = s.alarmExists(a.Account, a.Region, al)
	} else {
		return "", invalidValue("The value %s for parameter ResourceARN is not of an alarm or a dashboard.", name)
	}
	if errors.Is(err, state.ErrNotFound) {
		return "", missing
	}
	return name, err
}

// TagResource gives an alarm or a dashboard tags.
func (s *Service) TagResource(ctx context.Context, in *cloudwatch.TagResourceInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.TagResourceOutput, error) {
	name, err := s.tagged(ctx, in.ResourceARN)
	if err != nil {
		return nil, err
	}
	t, err := tagsOf(in.Tags)
	if err != nil {
		return nil, err
	}
	return &cloudwatch.TagResourceOutput{}, s.addTags(ctx, t, name)
}

// UntagResource takes tags away.
func (s *Service) UntagResource(ctx context.Context, in *cloudwatch.UntagResourceInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.UntagResourceOutput, error) {
	name, err := s.tagged(ctx, in.ResourceARN)
	if err != nil {
		return nil, err
	}
	return &cloudwatch.UntagResourceOutput{}, s.tags.Remove(ctx, in.TagKeys, name)
}

// ListTagsForResource lists tags by key.
func (s *Service) ListTagsForResource(ctx context.Context, in *cloudwatch.ListTagsForResourceInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.ListTagsForResourceOutput, error) {
	name, err := s.tagged(ctx, in.ResourceARN)
	if err != nil {
		return nil, err
	}
	out := &cloudwatch.ListTagsForResourceOutput{Tags: []types.Tag{}}
	all := s.tags.Of(name)
	for _, k := range slices.Sorted(maps.Keys(all)) {
		out.Tags = append(out.Tags, types.Tag{Key: aws.String(k), Value: aws.String(all[k])})
	}
	return out, nil
}
