package iam

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/policy"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// Sealer encrypts secrets at rest.
type Sealer interface {
	// Seal encrypts plain, bound to what it is for: Open needs the same text.
	Seal(plain []byte, what string) []byte
	// Open returns what was sealed; an error for anything else.
	Open(sealed []byte, what string) ([]byte, error)
}

// Config is what the service depends on. State and Sealer are required.
type Config struct {
	State  *state.Store
	Sealer Sealer
	Clock  clockwork.Clock // nil: the real one
}

// Service is IAM.
type Service struct {
	state    *state.Store
	sealer   Sealer
	clock    clockwork.Clock
	users    *state.Collection[userDoc]
	groups   *state.Collection[groupDoc]
	roles    *state.Collection[roleDoc]
	policies *state.Collection[policyDoc]
	profiles *state.Collection[profileDoc]
	oidc     *state.Collection[oidcDoc]
	saml     *state.Collection[samlDoc]
	accounts *state.Collection[accountDoc]
	keys     *state.Collection[keyDoc]
	devices  *state.Collection[deviceDoc]
	servers  *state.Collection[serverCertDoc]
	compiled policy.Cache
	secrets  secretCache

	usedMu sync.Mutex
	used   map[string]time.Time // by access key or role: when its use was last written
}

// New returns the service.
func New(c Config) (*Service, error) {
	if c.State == nil || c.Sealer == nil {
		return nil, errors.New("iam: State and Sealer are required")
	}
	if c.Clock == nil {
		c.Clock = clockwork.NewRealClock()
	}
	return &Service{
		state: c.State, sealer: c.Sealer, clock: c.Clock,
		users:    state.NewCollection[userDoc](c.State, "iam.user"),
		groups:   state.NewCollection[groupDoc](c.State, "iam.group"),
		roles:    state.NewCollection[roleDoc](c.State, "iam.role"),
		policies: state.NewCollection[policyDoc](c.State, "iam.policy"),
		profiles: state.NewCollection[profileDoc](c.State, "iam.profile"),
		oidc:     state.NewCollection[oidcDoc](c.State, "iam.oidc"),
		saml:     state.NewCollection[samlDoc](c.State, "iam.saml"),
		accounts: state.NewCollection[accountDoc](c.State, "iam.account"),
		keys:     state.NewCollection[keyDoc](c.State, "iam.key"),
		devices:  state.NewCollection[deviceDoc](c.State, "iam.mfa"),
		servers:  state.NewCollection[serverCertDoc](c.State, "iam.server-certificate"),
		used:     map[string]time.Time{},
	}, nil
}

func (s *Service) now() time.Time { return s.clock.Now().UTC().Truncate(time.Second) }

// scope is the account of a request, and the partition of its region.
type scope struct{ account, region, partition string }

func scopeOf(ctx context.Context) scope {
	c := awswire.CallerFrom(ctx)
	return scope{c.Account, c.Region, partitionOf(c.Region)}
}
