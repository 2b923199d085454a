package kinesis

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// consumer is a consumer with enhanced fan-out, in its stream's document.
type consumer struct {
	Name    string            `json:"name"`
	Created time.Time         `json:"created"`
	Deleted time.Time         `json:"deleted,omitzero"` // zero until it is deregistered
	Tags    map[string]string `json:"tags,omitempty"`
	Policy  string            `json:"policy,omitempty"`
}

// maxConsumers is the most consumers of a stream.
const maxConsumers = 20

func (d *stream) consumerARN(c *consumer) string {
	return d.arn() + "/consumer/" + c.Name + ":" + strconv.FormatInt(c.Created.Unix(), 10)
}

// status is a consumer's status; its times and the configured duration tell it. It is empty
// when there is no such consumer any more.
func (c *consumer) status(now time.Time, delay time.Duration) types.ConsumerStatus {
	switch {
	case !c.Deleted.IsZero() && now.Sub(c.Deleted) >= delay:
		return ""
	case !c.Deleted.IsZero():
		return types.ConsumerStatusDeleting
	case now.Sub(c.Created) < delay:
		return types.ConsumerStatusCreating
	}
	return types.ConsumerStatusActive
}

// consumers returns the stream's consumers by name.
func (s *Service) consumers(d *stream) []consumer {
	return slices.DeleteFunc(slices.Clone(d.Consumers), func(c consumer) bool {
		return c.status(s.now(), s.cfg.ControlDelay) == ""
	})
}

func (s *Service) describe(d *stream, c *consumer) types.Consumer {
	return types.Consumer{
		ConsumerName:              aws.String(c.Name),
		ConsumerARN:               aws.String(d.consumerARN(c)),
		ConsumerStatus:            c.status(s.now(), s.cfg.ControlDelay),
		ConsumerCreationTimestamp: aws.Time(c.Created),
	}
}

// splitConsumerARN takes a consumer's ARN apart; name is empty when it is that of a stream.
func splitConsumerARN(arn string) (streamARN, name, created string) {
	streamARN, rest, ok := strings.Cut(arn, "/consumer/")
	if !ok {
		return arn, "", ""
	}
	name, created, _ = strings.Cut(rest, ":")
	return streamARN, name, created
}

// findConsumer returns the consumer that a request addresses by its ARN, or by its name and
// its stream's ARN.
func (s *Service) findConsumer(ctx context.Context, arn, streamARN, name, id *string) (*stream, *consumer, error) {
	of, called := aws.ToString(streamARN), aws.ToString(name)
	if arn != nil {
		var created string
		of, called, created = splitConsumerARN(*arn)
		if called == "" {
			return nil, nil, invalid("%s is not the ARN of a consumer.", *arn)
		}
		if streamARN != nil && *streamARN != of || name != nil && *name != called {
			return nil, nil, invalid("ConsumerARN %s does not agree with StreamARN and ConsumerName.", *arn)
		}
		d, err := s.find(ctx, nil, &of, id)
		if err != nil {
			return nil, nil, err
		}
		c := s.consumer(d, called)
		if c == nil || strconv.FormatInt(c.Created.Unix(), 10) != created {
			return nil, nil, noConsumer("Consumer %s, account %s not found.", *arn, d.Account)
		}
		return d, c, nil
	}
	if of == "" || called == "" {
		return nil, nil, invalid("Either ConsumerARN or both StreamARN and ConsumerName must be specified.")
	}
	d, err := s.find(ctx, nil, &of, id)
	if err != nil {
		return nil, nil, err
	}
	c := s.consumer(d, called)
	if c == nil {
		return nil, nil, noConsumer("Consumer %s under stream %s not found for account %s.", called, d.Name, d.Account)
	}
	return d, c, nil
}

func noConsumer(format string, args ...any) error {
	return &types.ResourceNotFoundException{Message: aws.String(fmt.Sprintf(format, args...))}
}

func (s *Service) consumer(d *stream, name string) *consumer {
	for _, c := range s.consumers(d) {
		if c.Name == name {
			return &c
		}
	}
	return nil
}

// RegisterStreamConsumer adds a consumer to a stream, 20 at most.
func (s *Service) RegisterStreamConsumer(ctx context.Context, in *kinesis.RegisterStreamConsumerInput, _ ...func(*kinesis.Options)) (*kinesis.RegisterStreamConsumerOutput, error) {
	d, err := s.find(ctx, nil, in.StreamARN, in.StreamId)
	if err != nil {
		return nil, err
	}
	c := consumer{Name: aws.ToString(in.ConsumerName), Created: s.now()}
	if c.Tags, err = addTags(nil, in.Tags, "consumer "+c.Name, d.Account); err != nil {
		return nil, err
	}
	d, err = s.modify(ctx, d, func(d *stream) error {
		d.Consumers = s.consumers(d)
		if slices.ContainsFunc(d.Consumers, func(o consumer) bool { return o.Name == c.Name }) {
			return &types.ResourceInUseException{Message: aws.String(fmt.Sprintf(
				"Consumer %s under stream %s already exists for account %s.", c.Name, d.Name, d.Account))}
		}
		if len(d.Consumers) >= maxConsumers {
			return limitExceeded("Stream %s under account %s cannot have more than %d consumers.", d.Name, d.Account, maxConsumers)
		}
		creating := 0
		for _, o := range d.Consumers {
			if o.status(s.now(), s.cfg.ControlDelay) == types.ConsumerStatusCreating {
				creating++
			}
		}
		if creating >= maxCreating && s.enforces(d) {
			return limitExceeded("Stream %s under account %s has %d consumers in state CREATING.", d.Name, d.Account, creating)
		}
		d.Consumers = append(d.Consumers, c)
		slices.SortFunc(d.Consumers, func(a, b consumer) int { return strings.Compare(a.Name, b.Name) })
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := s.describe(d, &c)
	return &kinesis.RegisterStreamConsumerOutput{Consumer: &out}, nil
}

// DeregisterStreamConsumer removes a consumer.
func (s *Service) DeregisterStreamConsumer(ctx context.Context, in *kinesis.DeregisterStreamConsumerInput, _ ...func(*kinesis.Options)) (*kinesis.DeregisterStreamConsumerOutput, error) {
	d, c, err := s.findConsumer(ctx, in.ConsumerARN, in.StreamARN, in.ConsumerName, in.StreamId)
	if err != nil {
		return nil, err
	}
	err = s.modifyConsumer(ctx, d, c, func(c *consumer) error {
		if !c.Deleted.IsZero() {
			return &types.ResourceInUseException{Message: aws.String("Consumer " + c.Name + " is being deleted.")}
		}
		c.Deleted = s.now()
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &kinesis.DeregisterStreamConsumerOutput{}, nil
}

// modifyConsumer changes a consumer in its stream's document.
func (s *Service) modifyConsumer(ctx context.Context, d *stream, c *consumer, f func(*consumer) error) error {
	_, err := s.modifyAny(ctx, d, func(d *stream) error {
		for i := range d.Consumers {
			if o := &d.Consumers[i]; o.Name == c.Name && o.Created.Equal(c.Created) {
				if err := f(o); err != nil {
					return err
				}
				d.Consumers = s.consumers(d)
				return nil
			}
		}
		return noConsumer("Consumer %s under stream %s not found for account %s.", c.Name, d.Name, d.Account)
	})
	return err
}

// DescribeStreamConsumer returns a consumer.
func (s *Service) DescribeStreamConsumer(ctx context.Context, in *kinesis.DescribeStreamConsumerInput, _ ...func(*kinesis.Options)) (*kinesis.DescribeStreamConsumerOutput, error) {
	d, c, err := s.findConsumer(ctx, in.ConsumerARN, in.StreamARN, in.ConsumerName, in.StreamId)
	if err != nil {
		return nil, err
	}
	out := s.describe(d, c)
	return &kinesis.DescribeStreamConsumerOutput{ConsumerDescription: &types.ConsumerDescription{
		ConsumerName:              out.ConsumerName,
		ConsumerARN:               out.ConsumerARN,
		ConsumerStatus:            out.ConsumerStatus,
		ConsumerCreationTimestamp: out.ConsumerCreationTimestamp,
		StreamARN:                 aws.String(d.arn()),
	}}, nil
}

// ListStreamConsumers returns a stream's consumers by name, 100 a page unless MaxResults
// says otherwise.
func (s *Service) ListStreamConsumers(ctx context.Context, in *kinesis.ListStreamConsumersInput, _ ...func(*kinesis.Options)) (*kinesis.ListStreamConsumersOutput, error) {
	d, err := s.find(ctx, nil, in.StreamARN, in.StreamId)
	if err != nil {
		return nil, err
	}
	if t := in.StreamCreationTimestamp; t != nil && t.Unix() != d.Created.Unix() {
		return nil, notFound(d.Account, d.Name)
	}
	after := ""
	if in.NextToken != nil {
		id, name := "", ""
		if after, err = s.openPageToken("ListStreamConsumers", *in.NextToken); err != nil {
			return nil, err
		}
		if id, name, _ = strings.Cut(after, "/"); id != d.ID {
			return nil, invalid("Invalid NextToken.")
		}
		after = name
	}
	out := &kinesis.ListStreamConsumersOutput{Consumers: []types.Consumer{}}
	n := pageSize(in.MaxResults, 100)
	for _, c := range s.consumers(d) {
		if c.Name <= after {
			continue
		}
		if len(out.Consumers) == n {
			out.NextToken = s.pageToken("ListStreamConsumers", d.ID+"/"+*out.Consumers[n-1].ConsumerName)
			break
		}
		out.Consumers = append(out.Consumers, s.describe(d, &c))
	}
	return out, nil
}
