package crash

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	gluetypes "github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/brookmere/brookmere/test/nodetest"
)

// streamScript is a script in the form in which Glue Studio writes it.
const streamScript = `
import sys, datetime
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext
from awsglue.context import GlueContext
from awsglue.job import Job
from awsglue import DynamicFrame

args = getResolvedOptions(sys.argv, ["JOB_NAME", "TempDir"])
glueContext = GlueContext(SparkContext())
job = Job(glueContext)
job.init(args["JOB_NAME"], args)
source = glueContext.create_data_frame.from_options(connection_type="kinesis", connection_options={"typeOfData": "kinesis", "streamName": "%s", "classification": "json", "startingPosition": "earliest", "inferSchema": "true"}, transformation_ctx="source")

def processBatch(data_frame, batchId):
    if data_frame.count() > 0:
        frame = DynamicFrame.fromDF(data_frame, glueContext, "from_data_frame")
        now = datetime.datetime.now()
        path = "s3://lake/t" + "/ingest_year=" + "{:0>4}".format(str(now.year)) + "/ingest_minute=" + "{:0>2}".format(str(now.minute)) + "/"
        sink = glueContext.getSink(path=path, connection_type="s3", updateBehavior="UPDATE_IN_DATABASE", partitionKeys=[], enableUpdateCatalog=True, transformation_ctx="sink")
        sink.setCatalogInfo(catalogDatabase="db", catalogTableName="t")
        sink.setFormat("glueparquet", compression="snappy")
        sink.writeFrame(frame)

glueContext.forEachBatch(frame=source, batch_function=processBatch, options={"windowSize": "1 seconds", "checkpointLocation": args["TempDir"] + "/" + args["JOB_NAME"] + "/checkpoint/"})
job.commit()
`

// TestScriptWritesEachRecordOnce: a streaming script on Spark has each record that was acknowledged in one row of one
// object, whether its node or its own process is killed. CRASH_SPARK is a data directory that brookmere jobs setup has
// installed Spark into, and CRASH_SCRIPT_ROUNDS how many kills; without the first the test is skipped.
func TestScriptWritesEachRecordOnce(t *testing.T) {
	spark := os.Getenv("CRASH_SPARK")
	if spark == "" {
		t.Skip("CRASH_SPARK names no data directory with Spark")
	}
	kills := 4
	if n, err := strconv.Atoi(os.Getenv("CRASH_SCRIPT_ROUNDS")); err == nil {
		kills = n
	}
	data := t.TempDir()
	if err := os.MkdirAll(filepath.Join(data, "jobs"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(spark, "jobs", "python"), filepath.Join(data, "jobs", "python")); err != nil {
		t.Fatal(err)
	}
	objects := func(n *nodetest.Node) *s3.Client {
		return s3.NewFromConfig(n.AWS(), func(o *s3.Options) { o.UsePathStyle = true })
	}
	n := nodetest.Start(t, nodetest.Options{Data: data})
	c := kinesis.NewFromConfig(n.AWS())
	if _, err := c.CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: aws.String(crashStream), ShardCount: aws.Int32(2)}); err != nil {
		t.Fatal(err)
	}
	if _, err := objects(n).CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("lake")}); err != nil {
		t.Fatal(err)
	}
	if _, err := objects(n).PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("lake"), Key: aws.String("s.py"), Body: strings.NewReader(fmt.Sprintf(streamScript, crashStream))}); err != nil {
		t.Fatal(err)
	}
	g := glue.NewFromConfig(n.AWS())
	if _, err := g.CreateDatabase(t.Context(), &glue.CreateDatabaseInput{DatabaseInput: &gluetypes.DatabaseInput{Name: aws.String("db")}}); err != nil {
		t.Fatal(err)
	}
	if _, err := g.CreateJob(t.Context(), &glue.CreateJobInput{
		Name: aws.String("job"), Role: aws.String("glue"), MaxRetries: 10, DefaultArguments: map[string]string{"--TempDir": "s3://lake/tmp"},
		Command: &gluetypes.JobCommand{Name: aws.String("gluestreaming"), ScriptLocation: aws.String("s3://lake/s.py")},
	}); err != nil {
		t.Fatal(err)
	}
	acked := map[string]bool{}
	produce := func(ctx context.Context, n *nodetest.Node, round int) {
		c := kinesis.NewFromConfig(n.AWS(), func(o *kinesis.Options) { o.RetryMaxAttempts = 1 })
		for i := 0; ctx.Err() == nil; i++ {
			in := &kinesis.PutRecordsInput{StreamName: aws.String(crashStream)}
			var ids []string
			for j := range 20 {
				id := fmt.Sprintf("%d-%d-%d", round, i, j)
				ids = append(ids, id)
				in.Records = append(in.Records, types.PutRecordsRequestEntry{PartitionKey: aws.String(id), Data: fmt.Appendf(nil, "{\n  \"id\": %q,\n  \"w\": %d\n}", id, i)})
			}
			if out, err := c.PutRecords(ctx, in); err == nil && *out.FailedRecordCount == 0 {
				for _, id := range ids {
					acked[id] = true
				}
			}
			time.Sleep(100 * time.Millisecond) // the load's own pace
		}
	}
	running := func() { // starts the job again where its retries have ended
		_, _ = glue.NewFromConfig(n.AWS()).StartJobRun(t.Context(), &glue.StartJobRunInput{JobName: aws.String("job")}) // it is refused while one runs
	}
	folders := map[string]bool{}
	for round := range kills {
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { produce(ctx, n, round) })
		before := len(parquetRows(t, objects(n), "lake", folders))
		for deadline := time.Now().Add(10 * time.Minute); len(parquetRows(t, objects(n), "lake", folders)) == before; time.Sleep(300 * time.Millisecond) {
			running()
			if time.Now().After(deadline) {
				t.Fatalf("round %d: the script writes nothing: %s", round, n.Log())
			}
		}
		time.Sleep(time.Duration(rand.IntN(4000)) * time.Millisecond) // it makes rounds differ; nothing is asserted of it
		if round%2 == 0 {
			n.Kill()
		} else if !killScript(n.PID()) {
			t.Errorf("round %d: the script's process was not found", round)
		}
		cancel()
		wg.Wait()
		if round%2 == 0 {
			n = nodetest.Start(t, nodetest.Options{Data: data})
		}
		t.Logf("round %d: %d records acknowledged", round, len(acked))
	}
	var seen map[string]int
	for deadline := time.Now().Add(10 * time.Minute); ; time.Sleep(time.Second) {
		running()
		seen = parquetRows(t, objects(n), "lake", folders)
		missing := 0
		for id := range acked {
			if seen[id] == 0 {
				missing++
			}
		}
		if missing == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d records are not in objects", missing, len(acked))
		}
	}
	doubled := 0
	for _, n := range seen {
		if n != 1 {
			doubled++
		}
	}
	if doubled > 0 || len(acked) == 0 {
		t.Errorf("%d of %d records are there more than once, %d were acknowledged", doubled, len(seen), len(acked))
	}
	wantPartitions(t, n, "lake", folders)
	t.Logf("%d records acknowledged, %d in objects, %d folders, %d kills", len(acked), len(seen), len(folders), kills)
}

// killScript kills the Java process below a node.
func killScript(node int) bool {
	parents := map[int]int{}
	var java []int
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return false
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		text, err := os.ReadFile(filepath.Join("/proc", e.Name(), "stat"))
		if err != nil {
			continue
		}
		name, rest, _ := strings.Cut(string(text), ") ")
		fields := strings.Fields(rest)
		if len(fields) < 2 {
			continue
		}
		parents[pid], _ = strconv.Atoi(fields[1])
		if strings.HasSuffix(name, "(java") {
			java = append(java, pid)
		}
	}
	for _, pid := range java {
		for p := pid; p > 1; p = parents[p] {
			if p == node {
				return syscall.Kill(pid, syscall.SIGKILL) == nil
			}
		}
	}
	return false
}
