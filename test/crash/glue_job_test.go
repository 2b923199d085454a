package crash

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	gluetypes "github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/parquet-go/parquet-go"

	"github.com/brookmere/brookmere/test/nodetest"
)

// TestJobWritesEachRecordOnce: a visual streaming job has each record that was acknowledged in
// one row of one object, and every object in a partition of its table, with a node of SQL between
// source and target, too. CRASH_JOB_ROUNDS is how many kills.
func TestJobWritesEachRecordOnce(t *testing.T) {
	t.Run("plain", func(t *testing.T) { jobWritesEachRecordOnce(t, "") })
	t.Run("sql", func(t *testing.T) {
		jobWritesEachRecordOnce(t, "SELECT id, w, upper(w) AS named, row_number() OVER (PARTITION BY w ORDER BY id) AS place FROM records WHERE id IS NOT NULL")
	})
}

// jobWritesEachRecordOnce does so for a job with a query, if it is not empty.
func jobWritesEachRecordOnce(t *testing.T, query string) {
	was := *rounds
	*rounds = 4 // starts of processes take their time
	if n, err := strconv.Atoi(os.Getenv("CRASH_JOB_ROUNDS")); err == nil {
		*rounds = n
	}
	defer func() { *rounds = was }()
	const writers, batch, bucket, job = 3, 20, "lake", "job"
	var (
		mu    sync.Mutex
		acked = map[string]bool{}
		next  = make([]int, writers)
	)
	client := func(n *nodetest.Node) *kinesis.Client {
		return kinesis.NewFromConfig(n.AWS(), func(o *kinesis.Options) { o.RetryMaxAttempts = 1 })
	}
	objects := func(n *nodetest.Node) *s3.Client {
		return s3.NewFromConfig(n.AWS(), func(o *s3.Options) { o.UsePathStyle = true })
	}
	n := underFire(t, func(n *nodetest.Node) {
		if _, err := client(n).CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: aws.String(crashStream), ShardCount: aws.Int32(2)}); err != nil {
			t.Fatal(err)
		}
		if _, err := objects(n).CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(bucket)}); err != nil {
			t.Fatal(err)
		}
		g := glue.NewFromConfig(n.AWS())
		if _, err := g.CreateDatabase(t.Context(), &glue.CreateDatabaseInput{DatabaseInput: &gluetypes.DatabaseInput{Name: aws.String("db")}}); err != nil {
			t.Fatal(err)
		}
		last := "in"
		if query != "" {
			last = "query"
		}
		nodes := map[string]gluetypes.CodeGenConfigurationNode{
			"in": {DirectKinesisSource: &gluetypes.DirectKinesisSource{Name: aws.String("in"), WindowSize: aws.Int32(1), StreamingOptions: &gluetypes.KinesisStreamingSourceOptions{
				StreamName: aws.String(crashStream), StartingPosition: gluetypes.StartingPositionEarliest,
			}}},
			"out": {S3GlueParquetTarget: &gluetypes.S3GlueParquetTarget{
				Name: aws.String("out"), Inputs: []string{last}, Path: aws.String("s3://" + bucket + "/t/"), Compression: gluetypes.ParquetCompressionTypeSnappy,
				PartitionKeys: [][]string{{"w"}}, SchemaChangePolicy: &gluetypes.DirectSchemaChangePolicy{
					EnableUpdateCatalog: aws.Bool(true), UpdateBehavior: gluetypes.UpdateCatalogBehaviorUpdateInDatabase, Database: aws.String("db"), Table: aws.String("t"),
				},
			}},
		}
		if query != "" {
			nodes[last] = gluetypes.CodeGenConfigurationNode{SparkSQL: &gluetypes.SparkSQL{
				Name: aws.String(last), Inputs: []string{"in"}, SqlQuery: &query, SqlAliases: []gluetypes.SqlAlias{{From: aws.String("in"), Alias: aws.String("records")}},
			}}
		}
		if _, err := g.CreateJob(t.Context(), &glue.CreateJobInput{
			Name: aws.String(job), Role: aws.String("glue"), Command: &gluetypes.JobCommand{Name: aws.String("gluestreaming")}, CodeGenConfigurationNodes: nodes,
		}); err != nil {
			t.Fatal(err)
		}
		if _, err := g.StartJobRun(t.Context(), &glue.StartJobRunInput{JobName: aws.String(job)}); err != nil {
			t.Fatal(err)
		}
	}, func(ctx context.Context, n *nodetest.Node) {
		c := client(n)
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				for ctx.Err() == nil {
					in := &kinesis.PutRecordsInput{StreamName: aws.String(crashStream)}
					var ids []string
					for range batch {
						id := fmt.Sprintf("%d-%d", w, next[w])
						next[w]++
						ids = append(ids, id)
						in.Records = append(in.Records, types.PutRecordsRequestEntry{PartitionKey: aws.String(id), Data: fmt.Appendf(nil, "{\n  \"id\": %q,\n  \"w\": \"writer %d\"\n}", id, w)})
					}
					if out, err := c.PutRecords(ctx, in); err == nil && *out.FailedRecordCount == 0 {
						mu.Lock()
						for _, id := range ids {
							acked[id] = true
						}
						mu.Unlock()
					}
				}
			})
		}
		wg.Wait()
	})
	folders := map[string]bool{}
	count := func() map[string]int { return parquetRows(t, objects(n), bucket, folders) }
	missing := func(seen map[string]int) (n int) {
		for id := range acked {
			if seen[id] == 0 {
				n++
			}
		}
		return n
	}
	seen := count()
	for deadline := time.Now().Add(3 * time.Minute); missing(seen) > 0; seen = count() {
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d records are not in objects", missing(seen), len(acked))
		}
		time.Sleep(200 * time.Millisecond) // between looks; nothing is asserted of it
	}
	for id, n := range seen {
		if n != 1 {
			t.Errorf("record %s is in %d rows", id, n)
		}
	}
	wantPartitions(t, n, bucket, folders)
	if len(acked) == 0 {
		t.Error("nothing was acknowledged")
	}
	t.Logf("%d records, %d folders", len(seen), len(folders))
}

// parquetRows counts the rows of a table's objects by their id, and adds the objects' folders.
func parquetRows(t *testing.T, c *s3.Client, bucket string, folders map[string]bool) map[string]int {
	t.Helper()
	seen := map[string]int{}
	pages := s3.NewListObjectsV2Paginator(c, &s3.ListObjectsV2Input{Bucket: aws.String(bucket), Prefix: aws.String("t/")})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range page.Contents {
			folders[(*o.Key)[:strings.LastIndexByte(*o.Key, '/')+1]] = true
			out, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(bucket), Key: o.Key})
			var gone *s3types.NoSuchKey
			if errors.As(err, &gone) {
				continue // a batch is done again at this moment
			}
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(out.Body)
			out.Body.Close()
			if err != nil {
				t.Fatal(err)
			}
			rows, err := parquet.Read[struct {
				ID string `parquet:"id,optional"`
			}](bytes.NewReader(body), int64(len(body)))
			if err != nil {
				t.Fatalf("%s: %v", *o.Key, err)
			}
			for _, r := range rows {
				seen[r.ID]++
			}
		}
	}
	return seen
}

// wantPartitions waits until the table has a partition for each folder.
func wantPartitions(t *testing.T, n *nodetest.Node, bucket string, folders map[string]bool) {
	t.Helper()
	registered := map[string]bool{}
	g := glue.NewFromConfig(n.AWS())
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		pages := glue.NewGetPartitionsPaginator(g, &glue.GetPartitionsInput{DatabaseName: aws.String("db"), TableName: aws.String("t")})
		for pages.HasMorePages() {
			page, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range page.Partitions {
				registered[strings.TrimPrefix(*p.StorageDescriptor.Location, "s3://"+bucket+"/")] = true
			}
		}
		left := 0
		for f := range folders {
			if !registered[f] {
				left++
			}
		}
		if left == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d folders are in no partition", left, len(folders))
		}
	}
}
