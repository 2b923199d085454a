package glue

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
)

// memoryObjects are the objects of one bucket.
type memoryObjects struct {
	mu      sync.Mutex
	objects map[string]string
	missing bool
	read    []string
}

func (m *memoryObjects) ListObjectsV2(_ context.Context, in *s3.ListObjectsV2Input, _ ...func(*s3.Options)) (*s3.ListObjectsV2Output, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.missing {
		return nil, &smithy.GenericAPIError{Code: "NoSuchBucket", Message: "The specified bucket does not exist."}
	}
	out := &s3.ListObjectsV2Output{}
	for _, k := range slices.Sorted(maps.Keys(m.objects)) {
		if strings.HasPrefix(k, *in.Prefix) && k > aws.ToString(in.ContinuationToken) {
			if len(out.Contents) == 2 { // small pages
				out.NextContinuationToken = out.Contents[1].Key
				break
			}
			out.Contents = append(out.Contents, s3types.Object{Key: aws.String(k), Size: aws.Int64(int64(len(m.objects[k])))})
		}
	}
	return out, nil
}

func (m *memoryObjects) GetObject(_ context.Context, in *s3.GetObjectInput, _ ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.read = append(m.read, *in.Key)
	b := []byte(m.objects[*in.Key])
	if in.Range != nil {
		var from, to int
		if _, err := fmt.Sscanf(*in.Range, "bytes=%d-%d", &from, &to); err != nil {
			return nil, err
		}
		b = b[from:min(to+1, len(b))]
	}
	return &s3.GetObjectOutput{Body: io.NopCloser(bytes.NewReader(b))}, nil
}

func (m *memoryObjects) PutObject(_ context.Context, in *s3.PutObjectInput, _ ...func(*s3.Options)) (*s3.PutObjectOutput, error) {
	b, err := io.ReadAll(in.Body)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.objects[*in.Key] = string(b)
	return &s3.PutObjectOutput{}, err
}

func (m *memoryObjects) DeleteObject(_ context.Context, in *s3.DeleteObjectInput, _ ...func(*s3.Options)) (*s3.DeleteObjectOutput, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.objects, *in.Key)
	return &s3.DeleteObjectOutput{}, nil
}

// runCrawler starts a crawler and waits until it is ready again.
func runCrawler(t *testing.T, s *Service, name string) *types.Crawler {
	t.Helper()
	if _, err := s.StartCrawler(t.Context(), &glue.StartCrawlerInput{Name: aws.String(name)}); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		out, err := s.GetCrawler(t.Context(), &glue.GetCrawlerInput{Name: aws.String(name)})
		if err != nil {
			t.Fatal(err)
		}
		if out.Crawler.State == types.CrawlerStateReady {
			return out.Crawler
		}
	}
	t.Fatal("crawl does not end")
	return nil
}

func TestCrawler(t *testing.T) {
	objects := &memoryObjects{objects: map[string]string{
		"data/2024-01-01 10/a.json": `{"a":1,"t":"x"}`,
		"data/2024-01-01 11/a.json": `{"a":2,"t":"y"}`,
	}}
	s, clock := newService(t, objects)
	ctx := t.Context()
	create := &glue.CreateCrawlerInput{
		Name: aws.String("c"), Role: aws.String("arn:aws:iam::000000000000:role/service-role/Glue"), DatabaseName: aws.String("lake"),
		Targets: &types.CrawlerTargets{S3Targets: []types.S3Target{{Path: aws.String("s3://b/data/")}}},
	}
	if _, err := s.CreateCrawler(ctx, create); err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateCrawler(ctx, create); code(err) != "AlreadyExistsException" {
		t.Errorf("second create: %v", err)
	}
	c := runCrawler(t, s, "c")
	if c.LastCrawl.Status != types.LastCrawlStatusSucceeded || *c.Role != "service-role/Glue" {
		t.Fatalf("crawler %+v %+v", c, c.LastCrawl)
	}
	get := func() (*types.Table, []string) {
		t.Helper()
		out, err := s.GetTable(ctx, &glue.GetTableInput{DatabaseName: aws.String("lake"), Name: aws.String("data")})
		if err != nil {
			t.Fatal(err)
		}
		page, err := s.GetPartitions(ctx, &glue.GetPartitionsInput{DatabaseName: aws.String("lake"), TableName: aws.String("data")})
		if err != nil {
			t.Fatal(err)
		}
		var values []string
		for _, p := range page.Partitions {
			values = append(values, p.Values[0]+" "+*p.StorageDescriptor.Location)
		}
		return out.Table, values
	}
	tb, parts := get()
	if *tb.StorageDescriptor.Location != "s3://b/data/" || tb.Parameters["classification"] != "json" || tb.Parameters["recordCount"] != "2" ||
		*tb.PartitionKeys[0].Name != "partition_0" || tb.Parameters["UPDATED_BY_CRAWLER"] != "c" || *tb.StorageDescriptor.SerdeInfo.SerializationLibrary != "org.openx.data.jsonserde.JsonSerDe" {
		t.Errorf("table %+v", tb)
	}
	if want := []string{"2024-01-01 10 s3://b/data/2024-01-01 10/", "2024-01-01 11 s3://b/data/2024-01-01 11/"}; !slices.Equal(parts, want) {
		t.Errorf("partitions %q", parts)
	}

	// Again, with nothing new: no new version. Then with a column and a folder more.
	clock.Advance(time.Minute)
	runCrawler(t, s, "c")
	versions, err := s.GetTableVersions(ctx, &glue.GetTableVersionsInput{DatabaseName: aws.String("lake"), TableName: aws.String("data")})
	if err != nil || len(versions.TableVersions) != 1 {
		t.Errorf("%d versions, %v", len(versions.TableVersions), err)
	}
	objects.mu.Lock()
	objects.objects["data/2024-01-01 12/a.json"] = `{"a":2,"t":"y","n":1.5}`
	objects.mu.Unlock()
	clock.Advance(time.Minute)
	runCrawler(t, s, "c")
	tb, parts = get()
	if len(tb.StorageDescriptor.Columns) != 3 || len(parts) != 3 {
		t.Errorf("columns %v, partitions %q", tb.StorageDescriptor.Columns, parts)
	}
	crawls, err := s.ListCrawls(ctx, &glue.ListCrawlsInput{CrawlerName: aws.String("c")})
	if err != nil || len(crawls.Crawls) != 3 || !strings.Contains(*crawls.Crawls[0].Summary, "PARTITION") {
		t.Errorf("crawls %+v %v", crawls, err)
	}
	metrics, err := s.GetCrawlerMetrics(ctx, &glue.GetCrawlerMetricsInput{})
	if err != nil || len(metrics.CrawlerMetricsList) != 1 || metrics.CrawlerMetricsList[0].TablesUpdated != 1 {
		t.Errorf("metrics %+v %v", metrics, err)
	}
	// Everything gone: the table is deprecated.
	objects.mu.Lock()
	clear(objects.objects)
	objects.mu.Unlock()
	clock.Advance(time.Minute)
	runCrawler(t, s, "c")
	if tb, _ = get(); tb.Parameters["DEPRECATED_BY_CRAWLER"] == "" {
		t.Errorf("not deprecated: %v", tb.Parameters)
	}
	if _, err := s.StopCrawler(ctx, &glue.StopCrawlerInput{Name: aws.String("c")}); code(err) != "CrawlerNotRunningException" {
		t.Errorf("stop: %v", err)
	}
	if _, err := s.DeleteCrawler(ctx, &glue.DeleteCrawlerInput{Name: aws.String("c")}); err != nil {
		t.Error(err)
	}
	if _, err := s.StartCrawler(ctx, &glue.StartCrawlerInput{Name: aws.String("c")}); code(err) != "EntityNotFoundException" {
		t.Errorf("start of none: %v", err)
	}
}

// TestCrawlLeavesTables: a crawl of a folder makes a table of its own beside those that people
// made over it, with its prefix, and with a suffix where the name is taken.
func TestCrawlLeavesTables(t *testing.T) {
	objects := &memoryObjects{objects: map[string]string{"data/a.json": `{"a":1}`}}
	s, _ := newService(t, objects)
	ctx := t.Context()
	if _, err := s.CreateDatabase(ctx, &glue.CreateDatabaseInput{DatabaseInput: &types.DatabaseInput{Name: aws.String("lake")}}); err != nil {
		t.Fatal(err)
	}
	mine := &types.TableInput{Name: aws.String("raw_data"), TableType: aws.String("EXTERNAL_TABLE"), StorageDescriptor: &types.StorageDescriptor{
		Location: aws.String("s3://b/data/"), Columns: []types.Column{{Name: aws.String("mine"), Type: aws.String("string")}}}}
	if _, err := s.CreateTable(ctx, &glue.CreateTableInput{DatabaseName: aws.String("lake"), TableInput: mine}); err != nil {
		t.Fatal(err)
	}
	_, err := s.CreateCrawler(ctx, &glue.CreateCrawlerInput{Name: aws.String("c"), Role: aws.String("r"), DatabaseName: aws.String("lake"), TablePrefix: aws.String("raw_"),
		Targets: &types.CrawlerTargets{S3Targets: []types.S3Target{{Path: aws.String("s3://b/data/")}}}})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second run finds the table of the first
		runCrawler(t, s, "c")
		out, err := s.GetTables(ctx, &glue.GetTablesInput{DatabaseName: aws.String("lake")})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, tb := range out.TableList {
			got = append(got, *tb.Name+" "+*tb.StorageDescriptor.Columns[0].Name)
		}
		slices.Sort(got)
		if want := []string{"raw_data mine", "raw_data_" + hash("s3://b/data/") + " a"}; !slices.Equal(got, want) {
			t.Errorf("tables %q, want %q", got, want)
		}
	}
}
