package attack

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/brookmere/brookmere/test/nodetest"
)

// TestSecureNode attacks a node that has credentials of two accounts, and TLS.
func TestSecureNode(t *testing.T) {
	n := startSecure(t)
	t.Run("unsigned parts", func(t *testing.T) { attackSignature(t, n) })
	t.Run("memory", func(t *testing.T) { attackMemory(t, n) })
	t.Run("reset", func(t *testing.T) { attackReset(t, n) })
}

// do sends a request and returns status and body.
func do(t testing.TB, r *http.Request) (int, string) {
	t.Helper()
	resp, err := trusting.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// attackSignature changes what a signature must cover, and leaves it out.
func attackSignature(t *testing.T, n *nodetest.Node) {
	const create, list = "Kinesis_20131202.CreateStream", "Kinesis_20131202.ListStreams"
	const body = `{"StreamName":"s","ShardCount":1}`
	r := request(t.Context(), n.URL, create, body)
	sign(t, r, owner, "kinesis", body)
	if status, got := do(t, r); status != 200 {
		t.Fatalf("a request that is as it should be: %d %s", status, got)
	}
	for _, tt := range []struct {
		name  string
		made  func() *http.Request
		wants string
	}{
		{"no signature", func() *http.Request { return request(t.Context(), n.URL, list, "{}") }, "MissingAuthenticationToken"},
		{"target not signed", func() *http.Request {
			r := request(t.Context(), n.URL, "", "{}")
			sign(t, r, owner, "kinesis", "{}")
			r.Header.Set("X-Amz-Target", "Kinesis_20131202.DeleteStream")
			return r
		}, "IncompleteSignature"},
		{"target changed", func() *http.Request {
			r := request(t.Context(), n.URL, list, "{}")
			sign(t, r, owner, "kinesis", "{}")
			r.Header.Set("X-Amz-Target", "Kinesis_20131202.DeleteStream")
			return r
		}, "InvalidSignature"},
		{"body changed", func() *http.Request {
			r := request(t.Context(), n.URL, "Kinesis_20131202.DeleteStream", `{"StreamName":"s"}`)
			sign(t, r, owner, "kinesis", "{}")
			return r
		}, "InvalidSignature"},
		{"body not signed", func() *http.Request {
			r := request(t.Context(), n.URL, "Kinesis_20131202.DeleteStream", `{"StreamName":"s"}`)
			r.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
			signHash(t, r, owner, "kinesis", "UNSIGNED-PAYLOAD")
			return r
		}, "InvalidSignature"},
		{"another's token", func() *http.Request {
			r := request(t.Context(), n.URL, list, "{}")
			sign(t, r, owner, "kinesis", "{}")
			r.Header.Set("X-Amz-Security-Token", "x")
			return r
		}, "Signature"},
		{"a form for a service of JSON", func() *http.Request {
			const form = "Action=DeleteStream&Version=2013-12-02&StreamName=s"
			r := request(t.Context(), n.URL, "", form)
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			sign(t, r, owner, "kinesis", form)
			return r
		}, "UnknownOperation"},
		{"a change by GET", func() *http.Request {
			r, _ := http.NewRequest("GET", n.URL+"/?Action=AssumeRole&Version=2011-06-15&RoleArn=arn:aws:iam::111111111111:role/r&RoleSessionName=s", nil)
			sign(t, r, owner, "sts", "")
			return r
		}, "POST"},
	} {
		if status, got := do(t, tt.made()); status < 400 || status >= 500 || !strings.Contains(got, tt.wants) {
			t.Errorf("%s: %d %s", tt.name, status, got)
		}
	}
	r = request(t.Context(), n.URL, list, "{}")
	sign(t, r, owner, "kinesis", "{}")
	if _, got := do(t, r); !strings.Contains(got, `"s"`) {
		t.Errorf("the stream has gone: %s", got)
	}
	r = request(t.Context(), n.URL, list, "{}")
	sign(t, r, stranger, "kinesis", "{}")
	if _, got := do(t, r); strings.Contains(got, `"s"`) {
		t.Errorf("another account sees the stream: %s", got)
	}
}

// attackReset tries the endpoints that change the node.
func attackReset(t *testing.T, n *nodetest.Node) {
	reset := func(c *aws.Credentials) int {
		r, err := http.NewRequest(http.MethodPost, n.URL+"/_brookmere/reset", nil)
		if err != nil {
			t.Fatal(err)
		}
		if c != nil {
			sign(t, r, *c, "brookmere", "")
		}
		status, _ := do(t, r)
		return status
	}
	if got := reset(nil); got != http.StatusForbidden {
		t.Errorf("unsigned: %d", got)
	}
	if got := reset(&stranger); got != http.StatusForbidden {
		t.Errorf("another account: %d", got)
	}
	if got := reset(&aws.Credentials{AccessKeyID: owner.AccessKeyID, SecretAccessKey: "guess"}); got != http.StatusForbidden {
		t.Errorf("a wrong secret: %d", got)
	}
	if got := reset(&owner); got != http.StatusNoContent {
		t.Errorf("the node's account: %d", got)
	}
}

// attackMemory announces much with a key that is known, and sends little.
func attackMemory(t *testing.T, n *nodetest.Node) {
	before := resident(t, n)
	address := strings.TrimPrefix(n.URL, "https://")
	const connections = 150
	for range connections {
		c, err := tls.DialWithDialer(&net.Dialer{Timeout: time.Minute}, "tcp", address, &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: %s\r\nX-Amz-Target: Kinesis_20131202.PutRecords\r\nX-Amz-Date: %s\r\nContent-Type: application/x-amz-json-1.1\r\n"+
			"Authorization: AWS4-HMAC-SHA256 Credential=AKIDOWNER/%s/us-east-1/kinesis/aws4_request, SignedHeaders=host;x-amz-date;x-amz-target, Signature=00\r\nContent-Length: %d\r\n\r\n%s",
			address, time.Now().UTC().Format("20060102T150405Z"), time.Now().UTC().Format("20060102"), 19<<20, strings.Repeat("x", 1000))
	}
	time.Sleep(500 * time.Millisecond) // for what would be taken to be taken
	if grown := resident(t, n) - before; grown > 100<<20 {
		t.Errorf("%d requests that announce 19 MiB and send 1 kB took %d MiB", connections, grown>>20)
	}
	// More than the service takes is refused before it is sent.
	c, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: %s\r\nX-Amz-Target: AWSGlue.GetTables\r\nX-Amz-Date: %s\r\n"+
		"Authorization: AWS4-HMAC-SHA256 Credential=AKIDOWNER/%s/us-east-1/glue/aws4_request, SignedHeaders=host;x-amz-date;x-amz-target, Signature=00\r\nContent-Length: %d\r\n\r\n",
		address, time.Now().UTC().Format("20060102T150405Z"), time.Now().UTC().Format("20060102"), 64<<20)
	_ = c.CloseWrite()
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || resp.StatusCode < 400 || resp.StatusCode >= 500 {
		t.Errorf("64 MiB for Glue: %v, %v", resp, err)
	}
}

// resident is the memory of the node's process, in bytes.
func resident(t testing.TB, n *nodetest.Node) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", n.PID()))
	if err != nil {
		t.Skip("the system does not tell the memory of a process")
	}
	pages, err := strconv.Atoi(string(bytes.Fields(text)[1]))
	if err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}
