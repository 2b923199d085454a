package sigv4

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/smithy-go"
)

// Error is a refusal in AWS's words, a smithy.APIError.
type Error struct {
	Code    string
	Message string
	Status  int
	// Fields are what S3 tells besides, as pairs of a name and a value, in order.
	Fields [][2]string
}

// with returns the error with more for S3's clients.
func (e *Error) with(f errorFamily, fields ...[2]string) *Error {
	if f != s3Family {
		return e
	}
	n := *e
	n.Fields = append(append([][2]string(nil), e.Fields...), fields...)
	return &n
}

// maxTold bounds the text that was signed, where it is told.
const maxTold = 16 << 10

// told is text, and its bytes, as S3 shows what it has signed.
func told(name, text string) [][2]string {
	if len(text) > maxTold {
		return nil
	}
	return [][2]string{{name, text}, {name + "Bytes", fmt.Sprintf("% x", text)}}
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// ErrorCode returns AWS's error code.
func (e *Error) ErrorCode() string { return e.Code }

// ErrorMessage returns the message for the client.
func (e *Error) ErrorMessage() string { return e.Message }

// ErrorFault blames the client.
func (e *Error) ErrorFault() smithy.ErrorFault { return smithy.FaultClient }

// HTTPStatusCode returns the status that AWS answers with.
func (e *Error) HTTPStatusCode() int { return e.Status }

var errTooLarge = &Error{Code: "RequestEntityTooLargeException", Message: "The request body is too large.", Status: http.StatusRequestEntityTooLarge}

// errorFamily is the dialect in which a service words its refusals.
type errorFamily uint8

const (
	jsonFamily  errorFamily = iota // Kinesis, DynamoDB...: codes with "Exception", status 400
	restFamily                     // Lambda, API Gateway: the same with status 403
	queryFamily                    // STS, IAM: codes without, status 403
	s3Family
)

func family(service string) errorFamily {
	switch service {
	case "s3", "s3express", "s3-object-lambda":
		return s3Family
	case "sts", "iam", "monitoring":
		return queryFamily
	case "lambda", "apigateway", "execute-api":
		return restFamily
	}
	return jsonFamily
}

// pick makes an error from the code of S3, of the query services, and of the others,
// with the status for each; restFamily's is that of the query services.
func (f errorFamily) pick(s3, query, other string, s3Status, queryStatus, otherStatus int, message string) *Error {
	switch f {
	case s3Family:
		return &Error{Code: s3, Message: message, Status: s3Status}
	case queryFamily:
		return &Error{Code: query, Message: message, Status: queryStatus}
	case restFamily:
		return &Error{Code: other, Message: message, Status: queryStatus}
	}
	return &Error{Code: other, Message: message, Status: otherStatus}
}

func (f errorFamily) missing() *Error {
	if f == s3Family {
		return &Error{Code: "AccessDenied", Message: "Access Denied", Status: 403}
	}
	return f.pick("", "MissingAuthenticationToken", "MissingAuthenticationTokenException", 0, 403, 400, "Missing Authentication Token")
}

func (f errorFamily) incomplete(message string) *Error {
	return f.pick("AuthorizationHeaderMalformed", "IncompleteSignature", "IncompleteSignatureException", 400, 400, 400, message)
}

// malformed is incomplete, with S3's own words.
func (f errorFamily) malformed(s3, others string) *Error {
	if f == s3Family {
		return f.incomplete("The authorization header is malformed; " + s3)
	}
	return f.incomplete(others)
}

func (f errorFamily) unsupported(header, what string) *Error {
	switch {
	case f == s3Family && what == "AWS":
		return &Error{Code: "InvalidRequest", Message: "The authorization mechanism you have provided is not supported. Please use " + algorithm + ".", Status: 400}
	case f == s3Family:
		e := &Error{Code: "InvalidArgument", Message: "Unsupported Authorization Type", Status: 400}
		if !strings.Contains(header, " ") {
			e.Message = "Authorization header is invalid -- one and only one ' ' (space) required"
		}
		return e.with(f, [2]string{"ArgumentName", "Authorization"}, [2]string{"ArgumentValue", clip(header)})
	}
	return f.pick("", "IncompleteSignature", "IncompleteSignatureException", 400, 400, 400,
		"The authorization mechanism you have provided ("+clip(what)+") is not supported. Please use "+algorithm+".")
}

// undated refuses a signature without a date that can be read.
func (f errorFamily) undated(others string) *Error {
	if f == s3Family {
		return &Error{Code: "AccessDenied", Message: "AWS authentication requires a valid Date or x-amz-date header", Status: 403}
	}
	return f.incomplete(others)
}

// badCredential refuses the scope of a credential, in the header or the query, with what S3 says of it.
func (f errorFamily) badCredential(query bool, s3, others string) *Error {
	if query {
		if f != s3Family {
			s3 = credentialForm
		}
		return f.badQuery("Error parsing the X-Amz-Credential parameter; " + s3)
	}
	return f.malformed(s3, others)
}

// credentialForm is what S3 says of a credential that is not of the form.
const credentialForm = `the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".`

func (f errorFamily) badQuery(message string) *Error {
	return f.pick("AuthorizationQueryParametersError", "IncompleteSignature", "IncompleteSignatureException", 400, 400, 400, message)
}

func (f errorFamily) unknownKey(key string) *Error {
	if f == s3Family {
		e := &Error{Code: "InvalidAccessKeyId", Message: "The AWS Access Key Id you provided does not exist in our records.", Status: 403}
		return e.with(f, [2]string{"AWSAccessKeyId", key})
	}
	return f.pick("", "InvalidClientTokenId", "UnrecognizedClientException", 0, 403, 400, "The security token included in the request is invalid.")
}

func (f errorFamily) badToken() *Error {
	if f == s3Family {
		return &Error{Code: "InvalidToken", Message: "The provided token is malformed or otherwise invalid.", Status: 400}
	}
	return f.unknownKey("")
}

func (f errorFamily) expiredToken() *Error {
	if f == s3Family {
		return &Error{Code: "ExpiredToken", Message: "The provided token has expired.", Status: 400}
	}
	return f.pick("", "ExpiredToken", "ExpiredTokenException", 0, 403, 400, "The security token included in the request is expired")
}

// otherService refuses a signature whose scope is that of another service.
func (f errorFamily) otherService(a *authorization, service string) *Error {
	if f == s3Family {
		return f.badCredential(a.Presigned, fmt.Sprintf("incorrect service %q. This endpoint belongs to %q.", clip(a.Service), service), "")
	}
	return f.pick("", "SignatureDoesNotMatch", "InvalidSignatureException", 0, 403, 400, "Credential should be scoped to correct service: '"+service+"'. ")
}

func (f errorFamily) mismatch() *Error {
	if f == s3Family {
		return &Error{Code: "SignatureDoesNotMatch", Message: "The request signature we calculated does not match the signature you provided. Check your key and signing method.", Status: 403}
	}
	return f.pick("", "SignatureDoesNotMatch", "InvalidSignatureException", 0, 403, 400,
		"The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")
}

func (f errorFamily) skewed(at, now time.Time) *Error {
	if f == s3Family {
		return &Error{Code: "RequestTimeTooSkewed", Message: "The difference between the request time and the current time is too large.", Status: 403}
	}
	at, now = at.UTC(), now.UTC()
	message := fmt.Sprintf("Signature expired: %s is now earlier than %s (%s - 15 min.)", at.Format(dateForm), now.Add(-maxSkew).Format(dateForm), now.Format(dateForm))
	if at.After(now) {
		message = fmt.Sprintf("Signature not yet current: %s is still later than %s (%s + 15 min.)", at.Format(dateForm), now.Add(maxSkew).Format(dateForm), now.Format(dateForm))
	}
	return f.pick("", "SignatureDoesNotMatch", "InvalidSignatureException", 0, 403, 400, message)
}

func (f errorFamily) notYetValid() *Error {
	if f == s3Family {
		return &Error{Code: "AccessDenied", Message: "Request is not valid yet", Status: 403}
	}
	return f.pick("", "SignatureDoesNotMatch", "InvalidSignatureException", 0, 403, 400, "Signature not yet current")
}

func (f errorFamily) presignedExpired(end, now time.Time) *Error {
	if f == s3Family {
		e := &Error{Code: "AccessDenied", Message: "Request has expired", Status: 403}
		return e.with(f, [2]string{"Expires", end.UTC().Format(time.RFC3339)}, [2]string{"ServerTime", now.UTC().Format(time.RFC3339)})
	}
	end, now = end.UTC(), now.UTC()
	return f.pick("", "SignatureDoesNotMatch", "InvalidSignatureException", 0, 403, 400,
		fmt.Sprintf("Signature expired: %s is now earlier than %s", end.Format(dateForm), now.Format(dateForm)))
}

func (f errorFamily) missingHash() *Error {
	return &Error{Code: "InvalidRequest", Message: "Missing required header for this request: x-amz-content-sha256", Status: 400}
}

func (f errorFamily) badHash(given string) *Error {
	e := &Error{Code: "InvalidArgument", Message: "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD, STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER or a valid sha256 value.", Status: 400}
	return e.with(f, [2]string{"ArgumentName", "x-amz-content-sha256"}, [2]string{"ArgumentValue", clip(given)})
}

func (f errorFamily) headersNotSigned(names []string) *Error {
	e := &Error{Code: "AccessDenied", Message: "There were headers present in the request which were not signed", Status: 403}
	return e.with(f, [2]string{"HeadersNotSigned", clip(strings.Join(names, ", "))})
}

// clip bounds text that came from the client in a message to it.
func clip(s string) string {
	if len(s) > 128 {
		return s[:128] + "..."
	}
	return s
}
