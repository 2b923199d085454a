package logs

import (
	"testing"

	"github.com/brookmere/brookmere/internal/awswire"
)

func TestWhoSendsToDestinations(t *testing.T) {
	const role = "arn:aws:iam::000000000000:role/r"
	d := &subscriptionDoc{Account: "000000000000", Region: "us-east-1", Group: "g", Role: role, Destination: "arn:aws:kinesis:us-east-1:000000000000:stream/x"}
	if s := awswire.CallerFrom(d.acting(t.Context())).Session; s == nil || s.Source != role || s.Service != "logs.amazonaws.com" {
		t.Errorf("to a stream: %+v", s)
	}
	d.Destination, d.Role = "arn:aws:lambda:us-east-1:000000000000:function:f", ""
	if s := awswire.CallerFrom(d.acting(t.Context())).Session; s == nil || s.Source != "" || s.Service != "logs.amazonaws.com" || s.Keys["aws:SourceArn"][0] != "arn:aws:logs:us-east-1:000000000000:log-group:g:*" {
		t.Errorf("to a function: %+v", s)
	}
	g := &groupDoc{Account: "000000000000", Region: "us-east-1", Name: "g"}
	if s := awswire.CallerFrom(exporting(t.Context(), g)).Session; s == nil || s.Service != "logs.us-east-1.amazonaws.com" {
		t.Errorf("to a bucket: %+v", s)
	}
}
