package node

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/jonboulle/clockwork"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/brookmere/brookmere/internal/awskit/executeapi"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/delivery"
	"github.com/brookmere/brookmere/internal/engine/function"
	"github.com/brookmere/brookmere/internal/engine/itemstore"
	"github.com/brookmere/brookmere/internal/engine/jobscript"
	"github.com/brookmere/brookmere/internal/engine/metering"
	"github.com/brookmere/brookmere/internal/engine/metricstore"
	"github.com/brookmere/brookmere/internal/engine/queue"
	"github.com/brookmere/brookmere/internal/engine/shardlog"
	"github.com/brookmere/brookmere/internal/engine/sparksql"
	"github.com/brookmere/brookmere/internal/engine/state"
	"github.com/brookmere/brookmere/internal/engine/work"
	"github.com/brookmere/brookmere/internal/service/apigateway"
	"github.com/brookmere/brookmere/internal/service/apigatewayv2"
	"github.com/brookmere/brookmere/internal/service/athena"
	"github.com/brookmere/brookmere/internal/service/cloudwatch"
	"github.com/brookmere/brookmere/internal/service/cognitoidentity"
	"github.com/brookmere/brookmere/internal/service/dynamodb"
	"github.com/brookmere/brookmere/internal/service/events"
	"github.com/brookmere/brookmere/internal/service/firehose"
	"github.com/brookmere/brookmere/internal/service/glue"
	"github.com/brookmere/brookmere/internal/service/iam"
	"github.com/brookmere/brookmere/internal/service/kinesis"
	"github.com/brookmere/brookmere/internal/service/kinesisanalytics"
	"github.com/brookmere/brookmere/internal/service/kms"
	"github.com/brookmere/brookmere/internal/service/lambda"
	"github.com/brookmere/brookmere/internal/service/logs"
	"github.com/brookmere/brookmere/internal/service/sns"
	"github.com/brookmere/brookmere/internal/service/sqs"
	"github.com/brookmere/brookmere/internal/service/sts"
)

// catalog lists the services in the order in which they are made and started; they are
// closed in the reverse of it. To add one: its package, a line here, and its function below.
var catalog = []entry{
	{zero: new(kinesis.Service), make: makeKinesis},
	{zero: new(logs.Service), make: makeLogs, bind: bindLogs},
	{zero: new(glue.Service), make: makeGlue},
	{zero: new(firehose.Service), make: makeFirehose, bind: func(s *services) { s.firehose.BindLambda(askedFunctions{s.lambda, s.node.decide}) }},
	{zero: new(athena.Service), make: makeAthena},
	{zero: new(iam.Service), make: makeIAM},
	{zero: new(dynamodb.Service), make: makeDynamoDB, bind: func(s *services) { s.dynamodb.UseKeys(s.kms) }},
	{zero: new(dynamodb.Streams), make: makeDynamoDBStreams},
	{zero: new(sts.Service), make: makeSTS},
	{zero: new(sqs.Service), make: makeSQS},
	{zero: new(lambda.Service), make: makeLambda},
	{zero: new(sns.Service), make: makeSNS, bind: bindSNS},
	{zero: new(cognitoidentity.Service), make: makeCognito},
	{zero: new(kms.Service), make: makeKMS},
	{zero: new(apigateway.Service), make: makeAPIGateway, bind: func(s *services) { s.restAPIs.Bind(s.httpAPIs) }},
	{zero: new(apigatewayv2.Service), make: makeHTTPAPIs},
	{zero: new(kinesisanalytics.Service), make: makeAnalytics},
	{zero: new(kinesisanalytics.Second), make: makeAnalyticsSecond},
	{zero: new(events.Service), make: makeEvents, bind: bindEvents},
	{zero: new(cloudwatch.Service), make: makeCloudWatch, bind: bindCloudWatch},
}

// entry is one service of the catalog.
type entry struct {
	// zero tells the API for the table of operations.
	zero service
	// make makes the service, without any I/O, of what is shared and of the neighbours that
	// were made before it, and keeps it in the services.
	make func(*services, parts) (service, error)
	// bind gives the service the neighbours that were made after it; nil if there are none.
	bind func(*services)
}

// service is what every service is to the node. One that has a method Start(context.Context)
// error is started when all are made and bound, one that has Close(context.Context) error is
// closed in the end, one that has Endpoints() []awswire.Endpoint contributes them to the node's
// own, and one that has Fronts() []awswire.Front answers there too.
type service interface{ API() awswire.API }

// services are those of a stack, by type, where neighbours are found.
type services struct {
	node *Node

	kinesis  *kinesis.Service
	glue     *glue.Service
	firehose *firehose.Service
	athena   *athena.Service
	iam      *iam.Service
	dynamodb *dynamodb.Service
	sts      *sts.Service
	lambda   *lambda.Service
	cognito  *cognitoidentity.Service
	kms      *kms.Service
	logs     *logs.Service
	sqs      *sqs.Service
	sns      *sns.Service
	restAPIs *apigateway.Service
	httpAPIs *apigatewayv2.Service

	cloudwatch *cloudwatch.Service
	events     *events.Service

	analytics *kinesisanalytics.Service
}

// parts is what the services of a stack share.
type parts struct {
	name    string // of the service that is being made
	node    *Node
	stack   *stack // to reach what is made later
	state   *state.Store
	log     *shardlog.Log
	queries athena.Engine
	items   *itemstore.Store
	queues  *queue.Store
	outbox  *queue.Store // of what is on its way
	samples *metricstore.Store
	meter   *metering.Registry
	objects *s3.Client // in this process

	functions *function.Engine
	scripts   *jobscript.Engine // of jobs

	owner      work.Owner // of what runs by itself
	here       work.Owner // of what runs by itself on the node's own stores: always this node
	clock      clockwork.Clock
	logger     *slog.Logger // of the service
	registerer prometheus.Registerer
}

// limited says whether the limits of AWS are enforced.
func (p parts) limited() bool { return p.node.cfg.Limits == "enforce" }

func makeKinesis(s *services, p parts) (_ service, err error) {
	s.kinesis, err = kinesis.New(kinesis.Config{
		State: p.state, Log: p.log, Clock: p.clock, Logger: p.logger, Registerer: p.registerer,
		Owner: p.owner, Meter: p.meter, EnforceLimits: p.limited(), ControlDelay: p.node.cfg.ControlDelay,
		ShardLimit: p.node.cfg.ShardLimit,
	})
	return s.kinesis, err
}

func makeGlue(s *services, p parts) (_ service, err error) {
	s.glue, err = glue.New(glue.Config{
		Events: serviceEvents{s}, Crawls: crawlLogs{func() *logs.Sink { return s.logs.Sink() }}, Logs: jobLogs{func() *logs.Sink { return s.logs.Sink() }},
		SQL:     &sparksql.Engine{Lake: p.queries, Dir: filepath.Join(p.node.dirs.temp("query"), "spark")},
		Scripts: p.scripts, Credentials: jobCredentials(s, p), Endpoint: func() string { return "http://" + p.node.inner.Addr().String() },
		State: p.state, Objects: p.objects, Kinesis: askedKinesis{s.kinesis, p.node.reach}, Meter: p.meter, Owner: p.owner, Clock: p.clock, Logger: p.logger, Registerer: p.registerer,
		Allow: func(ctx context.Context, action, resource string) error {
			return p.node.decide(ctx, action, resource, nil)
		},
	})
	return s.glue, err
}

func makeFirehose(s *services, p parts) (_ service, err error) {
	cfg := p.node.cfg.Delivery
	compaction, err := cfg.compaction()
	if err != nil {
		return nil, err
	}
	s.firehose, err = firehose.New(firehose.Config{
		State: p.state, Log: p.log, S3: p.objects, Glue: askedTables{s.glue, p.node.decide}, Kinesis: askedKinesis{s.kinesis, p.node.reach}, EnforceLimits: p.limited(),
		Owner: p.owner, Meter: p.meter,
		TempDir:    p.node.dirs.temp("delivery"),
		Budget:     &delivery.Budget{Limit: int64(orDefault(cfg.MemoryMiB, 64)) << 20},
		Lake:       lake{p.node.objects, p.node.objects},
		Compaction: compaction,
		HTTP:       p.node.outbound(firehose.HTTPTimeout),
		Clock:      p.clock, Logger: p.logger, Registerer: p.registerer,
	})
	return s.firehose, err
}

func makeAthena(s *services, p parts) (_ service, err error) {
	objects := p.node.objects
	s.athena, err = athena.New(athena.Config{
		State: p.state, Glue: askedCatalog{s.glue, newAsked(s.glue, p.node.decide), "athena.amazonaws.com"}, Objects: p.objects, Engine: p.queries,
		Files:   objectFiles{s3: objects, access: objects, list: objects},
		TempDir: p.node.dirs.tmp, Owner: p.owner, Events: serviceEvents{s},
		Clock: p.clock, Logger: p.logger, Registerer: p.registerer,
	})
	return s.athena, err
}

func makeIAM(s *services, p parts) (_ service, err error) {
	s.iam, err = iam.New(iam.Config{State: p.state, Sealer: p.node.key, Clock: p.clock})
	return s.iam, err
}

func makeDynamoDB(s *services, p parts) (_ service, err error) {
	s.dynamodb, err = dynamodb.New(dynamodb.Config{
		State: p.state, Items: p.items, Kinesis: s.kinesis, S3: p.objects, BackupDir: p.node.dirs.backups, Meter: p.meter, EnforceLimits: p.limited(),
		Endpoint: p.node.URL, Owner: p.here, Clock: p.clock, Logger: p.logger,
	})
	return s.dynamodb, err
}

func makeDynamoDBStreams(s *services, _ parts) (service, error) { return s.dynamodb.Streams(), nil }

func makeSTS(s *services, p parts) (_ service, err error) {
	s.sts, err = sts.New(sts.Config{Issuer: p.node.issuer, Directory: s.iam, AnyAccount: p.node.openToAny(), Clock: p.clock})
	return s.sts, err
}

func makeCognito(s *services, p parts) (_ service, err error) {
	s.cognito, err = cognitoidentity.New(cognitoidentity.Config{State: p.state, Clock: p.clock})
	return s.cognito, err
}

func makeKMS(s *services, p parts) (_ service, err error) {
	s.kms, err = kms.New(kms.Config{
		State: p.state, Sealer: p.node.key, Clock: p.clock,
		Decide: func(ctx context.Context, action, arn string, keys map[string][]string) error {
			if a := p.node.deciding.Load(); a != nil {
				return a.Allow(ctx, action, arn, keys)
			}
			return nil // no requests are served yet
		},
		Reach: func(ctx context.Context, action, arn string, keys map[string][]string) (context.Context, error) {
			if a := p.node.deciding.Load(); a != nil {
				return a.Reached(ctx, action, arn, keys)
			}
			return ctx, nil // no requests are served yet
		},
	})
	return s.kms, err
}

func makeAPIGateway(s *services, p parts) (_ service, err error) {
	s.restAPIs, err = apigateway.New(apigateway.Config{
		State: p.state, Logs: roleLogs{logsOfAPIs(s, p)}, Meter: p.meter, Services: integrations{p.stack}, Outbound: p.node.outbound(30 * time.Second), Clock: p.clock, Logger: p.logger,
		PassRole: p.node.passRole("apigateway", executeapi.Service),
		LogsNeedRole: func() bool {
			a := p.node.deciding.Load()
			return a != nil && a.Enforces()
		},
		Allow: func(ctx context.Context, arn string, keys func(string) []string) error {
			return p.node.decide(ctx, "execute-api:Invoke", arn, keys)
		},
	})
	return s.restAPIs, err
}

func makeHTTPAPIs(s *services, p parts) (_ service, err error) {
	s.httpAPIs, err = apigatewayv2.New(apigatewayv2.Config{
		State: p.state, Logs: logsOfAPIs(s, p), Meter: p.meter, Services: integrations{p.stack}, Outbound: p.node.outbound(30 * time.Second), Clock: p.clock, Logger: p.logger,
		Allow:    func(ctx context.Context, arn string) error { return p.node.decide(ctx, "execute-api:Invoke", arn, nil) },
		MayLog:   func(ctx context.Context, action string) error { return p.node.decide(ctx, action, "*", nil) },
		PassRole: p.node.passRole("apigatewayv2", executeapi.Service),
	})
	return s.httpAPIs, err
}

func logsOfAPIs(s *services, p parts) apiLogs {
	return apiLogs{to: func() *logs.Sink { return s.logs.Sink() }, now: func() int64 { return p.clock.Now().UnixMilli() }}
}

// makeServices makes every service of the catalog, binds them, starts them, and puts them
// behind the wire protocols.
func (s *stack) makeServices(ctx context.Context, p parts) error {
	made, err := s.construct(p)
	if err != nil {
		return err
	}
	// What cannot be read, or a newer version wrote, is told before anything goes by it.
	if err := p.state.Check(); err != nil {
		return fmt.Errorf("%w:\n%w", errDamagedState, err)
	}
	if err := s.openIdentity(p); err != nil {
		return err
	}
	for i, e := range catalog {
		if err := s.start(ctx, e.zero.API().Model, made[i]); err != nil {
			return err
		}
	}
	if err := s.startEvents(ctx, p); err != nil {
		return err
	}
	interceptors, err := s.interceptors(p)
	if err != nil {
		return err
	}
	p.node.objects.Intercept(interceptors)
	for _, svc := range made {
		if err := s.serve(p.node, svc, interceptors); err != nil {
			return err
		}
	}
	for _, svc := range made {
		if f, ok := svc.(interface{ Fronts() []awswire.Front }); ok {
			s.fronts = append(s.fronts, f.Fronts()...)
		}
	}
	s.doors = p.node.serviceEndpoints(made)
	return nil
}

// construct makes the services and binds them, without starting anything.
func (s *stack) construct(p parts) ([]service, error) {
	s.services.node = p.node
	made := make([]service, len(catalog))
	for i, e := range catalog {
		p.name = e.zero.API().Model
		p.logger = p.node.log.With("service", p.name)
		var err error
		if made[i], err = e.make(&s.services, p); err != nil {
			return nil, fmt.Errorf("create %s: %w", p.name, err)
		}
	}
	for _, e := range catalog {
		if e.bind != nil {
			e.bind(&s.services)
		}
	}
	return made, nil
}

// interceptors run around every call of every service, the first outermost.
func (s *stack) interceptors(p parts) ([]awswire.Interceptor, error) {
	meter, err := awswire.Meter(p.registerer)
	if err != nil {
		return nil, err
	}
	chain := []awswire.Interceptor{meter, newMeasuring(p.meter).intercept, s.authorizer.Intercept}
	if p.limited() {
		chain = append(chain, awswire.Throttle(p.clock.Now))
	}
	return chain, nil
}
