package server

import "testing"

func TestHostsOfQueues(t *testing.T) {
	for host, want := range map[string][2]string{
		"queue.amazonaws.com":              {"sqs", ""},
		"eu-west-1.queue.amazonaws.com":    {"sqs", "eu-west-1"},
		"sqs.eu-west-1.amazonaws.com":      {"sqs", "eu-west-1"},
		"queue.localhost:4566":             {"sqs", ""},
		"my.queue.s3.amazonaws.com":        {"my", ""},
		"kinesis.us-gov-west-1.queue.test": {"kinesis", ""},
	} {
		if got := [2]string{serviceOfHost(host), regionOfHost(host)}; got != want {
			t.Errorf("%s: %v, want %v", host, got, want)
		}
	}
}
