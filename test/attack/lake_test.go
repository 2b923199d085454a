package attack

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/athena"
	athenatypes "github.com/aws/aws-sdk-go-v2/service/athena/types"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	gluetypes "github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/brookmere/brookmere/test/nodetest"
)

// lakeUser is one account's clients of a node's lake.
type lakeUser struct {
	t      testing.TB
	s3     *s3.Client
	athena *athena.Client
	glue   *glue.Client
	bucket string // its own
}

// newLakeUser makes the clients of an account and its bucket.
func newLakeUser(t testing.TB, n *nodetest.Node, account, bucket string) *lakeUser {
	t.Helper()
	cfg := n.AWS()
	cfg.Credentials = credentials.NewStaticCredentialsProvider(account, "secret", "")
	u := &lakeUser{t: t, athena: athena.NewFromConfig(cfg), glue: glue.NewFromConfig(cfg), bucket: bucket,
		s3: s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })}
	if _, err := u.s3.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &bucket}); err != nil {
		t.Fatal(err)
	}
	return u
}

func (u *lakeUser) put(key, text string) {
	u.t.Helper()
	_, err := u.s3.PutObject(u.t.Context(), &s3.PutObjectInput{Bucket: &u.bucket, Key: &key, Body: strings.NewReader(text)})
	if err != nil {
		u.t.Fatal(err)
	}
}

// start sends a statement.
func (u *lakeUser) start(text string) string {
	u.t.Helper()
	out, err := u.athena.StartQueryExecution(u.t.Context(), &athena.StartQueryExecutionInput{
		QueryString: &text, ResultConfiguration: &athenatypes.ResultConfiguration{OutputLocation: aws.String("s3://" + u.bucket + "/results/")},
	})
	if err != nil {
		u.t.Fatalf("%.100s: %v", text, err)
	}
	return *out.QueryExecutionId
}

// wait returns an execution when it has ended; it fails the test after the limit.
func (u *lakeUser) wait(id string, limit time.Duration) *athenatypes.QueryExecution {
	u.t.Helper()
	ctx, cancel := context.WithTimeout(u.t.Context(), limit)
	defer cancel()
	for {
		out, err := u.athena.GetQueryExecution(ctx, &athena.GetQueryExecutionInput{QueryExecutionId: &id})
		if err != nil {
			u.t.Fatalf("the query has not ended in %v: %v", limit, err)
		}
		switch out.QueryExecution.Status.State {
		case athenatypes.QueryExecutionStateQueued, athenatypes.QueryExecutionStateRunning:
			time.Sleep(20 * time.Millisecond)
			continue
		}
		return out.QueryExecution
	}
}

// run runs a statement to its end, and returns the state, the reason and the rows as lines.
func (u *lakeUser) run(text string) (state athenatypes.QueryExecutionState, reason, rows string) {
	u.t.Helper()
	q := u.wait(u.start(text), 2*time.Minute)
	if q.Status.State != athenatypes.QueryExecutionStateSucceeded {
		return q.Status.State, aws.ToString(q.Status.StateChangeReason), ""
	}
	out, err := u.athena.GetQueryResults(u.t.Context(), &athena.GetQueryResultsInput{QueryExecutionId: q.QueryExecutionId})
	if err != nil {
		u.t.Fatal(err)
	}
	var lines []string
	for _, r := range out.ResultSet.Rows {
		var values []string
		for _, d := range r.Data {
			values = append(values, aws.ToString(d.VarCharValue))
		}
		lines = append(lines, strings.Join(values, "|"))
	}
	return q.Status.State, "", strings.Join(lines, "\n")
}

// must runs a statement that has to succeed, and returns its rows.
func (u *lakeUser) must(text string) string {
	u.t.Helper()
	state, reason, rows := u.run(text)
	if state != athenatypes.QueryExecutionStateSucceeded {
		u.t.Fatalf("%s: %s %s", text, state, reason)
	}
	return rows
}

const (
	mallory = "111111111111"
	victim  = "222222222222"
)

// TestLakeReachesOwnBuckets: no statement and no crawl reads or writes the objects of another
// account, however the location is spelt.
func TestLakeReachesOwnBuckets(t *testing.T) {
	n := nodetest.Start(t, nodetest.Options{})
	m, v := newLakeUser(t, n, mallory, "mallorys"), newLakeUser(t, n, victim, "victims")
	v.put("secret/1.csv", "the secret\n")
	v.put("secret/d=1/1.csv", "the secret\n")
	m.must("CREATE DATABASE m")
	for name, scheme := range map[string]string{"a": "s3", "b": "s3a", "c": "s3n", "d": "S3"} {
		_, err := m.glue.CreateTable(t.Context(), &glue.CreateTableInput{DatabaseName: aws.String("m"), TableInput: &gluetypes.TableInput{
			Name: &name, TableType: aws.String("EXTERNAL_TABLE"), StorageDescriptor: &gluetypes.StorageDescriptor{
				Columns: []gluetypes.Column{{Name: aws.String("line"), Type: aws.String("string")}}, Location: aws.String(scheme + "://victims/secret/"),
				SerdeInfo: &gluetypes.SerDeInfo{SerializationLibrary: aws.String("org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe")},
			}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	m.must("CREATE EXTERNAL TABLE m.parts (line string) PARTITIONED BY (d int) LOCATION 's3://mallorys/parts/'")
	m.must("ALTER TABLE m.parts ADD PARTITION (d = 1) LOCATION 's3://victims/secret/d=1/'")
	m.must("CREATE EXTERNAL TABLE m.own (line string) LOCATION 's3://mallorys/own/'")
	m.must(`CREATE EXTERNAL TABLE m.projected (line string) PARTITIONED BY (d int) LOCATION 's3://mallorys/p/' TBLPROPERTIES (
		'projection.enabled' = 'true', 'projection.d.type' = 'integer', 'projection.d.range' = '1,2', 'storage.location.template' = 's3://victims/secret/d=${d}/')`)
	for _, q := range []string{
		"SELECT * FROM m.a", "SELECT * FROM m.b", "SELECT * FROM m.c", "SELECT * FROM m.d", "SELECT count(*) FROM m.a", "SELECT * FROM m.parts", "SELECT * FROM m.projected",
		"CREATE TABLE m.copy AS SELECT * FROM m.a", "INSERT INTO m.own SELECT * FROM m.b", "UNLOAD (SELECT * FROM m.c) TO 's3://mallorys/unloaded/' WITH (format = 'JSON')",
	} {
		state, reason, rows := m.run(q)
		if state != athenatypes.QueryExecutionStateFailed || !strings.HasPrefix(reason, "Permission denied on S3 path: ") {
			t.Errorf("%s: %s %s %s", q, state, reason, rows)
		}
	}
	for _, q := range []string{
		"CREATE TABLE m.into WITH (external_location = 's3://victims/into/') AS SELECT 1 x",
		"UNLOAD (SELECT 1 x) TO 's3://victims/into/' WITH (format = 'JSON')", "INSERT INTO m.a SELECT 'x'", "MSCK REPAIR TABLE m.a",
	} {
		if state, reason, rows := m.run(q); state == athenatypes.QueryExecutionStateSucceeded && rows != "" || strings.Contains(reason, "<") {
			t.Errorf("%s: %s %s %s", q, state, reason, rows)
		}
	}
	out, err := v.s3.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String("victims")})
	if err != nil || len(out.Contents) != 2 {
		t.Errorf("the victim's bucket has %d objects, %v", len(out.Contents), err)
	}

	_, err = m.glue.CreateCrawler(t.Context(), &glue.CreateCrawlerInput{Name: aws.String("c"), Role: aws.String("r"), DatabaseName: aws.String("m"),
		TablePrefix: aws.String("crawled_"), Targets: &gluetypes.CrawlerTargets{S3Targets: []gluetypes.S3Target{{Path: aws.String("s3://victims/secret/")}}}})
	if err == nil {
		_, err = m.glue.StartCrawler(t.Context(), &glue.StartCrawlerInput{Name: aws.String("c")})
	}
	if err != nil {
		t.Fatal(err)
	}
	for {
		c, err := m.glue.GetCrawler(t.Context(), &glue.GetCrawlerInput{Name: aws.String("c")})
		if err != nil {
			t.Fatal(err)
		}
		if c.Crawler.State == gluetypes.CrawlerStateReady {
			if c.Crawler.LastCrawl == nil || c.Crawler.LastCrawl.Status != gluetypes.LastCrawlStatusFailed {
				t.Errorf("the crawl of another's bucket: %+v", c.Crawler.LastCrawl)
			}
			break
		}
		time.Sleep(20 * time.Millisecond)
	}

	// The owner reads all of it.
	v.must("CREATE DATABASE v")
	v.must("CREATE EXTERNAL TABLE v.t (line string) LOCATION 's3://victims/secret/'")
	if got := v.must("SELECT line FROM v.t LIMIT 1"); !strings.Contains(got, "the secret") {
		t.Errorf("the owner reads %q", got)
	}
}

// TestQueriesStop: a statement that is in the middle of one call ends soon after it is told to,
// what takes too much memory fails, and the node's other queries go on.
func TestQueriesStop(t *testing.T) {
	n := nodetest.Start(t, nodetest.Options{})
	u := newLakeUser(t, n, mallory, "mallorys")
	for _, bomb := range []string{
		"SELECT length(rpad('a', 2000000000, 'b'))",
		"SELECT cardinality(map_agg(x * 10000 + y, rpad('a', 100000, 'b'))) FROM UNNEST(sequence(1, 10000)) t(x) CROSS JOIN UNNEST(sequence(1, 100)) u(y)",
		"SELECT reduce(sequence(1, 40), 'a', (s, x) -> s || s, s -> length(s))",
		"SELECT max(x * y) FROM UNNEST(sequence(1, 10000)) a(x) CROSS JOIN UNNEST(sequence(1, 10000)) b(y) CROSS JOIN UNNEST(sequence(1, 10000)) c(z)",
	} {
		id := u.start(bomb)
		time.Sleep(200 * time.Millisecond)
		if _, err := u.athena.StopQueryExecution(t.Context(), &athena.StopQueryExecutionInput{QueryExecutionId: &id}); err != nil {
			t.Fatal(err)
		}
		q := u.wait(id, 2*time.Minute)
		reason := aws.ToString(q.Status.StateChangeReason)
		if q.Status.State == athenatypes.QueryExecutionStateFailed && reason != "Query exhausted resources at this scale factor" {
			t.Errorf("%s: %s", bomb, reason)
		}
		if got := u.must("SELECT 1 + 1 AS n"); got != "n\n2" {
			t.Errorf("after %s: %q", bomb, got)
		}
	}
}

// TestReasonsTellNothing: why a statement failed is told in the words of S3 locations.
func TestReasonsTellNothing(t *testing.T) {
	n := nodetest.Start(t, nodetest.Options{})
	u := newLakeUser(t, n, mallory, "mallorys")
	u.must("CREATE DATABASE d")
	garbage := strings.Repeat("garbage ", 100)
	for name, c := range map[string]struct{ key, format string }{
		"parquet": {"1.parquet", "STORED AS PARQUET"}, "json": {"1.json", "ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'"},
		"gzip": {"1.csv.gz", "ROW FORMAT DELIMITED FIELDS TERMINATED BY ','"}, "bzip2": {"1.csv.bz2", "ROW FORMAT DELIMITED FIELDS TERMINATED BY ','"},
		"zstd": {"1.csv.zst", "ROW FORMAT DELIMITED FIELDS TERMINATED BY ','"},
	} {
		u.put(name+"/"+c.key, garbage)
		u.must("CREATE EXTERNAL TABLE d." + name + " (a int) " + c.format + " LOCATION 's3://mallorys/" + name + "/'")
		for _, q := range []string{"SELECT * FROM d." + name, "SELECT count(*) FROM d." + name, "CREATE TABLE d.c_" + name + " AS SELECT * FROM d." + name, "EXPLAIN ANALYZE SELECT a FROM d." + name} {
			state, reason, _ := u.run(q)
			if strings.Contains(reason, n.Data) || strings.Contains(reason, "/tmp") || strings.ContainsAny(reason, "<>") || strings.Contains(reason, "GENERIC_INTERNAL") {
				t.Errorf("%s: %s %s", q, state, reason)
			}
		}
	}
	u.must("CREATE EXTERNAL TABLE d.nowhere (a int) LOCATION 's3://no-such-bucket-here/x/'")
	_, reason, _ := u.run("SELECT * FROM d.nowhere")
	if want := "HIVE_FILESYSTEM_ERROR: The specified bucket does not exist (Service: Amazon S3; Status Code: 404; Error Code: NoSuchBucket): s3://no-such-bucket-here/x/"; reason != want {
		t.Errorf("a bucket that is not there: %s", reason)
	}
}
