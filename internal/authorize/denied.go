package authorize

import (
	"net/http"
	"reflect"
	"strings"

	"github.com/aws/smithy-go"

	"github.com/brookmere/brookmere/internal/engine/policy"
)

// Denied is a denial in AWS's words, a smithy.APIError.
type Denied struct {
	Code    string
	Message string
	Status  int
}

func (e *Denied) Error() string { return e.Code + ": " + e.Message }

// ErrorCode returns AWS's error code.
func (e *Denied) ErrorCode() string { return e.Code }

// ErrorMessage returns the message for the client.
func (e *Denied) ErrorMessage() string { return e.Message }

// ErrorFault blames the client.
func (e *Denied) ErrorFault() smithy.ErrorFault { return smithy.FaultClient }

// HTTPStatusCode returns the status that AWS answers with.
func (e *Denied) HTTPStatusCode() int { return e.Status }

// plain are the services whose denials have the code without "Exception", those of the query protocol
// and of S3; rest those that answer 403 with it.
var (
	plain = map[string]bool{"iam": true, "sts": true, "s3": true, "s3control": true, "cloudwatch": true, "sns": true, "sqs": true}
	rest  = map[string]bool{"lambda": true, "apigateway": true, "apigatewayv2": true, "execute-api": true, "apigatewaymanagementapi": true}
)

func deny(q *question, who *policy.Principal, d policy.Decision) *Denied {
	e := &Denied{Code: "AccessDeniedException", Status: http.StatusBadRequest}
	switch {
	case plain[q.service]:
		e.Code, e.Status = "AccessDenied", http.StatusForbidden
	case rest[q.service]:
		e.Status = http.StatusForbidden
	}
	var b strings.Builder
	switch {
	case (q.action == "kms:Decrypt" || q.action == "kms:ReEncryptFrom") && accountOf(q.resource) != q.caller.Of() && !namesKey(q):
		e.Message = "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access."
		return e // whose key it is the ciphertext alone says
	case who.Kind == policy.Federated:
		e.Message = "Not authorized to perform " + q.action
		return e
	case who.Kind == policy.Anonymous:
		b.WriteString("User: anonymous")
	case who.Kind == policy.Service:
		b.WriteString("Service: " + who.Name)
	default:
		b.WriteString("User: " + who.ARN)
	}
	b.WriteString(" is not authorized to perform: " + q.action)
	if q.resource != "*" {
		if q.service == "s3" {
			b.WriteString(` on resource: "` + q.resource + `"`)
		} else {
			b.WriteString(" on resource: " + q.resource)
		}
	}
	switch {
	case q.trust != nil && d.Source == policy.SourceResource && !d.Explicit:
		// AWS says no more of a trust policy
	case d.Explicit:
		b.WriteString(" with an explicit deny in " + article(d.Source))
	case d.Source != policy.SourceNone:
		b.WriteString(" because no " + d.Source.String() + " allows the " + q.action + " action")
	}
	e.Message = b.String()
	return e
}

// namesKey reports whether a call names the key that it decrypts with.
func namesKey(q *question) bool {
	if q.call == nil {
		return true
	}
	in, err := q.call.Input()
	if err != nil {
		return true
	}
	name := "KeyId"
	if q.action == "kms:ReEncryptFrom" {
		name = "SourceKeyId"
	}
	key := reflect.Indirect(reflect.ValueOf(in)).FieldByName(name)
	return !key.IsValid() || key.Kind() != reflect.Pointer || !key.IsNil() && key.Elem().Len() > 0
}

func article(s policy.Source) string {
	if s == policy.SourceIdentity {
		return "an " + s.String()
	}
	return "a " + s.String()
}
