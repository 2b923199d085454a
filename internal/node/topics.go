package node

import (
	"context"
	"crypto"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssns "github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/brookmere/brookmere/internal/engine/logstore"
	"github.com/brookmere/brookmere/internal/service/lambda"
	"github.com/brookmere/brookmere/internal/service/logs"
	"github.com/brookmere/brookmere/internal/service/s3"
	"github.com/brookmere/brookmere/internal/service/sns"
)

func makeSNS(s *services, p parts) (_ service, err error) {
	n := p.node
	s.sns, err = sns.New(sns.Config{
		State: p.state, Outbox: p.outbox, Sealer: n.key,
		Queues: askedQueues{s.sqs, n.decide}, Functions: askedFunctions{s.lambda, n.decide}, Streams: subscribedDeliveries{s.firehose, n.decide},
		HTTP: n.outbound(sns.HTTPTimeout),
		Certificate: func(host string, public crypto.PublicKey) ([]byte, error) {
			a, err := n.authority()
			if err != nil {
				return nil, err
			}
			return a.Certify(host, public)
		},
		Logs:     deliveryStatus{s.logs.Sink()},
		Endpoint: n.URL, Owner: p.here, Meter: p.meter, Clock: p.clock, Logger: p.logger,
	})
	return s.sns, err
}

func bindSNS(s *services) {
	s.lambda.Bind(func(c *lambda.Config) { c.SNS = askedTopics{s.sns, s.node.decide} })
}

// deliveryStatus writes the status of deliveries into the groups of their topics, as the roles that those name.
type deliveryStatus struct{ to *logs.Sink }

// Log implements sns.LogSink.
func (l deliveryStatus) Log(p sns.LogPlace, at time.Time, line string) {
	l.to.Write(logs.Target{
		Account: p.Account, Region: p.Region, Group: p.Group, Stream: p.Stream, Role: p.Role, Service: "sns.amazonaws.com", Source: p.Topic, CreateGroup: true, CreateStream: true,
	}, logstore.Line{Time: at.UnixMilli(), Text: line})
}

// askedTopics publishes to topics, as a role or a service.
type askedTopics struct {
	*sns.Service
	ask decides
}

func (t askedTopics) Publish(ctx context.Context, in *awssns.PublishInput, o ...func(*awssns.Options)) (*awssns.PublishOutput, error) {
	if err := t.ask(ctx, "sns:Publish", aws.ToString(in.TopicArn), nil); err != nil {
		return nil, err
	}
	return t.Service.Publish(ctx, in, o...)
}

// startEvents delivers the events of buckets until the stack closes.
func (s *stack) startEvents(ctx context.Context, p parts) error {
	decide := p.node.decide
	events := s3.NewEvents(s3.EventsConfig{
		Objects: p.node.objects, Outbox: p.outbox, Queues: askedQueues{s.services.sqs, decide}, Topics: askedTopics{s.services.sns, decide},
		Functions: askedFunctions{s.services.lambda, decide}, Buses: s.services.events, Clock: p.clock, Logger: p.node.log.With("service", "s3"),
	})
	s.onClose(events.Close)
	p.node.objects.UseKeys(s.services.kms)
	s.onClose(func(context.Context) error { p.node.objects.UseKeys(nil); return nil })
	return events.Start(ctx)
}
