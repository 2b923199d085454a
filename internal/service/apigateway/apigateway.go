package apigateway

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"sync"

	"github.com/jonboulle/clockwork"
	"golang.org/x/sync/semaphore"

	"github.com/brookmere/brookmere/internal/awskit/executeapi"
	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/engine/metering"
	"github.com/brookmere/brookmere/internal/engine/openapi"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// Neighbours are what integrations and authorizers reach.
type Neighbours interface {
	// Call does a request to a service of AWS, by its name in a host ("kinesis"), on behalf of
	// the caller of ctx, and returns its answer, whose body is in memory. It needs no
	// signature. With an action, "PutRecord", the body is the input of that operation, and
	// the neighbour puts it into the service's protocol. An error says that there is no such
	// service here.
	Call(ctx context.Context, service, action string, r *http.Request) (*http.Response, error)
}

// LogSink takes a line for a log group that a stage names by its ARN.
type LogSink interface {
	Log(ctx context.Context, role, api, groupARN, stream, line string) error
}

// Outbound does requests to addresses that the authors of APIs name, and refuses those where they
// may not go.
type Outbound interface {
	Do(*http.Request) (*http.Response, error)
}

// Other serves deployed APIs of another kind at the same hosts and paths.
type Other interface {
	http.Handler
	// Serves says that an API is one of its own. It is asked for every request, so it must be quick.
	Serves(api string) bool
	// Describe is what a stage of an API serves, as OpenAPI 3.0 without extensions.
	Describe(ctx context.Context, api, stage string) (openapi.Object, error)
}

// Config is what the service is made of.
type Config struct {
	State    *state.Store
	Services Neighbours // nil: integrations with AWS answer that the service is not there
	Outbound Outbound   // for HTTP integrations; nil: they are refused
	Logs     LogSink    // nil: access logs go nowhere
	// PassRole decides whether the caller of a context may hand a role to API Gateway for the API of an ARN. nil: everybody may.
	PassRole func(ctx context.Context, role, api string) error
	// LogsNeedRole reports whether logs are written as the role of the account, so that a stage's cannot be set up without
	// one. nil: they are not.
	LogsNeedRole func() bool
	// Allow decides whether the caller of the context, who has signed, may invoke the method of an ARN, by the
	// policies of the caller and of the API (ResourcePolicy); nil: whoever has signed may. keys answers for
	// condition keys of the request.
	Allow  func(ctx context.Context, arn string, keys func(string) []string) error
	Meter  *metering.Registry // of what CloudWatch is told of APIs; nil: nothing
	Clock  clockwork.Clock
	Logger *slog.Logger
}

// Service is API Gateway.
type Service struct {
	cfg         Config
	apis        *state.Collection[apiDoc]
	deployments *state.Collection[deploymentDoc]
	stages      *state.Collection[stageDoc]
	keys        *state.Collection[keyDoc]
	plans       *state.Collection[planDoc]
	usages      *state.Collection[usageDoc]
	accounts    *state.Collection[accountDoc]
	domains     *state.Collection[domainDoc]
	parts       *state.Collection[partDoc]
	docVersions *state.Collection[docVersionDoc]

	other     Other
	throttles executeapi.Throttles // of stages and usage plans
	owners    executeapi.Owners
	usage     usage

	mu       sync.Mutex
	compiled map[string]*compiled // by deployment; bounded by maxCompiled

	validating *semaphore.Weighted // in bytes of the bodies that are held against models

	authorized      map[authorizedKey]authorized // answers of authorizers; bounded by maxAuthorizedTotal
	authorizedBytes int
}

// New makes the service. It reads and starts nothing.
func New(cfg Config) (*Service, error) {
	if cfg.State == nil {
		return nil, errors.New("apigateway: no state")
	}
	if cfg.Clock == nil {
		cfg.Clock = clockwork.NewRealClock()
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	missing := func(err func() error) func([]string) error { return func([]string) error { return err() } }
	return &Service{
		cfg: cfg,
		apis: state.NewCollection[apiDoc](cfg.State, "apigateway.api").NotFound(func(key []string) error {
			return notFound("Invalid API identifier specified %s:%s", key[0], key[len(key)-1])
		}),
		deployments: state.NewCollection[deploymentDoc](cfg.State, "apigateway.deployment").NotFound(missing(invalidDeployment)),
		stages:      state.NewCollection[stageDoc](cfg.State, "apigateway.stage").NotFound(missing(invalidStage)),
		keys:        state.NewCollection[keyDoc](cfg.State, "apigateway.key").NotFound(missing(func() error { return notFound("Invalid API Key identifier specified") })),
		plans:       state.NewCollection[planDoc](cfg.State, "apigateway.plan").NotFound(missing(func() error { return notFound("Invalid Usage Plan ID specified") })),
		usages:      state.NewCollection[usageDoc](cfg.State, "apigateway.usage"),
		accounts:    state.NewCollection[accountDoc](cfg.State, "apigateway.account"),
		domains:     state.NewCollection[domainDoc](cfg.State, "apigateway.domain").NotFound(missing(invalidDomain)),
		parts:       state.NewCollection[partDoc](cfg.State, "apigateway.documentationpart").NotFound(missing(invalidPart)),
		docVersions: state.NewCollection[docVersionDoc](cfg.State, "apigateway.documentationversion").NotFound(missing(invalidDocVersion)),
		compiled:    map[string]*compiled{},
		authorized:  map[authorizedKey]authorized{},
		validating:  semaphore.NewWeighted(maxPayload),
	}, nil
}

// Bind makes another service answer for its APIs.
func (s *Service) Bind(o Other) { s.other = o }

const idLetters = "abcdefghijklmnopqrstuvwxyz0123456789"

// newID makes an id of AWS's form.
func newID(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	for i := range b {
		b[i] = idLetters[int(b[i])%len(idLetters)]
	}
	return string(b)
}

// api is an API of the caller's.
func (s *Service) api(ctx context.Context, id *string) (*apiDoc, error) {
	if id == nil || *id == "" {
		return nil, invalidAPI()
	}
	return s.apis.Get(scope.Of(ctx).Key(*id)...)
}

// apiOr is an API of the caller's, or the error of calls that do not name the API where there is none.
func (s *Service) apiOr(ctx context.Context, id *string, missing func() error) (*apiDoc, error) {
	d, err := s.api(ctx, id)
	if isNotFound(err) {
		err = missing()
	}
	return d, err
}

// change changes an API of the caller's; f may run more than once.
func (s *Service) change(ctx context.Context, id *string, f func(*apiDoc) error) (*apiDoc, error) {
	if id == nil || *id == "" {
		return nil, invalidAPI()
	}
	return s.apis.Modify(ctx, f, scope.Of(ctx).Key(*id)...)
}

// changeOr is change with the error of calls that do not name the API where there is none.
func (s *Service) changeOr(ctx context.Context, id *string, missing func() error, f func(*apiDoc) error) (*apiDoc, error) {
	found := false
	d, err := s.change(ctx, id, func(d *apiDoc) error {
		found = true
		return f(d)
	})
	if !found && isNotFound(err) {
		err = missing()
	}
	return d, err
}
