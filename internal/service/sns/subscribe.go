package sns

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"maps"
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/google/uuid"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awskit/page"
	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/queue"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// pendingFor is how long a subscription waits for its confirmation.
const pendingFor = 48 * time.Hour

// maxSubscriptions bounds the subscriptions of a topic: each has a worker.
const maxSubscriptions = 10_000

// queueName is what names of queues are, so that no other path of a URL comes of one.
var queueName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}(\.fifo)?$`)

// delivers reports whether messages are delivered to a protocol.
func delivers(protocol string) bool {
	return slices.Contains([]string{"http", "https", "sqs", "lambda", "firehose"}, protocol)
}

// endpointServices are the services whose ARNs the endpoints of a protocol are, and the kinds of their resources.
var endpointServices = map[string][2]string{"sqs": {"sqs", ""}, "lambda": {"lambda", "function:"}, "firehose": {"firehose", "deliverystream/"}}

// checkEndpoint checks an endpoint, and returns the account that it is in; empty for those that are in none.
func checkEndpoint(t *topicDoc, protocol, endpoint string) (account string, err error) {
	switch protocol {
	case "":
		return "", invalid("Protocol Reason: no value for required parameter")
	case "http", "https":
		u, err := url.Parse(endpoint)
		if err != nil || u.Host == "" || len(endpoint) > 2048 {
			return "", invalid("Endpoint must be a valid URL")
		}
		if u.Scheme != protocol {
			return "", invalid("Endpoint must match the specified protocol")
		}
	case "email", "email-json":
		if a, err := mail.ParseAddress(endpoint); err != nil || a.Address != endpoint {
			return "", invalid("Email address")
		}
	case "sqs", "lambda", "firehose":
		want := endpointServices[protocol]
		a, ok := arn.Parse(endpoint)
		if name, is := a.After(want[1]); !ok || !is || a.Service != want[0] || a.Region == "" || !accountID.MatchString(a.Account) || strings.ContainsAny(name, "/ ") || protocol == "sqs" && !queueName.MatchString(name) {
			word := map[string]string{"sqs": "SQS endpoint ARN", "lambda": "Lambda endpoint ARN", "firehose": "Firehose endpoint ARN"}[protocol]
			return "", invalid("%s", word)
		}
		if protocol == "sqs" && strings.HasSuffix(endpoint, ".fifo") && !t.fifo() {
			return "", invalid("Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics")
		}
		account = a.Account
	case "sms", "application":
		return "", refused("subscriptions of the protocol " + protocol + " are")
	default:
		return "", invalid("Amazon SNS does not support this protocol string: %s", protocol)
	}
	if t.fifo() && protocol != "sqs" {
		return "", invalid("Invalid parameter: Endpoint Reason: Please use FIFO SQS queue")
	}
	return account, nil
}

// Subscribe makes a subscription, or returns the one of the same endpoint.
func (s *Service) Subscribe(ctx context.Context, in *sns.SubscribeInput, _ ...func(*sns.Options)) (*sns.SubscribeOutput, error) {
	c := awswire.CallerFrom(ctx)
	t, err := s.topic(ctx, in.TopicArn)
	if err != nil {
		return nil, err
	}
	d := &subscriptionDoc{
		Account: t.Account, Region: t.Region, Topic: t.Name, UUID: uuid.NewString(), TopicID: t.ID, ID: newID(), Owner: c.Account,
		Protocol: aws.ToString(in.Protocol), Endpoint: aws.ToString(in.Endpoint), Created: s.now(),
	}
	account, err := checkEndpoint(t, d.Protocol, d.Endpoint)
	if err != nil {
		return nil, err
	}
	for _, n := range slices.Sorted(maps.Keys(in.Attributes)) {
		if n == "FilterPolicyScope" {
			continue // it says how a filter policy is read
		}
		if err := d.set(n, in.Attributes[n], in.Attributes["FilterPolicyScope"]); err != nil {
			return nil, ofAttributes(err)
		}
	}
	if v := in.Attributes["FilterPolicyScope"]; v != "" {
		if err := d.set("FilterPolicyScope", v, ""); err != nil {
			return nil, ofAttributes(err)
		}
	}
	if err := d.checkContentType(); err != nil {
		return nil, ofAttributes(err)
	}
	if d.Protocol == "firehose" && d.Attributes["SubscriptionRoleArn"] == "" {
		return nil, invalid("Firehose SubscriptionRoleArn should be specified")
	}
	switch {
	case account != "" && account == c.Account:
	case account == "" || d.Protocol == "sqs":
		d.Pending, d.Token = true, newToken()
		if err := s.reachable(d); err != nil {
			return nil, err
		}
	default:
		return nil, invalid("Endpoint Reason: the endpoint must be in the subscriber's account")
	}
	count := 0
	for it, err := range s.subscriptions.In(t.key()...).List() {
		if err != nil {
			return nil, err
		}
		count++
		have := it.Value
		if have.TopicID != t.ID || have.Protocol != d.Protocol || have.Endpoint != d.Endpoint || have.Owner != d.Owner {
			continue
		}
		if have.Ended {
			if err := s.forget(ctx, have); err != nil {
				return nil, err
			}
			count--
			continue
		}
		if !maps.Equal(have.Attributes, d.Attributes) && len(in.Attributes) > 0 {
			return nil, invalid("Attributes Reason: Subscription already exists with different attributes")
		}
		if have.Pending {
			if err := s.askConfirmation(t, have); err != nil {
				return nil, err
			}
		}
		return &sns.SubscribeOutput{SubscriptionArn: shown(have, in.ReturnSubscriptionArn)}, nil
	}
	if count >= maxSubscriptions {
		return nil, &types.SubscriptionLimitExceededException{Message: aws.String("The topic has as many subscriptions as it can have")}
	}
	if err := s.subscriptions.Create(ctx, d, d.key()...); err != nil {
		return nil, err
	}
	if d.Pending {
		if err := s.askConfirmation(t, d); err != nil {
			return nil, err
		}
	}
	return &sns.SubscribeOutput{SubscriptionArn: shown(d, in.ReturnSubscriptionArn)}, nil
}

// reachable refuses an HTTP endpoint that this node does not connect to for its clients.
func (s *Service) reachable(d *subscriptionDoc) error {
	if s.cfg.HTTP == nil || d.Protocol != "http" && d.Protocol != "https" {
		return nil
	}
	u, err := url.Parse(d.Endpoint)
	if err == nil {
		err = s.cfg.HTTP.CheckURL(u)
	}
	if err != nil {
		return invalid("Endpoint Reason: %s", err)
	}
	return nil
}

// shown is the ARN of a subscription as Subscribe tells it.
func shown(d *subscriptionDoc, always bool) *string {
	if d.Pending && !always {
		return aws.String("pending confirmation")
	}
	return aws.String(d.arn())
}

// tokenForm is what tokens are made of.
var tokenForm = regexp.MustCompile(`^[0-9a-f]{64,1000}$`)

func newToken() string {
	var b [64]byte
	_, _ = rand.Read(b[:]) // it does not fail
	return hex.EncodeToString(b[:])
}

// askConfirmation sends the message that asks an endpoint to confirm a subscription.
func (s *Service) askConfirmation(t *topicDoc, d *subscriptionDoc) error {
	return s.sendToken(t, d, confirmationType, "You have chosen to subscribe to the topic "+t.arn()+".\nTo confirm the subscription, visit the SubscribeURL included in this message.")
}

// tellEnd sends the message that tells an endpoint that somebody else has ended its subscription.
func (s *Service) tellEnd(t *topicDoc, d *subscriptionDoc) error {
	return s.sendToken(t, d, endType, "You have chosen to deactivate subscription "+d.arn()+".\nTo cancel this operation and restore the subscription, visit the SubscribeURL included in this message.")
}

// sendToken sends an endpoint the token of its subscription.
func (s *Service) sendToken(t *topicDoc, d *subscriptionDoc, kind, text string) error {
	if !delivers(d.Protocol) {
		return nil
	}
	q, err := s.inbox(d)
	if err != nil {
		return err
	}
	p := &posted{
		Type: kind, ID: uuid.NewString(), Topic: t.arn(), Token: d.Token, Time: s.now().UnixMilli(), Version: t.attribute("SignatureVersion"), Text: text,
	}
	if t.fifo() { // as queues of such topics want
		p.Group, p.Dedup = "confirmation", p.ID
	}
	body, err := p.encode()
	if err != nil {
		return err
	}
	_, err = q.Send([]*queue.Message{{ID: p.ID, Body: body, Group: "confirmation"}})
	return err
}

// ConfirmSubscription confirms a subscription by the token that its endpoint was sent.
func (s *Service) ConfirmSubscription(ctx context.Context, in *sns.ConfirmSubscriptionInput, _ ...func(*sns.Options)) (*sns.ConfirmSubscriptionOutput, error) {
	token := aws.ToString(in.Token)
	if !tokenForm.MatchString(token) {
		return nil, &types.InvalidParameterException{Message: aws.String("Invalid token")}
	}
	t, err := s.confirmed(ctx, in.TopicArn)
	var gone *types.NotFoundException
	if errors.As(err, &gone) {
		return nil, invalid("Token")
	}
	if err != nil {
		return nil, err
	}
	for it, err := range s.subscriptions.In(t.key()...).List() {
		if err != nil {
			return nil, err
		}
		d := it.Value
		if d.TopicID != t.ID || subtle.ConstantTimeCompare([]byte(d.Token), []byte(token)) != 1 {
			continue
		}
		if s.now().Sub(d.Created) > pendingFor {
			break
		}
		if !d.Pending {
			return &sns.ConfirmSubscriptionOutput{SubscriptionArn: aws.String(d.arn())}, nil
		}
		_, err := s.subscriptions.Modify(ctx, func(d *subscriptionDoc) error {
			d.Pending, d.Ended = false, false
			d.Signed = !awswire.CallerFrom(ctx).Anonymous
			d.AuthOnEnd = d.Signed && aws.ToString(in.AuthenticateOnUnsubscribe) == "true" // only a signed request says so
			return nil
		}, d.key()...)
		if err != nil {
			return nil, err
		}
		return &sns.ConfirmSubscriptionOutput{SubscriptionArn: aws.String(d.arn())}, nil
	}
	return nil, invalid("Token")
}

// confirmed is the topic whose subscription is confirmed: by a link, which has no region of its own.
func (s *Service) confirmed(ctx context.Context, name *string) (*topicDoc, error) {
	c := awswire.CallerFrom(ctx)
	if a, ok := arn.Parse(aws.ToString(name)); ok && c.Anonymous {
		c.Region = a.Region
		ctx = awswire.WithCaller(ctx, c)
	}
	return s.topic(ctx, name)
}

// subscriptionKey is the key of the subscription of an ARN.
func subscriptionKey(name string) ([]string, bool) {
	a, ok := arn.Parse(name)
	topic, id, has := strings.Cut(a.Resource, ":")
	if !ok || !has || a.Service != "sns" || topic == "" || uuid.Validate(id) != nil {
		return nil, false
	}
	return []string{a.Account, a.Region, topic, id}, true
}

// find returns the subscription of an ARN.
func (s *Service) find(name *string) (*subscriptionDoc, error) {
	key, ok := subscriptionKey(aws.ToString(name))
	if !ok {
		if n := strings.Count(aws.ToString(name), ":") + 1; n < 6 {
			return nil, invalid("SubscriptionArn Reason: An ARN must have at least 6 elements, not %d", n)
		}
		return nil, invalid("SubscriptionId")
	}
	d, err := s.subscriptions.Get(key...)
	if errors.Is(err, state.ErrNotFound) {
		return nil, noSubscription()
	}
	return d, err
}

// isOf reports whether a caller is the subscription's owner, or the topic's.
func (d *subscriptionDoc) isOf(c awswire.Caller) bool {
	return !c.Anonymous && (c.Account == d.Owner || c.Account == d.Account)
}

// subscription returns the subscription of an ARN, to its owner and to the topic's.
func (s *Service) subscription(ctx context.Context, name *string) (*subscriptionDoc, error) {
	d, err := s.find(name)
	if err == nil && !d.isOf(awswire.CallerFrom(ctx)) {
		return nil, forbidden("User is not authorized to use the subscription of another account")
	}
	return d, err
}

// Unsubscribe removes a subscription. One that is not there is no error. Whoever is neither its owner nor the topic's, with
// or without a signature, ends one that was confirmed by a token alone, and the endpoint is told how to take it up again.
func (s *Service) Unsubscribe(ctx context.Context, in *sns.UnsubscribeInput, _ ...func(*sns.Options)) (*sns.UnsubscribeOutput, error) {
	d, err := s.find(in.SubscriptionArn)
	var gone *types.NotFoundException
	if errors.As(err, &gone) {
		return &sns.UnsubscribeOutput{}, nil
	}
	if err != nil {
		return nil, err
	}
	if d.isOf(awswire.CallerFrom(ctx)) {
		return &sns.UnsubscribeOutput{}, s.forget(ctx, d)
	}
	t, err := s.topics.Get(d.scope().Key(d.Topic)...)
	switch {
	case err != nil:
		return nil, err
	case d.endsSigned():
		return nil, forbidden("User is not authorized to end the subscription of another account")
	case d.Pending:
		return nil, invalid("SubscriptionArn Reason: the subscription is not confirmed")
	}
	d, err = s.subscriptions.Modify(ctx, func(d *subscriptionDoc) error {
		d.Pending, d.Ended, d.Token, d.Created = true, true, newToken(), s.now()
		return nil
	}, d.key()...)
	if err != nil {
		return nil, err
	}
	return &sns.UnsubscribeOutput{}, s.tellEnd(t, d)
}

// forget removes a subscription and what is on its way to it.
func (s *Service) forget(ctx context.Context, d *subscriptionDoc) error {
	if err := s.subscriptions.Delete(ctx, d.key()...); err != nil && !errors.Is(err, state.ErrNotFound) {
		return err
	}
	s.filters.forget(d.ID)
	return s.cfg.Outbox.Drop(d.ID)
}

// expire removes subscriptions that nobody has confirmed, or taken up again.
func (s *Service) expire(ctx context.Context) error {
	all, err := s.subscriptions.All()
	if err != nil {
		return err
	}
	for _, d := range all {
		if d.Pending && s.now().Sub(d.Created) > pendingFor {
			if err := s.forget(ctx, d); err != nil {
				return err
			}
		}
	}
	return nil
}

// listed is a page of subscriptions.
func listed(all []*subscriptionDoc, token *string) ([]types.Subscription, *string, error) {
	slices.SortFunc(all, func(a, b *subscriptionDoc) int { return strings.Compare(a.arn(), b.arn()) })
	list, next, err := page.Of(all, (*subscriptionDoc).arn, page.Request{Token: token, Limit: pageSize})
	if err != nil {
		return nil, nil, invalid("NextToken")
	}
	out := []types.Subscription{}
	for _, d := range list {
		e := types.Subscription{SubscriptionArn: aws.String(d.arn()), TopicArn: aws.String(d.topicARN()), Owner: &d.Owner, Protocol: &d.Protocol, Endpoint: &d.Endpoint}
		if d.Pending {
			e.SubscriptionArn = aws.String("PendingConfirmation")
		}
		if d.Ended {
			e.SubscriptionArn = aws.String("Deleted")
		}
		out = append(out, e)
	}
	return out, next, nil
}

// ListSubscriptions lists the subscriptions of the caller, to topics of any account in the region.
func (s *Service) ListSubscriptions(ctx context.Context, in *sns.ListSubscriptionsInput, _ ...func(*sns.Options)) (*sns.ListSubscriptionsOutput, error) {
	sc := scope.Of(ctx)
	var all []*subscriptionDoc
	for it, err := range s.subscriptions.List() {
		if err != nil {
			return nil, err
		}
		if it.Value.Owner == sc.Account && it.Value.Region == sc.Region {
			all = append(all, it.Value)
		}
	}
	list, next, err := listed(all, in.NextToken)
	return &sns.ListSubscriptionsOutput{Subscriptions: list, NextToken: next}, err
}

// ListSubscriptionsByTopic lists the subscriptions of a topic.
func (s *Service) ListSubscriptionsByTopic(ctx context.Context, in *sns.ListSubscriptionsByTopicInput, _ ...func(*sns.Options)) (*sns.ListSubscriptionsByTopicOutput, error) {
	t, err := s.topic(ctx, in.TopicArn)
	if err != nil {
		return nil, err
	}
	all, err := s.subscriptions.All(t.key()...)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(d *subscriptionDoc) bool { return d.TopicID != t.ID })
	list, next, err := listed(all, in.NextToken)
	return &sns.ListSubscriptionsByTopicOutput{Subscriptions: list, NextToken: next}, err
}
