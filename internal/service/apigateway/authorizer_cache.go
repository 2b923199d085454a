package apigateway

import (
	"crypto/sha256"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
)

// What functions of authorizers have answered, for as long as an authorizer says
// (authorizerResultTtlInSeconds): by stage, deployment, authorizer and the values of its identity
// sources. The answer is kept, not the decision: its policy decides about each method again. A redeployment
// of the stage, FlushStageAuthorizersCache and a restart forget.

// Bounds of what is kept.
const (
	maxAuthorized      = 64 << 10 // bytes of an answer; larger ones are asked for again
	maxAuthorizedTotal = 16 << 20 // bytes of all
)

// authorized is a kept answer.
type authorized struct {
	stage string // "api/stage"
	body  []byte
	until time.Time
}

type authorizedKey [sha256.Size]byte

// cacheKey is what an answer is kept by; false where none is kept.
func (x *exchange) cacheKey(a *types.Authorizer, identity []string) (authorizedKey, bool) {
	if resultTTL(a) <= 0 || len(identity) == 0 {
		return authorizedKey{}, false
	}
	parts := append([]string{x.scope.Account, x.scope.Region, x.address.api, x.address.stage, x.stage.Deployment, aws.ToString(a.Id)}, identity...)
	var b strings.Builder
	for _, p := range parts { // with its length: no two lists make one text
		b.WriteString(itoa(len(p)) + ":" + p)
	}
	return sha256.Sum256([]byte(b.String())), true
}

func (s *Service) authorizedBefore(k authorizedKey) ([]byte, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, ok := s.authorized[k]
	if !ok || !s.cfg.Clock.Now().Before(a.until) {
		return nil, false
	}
	return a.body, true
}

func (s *Service) keepAuthorized(k authorizedKey, stage string, ttl int32, body []byte) {
	if len(body) > maxAuthorized {
		return
	}
	now := s.cfg.Clock.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	size := len(body) + len(k)
	if s.authorizedBytes+size > maxAuthorizedTotal {
		s.forgetAuthorized(func(a authorized) bool { return !now.Before(a.until) })
		if s.authorizedBytes+size > maxAuthorizedTotal {
			s.forgetAuthorized(func(authorized) bool { return true })
		}
	}
	if old, ok := s.authorized[k]; ok {
		s.authorizedBytes -= len(old.body) + len(k)
	}
	s.authorized[k] = authorized{stage, body, now.Add(time.Duration(ttl) * time.Second)}
	s.authorizedBytes += size
}

// forgetAuthorized forgets some answers. s.mu is held.
func (s *Service) forgetAuthorized(which func(authorized) bool) {
	for k, a := range s.authorized {
		if which(a) {
			delete(s.authorized, k)
			s.authorizedBytes -= len(a.body) + len(k)
		}
	}
}
