package console_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	apigatewaytypes "github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cloudwatchtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logstypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	gluetypes "github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesisanalyticsv2"
	analyticstypes "github.com/aws/aws-sdk-go-v2/service/kinesisanalyticsv2/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/chromedp/chromedp"

	"github.com/brookmere/brookmere/test/nodetest"
)

// TestServices opens the pages of queues, topics, logs, metrics, alarms, applications, jobs, APIs
// and identities, and does what each is for.
func TestServices(t *testing.T) {
	needsConsole(t)
	n := nodetest.Start(t, nodetest.Options{Data: ":memory:"})
	a := account{t, n.AWS()}
	api := a.setUp()
	b := openBrowser(t, n.URL)
	click := func(text string) chromedp.Action {
		return chromedp.Click(fmt.Sprintf(`//button[starts-with(normalize-space(.),%q)]`, text))
	}

	t.Run("queues", func(t *testing.T) {
		b.open(t, "queues", "3 queues", "orders-dead, after 1 receive")
		b.open(t, "queues/orders-dead", "dead letters of orders-in", "kept 4 d")
		b.do(t, click("Look at ten"))
		b.shows(t, "o1", `"order"`)
		b.accessible(t)
		b.picture(t, "queues-orders-dead")
		b.do(t, click("Send a message"), chromedp.WaitVisible(".dialog"), chromedp.Click(".dialog button.primary", chromedp.ByQuery))
		b.shows(t, "Sent as ")
	})
	t.Run("topics", func(t *testing.T) {
		b.open(t, "topics", "1 topic", "sqs audit")
		b.open(t, "topics/events", "in an envelope", `{"state":["paid"]}`)
		b.do(t, click("Publish a message"), chromedp.WaitVisible(".dialog"), chromedp.Click(".dialog button.primary", chromedp.ByQuery))
		b.shows(t, "Published as ")
		b.accessible(t)
		b.picture(t, "topics-events")
	})
	t.Run("logs", func(t *testing.T) {
		b.open(t, "logs", "1 log group", "app")
		b.open(t, "logs/app", "order 7 is late")
		b.do(t, chromedp.SendKeys(`input[aria-label="Filter pattern"]`, "ERROR"))
		b.shows(t, "1 events", "ERROR order 3")
		b.accessible(t)
		b.picture(t, "logs-app")
		b.do(t, click("Query"), click("errors"), click("Run"))
		b.shows(t, "1 row", "of 10 events matched")
		b.accessible(t)
		b.picture(t, "logs-app-query")
	})
	t.Run("metrics", func(t *testing.T) {
		b.open(t, "metrics", "Basket", "city=Lisbon")
		b.do(t, chromedp.Click(`//button[normalize-space(.)="Basket"]`), chromedp.WaitVisible(".plot path.stroke"))
		b.accessible(t)
		b.picture(t, "metrics")
		b.do(t, click("Alarm on this"), chromedp.WaitVisible(".dialog"), chromedp.Click(".dialog button.primary", chromedp.ByQuery))
		b.shows(t, "History", "basket-lisbon")
	})
	t.Run("alarms", func(t *testing.T) {
		b.open(t, "alarms", "2 alarms", "late")
		b.open(t, "alarms/late", "sum of Basket > 1000000", "created")
		b.accessible(t)
		b.picture(t, "alarms-late")
		b.do(t, click("Try it"))
		b.shows(t, "to ALARM")
	})
	t.Run("analytics", func(t *testing.T) {
		b.open(t, "analytics", "1 application", "orders")
		b.open(t, "analytics/sums", "SOURCE_001", "ready")
		b.do(t, click("Start"))
		b.shows(t, "running", "error_stream")
		b.do(t, chromedp.Click(`//button[normalize-space(.)="BIG"]`))
		b.shows(t, "Rows show here")
		for begin, come := time.Now(), false; !come; { // an application may begin at what comes after it has opened the stream
			if time.Since(begin) > pageTime {
				t.Fatal("no row came")
			}
			a.put("orders", `{"id": "o77", "amount": 77}`)
			b.do(t, chromedp.Sleep(200*time.Millisecond), chromedp.Evaluate(`document.body.innerText.includes("o77")`, &come))
		}
		b.shows(t, "since you look")
		a.put("orders", `{"id": "o78", "amount": 78}`)
		b.do(t, chromedp.WaitVisible(`.windows i`, chromedp.ByQuery))
		b.shows(t, "rows by their time")
		b.accessible(t)
		b.picture(t, "analytics-sums")
		b.do(t, click("Explain"), chromedp.WaitVisible(".dialog pre"))
	})
	t.Run("jobs", func(t *testing.T) {
		b.open(t, "jobs", "1 job", "1 crawler", "never ran", "lake-crawler")
		b.accessible(t)
		b.picture(t, "jobs")
		b.open(t, "jobs/daily", "It never ran")
		b.do(t, click("Run"), chromedp.WaitVisible(".dialog"))
		b.shows(t, "aws glue start-job-run --job-name daily")
	})
	t.Run("APIs", func(t *testing.T) {
		b.open(t, "apis", "1 API", "shop")
		b.open(t, "apis/"+api, "/orders/{id}", "Response template")
		b.do(t, click("Try"))
		b.shows(t, `"id": "1"`, "Log of the try")
		b.accessible(t)
		b.picture(t, "apis-shop")
	})
	t.Run("identity", func(t *testing.T) {
		b.open(t, "identity", "ana", "Roles")
		b.accessible(t)
		b.open(t, "identity/users/ana", "in this user", "kinesis:Put*")
		b.do(t, click("Explain"))
		b.shows(t, "denied: nothing allows it")
		b.accessible(t)
		b.picture(t, "identity-users-ana")
	})
	b.clean(t)
}

// account is what a client makes on a node for a test.
type account struct {
	t   *testing.T
	cfg aws.Config
}

func (a account) must(what string, err error) {
	a.t.Helper()
	if err != nil {
		a.t.Fatalf("%s: %v", what, err)
	}
}

func (a account) put(stream, data string) {
	a.t.Helper()
	_, err := kinesis.NewFromConfig(a.cfg).PutRecord(a.t.Context(), &kinesis.PutRecordInput{StreamName: &stream, PartitionKey: aws.String("k"), Data: []byte(data)})
	a.must("put a record", err)
}

// setUp makes what the pages show, and returns the id of the API.
func (a account) setUp() string {
	a.t.Helper()
	ctx := a.t.Context()
	a.messages()
	a.watched()
	role := aws.String("arn:aws:iam::000000000000:role/service")
	_, err := kinesis.NewFromConfig(a.cfg).CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: aws.String("orders"), ShardCount: aws.Int32(1)})
	a.must("create the stream", err)
	_, err = kinesisanalyticsv2.NewFromConfig(a.cfg).CreateApplication(ctx, &kinesisanalyticsv2.CreateApplicationInput{
		ApplicationName: aws.String("sums"), RuntimeEnvironment: analyticstypes.RuntimeEnvironmentSql10, ServiceExecutionRole: role,
		ApplicationConfiguration: &analyticstypes.ApplicationConfiguration{
			ApplicationCodeConfiguration: &analyticstypes.ApplicationCodeConfiguration{CodeContentType: analyticstypes.CodeContentTypePlaintext, CodeContent: &analyticstypes.CodeContent{TextContent: aws.String(
				"CREATE OR REPLACE STREAM \"BIG\" (id VARCHAR(16), amount DOUBLE);\nCREATE OR REPLACE PUMP \"P\" AS INSERT INTO \"BIG\" SELECT STREAM \"id\", \"amount\" FROM \"SOURCE_001\" WHERE \"amount\" > 10;")}},
			SqlApplicationConfiguration: &analyticstypes.SqlApplicationConfiguration{Inputs: []analyticstypes.Input{{
				NamePrefix: aws.String("SOURCE"), KinesisStreamsInput: &analyticstypes.KinesisStreamsInput{ResourceARN: aws.String("arn:aws:kinesis:us-east-1:000000000000:stream/orders")},
				InputSchema: &analyticstypes.SourceSchema{
					RecordFormat:  &analyticstypes.RecordFormat{RecordFormatType: analyticstypes.RecordFormatTypeJson, MappingParameters: &analyticstypes.MappingParameters{JSONMappingParameters: &analyticstypes.JSONMappingParameters{RecordRowPath: aws.String("$")}}},
					RecordColumns: []analyticstypes.RecordColumn{{Name: aws.String("id"), SqlType: aws.String("VARCHAR(16)"), Mapping: aws.String("$.id")}, {Name: aws.String("amount"), SqlType: aws.String("DOUBLE"), Mapping: aws.String("$.amount")}},
				},
			}}},
		},
	})
	a.must("create the application", err)
	catalog := glue.NewFromConfig(a.cfg)
	_, err = catalog.CreateJob(ctx, &glue.CreateJobInput{Name: aws.String("daily"), Role: role, Command: &gluetypes.JobCommand{Name: aws.String("pythonshell"), ScriptLocation: aws.String("s3://lake/daily.py"), PythonVersion: aws.String("3.9")}})
	a.must("create the job", err)
	_, err = catalog.CreateCrawler(ctx, &glue.CreateCrawlerInput{Name: aws.String("lake-crawler"), Role: role, DatabaseName: aws.String("shop"), Targets: &gluetypes.CrawlerTargets{S3Targets: []gluetypes.S3Target{{Path: aws.String("s3://lake/orders/")}}}})
	a.must("create the crawler", err)
	people := iam.NewFromConfig(a.cfg)
	_, err = people.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("ana")})
	a.must("create the user", err)
	_, err = people.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: aws.String("ana"), PolicyName: aws.String("put"), PolicyDocument: aws.String(`{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "kinesis:Put*", "Resource": "*"}]}`)})
	a.must("put the policy", err)
	return a.api()
}

// messages makes queues, of which one has dead letters, and a topic.
func (a account) messages() {
	a.t.Helper()
	ctx, queues := a.t.Context(), sqs.NewFromConfig(a.cfg)
	arn := func(name string) string { return "arn:aws:sqs:us-east-1:000000000000:" + name }
	dead, err := queues.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("orders-dead")})
	a.must("create the queue", err)
	_, err = queues.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("orders-in"), Attributes: map[string]string{"RedrivePolicy": fmt.Sprintf(`{"deadLetterTargetArn": %q, "maxReceiveCount": 1}`, arn("orders-dead"))}})
	a.must("create the queue", err)
	_, err = queues.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: dead.QueueUrl, MessageBody: aws.String(`{"order": "o1"}`)})
	a.must("send", err)
	_, err = queues.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("audit")})
	a.must("create the queue", err)
	topics := sns.NewFromConfig(a.cfg)
	topic, err := topics.CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String("events")})
	a.must("create the topic", err)
	_, err = topics.Subscribe(ctx, &sns.SubscribeInput{TopicArn: topic.TopicArn, Protocol: aws.String("sqs"), Endpoint: aws.String(arn("audit")), Attributes: map[string]string{"FilterPolicy": `{"state":["paid"]}`}})
	a.must("subscribe", err)
}

// watched makes a log group with events, a metric and an alarm.
func (a account) watched() {
	a.t.Helper()
	ctx, now := a.t.Context(), time.Now()
	logs := cloudwatchlogs.NewFromConfig(a.cfg)
	_, err := logs.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String("app")})
	a.must("create the log group", err)
	_, err = logs.CreateLogStream(ctx, &cloudwatchlogs.CreateLogStreamInput{LogGroupName: aws.String("app"), LogStreamName: aws.String("one")})
	a.must("create the log stream", err)
	var events []logstypes.InputLogEvent
	for i := range 10 {
		text := fmt.Sprintf("order %d is late", i)
		if i == 3 {
			text = "ERROR order 3 is lost"
		}
		events = append(events, logstypes.InputLogEvent{Message: &text, Timestamp: aws.Int64(now.Add(time.Duration(i-20) * time.Second).UnixMilli())})
	}
	_, err = logs.PutLogEvents(ctx, &cloudwatchlogs.PutLogEventsInput{LogGroupName: aws.String("app"), LogStreamName: aws.String("one"), LogEvents: events})
	a.must("put the events", err)
	watch := cloudwatch.NewFromConfig(a.cfg)
	var data []cloudwatchtypes.MetricDatum
	for i := range 10 {
		data = append(data, cloudwatchtypes.MetricDatum{MetricName: aws.String("Basket"), Value: aws.Float64(float64(20 + i%4)), Timestamp: aws.Time(now.Add(time.Duration(i-10) * time.Minute)), Dimensions: []cloudwatchtypes.Dimension{{Name: aws.String("city"), Value: aws.String("Lisbon")}}})
	}
	_, err = watch.PutMetricData(ctx, &cloudwatch.PutMetricDataInput{Namespace: aws.String("Shop"), MetricData: data})
	a.must("put the metric", err)
	_, err = watch.PutMetricAlarm(ctx, &cloudwatch.PutMetricAlarmInput{AlarmName: aws.String("late"), Namespace: aws.String("Shop"), MetricName: aws.String("Basket"), Statistic: cloudwatchtypes.StatisticSum,
		Dimensions: data[0].Dimensions, Period: aws.Int32(60), EvaluationPeriods: aws.Int32(1), Threshold: aws.Float64(1e6), ComparisonOperator: cloudwatchtypes.ComparisonOperatorGreaterThanThreshold})
	a.must("put the alarm", err)
}

// api makes a REST API whose one method answers by a template.
func (a account) api() string {
	a.t.Helper()
	ctx, gateway := a.t.Context(), apigateway.NewFromConfig(a.cfg)
	api, err := gateway.CreateRestApi(ctx, &apigateway.CreateRestApiInput{Name: aws.String("shop")})
	a.must("create the API", err)
	parent := api.RootResourceId
	for _, part := range []string{"orders", "{id}"} {
		r, err := gateway.CreateResource(ctx, &apigateway.CreateResourceInput{RestApiId: api.Id, ParentId: parent, PathPart: &part})
		a.must("create the resource", err)
		parent = r.Id
	}
	get, ok := aws.String("GET"), aws.String("200")
	_, err = gateway.PutMethod(ctx, &apigateway.PutMethodInput{RestApiId: api.Id, ResourceId: parent, HttpMethod: get, AuthorizationType: aws.String("NONE")})
	a.must("put the method", err)
	_, err = gateway.PutMethodResponse(ctx, &apigateway.PutMethodResponseInput{RestApiId: api.Id, ResourceId: parent, HttpMethod: get, StatusCode: ok})
	a.must("put the response", err)
	_, err = gateway.PutIntegration(ctx, &apigateway.PutIntegrationInput{RestApiId: api.Id, ResourceId: parent, HttpMethod: get, Type: apigatewaytypes.IntegrationTypeMock, RequestTemplates: map[string]string{"application/json": `{"statusCode": 200}`}})
	a.must("put the integration", err)
	_, err = gateway.PutIntegrationResponse(ctx, &apigateway.PutIntegrationResponseInput{RestApiId: api.Id, ResourceId: parent, HttpMethod: get, StatusCode: ok, ResponseTemplates: map[string]string{"application/json": `{"id": "$input.params('id')"}`}})
	a.must("put the response of the integration", err)
	return *api.Id
}
