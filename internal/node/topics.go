package node

import (
	"context"
	"crypto"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssns "github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/brookmere/brookmere/internal/service/lambda"
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
		Endpoint: n.URL, Owner: p.here, Meter: p.meter, Clock: p.clock, Logger: p.logger,
	})
	return s.sns, err
}

func bindSNS(s *services) {
	s.lambda.Bind(func(c *lambda.Config) { c.SNS = askedTopics{s.sns, s.node.decide} })
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
		Functions: askedFunctions{s.services.lambda, decide}, Clock: p.clock, Logger: p.node.log.With("service", "s3"),
	})
	s.onClose(events.Close)
	p.node.objects.UseKeys(s.services.kms)
	s.onClose(func(context.Context) error { p.node.objects.UseKeys(nil); return nil })
	return events.Start(ctx)
}
