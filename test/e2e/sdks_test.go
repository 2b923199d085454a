package e2e

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/brookmere/brookmere/test/nodetest"
)

// installed runs a command of npm, or of go, that brings an SDK into dir. It skips the test where there is no npm, or where its registry
// is not reached; any other failure is the test's.
func installed(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skip("there is no " + name)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	switch {
	case err == nil:
	case ctx.Err() != nil || unreachable(string(out)):
		t.Skipf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	default:
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

// goNetwork are what the go command says of a proxy of modules that is not reached.
var goNetwork = []string{"dial tcp", "proxyconnect tcp", "i/o timeout", "TLS handshake timeout", "no such host", "connection refused", "connection reset", "module lookup disabled", "502 Bad Gateway", "503 Service Unavailable", "504 Gateway"}

var npmCode = regexp.MustCompile(`(?m)^npm (?:ERR!|error) code (\S+)`)

// networkErrors are npm's codes of a registry that is not reached, or does not let this machine in; answers of 500 and above
// are such too.
var networkErrors = []string{
	"ECONNREFUSED", "ECONNRESET", "ENOTFOUND", "EAI_AGAIN", "ETIMEDOUT", "ESOCKETTIMEDOUT", "ERR_SOCKET_TIMEOUT", "EHOSTUNREACH", "ENETUNREACH", "EPIPE", "EIDLETIMEOUT",
	"EPROTO", "ENETWORK", "FETCH_ERROR", "E401", "E403", "E407", "E429",
	"SELF_SIGNED_CERT_IN_CHAIN", "DEPTH_ZERO_SELF_SIGNED_CERT", "UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "UNABLE_TO_VERIFY_LEAF_SIGNATURE", "CERT_HAS_EXPIRED",
}

// unreachable reports whether npm, or the go command, says that it did not reach its registry.
func unreachable(out string) bool {
	if strings.HasPrefix(out, "go: ") {
		return slices.ContainsFunc(goNetwork, func(said string) bool { return strings.Contains(out, said) })
	}
	m := npmCode.FindStringSubmatch(out)
	return m != nil && (slices.Contains(networkErrors, m[1]) || len(m[1]) == 4 && strings.HasPrefix(m[1], "E5"))
}

func TestUnreachableRegistry(t *testing.T) {
	for out, want := range map[string]bool{
		"npm ERR! code ECONNREFUSED\nnpm ERR! syscall connect": true,
		"npm error code ENOTFOUND":                             true,
		"npm warn x\nnpm error code E503":                      true,
		"npm error code E404\nnpm error 404 Not Found":         false,
		"npm error code ETARGET":                               false,
		"npm error code EUSAGE\nnpm error ECONNREFUSED":        false,
		"go: github.com/aws/aws-sdk-go@v1.55.8: Get \"https://modules.example/x\": proxyconnect tcp: dial tcp 127.0.0.1:9: connect: connection refused": true,
		"go: github.com/aws/aws-sdk-go@v1: invalid version": false,
		"Unknown command: \"instal\"":                       false,
		"":                                                  false,
	} {
		if got := unreachable(out); got != want {
			t.Errorf("%q: %v", out, got)
		}
	}
}

func writeSource(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestJavaScriptV2 runs a program on the SDK that reads no AWS_ENDPOINT_URL.
func TestJavaScriptV2(t *testing.T) {
	dir := t.TempDir()
	installed(t, dir, "npm", "install", "--loglevel=error", "--no-audit", "--no-fund", "--prefix", dir, "aws-sdk@2")
	program := writeSource(t, dir, "main.js", `
const AWS = require('aws-sdk');
(async () => {
  const kinesis = new AWS.Kinesis(), s3 = new AWS.S3();
  await kinesis.createStream({ StreamName: 'from-v2', ShardCount: 1 }).promise();
  await s3.createBucket({ Bucket: 'bucket-v2' }).promise();
  await s3.putObject({ Bucket: 'bucket-v2', Key: 'a b', Body: 'text' }).promise();
  const object = await s3.getObject({ Bucket: 'bucket-v2', Key: 'a b' }).promise();
  console.log(kinesis.endpoint.host, (await kinesis.listStreams().promise()).StreamNames, object.Body.toString());
})().catch((e) => { console.error(e); process.exit(1); });
`)
	out, err := underRun(t, Start(t), "node", program)
	if err != nil || !strings.Contains(out, "kinesis.us-east-1.amazonaws.com [ 'from-v2' ] text") {
		t.Errorf("%v: %s", err, out)
	}
}

// TestJavaScriptV3 reads a stream by enhanced fan-out, besides.
func TestJavaScriptV3(t *testing.T) {
	dir := t.TempDir()
	installed(t, dir, "npm", "install", "--loglevel=error", "--no-audit", "--no-fund", "--prefix", dir, "@aws-sdk/client-kinesis@3")
	program := writeSource(t, dir, "main.mjs", `
import { Kinesis, waitUntilStreamExists } from '@aws-sdk/client-kinesis';
const kinesis = new Kinesis(), StreamName = 'from-v3';
await kinesis.createStream({ StreamName, ShardCount: 1 });
await waitUntilStreamExists({ client: kinesis, maxWaitTime: 30 }, { StreamName });
const { StreamDescriptionSummary: { StreamARN } } = await kinesis.describeStreamSummary({ StreamName });
let { Consumer: { ConsumerARN } } = await kinesis.registerStreamConsumer({ StreamARN, ConsumerName: 'c' });
while ((await kinesis.describeStreamConsumer({ ConsumerARN })).ConsumerDescription.ConsumerStatus !== 'ACTIVE') ;
await kinesis.putRecord({ StreamName, PartitionKey: 'k', Data: Buffer.from('text') });
const sub = await kinesis.subscribeToShard({ ConsumerARN, ShardId: 'shardId-000000000000', StartingPosition: { Type: 'TRIM_HORIZON' } });
for await (const event of sub.EventStream) {
  const [record] = event.SubscribeToShardEvent?.Records ?? [];
  if (record) { console.log('read', Buffer.from(record.Data).toString()); process.exit(0); }
}
`)
	out, err := underRun(t, Start(t), "node", program)
	if err != nil || !strings.Contains(out, "read text") {
		t.Errorf("%v: %s", err, out)
	}
}

// TestGoV1 runs a compiled program on the SDK that reads no AWS_ENDPOINT_URL.
func TestGoV1(t *testing.T) {
	dir := t.TempDir()
	writeSource(t, dir, "main.go", `package main

import (
	"bytes"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/aws/session"
	"github.com/aws/aws-sdk-go/service/kinesis"
	"github.com/aws/aws-sdk-go/service/s3"
)

func main() {
	s := session.Must(session.NewSession())
	k, o := kinesis.New(s), s3.New(s)
	must(k.CreateStream(&kinesis.CreateStreamInput{StreamName: aws.String("from-go-v1"), ShardCount: aws.Int64(1)}))
	must(o.CreateBucket(&s3.CreateBucketInput{Bucket: aws.String("bucket-go-v1")}))
	must(o.PutObject(&s3.PutObjectInput{Bucket: aws.String("bucket-go-v1"), Key: aws.String("a b"), Body: bytes.NewReader([]byte("text"))}))
	object := must(o.GetObject(&s3.GetObjectInput{Bucket: aws.String("bucket-go-v1"), Key: aws.String("a b")}))
	text := must(io.ReadAll(object.Body))
	fmt.Println(k.Endpoint, aws.StringValueSlice(must(k.ListStreams(nil)).StreamNames), string(text))
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
`)
	installed(t, dir, "go", "mod", "init", "example.com/program")
	installed(t, dir, "go", "get", "github.com/aws/aws-sdk-go@v1.55.8")
	program := filepath.Join(dir, "v1")
	build := exec.Command("go", "build", "-o", program, ".")
	build.Dir = dir
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := underRun(t, Start(t), program)
	if err != nil || !strings.Contains(out, "https://kinesis.us-east-1.amazonaws.com [from-go-v1] text") {
		t.Errorf("%v: %s", err, out)
	}
}

// TestJava runs programs on both SDKs: the one for Java 1 reads no AWS_ENDPOINT_URL, and no program reads the
// variables of proxies and certificates.
func TestJava(t *testing.T) {
	out, err := underRun(t, Start(t), "java", "-cp", javaClasses(t), "V1")
	if err != nil || !strings.Contains(out, "read text") {
		t.Errorf("%v: %s", err, out)
	}
}

// TestJUnit runs the tests of the extension for JUnit, which starts a node of its own.
func TestJUnit(t *testing.T) {
	cmd := exec.Command("java", "-cp", javaClasses(t), "org.junit.platform.console.ConsoleLauncher", "execute", "--select-class", "ClicksTest", "--disable-banner")
	cmd.Env = append(cmd.Environ(), "BROOKMERE_BIN="+nodetest.Binary(t))
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "2 tests successful") {
		t.Errorf("%v: %s", err, out)
	}
}

// TestBrowser opens a page of this machine on the SDK for JavaScript 2 in a browser that is given its URL alone.
func TestBrowser(t *testing.T) {
	const browser = "chromium"
	if _, err := exec.LookPath(browser); err != nil {
		t.Skip("there is no " + browser)
	}
	dir := t.TempDir()
	installed(t, dir, "npm", "install", "--loglevel=error", "--no-audit", "--no-fund", "--prefix", dir, "aws-sdk@2")
	pages := httptest.NewServer(http.FileServer(http.Dir(dir)))
	defer pages.Close()
	writeSource(t, dir, "page.html", `<!doctype html><p id="out">nothing</p>
<script src="node_modules/aws-sdk/dist/aws-sdk.min.js"></script>
<script>
AWS.config.update({ region: 'us-east-1', accessKeyId: 'test', secretAccessKey: 'test' });
(async () => {
  const kinesis = new AWS.Kinesis(), s3 = new AWS.S3();
  await kinesis.createStream({ StreamName: 'from-a-page', ShardCount: 1 }).promise();
  const { StreamNames } = await kinesis.listStreams().promise();
  const { Account } = await new AWS.STS().getCallerIdentity().promise();
  return [kinesis.endpoint.host, ...StreamNames, Account].join(' ');
})().catch((e) => 'failed: ' + e).then((text) => { document.getElementById('out').textContent = text; });
</script>`)
	out, err := underRun(t, Start(t), browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--virtual-time-budget=20000", "--dump-dom", pages.URL+"/page.html")
	if err != nil || !strings.Contains(out, "kinesis.us-east-1.amazonaws.com from-a-page 000000000000") {
		t.Errorf("%v: %s", err, out)
	}
}
