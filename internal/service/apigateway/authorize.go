package apigateway

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awskit/executeapi"
	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/policy"
	"github.com/brookmere/brookmere/internal/engine/vtl"
)

// Who may call a method: the authorization that it asks for, and the API's resource policy.

func unauthorized() *failure {
	return &failure{kind: types.GatewayResponseTypeUnauthorized, code: "UnauthorizedException", message: "Unauthorized"}
}

func denied(message string) *failure {
	return &failure{kind: types.GatewayResponseTypeAccessDenied, code: "AccessDeniedException", message: message}
}

// methodARN names the request as policies do, by the method and the path that routing sees.
func (x *exchange) methodARN() string {
	return x.scope.ARN("execute-api", x.address.api+"/"+x.address.stage+"/"+strings.ToUpper(x.r.Method)+"/"+executeapi.PolicyPath(strings.Trim(x.address.escaped, "/")))
}

func (x *exchange) authorize() error {
	m := &x.route.method
	switch aws.ToString(m.AuthorizationType) {
	case "AWS_IAM":
		if err := x.signedCaller(); err != nil {
			return err
		}
	case "CUSTOM":
		if err := x.customAuthorizer(x.compiled.api.Authorizers[aws.ToString(m.AuthorizerId)]); err != nil {
			return err
		}
	}
	return x.resourcePolicy()
}

func (x *exchange) callerARN() string {
	switch {
	case x.caller.Principal != "":
		return x.caller.Principal
	case x.caller.AccessKey != "":
		return arn.Global("iam", x.scope.Region, x.caller.Account, "root")
	}
	return "anonymous"
}

// policyText is the policy of an API, empty for none. Its resources may be written without the API's own name.
func policyText(sc scope.Scope, d *apiDoc, api string) string {
	return strings.ReplaceAll(aws.ToString(d.Policy), `"execute-api:/`, `"`+sc.ARN("execute-api", api+"/"))
}

// resourcePolicy asks the API's policy, where it has one. Of who signs for a method that asks for it the identity's
// own policies have been asked: in the API's account they suffice, unless this one denies.
func (x *exchange) resourcePolicy() error {
	text := policyText(x.scope, x.compiled.api, x.address.api)
	if text == "" {
		return nil
	}
	doc, err := policy.Parse(text, policy.Resource)
	if err != nil {
		return internal(err)
	}
	p := policy.Principal{Kind: policy.Anonymous}
	all := policy.Policies{Resource: &policy.Named{Name: "the API's policy", Document: doc}}
	if x.caller.AccessKey != "" {
		p = policy.Principal{Kind: policy.Root, Account: x.caller.Account, ARN: x.callerARN()}
		if x.caller.Principal != "" {
			p.Kind = policy.Role
		}
		if aws.ToString(x.route.method.AuthorizationType) == "AWS_IAM" {
			all.Identity = invokeAny
		}
	}
	d := policy.Evaluate(&policy.Request{
		Principal: p, Action: "execute-api:Invoke", Resource: x.methodARN(), Account: x.scope.Account, ResourceDecides: x.caller.AccessKey == "", Keys: x.conditionKey,
	}, &all)
	if d.Allowed {
		return nil
	}
	return denied("User: " + x.callerARN() + " is not authorized to perform: execute-api:Invoke on resource: " + masked(x.methodARN(), x.scope) + reason(d.Explicit, "resource-based policy"))
}

// reason is how a denial ends: which kind of policy denied, or did not allow.
func reason(explicit bool, kind string) string {
	if explicit {
		article := "a"
		if kind[0] == 'i' {
			article = "an"
		}
		return " with an explicit deny in " + article + " " + kind
	}
	return " because no " + kind + " allows the execute-api:Invoke action"
}

// masked is a text in which the account of the API's ARNs is hidden but for its last four digits, as API Gateway does it.
func masked(text string, sc scope.Scope) string {
	name := sc.ARN("execute-api", "")
	hidden := strings.TrimSuffix(name, sc.Account+":")
	return strings.ReplaceAll(text, name, hidden+"********"+sc.Account[max(0, len(sc.Account)-4):]+":")
}

// conditionKey answers for keys of conditions in policies.
func (x *exchange) conditionKey(key string) []string {
	switch key {
	case "aws:sourceip":
		return []string{x.sourceIP()}
	case "aws:useragent":
		return []string{x.r.UserAgent()}
	case "aws:securetransport":
		return []string{strconv.FormatBool(x.r.TLS != nil)}
	}
	return nil
}

// customAuthorizer asks a function.
func (x *exchange) customAuthorizer(a types.Authorizer) error {
	event := map[string]any{"methodArn": x.methodARN()}
	sources := strings.Split(aws.ToString(a.IdentitySource), ",")
	if aws.ToString(a.IdentitySource) == "" {
		sources = nil
	}
	var identity []string
	for _, source := range sources {
		v, ok := x.expression(strings.TrimSpace(source), nil)
		if !ok || v == "" {
			return unauthorized()
		}
		identity = append(identity, v)
	}
	if a.Type == types.AuthorizerTypeToken {
		if len(identity) != 1 {
			return unauthorized()
		}
		if e := aws.ToString(a.IdentityValidationExpression); e != "" {
			re, err := regexp.Compile(`^(?:` + e + `)$`)
			if err != nil || !re.MatchString(identity[0]) {
				return unauthorized()
			}
		}
		event["type"], event["authorizationToken"] = "TOKEN", identity[0]
	} else {
		event = x.proxyEvent()
		event["type"], event["methodArn"] = "REQUEST", x.methodARN()
		delete(event, "body")
		delete(event, "isBase64Encoded")
		event["identitySource"] = identity
	}
	failed := func(cause error) error {
		return &failure{kind: types.GatewayResponseTypeAuthorizerFailure, code: "AuthorizerConfigurationException", message: "Internal server error", cause: cause}
	}
	key, keeps := x.cacheKey(&a, identity)
	if keeps {
		if body, ok := x.s.authorizedBefore(key); ok {
			return x.authorizedBy(body, failed)
		}
	}
	t, _ := parseTarget(aws.ToString(a.AuthorizerUri))
	payload, err := json.Marshal(event)
	if err != nil {
		return failed(err)
	}
	result, err := x.invoke(t, payload, aws.ToString(a.AuthorizerCredentials), x.scope.ARN("execute-api", x.address.api+"/authorizers/"+aws.ToString(a.Id)), "")
	if err != nil {
		return failed(err)
	}
	if result.error != "" {
		if result.error == "Unauthorized" {
			return unauthorized()
		}
		return failed(nil)
	}
	err = x.authorizedBy(result.body, failed)
	if f := (*failure)(nil); keeps && (err == nil || errors.As(err, &f) && f.kind == types.GatewayResponseTypeAccessDenied) {
		x.s.keepAuthorized(key, x.address.api+"/"+x.address.stage, resultTTL(&a), result.body)
	}
	return err
}

// authorizedBy decides by what a function answered, which is kept and must not be changed.
func (x *exchange) authorizedBy(body []byte, failed func(error) error) error {
	var out struct {
		PrincipalID string          `json:"principalId"`
		Policy      json.RawMessage `json:"policyDocument"`
		Context     map[string]any  `json:"context"`
	}
	if err := json.Unmarshal(body, &out); err != nil || len(out.Policy) == 0 {
		return failed(err)
	}
	doc, err := policy.Parse(string(out.Policy), policy.Identity)
	if err != nil {
		return failed(err)
	}
	x.trace.authorized(out.PrincipalID, out.Policy)
	about := vtl.NewMap()
	about.Put("principalId", out.PrincipalID)
	for k, v := range out.Context {
		switch v := v.(type) {
		case string, bool:
			about.Put(k, v)
		case float64:
			about.Put(k, jsonNumber(v))
		default:
			return failed(nil) // values of the context are texts, numbers and booleans
		}
	}
	x.vars.Put("authorizer", about)
	d := policy.Evaluate(&policy.Request{
		Principal: policy.Principal{Kind: policy.User, Account: x.scope.Account, ARN: arn.Global("iam", x.scope.Region, x.scope.Account, "user/"+url.PathEscape(out.PrincipalID))},
		Action:    "execute-api:Invoke", Resource: x.methodARN(),
	}, &policy.Policies{Identity: []policy.Named{{Name: "the authorizer's policy", Document: doc}}})
	switch {
	case d.Allowed:
		return nil
	case d.Explicit:
		return denied("User is not authorized to access this resource" + reason(true, "identity-based policy"))
	}
	return denied("User is not authorized to access this resource" + reason(false, "identity-based policy"))
}

// jsonNumber is a number of JSON as a template prints it.
func jsonNumber(f float64) any {
	if n := int64(f); float64(n) == f {
		return n
	}
	return f
}

// actsAs is who an integration's call is made by: the role of its credentials, the client itself
// where they are user/*, and nobody where there are none, so that the resource's own policy has
// to allow it.
func (x *exchange) actsAs(credentials string) (awswire.Caller, error) {
	c := awswire.Caller{Account: x.scope.Account, Region: x.scope.Region}
	a, ok := arn.Parse(credentials)
	switch {
	case !ok:
		c.Anonymous = true
		return c, nil
	case strings.HasPrefix(a.Resource, "user/"):
		// Another account's caller has nothing of this one: without a principal it would be taken for its root.
		if x.caller.AccessKey == "" || x.caller.Account != x.scope.Account {
			return c, denied("Access Denied")
		}
		c.AccessKey, c.Principal, c.Session = x.caller.AccessKey, x.caller.Principal, x.caller.Session
		return c, nil
	}
	if c, ok = executeapi.AsRole(x.scope, credentials, x.sourceARN()); !ok {
		return c, &failure{kind: types.GatewayResponseTypeApiConfigurationError, code: "InternalServerErrorException", message: "Internal server error", status: http.StatusInternalServerError}
	}
	return c, nil
}
