package sqs

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/brookmere/brookmere/internal/awskit/page"
	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/state"
)

var queueName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)

// modify changes a queue's document.
func (s *Service) modify(ctx context.Context, d *queueDoc, f func(*queueDoc) error) error {
	_, err := s.queues.Modify(ctx, func(now *queueDoc) error {
		if now.ID != d.ID {
			return noQueue()
		}
		return f(now)
	}, d.key()...)
	if errors.Is(err, state.ErrNotFound) {
		return noQueue()
	}
	s.changes.Add(1)
	return err
}

// CreateQueue makes a queue, or returns the one that is there with the same attributes.
func (s *Service) CreateQueue(ctx context.Context, in *sqs.CreateQueueInput, _ ...func(*sqs.Options)) (*sqs.CreateQueueOutput, error) {
	if in.QueueName == nil {
		return nil, missing("QueueName")
	}
	name := *in.QueueName
	base, fifo := strings.CutSuffix(name, ".fifo")
	if !queueName.MatchString(base) || len(name) > 80 {
		return nil, invalid("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")
	}
	if v, ok := in.Attributes["FifoQueue"]; ok && v == "true" && !fifo {
		return nil, invalid("The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in length.")
	} else if fifo && v != "true" {
		return nil, invalid("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")
	}
	sc := scope.Of(ctx)
	set := in.Attributes
	if v, ok := set["FifoQueue"]; ok && v == "false" && !fifo {
		set = map[string]string{}
		for k, v := range in.Attributes {
			if k != "FifoQueue" {
				set[k] = v
			}
		}
	}
	d := &queueDoc{Account: sc.Account, Region: sc.Region, Name: name, ID: newID(), Tags: in.Tags, Created: s.now(), Modified: s.now()}
	if have, err := s.queues.Get(d.key()...); err == nil {
		return s.existing(have, set)
	}
	if err := s.checkAttributes(d, set); err != nil {
		return nil, err
	}
	if err := checkTags(in.Tags, nil); err != nil {
		return nil, err
	}
	d.apply(set)
	err := s.queues.Create(ctx, d, d.key()...)
	if errors.Is(err, state.ErrExists) {
		have, err := s.find(d.Account, d.Region, d.Name)
		if err != nil {
			return nil, err
		}
		return s.existing(have, set)
	}
	if err != nil {
		return nil, err
	}
	s.changes.Add(1)
	return &sqs.CreateQueueOutput{QueueUrl: s.url(d)}, nil
}

func (s *Service) existing(d *queueDoc, set map[string]string) (*sqs.CreateQueueOutput, error) {
	for _, name := range sortedNames(set) {
		if d.get(name) != set[name] {
			return nil, &types.QueueNameExists{Message: aws.String("A queue already exists with the same name and a different value for attribute " + name)}
		}
	}
	return &sqs.CreateQueueOutput{QueueUrl: s.url(d)}, nil
}

// DeleteQueue removes a queue and its messages.
func (s *Service) DeleteQueue(ctx context.Context, in *sqs.DeleteQueueInput, _ ...func(*sqs.Options)) (*sqs.DeleteQueueOutput, error) {
	d, err := s.own(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if err := s.queues.Delete(ctx, d.key()...); errors.Is(err, state.ErrNotFound) {
		return nil, noQueue()
	} else if err != nil {
		return nil, err
	}
	s.changes.Add(1)
	s.mu.Lock()
	delete(s.open, strings.Join(d.key(), "/"))
	s.mu.Unlock()
	s.used.Delete(d.ID)
	if err := s.cfg.Messages.Drop(d.ID); err != nil {
		return nil, told(err)
	}
	return &sqs.DeleteQueueOutput{}, nil
}

// GetQueueUrl returns the URL of a queue.
func (s *Service) GetQueueUrl(ctx context.Context, in *sqs.GetQueueUrlInput, _ ...func(*sqs.Options)) (*sqs.GetQueueUrlOutput, error) {
	if in.QueueName == nil {
		return nil, missing("QueueName")
	}
	c := awswire.CallerFrom(ctx)
	account := c.Account
	if owner := aws.ToString(in.QueueOwnerAWSAccountId); owner != "" {
		account = owner
	}
	d, err := s.find(account, c.Region, *in.QueueName)
	if err != nil {
		return nil, err
	}
	return &sqs.GetQueueUrlOutput{QueueUrl: s.url(d)}, nil
}

// listed pages through queues.
func (s *Service) listed(ctx context.Context, token *string, most *int32, takes func(*queueDoc) bool) (urls []string, next *string, err error) {
	if most != nil && (*most < 1 || *most > 1000) {
		return nil, nil, invalid("Value %d for parameter MaxResults is invalid. Reason: MaxResults must be an integer between 1 and 1000.", *most)
	}
	var all []*queueDoc
	sc := scope.Of(ctx)
	for it, err := range s.queues.In(sc.Account, sc.Region).List() {
		if err != nil {
			return nil, nil, err
		}
		if takes(it.Value) {
			all = append(all, it.Value)
		}
	}
	slices.SortFunc(all, func(a, b *queueDoc) int { return strings.Compare(a.Name, b.Name) })
	list, next, err := page.Of(all, func(d *queueDoc) string { return d.Name }, page.Request{Token: token, Max: most, Limit: 1000})
	if err != nil {
		return nil, nil, invalid("Invalid or expired next token.")
	}
	if most == nil {
		next = nil // without MaxResults there is one page
	}
	urls = []string{}
	for _, d := range list {
		urls = append(urls, *s.url(d))
	}
	return urls, next, nil
}

// ListQueues lists the queues of the caller.
func (s *Service) ListQueues(ctx context.Context, in *sqs.ListQueuesInput, _ ...func(*sqs.Options)) (*sqs.ListQueuesOutput, error) {
	urls, next, err := s.listed(ctx, in.NextToken, in.MaxResults, func(d *queueDoc) bool { return strings.HasPrefix(d.Name, aws.ToString(in.QueueNamePrefix)) })
	if len(urls) == 0 {
		urls = nil
	}
	return &sqs.ListQueuesOutput{QueueUrls: urls, NextToken: next}, err
}

// ListDeadLetterSourceQueues lists the queues whose dead letters come to a queue.
func (s *Service) ListDeadLetterSourceQueues(ctx context.Context, in *sqs.ListDeadLetterSourceQueuesInput, _ ...func(*sqs.Options)) (*sqs.ListDeadLetterSourceQueuesOutput, error) {
	to, err := s.queue(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	urls, next, err := s.listed(ctx, in.NextToken, in.MaxResults, func(d *queueDoc) bool {
		r := d.redrive()
		return r != nil && r.Target == to.arn()
	})
	return &sqs.ListDeadLetterSourceQueuesOutput{QueueUrls: urls, NextToken: next}, err
}

// purgeEvery is how long a queue is not purged again.
const purgeEvery = time.Minute

// PurgeQueue removes the messages of a queue, once a minute. The minute begins when they are gone: a purge that failed
// can be done again at once.
func (s *Service) PurgeQueue(ctx context.Context, in *sqs.PurgeQueueInput, _ ...func(*sqs.Options)) (*sqs.PurgeQueueOutput, error) {
	d, q, err := s.on(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if since := s.now().Sub(d.Purged); !d.Purged.IsZero() && since >= 0 && since < purgeEvery {
		return nil, &types.PurgeQueueInProgress{Message: aws.String("Only one PurgeQueue operation on " + d.Name + " is allowed every 60 seconds.")}
	}
	if err := q.Purge(); err != nil {
		return nil, told(err)
	}
	return &sqs.PurgeQueueOutput{}, s.modify(ctx, d, func(d *queueDoc) error {
		d.Purged = s.now()
		return nil
	})
}

// checkTags checks tags that are added to others.
func checkTags(tags, have map[string]string) error {
	n := len(have)
	for k, v := range tags {
		if k == "" || len(k) > 128 || len(v) > 256 || strings.HasPrefix(strings.ToLower(k), "aws:") {
			return invalid("Tag keys must be between 1 and 128 characters in length, values at most 256, and keys must not begin with aws:.")
		}
		if _, ok := have[k]; !ok {
			n++
		}
	}
	if n > 50 {
		return invalid("Too many tags added for the queue: at most 50 are allowed.")
	}
	return nil
}

// TagQueue adds tags to a queue.
func (s *Service) TagQueue(ctx context.Context, in *sqs.TagQueueInput, _ ...func(*sqs.Options)) (*sqs.TagQueueOutput, error) {
	d, err := s.own(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	return &sqs.TagQueueOutput{}, s.modify(ctx, d, func(d *queueDoc) error {
		if err := checkTags(in.Tags, d.Tags); err != nil {
			return err
		}
		if d.Tags == nil {
			d.Tags = map[string]string{}
		}
		for k, v := range in.Tags {
			d.Tags[k] = v
		}
		return nil
	})
}

// UntagQueue removes tags of a queue.
func (s *Service) UntagQueue(ctx context.Context, in *sqs.UntagQueueInput, _ ...func(*sqs.Options)) (*sqs.UntagQueueOutput, error) {
	d, err := s.own(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	return &sqs.UntagQueueOutput{}, s.modify(ctx, d, func(d *queueDoc) error {
		for _, k := range in.TagKeys {
			delete(d.Tags, k)
		}
		return nil
	})
}

// ListQueueTags returns the tags of a queue.
func (s *Service) ListQueueTags(ctx context.Context, in *sqs.ListQueueTagsInput, _ ...func(*sqs.Options)) (*sqs.ListQueueTagsOutput, error) {
	d, err := s.own(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	return &sqs.ListQueueTagsOutput{Tags: d.Tags}, nil
}
