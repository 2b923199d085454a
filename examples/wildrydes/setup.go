package wildrydes

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/athena"
	athenatypes "github.com/aws/aws-sdk-go-v2/service/athena/types"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	firehosetypes "github.com/aws/aws-sdk-go-v2/service/firehose/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	kinesistypes "github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	analytics "github.com/aws/aws-sdk-go-v2/service/kinesisanalytics"
	analyticstypes "github.com/aws/aws-sdk-go-v2/service/kinesisanalytics/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
)

// existing are the codes of what is there already.
var existing = []string{"ResourceInUseException", "ResourceConflictException", "EntityAlreadyExists", "BucketAlreadyOwnedByYou", "AlreadyExistsException"}

// SetUp makes everything, and leaves what is there. The application runs when it returns. A function that the
// node cannot run is left out: Trouble tells of it.
func (p *Pipeline) SetUp(ctx context.Context) error {
	return p.run(ctx, []step{
		{"stream", Stream, p.createStream(Stream)},
		{"stream", Summary, p.createStream(Summary)},
		{"role", pageRole, p.createPageRole},
		{"identity pool", Pool, p.createPool},
		{"role", analyticsRole, p.createRole(analyticsRole, "kinesisanalytics.amazonaws.com", fmt.Sprintf(`{"Version": "2012-10-17", "Statement": [
			{"Effect": "Allow", "Action": ["kinesis:DescribeStream", "kinesis:GetShardIterator", "kinesis:GetRecords"], "Resource": %q},
			{"Effect": "Allow", "Action": ["kinesis:DescribeStream", "kinesis:PutRecord", "kinesis:PutRecords"], "Resource": %q}]}`,
			p.arn("kinesis", "stream/"+Stream), p.arn("kinesis", "stream/"+Summary)))},
		{"application", Application, p.createApplication},
		{"table", Table, p.createTable},
		{"role", functionRole, p.createRole(functionRole, "lambda.amazonaws.com", fmt.Sprintf(`{"Version": "2012-10-17", "Statement": [
			{"Effect": "Allow", "Action": "dynamodb:BatchWriteItem", "Resource": %q}]}`, p.arn("dynamodb", "table/"+Table)))},
		{"function", Function, p.createFunction},
		{"event source", Summary + " -> " + Function, p.createMapping},
		{"bucket", p.Bucket(), func(ctx context.Context) error {
			return p.createBucket(ctx, p.Bucket())
		}},
		{"role", deliveryRole, p.createRole(deliveryRole, "firehose.amazonaws.com", fmt.Sprintf(`{"Version": "2012-10-17", "Statement": [
			{"Effect": "Allow", "Action": ["kinesis:DescribeStream", "kinesis:GetShardIterator", "kinesis:GetRecords", "kinesis:ListShards"], "Resource": %q},
			{"Effect": "Allow", "Action": ["s3:PutObject", "s3:GetBucketLocation", "s3:ListBucket", "s3:AbortMultipartUpload"], "Resource": ["arn:aws:s3:::%[2]s", "arn:aws:s3:::%[2]s/*"]}]}`,
			p.arn("kinesis", "stream/"+Stream), p.Bucket()))},
		{"delivery stream", Delivery, p.createDelivery},
		{"athena table", Database + "." + AthenaTable, func(ctx context.Context) error {
			_, err := p.Query(ctx, p.CreateTable())
			return err
		}},
	}, "was there", existing...)
}

func (p *Pipeline) createStream(name string) func(context.Context) error {
	return func(ctx context.Context) error {
		if _, err := p.kinesis.CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: &name, ShardCount: aws.Int32(1)}); err != nil {
			return err
		}
		return poll(ctx, func() (bool, error) {
			out, err := p.kinesis.DescribeStreamSummary(ctx, &kinesis.DescribeStreamSummaryInput{StreamName: &name})
			return err == nil && out.StreamDescriptionSummary.StreamStatus == kinesistypes.StreamStatusActive, err
		})
	}
}

// createRole makes a role that a service acts as, with a policy of its own.
func (p *Pipeline) createRole(name, service, policy string) func(context.Context) error {
	return func(ctx context.Context) error {
		trust := fmt.Sprintf(`{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": %q}, "Action": "sts:AssumeRole"}]}`, service)
		return p.putRole(ctx, name, trust, policy)
	}
}

func (p *Pipeline) putRole(ctx context.Context, name, trust, policy string) error {
	if _, err := p.iam.CreateRole(ctx, &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: &trust}); err != nil {
		return err
	}
	if name == functionRole {
		_, err := p.iam.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: &name, PolicyArn: aws.String(kinesisExecution)})
		if err != nil {
			return err
		}
	}
	_, err := p.iam.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: &name, PolicyName: aws.String(policyName), PolicyDocument: &policy})
	return err
}

// kinesisExecution is AWS's policy for functions that read streams.
const kinesisExecution = "arn:aws:iam::aws:policy/service-role/AWSLambdaKinesisExecutionRole"

// createPageRole makes the role of those who look at the page: they read the streams, and no more.
func (p *Pipeline) createPageRole(ctx context.Context) error {
	trust := `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Federated": "cognito-identity.amazonaws.com"},
		"Action": "sts:AssumeRoleWithWebIdentity", "Condition": {"ForAnyValue:StringLike": {"cognito-identity.amazonaws.com:amr": "unauthenticated"}}}]}`
	policy := fmt.Sprintf(`{"Version": "2012-10-17", "Statement": [
		{"Effect": "Allow", "Action": ["kinesis:DescribeStream", "kinesis:ListShards", "kinesis:GetShardIterator", "kinesis:GetRecords"], "Resource": [%q, %q]},
		{"Effect": "Allow", "Action": "kinesis:ListStreams", "Resource": "*"}]}`, p.arn("kinesis", "stream/"+Stream), p.arn("kinesis", "stream/"+Summary))
	return p.putRole(ctx, pageRole, trust, policy)
}

// findPool sets the id of the identity pool, if there is one.
func (p *Pipeline) findPool(ctx context.Context) error {
	out, err := p.cognito.ListIdentityPools(ctx, &cognitoidentity.ListIdentityPoolsInput{MaxResults: aws.Int32(60)})
	if err != nil {
		return err
	}
	for _, pool := range out.IdentityPools {
		if aws.ToString(pool.IdentityPoolName) == Pool {
			p.Pool = aws.ToString(pool.IdentityPoolId)
		}
	}
	return nil
}

func (p *Pipeline) createPool(ctx context.Context) error {
	if err := p.findPool(ctx); err != nil || p.Pool != "" {
		return err
	}
	out, err := p.cognito.CreateIdentityPool(ctx, &cognitoidentity.CreateIdentityPoolInput{IdentityPoolName: aws.String(Pool), AllowUnauthenticatedIdentities: true})
	if err != nil {
		return err
	}
	p.Pool = aws.ToString(out.IdentityPoolId)
	_, err = p.cognito.SetIdentityPoolRoles(ctx, &cognitoidentity.SetIdentityPoolRolesInput{IdentityPoolId: out.IdentityPoolId, Roles: map[string]string{"unauthenticated": p.roleARN(pageRole)}})
	return err
}

// columns are what DiscoverInputSchema finds in a reading.
var columns = [][2]string{
	{"Distance", "DOUBLE"}, {"HealthPoints", "INTEGER"}, {"Latitude", "DOUBLE"}, {"Longitude", "DOUBLE"}, {"MagicPoints", "INTEGER"},
	{"Name", "VARCHAR(16)"}, {"StatusTime", "TIMESTAMP"},
}

// createApplication makes the application part by part, as the console of the service did, and starts it.
func (p *Pipeline) createApplication(ctx context.Context) error {
	name, role := aws.String(Application), aws.String(p.roleARN(analyticsRole))
	if _, err := p.analytics.CreateApplication(ctx, &analytics.CreateApplicationInput{ApplicationName: name}); err != nil {
		return err
	}
	schema := &analyticstypes.SourceSchema{RecordEncoding: aws.String("UTF-8"), RecordFormat: &analyticstypes.RecordFormat{
		RecordFormatType:  analyticstypes.RecordFormatTypeJson,
		MappingParameters: &analyticstypes.MappingParameters{JSONMappingParameters: &analyticstypes.JSONMappingParameters{RecordRowPath: aws.String("$")}},
	}}
	for _, c := range columns {
		schema.RecordColumns = append(schema.RecordColumns, analyticstypes.RecordColumn{Name: aws.String(c[0]), SqlType: aws.String(c[1]), Mapping: aws.String("$." + c[0])})
	}
	_, err := p.analytics.AddApplicationInput(ctx, &analytics.AddApplicationInputInput{
		ApplicationName: name, CurrentApplicationVersionId: aws.Int64(1),
		Input: &analyticstypes.Input{
			NamePrefix: aws.String("SOURCE_SQL_STREAM"), InputSchema: schema,
			KinesisStreamsInput: &analyticstypes.KinesisStreamsInput{ResourceARN: aws.String(p.arn("kinesis", "stream/"+Stream)), RoleARN: role},
		},
	})
	if err != nil {
		return err
	}
	_, err = p.analytics.UpdateApplication(ctx, &analytics.UpdateApplicationInput{
		ApplicationName: name, CurrentApplicationVersionId: aws.Int64(2), ApplicationUpdate: &analyticstypes.ApplicationUpdate{ApplicationCodeUpdate: &summarySQL},
	})
	if err != nil {
		return err
	}
	_, err = p.analytics.AddApplicationOutput(ctx, &analytics.AddApplicationOutputInput{
		ApplicationName: name, CurrentApplicationVersionId: aws.Int64(3),
		Output: &analyticstypes.Output{
			Name: aws.String("DESTINATION_SQL_STREAM"), DestinationSchema: &analyticstypes.DestinationSchema{RecordFormatType: analyticstypes.RecordFormatTypeJson},
			KinesisStreamsOutput: &analyticstypes.KinesisStreamsOutput{ResourceARN: aws.String(p.arn("kinesis", "stream/"+Summary)), RoleARN: role},
		},
	})
	if err != nil {
		return err
	}
	_, err = p.analytics.StartApplication(ctx, &analytics.StartApplicationInput{
		ApplicationName: name, InputConfigurations: []analyticstypes.InputConfiguration{{
			Id: aws.String("1.1"), InputStartingPositionConfiguration: &analyticstypes.InputStartingPositionConfiguration{InputStartingPosition: analyticstypes.InputStartingPositionNow},
		}},
	})
	if err != nil {
		return err
	}
	return poll(ctx, func() (bool, error) {
		out, err := p.analytics.DescribeApplication(ctx, &analytics.DescribeApplicationInput{ApplicationName: name})
		return err == nil && out.ApplicationDetail.ApplicationStatus == analyticstypes.ApplicationStatusRunning, err
	})
}

func (p *Pipeline) createTable(ctx context.Context) error {
	_, err := p.dynamodb.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName: aws.String(Table), BillingMode: dynamodbtypes.BillingModePayPerRequest,
		AttributeDefinitions: []dynamodbtypes.AttributeDefinition{
			{AttributeName: aws.String("Name"), AttributeType: dynamodbtypes.ScalarAttributeTypeS},
			{AttributeName: aws.String("StatusTime"), AttributeType: dynamodbtypes.ScalarAttributeTypeS},
		},
		KeySchema: []dynamodbtypes.KeySchemaElement{
			{AttributeName: aws.String("Name"), KeyType: dynamodbtypes.KeyTypeHash},
			{AttributeName: aws.String("StatusTime"), KeyType: dynamodbtypes.KeyTypeRange},
		},
	})
	return err
}

// createFunction makes the function; one that is there gets the code of today.
func (p *Pipeline) createFunction(ctx context.Context) error {
	code, err := zipped()
	if err != nil {
		return err
	}
	_, err = p.lambda.CreateFunction(ctx, &lambda.CreateFunctionInput{
		FunctionName: aws.String(Function), Runtime: lambdatypes.RuntimeNodejs20x, Handler: aws.String("index.handler"), Role: aws.String(p.roleARN(functionRole)),
		Timeout: aws.Int32(60), Code: &lambdatypes.FunctionCode{ZipFile: code},
		Environment: &lambdatypes.Environment{Variables: map[string]string{"TABLE_NAME": Table}},
	})
	var there *lambdatypes.ResourceConflictException
	var invalid *lambdatypes.InvalidParameterValueException
	switch {
	case errors.As(err, &there):
		_, changed := p.lambda.UpdateFunctionCode(ctx, &lambda.UpdateFunctionCodeInput{FunctionName: aws.String(Function), ZipFile: code})
		return cmp.Or(changed, err)
	case errors.As(err, &invalid) && strings.Contains(invalid.ErrorMessage(), "runtime"): // no Node on the node's machine
		p.trouble = invalid.ErrorMessage()
		return leftOut{errors.New(p.trouble)}
	case err != nil:
		return err
	}
	return poll(ctx, func() (bool, error) {
		out, err := p.lambda.GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: aws.String(Function)})
		return err == nil && out.Configuration.State == lambdatypes.StateActive, err
	})
}

func (p *Pipeline) createMapping(ctx context.Context) error {
	if p.trouble != "" {
		return leftOut{errors.New("the function is not there")}
	}
	_, err := p.lambda.CreateEventSourceMapping(ctx, &lambda.CreateEventSourceMappingInput{
		FunctionName: aws.String(Function), EventSourceArn: aws.String(p.arn("kinesis", "stream/"+Summary)), BatchSize: aws.Int32(100),
		StartingPosition: lambdatypes.EventSourcePositionLatest,
	})
	return err
}

// Trouble is why the table gets no summaries, and empty when nothing speaks against it: the function cannot
// be run, fails even when it has nothing to do (it is asked once, and when it has failed), or failed with the
// last summaries.
func (p *Pipeline) Trouble(ctx context.Context) (string, error) {
	if p.trouble != "" {
		return p.trouble, nil
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	list, err := p.lambda.ListEventSourceMappings(ctx, &lambda.ListEventSourceMappingsInput{FunctionName: aws.String(Function)})
	if err != nil {
		return "", err
	}
	last := ""
	for _, m := range list.EventSourceMappings {
		if r := aws.ToString(m.LastProcessingResult); strings.HasPrefix(r, "PROBLEM") {
			last = r
		}
	}
	if p.answered && last == "" {
		return "", nil
	}
	out, err := p.lambda.Invoke(ctx, &lambda.InvokeInput{FunctionName: aws.String(Function), Payload: []byte(`{"Records": []}`)})
	var api smithy.APIError
	switch {
	case errors.As(err, &api):
		return api.ErrorMessage(), nil
	case err != nil:
		return "", err
	case out.FunctionError != nil:
		var fault struct {
			Type    string `json:"errorType"`
			Message string `json:"errorMessage"`
		}
		if json.Unmarshal(out.Payload, &fault) != nil || fault.Message == "" {
			return string(out.Payload), nil
		}
		return fault.Type + ": " + fault.Message, nil
	}
	p.answered = true
	return last, nil
}

func (p *Pipeline) createDelivery(ctx context.Context) error {
	role := aws.String(p.roleARN(deliveryRole))
	_, err := p.firehose.CreateDeliveryStream(ctx, &firehose.CreateDeliveryStreamInput{
		DeliveryStreamName: aws.String(Delivery), DeliveryStreamType: firehosetypes.DeliveryStreamTypeKinesisStreamAsSource,
		KinesisStreamSourceConfiguration: &firehosetypes.KinesisStreamSourceConfiguration{KinesisStreamARN: aws.String(p.arn("kinesis", "stream/"+Stream)), RoleARN: role},
		ExtendedS3DestinationConfiguration: &firehosetypes.ExtendedS3DestinationConfiguration{
			BucketARN: aws.String("arn:aws:s3:::" + p.Bucket()), RoleARN: role,
			BufferingHints: &firehosetypes.BufferingHints{SizeInMBs: aws.Int32(5), IntervalInSeconds: aws.Int32(60)},
		},
	})
	return err
}

// results is where Athena writes: outside of what the table is made of.
func (p *Pipeline) results() string { return "s3://" + p.resultsBucket() + "/" }

func (p *Pipeline) resultsBucket() string { return p.Bucket() + "-results" }

// createBucket creates a bucket in the pipeline's region. Those of us-east-1 alone name none.
func (p *Pipeline) createBucket(ctx context.Context, name string) error {
	in := &s3.CreateBucketInput{Bucket: &name}
	if p.Region != "us-east-1" {
		in.CreateBucketConfiguration = &s3types.CreateBucketConfiguration{LocationConstraint: s3types.BucketLocationConstraint(p.Region)}
	}
	_, err := p.s3.CreateBucket(ctx, in)
	return err
}

// Query runs a statement with Athena, and returns its rows, the names of the columns first.
func (p *Pipeline) Query(ctx context.Context, sql string) ([][]string, error) {
	if err := p.createBucket(ctx, p.resultsBucket()); err != nil && !strings.Contains(err.Error(), "BucketAlreadyOwnedByYou") {
		return nil, err
	}
	started, err := p.athena.StartQueryExecution(ctx, &athena.StartQueryExecutionInput{
		QueryString: &sql, QueryExecutionContext: &athenatypes.QueryExecutionContext{Database: aws.String(Database)},
		ResultConfiguration: &athenatypes.ResultConfiguration{OutputLocation: aws.String(p.results())},
	})
	if err != nil {
		return nil, err
	}
	err = poll(ctx, func() (bool, error) {
		out, err := p.athena.GetQueryExecution(ctx, &athena.GetQueryExecutionInput{QueryExecutionId: started.QueryExecutionId})
		if err != nil {
			return false, err
		}
		switch st := out.QueryExecution.Status; st.State {
		case athenatypes.QueryExecutionStateFailed, athenatypes.QueryExecutionStateCancelled:
			return false, errors.New(aws.ToString(st.StateChangeReason))
		case athenatypes.QueryExecutionStateSucceeded:
			return true, nil
		}
		return false, nil
	})
	if err != nil {
		return nil, err
	}
	out, err := p.athena.GetQueryResults(ctx, &athena.GetQueryResultsInput{QueryExecutionId: started.QueryExecutionId})
	if err != nil {
		return nil, err
	}
	var rows [][]string
	for _, r := range out.ResultSet.Rows {
		var row []string
		for _, d := range r.Data {
			row = append(row, aws.ToString(d.VarCharValue))
		}
		rows = append(rows, row)
	}
	return rows, nil
}
