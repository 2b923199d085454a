package node

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/brookmere/brookmere/internal/nodeapi"
)

// startNode runs a node in this process: one at a time, for the S3 library's sake.
func startNode(t *testing.T, data string, change func(*Config)) *Node {
	t.Helper()
	cfg := DefaultConfig()
	cfg.Data, cfg.Listen = data, "127.0.0.1:0"
	if change != nil {
		change(&cfg)
	}
	n, err := Start(t.Context(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func stopNode(t *testing.T, n *Node) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := n.Close(ctx); err != nil {
		t.Error(err)
	}
}

func clientConfig(n *Node, region, key, secret string) aws.Config {
	return aws.Config{
		Region:           region,
		BaseEndpoint:     aws.String(n.URL()),
		Credentials:      credentials.NewStaticCredentialsProvider(key, secret, ""),
		RetryMaxAttempts: 1,
	}
}

func s3Client(cfg aws.Config) *s3.Client {
	return s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
}

// keepWorkingDirectory undoes what the S3 library does to the process.
func keepWorkingDirectory(t *testing.T) {
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
}

func TestSecondStartFindsTheDataOfTheFirst(t *testing.T) {
	keepWorkingDirectory(t)
	data := t.TempDir()
	n := startNode(t, data, nil)
	ctx, cfg := t.Context(), clientConfig(n, "eu-west-1", "test", "test")
	k := kinesis.NewFromConfig(cfg)
	if _, err := k.CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: aws.String("clicks"), ShardCount: aws.Int32(2)}); err != nil {
		t.Fatal(err)
	}
	if _, err := k.PutRecord(ctx, &kinesis.PutRecordInput{StreamName: aws.String("clicks"), PartitionKey: aws.String("a"), Data: []byte("hello")}); err != nil {
		t.Fatal(err)
	}
	if _, err := s3Client(cfg).CreateBucket(ctx, &s3.CreateBucketInput{
		Bucket:                    aws.String("lake"),
		CreateBucketConfiguration: &s3types.CreateBucketConfiguration{LocationConstraint: "eu-west-1"},
	}); err != nil {
		t.Fatal(err)
	}
	stopNode(t, n)

	n = startNode(t, data, nil)
	defer stopNode(t, n)
	cfg = clientConfig(n, "eu-west-1", "test", "test")
	out, err := kinesis.NewFromConfig(cfg).DescribeStreamSummary(ctx, &kinesis.DescribeStreamSummaryInput{StreamName: aws.String("clicks")})
	if err != nil {
		t.Fatal(err)
	}
	if got := aws.ToInt32(out.StreamDescriptionSummary.OpenShardCount); got != 2 {
		t.Errorf("open shards: got %d, want 2", got)
	}
	if _, err := s3Client(cfg).HeadBucket(ctx, &s3.HeadBucketInput{Bucket: aws.String("lake")}); err != nil {
		t.Error(err)
	}
	// Another region has streams of its own.
	list, err := kinesis.NewFromConfig(clientConfig(n, "us-east-1", "test", "test")).ListStreams(ctx, &kinesis.ListStreamsInput{})
	if err != nil || len(list.StreamNames) != 0 {
		t.Errorf("streams of another region: %v, %v", list.StreamNames, err)
	}
}

func TestTwoNodesDoNotShareADirectory(t *testing.T) {
	keepWorkingDirectory(t)
	data := t.TempDir()
	n := startNode(t, data, nil)
	defer stopNode(t, n)
	cfg := DefaultConfig()
	cfg.Data, cfg.Listen = data, "127.0.0.1:0"
	_, err := Start(t.Context(), cfg, slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "another node is running") {
		t.Errorf("got %v", err)
	}
}

func TestReset(t *testing.T) {
	keepWorkingDirectory(t)
	n := startNode(t, InMemory, nil)
	root := n.dirs.root
	ctx, cfg := t.Context(), clientConfig(n, "us-east-1", "test", "test")
	for round, path := range []string{"/_brookmere/reset", "/moto-api/reset"} { // the same names can be made again
		if _, err := kinesis.NewFromConfig(cfg).CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: aws.String("clicks"), ShardCount: aws.Int32(1)}); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		if _, err := s3Client(cfg).CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("lake")}); err != nil {
			t.Fatal(err)
		}
		if _, err := s3Client(cfg).PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("lake"), Key: aws.String("a b/c"), Body: strings.NewReader("x")}); err != nil {
			t.Fatal(err)
		}
		resp, err := http.Post(n.URL()+path, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != http.StatusNoContent {
			t.Fatalf("reset: %s %s", resp.Status, body)
		}
		streams, err := kinesis.NewFromConfig(cfg).ListStreams(ctx, &kinesis.ListStreamsInput{})
		if err != nil || len(streams.StreamNames) != 0 {
			t.Errorf("streams after a reset: %v, %v", streams, err)
		}
		buckets, err := s3Client(cfg).ListBuckets(ctx, &s3.ListBucketsInput{})
		if err != nil || len(buckets.Buckets) != 0 {
			t.Errorf("buckets after a reset: %v, %v", buckets, err)
		}
	}
	stopNode(t, n)
	if _, err := os.Stat(root); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is left behind: %v", root, err)
	}
}

func TestCredentials(t *testing.T) {
	keepWorkingDirectory(t)
	n := startNode(t, t.TempDir(), func(c *Config) {
		c.Credentials = []Credential{
			{AccessKeyID: "AKIAONE", SecretAccessKey: "one"},
			{AccessKeyID: "AKIATWO", SecretAccessKey: "two", Account: "222222222222"},
		}
	})
	defer stopNode(t, n)
	ctx := t.Context()
	for _, tt := range []struct {
		key, secret string
		account     string // empty: refused
		code        string
	}{
		{key: "AKIAONE", secret: "one", account: "000000000000"},
		{key: "AKIATWO", secret: "two", account: "222222222222"},
		{key: "AKIATWO", secret: "one", code: "SignatureDoesNotMatch"},
		{key: "AKIATHREE", secret: "one", code: "InvalidClientTokenId"},
	} {
		out, err := sts.NewFromConfig(clientConfig(n, "us-east-1", tt.key, tt.secret)).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
		if tt.account != "" {
			if err != nil || aws.ToString(out.Account) != tt.account {
				t.Errorf("%s: got %v, %v", tt.key, out, err)
			}
			continue
		}
		var api smithy.APIError
		if !errors.As(err, &api) || api.ErrorCode() != tt.code {
			t.Errorf("%s with secret %s: got %v, want %s", tt.key, tt.secret, err, tt.code)
		}
	}
	// Temporary credentials, good with their token alone.
	assumed, err := sts.NewFromConfig(clientConfig(n, "us-east-1", "AKIATWO", "two")).AssumeRole(ctx, &sts.AssumeRoleInput{
		RoleArn: aws.String("arn:aws:iam::222222222222:role/loader"), RoleSessionName: aws.String("night"),
	})
	if err != nil {
		t.Fatal(err)
	}
	session := clientConfig(n, "us-east-1", "", "")
	session.Credentials = credentials.NewStaticCredentialsProvider(*assumed.Credentials.AccessKeyId, *assumed.Credentials.SecretAccessKey, *assumed.Credentials.SessionToken)
	who, err := sts.NewFromConfig(session).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil || aws.ToString(who.Arn) != "arn:aws:sts::222222222222:assumed-role/loader/night" {
		t.Errorf("with temporary credentials: %v, %v", who, err)
	}
	session.Credentials = credentials.NewStaticCredentialsProvider(*assumed.Credentials.AccessKeyId, *assumed.Credentials.SecretAccessKey, "")
	if _, err := sts.NewFromConfig(session).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{}); err == nil {
		t.Error("temporary credentials without their token are taken")
	}
	// S3 with streamed, signed chunks and a trailing checksum.
	good := s3Client(clientConfig(n, "us-east-1", "AKIAONE", "one"))
	if _, err := good.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("lake")}); err != nil {
		t.Fatal(err)
	}
	if _, err := good.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("lake"), Key: aws.String("k"), Body: strings.NewReader("body")}); err != nil {
		t.Fatal(err)
	}
	got, err := good.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("lake"), Key: aws.String("k")})
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := io.ReadAll(got.Body); string(b) != "body" {
		t.Errorf("got %q", b)
	}
	_, err = s3Client(clientConfig(n, "us-east-1", "AKIAONE", "wrong")).GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("lake"), Key: aws.String("k")})
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != "SignatureDoesNotMatch" {
		t.Errorf("wrong secret: got %v", err)
	}
	resp, err := http.Get(n.URL() + "/lake/k")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusForbidden {
		t.Errorf("unsigned: got %s", resp.Status)
	}
}

func TestHealthAndMetrics(t *testing.T) {
	keepWorkingDirectory(t)
	n := startNode(t, t.TempDir(), nil)
	defer stopNode(t, n)
	resp, err := http.Get(n.URL() + "/_brookmere/health")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var h nodeapi.Health
	if err := json.NewDecoder(resp.Body).Decode(&h); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"athena", "firehose", "glue", "kinesis", "s3", "sts"} {
		if h.Services[name] != "running" {
			t.Errorf("%s is %q", name, h.Services[name])
		}
	}
	m, err := http.Get(n.URL() + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer m.Body.Close()
	text, _ := io.ReadAll(m.Body)
	if !strings.Contains(string(text), "brookmere_http_requests_total") {
		t.Errorf("metrics: %.500s", text)
	}
}

func TestConfigChecks(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*Config)
		want   string
	}{
		{"insecure with credentials", func(c *Config) {
			c.Insecure, c.Credentials = true, []Credential{{AccessKeyID: "a", SecretAccessKey: "b"}}
		}, "insecure"},
		{"proxy mode", func(c *Config) { c.Proxy.Mode = "maybe" }, "want on or off"},
		{"proxy pass", func(c *Config) { c.Proxy.Pass = []string{"https://example.com"} }, "proxy: pass"},
		{"account", func(c *Config) { c.Account = "12" }, "12 digits"},
		{"no data", func(c *Config) { c.Data = "" }, "name a directory"},
		{"listen", func(c *Config) { c.Listen = "4566" }, "host:port"},
		{"half a credential", func(c *Config) { c.Credentials = []Credential{{AccessKeyID: "a"}} }, "both needed"},
		{"the same key twice", func(c *Config) {
			c.Credentials = []Credential{{AccessKeyID: "a", SecretAccessKey: "s"}, {AccessKeyID: "a", SecretAccessKey: "t"}}
		}, "twice"},
	} {
		cfg := DefaultConfig()
		tt.change(&cfg)
		if err := cfg.check(); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v", tt.name, err)
		}
	}
}

func TestReadConfig(t *testing.T) {
	file := filepath.Join(t.TempDir(), "node.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("listen: 127.0.0.1:1\nlimits: off\ncontrol_delay: 1500ms\ncredentials:\n  - access_key_id: a\n    secret_access_key: s\n")
	cfg, err := ReadConfig(file)
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Listen != "127.0.0.1:1" || len(cfg.Credentials) != 1 || cfg.Account != "000000000000" || cfg.Limits != "off" || cfg.ControlDelay != 1500*time.Millisecond {
		t.Errorf("got %+v", cfg)
	}
	write("lissen: 127.0.0.1:1\n")
	if _, err := ReadConfig(file); err == nil || !strings.Contains(err.Error(), "lissen") {
		t.Errorf("an unknown key: got %v", err)
	}
}

// TestResetCutsUploadsOff: a client that has stalled in the middle of an upload or a
// download holds up no reset, and leaves nothing.
func TestResetCutsUploadsOff(t *testing.T) {
	keepWorkingDirectory(t)
	n := startNode(t, InMemory, nil)
	defer stopNode(t, n)
	client := s3Client(clientConfig(n, "us-east-1", "test", "test"))
	makeBucket := func() {
		t.Helper()
		if _, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("lake")}); err != nil {
			t.Fatal(err)
		}
	}
	makeBucket()
	body, w := io.Pipe()
	req, err := http.NewRequest(http.MethodPut, n.URL()+"/lake/a/b", body)
	if err != nil {
		t.Fatal(err)
	}
	req.ContentLength = 1 << 30
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=00")
	ended := make(chan error, 1)
	go func() {
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				err = errors.New("the upload was taken")
			} else {
				err = nil
			}
		} else {
			err = nil // the connection was cut
		}
		ended <- err
	}()
	if _, err := w.Write(make([]byte, 1<<20)); err != nil { // it is read, so it is under way
		t.Fatal(err)
	}
	begin := time.Now()
	resp, err := http.Post(n.URL()+"/_brookmere/reset", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	// Well before the upload is given up because nothing comes of it.
	if took := time.Since(begin); resp.StatusCode != http.StatusNoContent || took > 25*time.Second {
		t.Errorf("reset: %s after %v", resp.Status, took)
	}
	w.CloseWithError(io.ErrClosedPipe)
	if err := <-ended; err != nil {
		t.Error(err)
	}
	makeBucket()
	out, err := client.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String("lake")})
	if err != nil || len(out.Contents) != 0 {
		t.Errorf("after the reset: %v, %v", out, err)
	}
}
