package events

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/brookmere/brookmere/internal/awskit/page"
	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/eventpattern"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// maxRules is how many rules a bus may have.
const maxRules = 300

func (s *Service) rule(sc scope.Scope, bus, name string) (*ruleDoc, error) {
	d, err := s.rules.Get(sc.Key(bus, name)...)
	if errors.Is(err, state.ErrNotFound) {
		return nil, noRule(name, bus)
	}
	return d, err
}

// ownRule is a rule of the caller's, on the bus that a name or an ARN means.
func (s *Service) ownRule(ctx context.Context, busName, name *string) (*ruleDoc, error) {
	b, err := s.own(ctx, busName)
	if err != nil {
		return nil, err
	}
	return s.rule(b.scope(), b.Name, aws.ToString(name))
}

// modifyRule changes a rule.
func (s *Service) modifyRule(ctx context.Context, d *ruleDoc, f func(*ruleDoc) error) (*ruleDoc, error) {
	out, err := s.rules.Modify(ctx, func(now *ruleDoc) error {
		if now.ID != d.ID {
			return noRule(d.Name, d.Bus)
		}
		return f(now)
	}, d.key()...)
	if errors.Is(err, state.ErrNotFound) {
		return nil, noRule(d.Name, d.Bus)
	}
	return out, err
}

// PutRule makes a rule, or replaces one but for its tags and targets.
func (s *Service) PutRule(ctx context.Context, in *eventbridge.PutRuleInput, _ ...func(*eventbridge.Options)) (*eventbridge.PutRuleOutput, error) {
	pattern, schedule := aws.ToString(in.EventPattern), aws.ToString(in.ScheduleExpression)
	if pattern == "" && schedule == "" {
		return nil, invalid("Parameter(s) EventPattern or ScheduleExpression must be specified.")
	}
	b, err := s.own(ctx, in.EventBusName)
	if err != nil {
		return nil, err
	}
	if schedule != "" && b.Name != defaultBus {
		return nil, invalid("ScheduleExpression is supported only on the default event bus.")
	}
	if pattern != "" {
		if _, err := eventpattern.CheckRule(pattern); err != nil {
			return nil, badPattern(pattern, err)
		}
	}
	if schedule != "" {
		if _, err := parseSchedule(schedule); err != nil {
			return nil, invalid("Parameter ScheduleExpression is not valid.")
		}
	}
	given, err := tagMap(in.Tags)
	if err != nil {
		return nil, err
	}
	ruleState := string(in.State)
	if ruleState == "" {
		ruleState = string(types.RuleStateEnabled)
	}
	fill := func(d *ruleDoc) error {
		before := *d
		d.Pattern, d.Schedule, d.State, d.Description, d.Role = pattern, schedule, ruleState, aws.ToString(in.Description), aws.ToString(in.RoleArn)
		s.reschedule(&before, d)
		return nil
	}
	sc, name := b.scope(), aws.ToString(in.Name)
	for {
		have, err := s.rules.Get(sc.Key(b.Name, name)...)
		if err == nil {
			if _, err = s.modifyRule(ctx, have, fill); err == nil {
				return &eventbridge.PutRuleOutput{RuleArn: aws.String(have.arn())}, nil
			}
			var gone *types.ResourceNotFoundException
			if errors.As(err, &gone) {
				continue // it went in this moment
			}
			return nil, err
		}
		if !errors.Is(err, state.ErrNotFound) {
			return nil, err
		}
		all, err := s.rules.All(sc.Account, sc.Region, b.Name)
		if err != nil {
			return nil, err
		}
		if len(all) >= maxRules {
			return nil, tooMany()
		}
		d := &ruleDoc{Account: sc.Account, Region: sc.Region, Bus: b.Name, Name: name, ID: awswire.NewRequestID(), Creator: sc.Account, Tags: given}
		_ = fill(d) // it does not fail
		err = s.rules.Create(ctx, d, d.key()...)
		if errors.Is(err, state.ErrExists) {
			continue
		}
		if err != nil {
			return nil, err
		}
		return &eventbridge.PutRuleOutput{RuleArn: aws.String(d.arn())}, nil
	}
}

// DescribeRule tells a rule.
func (s *Service) DescribeRule(ctx context.Context, in *eventbridge.DescribeRuleInput, _ ...func(*eventbridge.Options)) (*eventbridge.DescribeRuleOutput, error) {
	d, err := s.ownRule(ctx, in.EventBusName, in.Name)
	if err != nil {
		return nil, err
	}
	return d.description(), nil
}

// setState enables or disables a rule.
func (s *Service) setState(ctx context.Context, bus, name *string, to types.RuleState) error {
	d, err := s.ownRule(ctx, bus, name)
	if err != nil {
		return err
	}
	_, err = s.modifyRule(ctx, d, func(d *ruleDoc) error {
		before := *d
		d.State = string(to)
		s.reschedule(&before, d)
		return nil
	})
	return err
}

// EnableRule enables a rule. A schedule counts from now on.
func (s *Service) EnableRule(ctx context.Context, in *eventbridge.EnableRuleInput, _ ...func(*eventbridge.Options)) (*eventbridge.EnableRuleOutput, error) {
	return &eventbridge.EnableRuleOutput{}, s.setState(ctx, in.EventBusName, in.Name, types.RuleStateEnabled)
}

// DisableRule disables a rule. What has matched before is delivered.
func (s *Service) DisableRule(ctx context.Context, in *eventbridge.DisableRuleInput, _ ...func(*eventbridge.Options)) (*eventbridge.DisableRuleOutput, error) {
	return &eventbridge.DisableRuleOutput{}, s.setState(ctx, in.EventBusName, in.Name, types.RuleStateDisabled)
}

// DeleteRule removes a rule that has no targets. One that is not there is no error.
func (s *Service) DeleteRule(ctx context.Context, in *eventbridge.DeleteRuleInput, _ ...func(*eventbridge.Options)) (*eventbridge.DeleteRuleOutput, error) {
	d, err := s.ownRule(ctx, in.EventBusName, in.Name)
	var gone *types.ResourceNotFoundException
	if errors.As(err, &gone) {
		if _, err := s.own(ctx, in.EventBusName); err != nil {
			return nil, err
		}
		return &eventbridge.DeleteRuleOutput{}, nil
	}
	if err != nil {
		return nil, err
	}
	targets, err := s.targetsOf(d)
	if err != nil {
		return nil, err
	}
	if len(targets) > 0 {
		return nil, invalid("Rule can't be deleted since it has targets.")
	}
	if err := s.rules.Delete(ctx, d.key()...); err != nil && !errors.Is(err, state.ErrNotFound) {
		return nil, err
	}
	return &eventbridge.DeleteRuleOutput{}, nil
}

// ListRules lists the rules of a bus.
func (s *Service) ListRules(ctx context.Context, in *eventbridge.ListRulesInput, _ ...func(*eventbridge.Options)) (*eventbridge.ListRulesOutput, error) {
	b, err := s.own(ctx, in.EventBusName)
	if err != nil {
		return nil, err
	}
	all, err := s.rules.All(b.key()...)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(d *ruleDoc) bool { return !strings.HasPrefix(d.Name, aws.ToString(in.NamePrefix)) })
	slices.SortFunc(all, func(a, b *ruleDoc) int { return strings.Compare(a.Name, b.Name) })
	list, next, err := page.Of(all, func(d *ruleDoc) string { return d.Name }, page.Request{Token: in.NextToken, Max: in.Limit, Limit: pageSize})
	if err != nil {
		return nil, badToken()
	}
	out := &eventbridge.ListRulesOutput{Rules: []types.Rule{}, NextToken: next}
	for _, d := range list {
		out.Rules = append(out.Rules, d.output())
	}
	return out, nil
}
