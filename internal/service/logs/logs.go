package logs

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/jonboulle/clockwork"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/brookmere/brookmere/internal/engine/logstore"
	"github.com/brookmere/brookmere/internal/engine/shardlog"
	"github.com/brookmere/brookmere/internal/engine/state"
	"github.com/brookmere/brookmere/internal/engine/tags"
	"github.com/brookmere/brookmere/internal/engine/work"
)

// Kinesis takes what subscriptions send to streams.
type Kinesis interface {
	PutRecords(context.Context, *kinesis.PutRecordsInput, ...func(*kinesis.Options)) (*kinesis.PutRecordsOutput, error)
}

// Firehose takes what subscriptions send to delivery streams.
type Firehose interface {
	PutRecordBatch(context.Context, *firehose.PutRecordBatchInput, ...func(*firehose.Options)) (*firehose.PutRecordBatchOutput, error)
}

// Lambda takes what subscriptions send to functions.
type Lambda interface {
	Invoke(context.Context, *lambda.InvokeInput, ...func(*lambda.Options)) (*lambda.InvokeOutput, error)
}

// Metrics takes what metric filters find.
type Metrics interface {
	PutMetricData(context.Context, *cloudwatch.PutMetricDataInput, ...func(*cloudwatch.Options)) (*cloudwatch.PutMetricDataOutput, error)
}

// Objects takes exports.
type Objects interface {
	PutObject(context.Context, *s3.PutObjectInput, ...func(*s3.Options)) (*s3.PutObjectOutput, error)
}

// Config is what the service works with. State and Log are required. What needs a neighbour that is nil is
// refused, or, of metric filters, kept alone.
type Config struct {
	State *state.Store
	Log   *shardlog.Log
	Dir   string // of the files of indexes; empty: none are kept

	Kinesis  Kinesis
	Firehose Firehose
	Lambda   Lambda
	Metrics  Metrics
	Objects  Objects

	// Allow decides whether a service may do an action of CloudWatch Logs ("PutLogEvents") with a stream, as the role of
	// a Target. nil: it may.
	Allow func(ctx context.Context, t Target, action, stream string) error

	// Registerer is for the metric of lines that were dropped; nil: there is none.
	Registerer prometheus.Registerer

	Owner  work.Owner // of subscriptions, exports and metric filters; nil: work.Sole()
	Clock  clockwork.Clock
	Logger *slog.Logger
}

// Service is CloudWatch Logs. Its methods have the shape of the SDK's client.
type Service struct {
	cfg   Config
	clock clockwork.Clock
	log   *slog.Logger
	store *logstore.Store

	groups        *state.Collection[groupDoc]
	streams       *state.Collection[streamDoc]
	metrics       *state.Collection[metricDoc]
	subscriptions *state.Collection[subscriptionDoc]
	positions     *state.Collection[positionDoc]
	exports       *state.Collection[exportDoc]
	policies      *state.Collection[policyDoc]
	merged        mergedPolicies
	definitions   *state.Collection[definitionDoc]
	dead          *state.Collection[deadDoc]
	tags          *tags.Store

	work               work.Group
	metricRunner       *work.Runner[metricDoc]
	subscriptionRunner *work.Runner[subscriptionDoc]
	exportRunner       *work.Runner[exportDoc]
	queries            queries
	sink               *Sink
	tails              sessions
}

// New makes the service. It reads and starts nothing.
func New(cfg Config) (*Service, error) {
	if cfg.State == nil || cfg.Log == nil {
		return nil, errors.New("logs: State and Log are required")
	}
	if cfg.Owner == nil {
		cfg.Owner = work.Sole()
	}
	if cfg.Clock == nil {
		cfg.Clock = clockwork.NewRealClock()
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	missing := func(err func() error) func([]string) error { return func([]string) error { return err() } }
	s := &Service{cfg: cfg, clock: cfg.Clock, log: cfg.Logger}
	s.store = logstore.New(logstore.Options{Log: cfg.Log, Dir: cfg.Dir, Clock: cfg.Clock, Failed: func(group string, err error) {
		s.log.Error("log events cannot be read, or their index not be written", "group", group, "error", err)
	}})
	s.groups = state.NewCollection[groupDoc](cfg.State, "logs.group").NotFound(missing(noGroup)).Exists(missing(groupExists))
	s.streams = state.NewCollection[streamDoc](cfg.State, "logs.stream").NotFound(missing(noStream)).Exists(missing(streamExists))
	s.metrics = state.NewCollection[metricDoc](cfg.State, "logs.metricfilter").NotFound(missing(noMetricFilter))
	s.subscriptions = state.NewCollection[subscriptionDoc](cfg.State, "logs.subscription").NotFound(missing(noSubscription))
	s.positions = state.NewCollection[positionDoc](cfg.State, "logs.position")
	s.exports = state.NewCollection[exportDoc](cfg.State, "logs.export").NotFound(missing(noExport))
	s.policies = state.NewCollection[policyDoc](cfg.State, "logs.policy")
	s.definitions = state.NewCollection[definitionDoc](cfg.State, "logs.querydef").NotFound(missing(noDefinition))
	s.dead = state.NewCollection[deadDoc](cfg.State, "logs.dead")
	s.tags = tags.New(cfg.State, "logs.tags")
	s.work.Clock = cfg.Clock
	s.work.Events = work.Events{Failed: s.workFailed}
	s.metricRunner = s.newMetricRunner()
	s.subscriptionRunner = s.newSubscriptionRunner()
	s.exportRunner = s.newExportRunner()
	s.sink = newSink(s)
	if cfg.Registerer != nil {
		err := cfg.Registerer.Register(prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "brookmere_logs_dropped_lines_total", Help: "Lines of the node's own services that were not written to their log groups.",
		}, func() float64 { return float64(s.sink.Dropped()) }))
		if err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Bind gives the service neighbours that were made after it. It is called before Start.
func (s *Service) Bind(set func(*Config)) { set(&s.cfg) }

// Start takes up what an earlier run has left.
func (s *Service) Start(ctx context.Context) error {
	if err := s.store.Start(ctx); err != nil {
		return err
	}
	s.work.Go("removed log groups", s.removeDead)
	s.work.Go("lines of the node's own", s.sink.run)
	return errors.Join(s.metricRunner.Start(ctx), s.subscriptionRunner.Start(ctx), s.exportRunner.Start(ctx))
}

// Close ends what runs by itself. Lines that were acknowledged stay.
func (s *Service) Close(ctx context.Context) error {
	s.queries.close()
	s.sink.flush(ctx)
	return errors.Join(s.metricRunner.Close(ctx), s.subscriptionRunner.Close(ctx), s.exportRunner.Close(ctx), s.work.Close(ctx), s.store.Close(ctx))
}

func (s *Service) workFailed(key work.Key, part string, err error, failures int, wait time.Duration) {
	if failures == 1 || failures%20 == 0 {
		s.log.Warn("work of log groups failed and is tried again", "key", key, "part", part, "error", err, "failures", failures, "wait", wait)
	}
}

func (s *Service) nowMillis() int64 { return s.clock.Now().UnixMilli() }

// newID makes a random name.
func newID() string {
	var b [16]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// newNumber makes a random number.
func newNumber() uint64 {
	var b [8]byte
	rand.Read(b[:])
	return binary.BigEndian.Uint64(b[:])
}
