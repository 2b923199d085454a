package sqs

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// Inputs as they are on the wire. In the SDK's own, a number that is zero is one that is missing; here a
// delay of zero is not that of the queue.

// SendMessageInput is sqs.SendMessageInput.
type SendMessageInput struct {
	QueueUrl                *string //nolint:revive // as the model has it
	MessageBody             *string
	DelaySeconds            *int32
	MessageAttributes       map[string]types.MessageAttributeValue
	MessageSystemAttributes map[string]types.MessageSystemAttributeValue
	MessageDeduplicationId  *string //nolint:revive // as the model has it
	MessageGroupId          *string //nolint:revive // as the model has it
}

// SendMessageBatchInput is sqs.SendMessageBatchInput.
type SendMessageBatchInput struct {
	QueueUrl *string //nolint:revive // as the model has it
	Entries  []SendMessageBatchRequestEntry
}

// SendMessageBatchRequestEntry is types.SendMessageBatchRequestEntry.
type SendMessageBatchRequestEntry struct {
	Id                      *string //nolint:revive // as the model has it
	MessageBody             *string
	DelaySeconds            *int32
	MessageAttributes       map[string]types.MessageAttributeValue
	MessageSystemAttributes map[string]types.MessageSystemAttributeValue
	MessageDeduplicationId  *string //nolint:revive // as the model has it
	MessageGroupId          *string //nolint:revive // as the model has it
}

// ReceiveMessageInput is sqs.ReceiveMessageInput.
type ReceiveMessageInput struct {
	QueueUrl                    *string //nolint:revive // as the model has it
	AttributeNames              []types.QueueAttributeName
	MessageSystemAttributeNames []types.MessageSystemAttributeName
	MessageAttributeNames       []string
	MaxNumberOfMessages         *int32
	VisibilityTimeout           *int32
	WaitTimeSeconds             *int32
	ReceiveRequestAttemptId     *string //nolint:revive // as the model has it
}

func given(n int32) *int32 {
	if n == 0 {
		return nil
	}
	return &n
}

// SendMessage is for callers in this process.
func (s *Service) SendMessage(ctx context.Context, in *sqs.SendMessageInput, _ ...func(*sqs.Options)) (*sqs.SendMessageOutput, error) {
	return s.send(ctx, &SendMessageInput{in.QueueUrl, in.MessageBody, given(in.DelaySeconds), in.MessageAttributes, in.MessageSystemAttributes, in.MessageDeduplicationId, in.MessageGroupId})
}

// SendMessageBatch is for callers in this process.
func (s *Service) SendMessageBatch(ctx context.Context, in *sqs.SendMessageBatchInput, _ ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error) {
	b := &SendMessageBatchInput{QueueUrl: in.QueueUrl}
	for i := range in.Entries {
		e := &in.Entries[i]
		b.Entries = append(b.Entries, SendMessageBatchRequestEntry{e.Id, e.MessageBody, given(e.DelaySeconds), e.MessageAttributes, e.MessageSystemAttributes, e.MessageDeduplicationId, e.MessageGroupId})
	}
	return s.sendBatch(ctx, b)
}

// ReceiveMessage is for callers in this process. It waits for the first message where it is to.
func (s *Service) ReceiveMessage(ctx context.Context, in *sqs.ReceiveMessageInput, _ ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error) {
	//lint:ignore SA1019 AttributeNames is what clients sent before there was MessageSystemAttributeNames, and some still do.
	return s.receive(ctx, &ReceiveMessageInput{in.QueueUrl, in.AttributeNames, in.MessageSystemAttributeNames, in.MessageAttributeNames, given(in.MaxNumberOfMessages), given(in.VisibilityTimeout), given(in.WaitTimeSeconds), in.ReceiveRequestAttemptId})
}
