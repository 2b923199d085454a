package apigatewayv2

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awskit/executeapi"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/policy"
)

// Who may call a route: anybody, whoever signs, the bearer of a token, or whom a function lets in.

func unauthorized() *failure {
	return &failure{status: http.StatusUnauthorized, message: "Unauthorized", kind: "UNAUTHORIZED"}
}

func forbidden() *failure {
	return &failure{status: http.StatusForbidden, message: "Forbidden", kind: "ACCESS_DENIED"}
}

// routeARN names the request as policies do, by the path that routing sees.
func (x *exchange) routeARN() string {
	return x.scope.ARN("execute-api", x.api.id()+"/"+*x.stage.Stage.StageName+"/"+x.r.Method+"/"+executeapi.PolicyPath(strings.TrimSuffix(strings.TrimPrefix(x.escaped, "/"), "/")))
}

func (x *exchange) authorize() error {
	p := x.plan
	switch p.route.AuthorizationType {
	case types.AuthorizationTypeAwsIam:
		return x.authorizeSigned()
	case types.AuthorizationTypeJwt:
		return x.authorizeToken(&p.authorizer)
	case types.AuthorizationTypeCustom:
		return x.authorizeByFunction(&p.authorizer)
	}
	return nil
}

// authorizeSigned lets in who has signed the request and may invoke the route.
func (x *exchange) authorizeSigned() error {
	if x.caller.AccessKey == "" || x.caller.Account != x.scope.Account {
		return forbidden()
	}
	if x.s.cfg.Allow != nil {
		if err := x.s.cfg.Allow(awswire.WithCaller(x.r.Context(), x.caller), x.routeARN()); err != nil {
			f := forbidden()
			f.cause = err
			return f
		}
	}
	x.identity.signed = true
	return nil
}

// identities are the values of an authorizer's identity sources; false where one is missing.
func (x *exchange) identities() ([]string, bool) {
	var out []string
	for _, e := range x.plan.identity {
		v, ok := x.evaluate(e, nil)
		if !ok || v == "" {
			return nil, false
		}
		out = append(out, v)
	}
	return out, true
}

// authorizeByFunction asks a function.
func (x *exchange) authorizeByFunction(a *types.Authorizer) error {
	sources, ok := x.identities()
	if !ok {
		return unauthorized()
	}
	failed := func(cause error) error {
		return &failure{status: http.StatusInternalServerError, message: "Internal Server Error", kind: "AUTHORIZER_FAILURE", cause: cause}
	}
	ttl := aws.ToInt32(a.AuthorizerResultTtlInSeconds)
	keeps := ttl > 0 && len(sources) > 0
	key := answerKey(append([]string{x.scope.Account, x.scope.Region, x.api.id(), *x.stage.Stage.StageName, x.compiled.revision, *a.AuthorizerId}, sources...))
	now := x.s.cfg.Clock.Now()
	body, kept := []byte(nil), false
	if keeps {
		body, kept = x.s.authorized.get(key, now)
	}
	if !kept {
		payload, err := json.Marshal(x.authorizerEvent(a, sources))
		if err != nil {
			return failed(err)
		}
		name, _ := functionOf(aws.ToString(a.AuthorizerUri))
		out, functionError, err := x.invoke(name, payload, aws.ToString(a.AuthorizerCredentialsArn), x.scope.ARN("execute-api", x.api.id()+"/authorizers/"+*a.AuthorizerId))
		if err != nil {
			return failed(err)
		}
		if functionError == "Unauthorized" {
			return unauthorized()
		}
		if functionError != "" {
			return failed(errors.New("the authorizer's function failed: " + functionError))
		}
		body = out
	}
	err := x.authorizedBy(a, body, failed)
	if f := (*failure)(nil); keeps && !kept && (err == nil || errors.As(err, &f) && f.kind == "ACCESS_DENIED") {
		x.s.authorized.keep(key, x.api.id()+"/"+*x.stage.Stage.StageName, body, now.Add(time.Duration(ttl)*time.Second), now)
	}
	return err
}

// authorizedBy decides by what a function answered, which is kept and must not be changed.
func (x *exchange) authorizedBy(a *types.Authorizer, body []byte, failed func(error) error) error {
	if aws.ToBool(a.EnableSimpleResponses) {
		var out struct {
			IsAuthorized *bool          `json:"isAuthorized"`
			Context      map[string]any `json:"context"`
		}
		if err := json.Unmarshal(body, &out); err != nil || out.IsAuthorized == nil {
			return failed(errors.New("the authorizer's answer has no isAuthorized"))
		}
		if !*out.IsAuthorized {
			return forbidden()
		}
		x.identity.context = out.Context
		return nil
	}
	var out struct {
		PrincipalID string          `json:"principalId"`
		Policy      json.RawMessage `json:"policyDocument"`
		Context     map[string]any  `json:"context"`
	}
	if err := json.Unmarshal(body, &out); err != nil || len(out.Policy) == 0 {
		return failed(errors.New("the authorizer's answer has no policyDocument"))
	}
	doc, err := policy.Parse(string(out.Policy), policy.Identity)
	if err != nil {
		return failed(err)
	}
	x.identity.context = map[string]any{}
	for k, v := range out.Context {
		x.identity.context[k] = v
	}
	x.identity.context["principalId"] = out.PrincipalID
	d := policy.Evaluate(&policy.Request{
		Principal: policy.Principal{Kind: policy.User, Account: x.scope.Account, ARN: arn.Global("iam", x.scope.Region, x.scope.Account, "user/"+url.PathEscape(out.PrincipalID))},
		Action:    "execute-api:Invoke", Resource: x.routeARN(),
	}, &policy.Policies{Identity: []policy.Named{{Name: "the authorizer's policy", Document: doc}}})
	if d.Allowed {
		return nil
	}
	return forbidden()
}

// authorizerEvent is what a function is asked with.
func (x *exchange) authorizerEvent(a *types.Authorizer, sources []string) map[string]any {
	if aws.ToString(a.AuthorizerPayloadFormatVersion) == "1.0" {
		e := x.event1()
		delete(e, "body")
		delete(e, "isBase64Encoded")
		e["type"], e["methodArn"], e["identitySource"] = "REQUEST", x.routeARN(), strings.Join(sources, ",")
		e["authorizationToken"] = strings.Join(sources, ",")
		return e
	}
	e := x.event2()
	delete(e, "body")
	delete(e, "isBase64Encoded")
	e["type"], e["routeArn"], e["identitySource"] = "REQUEST", x.routeARN(), sources
	return e
}

// What functions of authorizers have answered: the answer is kept, not the decision.

// Bounds of what is kept.
const (
	maxAnswer  = 64 << 10 // bytes of an answer; larger ones are asked for again
	maxAnswers = 16 << 20 // bytes of all
)

// answers are kept answers. The zero value is ready.
type answers struct {
	mu    sync.Mutex
	kept  map[[sha256.Size]byte]keptAnswer
	bytes int
}

type keptAnswer struct {
	stage string // "api/stage"
	body  []byte
	until time.Time
}

func answerKey(parts []string) [sha256.Size]byte {
	var b strings.Builder
	for _, p := range parts { // with its length: no two lists make one text
		b.WriteString(strconv.Itoa(len(p)) + ":" + p)
	}
	return sha256.Sum256([]byte(b.String()))
}

func (a *answers) get(k [sha256.Size]byte, now time.Time) ([]byte, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	v, ok := a.kept[k]
	return v.body, ok && now.Before(v.until)
}

func (a *answers) keep(k [sha256.Size]byte, stage string, body []byte, until, now time.Time) {
	if len(body) > maxAnswer {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	size := len(body) + len(k)
	for _, drop := range []func(keptAnswer) bool{func(v keptAnswer) bool { return !now.Before(v.until) }, func(keptAnswer) bool { return true }} {
		if a.bytes+size > maxAnswers {
			a.drop(drop)
		}
	}
	if old, ok := a.kept[k]; ok {
		a.bytes -= len(old.body) + len(k)
	}
	if a.kept == nil {
		a.kept = map[[sha256.Size]byte]keptAnswer{}
	}
	a.kept[k] = keptAnswer{stage, body, until}
	a.bytes += size
}

// forget forgets the answers for a stage, "api/stage".
func (a *answers) forget(stage string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.drop(func(v keptAnswer) bool { return v.stage == stage })
}

// drop drops some answers. a.mu is held.
func (a *answers) drop(which func(keptAnswer) bool) {
	for k, v := range a.kept {
		if which(v) {
			delete(a.kept, k)
			a.bytes -= len(v.body) + len(k)
		}
	}
}

// hasScope reports whether a token has one of the scopes that a route asks for; it asks for none, or any does.
func hasScope(wanted, has []string) bool {
	return len(wanted) == 0 || slices.ContainsFunc(wanted, func(s string) bool { return slices.Contains(has, s) })
}
