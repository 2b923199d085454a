package main

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/brookmere/brookmere/brookmeretest"
)

// TestCompletion asks for completions as the scripts of shells do.
func TestCompletion(t *testing.T) {
	url, cfg := sharedNode(t)
	for _, name := range []string{"completed-b", "completed-a"} {
		if _, err := kinesis.NewFromConfig(cfg).CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: &name, ShardCount: aws.Int32(1)}); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct{ line, want string }{
		{"streams describe --endpoint URL completed", "completed-a\ncompleted-b\n"},
		{"streams tail --endpoint URL completed-a", "completed-a\n"},
		{"streams tail completed-a --endpoint URL x", ""},
		{"analytics discover --endpoint URL completed-b", "completed-b\n"},
		{"generate --endpoint URL --to kinesis:completed-", "kinesis:completed-a\nkinesis:completed-b\n"},
		{"generate unic", "unicorns\t"},
		{"sql --endpoint URL --database defa", "default\n"},
		{"sql --output=", "table\ncsv\njson\nparquet\n"},
		{"tables scan --endpoint URL none-of-this", ""},
		{"functions logs --endpoint URL none-of-this", ""},
		{"deliveries flush --endpoint URL none-of-this", ""},
		{"analytics start --endpoint URL none-of-this", ""},
		{"streams describe --endpoint http://127.0.0.1:1 x", ""},
	} {
		args := append([]string{"__complete"}, strings.Fields(strings.ReplaceAll(test.line, "URL", url))...)
		got, err := command(t, args...)
		if names, _, _ := strings.Cut(got, ":4\n"); err != nil || !strings.HasPrefix(names, test.want) || test.want == "" && names != "" && !strings.HasPrefix(names, ":") {
			t.Errorf("%s: %v\n%s\nwant %q", test.line, err, got, test.want)
		}
	}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		prints(t, []string{"completion", shell}, "brookmere")
	}
}

// TestNodeFromBinary has a test's node run as a process: this one, which TestMain makes a node of.
func TestNodeFromBinary(t *testing.T) {
	n := brookmeretest.Start(t, brookmeretest.FromBinary(self(t)), brookmeretest.Set("account", "123456789012"), brookmeretest.Clock("frozen"))
	id, err := sts.NewFromConfig(n.Config()).GetCallerIdentity(t.Context(), nil)
	if err != nil || *id.Account != "123456789012" {
		t.Errorf("the caller is %+v, %v", id, err)
	}
	if !n.Now(t).Equal(n.Now(t)) {
		t.Error("the clock is not frozen")
	}
	n.Reset(t)
}
