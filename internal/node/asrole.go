package node

import (
	"context"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodbstreams "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	awsglue "github.com/aws/aws-sdk-go-v2/service/glue"
	awskinesis "github.com/aws/aws-sdk-go-v2/service/kinesis"
	kinesistypes "github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/policy"
	"github.com/brookmere/brookmere/internal/service/dynamodb"
	"github.com/brookmere/brookmere/internal/service/glue"
	"github.com/brookmere/brookmere/internal/service/kinesis"
	"github.com/brookmere/brookmere/internal/service/lambda"
)

// What services do with their neighbours as a role (awswire.Acting) does not come through the wire. The
// neighbours here ask before each call whether the caller of the context may do it, by the action
// that AWS's own services need there, so that a missing permission fails where it fails on AWS.

// decides is Node.decide.
type decides func(ctx context.Context, action, resource string, keys policy.Keys) error

func (ask decides) all(ctx context.Context, action string, resources ...string) error {
	for _, r := range resources {
		if err := ask(ctx, action, r, nil); err != nil {
			return err
		}
	}
	return nil
}

// reaches is Node.reach.
type reaches func(ctx context.Context, action, resource string) (context.Context, error)

// askedKinesis reads streams, those of other accounts too whose policies let the role in. It also waits for records, without
// asking: it was let in by an iterator.
type askedKinesis struct {
	*kinesis.Service
	reach reaches
}

func (k askedKinesis) stream(ctx context.Context, name, streamARN *string) string {
	if streamARN != nil {
		return *streamARN
	}
	c := awswire.CallerFrom(ctx)
	return arn.New("kinesis", c.Region, c.Account, "stream/"+aws.ToString(name))
}

// DescribeStreamSummary asks for DescribeStream: a role that has been given what the documentation of
// Firehose and of Lambda's error says has that.
func (k askedKinesis) DescribeStreamSummary(ctx context.Context, in *awskinesis.DescribeStreamSummaryInput, _ ...func(*awskinesis.Options)) (*awskinesis.DescribeStreamSummaryOutput, error) {
	ctx, err := k.reach(ctx, "kinesis:DescribeStream", k.stream(ctx, in.StreamName, in.StreamARN))
	if err != nil {
		return nil, err
	}
	return k.Service.DescribeStreamSummary(ctx, in)
}

// ListShards asks on the first page: others have no name.
func (k askedKinesis) ListShards(ctx context.Context, in *awskinesis.ListShardsInput, _ ...func(*awskinesis.Options)) (*awskinesis.ListShardsOutput, error) {
	if in.NextToken == nil {
		var err error
		if ctx, err = k.reach(ctx, "kinesis:ListShards", k.stream(ctx, in.StreamName, in.StreamARN)); err != nil {
			return nil, err
		}
	}
	return k.Service.ListShards(ctx, in)
}

func (k askedKinesis) GetShardIterator(ctx context.Context, in *awskinesis.GetShardIteratorInput, _ ...func(*awskinesis.Options)) (*awskinesis.GetShardIteratorOutput, error) {
	ctx, err := k.reach(ctx, "kinesis:GetShardIterator", k.stream(ctx, in.StreamName, in.StreamARN))
	if err != nil {
		return nil, err
	}
	return k.Service.GetShardIterator(ctx, in)
}

func (k askedKinesis) GetRecords(ctx context.Context, in *awskinesis.GetRecordsInput, _ ...func(*awskinesis.Options)) (*awskinesis.GetRecordsOutput, error) {
	ctx, err := k.reach(ctx, "kinesis:GetRecords", k.stream(ctx, nil, in.StreamARN))
	if err != nil {
		return nil, err
	}
	return k.Service.GetRecords(ctx, in)
}

// WaitForRecords waits where the iterator reads.
func (k askedKinesis) WaitForRecords(ctx context.Context, iterator string) error {
	if a, ok := arn.Parse(k.IteratorStream(iterator)); ok {
		if c := awswire.CallerFrom(ctx); a.Account != c.Account {
			ctx = awswire.WithCaller(ctx, c.Reaching(a.Account))
		}
	}
	return k.Service.WaitForRecords(ctx, iterator)
}

func (k askedKinesis) SubscribeToShard(ctx context.Context, in *awskinesis.SubscribeToShardInput) (*awskinesis.SubscribeToShardOutput, iter.Seq2[kinesistypes.SubscribeToShardEventStream, error], error) {
	ctx, err := k.reach(ctx, "kinesis:SubscribeToShard", aws.ToString(in.ConsumerARN))
	if err != nil {
		return nil, nil, err
	}
	return k.Service.SubscribeToShard(ctx, in)
}

// askedTables looks up the schemas of deliveries.
type askedTables struct {
	*glue.Service
	ask decides
}

func (t askedTables) table(ctx context.Context, catalog, database, name *string) []string {
	c := awswire.CallerFrom(ctx)
	if aws.ToString(catalog) != "" {
		c.Account = *catalog
	}
	list := []string{"catalog", "database/" + aws.ToString(database), "table/" + aws.ToString(database) + "/" + aws.ToString(name)}
	for i := range list {
		list[i] = arn.New("glue", c.Region, c.Account, list[i])
	}
	return list
}

// GetTable asks for GetTableVersions, by which Firehose looks for the latest version on AWS.
func (t askedTables) GetTable(ctx context.Context, in *awsglue.GetTableInput, _ ...func(*awsglue.Options)) (*awsglue.GetTableOutput, error) {
	if err := t.ask.all(ctx, "glue:GetTableVersions", t.table(ctx, in.CatalogId, in.DatabaseName, in.Name)...); err != nil {
		return nil, err
	}
	return t.Service.GetTable(ctx, in)
}

func (t askedTables) GetTableVersion(ctx context.Context, in *awsglue.GetTableVersionInput, _ ...func(*awsglue.Options)) (*awsglue.GetTableVersionOutput, error) {
	if err := t.ask.all(ctx, "glue:GetTableVersion", t.table(ctx, in.CatalogId, in.DatabaseName, in.TableName)...); err != nil {
		return nil, err
	}
	return t.Service.GetTableVersion(ctx, in)
}

// GetSchemaVersion finds the schema that a record's header names by the id of its version, which is a right on all schemas.
func (t askedTables) GetSchemaVersion(ctx context.Context, in *awsglue.GetSchemaVersionInput, _ ...func(*awsglue.Options)) (*awsglue.GetSchemaVersionOutput, error) {
	c := awswire.CallerFrom(ctx)
	if err := t.ask.all(ctx, "glue:GetSchemaVersion", arn.New("glue", c.Region, c.Account, "schema/*")); err != nil {
		return nil, err
	}
	return t.Service.GetSchemaVersion(ctx, in)
}

// askedFunctions transforms the records of deliveries.
type askedFunctions struct {
	*lambda.Service
	ask decides
}

func (f askedFunctions) Invoke(ctx context.Context, in *awslambda.InvokeInput, _ ...func(*awslambda.Options)) (*awslambda.InvokeOutput, error) {
	if err := f.ask(ctx, "lambda:InvokeFunction", aws.ToString(in.FunctionName), nil); err != nil {
		return nil, err
	}
	return f.Service.Invoke(ctx, in)
}

// askedChanges reads the change feeds of tables, those of other accounts too whose policies let the role in.
type askedChanges struct {
	*dynamodb.Streams
	reach reaches
}

func (s askedChanges) DescribeStream(ctx context.Context, in *awsdynamodbstreams.DescribeStreamInput, _ ...func(*awsdynamodbstreams.Options)) (*awsdynamodbstreams.DescribeStreamOutput, error) {
	ctx, err := s.reach(ctx, "dynamodb:DescribeStream", aws.ToString(in.StreamArn))
	if err != nil {
		return nil, err
	}
	return s.Streams.DescribeStream(ctx, in)
}

func (s askedChanges) GetShardIterator(ctx context.Context, in *awsdynamodbstreams.GetShardIteratorInput, _ ...func(*awsdynamodbstreams.Options)) (*awsdynamodbstreams.GetShardIteratorOutput, error) {
	ctx, err := s.reach(ctx, "dynamodb:GetShardIterator", aws.ToString(in.StreamArn))
	if err != nil {
		return nil, err
	}
	return s.Streams.GetShardIterator(ctx, in)
}

func (s askedChanges) GetRecords(ctx context.Context, in *awsdynamodbstreams.GetRecordsInput, _ ...func(*awsdynamodbstreams.Options)) (*awsdynamodbstreams.GetRecordsOutput, error) {
	ctx, err := s.reach(ctx, "dynamodb:GetRecords", s.IteratorStream(aws.ToString(in.ShardIterator)))
	if err != nil {
		return nil, err
	}
	return s.Streams.GetRecords(ctx, in)
}
