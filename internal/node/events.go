package node

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awslogs "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"

	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/service/events"
	"github.com/brookmere/brookmere/internal/service/lambda"
	"github.com/brookmere/brookmere/internal/service/logs"
)

func makeEvents(s *services, p parts) (_ service, err error) {
	decide := p.node.decide
	s.events, err = events.New(events.Config{
		State: p.state, Outbox: p.outbox,
		Queues: askedQueues{s.sqs, decide}, Topics: askedTopics{s.sns, decide}, Functions: askedFunctions{s.lambda, decide}, Streams: subscribedStreams{s.kinesis, decide},
		Deliveries: subscribedDeliveries{s.firehose, decide}, Logs: ruledGroups{s.logs, decide},
		Allow: p.node.reachWith, Owner: p.owner, Here: p.here, Meter: p.meter, Clock: p.clock, Logger: p.logger,
	})
	return s.events, err
}

func bindEvents(s *services) {
	s.lambda.Bind(func(c *lambda.Config) { c.Buses = askedBuses{s.events, s.node.decide} })
}

// askedBuses are buses that are put events on as a role.
type askedBuses struct {
	*events.Service
	ask decides
}

func (b askedBuses) PutEvents(ctx context.Context, in *eventbridge.PutEventsInput, o ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error) {
	for _, n := range events.NeedsOfPutEvents(awswire.CallerFrom(ctx), in) {
		keys := func(key string) []string {
			if n.Keys != nil {
				for name, v := range n.Keys() {
					if strings.EqualFold(name, key) {
						return v
					}
				}
			}
			return nil
		}
		if err := b.ask(ctx, n.Action, n.Resource, keys); err != nil {
			return nil, err
		}
	}
	return b.Service.PutEvents(ctx, in, o...)
}

// serviceEvents are what services tell the default buses, whose service is made after theirs.
type serviceEvents struct{ of *services }

// PutServiceEvent implements the EventSink of services.
func (e serviceEvents) PutServiceEvent(account, region, source, detailType, id string, at time.Time, resources []string, detail []byte) error {
	if e.of.events == nil {
		return nil
	}
	return e.of.events.PutServiceEvent(account, region, source, detailType, id, at, resources, detail)
}

// ruledGroups are log groups that rules write to, by the permissions that AWS's guide has their policies give.
type ruledGroups struct {
	*logs.Service
	ask decides
}

func (g ruledGroups) stream(ctx context.Context, group, stream *string) string {
	return scope.Of(ctx).ARN("logs", "log-group:"+aws.ToString(group)+":log-stream:"+aws.ToString(stream))
}

func (g ruledGroups) CreateLogStream(ctx context.Context, in *awslogs.CreateLogStreamInput, o ...func(*awslogs.Options)) (*awslogs.CreateLogStreamOutput, error) {
	if err := g.ask(ctx, "logs:CreateLogStream", g.stream(ctx, in.LogGroupName, in.LogStreamName), nil); err != nil {
		return nil, err
	}
	return g.Service.CreateLogStream(ctx, in, o...)
}

func (g ruledGroups) PutLogEvents(ctx context.Context, in *awslogs.PutLogEventsInput, o ...func(*awslogs.Options)) (*awslogs.PutLogEventsOutput, error) {
	if err := g.ask(ctx, "logs:PutLogEvents", g.stream(ctx, in.LogGroupName, in.LogStreamName), nil); err != nil {
		return nil, err
	}
	return g.Service.PutLogEvents(ctx, in, o...)
}
