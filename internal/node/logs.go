package node

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsfirehose "github.com/aws/aws-sdk-go-v2/service/firehose"
	awskinesis "github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awskit/executeapi"
	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/logstore"
	"github.com/brookmere/brookmere/internal/service/firehose"
	"github.com/brookmere/brookmere/internal/service/glue"
	"github.com/brookmere/brookmere/internal/service/kinesis"
	"github.com/brookmere/brookmere/internal/service/lambda"
	"github.com/brookmere/brookmere/internal/service/logs"
)

func makeLogs(s *services, p parts) (_ service, err error) {
	n := p.node
	s.logs, err = logs.New(logs.Config{
		State: p.state, Log: p.log, Dir: n.dirs.logIndex, Kinesis: subscribedStreams{s.kinesis, n.decide}, Objects: p.objects,
		Allow: func(ctx context.Context, t logs.Target, action, stream string) error {
			if t.Role == "" {
				ctx = awswire.AsService(ctx, t.Account, t.Region, t.Service, t.Source)
			} else {
				ctx = awswire.Acting(ctx, t.Account, t.Region, t.Service, t.Role, t.Source)
			}
			return n.decide(ctx, "logs:"+action, stream, nil)
		},
		Owner: p.owner, Clock: p.clock, Logger: p.logger, Registerer: p.registerer,
	})
	return s.logs, err
}

func bindLogs(s *services) {
	s.logs.Bind(func(c *logs.Config) {
		c.Firehose, c.Lambda = subscribedDeliveries{s.firehose, s.node.decide}, askedFunctions{s.lambda, s.node.decide}
	})
	s.lambda.Bind(func(c *lambda.Config) { c.Logs = functionLogs{s.logs.Sink()} })
	s.firehose.BindErrors(deliveryErrors{s.logs.Sink()})
}

// subscribedStreams are streams that subscription filters write, by the permission that AWS's guide gives their roles.
type subscribedStreams struct {
	*kinesis.Service
	ask decides
}

func (k subscribedStreams) PutRecords(ctx context.Context, in *awskinesis.PutRecordsInput, _ ...func(*awskinesis.Options)) (*awskinesis.PutRecordsOutput, error) {
	if err := k.ask(ctx, "kinesis:PutRecord", aws.ToString(in.StreamARN), nil); err != nil {
		return nil, err
	}
	return k.Service.PutRecords(ctx, in)
}

// subscribedDeliveries are delivery streams that subscription filters write, by the permission that AWS's guide gives
// their roles.
type subscribedDeliveries struct {
	*firehose.Service
	ask decides
}

func (d subscribedDeliveries) PutRecordBatch(ctx context.Context, in *awsfirehose.PutRecordBatchInput, _ ...func(*awsfirehose.Options)) (*awsfirehose.PutRecordBatchOutput, error) {
	if err := d.ask(ctx, "firehose:PutRecord", scope.Of(ctx).ARN("firehose", "deliverystream/"+aws.ToString(in.DeliveryStreamName)), nil); err != nil {
		return nil, err
	}
	return d.Service.PutRecordBatch(ctx, in)
}

// functionLogs writes what functions print into their groups, as their roles.
type functionLogs struct{ to *logs.Sink }

// Log implements lambda.LogSink.
func (l functionLogs) Log(p lambda.LogPlace, events []lambda.LogEvent) {
	lines := make([]logstore.Line, 0, len(events))
	for _, e := range events {
		if e.Message != "" {
			lines = append(lines, logstore.Line{Time: e.Time.UnixMilli(), Text: e.Message})
		}
	}
	l.to.Write(logs.Target{
		Account: p.Account, Region: p.Region, Group: p.Group, Stream: p.Stream, Role: p.Role, Service: "lambda.amazonaws.com", Source: p.Function, CreateGroup: true, CreateStream: true,
	}, lines...)
}

// deliveryErrors writes error logs of delivery streams, to groups and streams that are there, as their roles.
type deliveryErrors struct{ to *logs.Sink }

// Log implements firehose.ErrorSink.
func (l deliveryErrors) Log(p firehose.ErrorPlace, at time.Time, line string) {
	l.to.Write(logs.Target{Account: p.Account, Region: p.Region, Group: p.Group, Stream: p.Stream, Role: p.Role, Service: "firehose.amazonaws.com", Source: p.Delivery},
		logstore.Line{Time: at.UnixMilli(), Text: line})
}

// crawlLogs writes what crawlers say of their runs, as their roles.
type crawlLogs struct{ to func() *logs.Sink }

// Log implements glue.CrawlSink.
func (l crawlLogs) Log(account, region, crawler, role string, at time.Time, line string) {
	l.to().Write(logs.Target{Account: account, Region: region, Group: "/aws-glue/crawlers", Stream: crawler, Role: role, Service: "glue.amazonaws.com", Source: arn.New("glue", region, account, "crawler/"+crawler), CreateGroup: true, CreateStream: true},
		logstore.Line{Time: at.UnixMilli(), Text: line})
}

// jobLogs writes what job runs print, as their roles.
type jobLogs struct{ to func() *logs.Sink }

// Log implements glue.LogSink.
func (l jobLogs) Log(p glue.LogPlace, events []glue.LogEvent) {
	lines := make([]logstore.Line, 0, len(events))
	for _, e := range events {
		if e.Message != "" {
			lines = append(lines, logstore.Line{Time: e.Time.UnixMilli(), Text: e.Message})
		}
	}
	l.to().Write(logs.Target{
		Account: p.Account, Region: p.Region, Group: p.Group, Stream: p.Stream, Role: p.Role, Service: "glue.amazonaws.com", Source: p.Job, CreateGroup: true, CreateStream: true,
	}, lines...)
}

// executionLogs begins the groups of execution logs of APIs, which are made when they are written to.
const executionLogs = "API-Gateway-Execution-Logs_"

// apiLogs writes access logs of APIs, to groups that are there, and their execution logs: of REST APIs as the role of
// the account for that, of HTTP APIs for who has set them up, who was asked then.
type apiLogs struct {
	to  func() *logs.Sink
	now func() int64
}

// Log implements apigatewayv2.LogSink.
func (l apiLogs) Log(_ context.Context, groupARN, stream, line string) error {
	return l.write(groupARN, stream, line, logs.Target{})
}

// roleLogs is apiLogs for REST APIs.
type roleLogs struct{ apiLogs }

// Log implements apigateway.LogSink.
func (l roleLogs) Log(_ context.Context, role, api, groupARN, stream, line string) error {
	return l.write(groupARN, stream, line, logs.Target{Role: role, Service: executeapi.Service, Source: api})
}

func (l apiLogs) write(groupARN, stream, line string, t logs.Target) error {
	a, ok := arn.Parse(groupARN)
	name, is := a.After("log-group:")
	if !ok || !is || a.Service != "logs" {
		return fmt.Errorf("%q is not the ARN of a log group", groupARN)
	}
	if line == "" {
		return nil
	}
	t.Account, t.Region, t.Group, t.Stream = a.Account, a.Region, strings.TrimSuffix(name, ":*"), stream
	t.CreateStream, t.CreateGroup = true, strings.HasPrefix(name, executionLogs)
	l.to().Write(t, logstore.Line{Time: l.now(), Text: line})
	return nil
}
