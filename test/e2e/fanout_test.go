package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/brookmere/brookmere/internal/engine/kpl"
)

// startTLS starts a node that speaks TLS with a certificate that it has signed itself.
func startTLS(t *testing.T) *Node {
	t.Helper()
	n, _ := startTLSWith(t, "")
	return n
}

// startTLSWith is startTLS with more of a configuration; it returns the certificate's file too.
func startTLSWith(t *testing.T, config string) (*Node, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name string, contents []byte) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, contents, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	certFile := write("cert.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}))
	keyFile := write("key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))
	return Start(t, "--config", write("node.yaml", fmt.Appendf(nil, "%stls:\n  cert: %s\n  key: %s\n", config, certFile, keyFile))), certFile
}

// kinesisClient is an SDK client of the node; each subscription takes one of its own.
func kinesisClient(n *Node) *kinesis.Client {
	return kinesis.New(kinesis.Options{
		Region: "us-east-1", BaseEndpoint: &n.URL, HTTPClient: anyCertificate,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
}

func TestFanOutBoto3(t *testing.T) {
	Start(t).Python(t, "fanout.py")
}

// TestFanOutJava subscribes with the client that the Kinesis Client Library has, which
// speaks HTTP/2 alone, and CBOR.
func TestFanOutJava(t *testing.T) {
	for name, n := range map[string]*Node{"TLS": startTLS(t), "clear text": Start(t)} {
		if out := n.Java(t, "Subscribe"); !strings.Contains(out, "ok") {
			t.Errorf("%s: %s", name, out)
		}
	}
}

// TestFanOutGo subscribes over HTTP/2 with TLS, and ends the node under the subscription.
func TestFanOutGo(t *testing.T) {
	n := startTLS(t)
	c := kinesisClient(n)
	ctx, stream := t.Context(), aws.String("go")
	if _, err := c.CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: stream, ShardCount: aws.Int32(1)}); err != nil {
		t.Fatal(err)
	}
	d, err := c.DescribeStreamSummary(ctx, &kinesis.DescribeStreamSummaryInput{StreamName: stream})
	if err != nil {
		t.Fatal(err)
	}
	r, err := c.RegisterStreamConsumer(ctx, &kinesis.RegisterStreamConsumerInput{StreamARN: d.StreamDescriptionSummary.StreamARN, ConsumerName: aws.String("c")})
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.SubscribeToShard(ctx, &kinesis.SubscribeToShardInput{
		ConsumerARN: r.Consumer.ConsumerARN, ShardId: aws.String("shardId-000000000000"),
		StartingPosition: &types.StartingPosition{Type: types.ShardIteratorTypeTrimHorizon},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer out.GetStream().Close()
	var slowest time.Duration
	for i := range 50 {
		data := fmt.Sprintf("record %d", i)
		if _, err := c.PutRecord(ctx, &kinesis.PutRecordInput{StreamName: stream, PartitionKey: aws.String("k"), Data: []byte(data)}); err != nil {
			t.Fatal(err)
		}
		acknowledged := time.Now()
		var ev types.SubscribeToShardEvent
		for len(ev.Records) == 0 { // one without records comes where none have come for a while
			e, ok := <-out.GetStream().Events()
			if !ok {
				t.Fatal(out.GetStream().Err())
			}
			ev = e.(*types.SubscribeToShardEventStreamMemberSubscribeToShardEvent).Value
		}
		slowest = max(slowest, time.Since(acknowledged))
		if len(ev.Records) != 1 || string(ev.Records[0].Data) != data {
			t.Fatalf("event %d: %+v", i, ev)
		}
	}
	t.Logf("the slowest record came %v after its acknowledgement", slowest)
	stopping := time.Now()
	n.Stop(t)
	for range out.GetStream().Events() {
	}
	if err := out.GetStream().Err(); err != nil {
		t.Errorf("a node that stops ends a subscription with %v", err)
	}
	if took := time.Since(stopping); took > 30*time.Second {
		t.Errorf("the node took %v to stop", took)
	}
}

// TestKPL puts through the native Kinesis Producer Library and takes its records apart, and
// has Firehose do so.
func TestKPL(t *testing.T) {
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		t.Skip("the library's native program is for Linux on amd64")
	}
	n := startTLS(t)
	c := kinesisClient(n)
	stream := aws.String("kpl")
	if _, err := c.CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: stream, ShardCount: aws.Int32(2)}); err != nil {
		t.Fatal(err)
	}
	delivered := deliverKPL(t, n, *stream)
	const count = 3000
	out := n.Java(t, "Produce", *stream, fmt.Sprint(count), t.TempDir())
	if !strings.Contains(out, fmt.Sprintf("ok %d records", count)) {
		t.Fatal(out)
	}
	seen := map[string]bool{}
	stored := 0
	for _, shard := range []string{"shardId-000000000000", "shardId-000000000001"} {
		it, err := c.GetShardIterator(t.Context(), &kinesis.GetShardIteratorInput{StreamName: stream, ShardId: &shard, ShardIteratorType: types.ShardIteratorTypeTrimHorizon})
		if err != nil {
			t.Fatal(err)
		}
		records, err := c.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: it.ShardIterator})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records.Records {
			stored++
			if !kpl.Deaggregate(r.Data, func(key string, data []byte) { seen[key+"="+string(data)] = true }) {
				seen[*r.PartitionKey+"="+string(r.Data)] = true
			}
		}
	}
	for i := range count {
		if want := fmt.Sprintf("key-%d=record %d", i%100, i); !seen[want] {
			t.Fatalf("%s is missing among %d records", want, len(seen))
		}
	}
	if len(seen) != count || stored >= count/2 {
		t.Errorf("%d different records in %d", len(seen), stored)
	}
	onceEach(t, delivered(count), count)
}
