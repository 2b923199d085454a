package apigateway

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/aws/smithy-go"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/policy"
)

// Methods that want a signature (AWS_IAM). A signature that does not count matters for them alone: to all others its
// sender is anybody, as on AWS, and gateway responses may say what the answer is.

// invokeAny stands for the policies of an identity that have been asked already.
var invokeAny = func() []policy.Named {
	d, err := policy.Parse(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"*"}]}`, policy.Identity)
	if err != nil {
		panic(err)
	}
	return []policy.Named{{Name: "execute-api:Invoke", Document: d}}
}()

// refusals are the errors of signatures that make a sender nobody. What is not among them ends the request: its
// body could not be read, or the node is stopping.
var refusals = map[string]types.GatewayResponseType{
	"MissingAuthenticationTokenException": types.GatewayResponseTypeMissingAuthenticationToken,
	"IncompleteSignatureException":        types.GatewayResponseTypeInvalidSignature,
	"InvalidSignatureException":           types.GatewayResponseTypeInvalidSignature,
	"UnrecognizedClientException":         types.GatewayResponseTypeDefault4xx,
	"ExpiredTokenException":               types.GatewayResponseTypeExpiredToken,
}

// serveRefused serves a request that the server does not know the sender of.
func (s *Service) serveRefused(w http.ResponseWriter, r *http.Request, err error) {
	var e smithy.APIError
	if errors.As(err, &e) {
		if _, ok := refusals[e.ErrorCode()]; ok {
			caller := awswire.Caller{Anonymous: true, RequestID: awswire.CallerFrom(r.Context()).RequestID}
			s.serveAs(w, r.WithContext(awswire.WithCaller(r.Context(), caller)), e)
			return
		}
	}
	x := &exchange{s: s, w: w, r: r, caller: awswire.CallerFrom(r.Context()), extended: newID(16) + "="}
	if x.caller.RequestID == "" {
		x.caller.RequestID = awswire.NewRequestID()
	}
	f := unread(err)
	switch {
	case e == nil:
		f = internal(err)
	case e.ErrorCode() == "RequestEntityTooLargeException":
		f = tooLarge()
	case e.ErrorCode() == "ServiceUnavailable":
		f = unavailable(nil)
	}
	x.fail(f)
}

// unsigned is the answer to who has not signed: on AWS whatever else the Authorization header holds is read as a
// signature, and told only by its hash.
func (x *exchange) unsigned() *failure {
	if e, ok := x.refused.(smithy.APIError); ok {
		return &failure{kind: refusals[e.ErrorCode()], code: e.ErrorCode(), message: e.ErrorMessage(), status: http.StatusForbidden}
	}
	given := x.r.Header.Get("Authorization")
	if given == "" || x.caller.AccessKey != "" {
		return &failure{kind: types.GatewayResponseTypeMissingAuthenticationToken, code: "MissingAuthenticationTokenException", message: "Missing Authentication Token"}
	}
	sum := sha256.Sum256([]byte(given))
	hash := base64.StdEncoding.EncodeToString(sum[:])
	message := "Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 and encoded with Base64): '" + hash + "'."
	if strings.Contains(given, "=") {
		message = ""
		for _, name := range []string{"Credential", "Signature", "SignedHeaders"} {
			if !strings.Contains(given, name+"=") {
				message += "Authorization header requires '" + name + "' parameter. "
			}
		}
		if x.r.Header.Get("X-Amz-Date") == "" && x.r.Header.Get("Date") == "" {
			message += "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. "
		}
		message += "(Hashed with SHA-256 and encoded with Base64) Authorization=" + hash
	}
	return &failure{kind: types.GatewayResponseTypeInvalidSignature, code: "IncompleteSignatureException", message: message}
}

// signedCaller lets in who has signed the request and may invoke the method.
func (x *exchange) signedCaller() error {
	if x.caller.AccessKey == "" {
		return x.unsigned()
	}
	if x.caller.Account != x.scope.Account && aws.ToString(x.compiled.api.Policy) == "" {
		return denied("User: " + x.callerARN() + " is not authorized to perform: execute-api:Invoke on resource: " + masked(x.methodARN(), x.scope) + reason(false, "resource-based policy"))
	}
	if x.s.cfg.Allow == nil {
		return nil
	}
	err := x.s.cfg.Allow(awswire.WithCaller(x.r.Context(), x.caller), x.methodARN(), x.conditionKey)
	var refused smithy.APIError
	switch {
	case errors.As(err, &refused):
		return denied(masked(refused.ErrorMessage(), x.scope))
	case err != nil:
		return internal(err)
	}
	return nil
}

// ResourcePolicy returns the policy of the API that the ARN of a method names, as it is deployed to the stage of the
// ARN; empty where there is none. The owner is the account of the ARN.
func (s *Service) ResourcePolicy(_ context.Context, resource string) (document, owner string, err error) {
	a, ok := arn.Parse(resource)
	if !ok {
		return "", "", nil
	}
	api, rest, _ := strings.Cut(a.Resource, "/")
	name, _, _ := strings.Cut(rest, "/")
	if !stageName.MatchString(api) || !stageName.MatchString(name) {
		return "", a.Account, nil
	}
	sc := scope.Scope{Account: a.Account, Region: a.Region}
	stage, err := s.stages.Get(sc.Key(api, name)...)
	if isNotFound(err) {
		return "", a.Account, nil
	}
	if err != nil {
		return "", "", err
	}
	d, err := s.deployments.Get(sc.Key(api, stage.Deployment)...)
	if err != nil {
		return "", "", err
	}
	c, err := s.compile(d)
	if err != nil {
		return "", "", err
	}
	return policyText(sc, c.api, api), a.Account, nil
}
