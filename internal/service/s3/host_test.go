package s3

import (
	"strings"
	"testing"
)

func TestParseBucketHost(t *testing.T) {
	for host, want := range map[string]string{
		"lake.s3.amazonaws.com":                             "lake",
		"my.dotted.bucket.s3.eu-west-1.amazonaws.com":       "my.dotted.bucket",
		"lake.s3-us-west-2.amazonaws.com":                   "lake",
		"lake.s3.dualstack.us-west-2.amazonaws.com":         "lake",
		"lake.localhost:4566":                               "lake",
		"LAKE.localhost":                                    "lake",
		"lake.s3.localhost":                                 "lake",
		"lake.s3.us-east-1.localhost:4566":                  "lake",
		"lake.s3.localhost.localstack.cloud:4566":           "lake",
		"lake.s3.us-east-1.localhost.localstack.cloud:4566": "lake",
		"lake.s3.host.docker.internal:4566":                 "lake",
		"host.docker.internal:4566":                         "",
		"lake.127.0.0.1.nip.io:4566":                        "lake",
		"a.b.127.0.0.1.nip.io":                              "a.b",
		"lake.s3.127.0.0.1.sslip.io":                        "lake",
		"lake.127.0.0.1":                                    "lake",
		"localhost":                                         "",
		"localhost:4566":                                    "",
		"127.0.0.1:4566":                                    "",
		"[::1]:4566":                                        "",
		"s3.amazonaws.com":                                  "",
		"s3.us-east-1.amazonaws.com":                        "",
		"s3.localhost:4566":                                 "",
		"kinesis.us-east-1.amazonaws.com":                   "",
		"kinesis.us-east-1.localhost":                       "",
		"kinesis.localhost.localstack.cloud":                "",
		"example.com":                                       "",
		"":                                                  "",
	} {
		got, ok := ParseBucketHost(host)
		if got != want || ok != (want != "") {
			t.Errorf("ParseBucketHost(%q) = %q, %v, want %q", host, got, ok, want)
		}
	}
}

func TestParsePointHost(t *testing.T) {
	for host, want := range map[string]string{
		"data-111122223333.s3-accesspoint.us-west-2.amazonaws.com":           "data 111122223333 us-west-2",
		"data-111122223333.s3-accesspoint.dualstack.us-west-2.amazonaws.com": "data 111122223333 us-west-2",
		"my-data-111122223333.localhost:4566":                                "my-data 111122223333 ",
		"data-111122223333.s3.localhost:4566":                                "data 111122223333 ",
		"data-111122223333.localhost.localstack.cloud:4566":                  "data 111122223333 ",
		"data-111122223333.s3.localhost.localstack.cloud":                    "data 111122223333 ",
		"data-111122223333.s3.us-west-2.localhost.localstack.cloud":          "data 111122223333 ",
		"data-111122223333.host.docker.internal:4566":                        "data 111122223333 ",
		"data-111122223333.127.0.0.1.nip.io":                                 "data 111122223333 ",
		"data-111122223333.127.0.0.1:4566":                                   "data 111122223333 ",
		"data-111122223333.s3.us-west-2.amazonaws.com":                       "",
		"data-111122223333.amazonaws.com":                                    "",
		"data-111122223333.example.com":                                      "",
		"data-11112222333.localhost":                                         "",
		"111122223333.localhost":                                             "",
		"data.localhost":                                                     "",
		"a.data-111122223333.localhost":                                      "",
		"localhost":                                                          "",
	} {
		name, account, region, ok := parsePointHost(host)
		if got := name + " " + account + " " + region; ok != (want != "") || ok && got != want {
			t.Errorf("parsePointHost(%q) = %q, %v, want %q", host, got, ok, want)
		}
	}
}

func FuzzParseBucketHost(f *testing.F) {
	for _, h := range []string{"lake.s3.amazonaws.com", "a.localhost:1", "x.127.0.0.1.nip.io", "[::1]:80", "...", "s3"} {
		f.Add(h)
	}
	f.Fuzz(func(t *testing.T, host string) {
		bucket, ok := ParseBucketHost(host)
		if ok == (bucket == "") {
			t.Errorf("%q, %v", bucket, ok)
		}
		if !strings.HasPrefix(strings.ToLower(stripPort(host)), bucket) {
			t.Errorf("%q is not the start of %q", bucket, host)
		}
	})
}
