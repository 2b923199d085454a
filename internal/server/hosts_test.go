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

func TestNamesBelowAddresses(t *testing.T) {
	s := new(Server)
	for host, want := range map[string]string{
		"123456789012.127.0.0.1": "127.0.0.1", "a.b.10.0.0.7": "10.0.0.7",
		"127.0.0.1": "", "a.0.0.1": "", "a.127.0.0.1.nip.io": "", "a.127.0.0.256": "", "": "",
	} {
		if got := addressBehind(host); got != want {
			t.Errorf("%q: %q, want %q", host, got, want)
		}
		if want != "" && !s.hostAllowed(host+":4566") {
			t.Errorf("%q is refused", host)
		}
	}
}
