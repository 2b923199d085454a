package attack

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/brookmere/brookmere/test/nodetest"
)

// until waits for a condition, for two minutes at most: the machine may be busy.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within two minutes", what)
		}
	}
}

// TestGlueActsAsItsRoles: crawlers and jobs reach of the catalog, of streams, objects and logs what their roles may
// reach.
func TestGlueActsAsItsRoles(t *testing.T) {
	n := startEnforcing(t)
	ctx := t.Context()
	root := clientsOf(n, owner, "us-east-1")
	cfg := aws.Config{Region: "us-east-1", BaseEndpoint: &n.URL, HTTPClient: nodetest.Client, Credentials: credentials.StaticCredentialsProvider{Value: owner}, RetryMaxAttempts: 1}
	g, logs := glue.NewFromConfig(cfg), cloudwatchlogs.NewFromConfig(cfg)
	must(root.s3.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("lake")}))
	must(root.s3.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("lake"), Key: aws.String("orders/day=1/a.json"), Body: strings.NewReader(`{"n":1}`)}))
	must(g.CreateDatabase(ctx, &glue.CreateDatabaseInput{DatabaseInput: &types.DatabaseInput{Name: aws.String("shop")}}))
	must(root.iam.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("worker"), AssumeRolePolicyDocument: trusts(`{"Service":"glue.amazonaws.com"}`)}))
	grant := func(statements ...string) {
		must(root.iam.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: aws.String("worker"), PolicyName: aws.String("p"),
			PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`)}))
	}
	const (
		objects = `{"Effect":"Allow","Action":["s3:ListBucket","s3:GetObject","s3:PutObject"],"Resource":["arn:aws:s3:::lake","arn:aws:s3:::lake/*"]}`
		tables  = `{"Effect":"Allow","Action":["glue:GetDatabase","glue:GetTable","glue:CreateTable","glue:UpdateTable"],"Resource":"*"}`
		parts   = `{"Effect":"Allow","Action":["glue:BatchCreatePartition","glue:GetPartitions"],"Resource":"*"}`
		writes  = `{"Effect":"Allow","Action":["logs:CreateLogGroup","logs:CreateLogStream","logs:PutLogEvents"],"Resource":"arn:aws:logs:*:*:*:/aws-glue/*"}`
		reads   = `{"Effect":"Allow","Action":["kinesis:DescribeStream","kinesis:ListShards","kinesis:GetShardIterator","kinesis:GetRecords"],"Resource":"arn:aws:kinesis:us-east-1:111111111111:stream/orders"}`
	)
	must(g.CreateCrawler(ctx, &glue.CreateCrawlerInput{Name: aws.String("c"), Role: aws.String("worker"), DatabaseName: aws.String("shop"),
		Targets: &types.CrawlerTargets{S3Targets: []types.S3Target{{Path: aws.String("s3://lake/orders/")}}}}))
	crawl := func() string {
		must(g.StartCrawler(ctx, &glue.StartCrawlerInput{Name: aws.String("c")}))
		var last *types.LastCrawlInfo
		until(t, "the crawl", func() bool {
			c := must(g.GetCrawler(ctx, &glue.GetCrawlerInput{Name: aws.String("c")})).Crawler
			last = c.LastCrawl
			return c.State == types.CrawlerStateReady
		})
		return aws.ToString(last.ErrorMessage)
	}
	const as = "assumed-role/worker/"
	for _, step := range []struct {
		grants []string
		want   string // part of the message; empty: the crawl succeeds
	}{
		{[]string{tables}, "is not authorized to perform: s3:ListBucket"},
		{[]string{objects}, "is not authorized to perform: glue:GetDatabase on resource: arn:aws:glue:us-east-1:111111111111:catalog"},
		{[]string{objects, strings.ReplaceAll(tables, `"glue:CreateTable",`, "")}, "is not authorized to perform: glue:CreateTable"},
		{[]string{objects, tables}, "is not authorized to perform: glue:BatchCreatePartition"},
		{[]string{objects, tables, parts}, ""},
	} {
		grant(step.grants...)
		if got := crawl(); step.want == "" && got != "" || !strings.Contains(got, step.want) {
			t.Errorf("a crawl: %q, want %q", got, step.want)
		}
	}
	crawlLog := func() int {
		out, err := logs.FilterLogEvents(ctx, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: aws.String("/aws-glue/crawlers")})
		if err != nil {
			return 0
		}
		return len(out.Events)
	}
	if got := crawlLog(); got != 0 {
		t.Errorf("%d lines were written without the permission", got)
	}
	grant(objects, tables, parts, writes)
	if got := crawl(); got != "" {
		t.Error(got)
	}
	until(t, "lines of the crawl", func() bool { return crawlLog() > 0 })

	// A streaming job.
	must(root.kinesis.CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: aws.String("orders"), ShardCount: aws.Int32(1)}))
	until(t, "the stream", func() bool {
		_, err := root.kinesis.PutRecord(ctx, &kinesis.PutRecordInput{StreamName: aws.String("orders"), Data: []byte(`{"n":1}`), PartitionKey: aws.String("k")})
		return err == nil
	})
	must(g.CreateJob(ctx, &glue.CreateJobInput{
		Name: aws.String("j"), Role: aws.String("worker"), Command: &types.JobCommand{Name: aws.String("gluestreaming")}, MaxRetries: 0,
		CodeGenConfigurationNodes: map[string]types.CodeGenConfigurationNode{
			"a": {DirectKinesisSource: &types.DirectKinesisSource{Name: aws.String("in"), WindowSize: aws.Int32(1), StreamingOptions: &types.KinesisStreamingSourceOptions{
				StreamName: aws.String("orders"), StartingPosition: types.StartingPositionEarliest, Classification: aws.String("json")}}},
			"b": {S3GlueParquetTarget: &types.S3GlueParquetTarget{Name: aws.String("out"), Inputs: []string{"a"}, Path: aws.String("s3://lake/out"),
				SchemaChangePolicy: &types.DirectSchemaChangePolicy{EnableUpdateCatalog: aws.Bool(true), UpdateBehavior: types.UpdateCatalogBehaviorUpdateInDatabase, Database: aws.String("shop"), Table: aws.String("out")}}},
		},
	}))
	run := func(done func() bool) string {
		id := must(g.StartJobRun(ctx, &glue.StartJobRunInput{JobName: aws.String("j")})).JobRunId
		defer func() {
			_, _ = g.BatchStopJobRun(ctx, &glue.BatchStopJobRunInput{JobName: aws.String("j"), JobRunIds: []string{*id}})
			until(t, "the end of the job", func() bool {
				r := must(g.GetJobRun(ctx, &glue.GetJobRunInput{JobName: aws.String("j"), RunId: id})).JobRun
				return r.CompletedOn != nil
			})
		}()
		message := ""
		until(t, "the job", func() bool {
			r := must(g.GetJobRun(ctx, &glue.GetJobRunInput{JobName: aws.String("j"), RunId: id})).JobRun
			message = aws.ToString(r.ErrorMessage)
			return message != "" || done()
		})
		return message
	}
	made := func() bool {
		_, err := g.GetTable(ctx, &glue.GetTableInput{DatabaseName: aws.String("shop"), Name: aws.String("out")})
		return err == nil
	}
	for _, step := range []struct {
		grants []string
		want   string
	}{
		{[]string{objects, tables, parts}, "is not authorized to perform: kinesis:"},
		{[]string{objects, reads}, "is not authorized to perform: glue:"},
		{[]string{objects, tables, parts, reads}, ""},
	} {
		grant(step.grants...)
		if got := run(made); step.want == "" && got != "" || !strings.Contains(got, step.want) || step.want != "" && !strings.Contains(got, as) {
			t.Errorf("a run: %q, want %q", got, step.want)
		}
	}

	// A role that does not trust Glue is nobody that it may act as.
	must(root.iam.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{RoleName: aws.String("worker"), PolicyDocument: trusts(`{"Service":"lambda.amazonaws.com"}`)}))
	if got := crawl(); got == "" {
		t.Error("a crawl with a role of others succeeds")
	}
}
