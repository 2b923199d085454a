package lambda

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/uuid"
	"github.com/jonboulle/clockwork"

	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/awskit/shardreader"
	"github.com/brookmere/brookmere/internal/engine/function"
	"github.com/brookmere/brookmere/internal/engine/metering"
	"github.com/brookmere/brookmere/internal/engine/shardlog"
	"github.com/brookmere/brookmere/internal/engine/state"
	"github.com/brookmere/brookmere/internal/engine/work"
)

// S3 has packages, and takes what failed.
type S3 interface {
	GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error)
	PutObject(context.Context, *s3.PutObjectInput, ...func(*s3.Options)) (*s3.PutObjectOutput, error)
}

// FanOut is a Kinesis with enhanced fan-out: it reports whether a consumer is there, and pushes its
// records.
type FanOut interface {
	shardreader.Subscriber
	DescribeStreamConsumer(context.Context, *kinesis.DescribeStreamConsumerInput, ...func(*kinesis.Options)) (*kinesis.DescribeStreamConsumerOutput, error)
}

// SNS is told of what failed or succeeded.
type SNS interface {
	Publish(context.Context, *sns.PublishInput, ...func(*sns.Options)) (*sns.PublishOutput, error)
}

// Buses are told of what failed or succeeded.
type Buses interface {
	PutEvents(context.Context, *eventbridge.PutEventsInput, ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error)
}

// SQS takes what failed or succeeded, and is a source of events.
type SQS interface {
	GetQueueAttributes(context.Context, *sqs.GetQueueAttributesInput, ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error)
	GetQueueUrl(context.Context, *sqs.GetQueueUrlInput, ...func(*sqs.Options)) (*sqs.GetQueueUrlOutput, error)
	SendMessage(context.Context, *sqs.SendMessageInput, ...func(*sqs.Options)) (*sqs.SendMessageOutput, error)
	ReceiveMessage(context.Context, *sqs.ReceiveMessageInput, ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error)
	DeleteMessageBatch(context.Context, *sqs.DeleteMessageBatchInput, ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error)
	ChangeMessageVisibilityBatch(context.Context, *sqs.ChangeMessageVisibilityBatchInput, ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error)
}

// LogSink takes what functions print. It must not block: who cannot keep up drops, and counts.
type LogSink interface {
	Log(p LogPlace, events []LogEvent)
}

// LogPlace is where a function's lines go.
type LogPlace struct {
	Account, Region, Group, Stream string
	Role                           string // of the function, whose permission it takes
	Function                       string // ARN
}

// LogEvent is a line of a log.
type LogEvent struct {
	Time    time.Time
	Message string
}

// Credentials makes temporary credentials of a role, for a function.
type Credentials func(ctx context.Context, account, role, session string) (accessKey, secret, token string, err error)

// Config is what the service works with. State, Log and Engine are required. Neighbours that
// are nil are not there: what needs them is refused.
type Config struct {
	State  *state.Store
	Log    *shardlog.Log
	Engine *function.Engine

	S3          S3
	SQS         SQS
	SNS         SNS
	Buses       Buses
	Kinesis     shardreader.KinesisAPI
	FanOut      FanOut
	DynamoDB    shardreader.DynamoDBAPI
	Logs        LogSink
	Meter       *metering.Registry // of what CloudWatch is told of functions; nil: nothing
	Credentials Credentials        // nil: functions have none

	Endpoint     func() string // URL of this node, for clients: of downloads and function URLs
	Inside       func() string // URL of this node for functions; nil: Endpoint
	ControlDelay time.Duration // how long a creation or an update takes

	// Assumable decides whether Lambda may act as the role of the context (awswire.Acting). nil: it may.
	Assumable func(ctx context.Context) error

	// MayCallURL decides whether the caller of the context may call a function by its URL, which asks for that
	// authorization: NONE or AWS_IAM. nil: whoever the URL lets in may.
	MayCallURL func(ctx context.Context, function, authType string) error

	Owner  work.Owner // of event source mappings; nil: work.Sole()
	Clock  clockwork.Clock
	Logger *slog.Logger
}

// Service is AWS Lambda. Its methods have the shape of the SDK's client.
type Service struct {
	cfg   Config
	log   *slog.Logger
	clock clockwork.Clock

	concurrency sync.Map // *atomic.Int64 by the group of a function

	functions *state.Collection[functionDoc]
	versions  *state.Collection[versionDoc]
	layers    *state.Collection[layerDoc]
	mappings  *state.Collection[mappingDoc]
	positions *state.Collection[positionDoc]
	claims    *state.Collection[claimDoc]
	progress  *state.Collection[asyncDoc]

	runner *work.Runner[mappingDoc]
	group  work.Group
	async  *async
	recent recentLogs
	secret []byte // of download URLs

	installing sync.RWMutex // held for reading between putting a package and writing who needs it

	results sync.Map // id of a mapping -> how its last batch went, as text

	urls sync.Map // id of a function URL -> urlTarget
}

// New returns the service. Start begins to run mappings and asynchronous events.
func New(cfg Config) (*Service, error) {
	if cfg.State == nil || cfg.Log == nil || cfg.Engine == nil {
		return nil, errors.New("lambda: State, Log and Engine are required")
	}
	s := &Service{cfg: cfg, log: cfg.Logger, clock: cfg.Clock, secret: make([]byte, 32)}
	rand.Read(s.secret)
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.clock == nil {
		s.clock = clockwork.NewRealClock()
	}
	if s.cfg.Owner == nil {
		s.cfg.Owner = work.Sole()
	}
	if s.cfg.Endpoint == nil {
		s.cfg.Endpoint = func() string { return "" }
	}
	if s.cfg.Inside == nil {
		s.cfg.Inside = s.cfg.Endpoint
	}
	s.functions = state.NewCollection[functionDoc](cfg.State, "lambda.function").
		NotFound(func(key []string) error {
			return noFunction(functionARN(scope.Scope{Account: key[0], Region: key[1]}, key[2], ""))
		}).
		Exists(func(key []string) error { return conflict("Function already exist: %s", key[2]) })
	s.versions = state.NewCollection[versionDoc](cfg.State, "lambda.version").
		NotFound(func(key []string) error {
			return noFunction(functionARN(scope.Scope{Account: key[0], Region: key[1]}, key[2], key[3]))
		})
	s.layers = state.NewCollection[layerDoc](cfg.State, "lambda.layer").
		NotFound(func([]string) error { return errNoResource })
	s.mappings = state.NewCollection[mappingDoc](cfg.State, "lambda.mapping").
		NotFound(func([]string) error { return notFound("The resource you requested does not exist.") })
	s.positions = state.NewCollection[positionDoc](cfg.State, "lambda.position")
	s.claims = state.NewCollection[claimDoc](cfg.State, "lambda.claim")
	s.progress = state.NewCollection[asyncDoc](cfg.State, "lambda.async")
	s.group.Clock = s.clock
	s.group.Events = work.Events{Failed: s.workFailed}
	s.runner = s.newRunner()
	s.async = newAsync(s)
	return s, nil
}

// Bind gives the service neighbours that were made after it. It is called before Start.
func (s *Service) Bind(set func(*Config)) { set(&s.cfg) }

// Start takes up what an earlier run has left.
func (s *Service) Start(ctx context.Context) error {
	for it, err := range s.functions.List() {
		if err != nil {
			s.log.Error("a function cannot be read", "key", it.Key, "error", err)
			continue
		}
		s.learn(it.Value)
		s.cfg.Engine.Prepare()
	}
	if err := s.async.open(ctx); err != nil {
		return err
	}
	s.group.Go("asynchronous events", s.async.run)
	s.group.Every("packages that nothing needs", time.Hour, s.removePackages)
	return s.runner.Start(ctx)
}

// closeGrace is how long invocations that the service has begun may go on when it closes.
const closeGrace = 2 * time.Second

// Close ends what the service runs by itself. Events that were accepted stay.
func (s *Service) Close(ctx context.Context) error {
	// What runs gets a moment; then the processes go, and with them what waits for them.
	soon, cancel := context.WithTimeout(ctx, closeGrace)
	defer cancel()
	if errors.Join(s.runner.Close(soon), s.group.Close(soon)) == nil {
		return nil
	}
	return errors.Join(s.cfg.Engine.Close(), s.runner.Close(ctx), s.group.Close(ctx))
}

// learn makes known what is looked up by other means than the name.
func (s *Service) learn(d *functionDoc) {
	reserved := -1
	if d.Reserved != nil {
		reserved = int(*d.Reserved)
	}
	s.cfg.Engine.Reserve(d.owner(), d.group(), reserved)
	for qualifier, u := range d.URLs {
		s.urls.Store(u.ID, urlTarget{d.scope(), d.Name, qualifier})
	}
}

func (s *Service) workFailed(key work.Key, part string, err error, failures int, wait time.Duration) {
	if failures == 1 || failures%20 == 0 {
		s.log.Warn("work of functions failed and is tried again", "key", key, "part", part, "error", err, "failures", failures, "wait", wait)
	}
}

func (d *functionDoc) owner() string { return d.Account + "/" + d.Region }
func (d *functionDoc) group() string { return d.owner() + "/" + d.Name }

func newID() string { return uuid.NewString() }

func newToken(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return hex.EncodeToString(b)
}

// packages adds what a version runs with: its code, its layers, and the folder of the layers laid over one another.
func (c *config) packages(keep map[string]bool) {
	keep[c.Code] = true
	var layers []string
	for _, l := range c.Layers {
		keep[l.Digest] = true
		layers = append(layers, l.Digest)
	}
	keep[function.Merged(layers)] = true
}

// removePackages removes code that no version and no layer has.
func (s *Service) removePackages(context.Context) error {
	s.installing.Lock()
	defer s.installing.Unlock()
	keep := map[string]bool{}
	for it, err := range s.functions.List() {
		if err != nil {
			return nil // what it needs is not known: nothing goes
		}
		it.Value.Latest.packages(keep)
	}
	for it, err := range s.versions.List() {
		if err != nil {
			return nil
		}
		it.Value.Config.packages(keep)
	}
	for it, err := range s.layers.List() {
		if err != nil {
			return nil
		}
		keep[it.Value.Digest] = true
	}
	_, err := s.cfg.Engine.RemovePackages(func(digest string) bool { return keep[digest] })
	return err
}
