package kinesisanalytics

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/jonboulle/clockwork"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/brookmere/brookmere/internal/awskit/shardreader"
	"github.com/brookmere/brookmere/internal/engine/shardlog"
	"github.com/brookmere/brookmere/internal/engine/state"
	"github.com/brookmere/brookmere/internal/engine/work"
)

// Kinesis has the streams that applications read and write. Where it also has WaitForRecords
// (shardreader.Waiter), it is not polled.
type Kinesis interface {
	shardreader.KinesisAPI
	PutRecords(context.Context, *kinesis.PutRecordsInput, ...func(*kinesis.Options)) (*kinesis.PutRecordsOutput, error)
}

// Firehose has the delivery streams that applications write, and, where they read a Kinesis stream,
// are read as that.
type Firehose interface {
	DescribeDeliveryStream(context.Context, *firehose.DescribeDeliveryStreamInput, ...func(*firehose.Options)) (*firehose.DescribeDeliveryStreamOutput, error)
	PutRecordBatch(context.Context, *firehose.PutRecordBatchInput, ...func(*firehose.Options)) (*firehose.PutRecordBatchOutput, error)
}

// Lambda has the functions that records go through, and that rows go to.
type Lambda interface {
	Invoke(context.Context, *lambda.InvokeInput, ...func(*lambda.Options)) (*lambda.InvokeOutput, error)
}

// S3 has reference data, and samples.
type S3 interface {
	GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error)
}

// LogSink takes what applications have to say, for the log streams that they name. It must not
// block: who cannot keep up drops, and counts.
type LogSink interface {
	Log(p LogPlace, at time.Time, line string)
}

// LogPlace is a log stream, and the role that may write to it.
type LogPlace struct{ Account, Region, Group, Stream, Role, Application string }

// Metrics takes the metrics of applications, by AWS's names: "MillisBehindLatest".
type Metrics interface {
	Put(account, region, namespace, name, unit string, dimensions map[string]string, value float64, at time.Time)
}

// Config is what the service works with. State and Log are required. Neighbours that are nil are
// not there: what needs them is refused, or waits.
type Config struct {
	State *state.Store
	Log   *shardlog.Log // of progress; see the package comment

	Kinesis  Kinesis
	Firehose Firehose
	Puts     shardreader.KinesisAPI // what is put to delivery streams themselves, by their ARNs
	Lambda   Lambda
	S3       S3
	Logs     LogSink
	Metrics  Metrics

	EnforceLimits bool
	StateLimit    int64 // of one application, in bytes; 0: that of the engine

	Owner      work.Owner // of applications; nil: work.Sole()
	Clock      clockwork.Clock
	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

// Service is Kinesis Data Analytics for SQL applications, by the first version of its API; Second is
// the other. Its methods have the shape of the SDK's client.
type Service struct {
	cfg   Config
	log   *slog.Logger
	clock clockwork.Clock

	applications *state.Collection[applicationDoc]
	runner       *work.Runner[applicationDoc]
	metrics      *metrics

	mu      sync.Mutex
	running map[string]*running // by the id of the application
}

// New returns the service. Start begins to run applications.
func New(cfg Config) (*Service, error) {
	if cfg.State == nil || cfg.Log == nil {
		return nil, errors.New("kinesisanalytics: State and Log are required")
	}
	s := &Service{cfg: cfg, log: cfg.Logger, clock: cfg.Clock, running: map[string]*running{}}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.clock == nil {
		s.clock = clockwork.NewRealClock()
	}
	if s.cfg.Owner == nil {
		s.cfg.Owner = work.Sole()
	}
	var err error
	if s.metrics, err = newMetrics(cfg.Registerer); err != nil {
		return nil, err
	}
	s.applications = state.NewCollection[applicationDoc](cfg.State, "kinesisanalytics.application").
		NotFound(func(key []string) error { return notFound(key[len(key)-1]) }).
		Exists(func(key []string) error { return exists(key[len(key)-1]) })
	s.runner = s.newRunner()
	return s, nil
}

// Bind gives the service neighbours that were made after it. It is called before Start.
func (s *Service) Bind(set func(*Config)) { set(&s.cfg) }

// Start takes up what an earlier run has left.
func (s *Service) Start(ctx context.Context) error { return s.runner.Start(ctx) }

// Close ends what applications do. They go on where they were at the next Start.
func (s *Service) Close(ctx context.Context) error { return s.runner.Close(ctx) }
