package sqs

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awswire"
)

// at is the ARN of the queue of a URL.
func at(c awswire.Caller, queueURL *string) []string {
	account, name, ok := Named(c, queueURL)
	if !ok {
		return nil
	}
	return []string{arn.New("sqs", c.Region, account, name)}
}

// errorNames are the shapes of codes that the query protocol has other names for.
var errorNames = map[string]string{
	"NonExistentQueue":   "QueueDoesNotExist",
	"QueueAlreadyExists": "QueueNameExists",
}

// API returns the service as the wire layer serves it.
func (s *Service) API() awswire.API {
	return awswire.API{
		Model: "sqs", PathParameter: "QueueUrl",
		Prompt: []string{"SendMessage", "SendMessageBatch", "DeleteMessage", "DeleteMessageBatch", "ChangeMessageVisibility"},
		// ReceiveMessage takes the names of system attributes where its model has those of queues, and
		// what is unknown is an InvalidAttributeName.
		Open:    []string{"QueueAttributeName", "MessageSystemAttributeName"},
		Invalid: func(message string) error { return invalid("%s", message) },
		Half:    '\uFFFF', // which no message may hold
		ErrorType: func(code string, _ bool) string {
			code = strings.TrimPrefix(code, "AWS.SimpleQueueService.")
			if name := errorNames[code]; name != "" {
				code = name
			}
			return "com.amazonaws.sqs#" + code
		},
		Operations: []awswire.Operation{
			awswire.Executes(s.AddPermission, func(c awswire.Caller, in *sqs.AddPermissionInput) []string { return at(c, in.QueueUrl) }),
			awswire.Executes(s.CancelMessageMoveTask, func(_ awswire.Caller, in *sqs.CancelMessageMoveTaskInput) []string {
				source, _ := openTask(aws.ToString(in.TaskHandle))
				return []string{source}
			}),
			awswire.Executes(s.ChangeMessageVisibility, func(c awswire.Caller, in *sqs.ChangeMessageVisibilityInput) []string { return at(c, in.QueueUrl) }),
			awswire.Executes(s.ChangeMessageVisibilityBatch, func(c awswire.Caller, in *sqs.ChangeMessageVisibilityBatchInput) []string { return at(c, in.QueueUrl) }).Action("sqs:ChangeMessageVisibility"),
			awswire.Executes(s.CreateQueue, func(c awswire.Caller, in *sqs.CreateQueueInput) []string {
				return []string{arn.New("sqs", c.Region, c.Account, aws.ToString(in.QueueName))}
			}),
			awswire.Executes(s.DeleteMessage, func(c awswire.Caller, in *sqs.DeleteMessageInput) []string { return at(c, in.QueueUrl) }),
			awswire.Executes(s.DeleteMessageBatch, func(c awswire.Caller, in *sqs.DeleteMessageBatchInput) []string { return at(c, in.QueueUrl) }).Action("sqs:DeleteMessage"),
			awswire.Executes(s.DeleteQueue, func(c awswire.Caller, in *sqs.DeleteQueueInput) []string { return at(c, in.QueueUrl) }),
			awswire.Executes(s.GetQueueAttributes, func(c awswire.Caller, in *sqs.GetQueueAttributesInput) []string { return at(c, in.QueueUrl) }),
			awswire.Executes(s.GetQueueUrl, func(c awswire.Caller, in *sqs.GetQueueUrlInput) []string {
				account := c.Account
				if owner := aws.ToString(in.QueueOwnerAWSAccountId); owner != "" {
					account = owner
				}
				return []string{arn.New("sqs", c.Region, account, aws.ToString(in.QueueName))}
			}),
			awswire.Executes(s.ListDeadLetterSourceQueues, func(c awswire.Caller, in *sqs.ListDeadLetterSourceQueuesInput) []string { return at(c, in.QueueUrl) }),
			awswire.Executes(s.ListMessageMoveTasks, func(_ awswire.Caller, in *sqs.ListMessageMoveTasksInput) []string {
				return []string{aws.ToString(in.SourceArn)}
			}),
			awswire.Executes(s.ListQueueTags, func(c awswire.Caller, in *sqs.ListQueueTagsInput) []string { return at(c, in.QueueUrl) }),
			awswire.Executes(s.ListQueues),
			awswire.Executes(s.PurgeQueue, func(c awswire.Caller, in *sqs.PurgeQueueInput) []string { return at(c, in.QueueUrl) }),
			awswire.Executes(s.receive, func(c awswire.Caller, in *ReceiveMessageInput) []string { return at(c, in.QueueUrl) }),
			awswire.Executes(s.RemovePermission, func(c awswire.Caller, in *sqs.RemovePermissionInput) []string { return at(c, in.QueueUrl) }),
			awswire.Executes(s.send, func(c awswire.Caller, in *SendMessageInput) []string { return at(c, in.QueueUrl) }),
			awswire.Executes(s.sendBatch, func(c awswire.Caller, in *SendMessageBatchInput) []string { return at(c, in.QueueUrl) }).Action("sqs:SendMessage"),
			awswire.Executes(s.SetQueueAttributes, func(c awswire.Caller, in *sqs.SetQueueAttributesInput) []string { return at(c, in.QueueUrl) }),
			awswire.Executes(s.StartMessageMoveTask, func(_ awswire.Caller, in *sqs.StartMessageMoveTaskInput) []string {
				return []string{aws.ToString(in.SourceArn)}
			}),
			awswire.Executes(s.TagQueue, func(c awswire.Caller, in *sqs.TagQueueInput) []string { return at(c, in.QueueUrl) }),
			awswire.Executes(s.UntagQueue, func(c awswire.Caller, in *sqs.UntagQueueInput) []string { return at(c, in.QueueUrl) }),
		},
	}
}
