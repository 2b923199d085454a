package node

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/engine/logstore"
	firehosesvc "github.com/brookmere/brookmere/internal/service/firehose"
	"github.com/brookmere/brookmere/internal/service/kinesisanalytics"
	"github.com/brookmere/brookmere/internal/service/logs"
)

func makeAnalytics(s *services, p parts) (_ service, err error) {
	s.analytics, err = kinesisanalytics.New(kinesisanalytics.Config{
		State: p.state, Log: p.log, S3: p.objects, EnforceLimits: p.limited(),
		Kinesis:  askedApplicationKinesis{askedKinesis{s.kinesis, p.node.reach}},
		Firehose: askedDeliveries{s.firehose, p.node.decide},
		Puts:     askedPuts{s.firehose.Puts(), p.node.decide},
		Lambda:   askedFunctions{s.lambda, p.node.decide},
		Logs:     applicationLogs{s.logs.Sink()},
		Metrics:  applicationMetrics{p.meter},
		Owner:    p.owner, Clock: p.clock, Logger: p.logger, Registerer: p.registerer,
	})
	return s.analytics, err
}

func makeAnalyticsSecond(s *services, _ parts) (service, error) { return s.analytics.Second(), nil }

// askedApplicationKinesis is askedKinesis for applications, which write streams too, and whose roles AWS's guide
// gives no ListShards.
type askedApplicationKinesis struct{ askedKinesis }

// ListShards asks for DescribeStream, as DescribeStreamSummary does, behind which it comes.
func (k askedApplicationKinesis) ListShards(ctx context.Context, in *kinesis.ListShardsInput, _ ...func(*kinesis.Options)) (*kinesis.ListShardsOutput, error) {
	if in.NextToken == nil {
		var err error
		if ctx, err = k.reach(ctx, "kinesis:DescribeStream", k.stream(ctx, in.StreamName, in.StreamARN)); err != nil {
			return nil, err
		}
	}
	return k.Service.ListShards(ctx, in)
}

func (k askedApplicationKinesis) PutRecords(ctx context.Context, in *kinesis.PutRecordsInput, _ ...func(*kinesis.Options)) (*kinesis.PutRecordsOutput, error) {
	ctx, err := k.reach(ctx, "kinesis:PutRecords", k.stream(ctx, in.StreamName, in.StreamARN))
	if err != nil {
		return nil, err
	}
	return k.Service.PutRecords(ctx, in)
}

// askedDeliveries are delivery streams that applications write, or read in the place of their streams.
type askedDeliveries struct {
	*firehosesvc.Service
	ask decides
}

func (d askedDeliveries) name(ctx context.Context, name *string) string {
	return scope.Of(ctx).ARN("firehose", "deliverystream/"+aws.ToString(name))
}

func (d askedDeliveries) DescribeDeliveryStream(ctx context.Context, in *firehose.DescribeDeliveryStreamInput, _ ...func(*firehose.Options)) (*firehose.DescribeDeliveryStreamOutput, error) {
	if err := d.ask(ctx, "firehose:DescribeDeliveryStream", d.name(ctx, in.DeliveryStreamName), nil); err != nil {
		return nil, err
	}
	return d.Service.DescribeDeliveryStream(ctx, in)
}

func (d askedDeliveries) PutRecordBatch(ctx context.Context, in *firehose.PutRecordBatchInput, _ ...func(*firehose.Options)) (*firehose.PutRecordBatchOutput, error) {
	if err := d.ask(ctx, "firehose:PutRecordBatch", d.name(ctx, in.DeliveryStreamName), nil); err != nil {
		return nil, err
	}
	return d.Service.PutRecordBatch(ctx, in)
}

// askedPuts reads what is put to delivery streams, by the permissions that AWS's guide gives roles of applications:
// firehose:DescribeDeliveryStream and firehose:Get*. It also waits for records, without asking.
type askedPuts struct {
	firehosesvc.Puts
	ask decides
}

func (p askedPuts) DescribeStreamSummary(ctx context.Context, in *kinesis.DescribeStreamSummaryInput, _ ...func(*kinesis.Options)) (*kinesis.DescribeStreamSummaryOutput, error) {
	if err := p.ask(ctx, "firehose:DescribeDeliveryStream", aws.ToString(in.StreamARN), nil); err != nil {
		return nil, err
	}
	return p.Puts.DescribeStreamSummary(ctx, in)
}

func (p askedPuts) GetShardIterator(ctx context.Context, in *kinesis.GetShardIteratorInput, _ ...func(*kinesis.Options)) (*kinesis.GetShardIteratorOutput, error) {
	if err := p.ask(ctx, "firehose:GetShardIterator", aws.ToString(in.StreamARN), nil); err != nil {
		return nil, err
	}
	return p.Puts.GetShardIterator(ctx, in)
}

func (p askedPuts) GetRecords(ctx context.Context, in *kinesis.GetRecordsInput, _ ...func(*kinesis.Options)) (*kinesis.GetRecordsOutput, error) {
	if err := p.ask(ctx, "firehose:GetRecords", aws.ToString(in.StreamARN), nil); err != nil {
		return nil, err
	}
	return p.Puts.GetRecords(ctx, in)
}

// applicationLogs writes what applications tell of themselves, to groups and streams that are there, as their
// roles.
type applicationLogs struct{ to *logs.Sink }

// Log implements kinesisanalytics.LogSink.
func (l applicationLogs) Log(p kinesisanalytics.LogPlace, at time.Time, line string) {
	l.to.Write(logs.Target{Account: p.Account, Region: p.Region, Group: p.Group, Stream: p.Stream, Role: p.Role, Service: "kinesisanalytics.amazonaws.com", Source: p.Application},
		logstore.Line{Time: at.UnixMilli(), Text: line})
}
