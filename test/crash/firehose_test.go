package crash

import (
	"context"
	"encoding/csv"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/athena"
	athenatypes "github.com/aws/aws-sdk-go-v2/service/athena/types"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	firehosetypes "github.com/aws/aws-sdk-go-v2/service/firehose/types"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	gluetypes "github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/parquet-go/parquet-go"

	"github.com/brookmere/brookmere/test/nodetest"
)

const (
	crashBucket   = "under-fire"
	crashDatabase = "fire"
	crashTable    = "lake"
	crashRole     = "arn:aws:iam::000000000000:role/test"
)

func TestFirehoseDeliversOnce(t *testing.T) {
	var sent readings
	n := underFire(t, func(n *nodetest.Node) { makeDelivery(t, n, nil) }, sent.put)
	waitDelivered(t, n)
	counts := sent.check(t, queryColumn(t, n, "SELECT id FROM "+crashTable))
	if files := readFiles(t, n); !maps.Equal(files, counts) {
		t.Errorf("SQL finds %d different records, the files hold %d, and their counts differ", len(counts), len(files))
	}
	noStrayFiles(t, n)
}

// readings are records put by several writers, and which of them were acknowledged.
type readings struct {
	mu    sync.Mutex
	acked map[string]bool
	next  int
}

// put puts records until ctx ends or the node does.
func (r *readings) put(ctx context.Context, n *nodetest.Node) {
	const writers, batch, partitions = 4, 40, 7
	c := firehose.NewFromConfig(n.AWS(), func(o *firehose.Options) { o.RetryMaxAttempts = 1 })
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for ctx.Err() == nil {
				records, ids := make([]firehosetypes.Record, batch), make([]string, batch)
				r.mu.Lock()
				for i := range records {
					ids[i] = fmt.Sprintf("r%d", r.next)
					records[i].Data = fmt.Appendf(nil, `{"id":"%s","part":"p %d"}`, ids[i], r.next%partitions)
					r.next++
				}
				r.mu.Unlock()
				out, err := c.PutRecordBatch(ctx, &firehose.PutRecordBatchInput{DeliveryStreamName: aws.String(crashStream), Records: records})
				if err != nil {
					return
				}
				r.mu.Lock()
				if r.acked == nil {
					r.acked = make(map[string]bool)
				}
				for i, x := range out.RequestResponses {
					if x.ErrorCode == nil {
						r.acked[ids[i]] = true
					}
				}
				r.mu.Unlock()
			}
		})
	}
	wg.Wait()
}

// check counts ids that were found: each that was acknowledged is to be there once.
func (r *readings) check(t *testing.T, ids []string) map[string]int {
	t.Helper()
	counts := make(map[string]int)
	for _, id := range ids {
		counts[id]++
	}
	lost, doubled := 0, 0
	for id := range r.acked {
		if counts[id] == 0 {
			lost++
		}
	}
	for _, c := range counts {
		if c > 1 {
			doubled++
		}
	}
	if lost > 0 || doubled > 0 {
		t.Errorf("of %d acknowledged records %d are lost; %d are in the lake more than once", len(r.acked), lost, doubled)
	}
	t.Logf("%d kills: %d records acknowledged, %d in the lake", *rounds, len(r.acked), len(counts))
	return counts
}

// makeDelivery makes a table and the delivery stream that fills it, changed by edit.
func makeDelivery(t *testing.T, n *nodetest.Node, edit func(*firehose.CreateDeliveryStreamInput)) {
	t.Helper()
	ctx, cfg := t.Context(), n.AWS()
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true }).CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String(crashBucket)}))
	g := glue.NewFromConfig(cfg)
	must(g.CreateDatabase(ctx, &glue.CreateDatabaseInput{DatabaseInput: &gluetypes.DatabaseInput{Name: aws.String(crashDatabase)}}))
	must(g.CreateTable(ctx, &glue.CreateTableInput{DatabaseName: aws.String(crashDatabase), TableInput: &gluetypes.TableInput{
		Name: aws.String(crashTable),
		StorageDescriptor: &gluetypes.StorageDescriptor{
			Columns:      []gluetypes.Column{{Name: aws.String("id"), Type: aws.String("string")}, {Name: aws.String("part"), Type: aws.String("string")}},
			Location:     aws.String("s3://" + crashBucket + "/lake/"),
			InputFormat:  aws.String("org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat"),
			OutputFormat: aws.String("org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat"),
			SerdeInfo:    &gluetypes.SerDeInfo{SerializationLibrary: aws.String("org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe")},
		},
		TableType: aws.String("EXTERNAL_TABLE"),
	}}))
	in := &firehose.CreateDeliveryStreamInput{
		DeliveryStreamName: aws.String(crashStream),
		ExtendedS3DestinationConfiguration: &firehosetypes.ExtendedS3DestinationConfiguration{
			RoleARN:                          aws.String(crashRole),
			BucketARN:                        aws.String("arn:aws:s3:::" + crashBucket),
			Prefix:                           aws.String("lake/!{partitionKeyFromQuery:part}/"),
			ErrorOutputPrefix:                aws.String("errors/"),
			BufferingHints:                   &firehosetypes.BufferingHints{SizeInMBs: aws.Int32(64), IntervalInSeconds: aws.Int32(0)},
			DynamicPartitioningConfiguration: &firehosetypes.DynamicPartitioningConfiguration{Enabled: aws.Bool(true)},
			ProcessingConfiguration: &firehosetypes.ProcessingConfiguration{Enabled: aws.Bool(true), Processors: []firehosetypes.Processor{{
				Type: firehosetypes.ProcessorTypeMetadataExtraction,
				Parameters: []firehosetypes.ProcessorParameter{
					{ParameterName: firehosetypes.ProcessorParameterNameMetadataExtractionQuery, ParameterValue: aws.String("{part:.part}")},
					{ParameterName: firehosetypes.ProcessorParameterNameJsonParsingEngine, ParameterValue: aws.String("JQ-1.6")},
				},
			}}},
			DataFormatConversionConfiguration: &firehosetypes.DataFormatConversionConfiguration{
				InputFormatConfiguration:  &firehosetypes.InputFormatConfiguration{Deserializer: &firehosetypes.Deserializer{OpenXJsonSerDe: &firehosetypes.OpenXJsonSerDe{}}},
				OutputFormatConfiguration: &firehosetypes.OutputFormatConfiguration{Serializer: &firehosetypes.Serializer{ParquetSerDe: &firehosetypes.ParquetSerDe{}}},
				SchemaConfiguration: &firehosetypes.SchemaConfiguration{
					RoleARN: aws.String(crashRole), Region: aws.String("us-east-1"), DatabaseName: aws.String(crashDatabase), TableName: aws.String(crashTable), VersionId: aws.String("LATEST"),
				},
			},
		},
	}
	if edit != nil {
		edit(in)
	}
	must(firehose.NewFromConfig(cfg).CreateDeliveryStream(ctx, in))
}

// waitDelivered returns when all that was acknowledged is delivered.
func waitDelivered(t *testing.T, n *nodetest.Node) {
	t.Helper()
	for deadline := time.Now().Add(4 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		var all []struct {
			LagRecords int64  `json:"lag_records"`
			LastError  string `json:"last_error"`
		}
		if err := n.GetJSON("/_brookmere/deliveries", &all); err != nil {
			t.Fatal(err)
		}
		if len(all) == 1 && all[0].LagRecords == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not delivered: %+v", all)
		}
	}
}

// queryColumn returns the first column of a query's result, read from its CSV object.
func queryColumn(t *testing.T, n *nodetest.Node, statement string) []string {
	t.Helper()
	ctx, c := t.Context(), athena.NewFromConfig(n.AWS())
	started, err := c.StartQueryExecution(ctx, &athena.StartQueryExecutionInput{
		QueryString:           &statement,
		QueryExecutionContext: &athenatypes.QueryExecutionContext{Database: aws.String(crashDatabase)},
		ResultConfiguration:   &athenatypes.ResultConfiguration{OutputLocation: aws.String("s3://" + crashBucket + "/results/")},
	})
	if err != nil {
		t.Fatal(err)
	}
	for {
		out, err := c.GetQueryExecution(ctx, &athena.GetQueryExecutionInput{QueryExecutionId: started.QueryExecutionId})
		if err != nil {
			t.Fatal(err)
		}
		st := out.QueryExecution.Status
		if st.State == athenatypes.QueryExecutionStateSucceeded {
			break
		}
		if st.State == athenatypes.QueryExecutionStateFailed {
			t.Fatalf("%s: %s", statement, aws.ToString(st.StateChangeReason))
		}
		time.Sleep(20 * time.Millisecond)
	}
	obj, err := s3.NewFromConfig(n.AWS(), func(o *s3.Options) { o.UsePathStyle = true }).GetObject(ctx, &s3.GetObjectInput{
		Bucket: aws.String(crashBucket), Key: aws.String("results/" + *started.QueryExecutionId + ".csv"),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer obj.Body.Close()
	rows, err := csv.NewReader(obj.Body).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	column := make([]string, 0, len(rows))
	for _, r := range rows[1:] {
		column = append(column, r[0])
	}
	return column
}

// readFiles counts the ids in the Parquet files below the bucket's directory, by a library
// that neither writes them nor answers queries.
func readFiles(t *testing.T, n *nodetest.Node) map[string]int {
	t.Helper()
	counts := make(map[string]int)
	err := filepath.WalkDir(filepath.Join(n.Data, "objects", crashBucket, "lake"), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		rows, err := parquet.ReadFile[struct {
			ID string `parquet:"id,optional"`
		}](path)
		for _, r := range rows {
			counts[r.ID]++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return counts
}

// noStrayFiles looks for anything in the bucket that a reader should not see.
func noStrayFiles(t *testing.T, n *nodetest.Node) {
	t.Helper()
	c := s3.NewFromConfig(n.AWS(), func(o *s3.Options) { o.UsePathStyle = true })
	pages := s3.NewListObjectsV2Paginator(c, &s3.ListObjectsV2Input{Bucket: aws.String(crashBucket)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range page.Contents {
			if !strings.HasPrefix(*o.Key, "results/") && !strings.HasSuffix(*o.Key, ".parquet") {
				t.Errorf("stray object %s", *o.Key)
			}
		}
	}
}
