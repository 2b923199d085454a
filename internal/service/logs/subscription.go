package logs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	logs "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awskit/page"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/logpattern"
	"github.com/brookmere/brookmere/internal/engine/logstore"
	"github.com/brookmere/brookmere/internal/engine/state"
	"github.com/brookmere/brookmere/internal/engine/work"
)

const maxSubscriptions = 2 // of a group

// subscriptionDoc is a subscription filter.
type subscriptionDoc struct {
	ID           string      `json:"id"`
	Account      string      `json:"account"`
	Region       string      `json:"region"`
	Group        string      `json:"group"` // its name
	GroupID      string      `json:"group_id"`
	Name         string      `json:"name"`
	Pattern      string      `json:"pattern"`
	Destination  string      `json:"destination"`
	Role         string      `json:"role,omitempty"`
	Distribution string      `json:"distribution"`
	Created      int64       `json:"created"`
	From         positionDoc `json:"from"` // of the log, when it was made
}

// kind is the service of the destination.
func (d *subscriptionDoc) kind() string {
	a, _ := arn.Parse(d.Destination)
	return a.Service
}

// PutSubscriptionFilter makes or changes a filter that sends matching events on to a stream, a delivery stream or a
// function, from now on. The destination is tried first.
func (s *Service) PutSubscriptionFilter(ctx context.Context, in *logs.PutSubscriptionFilterInput, _ ...func(*logs.Options)) (*logs.PutSubscriptionFilterOutput, error) {
	d, err := s.group(ctx, aws.ToString(in.LogGroupName))
	if err != nil {
		return nil, err
	}
	if d.Class != string(types.LogGroupClassStandard) {
		return nil, invalid("The log group class of %s does not support subscription filters.", d.Name)
	}
	if in.ApplyOnTransformedLogs || aws.ToString(in.FieldSelectionCriteria) != "" || len(in.EmitSystemFields) > 0 {
		return nil, unsupported("Subscribing to transformed events or by system fields")
	}
	if _, err := logpattern.Parse(aws.ToString(in.FilterPattern)); err != nil {
		return nil, badPattern(err)
	}
	f := &subscriptionDoc{
		ID: newID(), Account: d.Account, Region: d.Region, Group: d.Name, GroupID: d.ID, Name: aws.ToString(in.FilterName), Pattern: aws.ToString(in.FilterPattern),
		Destination: aws.ToString(in.DestinationArn), Role: aws.ToString(in.RoleArn), Distribution: string(in.Distribution), Created: s.nowMillis(),
	}
	if f.Distribution == "" {
		f.Distribution = string(types.DistributionByLogStream)
	}
	if err := f.check(); err != nil {
		return nil, err
	}
	key := d.key(f.Name)
	_, err = s.subscriptions.Get(key...)
	fresh := isNotFound(err)
	if err != nil && !fresh {
		return nil, err
	}
	if fresh {
		n := 0
		for range s.subscriptions.Keys(d.key()...) {
			n++
		}
		if n >= maxSubscriptions {
			return nil, limitExceeded("Resource limit exceeded.")
		}
	}
	if err := s.try(f.acting(ctx), f); err != nil {
		return nil, err
	}
	if !fresh {
		_, err = s.subscriptions.Modify(ctx, func(was *subscriptionDoc) error {
			was.Pattern, was.Destination, was.Role, was.Distribution = f.Pattern, f.Destination, f.Role, f.Distribution
			return nil
		}, key...)
		if isNotFound(err) { // another call has removed it
			return s.PutSubscriptionFilter(ctx, in)
		}
		return &logs.PutSubscriptionFilterOutput{}, err
	}
	at, err := s.store.Make(ctx, d.in(), d.retention())
	if err != nil {
		return nil, stored(err)
	}
	f.From = positionOf(at)
	if err = s.subscriptions.Create(ctx, f, key...); errors.Is(err, state.ErrExists) { // another call was first
		return s.PutSubscriptionFilter(ctx, in)
	}
	return &logs.PutSubscriptionFilterOutput{}, err
}

// check checks the destination.
func (d *subscriptionDoc) check() error {
	a, ok := arn.Parse(d.Destination)
	if !ok {
		return invalid("destinationArn is not a valid ARN: %s", d.Destination)
	}
	needsRole := true
	switch a.Service {
	case "kinesis":
		_, ok = a.After("stream/")
	case "firehose":
		_, ok = a.After("deliverystream/")
	case "lambda":
		_, ok = a.After("function:")
		needsRole = false
	default:
		return invalid("PutSubscriptionFilter operation cannot work with destinationArn for vendor %s", a.Service)
	}
	if ok && a.Service == "lambda" && a.Account != d.Account {
		return &types.AccessDeniedException{Message: aws.String("Cross-account lambda invocation passing is not allowed. You must use DestinationPolicies to create cross account lambda triggers.")}
	}
	if !ok || a.Account != d.Account || a.Region != d.Region {
		return invalid("destinationArn is not a %s of this account and region: %s", a.Service, d.Destination)
	}
	if !needsRole {
		if d.Role != "" {
			return invalid("destinationArn for vendor lambda cannot be used with roleArn")
		}
		return nil
	}
	r, ok := arn.Parse(d.Role)
	if _, is := r.After("role/"); d.Role == "" || !ok || !is || r.Service != "iam" {
		return invalid("destinationArn for vendor %s cannot be used without roleArn", a.Service)
	}
	return nil
}

// acting is the context of calls to the destination: as the role, and to a function, whose policy lets the service in.
func (d *subscriptionDoc) acting(ctx context.Context) context.Context {
	g := &groupDoc{Account: d.Account, Region: d.Region, Name: d.Group}
	if d.kind() == "lambda" {
		return awswire.AsService(ctx, d.Account, d.Region, "logs.amazonaws.com", g.arn()+":*")
	}
	return awswire.Acting(ctx, d.Account, d.Region, "logs.amazonaws.com", d.Role, g.arn())
}

// DeleteSubscriptionFilter removes a subscription filter.
func (s *Service) DeleteSubscriptionFilter(ctx context.Context, in *logs.DeleteSubscriptionFilterInput, _ ...func(*logs.Options)) (*logs.DeleteSubscriptionFilterOutput, error) {
	d, err := s.group(ctx, aws.ToString(in.LogGroupName))
	if err != nil {
		return nil, err
	}
	key := d.key(aws.ToString(in.FilterName))
	f, err := s.subscriptions.Get(key...)
	if err != nil {
		return nil, err
	}
	if err := s.subscriptions.Delete(ctx, key...); err != nil {
		return nil, err
	}
	return &logs.DeleteSubscriptionFilterOutput{}, s.removePosition(ctx, f.ID)
}

// DescribeSubscriptionFilters lists the subscription filters of a group.
func (s *Service) DescribeSubscriptionFilters(ctx context.Context, in *logs.DescribeSubscriptionFiltersInput, _ ...func(*logs.Options)) (*logs.DescribeSubscriptionFiltersOutput, error) {
	d, err := s.group(ctx, aws.ToString(in.LogGroupName))
	if err != nil {
		return nil, err
	}
	all, err := s.subscriptions.All(d.key()...)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(f *subscriptionDoc) bool { return !strings.HasPrefix(f.Name, aws.ToString(in.FilterNamePrefix)) })
	slices.SortFunc(all, func(a, b *subscriptionDoc) int { return strings.Compare(a.Name, b.Name) })
	all, next, err := page.Of(all, func(f *subscriptionDoc) string { return f.Name }, page.Request{Token: in.NextToken, Max: in.Limit, Limit: 50})
	if err != nil {
		return nil, badToken()
	}
	out := &logs.DescribeSubscriptionFiltersOutput{SubscriptionFilters: []types.SubscriptionFilter{}, NextToken: next}
	for _, f := range all {
		out.SubscriptionFilters = append(out.SubscriptionFilters, types.SubscriptionFilter{
			FilterName: &f.Name, LogGroupName: &f.Group, FilterPattern: &f.Pattern, DestinationArn: &f.Destination, RoleArn: text(f.Role),
			Distribution: types.Distribution(f.Distribution), CreationTime: &f.Created,
		})
	}
	return out, nil
}

func (s *Service) newSubscriptionRunner() *work.Runner[subscriptionDoc] {
	return work.New(work.Documents[subscriptionDoc](s.cfg.State, "logs.subscription"), work.Hooks[subscriptionDoc]{Run: s.runSubscription},
		work.Options{Name: "logs.subscription", Clock: s.clock, Owner: s.cfg.Owner, Events: work.Events{Failed: s.workFailed, Undecodable: func(key work.Key, err error) {
			s.log.Error("a subscription filter cannot be read", "key", key, "error", err)
		}}})
}

func (s *Service) runSubscription(ctx context.Context, j *work.Job[subscriptionDoc]) error {
	d := j.Document()
	p, err := logpattern.Parse(d.Pattern)
	if err != nil {
		return err
	}
	g := &groupDoc{Account: d.Account, Region: d.Region, ID: d.GroupID, Name: d.Group}
	return s.follow(d.acting(ctx), g.in(), d.ID, d.From.position(), func(ctx context.Context, blocks []logstore.Block) error {
		batches, err := s.batches(g, d, p, blocks)
		if err != nil {
			return err
		}
		if err := s.send(ctx, d, batches); err != nil {
			return fmt.Errorf("send to %s: %w", d.Destination, err)
		}
		return nil
	})
}
