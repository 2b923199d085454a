package dynamodb

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/jonboulle/clockwork"

	"github.com/brookmere/brookmere/internal/engine/itemstore"
	"github.com/brookmere/brookmere/internal/engine/metering"
	"github.com/brookmere/brookmere/internal/engine/state"
	"github.com/brookmere/brookmere/internal/engine/work"
)

// Kinesis takes the changes of tables with a streaming destination.
type Kinesis interface {
	PutRecords(context.Context, *kinesis.PutRecordsInput, ...func(*kinesis.Options)) (*kinesis.PutRecordsOutput, error)
	DescribeStreamSummary(context.Context, *kinesis.DescribeStreamSummaryInput, ...func(*kinesis.Options)) (*kinesis.DescribeStreamSummaryOutput, error)
}

// S3 takes exports and has what is imported.
type S3 interface {
	PutObject(context.Context, *s3.PutObjectInput, ...func(*s3.Options)) (*s3.PutObjectOutput, error)
	GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error)
	ListObjectsV2(context.Context, *s3.ListObjectsV2Input, ...func(*s3.Options)) (*s3.ListObjectsV2Output, error)
}

// Config is what a Service works with.
type Config struct {
	State  *state.Store
	Items  *itemstore.Store
	Clock  clockwork.Clock // nil: the real one
	Logger *slog.Logger    // nil: none

	Kinesis Kinesis // nil: no streaming destinations
	S3      S3      // nil: no exports and imports

	// Endpoint is the URL of the node, of which DescribeEndpoints tells; nil: there is none.
	Endpoint func() string

	// Meter is told what tables consume; nil: nothing is.
	Meter *metering.Registry

	// BackupDir is where backups are kept, on the item store's file system.
	BackupDir string

	// EnforceLimits holds tables to their throughput: what is provisioned, the maximum of those on demand,
	// and what a partition has.
	EnforceLimits bool

	// Owner says what of that which runs by itself this process runs. Nil: all of it, work.Sole().
	Owner work.Owner

	// SweepEvery is how often items that have expired are deleted. Zero: 10 s.
	SweepEvery time.Duration
}

// Service is the DynamoDB API.
type Service struct {
	cfg     Config
	clock   clockwork.Clock
	log     *slog.Logger
	tables  *state.Collection[table]
	backups *state.Collection[backup]
	jobs    *state.Collection[job]
	left    *state.Collection[table] // of deleted tables, their streams
	meters  meters

	keys atomic.Pointer[Keys]

	steps     *work.Runner[table] // of work that ends
	copies    *work.Runner[table] // of streaming destinations
	transfers *work.Runner[job]   // exports and imports
	group     *work.Group

	tokens  sync.Mutex // held from the look for the job of a token until there is one
	changes sync.Mutex // holds documents and the item store's definitions together
	mu      sync.Mutex
	open    map[uint64]*openTable // by table.Store
}

// New returns a Service. Start must be called before it is used.
func New(cfg Config) (*Service, error) {
	if cfg.State == nil || cfg.Items == nil {
		return nil, errors.New("dynamodb: Config needs State and Items")
	}
	if cfg.Clock == nil {
		cfg.Clock = clockwork.NewRealClock()
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Owner == nil {
		cfg.Owner = work.Sole()
	}
	if cfg.SweepEvery == 0 {
		cfg.SweepEvery = 10 * time.Second
	}
	s := &Service{
		cfg: cfg, clock: cfg.Clock, log: cfg.Logger,
		tables:  state.NewCollection[table](cfg.State, "dynamodb.table"),
		backups: state.NewCollection[backup](cfg.State, "dynamodb.backup"),
		jobs:    state.NewCollection[job](cfg.State, "dynamodb.job"),
		left:    state.NewCollection[table](cfg.State, "dynamodb.left"),
		open:    map[uint64]*openTable{},
	}
	return s, nil
}

// Start resumes what was under way when the node stopped, and begins the sweeps.
func (s *Service) Start(ctx context.Context) error { return s.run(ctx) }

// Close stops what runs by itself; what it leaves undone, the next Start does.
func (s *Service) Close(ctx context.Context) error {
	if s.steps == nil {
		return nil
	}
	return errors.Join(s.steps.Close(ctx), s.copies.Close(ctx), s.transfers.Close(ctx), s.group.Close(ctx))
}

// now is the present, to the millisecond that the API has.
func (s *Service) now() time.Time { return s.clock.Now().UTC().Truncate(time.Millisecond) }
