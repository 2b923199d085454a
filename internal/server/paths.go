package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/awswire/sigv4"
)

// NodePrefix is where the node's own endpoints are; no S3 bucket name may begin with "_".
const NodePrefix = "/_brookmere/"

// LocalStackPrefix is where the node answers some of the endpoints that scripts know of LocalStack.
const LocalStackPrefix = "/_localstack/"

// MotoReset is where suites that were written for Moto's server empty it.
const MotoReset = "/moto-api/reset"

// isMotoReset reports whether a request is for it, and not for an object of a bucket that is called moto-api.
func isMotoReset(r *http.Request, scope sigv4.Scope) bool {
	return r.Method == http.MethodPost && r.URL.Path == MotoReset && r.URL.RawQuery == "" && scope.Service != "s3"
}

func isNodePath(path string) bool {
	return strings.HasPrefix(path, NodePrefix) || strings.HasPrefix(path, LocalStackPrefix)
}

// answersXML are the services whose errors are XML although their requests are not forms.
var answersXML = map[string]bool{"s3": true, "s3control": true, "route53": true, "cloudfront": true}

// writeUnknownService answers a request for an API that Brookmere does not have, in the protocol that the
// request is in, with a request id.
func writeUnknownService(w http.ResponseWriter, r *http.Request, signingName string) {
	name, operation := signingName, r.Method+" "+r.URL.Path
	if name == "" {
		name = serviceOfHost(r.Host)
	}
	target, form := r.Header.Get("X-Amz-Target"), isForm(r)
	switch {
	case target != "":
		if prefix, op, ok := strings.Cut(target, "."); ok {
			operation = op
			if name == "" {
				name = prefix
			}
		}
	case form:
		if action := formOf(r).Get("Action"); action != "" {
			operation = action
		}
	}
	id := awswire.NewRequestID()
	msg := fmt.Sprintf("Brookmere has no service %q, of which the request wants %s. \"brookmere operations\" lists what it has, and so does %soperations of the node.", name, operation, NodePrefix)
	h := w.Header()
	h.Set("x-amzn-RequestId", id)
	h.Set("x-amz-request-id", id)
	if !form && !answersXML[name] {
		h.Set("Content-Type", "application/json")
		if target != "" {
			h.Set("Content-Type", "application/x-amz-json-1.1")
		}
		h.Set("x-amzn-ErrorType", "UnknownOperationException")
		w.WriteHeader(http.StatusBadRequest)
		text, _ := json.Marshal(map[string]string{"__type": "UnknownOperationException", "message": msg})
		_, _ = w.Write(text)
		return
	}
	h.Set("Content-Type", "text/xml")
	w.WriteHeader(http.StatusBadRequest)
	if name == "ec2" { // whose protocol is one of its own
		fmt.Fprintf(w, `<Response><Errors><Error><Code>UnknownOperationException</Code><Message>%s</Message></Error></Errors><RequestID>%s</RequestID></Response>`, xmlText(msg), id)
		return
	}
	fmt.Fprintf(w, `<ErrorResponse><Error><Type>Sender</Type><Code>UnknownOperationException</Code><Message>%s</Message></Error><RequestId>%s</RequestId></ErrorResponse>`, xmlText(msg), id)
}

var xmlEscaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;")

func xmlText(s string) string { return xmlEscaper.Replace(s) }
