// Package glue is AWS Glue: the Data Catalog with its databases, tables, versions and
// partitions, the crawlers that fill it from objects in S3, and the jobs that move data between
// streams, objects and the catalog, with their triggers and workflows.
//
// A job run is a document that a work.Runner works: job_work.go says what a crash does,
// job_stream.go how each record of a stream comes into objects once.
//
// Databases, tables and crawlers are one state document each. Partitions are kept in
// chunks (see partition_store.go), since a table may have many thousands of them and a
// document costs a sync to disk.
//
// Names of databases and tables are kept in lower case and looked up so, as Glue does.
// Resources are kept apart by account (the catalog's id) and region.
package glue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/jonboulle/clockwork"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awskit/page"
	"github.com/brookmere/brookmere/internal/awskit/shardreader"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/etl"
	"github.com/brookmere/brookmere/internal/engine/metering"
	"github.com/brookmere/brookmere/internal/engine/state"
	"github.com/brookmere/brookmere/internal/engine/tags"
	"github.com/brookmere/brookmere/internal/engine/work"
)

// Objects is what crawlers and jobs need of S3; the SDK's client has it.
type Objects interface {
	ListObjectsV2(context.Context, *s3.ListObjectsV2Input, ...func(*s3.Options)) (*s3.ListObjectsV2Output, error)
	GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error)
	PutObject(context.Context, *s3.PutObjectInput, ...func(*s3.Options)) (*s3.PutObjectOutput, error)
	DeleteObject(context.Context, *s3.DeleteObjectInput, ...func(*s3.Options)) (*s3.DeleteObjectOutput, error)
}

// Config holds what the service depends on.
type Config struct {
	State   *state.Store
	Objects Objects                // nil: crawlers and jobs fail, saying so
	Kinesis shardreader.KinesisAPI // nil: streaming jobs fail, saying so
	Meter   *metering.Registry     // of what CloudWatch is told of jobs; nil: nothing
	Logs    LogSink                // nil: what jobs print goes nowhere
	Scripts Scripts                // nil: script jobs fail, saying so
	SQL     etl.SQLEngine          // of visual jobs; nil: nodes with SQL are refused
	// Credentials of the roles of script jobs, and the endpoint of the node as scripts reach it.
	Credentials JobCredentials
	Endpoint    func() string
	Clock       clockwork.Clock       // nil: the real one
	Logger      *slog.Logger          // nil: discard
	Registerer  prometheus.Registerer // nil: no metrics
	Owner       work.Owner            // of crawlers; nil: work.Sole()

	// Allow decides whether the caller of ctx, a role that a crawler or a job acts as, may do an action ("glue:GetTable")
	// on the resource of an ARN; nil: it may.
	Allow func(ctx context.Context, action, resource string) error

	Events EventSink // is told of the states of crawlers and jobs; nil: nobody is

	// Crawls takes what crawlers say of their runs; nil: nobody does.
	Crawls CrawlSink

	// MaxConcurrentCrawls bounds the crawls that run at once; others wait in state
	// RUNNING. Zero means 4.
	MaxConcurrentCrawls int
}

// CrawlSink takes lines about the runs of a crawler, which are written as its role, an ARN. It must not block: what it cannot keep up with it drops, and counts.
type CrawlSink interface {
	Log(account, region, crawler, role string, at time.Time, line string)
}

// Service serves the Glue API. Its methods have the shape of the SDK client's.
type Service struct {
	state  *state.Store
	clock  clockwork.Clock
	logger *slog.Logger

	crawlLog CrawlSink

	databases *state.Collection[databaseDoc]
	tables    *state.Collection[tableDoc]
	versions  *state.Collection[tableDoc]
	chunks    *state.Collection[chunkDoc]
	crawlers  *state.Collection[crawlerDoc]
	crawls    *state.Collection[crawlDoc]
	tags      *tags.Store

	functions   *state.Collection[functionDoc]
	connections *state.Collection[connectionDoc]
	statistics  *state.Collection[statisticsDoc]
	policies    *state.Collection[policyDoc]
	encryption  *state.Collection[encryptionDoc]
	security    *state.Collection[securityDoc]
	classifiers *state.Collection[classifierDoc]

	structure  sync.RWMutex // held for writing while a database or table is deleted with all that is in it
	partitions partitionTables

	runs *crawlRuns

	cfg            Config
	jobs           *state.Collection[jobDoc]
	jobStates      *state.Collection[jobStateDoc]
	jobRuns        *state.Collection[jobRunDoc]
	bookmarks      *state.Collection[bookmarkDoc]
	checkpoints    *state.Collection[checkpointDoc]
	triggers       *state.Collection[triggerDoc]
	workflows      *state.Collection[workflowDoc]
	flows          *state.Collection[flowDoc]
	registries     *state.Collection[registryDoc]
	schemas        *state.Collection[schemaDoc]
	schemaVersions *state.Collection[schemaVersionDoc]
	jobRunner      *work.Runner[jobRunDoc]
	lastRun        atomic.Int64 // newest time, in milliseconds, that named objects
	metrics        jobMetrics
}

type jobMetrics struct {
	jobRuns    *prometheus.CounterVec
	jobRecords prometheus.Counter
}

func newJobMetrics(reg prometheus.Registerer) jobMetrics {
	m := jobMetrics{
		jobRuns: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "brookmere_glue_job_runs_total", Help: "Job runs that ended, by state.",
		}, []string{"state"}),
		jobRecords: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "brookmere_glue_job_records_total", Help: "Records that visual streaming jobs have written.",
		}),
	}
	if reg != nil {
		reg.MustRegister(m.jobRuns, m.jobRecords)
	}
	return m
}

// New returns a service over the documents in cfg.State.
func New(cfg Config) (*Service, error) {
	if cfg.State == nil {
		return nil, errors.New("glue: a state store is needed")
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
	if cfg.MaxConcurrentCrawls <= 0 {
		cfg.MaxConcurrentCrawls = 4
	}
	s := &Service{
		state:     cfg.State,
		clock:     cfg.Clock,
		logger:    cfg.Logger,
		crawlLog:  cfg.Crawls,
		databases: state.NewCollection[databaseDoc](cfg.State, "glue.database"),
		tables:    state.NewCollection[tableDoc](cfg.State, "glue.table"),
		versions:  state.NewCollection[tableDoc](cfg.State, "glue.tableversion"),
		chunks:    state.NewCollection[chunkDoc](cfg.State, "glue.partitions"),
		crawlers:  state.NewCollection[crawlerDoc](cfg.State, crawlerKind),
		crawls:    state.NewCollection[crawlDoc](cfg.State, "glue.crawl"),
		tags:      tags.New(cfg.State, "glue.tags"),

		functions:   state.NewCollection[functionDoc](cfg.State, "glue.function"),
		connections: state.NewCollection[connectionDoc](cfg.State, "glue.connection"),
		statistics:  state.NewCollection[statisticsDoc](cfg.State, "glue.statistics"),
		policies:    state.NewCollection[policyDoc](cfg.State, "glue.policy"),
		encryption:  state.NewCollection[encryptionDoc](cfg.State, "glue.encryption"),
		security:    state.NewCollection[securityDoc](cfg.State, "glue.security"),
		classifiers: state.NewCollection[classifierDoc](cfg.State, "glue.classifier"),
	}
	s.runs = s.newCrawlRuns(cfg)
	s.cfg = cfg
	s.metrics = newJobMetrics(cfg.Registerer)
	s.jobs = state.NewCollection[jobDoc](cfg.State, "glue.job")
	s.jobStates = state.NewCollection[jobStateDoc](cfg.State, "glue.jobstate")
	s.jobRuns = state.NewCollection[jobRunDoc](cfg.State, jobRunKind)
	s.bookmarks = state.NewCollection[bookmarkDoc](cfg.State, "glue.bookmark")
	s.checkpoints = state.NewCollection[checkpointDoc](cfg.State, "glue.checkpoint")
	s.triggers = state.NewCollection[triggerDoc](cfg.State, triggerKind)
	s.workflows = state.NewCollection[workflowDoc](cfg.State, "glue.workflow")
	s.flows = state.NewCollection[flowDoc](cfg.State, "glue.workflowrun")
	s.registries = state.NewCollection[registryDoc](cfg.State, "glue.registry")
	s.schemas = state.NewCollection[schemaDoc](cfg.State, "glue.schema")
	s.schemaVersions = state.NewCollection[schemaVersionDoc](cfg.State, "glue.schemaversion")
	s.jobRunner = s.newJobRunner(cfg.State)
	return s, nil
}

// scope is the catalog that a request works in.
type scope struct{ account, region string }

// scopeOf is the catalog of the caller, who is of the account of another catalog where a call is let into that one
// (awswire.Caller.Home). A catalog of any other account is not found.
func scopeOf(ctx context.Context, catalogID *string) (scope, error) {
	c := awswire.CallerFrom(ctx)
	if id := aws.ToString(catalogID); id != "" && id != c.Account {
		return scope{}, notFound("Catalog %s not found.", id)
	}
	return scope{c.Account, c.Region}, nil
}

// arn names a resource of the catalog, "database/x".
func (sc scope) arn(resource string) string {
	return arn.New("glue", sc.region, sc.account, resource)
}

func notFound(format string, args ...any) error {
	return &types.EntityNotFoundException{Message: aws.String(fmt.Sprintf(format, args...))}
}

func alreadyExists(format string, args ...any) error {
	return &types.AlreadyExistsException{Message: aws.String(fmt.Sprintf(format, args...))}
}

func invalidInput(format string, args ...any) error {
	return &types.InvalidInputException{Message: aws.String(fmt.Sprintf(format, args...))}
}

// fold is the form in which Glue keeps names of databases and tables.
func fold(name *string) string { return strings.ToLower(aws.ToString(name)) }

func decodeToken(token *string) (string, error) {
	if aws.ToString(token) == "" {
		return "", nil
	}
	after, err := page.Open(*token)
	if err != nil {
		return "", invalidInput("NextToken is not valid.")
	}
	return after, nil
}

// pageOf cuts one page out of items, which are sorted by key. max nil or 0 means limit.
func pageOf[T any](items []T, key func(T) string, token *string, max *int32, limit int) ([]T, *string, error) {
	items, next, err := page.Of(items, key, page.Request{Token: token, Max: max, Limit: limit})
	if err != nil {
		return nil, nil, invalidInput("NextToken is not valid.")
	}
	return items, next, nil
}

// Statically: our service is what a client of Glue is to its neighbours.
var _ interface {
	GetTable(context.Context, *glue.GetTableInput, ...func(*glue.Options)) (*glue.GetTableOutput, error)
	GetPartitions(context.Context, *glue.GetPartitionsInput, ...func(*glue.Options)) (*glue.GetPartitionsOutput, error)
} = (*Service)(nil)
