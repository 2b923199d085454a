package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/athena"
	athenatypes "github.com/aws/aws-sdk-go-v2/service/athena/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	firehosetypes "github.com/aws/aws-sdk-go-v2/service/firehose/types"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	gluetypes "github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/brookmere/brookmere/examples"
	"github.com/brookmere/brookmere/internal/dashboardfile"
	"github.com/brookmere/brookmere/internal/generate"
	"github.com/brookmere/brookmere/internal/nodeapi"
	"github.com/brookmere/brookmere/internal/server"
)

// What the demo makes.
const (
	demoRegion          = "us-east-1" // where nothing names another
	demoBucket          = "brookmere-demo"
	demoDatabase        = "demo"
	demoSchema          = "reading" // the Glue table that declares the columns
	demoStream          = "devices"
	demoCrawler         = "devices"
	demoTable           = "data" // the Glue table that the crawler makes, named after the folder
	demoTimestampLayout = generate.TimestampLayout
)

// demoClients are the SDK's clients, as any user would make them.
type demoClients struct {
	url        string
	account    string
	config     aws.Config
	s3         *s3.Client
	glue       *glue.Client
	firehose   *firehose.Client
	athena     *athena.Client
	cloudwatch *cloudwatch.Client
}

func newDemoClients(url, account string) *demoClients {
	c := &demoClients{url: url, account: account, config: aws.Config{
		Region:       demoRegion,
		BaseEndpoint: &url,
		Credentials:  credentials.NewStaticCredentialsProvider("test", "test", ""),
	}}
	c.make()
	return c
}

// use makes the clients of a configuration.
func (c *demoClients) use(cfg aws.Config) {
	c.config = cfg
	c.make()
}

// createBucket creates a bucket in the region of the clients.
func (c *demoClients) createBucket(ctx context.Context, name string) error {
	in := &s3.CreateBucketInput{Bucket: &name}
	if c.config.Region != demoRegion { // the only one whose buckets name none
		in.CreateBucketConfiguration = &s3types.CreateBucketConfiguration{LocationConstraint: s3types.BucketLocationConstraint(c.config.Region)}
	}
	_, err := c.s3.CreateBucket(ctx, in)
	return err
}

func (c *demoClients) make() {
	c.s3 = s3.NewFromConfig(c.config, func(o *s3.Options) { o.UsePathStyle = true })
	c.glue = glue.NewFromConfig(c.config)
	c.firehose = firehose.NewFromConfig(c.config)
	c.athena = athena.NewFromConfig(c.config)
	c.cloudwatch = cloudwatch.NewFromConfig(c.config)
}

// dashboard puts the dashboard of an example, unless there is one of its name: somebody may have changed it.
func (c *demoClients) dashboard(ctx context.Context, name string) error {
	_, err := c.cloudwatch.GetDashboard(ctx, &cloudwatch.GetDashboardInput{DashboardName: &name})
	if err == nil || unless(err, "ResourceNotFound", "DashboardNotFoundError") != nil {
		return err
	}
	text, err := examples.Dashboard(name)
	if err != nil {
		return err
	}
	body, err := dashboardfile.Body(text)
	if err != nil {
		return fmt.Errorf("dashboard %s: %w", name, err)
	}
	return putDashboard(ctx, c.cloudwatch, name, body)
}

// removeDashboard removes it; one that is not there is no error.
func (c *demoClients) removeDashboard(ctx context.Context, name string) error {
	_, err := c.cloudwatch.DeleteDashboards(ctx, &cloudwatch.DeleteDashboardsInput{DashboardNames: []string{name}})
	return unless(err, "ResourceNotFound", "DashboardNotFoundError")
}

// setUp makes what the pipeline needs and leaves what an earlier run made.
func (c *demoClients) setUp(ctx context.Context, step func(what, name string)) error {
	var (
		bucketExists *s3types.BucketAlreadyOwnedByYou
		glueExists   *gluetypes.AlreadyExistsException
		streamExists *firehosetypes.ResourceInUseException
	)
	for _, s := range []struct {
		what, name string
		exists     any
		make       func() error
	}{
		{"bucket", demoBucket, &bucketExists, func() error {
			return c.createBucket(ctx, demoBucket)
		}},
		{"database", demoDatabase, &glueExists, func() error {
			_, err := c.glue.CreateDatabase(ctx, &glue.CreateDatabaseInput{DatabaseInput: &gluetypes.DatabaseInput{Name: aws.String(demoDatabase)}})
			return err
		}},
		{"table", demoDatabase + "." + demoSchema, &glueExists, func() error {
			_, err := c.glue.CreateTable(ctx, &glue.CreateTableInput{
				DatabaseName: aws.String(demoDatabase),
				TableInput: &gluetypes.TableInput{
					Name:              aws.String(demoSchema),
					StorageDescriptor: &gluetypes.StorageDescriptor{Columns: readingColumns()},
				},
			})
			return err
		}},
		{"delivery stream", demoStream, &streamExists, func() error {
			_, err := c.firehose.CreateDeliveryStream(ctx, c.deliveryStream())
			return err
		}},
		{"crawler", demoCrawler, &glueExists, func() error {
			_, err := c.glue.CreateCrawler(ctx, &glue.CreateCrawlerInput{
				Name:         aws.String(demoCrawler),
				Role:         c.role(),
				DatabaseName: aws.String(demoDatabase),
				Targets:      &gluetypes.CrawlerTargets{S3Targets: []gluetypes.S3Target{{Path: aws.String("s3://" + demoBucket + "/data/")}}},
			})
			return err
		}},
	} {
		err := s.make()
		switch {
		case err == nil:
			step(s.what, s.name)
		case errors.As(err, s.exists):
			step(s.what, s.name+" (was there)")
		default:
			return fmt.Errorf("create %s %s: %w", s.what, s.name, err)
		}
	}
	return nil
}

// cleanDevices removes what the demo of devices made: what reads first, what is read last.
func (c *demoClients) cleanDevices(ctx context.Context, step func(what, name string)) error {
	for _, s := range []struct {
		name   string
		remove func() error
	}{
		{"dashboard " + demoStream, func() error { return c.removeDashboard(ctx, demoStream) }},
		{"crawler " + demoCrawler, func() error {
			_, err := c.glue.DeleteCrawler(ctx, &glue.DeleteCrawlerInput{Name: aws.String(demoCrawler)})
			return unless(err, "EntityNotFoundException")
		}},
		{"delivery stream " + demoStream, func() error { return c.removeDelivery(ctx, demoStream) }},
		{"database " + demoDatabase, func() error {
			_, err := c.glue.DeleteDatabase(ctx, &glue.DeleteDatabaseInput{Name: aws.String(demoDatabase)})
			return unless(err, "EntityNotFoundException")
		}},
		{"bucket " + demoBucket, func() error { return c.removeBucket(ctx, demoBucket) }},
	} {
		if err := s.remove(); err != nil {
			return fmt.Errorf("remove the %s: %w", s.name, err)
		}
		step("removed", s.name)
	}
	return nil
}

// removeDelivery removes a delivery stream and waits until it is gone; one that is not there is no error.
func (c *demoClients) removeDelivery(ctx context.Context, name string) error {
	_, err := c.firehose.DeleteDeliveryStream(ctx, &firehose.DeleteDeliveryStreamInput{DeliveryStreamName: &name})
	if err := unless(err, "ResourceNotFoundException"); err != nil {
		return err
	}
	return poll(ctx, 100*time.Millisecond, func() (bool, error) {
		_, err := c.firehose.DescribeDeliveryStream(ctx, &firehose.DescribeDeliveryStreamInput{DeliveryStreamName: &name})
		return err != nil, unless(err, "ResourceNotFoundException")
	})
}

func readingColumns() []gluetypes.Column {
	var cols []gluetypes.Column
	for _, c := range [][2]string{
		{"temperature", "int"}, {"cpu", "double"}, {"ram", "double"}, {"hd", "double"},
		{"timestamp", "string"}, {"timestamp_sent", "string"}, {"id_device", "int"},
	} {
		cols = append(cols, gluetypes.Column{Name: aws.String(c[0]), Type: aws.String(c[1])})
	}
	return cols
}

func (c *demoClients) role() *string {
	return aws.String("arn:aws:iam::" + c.account + ":role/demo")
}

func (c *demoClients) deliveryStream() *firehose.CreateDeliveryStreamInput {
	return &firehose.CreateDeliveryStreamInput{
		DeliveryStreamName: aws.String(demoStream),
		DeliveryStreamType: firehosetypes.DeliveryStreamTypeDirectPut,
		ExtendedS3DestinationConfiguration: &firehosetypes.ExtendedS3DestinationConfiguration{
			RoleARN:           c.role(),
			BucketARN:         aws.String("arn:aws:s3:::" + demoBucket),
			Prefix:            aws.String("data/!{partitionKeyFromQuery:timestamp_sent}/"),
			ErrorOutputPrefix: aws.String("errors/!{firehose:error-output-type}/"),
			BufferingHints:    &firehosetypes.BufferingHints{SizeInMBs: aws.Int32(64), IntervalInSeconds: aws.Int32(2)},
			DynamicPartitioningConfiguration: &firehosetypes.DynamicPartitioningConfiguration{
				Enabled: aws.Bool(true),
			},
			ProcessingConfiguration: &firehosetypes.ProcessingConfiguration{
				Enabled: aws.Bool(true),
				Processors: []firehosetypes.Processor{{
					Type: firehosetypes.ProcessorTypeMetadataExtraction,
					Parameters: []firehosetypes.ProcessorParameter{
						{ParameterName: firehosetypes.ProcessorParameterNameMetadataExtractionQuery, ParameterValue: aws.String("{timestamp_sent:.timestamp_sent}")},
						{ParameterName: firehosetypes.ProcessorParameterNameJsonParsingEngine, ParameterValue: aws.String("JQ-1.6")},
					},
				}},
			},
			DataFormatConversionConfiguration: &firehosetypes.DataFormatConversionConfiguration{
				Enabled: aws.Bool(true),
				InputFormatConfiguration: &firehosetypes.InputFormatConfiguration{
					Deserializer: &firehosetypes.Deserializer{OpenXJsonSerDe: &firehosetypes.OpenXJsonSerDe{}},
				},
				OutputFormatConfiguration: &firehosetypes.OutputFormatConfiguration{
					Serializer: &firehosetypes.Serializer{ParquetSerDe: &firehosetypes.ParquetSerDe{}},
				},
				SchemaConfiguration: &firehosetypes.SchemaConfiguration{
					RoleARN:      c.role(),
					Region:       aws.String(c.config.Region),
					DatabaseName: aws.String(demoDatabase),
					TableName:    aws.String(demoSchema),
					VersionId:    aws.String("LATEST"),
				},
			},
		},
	}
}

// delivery asks the node how far the delivery stream is.
func (c *demoClients) delivery(ctx context.Context) (nodeapi.Delivery, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url+server.NodePrefix+"deliveries", nil)
	if err != nil {
		return nodeapi.Delivery{}, err
	}
	if err := signOwn(ctx, c.config, req); err != nil {
		return nodeapi.Delivery{}, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nodeapi.Delivery{}, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10)) // the status alone will do
		return nodeapi.Delivery{}, fmt.Errorf("the node at %s answers %s when asked for its deliveries: %s", c.url, resp.Status, strings.TrimSpace(string(text)))
	}
	var all []nodeapi.Delivery
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(&all); err != nil {
		return nodeapi.Delivery{}, fmt.Errorf("read the state of deliveries: %w", err)
	}
	for _, s := range all {
		if s.Name == demoStream && s.Region == c.config.Region && s.Account == c.account {
			return s, nil
		}
	}
	return nodeapi.Delivery{}, fmt.Errorf("the node has no delivery stream %s", demoStream)
}

// printFolders shows what lies below data/, a line a folder.
func (c *demoClients) printFolders(ctx context.Context, out io.Writer) error {
	type folder struct {
		objects int
		bytes   int64
	}
	folders, order := make(map[string]*folder), []string(nil)
	pages := s3.NewListObjectsV2Paginator(c.s3, &s3.ListObjectsV2Input{Bucket: aws.String(demoBucket), Prefix: aws.String("data/")})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, o := range page.Contents {
			dir := path.Dir(*o.Key)
			f := folders[dir]
			if f == nil {
				f = new(folder)
				folders[dir] = f
				order = append(order, dir)
			}
			f.objects++
			f.bytes += *o.Size
		}
	}
	for _, dir := range order {
		fmt.Fprintf(out, "  s3://%s/%s/  %d Parquet objects, %d KiB\n", demoBucket, dir, folders[dir].objects, folders[dir].bytes>>10)
	}
	return nil
}

// crawl runs the crawler and waits for its end.
func (c *demoClients) crawl(ctx context.Context) error {
	if _, err := c.glue.StartCrawler(ctx, &glue.StartCrawlerInput{Name: aws.String(demoCrawler)}); err != nil {
		return err
	}
	return poll(ctx, 50*time.Millisecond, func() (bool, error) {
		out, err := c.glue.GetCrawler(ctx, &glue.GetCrawlerInput{Name: aws.String(demoCrawler)})
		if err != nil || out.Crawler.State != gluetypes.CrawlerStateReady {
			return false, err
		}
		if last := out.Crawler.LastCrawl; last != nil && last.Status == gluetypes.LastCrawlStatusFailed {
			return false, fmt.Errorf("crawl failed: %s", aws.ToString(last.ErrorMessage))
		}
		return true, nil
	})
}

// query runs a statement and returns its rows as text, the column names first.
func (c *demoClients) query(ctx context.Context, statement string) ([][]string, error) {
	return c.queryAt(ctx, demoDatabase, "s3://"+demoBucket+"/athena/", statement)
}

// queryAt is query in a database, with its results at a location.
func (c *demoClients) queryAt(ctx context.Context, database, results, statement string) ([][]string, error) {
	started, err := c.athena.StartQueryExecution(ctx, &athena.StartQueryExecutionInput{
		QueryString:           &statement,
		QueryExecutionContext: &athenatypes.QueryExecutionContext{Database: &database},
		ResultConfiguration:   &athenatypes.ResultConfiguration{OutputLocation: &results},
	})
	if err != nil {
		return nil, err
	}
	err = poll(ctx, 20*time.Millisecond, func() (bool, error) {
		out, err := c.athena.GetQueryExecution(ctx, &athena.GetQueryExecutionInput{QueryExecutionId: started.QueryExecutionId})
		if err != nil {
			return false, err
		}
		switch st := out.QueryExecution.Status; st.State {
		case athenatypes.QueryExecutionStateFailed, athenatypes.QueryExecutionStateCancelled:
			return false, fmt.Errorf("query %s: %s", st.State, aws.ToString(st.StateChangeReason))
		case athenatypes.QueryExecutionStateSucceeded:
			return true, nil
		}
		return false, nil
	})
	if err != nil {
		return nil, err
	}
	var rows [][]string
	pages := athena.NewGetQueryResultsPaginator(c.athena, &athena.GetQueryResultsInput{QueryExecutionId: started.QueryExecutionId})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, r := range page.ResultSet.Rows {
			row := make([]string, len(r.Data))
			for i, d := range r.Data {
				row[i] = aws.ToString(d.VarCharValue)
			}
			rows = append(rows, row)
		}
	}
	return rows, nil
}

// tips is what to try next.
func (c *demoClients) tips() string {
	return fmt.Sprintf(`
The node stays up. In another terminal, try

  export AWS_ENDPOINT_URL=%s
  export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_DEFAULT_REGION=%s

  aws s3 ls --recursive --human-readable s3://%s/data/
  aws glue get-table --database-name %s --name %s
  # AWS CLI 2; version 1 goes without --cli-binary-format
  aws firehose put-record --delivery-stream-name %s --cli-binary-format raw-in-base64-out \
      --record '{"Data":"{\"temperature\":21,\"timestamp_sent\":\"2026-01-01 00\",\"id_device\":7}"}'
  aws athena start-query-execution --query-execution-context Database=%s \
      --query-string 'SELECT count(*) FROM %s' \
      --result-configuration OutputLocation=s3://%s/athena/
  curl %s/_brookmere/health
`, c.url, c.config.Region, demoBucket, demoDatabase, demoTable, demoStream, demoDatabase, demoTable, demoBucket, c.url)
}
