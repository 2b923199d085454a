package node

import (
	"context"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/service/sqs"
)

func makeSQS(s *services, p parts) (_ service, err error) {
	s.sqs, err = sqs.New(sqs.Config{State: p.state, Messages: p.queues, Endpoint: p.node.URL, Owner: p.here, Meter: p.meter, Clock: p.clock, Logger: p.logger,
		Allow: func(ctx context.Context, action, queue string) error { return p.node.decide(ctx, action, queue, nil) },
	})
	return s.sqs, err
}

// askedQueues sends to queues and receives from them, as a role.
type askedQueues struct {
	*sqs.Service
	ask decides
}

// at is the ARN of the queue of a URL of this node's.
func (q askedQueues) at(ctx context.Context, queueURL *string) string {
	c := awswire.CallerFrom(ctx)
	account, name, ok := sqs.Named(c, queueURL)
	if !ok {
		return "*"
	}
	return arn.New("sqs", c.Region, account, name)
}

func (q askedQueues) GetQueueAttributes(ctx context.Context, in *awssqs.GetQueueAttributesInput, o ...func(*awssqs.Options)) (*awssqs.GetQueueAttributesOutput, error) {
	if err := q.ask(ctx, "sqs:GetQueueAttributes", q.at(ctx, in.QueueUrl), nil); err != nil {
		return nil, err
	}
	return q.Service.GetQueueAttributes(ctx, in, o...)
}

func (q askedQueues) SendMessage(ctx context.Context, in *awssqs.SendMessageInput, o ...func(*awssqs.Options)) (*awssqs.SendMessageOutput, error) {
	if err := q.ask(ctx, "sqs:SendMessage", q.at(ctx, in.QueueUrl), nil); err != nil {
		return nil, err
	}
	return q.Service.SendMessage(ctx, in, o...)
}

func (q askedQueues) SendMessageBatch(ctx context.Context, in *awssqs.SendMessageBatchInput, o ...func(*awssqs.Options)) (*awssqs.SendMessageBatchOutput, error) {
	if err := q.ask(ctx, "sqs:SendMessage", q.at(ctx, in.QueueUrl), nil); err != nil {
		return nil, err
	}
	return q.Service.SendMessageBatch(ctx, in, o...)
}

func (q askedQueues) ReceiveMessage(ctx context.Context, in *awssqs.ReceiveMessageInput, o ...func(*awssqs.Options)) (*awssqs.ReceiveMessageOutput, error) {
	if err := q.ask(ctx, "sqs:ReceiveMessage", q.at(ctx, in.QueueUrl), nil); err != nil {
		return nil, err
	}
	return q.Service.ReceiveMessage(ctx, in, o...)
}

func (q askedQueues) DeleteMessageBatch(ctx context.Context, in *awssqs.DeleteMessageBatchInput, o ...func(*awssqs.Options)) (*awssqs.DeleteMessageBatchOutput, error) {
	if err := q.ask(ctx, "sqs:DeleteMessage", q.at(ctx, in.QueueUrl), nil); err != nil {
		return nil, err
	}
	return q.Service.DeleteMessageBatch(ctx, in, o...)
}
