package events

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awskit/page"
	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/engine/state"
)

const (
	maxBuses = 100 // of an account and region, besides the default one
	pageSize = 100
)

// busOf is the name of the bus that a name or an ARN means, and whose it is: the caller's for a name.
func busOf(sc scope.Scope, nameOrARN *string) (scope.Scope, string, error) {
	text := aws.ToString(nameOrARN)
	if text == "" {
		return sc, defaultBus, nil
	}
	if !strings.HasPrefix(text, "arn:") {
		return sc, text, nil
	}
	a, ok := arn.Parse(text)
	name, is := a.After("event-bus/")
	if !ok || !is || a.Service != "events" {
		return sc, "", badARN(text)
	}
	return scope.Scope{Account: a.Account, Region: a.Region}, name, nil
}

// bus returns a bus; the default one is there for everybody.
func (s *Service) bus(sc scope.Scope, name string) (*busDoc, error) {
	d, err := s.buses.Get(sc.Key(name)...)
	if errors.Is(err, state.ErrNotFound) {
		if name == defaultBus {
			return &busDoc{Account: sc.Account, Region: sc.Region, Name: name}, nil
		}
		return nil, noBus(name)
	}
	return d, err
}

// own is the bus of the caller's that a name or an ARN means.
func (s *Service) own(ctx context.Context, nameOrARN *string) (*busDoc, error) {
	sc := scope.Of(ctx)
	of, name, err := busOf(sc, nameOrARN)
	if err != nil {
		return nil, err
	}
	if of != sc {
		return nil, noBus(name)
	}
	return s.bus(sc, name)
}

// modifyBus changes a bus, for which the default one gets a document.
func (s *Service) modifyBus(ctx context.Context, d *busDoc, f func(*busDoc) error) (*busDoc, error) {
	for {
		out, err := s.buses.Modify(ctx, func(d *busDoc) error {
			d.Modified = s.now()
			return f(d)
		}, d.key()...)
		if !errors.Is(err, state.ErrNotFound) {
			return out, err
		}
		if d.Name != defaultBus {
			return nil, noBus(d.Name)
		}
		now := s.now()
		made := &busDoc{Account: d.Account, Region: d.Region, Name: d.Name, Created: now, Modified: now}
		if err := s.buses.Create(ctx, made, made.key()...); err != nil && !errors.Is(err, state.ErrExists) {
			return nil, err
		}
	}
}

// CreateEventBus makes a custom bus.
func (s *Service) CreateEventBus(ctx context.Context, in *eventbridge.CreateEventBusInput, _ ...func(*eventbridge.Options)) (*eventbridge.CreateEventBusOutput, error) {
	sc, name := scope.Of(ctx), aws.ToString(in.Name)
	switch {
	case in.EventSourceName != nil || strings.HasPrefix(name, "aws.partner/"):
		return nil, refused("buses of partner event sources", "Create a custom bus and put events on it.")
	case strings.Contains(name, "/"):
		return nil, invalid("Event bus name must not contain '/'.")
	}
	tags, err := tagMap(in.Tags)
	if err != nil {
		return nil, err
	}
	all, err := s.buses.All(sc.Account, sc.Region)
	if err != nil {
		return nil, err
	}
	if name == defaultBus || slices.ContainsFunc(all, func(d *busDoc) bool { return d.Name == name }) {
		return nil, &types.ResourceAlreadyExistsException{Message: sprintf("Event bus %s already exists.", name)}
	}
	if len(all) >= maxBuses+1 {
		return nil, tooMany()
	}
	now := s.now()
	d := &busDoc{Account: sc.Account, Region: sc.Region, Name: name, Tags: tags, Created: now, Modified: now}
	if err := d.set(in.Description, in.KmsKeyIdentifier, in.DeadLetterConfig, in.LogConfig); err != nil {
		return nil, err
	}
	err = s.buses.Create(ctx, d, d.key()...)
	if errors.Is(err, state.ErrExists) {
		return nil, &types.ResourceAlreadyExistsException{Message: sprintf("Event bus %s already exists.", name)}
	}
	if err != nil {
		return nil, err
	}
	return &eventbridge.CreateEventBusOutput{EventBusArn: aws.String(d.arn()), Description: some(d.Description), KmsKeyIdentifier: some(d.Key), DeadLetterConfig: d.deadLetter(), LogConfig: d.logConfig()}, nil
}

// set takes the settings of a bus.
func (d *busDoc) set(description, key *string, dead *types.DeadLetterConfig, log *types.LogConfig) error {
	d.Description, d.Key, d.DeadLetter, d.LogLevel, d.LogDetail = aws.ToString(description), aws.ToString(key), "", "", ""
	if dead != nil && aws.ToString(dead.Arn) != "" {
		if err := checkDeadLetter(d.scope(), *dead.Arn); err != nil {
			return err
		}
		d.DeadLetter = *dead.Arn
	}
	if log != nil {
		d.LogLevel, d.LogDetail = string(log.Level), string(log.IncludeDetail)
	}
	return nil
}

// UpdateEventBus replaces the settings of a bus.
func (s *Service) UpdateEventBus(ctx context.Context, in *eventbridge.UpdateEventBusInput, _ ...func(*eventbridge.Options)) (*eventbridge.UpdateEventBusOutput, error) {
	d, err := s.own(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	d, err = s.modifyBus(ctx, d, func(d *busDoc) error {
		return d.set(in.Description, in.KmsKeyIdentifier, in.DeadLetterConfig, in.LogConfig)
	})
	if err != nil {
		return nil, err
	}
	return &eventbridge.UpdateEventBusOutput{Arn: aws.String(d.arn()), Name: &d.Name, Description: some(d.Description), KmsKeyIdentifier: some(d.Key), DeadLetterConfig: d.deadLetter(), LogConfig: d.logConfig()}, nil
}

// DescribeEventBus tells a bus.
func (s *Service) DescribeEventBus(ctx context.Context, in *eventbridge.DescribeEventBusInput, _ ...func(*eventbridge.Options)) (*eventbridge.DescribeEventBusOutput, error) {
	d, err := s.own(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	return &eventbridge.DescribeEventBusOutput{
		Arn: aws.String(d.arn()), Name: &d.Name, Description: some(d.Description), KmsKeyIdentifier: some(d.Key), DeadLetterConfig: d.deadLetter(), LogConfig: d.logConfig(),
		Policy: some(d.Policy), CreationTime: someTime(d.Created), LastModifiedTime: someTime(d.Modified),
	}, nil
}

// ListEventBuses lists the buses of the caller, the default one included.
func (s *Service) ListEventBuses(ctx context.Context, in *eventbridge.ListEventBusesInput, _ ...func(*eventbridge.Options)) (*eventbridge.ListEventBusesOutput, error) {
	sc := scope.Of(ctx)
	all, err := s.buses.All(sc.Account, sc.Region)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(all, func(d *busDoc) bool { return d.Name == defaultBus }) {
		all = append(all, &busDoc{Account: sc.Account, Region: sc.Region, Name: defaultBus})
	}
	all = slices.DeleteFunc(all, func(d *busDoc) bool { return !strings.HasPrefix(d.Name, aws.ToString(in.NamePrefix)) })
	slices.SortFunc(all, func(a, b *busDoc) int { return strings.Compare(a.Name, b.Name) })
	list, next, err := page.Of(all, func(d *busDoc) string { return d.Name }, page.Request{Token: in.NextToken, Max: in.Limit, Limit: pageSize})
	if err != nil {
		return nil, badToken()
	}
	out := &eventbridge.ListEventBusesOutput{EventBuses: []types.EventBus{}, NextToken: next}
	for _, d := range list {
		out.EventBuses = append(out.EventBuses, types.EventBus{
			Arn: aws.String(d.arn()), Name: &d.Name, Description: some(d.Description), Policy: some(d.Policy), CreationTime: someTime(d.Created), LastModifiedTime: someTime(d.Modified),
		})
	}
	return out, nil
}

// DeleteEventBus removes a custom bus that has no rules. One that is not there is no error.
func (s *Service) DeleteEventBus(ctx context.Context, in *eventbridge.DeleteEventBusInput, _ ...func(*eventbridge.Options)) (*eventbridge.DeleteEventBusOutput, error) {
	sc := scope.Of(ctx)
	of, name, err := busOf(sc, in.Name)
	if err != nil {
		return nil, err
	}
	if name == defaultBus {
		return nil, invalid("Cannot delete event bus default.")
	}
	if of != sc {
		return &eventbridge.DeleteEventBusOutput{}, nil
	}
	rules, err := s.rules.All(sc.Account, sc.Region, name)
	if err != nil {
		return nil, err
	}
	if len(rules) > 0 {
		return nil, invalid("Cannot delete event bus %s since it has rules.", name)
	}
	if err := s.buses.Delete(ctx, sc.Key(name)...); err != nil && !errors.Is(err, state.ErrNotFound) {
		return nil, err
	}
	return &eventbridge.DeleteEventBusOutput{}, nil
}
