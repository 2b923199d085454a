package node

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/brookmere/brookmere/internal/nodeapi"
)

func get(t *testing.T, u string) (int, string) {
	t.Helper()
	resp, err := http.Get(u)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body)
}

// throughProxy is a configuration of the SDK that knows no endpoint.
func throughProxy(t *testing.T, n *Node, key, secret, password string) aws.Config {
	t.Helper()
	status, authority := get(t, n.URL()+"/_brookmere/ca.pem")
	if status != http.StatusOK {
		t.Fatal(authority)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(authority))
	u, err := url.Parse(n.URL())
	if err != nil {
		t.Fatal(err)
	}
	if password != "" {
		u.User = url.UserPassword(key, password)
	}
	tr := &http.Transport{Proxy: http.ProxyURL(u), TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}
	t.Cleanup(tr.CloseIdleConnections)
	return aws.Config{Region: "eu-west-1", Credentials: credentials.NewStaticCredentialsProvider(key, secret, ""), HTTPClient: &http.Client{Transport: tr}, RetryMaxAttempts: 1}
}

func TestProxyServesTheSDKWithoutAnEndpoint(t *testing.T) {
	n := startNode(t, InMemory, nil)
	defer stopNode(t, n)
	cfg := throughProxy(t, n, "test", "test", "")
	streams, objects := kinesis.NewFromConfig(cfg), s3.NewFromConfig(cfg, func(o *s3.Options) { o.Region = "us-east-1" })
	if _, err := streams.CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: aws.String("clicks"), ShardCount: aws.Int32(1)}); err != nil {
		t.Fatal(err)
	}
	if _, err := objects.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("lake.of.dots")}); err != nil {
		t.Fatal(err)
	}
	for _, bucket := range []string{"lake", "lake.of.dots"} { // virtual hosts, and path style
		if bucket == "lake" {
			if _, err := objects.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &bucket}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := objects.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: aws.String("a/b c+d"), Body: strings.NewReader("text")}); err != nil {
			t.Errorf("%s: %v", bucket, err)
		}
	}
	direct := kinesis.NewFromConfig(clientConfig(n, "eu-west-1", "test", "test"))
	if list, err := direct.ListStreams(t.Context(), &kinesis.ListStreamsInput{}); err != nil || len(list.StreamNames) != 1 {
		t.Errorf("the stream is not there: %v, %v", list, err)
	}

	// The doors of scripts, and of what is not there.
	status, body := get(t, n.URL()+"/_localstack/health")
	var health nodeapi.Health
	if err := json.Unmarshal([]byte(body), &health); err != nil || status != http.StatusOK || health.Services["kinesis"] != "running" {
		t.Errorf("%d %s", status, body)
	}
	for path, want := range map[string]string{"init": `"READY":true`, "init/ready": `"completed":true`, "init/shutdown": `"completed":false`, "info": `"edition":"brookmere"`} {
		if status, body := get(t, n.URL()+"/_localstack/"+path); status != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	for _, path := range []string{"diagnose", "init/none", "", "config"} {
		if status, body := get(t, n.URL()+"/_localstack/"+path); status != http.StatusNotFound || !strings.Contains(body, "re") || strings.Contains(body, "<") {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	if status, body := get(t, n.URL()+"/moto-api/reset"); status != http.StatusNotFound || !strings.Contains(body, "NoSuchBucket") {
		t.Errorf("an object of a bucket: %d %s", status, body)
	}
	if status, body := get(t, n.URL()+"/_brookmere/operations/kinesis"); status != http.StatusOK || !strings.Contains(body, "PutRecords") {
		t.Errorf("%d %s", status, body)
	}
	if status, body := get(t, n.URL()+"/_brookmere/operations/ec3"); status != http.StatusNotFound || !strings.Contains(body, "firehose") {
		t.Errorf("%d %s", status, body)
	}
	resp, err := cfg.HTTPClient.Do(must(http.NewRequest(http.MethodGet, "https://batch.eu-west-1.amazonaws.com/v1/jobs", nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusBadRequest || !strings.Contains(string(text), `service \"batch\", of which the request wants GET /v1/jobs`) || resp.Header.Get("x-amzn-RequestId") == "" {
		t.Errorf("%s: %s", resp.Status, text)
	}
}

func must(r *http.Request, err error) *http.Request {
	if err != nil {
		panic(err)
	}
	return r
}

// TestProxyLeadsNowhereElse tries to reach a server of this machine through the proxy, also where it is configured
// to be passed through.
func TestProxyLeadsNowhereElse(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("another server was reached") }))
	defer other.Close()
	_, port, _ := net.SplitHostPort(other.Listener.Addr().String())
	n := startNode(t, InMemory, func(c *Config) {
		c.Proxy.Pass = []string{"127.0.0.1:" + port, "localhost:" + port, "*"}
	})
	defer stopNode(t, n)
	cfg := throughProxy(t, n, "test", "test", "")
	_, own, _ := net.SplitHostPort(n.inner.Addr().String())
	for _, host := range []string{"127.0.0.1:" + port, "localhost:" + port, "127.0.0.1:" + own} {
		for _, scheme := range []string{"http", "https"} {
			resp, err := cfg.HTTPClient.Do(must(http.NewRequest(http.MethodGet, scheme+"://"+host+"/", nil)))
			if err == nil {
				resp.Body.Close()
				if resp.StatusCode != http.StatusBadGateway && resp.StatusCode != http.StatusForbidden {
					t.Errorf("%s://%s: %s", scheme, host, resp.Status)
				}
			}
		}
	}
}

func TestNodeForOthersMakesACredential(t *testing.T) {
	data := t.TempDir()
	listen := func(c *Config) { c.Listen, c.Proxy.Mode = "0.0.0.0:0", "on" }
	n := startNode(t, data, listen)
	made, err := ReadCredential(data)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Join(data, credentialFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file's mode is %v, %v", info.Mode(), err)
	}
	list := func(cfg aws.Config) error {
		_, err := kinesis.NewFromConfig(cfg).ListStreams(t.Context(), &kinesis.ListStreamsInput{})
		return err
	}
	if err := list(clientConfig(n, "eu-west-1", made.AccessKeyID, made.SecretAccessKey)); err != nil {
		t.Error(err)
	}
	if list(clientConfig(n, "eu-west-1", "test", "test")) == nil {
		t.Error("test/test was taken")
	}
	if err := list(throughProxy(t, n, made.AccessKeyID, made.SecretAccessKey, ProxyPassword(made.SecretAccessKey))); err != nil {
		t.Error(err)
	}
	for _, password := range []string{"", made.SecretAccessKey, "x"} {
		if list(throughProxy(t, n, made.AccessKeyID, made.SecretAccessKey, password)) == nil {
			t.Errorf("the proxy took the password %q", password)
		}
	}
	stopNode(t, n)
	n = startNode(t, data, listen)
	defer stopNode(t, n)
	if again, err := ReadCredential(data); err != nil || again != made {
		t.Errorf("started again, the node has made another credential: %v, %v", again, err)
	}
}

func TestInsecureNodeTakesAnyCredentials(t *testing.T) {
	n := startNode(t, InMemory, func(c *Config) { c.Listen, c.Insecure = "0.0.0.0:0", true })
	defer stopNode(t, n)
	if _, err := kinesis.NewFromConfig(clientConfig(n, "eu-west-1", "test", "test")).ListStreams(t.Context(), &kinesis.ListStreamsInput{}); err != nil {
		t.Error(err)
	}
	if status, _ := get(t, n.URL()+"/_brookmere/ca.pem"); status != http.StatusNotFound {
		t.Errorf("a node for others is a proxy by itself: %d", status)
	}
}
