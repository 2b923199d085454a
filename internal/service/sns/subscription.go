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
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/eventpattern"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// Attributes of subscriptions.

const inAttributes, inBody = "MessageAttributes", "MessageBody"

func (d *subscriptionDoc) filterScope() string {
	if v := d.Attributes["FilterPolicyScope"]; v != "" {
		return v
	}
	return inAttributes
}

// set checks an attribute and sets it; empty removes it. scope is how a filter policy is read; empty: as before.
func (d *subscriptionDoc) set(name, v, scope string) error {
	if scope == "" {
		scope = d.filterScope()
	}
	wrong := func() error { return invalid("%s: Invalid value [%s]", name, v) }
	switch name {
	case "RawMessageDelivery":
		given := v
		if v = strings.ToLower(v); v != "true" && v != "false" {
			return invalid("RawMessageDelivery: Invalid value [%s]. Must be true or false.", given)
		}
		if v == "true" && !slices.Contains([]string{"sqs", "http", "https", "firehose"}, d.Protocol) {
			return invalid("Delivery protocol [%s] does not support raw message delivery.", d.Protocol)
		}
	case "FilterPolicy":
		if v == "" || v == "{}" {
			v = ""
		} else if _, err := parseFilter(v, scope == inBody); err != nil {
			return err
		}
	case "FilterPolicyScope":
		if v != "" && v != inAttributes && v != inBody {
			return invalid("FilterPolicyScope: Invalid value [%s]. Please use either MessageBody or MessageAttributes", v)
		}
		if text := d.Attributes["FilterPolicy"]; text != "" && v != inBody {
			if _, err := parseFilter(text, false); err != nil {
				return err
			}
		}
	case "RedrivePolicy":
		if v != "" {
			if err := d.checkRedrive(v); err != nil {
				return err
			}
		}
	case "DeliveryPolicy":
		if v != "" {
			var p subscriptionPolicy
			if err := json.Unmarshal([]byte(v), &p); err != nil {
				return invalid("DeliveryPolicy: it is not valid JSON")
			}
			if err := p.Retry.check(); err != nil {
				return err
			}
			if err := p.Request.check(true); err != nil { // checkContentType knows whether messages are raw
				return err
			}
		}
	case "SubscriptionRoleArn":
		a, ok := arn.Parse(v)
		if _, is := a.After("role/"); d.Protocol != "firehose" || !ok || !is || a.Service != "iam" || a.Account != d.Owner {
			return wrong()
		}
	case "ReplayPolicy":
		if v != "" {
			return refused("ReplayPolicy is")
		}
	default:
		return invalid("AttributeName")
	}
	d.Attributes = with(d.Attributes, name, v)
	return nil
}

// checkContentType refuses a delivery policy whose content type is for messages that are not in an envelope, where they are.
func (d *subscriptionDoc) checkContentType() error {
	var p subscriptionPolicy
	if text := d.Attributes["DeliveryPolicy"]; text == "" || json.Unmarshal([]byte(text), &p) != nil {
		return nil
	}
	return p.Request.check(d.raw())
}

// redrive is the ARN of the dead-letter queue; empty for none.
func (d *subscriptionDoc) redrive() string {
	var r struct {
		Target string `json:"deadLetterTargetArn"`
	}
	if json.Unmarshal([]byte(d.Attributes["RedrivePolicy"]), &r) != nil {
		return ""
	}
	return r.Target
}

func (d *subscriptionDoc) checkRedrive(text string) error {
	if reason := badJSON(eventpattern.CheckJSON(text)); reason != "" {
		return invalid("RedrivePolicy: %s", reason)
	}
	var r map[string]string
	if json.Unmarshal([]byte(text), &r) != nil {
		return invalid("RedrivePolicy: it is not an object of texts")
	}
	a, ok := arn.Parse(r["deadLetterTargetArn"])
	switch {
	case !ok || a.Service != "sqs" || !queueName.MatchString(a.Resource):
		return invalid("RedrivePolicy: deadLetterTargetArn is an invalid arn")
	case a.Region != d.Region || a.Account != d.Owner:
		return invalid("RedrivePolicy: deadLetterTargetArn must be in the account and region of the subscription")
	case strings.HasSuffix(d.Endpoint, ".fifo") && !strings.HasSuffix(a.Resource, ".fifo"):
		return invalid("RedrivePolicy: must use a FIFO queue as DLQ for a FIFO Subscription to a FIFO Topic.")
	case strings.HasSuffix(a.Resource, ".fifo") && !strings.HasSuffix(d.Topic, ".fifo"):
		return invalid("RedrivePolicy: must use a standard queue as DLQ for a subscription to a standard topic")
	}
	return nil
}

// GetSubscriptionAttributes returns all attributes of a subscription.
func (s *Service) GetSubscriptionAttributes(ctx context.Context, in *sns.GetSubscriptionAttributesInput, _ ...func(*sns.Options)) (*sns.GetSubscriptionAttributesOutput, error) {
	d, err := s.subscription(ctx, in.SubscriptionArn)
	if err != nil {
		return nil, err
	}
	authenticated := !d.Pending && (d.Signed || d.endsSigned())
	out := map[string]string{
		"SubscriptionArn": d.arn(), "TopicArn": d.topicARN(), "Owner": d.Owner, "Protocol": d.Protocol, "Endpoint": d.Endpoint,
		"PendingConfirmation": strconv.FormatBool(d.Pending), "ConfirmationWasAuthenticated": strconv.FormatBool(authenticated),
		"RawMessageDelivery": "false", "SubscriptionPrincipal": arn.Global("iam", d.Region, d.Owner, "root"),
	}
	maps.Copy(out, d.Attributes)
	delete(out, "FilterPolicyScope") // it is told of a policy alone
	if out["FilterPolicy"] != "" {
		out["FilterPolicyScope"] = d.filterScope()
	}
	if d.Protocol == "http" || d.Protocol == "https" {
		t, err := s.topics.Get(d.Account, d.Region, d.Topic)
		if err == nil {
			retry, contentType := s.policyOf(t, d)
			b, err := json.Marshal(subscriptionPolicy{&retry, &requestPolicy{contentType}})
			if err != nil {
				return nil, err
			}
			out["EffectiveDeliveryPolicy"] = string(b)
		}
	}
	return &sns.GetSubscriptionAttributesOutput{Attributes: out}, nil
}

// SetSubscriptionAttributes sets one attribute of a subscription.
func (s *Service) SetSubscriptionAttributes(ctx context.Context, in *sns.SetSubscriptionAttributesInput, _ ...func(*sns.Options)) (*sns.SetSubscriptionAttributesOutput, error) {
	d, err := s.subscription(ctx, in.SubscriptionArn)
	if err != nil {
		return nil, err
	}
	if awswire.CallerFrom(ctx).Account != d.Owner {
		return nil, forbidden("User is not authorized to change the subscription of another account")
	}
	_, err = s.subscriptions.Modify(ctx, func(now *subscriptionDoc) error {
		if err := now.set(aws.ToString(in.AttributeName), aws.ToString(in.AttributeValue), ""); err != nil {
			return err
		}
		return now.checkContentType()
	}, d.key()...)
	if errors.Is(err, state.ErrNotFound) {
		return nil, noSubscription()
	}
	return &sns.SetSubscriptionAttributesOutput{}, err
}
