package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	fhtypes "github.com/aws/aws-sdk-go-v2/service/firehose/types"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/brookmere/brookmere/internal/engine/lakesql/worker"
	"github.com/brookmere/brookmere/internal/node"
)

// TestMain keeps what the user has set for AWS clients away, and ends the shared node.
func TestMain(m *testing.M) {
	worker.Main()                               // the process that queries run in begins here too
	if len(os.Args) > 1 && os.Args[1] == "up" { // the node that a benchmark starts
		main()
		return
	}
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "AWS_") {
			os.Unsetenv(name)
		}
	}
	os.Setenv("AWS_CONFIG_FILE", os.DevNull)
	os.Setenv("AWS_SHARED_CREDENTIALS_FILE", os.DevNull)
	code := m.Run()
	if stopShared != nil {
		if err := stopShared(); err != nil {
			fmt.Fprintln(os.Stderr, "close the node:", err)
			code = max(code, 1)
		}
	}
	os.Exit(code)
}

var stopShared func() error

var startShared = sync.OnceValues(func() (*node.Node, error) {
	cfg := node.DefaultConfig()
	cfg.Data, cfg.Listen = node.InMemory, "127.0.0.1:0"
	n, err := node.Start(context.Background(), cfg, slog.New(slog.DiscardHandler))
	if err == nil {
		stopShared = func() error { return closeNode(n) }
	}
	return n, err
})

// self is the path of this program, which "up" makes a node of.
func self(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// sharedNode is the URL of a node that all tests use, and a client of it.
func sharedNode(t *testing.T) (string, aws.Config) {
	t.Helper()
	n, err := startShared()
	if err != nil {
		t.Fatal(err)
	}
	c := awsClient{endpoint: n.URL()}
	if err := c.resolve(t.Context()); err != nil {
		t.Fatal(err)
	}
	return n.URL(), c.config()
}

// command runs the program with arguments and returns what it printed.
func command(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out, errOut bytes.Buffer
	root := newRootCommand()
	root.SetArgs(args)
	root.SetIn(strings.NewReader(""))
	root.SetOut(&out)
	root.SetErr(&errOut)
	err := root.ExecuteContext(t.Context())
	return out.String() + errOut.String(), err
}

// typed runs the program with something on its standard input, and returns what it printed.
func typed(t *testing.T, input string, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	root := newRootCommand()
	root.SetArgs(args)
	root.SetIn(strings.NewReader(input))
	root.SetOut(&out)
	root.SetErr(&out)
	err := root.ExecuteContext(t.Context())
	return out.String(), err
}

// running is a command that goes on until it is stopped.
type running struct {
	t       *testing.T
	stop    context.CancelFunc
	ended   chan error
	mu      sync.Mutex
	out     bytes.Buffer
	written chan struct{} // has something after each write
}

// start runs the program until stop, or the end of the test.
func start(t *testing.T, args ...string) *running {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	r := &running{t: t, stop: stop, ended: make(chan error, 1), written: make(chan struct{}, 1)}
	root := newRootCommand()
	root.SetArgs(args)
	root.SetIn(strings.NewReader(""))
	root.SetOut(r)
	root.SetErr(r)
	go func() { r.ended <- root.ExecuteContext(ctx) }()
	return r
}

func (r *running) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case r.written <- struct{}{}:
	default:
	}
	return r.out.Write(b)
}

func (r *running) printed() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.out.String()
}

// said waits until the command has printed want, or has ended without.
func (r *running) said(want string) bool {
	r.t.Helper()
	late := time.After(time.Minute)
	for !strings.Contains(r.printed(), want) {
		select {
		case <-r.written:
		case err := <-r.ended:
			r.ended <- err
			return strings.Contains(r.printed(), want)
		case <-late:
			r.t.Fatalf("nothing printed %q:\n%s", want, r.printed())
		}
	}
	return true
}

// says is said by a command that goes on.
func (r *running) says(want string) {
	r.t.Helper()
	if !r.said(want) {
		r.t.Fatalf("the command ended with %v before it printed %q:\n%s", r.end(), want, r.printed())
	}
}

// end waits for the command's end.
func (r *running) end() error {
	r.t.Helper()
	select {
	case err := <-r.ended:
		return err
	case <-time.After(time.Minute):
		r.t.Fatalf("the command does not end:\n%s", r.printed())
		return nil
	}
}

// interrupt is Ctrl-C, which is not an error.
func (r *running) interrupt() {
	r.t.Helper()
	r.stop()
	if err := r.end(); err != nil {
		r.t.Errorf("after Ctrl-C: %v\n%s", err, r.printed())
	}
}

// prints checks that a command succeeds and says all of want.
func prints(t *testing.T, args []string, want ...string) {
	t.Helper()
	got, err := command(t, args...)
	if err != nil {
		t.Errorf("brookmere %s: %v\n%s", strings.Join(args, " "), err, got)
		return
	}
	for _, w := range want {
		if !strings.Contains(got, w) {
			t.Errorf("brookmere %s prints\n%s\nwant %q", strings.Join(args, " "), got, w)
		}
	}
}

// fails checks that a command fails with an error that says want.
func fails(t *testing.T, args []string, want string) {
	t.Helper()
	got, err := command(t, args...)
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("brookmere %s: %v, want %q\n%s", strings.Join(args, " "), err, want, got)
	}
}

func words(url, line string) []string { return append(strings.Fields(line), "--endpoint", url) }

func TestStreamsCommands(t *testing.T) {
	url, cfg := sharedNode(t)
	if _, err := kinesis.NewFromConfig(cfg).CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: aws.String("clicks"), ShardCount: aws.Int32(2)}); err != nil {
		t.Fatal(err)
	}
	prints(t, words(url, "streams ls"), "clicks", "ACTIVE", "PROVISIONED")
	prints(t, words(url, "streams ls --json"), `"open_shards": 2`)
	prints(t, words(url, "streams describe clicks"), "clicks", "ACTIVE")
	prints(t, words(url, "generate unicorns --count 20 --rate 1000 --seed 1 --to kinesis:clicks"))
	prints(t, words(url, "streams ls --region eu-west-1"), "There are no streams")
	fails(t, words(url, "streams describe none"), "ResourceNotFoundException")
	fails(t, []string{"streams", "ls", "--endpoint", "http://127.0.0.1:1"}, "nothing answers at")
}

func TestDeliveriesCommands(t *testing.T) {
	url, cfg := sharedNode(t)
	if _, err := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true }).CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("lake")}); err != nil {
		t.Fatal(err)
	}
	client := firehose.NewFromConfig(cfg)
	if _, err := client.CreateDeliveryStream(t.Context(), &firehose.CreateDeliveryStreamInput{
		DeliveryStreamName: aws.String("hose"),
		ExtendedS3DestinationConfiguration: &fhtypes.ExtendedS3DestinationConfiguration{
			BucketARN: aws.String("arn:aws:s3:::lake"), RoleARN: aws.String("arn:aws:iam::000000000000:role/hose"),
		},
	}); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"a\n", "b\n"} {
		if _, err := client.PutRecord(t.Context(), &firehose.PutRecordInput{DeliveryStreamName: aws.String("hose"), Record: &fhtypes.Record{Data: []byte(text)}}); err != nil {
			t.Fatal(err)
		}
	}
	prints(t, words(url, "deliveries flush hose"), "Flushed.")
	prints(t, words(url, "deliveries ls"), "hose", "us-east-1")
	prints(t, words(url, "deliveries ls --json"), `"records_delivered": 2`)
	prints(t, words(url, "deliveries describe hose"), "hose", "2")
	prints(t, words(url, "deliveries hold hose"), "On hold.")
	prints(t, words(url, "deliveries release hose"), "Released.")
	if got, err := command(t, words(url, "deliveries ls --region eu-west-1")...); err != nil || !strings.Contains(got, "There are no delivery streams of that account and region, but of others") {
		t.Errorf("%v: another region lists\n%s", err, got)
	}
	if _, err := command(t, words(url, "deliveries describe none")...); err == nil {
		t.Error("a delivery stream that is not there is described")
	}
}

func TestTablesCommands(t *testing.T) {
	url, cfg := sharedNode(t)
	if _, err := dynamodb.NewFromConfig(cfg).CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: aws.String("orders"), BillingMode: dbtypes.BillingModePayPerRequest,
		AttributeDefinitions: []dbtypes.AttributeDefinition{{AttributeName: aws.String("id"), AttributeType: dbtypes.ScalarAttributeTypeS}},
		KeySchema:            []dbtypes.KeySchemaElement{{AttributeName: aws.String("id"), KeyType: dbtypes.KeyTypeHash}},
	}); err != nil {
		t.Fatal(err)
	}
	prints(t, append(words(url, "tables put orders"), `{"id": "o1", "amount": 12.5}`), "put 1")
	prints(t, append(words(url, "tables put orders"), `{"Item": {"id": {"S": "o2"}, "amount": {"N": "7"}}}`), "put 1")
	prints(t, words(url, "tables ls"), "orders")
	prints(t, words(url, "tables describe orders"), "orders", "id")
	prints(t, append(words(url, "tables scan orders"), "--where", "amount > 10"), `"amount":12.5`)
	prints(t, words(url, "tables scan orders --typed"), `{"S":"o2"}`)
	prints(t, words(url, "tables export orders"), `{"N":"12.5"}`)
	fails(t, append(words(url, "tables put orders"), `{"amount": 1}`), "ValidationException")
}

func TestListingCommands(t *testing.T) {
	url, _ := sharedNode(t)
	prints(t, words(url, "functions ls"))
	prints(t, words(url, "functions ls --json"))
	prints(t, words(url, "analytics ls"))
	prints(t, words(url, "analytics ls --json"))
	prints(t, []string{"operations"}, "PutRecord")
	prints(t, []string{"operations", "kinesis"}, "PutRecords")
	prints(t, []string{"version"}, "brookmere "+node.Version)
	prints(t, []string{"generate", "patients", "--count", "3", "--seed", "1"}, "{")
	fails(t, []string{"generate", "nothing"}, "nothing")
	for _, of := range []string{"up", "run", "demo", "bench", "sql", "ca install"} {
		prints(t, append(strings.Fields(of), "--help"), "brookmere")
	}
}

func TestSQLCommand(t *testing.T) {
	url, _ := sharedNode(t)
	prints(t, append(words(url, "sql"), "SELECT 1 + 1 AS two, 'a' AS letter"), "two,letter", "2,a")
	prints(t, append(words(url, "sql --output json"), "SELECT 1 AS n"), `{"n":1}`)
	prints(t, append(words(url, "sql --output table"), "SHOW DATABASES"), "default")
	fails(t, append(words(url, "sql"), "SELECT nothing FROM nowhere"), "does not exist")
	fails(t, append(words(url, "sql --output xml"), "SELECT 1"), "want table, csv, json or parquet")
}

func TestEnvironmentCommands(t *testing.T) {
	url, _ := sharedNode(t)
	prints(t, append(words(url, "env"), "--dir", t.TempDir()), "AWS_ENDPOINT_URL", url)
	prints(t, append(words(url, "env --shell fish --region eu-west-1"), "--dir", t.TempDir()), "eu-west-1")
	prints(t, words(url, "ca print"), "BEGIN CERTIFICATE")
	prints(t, append(words(url, "env --shell github"), "--dir", t.TempDir()), "AWS_ENDPOINT_URL="+url+"\n")
	fails(t, words(url, "env --shell csh"), "--shell csh")
	prints(t, append([]string{"run", "-q", "--endpoint", url, "--dir", t.TempDir()}, "--", "true"))
	prints(t, words(url, "identity token --subject me"), ".")
	if _, err := command(t, words(url, "identity explain none")...); err == nil {
		t.Error("a request that was not made is explained")
	}
}

func TestCheckCommand(t *testing.T) {
	fails(t, []string{"check", "--yes", t.TempDir()}, "--yes goes with --repair")
	if _, err := command(t, "check", filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a directory that is not there is in order")
	}
}

// TestClientSettings gives each source of an endpoint, a region and credentials the place that it has in the AWS CLI.
func TestClientSettings(t *testing.T) {
	dir := t.TempDir()
	configFile, credentialsFile := filepath.Join(dir, "config"), filepath.Join(dir, "credentials")
	for file, text := range map[string]string{
		configFile:      "[default]\nregion = eu-west-1\n[profile dev]\nregion = eu-central-1\nendpoint_url = http://127.0.0.1:7\n[profile role]\nrole_arn = arn:aws:iam::000000000000:role/r\nsource_profile = dev\n",
		credentialsFile: "[dev]\naws_access_key_id = DEVKEY\naws_secret_access_key = s\n",
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		name                  string
		client                awsClient
		env                   map[string]string
		endpoint, region, key string
	}{
		{name: "nothing", env: map[string]string{"AWS_CONFIG_FILE": os.DevNull}, endpoint: defaultEndpoint, region: "us-east-1", key: "test"},
		{name: "default profile", endpoint: defaultEndpoint, region: "eu-west-1", key: "test"},
		{name: "--profile", client: awsClient{profile: "dev"}, endpoint: "http://127.0.0.1:7", region: "eu-central-1", key: "DEVKEY"},
		{name: "AWS_PROFILE", env: map[string]string{"AWS_PROFILE": "dev"}, endpoint: "http://127.0.0.1:7", region: "eu-central-1", key: "DEVKEY"},
		{name: "variables", env: map[string]string{"AWS_ENDPOINT_URL": "http://127.0.0.1:8", "AWS_DEFAULT_REGION": "ap-south-1", "AWS_ACCESS_KEY_ID": "ENVKEY", "AWS_SECRET_ACCESS_KEY": "s"},
			endpoint: "http://127.0.0.1:8", region: "ap-south-1", key: "ENVKEY"},
		{name: "--profile before keys in variables", client: awsClient{profile: "dev"}, env: map[string]string{"AWS_ACCESS_KEY_ID": "ENVKEY", "AWS_SECRET_ACCESS_KEY": "s"},
			endpoint: "http://127.0.0.1:7", region: "eu-central-1", key: "DEVKEY"},
		{name: "flags first", client: awsClient{profile: "dev", endpoint: "http://127.0.0.1:9", region: "sa-east-1"}, env: map[string]string{"AWS_REGION": "us-west-2", "AWS_ENDPOINT_URL": "http://127.0.0.1:8"},
			endpoint: "http://127.0.0.1:9", region: "sa-east-1", key: "DEVKEY"},
		{name: "a profile that the environment names and nobody made, for a command with an environment of its own", client: awsClient{replaces: true},
			env: map[string]string{"AWS_PROFILE": "none"}, endpoint: defaultEndpoint, region: "eu-west-1", key: "test"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("AWS_CONFIG_FILE", configFile)
			t.Setenv("AWS_SHARED_CREDENTIALS_FILE", credentialsFile)
			for k, v := range test.env {
				t.Setenv(k, v)
			}
			c := test.client
			if err := c.resolve(t.Context()); err != nil {
				t.Fatal(err)
			}
			keys, err := c.config().Credentials.Retrieve(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if c.endpoint != test.endpoint || c.region != test.region || keys.AccessKeyID != test.key {
				t.Errorf("%s %s %s, want %s %s %s", c.endpoint, c.region, keys.AccessKeyID, test.endpoint, test.region, test.key)
			}
		})
	}
	fails(t, []string{"streams", "ls", "--profile", "none"}, "none")
}

// TestAlarmsOfState: that none is in a state does not say that there are none.
func TestAlarmsOfState(t *testing.T) {
	url, cfg := sharedNode(t)
	c := cloudwatch.NewFromConfig(cfg)
	if _, err := c.PutMetricAlarm(t.Context(), &cloudwatch.PutMetricAlarmInput{
		AlarmName: aws.String("quiet"), Namespace: aws.String("Shop"), MetricName: aws.String("Orders"), Statistic: cwtypes.StatisticSum,
		Period: aws.Int32(60), EvaluationPeriods: aws.Int32(1), Threshold: aws.Float64(1), ComparisonOperator: cwtypes.ComparisonOperatorGreaterThanThreshold,
	}); err != nil {
		t.Fatal(err)
	}
	defer c.DeleteAlarms(context.WithoutCancel(t.Context()), &cloudwatch.DeleteAlarmsInput{AlarmNames: []string{"quiet"}})
	prints(t, words(url, "alarms ls"), "quiet")
	prints(t, words(url, "alarms ls --state OK"), "No alarm is in the state OK.")
	prints(t, words(url, "alarms ls --state OK --json"), "[]")
}
