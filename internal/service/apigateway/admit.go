package apigateway

import (
	"crypto/subtle"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"

	"github.com/brookmere/brookmere/internal/engine/vtl"
)

// How many calls are let in: API keys with their usage plans, and the throttles of stages.

// take takes a token from the throttle of a name; false where there is none.
func (s *Service) take(name string, rate float64, burst int32) bool {
	return s.throttles.Take(s.cfg.Clock.Now(), name, rate, burst)
}

func throttled() *failure {
	return &failure{kind: types.GatewayResponseTypeThrottled, code: "TooManyRequestsException", message: "Too Many Requests"}
}

func (x *exchange) admit() error {
	if aws.ToBool(x.route.method.ApiKeyRequired) {
		if err := x.apiKey(); err != nil {
			return err
		}
	}
	if rate, burst, ok := x.setting(); ok && !x.s.take("stage/"+x.address.api+"/"+x.address.stage+"/"+x.route.node.path+"/"+*x.route.method.HttpMethod, rate, burst) {
		return throttled()
	}
	return nil
}

// apiKey checks the request's key: one that is enabled, and in a usage plan of the stage.
func (x *exchange) apiKey() error {
	given := x.r.Header.Get("X-Api-Key")
	if x.compiled.api.KeySource == types.ApiKeySourceTypeAuthorizer {
		given, _ = lookup(x.vars, "authorizer.usageIdentifierKey")
	}
	if given == "" {
		return forbidden()
	}
	keys, err := x.s.keys.All(x.scope.Key()...)
	if err != nil {
		return internal(err)
	}
	var key *keyDoc
	for _, k := range keys {
		if subtle.ConstantTimeCompare([]byte(k.Value), []byte(given)) == 1 {
			key = k
		}
	}
	if key == nil || !key.Enabled {
		return forbidden()
	}
	plans, err := x.s.plans.All(x.scope.Key()...)
	if err != nil {
		return internal(err)
	}
	for _, p := range plans {
		i := slices.IndexFunc(p.Stages, func(st types.ApiStage) bool {
			return aws.ToString(st.ApiId) == x.address.api && aws.ToString(st.Stage) == x.address.stage
		})
		if i < 0 || !slices.Contains(p.Keys, key.ID) {
			continue
		}
		x.keyID = key.ID
		if v, ok := x.vars.Get("identity"); ok {
			identity := v.(*vtl.Map)
			identity.Put("apiKey", key.Value)
			identity.Put("apiKeyId", key.ID)
		}
		if t := p.Throttle; t != nil && (t.RateLimit > 0 || t.BurstLimit > 0) && !x.s.take("plan/"+p.ID+"/"+key.ID, t.RateLimit, t.BurstLimit) {
			return throttled()
		}
		allowed, err := x.s.spend(x.ctx, x.scope, p, key.ID)
		if err != nil {
			return internal(err)
		}
		if !allowed {
			return quotaExceeded()
		}
		return nil
	}
	return forbidden()
}
