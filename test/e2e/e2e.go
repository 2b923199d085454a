// Package e2e runs real clients against a real node: boto3, the AWS CLI, Terraform. Each
// gets an environment that points at a node of nodetest and nowhere else.
//
// A client that is not installed is a skipped test with the reason; `make e2e` installs
// those that come from Python's package index.
package e2e

import (
	"bytes"
	"context"
	"crypto/tls"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/brookmere/brookmere/test/nodetest"
)

// Directories and programs that are not where the tests look by themselves.
const (
	// PythonEnv names the python that has the packages of requirements.txt.
	PythonEnv = "BROOKMERE_PYTHON"
	// MirrorEnv names a directory laid out as Terraform's filesystem mirror, which has the
	// provider hashicorp/aws.
	MirrorEnv = "BROOKMERE_TF_MIRROR"
)

// A Node is a running brookmere, and what its clients need.
type Node struct {
	*nodetest.Node
}

// Start starts a node over an empty directory. It ends with the test.
func Start(t *testing.T, args ...string) *Node {
	t.Helper()
	n := &Node{nodetest.Start(t, nodetest.Options{Args: args})}
	n.waitHealthy(t)
	return n
}

// anyCertificate trusts the node's certificate, whoever signed it.
var anyCertificate = &http.Client{Transport: &http.Transport{
	TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true,
}}

func (n *Node) waitHealthy(t *testing.T) {
	t.Helper()
	deadline := time.Now().Add(2 * time.Minute)
	for {
		resp, err := anyCertificate.Get(n.URL + "/_brookmere/health")
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("the node is not healthy: %v\n%s", err, n.Log())
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Stop ends the node as Ctrl-C does.
func (n *Node) Stop(t *testing.T) {
	t.Helper()
	if err := n.Node.Stop(); err != nil {
		t.Errorf("the node ended with %v:\n%s", err, n.Log())
	}
}

// Env returns the environment of a client of the node.
func (n *Node) Env(extra ...string) []string {
	return append(append(n.Node.Env(), "BROOKMERE_DATA="+n.Data, "PYTHONUNBUFFERED=1"), extra...)
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

// Python returns a python that can import modules. The one that PythonEnv names has to;
// without it the test is skipped.
func Python(t *testing.T, modules ...string) string {
	t.Helper()
	python := os.Getenv(PythonEnv)
	if python == "" {
		python = "python3"
	}
	if out, err := exec.Command(python, "-c", "import "+strings.Join(modules, ", ")).CombinedOutput(); err != nil {
		if os.Getenv(PythonEnv) != "" {
			t.Fatalf("%s, which %s names, has not all of %v: %s", python, PythonEnv, modules, bytes.TrimSpace(out))
		}
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

// sourceDir is the folder of this package: a test runs in it.
func sourceDir() string {
	dir, err := os.Getwd()
	if err != nil {
		panic(err)
	}
	return dir
}
