package glue

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
)

func TestCrawlNewFoldersOnly(t *testing.T) {
	objects := &memoryObjects{objects: map[string]string{
		"in/orders/day=1/a.json":     `{"id":1,"price":2.5}`,
		"in/orders/day=2/a.json":     `{"id":2,"price":3.5}`,
		"in/users/2024/01/u.json":    `{"user":"x","mail":"y"}`,
		"in/orders/_tmp/x.json":      `{"id":3}`,
		"in/orders/skip/no/a.backup": `{"id":3}`,
	}}
	s, clock := newService(t, objects)
	ctx := t.Context()
	if _, err := s.CreateCrawler(ctx, &glue.CreateCrawlerInput{
		Name: aws.String("c"), Role: aws.String("r"), DatabaseName: aws.String("lake"),
		Targets:            &types.CrawlerTargets{S3Targets: []types.S3Target{{Path: aws.String("s3://b/in"), Exclusions: []string{"**.backup"}}}},
		SchemaChangePolicy: &types.SchemaChangePolicy{UpdateBehavior: types.UpdateBehaviorLog, DeleteBehavior: types.DeleteBehaviorLog},
		RecrawlPolicy:      &types.RecrawlPolicy{RecrawlBehavior: types.RecrawlBehaviorCrawlNewFoldersOnly},
	}); err != nil {
		t.Fatal(err)
	}
	crawl := func(read ...string) {
		t.Helper()
		objects.mu.Lock()
		objects.read = nil
		objects.mu.Unlock()
		clock.Advance(time.Minute)
		if c := runCrawler(t, s, "c"); c.LastCrawl.Status != types.LastCrawlStatusSucceeded {
			t.Fatalf("crawl: %+v", c.LastCrawl)
		}
		slices.Sort(objects.read)
		if !slices.Equal(objects.read, read) {
			t.Errorf("read %q, want %q", objects.read, read)
		}
	}
	partitions := func(table string, want ...string) {
		t.Helper()
		page, err := s.GetPartitions(ctx, &glue.GetPartitionsInput{DatabaseName: aws.String("lake"), TableName: aws.String(table)})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range page.Partitions {
			got = append(got, strings.Join(p.Values, "/")+" "+*p.StorageDescriptor.Location)
		}
		if !slices.Equal(got, want) {
			t.Errorf("partitions of %s: %q, want %q", table, got, want)
		}
	}
	crawl("in/orders/day=1/a.json", "in/orders/day=2/a.json", "in/users/2024/01/u.json")
	partitions("orders", "1 s3://b/in/orders/day=1/", "2 s3://b/in/orders/day=2/")
	partitions("users", "2024/01 s3://b/in/users/2024/01/")

	crawl()
	objects.mu.Lock()
	maps.Copy(objects.objects, map[string]string{
		"in/orders/day=1/changed.json":  `{"id":9,"price":1,"more":true}`,
		"in/orders/day=3%20b/a.json":    `{"id":3,"price":4}`,
		"in/orders/day=4/a.json":        `{"quite":"different","from":"it"}`,
		"in/orders/a.json":              `{"id":3,"price":4}`,
		"in/users/2024/02/deep/u.json":  `{"user":"z","mail":"w"}`,
		"in/fresh/day=1/a.json":         `{"new":"table"}`,
		"in/orders/day=5/copy.backup":   `{"id":3,"price":4}`,
		"in/orders/day=6/unknown.thing": "\x00\x01",
	})
	delete(objects.objects, "in/orders/day=2/a.json")
	objects.mu.Unlock()
	crawl("in/orders/day=3%20b/a.json", "in/orders/day=4/a.json", "in/orders/day=6/unknown.thing", "in/users/2024/02/deep/u.json")
	partitions("orders", "1 s3://b/in/orders/day=1/", "2 s3://b/in/orders/day=2/", "3 b s3://b/in/orders/day=3%20b/")
	partitions("users", "2024/01 s3://b/in/users/2024/01/", "2024/02 s3://b/in/users/2024/02/")
	tables, err := s.GetTables(ctx, &glue.GetTablesInput{DatabaseName: aws.String("lake")})
	if err != nil || len(tables.TableList) != 2 {
		t.Errorf("%d tables, %v", len(tables.TableList), err)
	}
	runs, err := s.ListCrawls(ctx, &glue.ListCrawlsInput{CrawlerName: aws.String("c"), MaxResults: aws.Int32(1)})
	if err != nil || !strings.Contains(*runs.Crawls[0].Summary, `\"ADD\":{\"Count\":2}`) {
		t.Errorf("last run: %v, %v", *runs.Crawls[0].Summary, err)
	}
	for want, f := range map[string]types.CrawlsFilter{
		"FieldValue: null":          {FieldName: types.FieldNameCrawlId, FilterOperator: types.FilterOperatorNe},
		"Only EQ or NE operator is": {FieldName: types.FieldNameState, FilterOperator: types.FilterOperatorLe, FieldValue: aws.String("RUNNING")},
		"is not a time":             {FieldName: types.FieldNameStartTime, FilterOperator: types.FilterOperatorLe, FieldValue: aws.String("now")},
	} {
		_, err := s.ListCrawls(ctx, &glue.ListCrawlsInput{CrawlerName: aws.String("c"), Filters: []types.CrawlsFilter{f}})
		if code(err) != "InvalidInputException" || !strings.Contains(err.Error(), want) {
			t.Errorf("filter %v: %v", f, err)
		}
	}
	later := types.CrawlsFilter{FieldName: types.FieldNameStartTime, FilterOperator: types.FilterOperatorGt, FieldValue: aws.String(epoch.Add(90 * time.Second).Format("2006-01-02T15:04:05.000000"))}
	runs, err = s.ListCrawls(ctx, &glue.ListCrawlsInput{CrawlerName: aws.String("c"), Filters: []types.CrawlsFilter{later}})
	if err != nil || len(runs.Crawls) != 2 {
		t.Errorf("%d later runs, %v", len(runs.Crawls), err)
	}
}

// crawlLines gathers the log of crawls.
type crawlLines struct {
	mu    sync.Mutex
	lines []string
}

func (c *crawlLines) Log(_, _, _, _ string, _ time.Time, line string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lines = append(c.lines, line)
}

// TestCrawlNewFoldersLog: what is in no table is told, and how much of it is not named.
func TestCrawlNewFoldersLog(t *testing.T) {
	objects := &memoryObjects{objects: map[string]string{"in/day=1/a.json": `{"id":1}`}}
	s, _ := newService(t, objects)
	log := new(crawlLines)
	s.crawlLog = log
	if _, err := s.CreateCrawler(t.Context(), &glue.CreateCrawlerInput{
		Name: aws.String("c"), Role: aws.String("r"), DatabaseName: aws.String("lake"),
		Targets:            &types.CrawlerTargets{S3Targets: []types.S3Target{{Path: aws.String("s3://b/in")}}},
		SchemaChangePolicy: &types.SchemaChangePolicy{UpdateBehavior: types.UpdateBehaviorLog, DeleteBehavior: types.DeleteBehaviorLog},
		RecrawlPolicy:      &types.RecrawlPolicy{RecrawlBehavior: types.RecrawlBehaviorCrawlNewFoldersOnly},
	}); err != nil {
		t.Fatal(err)
	}
	runCrawler(t, s, "c")
	objects.mu.Lock()
	for i := range maxRemarks {
		objects.objects[fmt.Sprintf("in/day=%d/x", i+2)] = "\x00\x01"
	}
	objects.mu.Unlock()
	runCrawler(t, s, "c")
	log.mu.Lock()
	defer log.mu.Unlock()
	if want := fmt.Sprintf("WARN : %d more below s3://b/in", maxRemarks); !slices.ContainsFunc(log.lines, func(l string) bool { return strings.HasSuffix(l, want) }) {
		t.Errorf("none of %d lines tells of %q", len(log.lines), want)
	}
}
