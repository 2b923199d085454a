package dynamodb

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// This file: time to live. Items are found by an index of their times, which is filled
// when time to live is enabled, and deleted by the sweep.

// expiryInterval is for how long AWS takes no second change of a table's time to live.
const expiryInterval = time.Hour

// UpdateTimeToLive enables or disables expiry by an attribute.
func (s *Service) UpdateTimeToLive(ctx context.Context, in *dynamodb.UpdateTimeToLiveInput, _ ...func(*dynamodb.Options)) (*dynamodb.UpdateTimeToLiveOutput, error) {
	d, err := s.tableNamed(ctx, in.TableName)
	if err != nil {
		return nil, err
	}
	spec := in.TimeToLiveSpecification
	if spec == nil || spec.AttributeName == nil || spec.Enabled == nil {
		return nil, constraint("null ", "timeToLiveSpecification", "Member must not be null")
	}
	name := *spec.AttributeName
	if name == "" {
		return nil, constraint("'' ", "timeToLiveSpecification.attributeName", "Member must have length greater than or equal to 1")
	}
	d, err = s.modify(ctx, d, func(d *table) error {
		switch {
		case *spec.Enabled && d.Expiry.Enabled && d.Expiry.Attribute == name:
			return invalid("TimeToLive is already enabled")
		case *spec.Enabled && d.Expiry.Enabled:
			return invalid("TimeToLive is active on a different AttributeName: current AttributeName is %s", d.Expiry.Attribute)
		case !*spec.Enabled && !d.Expiry.Enabled:
			return invalid("TimeToLive is already disabled")
		case !*spec.Enabled && d.Expiry.Attribute != name:
			return invalid("TimeToLive is active on a different AttributeName: current AttributeName is %s", d.Expiry.Attribute)
		case s.cfg.EnforceLimits && s.now().Sub(d.Expiry.At) < expiryInterval:
			return invalid("Time to live has been modified multiple times within a fixed interval")
		}
		d.Expiry = expirySetting{Attribute: name, Enabled: *spec.Enabled, At: s.now(), Building: *spec.Enabled}
		if !*spec.Enabled {
			d.Expiry.Attribute = ""
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if !*spec.Enabled {
		o, err := s.opened(d)
		if err != nil {
			return nil, err
		}
		if err := o.items.DropExpiry(); err != nil {
			return nil, err
		}
	}
	return &dynamodb.UpdateTimeToLiveOutput{TimeToLiveSpecification: spec}, nil
}

// buildExpiry fills the index of times.
func (s *Service) buildExpiry(ctx context.Context, d *table) error {
	o, err := s.defined(d)
	if err != nil {
		return err
	}
	if err := o.items.BackfillExpiry(ctx); err != nil {
		return fmt.Errorf("dynamodb: expiry of %s: %w", d.arn(), err)
	}
	_, err = s.modify(ctx, d, func(d *table) error { d.Expiry.Building = false; return nil })
	return err
}

// DescribeTimeToLive reports whether items expire, and by which attribute.
func (s *Service) DescribeTimeToLive(ctx context.Context, in *dynamodb.DescribeTimeToLiveInput, _ ...func(*dynamodb.Options)) (*dynamodb.DescribeTimeToLiveOutput, error) {
	d, err := s.tableNamed(ctx, in.TableName)
	if err != nil {
		return nil, err
	}
	if d.Status == string(types.TableStatusCreating) || d.Status == string(types.TableStatusDeleting) {
		return nil, invalid("Cannot describe time to live while table is in %s state: Current table state is %s", d.Status, d.Status)
	}
	return &dynamodb.DescribeTimeToLiveOutput{TimeToLiveDescription: d.Expiry.describe()}, nil
}

func (e expirySetting) describe() *types.TimeToLiveDescription {
	if !e.Enabled {
		return &types.TimeToLiveDescription{TimeToLiveStatus: types.TimeToLiveStatusDisabled}
	}
	return &types.TimeToLiveDescription{TimeToLiveStatus: types.TimeToLiveStatusEnabled, AttributeName: aws.String(e.Attribute)}
}
