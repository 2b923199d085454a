package sns

import (
	"context"
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awskit/page"
	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/state"
	"github.com/brookmere/brookmere/internal/engine/tags"
)

var topicName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,256}$`)

// pageSize is how many topics or subscriptions a page lists.
const pageSize = 100

// CreateTopic makes a topic, or returns the one that is there with the same attributes and tags.
func (s *Service) CreateTopic(ctx context.Context, in *sns.CreateTopicInput, _ ...func(*sns.Options)) (*sns.CreateTopicOutput, error) {
	name := aws.ToString(in.Name)
	base, fifo := strings.CutSuffix(name, ".fifo")
	if !topicName.MatchString(base) || len(name) > 256 {
		return nil, invalid("Topic Name")
	}
	if in.Attributes["FifoTopic"] == "true" && !fifo {
		return nil, invalid("Fifo Topic names must end with .fifo and must be made up of only uppercase and lowercase ASCII letters, numbers, underscores, and hyphens, and must be between 1 and 256 characters long.")
	} else if fifo && in.Attributes["FifoTopic"] != "true" {
		return nil, invalid("Topic Name")
	}
	if aws.ToString(in.DataProtectionPolicy) != "" {
		return nil, refused("DataProtectionPolicy is")
	}
	given, err := tagMap(in.Tags)
	if err != nil {
		return nil, err
	}
	sc := scope.Of(ctx)
	d := &topicDoc{Account: sc.Account, Region: sc.Region, Name: name, ID: newID(), Tags: given, Created: s.now()}
	for _, n := range slices.Sorted(maps.Keys(in.Attributes)) {
		if n == "FifoTopic" && in.Attributes[n] == "false" && !fifo {
			continue
		}
		if err := d.set(n, in.Attributes[n], true); err != nil {
			return nil, err
		}
	}
	for {
		err := s.topics.Create(ctx, d, d.key()...)
		if err == nil {
			return &sns.CreateTopicOutput{TopicArn: aws.String(d.arn())}, nil
		}
		if !errors.Is(err, state.ErrExists) {
			return nil, err
		}
		have, err := s.topics.Get(d.key()...)
		if errors.Is(err, state.ErrNotFound) {
			continue // it went in this moment
		}
		if err != nil {
			return nil, err
		}
		for n, v := range d.Attributes {
			if have.attribute(n) != v {
				return nil, invalid("Attributes Reason: Topic already exists with different attributes")
			}
		}
		if len(given) > 0 && !maps.Equal(given, have.Tags) {
			return nil, invalid("Tags Reason: Topic already exists with different tags")
		}
		return &sns.CreateTopicOutput{TopicArn: aws.String(have.arn())}, nil
	}
}

// topic returns the topic of an ARN.
func (s *Service) topic(ctx context.Context, name *string) (*topicDoc, error) {
	if name == nil {
		return nil, invalid("TopicArn Reason: no value for required parameter")
	}
	a, ok := arn.Parse(*name)
	if !ok || a.Service != "sns" || strings.ContainsAny(a.Resource, ":/") || len(a.Account) != 12 {
		return nil, invalid("TopicArn Reason: An ARN must have at least 6 elements, not %d", strings.Count(*name, ":")+1)
	}
	if c := awswire.CallerFrom(ctx); a.Region != c.Region {
		return nil, invalid("TopicArn Reason: the topic is of the region %s", a.Region)
	}
	d, err := s.topics.Get(a.Account, a.Region, a.Resource)
	if errors.Is(err, state.ErrNotFound) {
		return nil, noTopic()
	}
	return d, err
}

// own is topic for what only the topic's account may do.
func (s *Service) own(ctx context.Context, name *string) (*topicDoc, error) {
	if a, ok := arn.Parse(aws.ToString(name)); ok && a.Account != awswire.CallerFrom(ctx).Account {
		return nil, forbidden("User is not authorized to do this with the topic %s of another account", *name)
	}
	return s.topic(ctx, name)
}

// modify changes a topic.
func (s *Service) modify(ctx context.Context, d *topicDoc, f func(*topicDoc) error) error {
	_, err := s.topics.Modify(ctx, func(now *topicDoc) error {
		if now.ID != d.ID {
			return noTopic()
		}
		return f(now)
	}, d.key()...)
	if errors.Is(err, state.ErrNotFound) {
		return noTopic()
	}
	return err
}

// DeleteTopic removes a topic, its subscriptions and what is on its way to them. One that is not there is no error.
func (s *Service) DeleteTopic(ctx context.Context, in *sns.DeleteTopicInput, _ ...func(*sns.Options)) (*sns.DeleteTopicOutput, error) {
	d, err := s.own(ctx, in.TopicArn)
	var gone *types.NotFoundException
	if errors.As(err, &gone) {
		return &sns.DeleteTopicOutput{}, nil
	}
	if err != nil {
		return nil, err
	}
	if err := s.topics.Delete(ctx, d.key()...); err != nil && !errors.Is(err, state.ErrNotFound) {
		return nil, err
	}
	// From here on the topic is gone; a start removes what this does not.
	all, err := s.subscriptions.All(d.key()...)
	if err != nil {
		return nil, err
	}
	for _, sub := range all {
		if sub.TopicID == d.ID {
			if err := s.forget(ctx, sub); err != nil {
				return nil, err
			}
		}
	}
	return &sns.DeleteTopicOutput{}, s.cfg.Outbox.Drop(d.ID)
}

// ListTopics lists the topics of the caller.
func (s *Service) ListTopics(ctx context.Context, in *sns.ListTopicsInput, _ ...func(*sns.Options)) (*sns.ListTopicsOutput, error) {
	sc := scope.Of(ctx)
	all, err := s.topics.All(sc.Account, sc.Region)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b *topicDoc) int { return strings.Compare(a.Name, b.Name) })
	list, next, err := page.Of(all, func(d *topicDoc) string { return d.Name }, page.Request{Token: in.NextToken, Limit: pageSize})
	if err != nil {
		return nil, invalid("NextToken")
	}
	out := &sns.ListTopicsOutput{Topics: []types.Topic{}, NextToken: next}
	for _, d := range list {
		out.Topics = append(out.Topics, types.Topic{TopicArn: aws.String(d.arn())})
	}
	return out, nil
}

func tagMap(list []types.Tag) (map[string]string, error) {
	m := map[string]string{}
	for _, t := range list {
		k, v := aws.ToString(t.Key), aws.ToString(t.Value)
		switch {
		case k == "" || len([]rune(k)) > 128 || len([]rune(v)) > 256:
			return nil, invalid("Tags Reason: a key has 1 to 128 characters and a value up to 256")
		case strings.HasPrefix(strings.ToLower(k), "aws:"):
			return nil, invalid("Tags Reason: keys that begin with aws: are reserved")
		}
		if _, twice := m[k]; twice {
			return nil, invalid("Duplicated keys are not allowed.")
		}
		m[k] = v
	}
	if len(m) > tags.Max {
		return nil, tooManyTags()
	}
	return m, nil
}

func tooManyTags() error {
	return &types.TagLimitExceededException{Message: aws.String("Could not complete request: tag quota of per resource exceeded")}
}

// tagged is the topic of a call about tags.
func (s *Service) tagged(ctx context.Context, name *string) (*topicDoc, error) {
	d, err := s.own(ctx, name)
	var gone *types.NotFoundException
	if errors.As(err, &gone) {
		return nil, &types.ResourceNotFoundException{Message: aws.String("Resource does not exist")}
	}
	return d, err
}

// TagResource gives a topic tags.
func (s *Service) TagResource(ctx context.Context, in *sns.TagResourceInput, _ ...func(*sns.Options)) (*sns.TagResourceOutput, error) {
	d, err := s.tagged(ctx, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	given, err := tagMap(in.Tags)
	if err != nil {
		return nil, err
	}
	return &sns.TagResourceOutput{}, s.modify(ctx, d, func(d *topicDoc) error {
		all := map[string]string{}
		maps.Copy(all, d.Tags)
		maps.Copy(all, given)
		if len(all) > tags.Max {
			return tooManyTags()
		}
		d.Tags = all
		return nil
	})
}

// UntagResource takes tags away.
func (s *Service) UntagResource(ctx context.Context, in *sns.UntagResourceInput, _ ...func(*sns.Options)) (*sns.UntagResourceOutput, error) {
	d, err := s.tagged(ctx, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	return &sns.UntagResourceOutput{}, s.modify(ctx, d, func(d *topicDoc) error {
		for _, k := range in.TagKeys {
			delete(d.Tags, k)
		}
		return nil
	})
}

// ListTagsForResource lists the tags of a topic.
func (s *Service) ListTagsForResource(ctx context.Context, in *sns.ListTagsForResourceInput, _ ...func(*sns.Options)) (*sns.ListTagsForResourceOutput, error) {
	d, err := s.tagged(ctx, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	out := &sns.ListTagsForResourceOutput{Tags: []types.Tag{}}
	for _, k := range slices.Sorted(maps.Keys(d.Tags)) {
		out.Tags = append(out.Tags, types.Tag{Key: aws.String(k), Value: aws.String(d.Tags[k])})
	}
	return out, nil
}
