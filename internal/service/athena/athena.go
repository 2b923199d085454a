// Package athena is Amazon Athena: statements that are sent, run in the background and
// leave their results as objects in S3; workgroups, named queries and prepared
// statements; and a view of the catalog.
//
// SELECT runs on a query engine, DDL against the Glue API. A query execution is one
// document, written when it is accepted and when it has ended; what it is doing between
// is known in memory only, so that an execution that a crash interrupted is found
// unfinished by the process that has the next lease, and becomes FAILED.
//
// Results are never kept: GetQueryResults reads the object that the execution wrote.
package athena

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/jonboulle/clockwork"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awskit/page"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/lakesql"
	"github.com/brookmere/brookmere/internal/engine/state"
	"github.com/brookmere/brookmere/internal/engine/tags"
	"github.com/brookmere/brookmere/internal/engine/work"
)

// The neighbours, each in the shape of the SDK's client.

// Catalog is what is read of Glue.
type Catalog interface {
	GetDatabase(context.Context, *glue.GetDatabaseInput, ...func(*glue.Options)) (*glue.GetDatabaseOutput, error)
	GetDatabases(context.Context, *glue.GetDatabasesInput, ...func(*glue.Options)) (*glue.GetDatabasesOutput, error)
	GetTable(context.Context, *glue.GetTableInput, ...func(*glue.Options)) (*glue.GetTableOutput, error)
	GetTables(context.Context, *glue.GetTablesInput, ...func(*glue.Options)) (*glue.GetTablesOutput, error)
	GetPartitions(context.Context, *glue.GetPartitionsInput, ...func(*glue.Options)) (*glue.GetPartitionsOutput, error)
}

// CatalogWriter is what DDL does to databases and tables of Glue.
type CatalogWriter interface {
	CreateDatabase(context.Context, *glue.CreateDatabaseInput, ...func(*glue.Options)) (*glue.CreateDatabaseOutput, error)
	UpdateDatabase(context.Context, *glue.UpdateDatabaseInput, ...func(*glue.Options)) (*glue.UpdateDatabaseOutput, error)
	DeleteDatabase(context.Context, *glue.DeleteDatabaseInput, ...func(*glue.Options)) (*glue.DeleteDatabaseOutput, error)
	CreateTable(context.Context, *glue.CreateTableInput, ...func(*glue.Options)) (*glue.CreateTableOutput, error)
	UpdateTable(context.Context, *glue.UpdateTableInput, ...func(*glue.Options)) (*glue.UpdateTableOutput, error)
	DeleteTable(context.Context, *glue.DeleteTableInput, ...func(*glue.Options)) (*glue.DeleteTableOutput, error)
}

// PartitionWriter is what DDL does to partitions of Glue.
type PartitionWriter interface {
	BatchCreatePartition(context.Context, *glue.BatchCreatePartitionInput, ...func(*glue.Options)) (*glue.BatchCreatePartitionOutput, error)
	BatchDeletePartition(context.Context, *glue.BatchDeletePartitionInput, ...func(*glue.Options)) (*glue.BatchDeletePartitionOutput, error)
	UpdatePartition(context.Context, *glue.UpdatePartitionInput, ...func(*glue.Options)) (*glue.UpdatePartitionOutput, error)
}

// Glue is all that is needed of Glue.
type Glue interface {
	Catalog
	CatalogWriter
	PartitionWriter
}

// Objects is what is needed of S3: a bucket is asked where it is, results are put and got, what a failed statement wrote
// is deleted; MSCK REPAIR TABLE lists.
type Objects interface {
	GetBucketLocation(context.Context, *s3.GetBucketLocationInput, ...func(*s3.Options)) (*s3.GetBucketLocationOutput, error)
	PutObject(context.Context, *s3.PutObjectInput, ...func(*s3.Options)) (*s3.PutObjectOutput, error)
	GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error)
	CopyObject(context.Context, *s3.CopyObjectInput, ...func(*s3.Options)) (*s3.CopyObjectOutput, error)
	DeleteObject(context.Context, *s3.DeleteObjectInput, ...func(*s3.Options)) (*s3.DeleteObjectOutput, error)
	ListObjectsV2(context.Context, *s3.ListObjectsV2Input, ...func(*s3.Options)) (*s3.ListObjectsV2Output, error)
}

// Engine answers queries; *lakesql.Engine is one. When Query has returned, it has resolved
// every name and will not look at the catalog again; the rows may still be on their way.
type Engine interface {
	Query(context.Context, lakesql.Request) (*lakesql.Result, error)
	Schema(context.Context, lakesql.Request) ([]lakesql.ResultColumn, error)
	Write(context.Context, lakesql.WriteRequest) (*lakesql.Written, error)
}

// Config holds what the service depends on.
type Config struct {
	State      *state.Store
	Glue       Glue
	Objects    Objects
	Engine     Engine
	Files      lakesql.Files
	Clock      clockwork.Clock       // nil: the real one
	Logger     *slog.Logger          // nil: discard
	Registerer prometheus.Registerer // nil: no metrics
	TempDir    string                // where large results are gathered; empty: the system's
	Owner      work.Owner            // of the executions; nil: work.Sole()
	Events     EventSink             // is told of the states of executions; nil: nobody is

	// MaxRunning is how many statements run at once, MaxQueued how many wait, in all
	// accounts together. Zero means 20 and 1,000.
	MaxRunning int
	MaxQueued  int
}

// Service serves the Athena API. Its methods have the shape of the SDK client's.
type Service struct {
	glue    Glue
	objects Objects
	engine  Engine
	files   lakesql.Files
	clock   clockwork.Clock
	logger  *slog.Logger
	tempDir string

	sequence   atomic.Uint32 // of the statements that write
	executions *executions
	workgroups *state.Collection[workGroupDoc]
	named      *state.Collection[namedQueryDoc]
	prepared   *state.Collection[preparedDoc]
	catalogs   *state.Collection[dataCatalogDoc]
	capacity   *state.Collection[capacityDoc]
	tags       *tags.Store
}

// New returns a service over the documents in cfg.State.
func New(cfg Config) (*Service, error) {
	if cfg.State == nil || cfg.Glue == nil || cfg.Objects == nil || cfg.Engine == nil {
		return nil, errors.New("athena: state, Glue, objects and an engine are needed")
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
	if cfg.MaxRunning <= 0 {
		cfg.MaxRunning = 20
	}
	if cfg.MaxQueued <= 0 {
		cfg.MaxQueued = 1000
	}
	s := &Service{
		glue: cfg.Glue, objects: cfg.Objects, engine: cfg.Engine, files: cfg.Files,
		clock: cfg.Clock, logger: cfg.Logger, tempDir: cfg.TempDir,
		workgroups: state.NewCollection[workGroupDoc](cfg.State, "athena.workgroup"),
		named:      state.NewCollection[namedQueryDoc](cfg.State, "athena.namedquery"),
		prepared:   state.NewCollection[preparedDoc](cfg.State, "athena.prepared"),
		catalogs:   state.NewCollection[dataCatalogDoc](cfg.State, "athena.datacatalog"),
		capacity:   state.NewCollection[capacityDoc](cfg.State, "athena.capacity"),
		tags:       tags.New(cfg.State, "athena.tags"),
	}
	s.executions = newExecutions(state.NewCollection[executionDoc](cfg.State, executionKind), cfg)
	return s, nil
}

// scope is whose resources a request works with.
type scope struct{ account, region string }

func scopeOf(ctx context.Context) scope {
	c := awswire.CallerFrom(ctx)
	return scope{c.Account, c.Region}
}

func (sc scope) arn(resource string) string {
	return arn.New("athena", sc.region, sc.account, resource)
}

// lookup is the context of what this service does for itself: it looks at what a statement touches for its place in
// the order, which it shows to nobody, and takes away what a failed statement has written.
func (sc scope) lookup(ctx context.Context) context.Context {
	return awswire.WithCaller(ctx, awswire.Caller{Account: sc.account, Region: sc.region})
}

// via is who calls Glue and S3 for a statement: whoever sent it, through this service. What they may not do by
// themselves no statement does for them.
func via(ctx context.Context) awswire.Caller {
	c := awswire.CallerFrom(ctx)
	c.Via = "athena.amazonaws.com"
	return c
}

// pageOf cuts one page out of items, which are sorted by key. max nil or 0 means limit.
func pageOf[T any](items []T, key func(T) string, token *string, max *int32, limit int) ([]T, *string, error) {
	items, next, err := page.Of(items, key, page.Request{Token: token, Max: max, Limit: limit})
	if err != nil {
		return nil, nil, invalidRequest("INVALID_INPUT", "The nextPageToken is malformed: %s", aws.ToString(token))
	}
	return items, next, nil
}
