package events

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/engine/tags"
)

// Tags of buses and rules: 50, whose names have 1 to 128 characters and do not begin with aws:.

func tagMap(list []types.Tag) (map[string]string, error) {
	m := map[string]string{}
	for _, t := range list {
		k := aws.ToString(t.Key)
		if strings.HasPrefix(strings.ToLower(k), "aws:") {
			return nil, invalid("Tag keys that begin with aws: are reserved.")
		}
		if _, twice := m[k]; twice {
			return nil, invalid("Invalid parameter: Duplicated keys are not allowed.")
		}
		m[k] = aws.ToString(t.Value)
	}
	if len(m) > tags.Max {
		return nil, tooMany()
	}
	return m, nil
}

// tagged calls one of two functions with what an ARN names.
func (s *Service) tagged(ctx context.Context, name *string, bus func(*busDoc) error, rule func(*ruleDoc) error) error {
	text := aws.ToString(name)
	a, ok := arn.Parse(text)
	if !ok || a.Service != "events" {
		return badARN(text)
	}
	sc := scope.Of(ctx)
	missing := a.Account != sc.Account || a.Region != sc.Region
	if n, is := a.After("event-bus/"); is {
		if missing {
			return noBus(n)
		}
		d, err := s.bus(sc, n)
		if err != nil {
			return err
		}
		return bus(d)
	}
	n, is := a.After("rule/")
	if !is {
		return badARN(text)
	}
	on, n := busAndRule(n)
	if missing {
		return noRule(n, on)
	}
	d, err := s.rule(sc, on, n)
	if err != nil {
		return err
	}
	return rule(d)
}

// busAndRule takes the resource's name in a rule's ARN apart.
func busAndRule(name string) (bus, rule string) {
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		return name[:i], name[i+1:]
	}
	return defaultBus, name
}

// retag changes the tags of what an ARN names.
func (s *Service) retag(ctx context.Context, name *string, f func(map[string]string) error) error {
	change := func(of *map[string]string) error {
		m := maps.Clone(*of)
		if m == nil {
			m = map[string]string{}
		}
		if err := f(m); err != nil {
			return err
		}
		*of = m
		return nil
	}
	return s.tagged(ctx, name, func(d *busDoc) error {
		_, err := s.modifyBus(ctx, d, func(d *busDoc) error { return change(&d.Tags) })
		return err
	}, func(d *ruleDoc) error {
		_, err := s.modifyRule(ctx, d, func(d *ruleDoc) error { return change(&d.Tags) })
		return err
	})
}

// TagResource gives a bus or a rule tags.
func (s *Service) TagResource(ctx context.Context, in *eventbridge.TagResourceInput, _ ...func(*eventbridge.Options)) (*eventbridge.TagResourceOutput, error) {
	given, err := tagMap(in.Tags)
	if err != nil {
		return nil, err
	}
	return &eventbridge.TagResourceOutput{}, s.retag(ctx, in.ResourceARN, func(m map[string]string) error {
		maps.Copy(m, given)
		if len(m) > tags.Max {
			return tooMany()
		}
		return nil
	})
}

// UntagResource takes tags away.
func (s *Service) UntagResource(ctx context.Context, in *eventbridge.UntagResourceInput, _ ...func(*eventbridge.Options)) (*eventbridge.UntagResourceOutput, error) {
	return &eventbridge.UntagResourceOutput{}, s.retag(ctx, in.ResourceARN, func(m map[string]string) error {
		for _, k := range in.TagKeys {
			delete(m, k)
		}
		return nil
	})
}

// ListTagsForResource lists the tags of a bus or a rule.
func (s *Service) ListTagsForResource(ctx context.Context, in *eventbridge.ListTagsForResourceInput, _ ...func(*eventbridge.Options)) (*eventbridge.ListTagsForResourceOutput, error) {
	out := &eventbridge.ListTagsForResourceOutput{Tags: []types.Tag{}}
	list := func(m map[string]string) error {
		for _, k := range slices.Sorted(maps.Keys(m)) {
			out.Tags = append(out.Tags, types.Tag{Key: aws.String(k), Value: aws.String(m[k])})
		}
		return nil
	}
	err := s.tagged(ctx, in.ResourceARN, func(d *busDoc) error { return list(d.Tags) }, func(d *ruleDoc) error { return list(d.Tags) })
	if err != nil {
		return nil, err
	}
	return out, nil
}
