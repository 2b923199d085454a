package sns

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awswire"
)

func one(s *string) []string {
	if aws.ToString(s) == "" {
		return nil
	}
	return []string{*s}
}

// topicOf is the ARN of the topic of a subscription's, where that is the caller's.
func topicOf(c awswire.Caller, subscription *string) []string {
	key, ok := subscriptionKey(aws.ToString(subscription))
	if !ok || key[0] != c.Account {
		return nil
	}
	return []string{arn.New("sns", key[1], key[0], key[2])}
}

// API returns the service as the wire layer serves it.
func (s *Service) API() awswire.API {
	return awswire.API{
		Model:   "sns",
		Invalid: func(message string) error { return invalid("%s", message) },
		Operations: []awswire.Operation{
			awswire.Executes(s.AddPermission, func(_ awswire.Caller, in *sns.AddPermissionInput) []string { return one(in.TopicArn) }),
			awswire.Executes(s.ConfirmSubscription, func(_ awswire.Caller, in *sns.ConfirmSubscriptionInput) []string { return one(in.TopicArn) }).Unsigned(),
			awswire.Executes(s.CreateTopic, func(c awswire.Caller, in *sns.CreateTopicInput) []string {
				return []string{arn.New("sns", c.Region, c.Account, aws.ToString(in.Name))}
			}),
			awswire.Executes(s.DeleteTopic, func(_ awswire.Caller, in *sns.DeleteTopicInput) []string { return one(in.TopicArn) }),
			awswire.Executes(s.GetSubscriptionAttributes),
			awswire.Executes(s.GetTopicAttributes, func(_ awswire.Caller, in *sns.GetTopicAttributesInput) []string { return one(in.TopicArn) }),
			awswire.Executes(s.ListSubscriptions),
			awswire.Executes(s.ListSubscriptionsByTopic, func(_ awswire.Caller, in *sns.ListSubscriptionsByTopicInput) []string { return one(in.TopicArn) }),
			awswire.Executes(s.ListTagsForResource, func(_ awswire.Caller, in *sns.ListTagsForResourceInput) []string { return one(in.ResourceArn) }),
			awswire.Executes(s.ListTopics),
			awswire.Executes(s.Publish, func(_ awswire.Caller, in *sns.PublishInput) []string {
				if in.TopicArn == nil {
					return one(in.TargetArn)
				}
				return one(in.TopicArn)
			}),
			awswire.Executes(s.PublishBatch, func(_ awswire.Caller, in *sns.PublishBatchInput) []string { return one(in.TopicArn) }).Action("sns:Publish"),
			awswire.Executes(s.RemovePermission, func(_ awswire.Caller, in *sns.RemovePermissionInput) []string { return one(in.TopicArn) }),
			awswire.Executes(s.SetSubscriptionAttributes, func(c awswire.Caller, in *sns.SetSubscriptionAttributesInput) []string {
				return topicOf(c, in.SubscriptionArn)
			}),
			awswire.Executes(s.SetTopicAttributes, func(_ awswire.Caller, in *sns.SetTopicAttributesInput) []string { return one(in.TopicArn) }),
			awswire.WithKeys(awswire.Executes(s.Subscribe, func(_ awswire.Caller, in *sns.SubscribeInput) []string { return one(in.TopicArn) }),
				func(_ awswire.Caller, in *sns.SubscribeInput) map[string][]string {
					return map[string][]string{"sns:Protocol": one(in.Protocol), "sns:Endpoint": one(in.Endpoint)}
				}),
			awswire.Executes(s.TagResource, func(_ awswire.Caller, in *sns.TagResourceInput) []string { return one(in.ResourceArn) }),
			awswire.Executes(s.Unsubscribe),
			awswire.Executes(s.UntagResource, func(_ awswire.Caller, in *sns.UntagResourceInput) []string { return one(in.ResourceArn) }),
		},
	}
}
