package server

import (
	"fmt"
	"net/http"
	"strings"
)

// NodePrefix is where the node's own endpoints are; no S3 bucket name may begin with "_".
const NodePrefix = "/_brookmere/"

// writeUnknownService answers a request for an API that Brookmere does not have, in
// the form that both JSON and XML clients show to their users.
func writeUnknownService(w http.ResponseWriter, r *http.Request, signingName string) {
	name := signingName
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		name = target
	}
	msg := fmt.Sprintf("Brookmere has no service for %q. docs/operations.md lists what it has.", name)
	if r.Header.Get("X-Amz-Target") != "" || strings.Contains(r.Header.Get("Content-Type"), "json") {
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.Header().Set("x-amzn-ErrorType", "UnknownOperationException")
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"__type":"UnknownOperationException","message":%q}`, msg)
		return
	}
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(http.StatusBadRequest)
	fmt.Fprintf(w, `<ErrorResponse><Error><Type>Sender</Type><Code>UnknownOperationException</Code><Message>%s</Message></Error></ErrorResponse>`, xmlText(msg))
}

var xmlEscaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;")

func xmlText(s string) string { return xmlEscaper.Replace(s) }
