package firehose

import (
	"net/http"
	"strings"
	"testing"
)

func TestCheckAnswer(t *testing.T) {
	const fine = `{"requestId":"id","timestamp":1578090903599}`
	for _, tt := range []struct {
		name                string
		status              int
		contentType, coding string
		body                string
		code, message       string // of the error; none: the answer is accepted
	}{
		{name: "as specified", body: fine},
		{name: "charset", contentType: "application/json; charset=utf-8", body: fine},
		{name: "white space and no error", body: "\n{\"timestamp\": 1, \"requestId\": \"id\", \"errorMessage\": null} "},
		{name: "no timestamp", body: `{"requestId":"id"}`, code: "InvalidResponseFromDestination", message: "does not have a timestamp"},
		{name: "timestamp null", body: `{"requestId":"id","timestamp":null}`, code: "InvalidResponseFromDestination", message: "does not have a timestamp"},
		{name: "timestamp as text", body: `{"requestId":"id","timestamp":"1"}`, code: "InvalidResponseFromDestination", message: "not a number"},
		{name: "timestamp as object", body: `{"requestId":"id","timestamp":{}}`, code: "InvalidResponseFromDestination", message: "not a number"},
		{name: "no request id", body: `{"timestamp":1}`, code: "InvalidResponseFromDestination", message: "does not have a requestId"},
		{name: "another request id", body: `{"requestId":"di","timestamp":1}`, code: "InvalidResponseFromDestination", message: "another requestId"},
		{name: "a field too many", body: `{"requestId":"id","timestamp":1,"ok":true}`, code: "InvalidResponseFromDestination", message: "unexpected fields"},
		{name: "two values", body: fine + fine, code: "InvalidResponseFromDestination", message: "not recognized as valid JSON"},
		{name: "empty", body: "", code: "InvalidResponseFromDestination", message: "not recognized as valid JSON"},
		{name: "text", contentType: "text/plain", body: fine, code: "InvalidResponseFromDestination", message: "content type"},
		{name: "no type", contentType: "-", body: fine, code: "InvalidResponseFromDestination", message: "content type"},
		{name: "encoded", coding: "gzip", body: fine, code: "InvalidResponseFromDestination", message: "content-encoded"},
		{name: "accepted is not ok", status: 202, body: fine, code: "DestinationException", message: "202: {"},
		{name: "redirect", status: 302, code: "DestinationException", message: "302: "},
		{name: "too large", status: 413, body: "no", code: "DestinationException", message: "413: no"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			resp := &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}}
			if tt.status != 0 {
				resp.StatusCode = tt.status
			}
			switch tt.contentType {
			case "":
			case "-":
				resp.Header.Del("Content-Type")
			default:
				resp.Header.Set("Content-Type", tt.contentType)
			}
			if tt.coding != "" {
				resp.Header.Set("Content-Encoding", tt.coding)
			}
			err := checkAnswer(resp, []byte(tt.body), "id")
			if tt.code == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if err == nil || err.code != "HttpEndpoint."+tt.code || !strings.Contains(err.message, tt.message) || err.final != (tt.status == 413) {
				t.Fatalf("got %+v", err)
			}
		})
	}
}
