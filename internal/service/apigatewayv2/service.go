package apigatewayv2

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"sync"

	"github.com/jonboulle/clockwork"

	"github.com/brookmere/brookmere/internal/awskit/executeapi"
	"github.com/brookmere/brookmere/internal/engine/metering"
	"github.com/brookmere/brookmere/internal/engine/oidc"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// Neighbours are what integrations and authorizers reach.
type Neighbours interface {
	// Call does a request to a service of AWS, by its name in a host ("kinesis"), on behalf of the caller of
	// ctx, and returns its answer, whose body is in memory. With an action, "PutRecord", the body is the
	// input of that operation. An error says that there is no such service here.
	Call(ctx context.Context, service, action string, r *http.Request) (*http.Response, error)
}

// LogSink takes a line for a log group that a stage names by its ARN.
type LogSink interface {
	Log(ctx context.Context, groupARN, stream, line string) error
}

// Outbound does requests to addresses that the authors of APIs name, and refuses those where they may not go.
type Outbound interface {
	Do(*http.Request) (*http.Response, error)
}

// KeySource finds the keys of issuers that this node knows without asking anybody, its own above all. An
// issuer that it does not know may have some of them too.
type KeySource interface {
	Keys(ctx context.Context, issuer string) (oidc.Keys, error)
}

// Config is what the service is made of.
type Config struct {
	State    *state.Store
	Services Neighbours // nil: integrations with AWS answer that the service is not there
	Outbound Outbound   // for HTTP integrations and issuers; nil: they are refused
	Logs     LogSink    // nil: access logs go nowhere
	// Allow decides whether the caller of a context may invoke the route of an ARN. nil: whoever signs may.
	Allow func(ctx context.Context, arn string) error
	// MayLog decides whether the caller of a context may have access logs delivered. nil: everybody may.
	MayLog func(ctx context.Context, action string) error
	// PassRole decides whether the caller of a context may hand a role to API Gateway for the API of an ARN. nil: everybody may.
	PassRole func(ctx context.Context, role, api string) error
	Meter    *metering.Registry // nil: APIs are not measured
	Clock    clockwork.Clock
	Logger   *slog.Logger
}

// Service is API Gateway's HTTP APIs.
type Service struct {
	cfg         Config
	apis        *state.Collection[apiDoc]
	deployments *state.Collection[deploymentDoc]
	stages      *state.Collection[stageDoc]
	keys        KeySource // nil: issuers are asked
	throttles   executeapi.Throttles
	owners      executeapi.Owners
	issuers     oidc.Issuers
	authorized  answers // of authorizers

	mu       sync.Mutex
	compiled map[string]*compiled // by API and revision; bounded by maxCompiled
}

// New makes the service. It reads and starts nothing.
func New(cfg Config) (*Service, error) {
	if cfg.State == nil {
		return nil, errors.New("apigatewayv2: no state")
	}
	if cfg.Clock == nil {
		cfg.Clock = clockwork.NewRealClock()
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Service{
		cfg:         cfg,
		apis:        state.NewCollection[apiDoc](cfg.State, "apigatewayv2.api").NotFound(func(key []string) error { return missing("API", last(key)) }),
		deployments: state.NewCollection[deploymentDoc](cfg.State, "apigatewayv2.deployment").NotFound(func(key []string) error { return missing("Deployment", last(key)) }),
		stages:      state.NewCollection[stageDoc](cfg.State, "apigatewayv2.stage").NotFound(func(key []string) error { return missing("Stage", last(key)) }),
		compiled:    map[string]*compiled{},
		issuers:     oidc.Issuers{Plain: true}, // as authorizers may name them
	}, nil
}

// Bind gives the service the keys that this node knows.
func (s *Service) Bind(keys KeySource) { s.keys = keys }

func last(key []string) string {
	if len(key) == 0 {
		return ""
	}
	return key[len(key)-1]
}

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
