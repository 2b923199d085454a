// Package e2e runs real clients against a real node: boto3, the AWS CLI, Terraform. It
// builds the brookmere command, starts it on a free port over a temporary directory, and
// gives each client an environment that points there and nowhere else.
//
// A client that is not installed is a skipped test with the reason; `make e2e` installs
// those that come from Python's package index.
package e2e

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Directories and programs that are not where the tests look by themselves.
const (
	// PythonEnv names the python that has the packages of requirements.txt.
	PythonEnv = "BROOKMERE_PYTHON"
	// MirrorEnv names a directory laid out as Terraform's filesystem mirror.
	MirrorEnv = "BROOKMERE_TF_MIRROR"
)

var build = sync.OnceValues(func() (string, error) {
	if bin := os.Getenv("BROOKMERE_BIN"); bin != "" {
		return bin, nil // to test a binary as it was built elsewhere
	}
	dir, err := os.MkdirTemp("", "brookmere-e2e-")
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

// A Node is a running brookmere.
type Node struct {
	URL  string // http://127.0.0.1:port, or https://
	Data string

	cmd  *exec.Cmd
	done chan struct{} // closed when its standard error has ended
	log  *tail
}

var listening = regexp.MustCompile(`listening.*\burl=(\S+)`)

// Start starts a node over an empty directory. It ends with the test.
func Start(t *testing.T, args ...string) *Node {
	t.Helper()
	n := StartIn(t, t.TempDir(), args...)
	t.Cleanup(func() { n.Stop(t) })
	return n
}

// StartIn starts a node over data and waits until it is healthy.
func StartIn(t *testing.T, data string, args ...string) *Node {
	t.Helper()
	bin, err := build()
	if err != nil {
		t.Fatal(err)
	}
	n := &Node{Data: data, done: make(chan struct{}), log: &tail{}}
	n.cmd = exec.Command(bin, append([]string{"up", "--data", data, "--listen", "127.0.0.1:0"}, args...)...)
	n.cmd.Stdout = n.log
	stderr, err := n.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := n.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	addr := make(chan string, 1)
	go func() {
		defer close(n.done)
		lines := bufio.NewScanner(stderr)
		for lines.Scan() {
			fmt.Fprintln(n.log, lines.Text())
			if m := listening.FindStringSubmatch(lines.Text()); m != nil {
				select {
				case addr <- m[1]:
				default:
				}
			}
		}
		_, _ = io.Copy(n.log, stderr)
	}()
	select {
	case a := <-addr:
		n.URL = a
	case <-n.done:
		t.Fatalf("the node ended at once:\n%s", n.log)
	case <-time.After(time.Minute):
		n.Kill()
		t.Fatalf("the node does not say where it listens:\n%s", n.log)
	}
	n.waitHealthy(t)
	return n
}

// anyCertificate trusts the node's certificate, whoever signed it.
var anyCertificate = &http.Client{Transport: &http.Transport{
	TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true,
}}

func (n *Node) waitHealthy(t *testing.T) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		resp, err := anyCertificate.Get(n.URL + "/_brookmere/health")
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("the node is not healthy: %v\n%s", err, n.log)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Stop ends the node as Ctrl-C does.
func (n *Node) Stop(t *testing.T) {
	t.Helper()
	if err := n.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return // it has ended
	}
	timer := time.AfterFunc(30*time.Second, n.Kill)
	<-n.done
	err := n.cmd.Wait()
	if !timer.Stop() {
		t.Errorf("the node does not stop:\n%s", n.log)
	} else if err != nil {
		t.Errorf("the node ended with %v:\n%s", err, n.log)
	}
	if t.Failed() {
		t.Logf("the node's log:\n%s", n.log)
	}
}

// Kill ends the node as kill -9 does.
func (n *Node) Kill() { _ = n.cmd.Process.Kill() }

// Env returns the environment of a client of the node.
func (n *Node) Env(extra ...string) []string {
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
		"BROOKMERE_DATA=" + n.Data,
		"PYTHONUNBUFFERED=1",
	}
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "AWS_") {
			env = append(env, kv)
		}
	}
	return append(env, extra...)
}

// Run runs a client, logs what it says, and fails the test if it fails.
func (n *Node) Run(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	out, err := n.try(t, dir, name, args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", filepath.Base(name), strings.Join(args, " "), err, out)
	}
	return out
}

func (n *Node) try(t *testing.T, dir, name string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = dir, n.Env()
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// Python runs a script of test/e2e/python.
func (n *Node) Python(t *testing.T, script string) {
	t.Helper()
	t.Log(n.Run(t, "", Python(t, "boto3"), filepath.Join(sourceDir(), "python", script)))
}

// Python returns a python that can import modules, or skips the test.
func Python(t *testing.T, modules ...string) string {
	t.Helper()
	python := os.Getenv(PythonEnv)
	if python == "" {
		python = "python3"
	}
	if out, err := exec.Command(python, "-c", "import "+strings.Join(modules, ", ")).CombinedOutput(); err != nil {
		t.Skipf("%s has not all of %v (%s names one that has): %s", python, modules, PythonEnv, bytes.TrimSpace(out))
	}
	return python
}

// CLI returns the AWS CLI, or skips the test.
func CLI(t *testing.T) string {
	t.Helper()
	if python := os.Getenv(PythonEnv); python != "" {
		aws := filepath.Join(filepath.Dir(python), "aws")
		if _, err := os.Stat(aws); err == nil {
			return aws
		}
	}
	aws, err := exec.LookPath("aws")
	if err != nil {
		t.Skip("there is no AWS CLI")
	}
	return aws
}

func sourceDir() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Dir(file)
}

// A Terraform is a working directory of Terraform with the AWS provider pointed at a node.
type Terraform struct {
	node *Node
	bin  string
	dir  string
}

// services are the provider's endpoints that the node serves.
var services = []string{
	"apigateway", "athena", "cloudwatch", "cognitoidentity", "dynamodb", "firehose", "glue", "iam",
	"kinesis", "kinesisanalytics", "kinesisanalyticsv2", "lambda", "logs", "s3", "s3control", "sts",
}

// NewTerraform initializes a working directory with a configuration, to which it adds the
// provider. It skips the test where Terraform or the provider is missing.
func NewTerraform(t *testing.T, n *Node, config string) *Terraform {
	t.Helper()
	bin, err := exec.LookPath("terraform")
	if err != nil {
		t.Skip("there is no terraform on PATH")
	}
	mirror := ""
	for _, dir := range []string{os.Getenv(MirrorEnv), "/opt/tf-plugins", "/usr/share/terraform/plugins"} {
		if found, _ := filepath.Glob(filepath.Join(dir, "*", "hashicorp", "aws", "*")); dir != "" && len(found) > 0 {
			mirror = dir
			break
		}
	}
	if mirror == "" {
		t.Skipf("no mirror directory with the provider hashicorp/aws is found; %s names one", MirrorEnv)
	}
	tf := &Terraform{node: n, bin: bin, dir: t.TempDir()}
	tf.write(t, "terraform.rc", fmt.Sprintf("provider_installation {\n  filesystem_mirror {\n    path = %q\n  }\n}\n", mirror))
	var endpoints strings.Builder
	for _, s := range services {
		fmt.Fprintf(&endpoints, "    %s = %q\n", s, n.URL)
	}
	tf.write(t, "provider.tf", fmt.Sprintf(`terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

provider "aws" {
  region                      = "us-east-1"
  access_key                  = "test"
  secret_key                  = "test"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  s3_use_path_style           = true
  endpoints {
%s  }
}
`, endpoints.String()))
	tf.write(t, "main.tf", config)
	tf.run(t, "init", "-input=false", "-no-color")
	return tf
}

func (tf *Terraform) write(t *testing.T, name, contents string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(tf.dir, name), []byte(contents), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (tf *Terraform) run(t *testing.T, args ...string) string {
	t.Helper()
	return tf.node.Run(t, tf.dir, "env", append([]string{"TF_CLI_CONFIG_FILE=" + filepath.Join(tf.dir, "terraform.rc"),
		"CHECKPOINT_DISABLE=1", tf.bin}, args...)...)
}

// ApplyAndDestroy makes what the configuration says, checks that a plan then finds
// nothing to change, and removes it all. between, if not nil, runs before the removal.
func (tf *Terraform) ApplyAndDestroy(t *testing.T, between func()) {
	t.Helper()
	tf.run(t, "apply", "-auto-approve", "-input=false", "-no-color")
	out, err := tf.node.try(t, tf.dir, "env", "TF_CLI_CONFIG_FILE="+filepath.Join(tf.dir, "terraform.rc"), tf.bin,
		"plan", "-detailed-exitcode", "-input=false", "-no-color")
	if err != nil {
		t.Errorf("there is something left to change: %v\n%s", err, out)
	}
	if between != nil {
		between()
	}
	tf.run(t, "destroy", "-auto-approve", "-input=false", "-no-color")
}

// Output returns an output value of the configuration.
func (tf *Terraform) Output(t *testing.T, name string) string {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(tf.run(t, "output", "-json", name)), &v); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(v)
}

// A tail keeps the end of what is written to it.
type tail struct {
	mu sync.Mutex
	b  []byte
}

const maxTail = 64 << 10

func (w *tail) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.b = append(w.b, p...)
	if len(w.b) > maxTail {
		w.b = append(w.b[:0], w.b[len(w.b)-maxTail/2:]...)
	}
	return len(p), nil
}

func (w *tail) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return string(w.b)
}
