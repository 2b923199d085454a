package glue

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
)

// wait polls until what is done in the background is done.
func wait(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s does not happen", what)
		}
	}
}

func TestSchedule(t *testing.T) {
	objects := &memoryObjects{objects: map[string]string{"data/a.json": `{"a":1}`}}
	s, clock := newService(t, objects)
	ctx := t.Context()
	in := &glue.CreateCrawlerInput{
		Name: aws.String("c"), Role: aws.String("r"), DatabaseName: aws.String("lake"), Schedule: aws.String("cron(0 * * * ? *)"),
		Targets: &types.CrawlerTargets{S3Targets: []types.S3Target{{Path: aws.String("s3://b/data/")}}},
	}
	for _, bad := range []string{"cron(* * * * ? *)", "cron(0/2 * * * ? *)", "rate(1 hour)"} {
		c := *in
		c.Schedule = aws.String(bad)
		if _, err := s.CreateCrawler(ctx, &c); code(err) != "InvalidInputException" {
			t.Errorf("%s: %v", bad, err)
		}
	}
	if _, err := s.CreateCrawler(ctx, in); err != nil {
		t.Fatal(err)
	}
	runs := func() int {
		out, err := s.ListCrawls(ctx, &glue.ListCrawlsInput{CrawlerName: aws.String("c"), Filters: []types.CrawlsFilter{
			{FieldName: types.FieldNameState, FilterOperator: types.FilterOperatorEq, FieldValue: aws.String("COMPLETED")},
		}})
		if err != nil {
			t.Fatal(err)
		}
		return len(out.Crawls)
	}
	// The crawler waits for the time of its schedule.
	waiting := func() { clock.BlockUntilContext(ctx, 1) }
	waiting()
	clock.Advance(40 * time.Minute) // 07:48:09
	waiting()
	if n := runs(); n != 0 {
		t.Fatalf("%d runs before time", n)
	}
	wait(t, "a run at 08:00", func() bool {
		if clock.Now().Hour() < 8 || clock.Now().Minute() < 58 { // however long the run takes, there is one
			clock.Advance(time.Minute)
		}
		return runs() == 1
	})
	if _, err := s.StopCrawlerSchedule(ctx, &glue.StopCrawlerScheduleInput{CrawlerName: aws.String("c")}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.StopCrawlerSchedule(ctx, &glue.StopCrawlerScheduleInput{CrawlerName: aws.String("c")}); code(err) != "SchedulerNotRunningException" {
		t.Errorf("second stop: %v", err)
	}
	out, err := s.GetCrawler(ctx, &glue.GetCrawlerInput{Name: aws.String("c")})
	if err != nil || out.Crawler.Schedule.State != types.ScheduleStateNotScheduled {
		t.Errorf("schedule %+v %v", out.Crawler.Schedule, err)
	}
	n := runs()
	clock.Advance(3 * time.Hour)
	if err := s.runs.schedules.Await(ctx, "000000000000", "us-east-1", "c"); err != nil {
		t.Fatal(err)
	}
	if got := runs(); got != n {
		t.Errorf("%d runs while the schedule is stopped", got-n)
	}
	if _, err := s.StartCrawlerSchedule(ctx, &glue.StartCrawlerScheduleInput{CrawlerName: aws.String("c")}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.StartCrawlerSchedule(ctx, &glue.StartCrawlerScheduleInput{CrawlerName: aws.String("c")}); code(err) != "SchedulerRunningException" {
		t.Errorf("second start: %v", err)
	}
	wait(t, "a run by the schedule that was started again", func() bool { clock.Advance(10 * time.Minute); return runs() > n })
	if _, err := s.UpdateCrawlerSchedule(ctx, &glue.UpdateCrawlerScheduleInput{CrawlerName: aws.String("c"), Schedule: aws.String("")}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.StartCrawlerSchedule(ctx, &glue.StartCrawlerScheduleInput{CrawlerName: aws.String("c")}); code(err) != "NoScheduleException" {
		t.Errorf("start of no schedule: %v", err)
	}
}

func TestClassifiers(t *testing.T) {
	objects := &memoryObjects{objects: map[string]string{"data/a.csv": "x;1\ny;2\n", "log/a.log": "10.0.0.1 GET\n10.0.0.2 PUT\n", "doc/a.xml": "<rows><row><a>1</a></row></rows>"}}
	s, _ := newService(t, objects)
	ctx := t.Context()
	create := func(in *glue.CreateClassifierInput) error { _, err := s.CreateClassifier(ctx, in); return err }
	csv := &types.CreateCsvClassifierRequest{Name: aws.String("csv"), Delimiter: aws.String(";"), ContainsHeader: types.CsvHeaderOptionAbsent, Header: []string{"name", "n"}}
	if err := create(&glue.CreateClassifierInput{CsvClassifier: csv}); err != nil {
		t.Fatal(err)
	}
	if err := create(&glue.CreateClassifierInput{CsvClassifier: csv}); code(err) != "AlreadyExistsException" {
		t.Errorf("second create: %v", err)
	}
	if err := create(&glue.CreateClassifierInput{}); code(err) != "InvalidInputException" {
		t.Errorf("none: %v", err)
	}
	grok := &types.CreateGrokClassifierRequest{Name: aws.String("log"), Classification: aws.String("web"), GrokPattern: aws.String("%{NOPE:a}")}
	if err := create(&glue.CreateClassifierInput{GrokClassifier: grok}); code(err) != "InvalidInputException" {
		t.Errorf("bad pattern: %v", err)
	}
	grok.GrokPattern = aws.String("%{IP:client} %{WORD:verb}")
	if err := create(&glue.CreateClassifierInput{GrokClassifier: grok}); err != nil {
		t.Fatal(err)
	}
	if err := create(&glue.CreateClassifierInput{XMLClassifier: &types.CreateXMLClassifierRequest{Name: aws.String("xml"), Classification: aws.String("x"), RowTag: aws.String("row")}}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.UpdateClassifier(ctx, &glue.UpdateClassifierInput{CsvClassifier: &types.UpdateCsvClassifierRequest{Name: aws.String("csv"), Header: []string{"who", "n"}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.UpdateClassifier(ctx, &glue.UpdateClassifierInput{JsonClassifier: &types.UpdateJsonClassifierRequest{Name: aws.String("csv")}}); code(err) != "InvalidInputException" {
		t.Errorf("update to another kind: %v", err)
	}
	list, err := s.GetClassifiers(ctx, &glue.GetClassifiersInput{})
	if err != nil || len(list.Classifiers) != 3 || list.Classifiers[0].CsvClassifier.Version != 2 {
		t.Errorf("classifiers %+v %v", list, err)
	}
	in := &glue.CreateCrawlerInput{
		Name: aws.String("c"), Role: aws.String("r"), DatabaseName: aws.String("lake"), Classifiers: []string{"none"},
		Targets: &types.CrawlerTargets{S3Targets: []types.S3Target{{Path: aws.String("s3://b/data/")}, {Path: aws.String("s3://b/log/")}, {Path: aws.String("s3://b/doc/")}}},
	}
	if _, err := s.CreateCrawler(ctx, in); code(err) != "EntityNotFoundException" {
		t.Errorf("crawler with no classifier: %v", err)
	}
	in.Classifiers = []string{"log", "xml", "csv"}
	if _, err := s.CreateCrawler(ctx, in); err != nil {
		t.Fatal(err)
	}
	if c := runCrawler(t, s, "c"); c.LastCrawl.Status != types.LastCrawlStatusSucceeded || !slices.Equal(c.Classifiers, in.Classifiers) {
		t.Fatalf("%+v %+v", c, c.LastCrawl)
	}
	got := map[string]string{}
	tables, err := s.GetTables(ctx, &glue.GetTablesInput{DatabaseName: aws.String("lake")})
	if err != nil {
		t.Fatal(err)
	}
	for _, tb := range tables.TableList {
		var cols []string
		for _, c := range tb.StorageDescriptor.Columns {
			cols = append(cols, *c.Name+" "+*c.Type)
		}
		lib := *tb.StorageDescriptor.SerdeInfo.SerializationLibrary
		got[*tb.Name] = tb.Parameters["classification"] + " " + lib[strings.LastIndexByte(lib, '.')+1:] + " " + strings.Join(cols, ",")
	}
	if got["data"] != "csv LazySimpleSerDe who string,n bigint" || got["log"] != "web GrokSerDe client string,verb string" || got["doc"] != "x  a int" {
		t.Errorf("tables %q", got)
	}
}

func TestCrawlFailure(t *testing.T) {
	s, _ := newService(t, &memoryObjects{missing: true})
	if _, err := s.CreateCrawler(t.Context(), &glue.CreateCrawlerInput{
		Name: aws.String("c"), Role: aws.String("r"), DatabaseName: aws.String("lake"),
		Targets: &types.CrawlerTargets{S3Targets: []types.S3Target{{Path: aws.String("s3://none/")}}},
	}); err != nil {
		t.Fatal(err)
	}
	c := runCrawler(t, s, "c")
	if c.LastCrawl.Status != types.LastCrawlStatusFailed || aws.ToString(c.LastCrawl.ErrorMessage) != "The specified bucket does not exist (Service: Amazon S3; Status Code: 404; Error Code: NoSuchBucket)" {
		t.Errorf("last crawl %+v %s", c.LastCrawl, aws.ToString(c.LastCrawl.ErrorMessage))
	}
}
