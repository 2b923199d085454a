// Package nodetest runs real nodes, as processes, for the tests that use them as a
// user would, and for those that kill them.
package nodetest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// startTime is how long a node may take to answer, on a machine that is busy.
const startTime = 2 * time.Minute

var build = sync.OnceValues(func() (string, error) {
	if bin := os.Getenv("BROOKMERE_BIN"); bin != "" {
		return bin, nil // to test a binary as it was built elsewhere
	}
	dir, err := os.MkdirTemp("", "brookmere-build-")
	if err != nil {
		return "", err
	}
	bin := filepath.Join(dir, "brookmere")
	cmd := exec.Command("go", "build", "-o", bin, "github.com/brookmere/brookmere/cmd/brookmere")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build brookmere: %w\n%s", err, out)
	}
	return bin, nil
})

// Binary builds the command once a test process and returns its path.
func Binary(t testing.TB) string {
	t.Helper()
	bin, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return bin
}

// Options of a node. The zero value is a node with its data in a directory of the test.
type Options struct {
	Data string   // directory; empty: one that goes with the test
	Args []string // more arguments for brookmere up
}

// Node is a running process.
type Node struct {
	URL  string
	Data string

	cmd    *exec.Cmd
	exited chan struct{}
	err    error // of the process, when exited is closed
	killed bool
	log    *tail
}

// Start runs a node on a free port and returns when it answers. It is stopped with the
// test, whose log shows the node's last lines if the test failed.
func Start(t testing.TB, o Options) *Node {
	t.Helper()
	if o.Data == "" {
		o.Data = t.TempDir()
	}
	ready := filepath.Join(t.TempDir(), "ready")
	args := append([]string{"up", "--data", o.Data, "--listen", "127.0.0.1:0", "--ready-file", ready}, o.Args...)
	n := &Node{Data: o.Data, cmd: exec.Command(Binary(t), args...), exited: make(chan struct{}), log: new(tail)}
	n.cmd.Stdout, n.cmd.Stderr = n.log, n.log
	if err := n.cmd.Start(); err != nil {
		t.Fatalf("start node: %v", err)
	}
	go func() {
		n.err = n.cmd.Wait()
		close(n.exited)
	}()
	t.Cleanup(func() {
		if err := n.Stop(); err != nil && !n.killed {
			t.Errorf("the node ended with %v", err)
		}
		if t.Failed() {
			t.Logf("the node's last lines:\n%s", n.log.String())
		}
	})
	deadline := time.Now().Add(startTime)
	for {
		if url, err := os.ReadFile(ready); err == nil {
			n.URL = string(bytes.TrimSpace(url))
			return n
		}
		select {
		case <-n.exited:
			t.Fatalf("the node ended at its start: %v\n%s", n.err, n.log.String())
		case <-time.After(5 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("the node is not ready after %v\n%s", startTime, n.log.String())
		}
	}
}

// Kill ends the process as a power cut would end it, as far as it can tell.
func (n *Node) Kill() {
	n.killed = true
	_ = n.cmd.Process.Kill() // an error says that it has ended
	<-n.exited
}

// Stop ends the process as a user would, and returns its error.
func (n *Node) Stop() error {
	_ = n.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-n.exited:
	case <-time.After(startTime):
		n.Kill()
		return fmt.Errorf("the node did not stop on SIGTERM")
	}
	return n.err
}

// PID of the process.
func (n *Node) PID() int { return n.cmd.Process.Pid }

// Log returns the last lines that the node wrote.
func (n *Node) Log() string { return n.log.String() }

// AWS is the configuration of an SDK client that uses the node.
func (n *Node) AWS() aws.Config {
	return aws.Config{
		Region:       "us-east-1",
		BaseEndpoint: &n.URL,
		HTTPClient:   Client,
		Credentials:  credentials.NewStaticCredentialsProvider("test", "test", ""),
	}
}

// Client is what clients of the SDK send by. The SDK closes the body of a request when the head of the answer is there;
// net/http, which may be about to look for the end of that body, takes that for a failed write and ends the connection
// below the answer, with "use of closed network connection". Here a body is in memory, and to close it does nothing.
var Client aws.HTTPClient = wholeBodies{&http.Client{
	Transport:     &http.Transport{MaxIdleConnsPerHost: 32, IdleConnTimeout: time.Minute},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}}

type wholeBodies struct{ client *http.Client }

func (c wholeBodies) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil && r.Body != http.NoBody {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		r = r.Clone(r.Context())
		r.Body, r.GetBody = io.NopCloser(bytes.NewReader(body)), nil
	}
	return c.client.Do(r)
}

// Address is a free address of this machine, for what is started again at the same one. Its port is none of those that
// the system gives to connections and to who asks for any port, so that nobody takes it in between.
func Address(t testing.TB) string {
	t.Helper()
	for port := 20000 + os.Getpid()%10000; port < 32000; port++ {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		return l.Addr().String()
	}
	t.Fatal("there is no free port")
	return ""
}

// Env is the environment of a client process that uses the node and knows no other.
func (n *Node) Env() []string {
	env := []string{
		"AWS_ENDPOINT_URL=" + n.URL,
		"AWS_ACCESS_KEY_ID=test",
		"AWS_SECRET_ACCESS_KEY=test",
		"AWS_DEFAULT_REGION=us-east-1",
		"AWS_REGION=us-east-1",
		"AWS_CONFIG_FILE=" + os.DevNull,
		"AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull,
		"AWS_EC2_METADATA_DISABLED=true",
		"AWS_PAGER=",
		"LC_ALL=C.UTF-8",                 // what clients read and print is in UTF-8, wherever the tests run
		"NO_PROXY=" + direct("NO_PROXY"), // a machine may have a proxy, which does not know the node
		"no_proxy=" + direct("no_proxy"),
	}
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "AWS_") && !strings.HasPrefix(kv, "LC_ALL=") && !strings.HasPrefix(strings.ToUpper(kv), "NO_PROXY=") {
			env = append(env, kv)
		}
	}
	return env
}

// direct is the value of a variable that names the hosts which are reached without a proxy, with this machine.
func direct(variable string) string {
	return strings.TrimPrefix(os.Getenv(variable)+",127.0.0.1,localhost", ",")
}

// GetJSON reads one of the node's own endpoints.
func (n *Node) GetJSON(path string, v any) error {
	resp, err := http.Get(n.URL + path)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(resp.Body)
		return fmt.Errorf("GET %s: %s: %s", path, resp.Status, text)
	}
	return json.NewDecoder(resp.Body).Decode(v)
}

// tail keeps the last lines of what is written to it.
type tail struct {
	mu    sync.Mutex
	lines [][]byte
}

const tailLines = 200

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := bufio.NewScanner(bytes.NewReader(p))
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		t.lines = append(t.lines, bytes.Clone(s.Bytes()))
	}
	if len(t.lines) > tailLines {
		t.lines = append(t.lines[:0:0], t.lines[len(t.lines)-tailLines:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(bytes.Join(t.lines, []byte("\n")))
}
