package node

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awskinesis "github.com/aws/aws-sdk-go-v2/service/kinesis"
	awssns "github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/service/cloudwatch"
	"github.com/brookmere/brookmere/internal/service/kinesis"
	"github.com/brookmere/brookmere/internal/service/logs"
	"github.com/brookmere/brookmere/internal/service/sns"
)

func makeCloudWatch(s *services, p parts) (_ service, err error) {
	cfg := cloudwatch.Config{State: p.state, Metrics: p.samples, Meter: p.meter, Events: serviceEvents{s}, Owner: p.owner, Clock: p.clock, Logger: p.logger}
	if url := p.node.cfg.Signals.Webhook; url != "" {
		cfg.Webhook = webhook{p.node.outbound(webhookTimeout), url}.post
	}
	s.cloudwatch, err = cloudwatch.New(cfg)
	return s.cloudwatch, err
}

func bindCloudWatch(s *services) {
	s.logs.Bind(func(c *logs.Config) { c.Metrics = s.cloudwatch })
	s.cloudwatch.Bind(func(c *cloudwatch.Config) {
		c.Topics, c.Functions, c.Streams = alarmTopics{s.sns, s.node.decide}, askedFunctions{s.lambda, s.node.decide}, alarmStreams{s.kinesis, s.node.decide}
	})
}

// alarmStreams puts what alarms say into streams, whose policies decide about that.
type alarmStreams struct {
	*kinesis.Service
	ask decides
}

func (k alarmStreams) PutRecord(ctx context.Context, in *awskinesis.PutRecordInput, o ...func(*awskinesis.Options)) (*awskinesis.PutRecordOutput, error) {
	if err := k.ask(ctx, "kinesis:PutRecord", aws.ToString(in.StreamARN), nil); err != nil {
		return nil, err
	}
	return k.Service.PutRecord(ctx, in, o...)
}

// alarmTopics publishes what alarms say to topics, whose policies decide about that. That they are the account's own is what
// the policy asks that topics have at first.
type alarmTopics struct {
	*sns.Service
	ask decides
}

func (t alarmTopics) Publish(ctx context.Context, in *awssns.PublishInput, o ...func(*awssns.Options)) (*awssns.PublishOutput, error) {
	account := scope.Of(ctx).Account
	keys := func(key string) []string {
		if key == "aws:sourceowner" {
			return []string{account}
		}
		return nil
	}
	if err := t.ask(ctx, "sns:Publish", aws.ToString(in.TopicArn), keys); err != nil {
		return nil, err
	}
	return t.Service.Publish(ctx, in, o...)
}

const webhookTimeout = 10 * time.Second

// webhook posts what alarms do to an address of the configuration.
type webhook struct {
	client interface {
		Do(*http.Request) (*http.Response, error)
	}
	url string
}

func (w webhook) post(ctx context.Context, _ scope.Scope, message []byte) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url, bytes.NewReader(message))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := w.client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // so that the connection can be used again
	if resp.StatusCode >= 300 {
		return fmt.Errorf("the webhook answered %s", resp.Status)
	}
	return nil
}
