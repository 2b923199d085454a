package sns

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/engine/policy"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// choices are attributes of topics that are one of a few words, and what they are where they were not set; those
// behind it are of FIFO topics only.
var choices = map[string][]string{
	"SignatureVersion":          {"1", "2"},
	"TracingConfig":             {"PassThrough", "Active"},
	"FifoTopic":                 {"true"},
	"ContentBasedDeduplication": {"false", "true"},
	"FifoThroughputScope":       {"Topic", "MessageGroup"},
}

func ofFIFO(name string) bool {
	return name == "FifoTopic" || name == "ContentBasedDeduplication" || name == "FifoThroughputScope"
}

// feedback are the endings of attributes about logs of deliveries, by protocol. Those of mobile applications are stored.
var feedback = []string{"SuccessFeedbackRoleArn", "SuccessFeedbackSampleRate", "FailureFeedbackRoleArn"}

func isFeedback(name string) bool {
	for _, p := range []string{"HTTP", "Firehose", "Lambda", "Application", "SQS"} {
		if rest, ok := strings.CutPrefix(name, p); ok && slices.Contains(feedback, rest) {
			return true
		}
	}
	return false
}

// attribute is an attribute as it was set, or what it is otherwise.
func (d *topicDoc) attribute(name string) string {
	if v, ok := d.Attributes[name]; ok {
		return v
	}
	if name == "Policy" {
		return d.defaultPolicy()
	}
	if list := choices[name]; list != nil && (!ofFIFO(name) || d.fifo()) {
		return list[0]
	}
	return ""
}

// defaultPolicy is that of a topic whose policy was not set: it gives its account everything.
func (d *topicDoc) defaultPolicy() string {
	b, _ := json.Marshal(map[string]any{ // of texts alone
		"Version": "2008-10-17", "Id": "__default_policy_ID",
		"Statement": []any{map[string]any{
			"Sid": "__default_statement_ID", "Effect": "Allow", "Principal": map[string]string{"AWS": "*"},
			"Action": []string{
				"SNS:GetTopicAttributes", "SNS:SetTopicAttributes", "SNS:AddPermission", "SNS:RemovePermission", "SNS:DeleteTopic",
				"SNS:Subscribe", "SNS:ListSubscriptionsByTopic", "SNS:Publish",
			},
			"Resource": d.arn(), "Condition": map[string]any{"StringEquals": map[string]string{"AWS:SourceOwner": d.Account}},
		}},
	})
	return string(b)
}

// set checks an attribute and sets it; empty removes it.
func (d *topicDoc) set(name, v string, creating bool) error {
	wrong := func() error { return invalid("Attributes Reason: %s has an invalid value", name) }
	switch {
	case name == "Policy":
		if v != "" {
			if len(v) > 30<<10 {
				return invalid("Policy length exceeds maximum size of 30720 bytes")
			}
			if _, err := policy.Parse(v, policy.Resource); err != nil {
				return invalid("Policy Error: %s", err)
			}
		}
	case name == "DisplayName":
		if len([]rune(v)) > 100 || strings.ContainsAny(v, "\r\n") {
			return invalid("DisplayName")
		}
	case name == "DeliveryPolicy":
		if v != "" {
			var p struct{ HTTP httpPolicy }
			if err := json.Unmarshal([]byte(v), &p); err != nil {
				return invalid("DeliveryPolicy: DeliveryPolicy: it is not valid JSON")
			}
			for _, r := range []*retryPolicy{p.HTTP.Default, p.HTTP.Retry} {
				if err := r.check(); err != nil {
					return err
				}
			}
			if err := p.HTTP.Request.check(false); err != nil {
				return err
			}
		}
	case choices[name] != nil:
		if ofFIFO(name) && (!d.fifo() || name == "FifoTopic" && !creating) || v != "" && !slices.Contains(choices[name], v) {
			return wrong()
		}
	case name == "KmsMasterKeyId":
	case isFeedback(name):
		if strings.HasSuffix(name, "Rate") {
			if n, err := strconv.Atoi(v); v != "" && (err != nil || n < 0 || n > 100) {
				return wrong()
			}
		} else if a, ok := arn.Parse(v); v != "" && (!ok || a.Service != "iam") {
			return wrong()
		}
	case name == "ArchivePolicy":
		if v != "" {
			return refused("ArchivePolicy is")
		}
	default:
		return invalid("AttributeName")
	}
	d.Attributes = with(d.Attributes, name, v)
	return nil
}

// with returns a copy of attributes in which name has a value; an empty one takes it away.
func with(attributes map[string]string, name, v string) map[string]string {
	changed := map[string]string{}
	maps.Copy(changed, attributes)
	if v == "" {
		delete(changed, name)
	} else {
		changed[name] = v
	}
	return changed
}

// GetTopicAttributes returns all attributes of a topic.
func (s *Service) GetTopicAttributes(ctx context.Context, in *sns.GetTopicAttributesInput, _ ...func(*sns.Options)) (*sns.GetTopicAttributesOutput, error) {
	d, err := s.topic(ctx, in.TopicArn)
	if err != nil {
		return nil, err
	}
	confirmed, pending, ended := 0, 0, 0
	for it, err := range s.subscriptions.In(d.key()...).List() {
		switch {
		case err != nil:
			return nil, err
		case it.Value.TopicID != d.ID:
		case it.Value.Ended:
			ended++
		case it.Value.Pending:
			pending++
		default:
			confirmed++
		}
	}
	out := map[string]string{
		"TopicArn": d.arn(), "Owner": d.Account, "DisplayName": "", "Policy": d.attribute("Policy"),
		"SubscriptionsConfirmed": strconv.Itoa(confirmed), "SubscriptionsPending": strconv.Itoa(pending), "SubscriptionsDeleted": strconv.Itoa(ended),
		"EffectiveDeliveryPolicy": d.effective(),
	}
	maps.Copy(out, d.Attributes)
	if d.fifo() {
		for _, name := range []string{"FifoTopic", "ContentBasedDeduplication", "FifoThroughputScope"} {
			out[name] = d.attribute(name)
		}
	}
	return &sns.GetTopicAttributesOutput{Attributes: out}, nil
}

// SetTopicAttributes sets one attribute of a topic.
func (s *Service) SetTopicAttributes(ctx context.Context, in *sns.SetTopicAttributesInput, _ ...func(*sns.Options)) (*sns.SetTopicAttributesOutput, error) {
	d, err := s.own(ctx, in.TopicArn)
	if err != nil {
		return nil, err
	}
	return &sns.SetTopicAttributesOutput{}, s.modify(ctx, d, func(d *topicDoc) error {
		return d.set(aws.ToString(in.AttributeName), aws.ToString(in.AttributeValue), false)
	})
}

// ResourcePolicy returns the policy of a topic.
func (s *Service) ResourcePolicy(_ context.Context, resource string) (document, owner string, err error) {
	a, ok := arn.Parse(resource)
	if !ok {
		return "", "", nil
	}
	name, _, _ := strings.Cut(a.Resource, ":")
	d, err := s.topics.Get(a.Account, a.Region, name)
	if errors.Is(err, state.ErrNotFound) {
		return "", "", nil
	}
	if err != nil {
		return "", "", err
	}
	return d.attribute("Policy"), d.Account, nil
}
