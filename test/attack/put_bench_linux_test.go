package attack

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/brookmere/brookmere/test/nodetest"
)

// processorTime is what a process has used of the processors.
func processorTime(b *testing.B, pid int) time.Duration {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Fatal(err)
	}
	f := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	var ticks int64
	for _, s := range f[11:13] { // in user and in system mode
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			b.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * time.Second / 100
}

// BenchmarkPutsUnderPolicies puts 500 records of 200 bytes a call as a user with ten policies, by turns to a node that
// decides nothing and to one that enforces, and tells what a call takes each of the processors ("off-us", "enforce-us") and
// what enforcing takes more, in percent:
//
//	go test ./test/attack -run '^$' -bench PutsUnderPolicies -benchtime 2000x
func BenchmarkPutsUnderPolicies(b *testing.B) {
	type side struct {
		node *nodetest.Node
		put  func()
		used time.Duration
	}
	var sides []*side
	for _, mode := range []string{"off", "enforce"} {
		config := filepath.Join(b.TempDir(), "node.yaml")
		if err := os.WriteFile(config, []byte(strings.Replace(enforcing, "iam: enforce", "iam: "+mode, 1)), 0o600); err != nil {
			b.Fatal(err)
		}
		n := nodetest.Start(b, nodetest.Options{Args: []string{"--config", config}})
		ctx := b.Context()
		root := clientsOf(n, owner, "us-east-1")
		must(root.kinesis.CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: aws.String("s"), ShardCount: aws.Int32(4)}))
		must(root.iam.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("loader")}))
		for i := range 9 {
			must(root.iam.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: aws.String("loader"), PolicyName: aws.String(fmt.Sprint("p", i)), PolicyDocument: allow("s3:*", fmt.Sprintf("arn:aws:s3:::lake%d/*", i))}))
		}
		must(root.iam.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: aws.String("loader"), PolicyName: aws.String("put"), PolicyDocument: allow("kinesis:Put*", "arn:aws:kinesis:*:111111111111:stream/s")}))
		k := must(root.iam.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: aws.String("loader")})).AccessKey
		cfg := aws.Config{Region: "us-east-1", BaseEndpoint: &n.URL, Credentials: credentials.NewStaticCredentialsProvider(*k.AccessKeyId, *k.SecretAccessKey, "")}
		client := kinesis.NewFromConfig(cfg)
		in := &kinesis.PutRecordsInput{StreamName: aws.String("s")}
		for i := range 500 {
			in.Records = append(in.Records, types.PutRecordsRequestEntry{PartitionKey: aws.String(fmt.Sprint(i)), Data: bytes.Repeat([]byte("x"), 200)})
		}
		sides = append(sides, &side{node: n, put: func() {
			if _, err := client.PutRecords(ctx, in); err != nil {
				b.Fatal(err)
			}
		}})
	}
	for _, s := range sides {
		for range 20 {
			s.put()
		}
	}
	const turn = 25
	puts := 0
	b.ResetTimer()
	for puts < b.N {
		for _, s := range sides {
			before := processorTime(b, s.node.PID())
			for range turn {
				s.put()
			}
			s.used += processorTime(b, s.node.PID()) - before
		}
		puts += turn
	}
	b.StopTimer()
	off, on := sides[0].used, sides[1].used
	b.ReportMetric(float64(off.Microseconds())/float64(puts), "off-us")
	b.ReportMetric(float64(on.Microseconds())/float64(puts), "enforce-us")
	b.ReportMetric(100*(float64(on)/float64(off)-1), "more-%")
}
