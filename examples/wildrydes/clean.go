package wildrydes

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	analytics "github.com/aws/aws-sdk-go-v2/service/kinesisanalytics"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// missing are the codes of what is not there.
var missing = []string{"ResourceNotFoundException", "NoSuchEntity", "NoSuchBucket", "EntityNotFoundException"}

// Clean removes everything that SetUp makes, in the workshop's order: the table of Athena, the delivery
// stream, the bucket, the function, the table, the roles, the application, the streams. What is not there
// is passed over.
func (p *Pipeline) Clean(ctx context.Context) error {
	return p.run(ctx, []step{
		{"athena table", Database + "." + AthenaTable, func(ctx context.Context) error {
			_, err := p.Query(ctx, "DROP TABLE IF EXISTS "+AthenaTable)
			return err
		}},
		{"delivery stream", Delivery, p.deleteDelivery},
		{"bucket", p.Bucket(), p.deleteBucket(p.Bucket())},
		{"bucket", p.resultsBucket(), p.deleteBucket(p.resultsBucket())},
		{"function", Function, p.deleteFunction},
		{"table", Table, p.deleteTable},
		{"role", functionRole, p.deleteRole(functionRole)},
		{"role", deliveryRole, p.deleteRole(deliveryRole)},
		{"application", Application, p.deleteApplication},
		{"role", analyticsRole, p.deleteRole(analyticsRole)},
		{"identity pool", Pool, p.deletePool},
		{"role", pageRole, p.deleteRole(pageRole)},
		{"stream", Summary, p.deleteStream(Summary)},
		{"stream", Stream, p.deleteStream(Stream)},
	}, "was not there", missing...)
}

func (p *Pipeline) deleteDelivery(ctx context.Context) error {
	if _, err := p.firehose.DeleteDeliveryStream(ctx, &firehose.DeleteDeliveryStreamInput{DeliveryStreamName: aws.String(Delivery), AllowForceDelete: aws.Bool(true)}); err != nil {
		return err
	}
	return gone(ctx, func() error {
		_, err := p.firehose.DescribeDeliveryStream(ctx, &firehose.DescribeDeliveryStreamInput{DeliveryStreamName: aws.String(Delivery)})
		return err
	})
}

// gone waits until asking for a thing fails.
func gone(ctx context.Context, ask func() error) error {
	return poll(ctx, func() (bool, error) { return ask() != nil, nil })
}

func (p *Pipeline) deleteBucket(name string) func(context.Context) error {
	return func(ctx context.Context) error {
		pages := s3.NewListObjectsV2Paginator(p.s3, &s3.ListObjectsV2Input{Bucket: &name})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return err
			}
			var ids []s3types.ObjectIdentifier
			for _, o := range page.Contents {
				ids = append(ids, s3types.ObjectIdentifier{Key: o.Key})
			}
			if len(ids) == 0 {
				continue
			}
			if _, err := p.s3.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: &name, Delete: &s3types.Delete{Objects: ids, Quiet: aws.Bool(true)}}); err != nil {
				return err
			}
		}
		_, err := p.s3.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: &name})
		return err
	}
}

func (p *Pipeline) deleteFunction(ctx context.Context) error {
	list, err := p.lambda.ListEventSourceMappings(ctx, &lambda.ListEventSourceMappingsInput{FunctionName: aws.String(Function)})
	if err != nil {
		return err
	}
	for _, m := range list.EventSourceMappings {
		if _, err := p.lambda.DeleteEventSourceMapping(ctx, &lambda.DeleteEventSourceMappingInput{UUID: m.UUID}); err != nil {
			return err
		}
	}
	_, err = p.lambda.DeleteFunction(ctx, &lambda.DeleteFunctionInput{FunctionName: aws.String(Function)})
	return err
}

func (p *Pipeline) deleteTable(ctx context.Context) error {
	_, err := p.dynamodb.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: aws.String(Table)})
	return err
}

func (p *Pipeline) deleteRole(name string) func(context.Context) error {
	return func(ctx context.Context) error {
		inline, err := p.iam.ListRolePolicies(ctx, &iam.ListRolePoliciesInput{RoleName: &name})
		if err != nil {
			return err
		}
		for _, policy := range inline.PolicyNames {
			if _, err := p.iam.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: &name, PolicyName: &policy}); err != nil {
				return err
			}
		}
		attached, err := p.iam.ListAttachedRolePolicies(ctx, &iam.ListAttachedRolePoliciesInput{RoleName: &name})
		if err != nil {
			return err
		}
		for _, a := range attached.AttachedPolicies {
			if _, err := p.iam.DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{RoleName: &name, PolicyArn: a.PolicyArn}); err != nil {
				return err
			}
		}
		_, err = p.iam.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: &name})
		return err
	}
}

func (p *Pipeline) deleteApplication(ctx context.Context) error {
	name := aws.String(Application)
	out, err := p.analytics.DescribeApplication(ctx, &analytics.DescribeApplicationInput{ApplicationName: name})
	if err != nil {
		return err
	}
	if _, err := p.analytics.DeleteApplication(ctx, &analytics.DeleteApplicationInput{ApplicationName: name, CreateTimestamp: out.ApplicationDetail.CreateTimestamp}); err != nil {
		return err
	}
	return gone(ctx, func() error {
		_, err := p.analytics.DescribeApplication(ctx, &analytics.DescribeApplicationInput{ApplicationName: name})
		return err
	})
}

func (p *Pipeline) deletePool(ctx context.Context) error {
	if err := p.findPool(ctx); err != nil || p.Pool == "" {
		return err
	}
	_, err := p.cognito.DeleteIdentityPool(ctx, &cognitoidentity.DeleteIdentityPoolInput{IdentityPoolId: &p.Pool})
	p.Pool = ""
	return err
}

func (p *Pipeline) deleteStream(name string) func(context.Context) error {
	return func(ctx context.Context) error {
		if _, err := p.kinesis.DeleteStream(ctx, &kinesis.DeleteStreamInput{StreamName: &name}); err != nil {
			return err
		}
		return gone(ctx, func() error {
			_, err := p.kinesis.DescribeStreamSummary(ctx, &kinesis.DescribeStreamSummaryInput{StreamName: &name})
			return err
		})
	}
}
