package node

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/brookmere/brookmere/internal/authorize"
	"github.com/brookmere/brookmere/internal/awskit/scope"
	firehosesvc "github.com/brookmere/brookmere/internal/service/firehose"
	kinesissvc "github.com/brookmere/brookmere/internal/service/kinesis"
	"github.com/brookmere/brookmere/internal/service/kinesisanalytics"
	"github.com/brookmere/brookmere/internal/service/lambda"
)

func makeAnalytics(s *services, p parts) (_ service, err error) {
	s.analytics, err = kinesisanalytics.New(kinesisanalytics.Config{
		State: p.state, Log: p.log, S3: p.objects, EnforceLimits: p.limited(),
		Kinesis:  analyticsKinesis{s.kinesis, p.stack},
		Firehose: analyticsFirehose{s.firehose, p.stack},
		Lambda:   analyticsLambda{s.lambda, p.stack},
		Clock:    p.clock, Logger: p.logger, Registerer: p.registerer,
	})
	return s.analytics, err
}

func makeAnalyticsSecond(s *services, _ parts) (service, error) { return s.analytics.Second(), nil }

// What applications do as the roles that they were given does not come through the wire: the policies
// of the role are asked here.

type analyticsKinesis struct {
	*kinesissvc.Service
	stack *stack
}

// allow asks for an action on the resource of a name or an ARN.
func allow(ctx context.Context, a *authorize.Authorizer, action, service, kind string, name, arn *string) error {
	if a == nil || a.Mode() == authorize.Off {
		return nil
	}
	resource := aws.ToString(arn)
	if resource == "" {
		resource = scope.Of(ctx).ARN(service, kind+aws.ToString(name))
	}
	return a.Allow(ctx, action, resource, nil)
}

func (k analyticsKinesis) allow(ctx context.Context, action string, name, arn *string) error {
	return allow(ctx, k.stack.authorizer, "kinesis:"+action, "kinesis", "stream/", name, arn)
}

func (k analyticsKinesis) DescribeStreamSummary(ctx context.Context, in *kinesis.DescribeStreamSummaryInput, _ ...func(*kinesis.Options)) (*kinesis.DescribeStreamSummaryOutput, error) {
	// AWS's guide gives roles DescribeStream, and not the two that are called here.
	if err := k.allow(ctx, "DescribeStream", in.StreamName, in.StreamARN); err != nil {
		return nil, err
	}
	return k.Service.DescribeStreamSummary(ctx, in)
}

func (k analyticsKinesis) ListShards(ctx context.Context, in *kinesis.ListShardsInput, _ ...func(*kinesis.Options)) (*kinesis.ListShardsOutput, error) {
	return k.Service.ListShards(ctx, in) // behind DescribeStreamSummary
}

func (k analyticsKinesis) GetShardIterator(ctx context.Context, in *kinesis.GetShardIteratorInput, _ ...func(*kinesis.Options)) (*kinesis.GetShardIteratorOutput, error) {
	if err := k.allow(ctx, "GetShardIterator", in.StreamName, in.StreamARN); err != nil {
		return nil, err
	}
	return k.Service.GetShardIterator(ctx, in)
}

func (k analyticsKinesis) GetRecords(ctx context.Context, in *kinesis.GetRecordsInput, _ ...func(*kinesis.Options)) (*kinesis.GetRecordsOutput, error) {
	if in.StreamARN != nil {
		if err := k.allow(ctx, "GetRecords", nil, in.StreamARN); err != nil {
			return nil, err
		}
	}
	return k.Service.GetRecords(ctx, in)
}

func (k analyticsKinesis) PutRecords(ctx context.Context, in *kinesis.PutRecordsInput, _ ...func(*kinesis.Options)) (*kinesis.PutRecordsOutput, error) {
	if err := k.allow(ctx, "PutRecords", in.StreamName, in.StreamARN); err != nil {
		return nil, err
	}
	return k.Service.PutRecords(ctx, in)
}

type analyticsFirehose struct {
	*firehosesvc.Service
	stack *stack
}

func (f analyticsFirehose) DescribeDeliveryStream(ctx context.Context, in *firehose.DescribeDeliveryStreamInput, _ ...func(*firehose.Options)) (*firehose.DescribeDeliveryStreamOutput, error) {
	if err := allow(ctx, f.stack.authorizer, "firehose:DescribeDeliveryStream", "firehose", "deliverystream/", in.DeliveryStreamName, nil); err != nil {
		return nil, err
	}
	return f.Service.DescribeDeliveryStream(ctx, in)
}

func (f analyticsFirehose) PutRecordBatch(ctx context.Context, in *firehose.PutRecordBatchInput, _ ...func(*firehose.Options)) (*firehose.PutRecordBatchOutput, error) {
	if err := allow(ctx, f.stack.authorizer, "firehose:PutRecordBatch", "firehose", "deliverystream/", in.DeliveryStreamName, nil); err != nil {
		return nil, err
	}
	return f.Service.PutRecordBatch(ctx, in)
}

type analyticsLambda struct {
	*lambda.Service
	stack *stack
}

func (l analyticsLambda) Invoke(ctx context.Context, in *awslambda.InvokeInput, _ ...func(*awslambda.Options)) (*awslambda.InvokeOutput, error) {
	if err := allow(ctx, l.stack.authorizer, "lambda:InvokeFunction", "lambda", "function:", nil, in.FunctionName); err != nil {
		return nil, err
	}
	return l.Service.Invoke(ctx, in)
}
