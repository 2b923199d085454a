// Package wildrydes is a fleet of unicorns that is seen live: readings in a stream, a summary a minute by
// continuous SQL, the summaries in a table by a function, the readings in a bucket by a delivery stream,
// asked with SQL, and a page with a map that reads the stream from the browser.
//
// SetUp makes all of it with the clients of the AWS SDK, in the order of the workshop that it follows,
// and Clean removes it. "brookmere demo wildrydes" runs both; the README says how to do it by hand.
package wildrydes

import (
	"archive/zip"
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/athena"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesisanalytics"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
)

// What the pipeline is made of.
const (
	Stream      = "wildrydes"
	Summary     = "wildrydes-summary"
	Application = "wildrydes"
	Function    = "WildRydesStreamProcessor"
	Table       = "UnicornSensorData"
	Delivery    = "wildrydes"
	Database    = "default"
	AthenaTable = "wildrydes"
	Pool        = "wildrydes"
)

// The roles, and what each may do.
const (
	analyticsRole = "WildRydesAnalyticsRole"
	functionRole  = "WildRydesStreamProcessorRole"
	deliveryRole  = "WildRydesDeliveryRole"
	pageRole      = "WildRydesDashboardRole"
	policyName    = "wildrydes"
)

//go:embed summary.sql
var summarySQL string

//go:embed table.sql
var tableSQL string

//go:embed function/index.js
var functionCode []byte

// Pipeline makes the fleet's resources, and removes them.
type Pipeline struct {
	Region  string
	Account string
	Say     func(what, name string) // tells of each thing that was done; nil: nobody
	Pool    string                  // id of the identity pool, when SetUp has made or found it

	trouble  string // why there is no function
	answered bool   // by the function, when Trouble asked it

	kinesis   *kinesis.Client
	analytics *kinesisanalytics.Client
	lambda    *lambda.Client
	dynamodb  *dynamodb.Client
	firehose  *firehose.Client
	s3        *s3.Client
	athena    *athena.Client
	iam       *iam.Client
	cognito   *cognitoidentity.Client
}

// New returns the pipeline of an account.
func New(cfg aws.Config, account string) *Pipeline {
	return &Pipeline{
		Region: cfg.Region, Account: account,
		kinesis: kinesis.NewFromConfig(cfg), analytics: kinesisanalytics.NewFromConfig(cfg), lambda: lambda.NewFromConfig(cfg),
		dynamodb: dynamodb.NewFromConfig(cfg), firehose: firehose.NewFromConfig(cfg), athena: athena.NewFromConfig(cfg),
		iam: iam.NewFromConfig(cfg), cognito: cognitoidentity.NewFromConfig(cfg),
		s3: s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true }),
	}
}

// Bucket is where the readings go.
func (p *Pipeline) Bucket() string { return "wildrydes-" + p.Account }

// Kinesis is the client of the streams.
func (p *Pipeline) Kinesis() *kinesis.Client { return p.kinesis }

// DynamoDB is the client of the table.
func (p *Pipeline) DynamoDB() *dynamodb.Client { return p.dynamodb }

func (p *Pipeline) say(what, name string) {
	if p.Say != nil {
		p.Say(what, name)
	}
}

func (p *Pipeline) arn(service, resource string) string {
	return "arn:aws:" + service + ":" + p.Region + ":" + p.Account + ":" + resource
}

func (p *Pipeline) roleARN(name string) string { return "arn:aws:iam::" + p.Account + ":role/" + name }

// step is a thing to make or to remove.
type step struct {
	what, name string
	do         func(context.Context) error
}

// leftOut is why a thing could not be made that the others do not need.
type leftOut struct{ error }

// run does steps. Errors of these codes mean that a step was done before.
func (p *Pipeline) run(ctx context.Context, steps []step, was string, codes ...string) error {
	for _, s := range steps {
		err := s.do(ctx)
		var api smithy.APIError
		var left leftOut
		switch {
		case err == nil:
			p.say(s.what, s.name)
		case errors.As(err, &left):
			p.say(s.what, s.name+" (left out: "+left.Error()+")")
		case errors.As(err, &api) && matches(api, codes):
			p.say(s.what, s.name+" ("+was+")")
		default:
			return fmt.Errorf("%s %s: %w", s.what, s.name, err)
		}
	}
	return nil
}

func matches(err smithy.APIError, codes []string) bool {
	for _, c := range codes {
		if err.ErrorCode() == c {
			return true
		}
	}
	return false
}

// poll calls f until it is done, fails, or half a minute is over.
func poll(ctx context.Context, f func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		done, err := f()
		if err != nil || done {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// zipped is the function's package.
func zipped() ([]byte, error) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.Create("index.js")
	if err != nil {
		return nil, err
	}
	if _, err := f.Write(functionCode); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// CreateTable is the statement that makes the readings in the bucket a table.
func (p *Pipeline) CreateTable() string {
	return strings.ReplaceAll(strings.TrimSpace(tableSQL), "BUCKET", p.Bucket())
}
