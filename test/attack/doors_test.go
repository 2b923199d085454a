package attack

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/brookmere/brookmere/internal/nodeapi"
	"github.com/brookmere/brookmere/test/nodetest"
)

// everybodys are the endpoints that answer anybody: an addition to them shows nothing of accounts, and is made here too.
var everybodys = map[string]bool{
	"GET /metrics": true, "GET /_localstack/health": true, "GET /_localstack/init": true, "GET /_localstack/init/{stage}": true, "GET /_localstack/info": true,
	"GET /_brookmere/health": true, "GET /_brookmere/clock": true,
	"GET /_brookmere/clients": true, "GET /_brookmere/ca.pem": true, "GET /_brookmere/sql-functions": true,
	"GET /_brookmere/operations": true, "GET /_brookmere/operations/{service}": true,
	"GET /_brookmere/oidc/.well-known/openid-configuration": true, "GET /_brookmere/oidc/keys": true,
}

// ask asks an endpoint, signed if by has a key, and returns the status and the beginning of the answer.
func ask(t *testing.T, n *nodetest.Node, method, path string, by aws.Credentials) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, n.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if by.AccessKeyID != "" {
		sign(t, r, by, "brookmere", "")
	}
	resp, err := (&http.Client{Timeout: time.Minute}).Do(r)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	return resp.StatusCode, string(text)
}

// Every endpoint of a node's own that is not for everybody demands a proof, by loopback too.
func TestDoors(t *testing.T) {
	config := filepath.Join(t.TempDir(), "node.yaml")
	text := strings.Replace(enforcing, "iam: enforce", "iam: off", 1)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	open := aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}
	for _, tt := range []struct {
		name  string
		node  func(t *testing.T) *nodetest.Node
		owner aws.Credentials
		bad   map[string]aws.Credentials
	}{
		{"credentials and policies", startEnforcing, owner, map[string]aws.Credentials{
			"unsigned": {}, "an unknown key": open, "a wrong secret": {AccessKeyID: owner.AccessKeyID, SecretAccessKey: "wrong"}, "another account": stranger,
		}},
		{"credentials", func(t *testing.T) *nodetest.Node {
			return nodetest.Start(t, nodetest.Options{Data: ":memory:", Args: []string{"--config", config}})
		}, owner, map[string]aws.Credentials{
			"unsigned": {}, "a wrong secret": {AccessKeyID: owner.AccessKeyID, SecretAccessKey: "wrong"}, "another account": stranger,
		}},
		{"policies", func(t *testing.T) *nodetest.Node {
			return nodetest.Start(t, nodetest.Options{Data: ":memory:", Args: []string{"--iam", "enforce"}})
		}, open, map[string]aws.Credentials{
			"unsigned": {}, "a key that nobody issued": {AccessKeyID: "AKIAAAAAAAAAAAAAAAAA", SecretAccessKey: "x"}, "another account": {AccessKeyID: "222222222222", SecretAccessKey: "x"},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n := tt.node(t)
			bad := tt.bad
			if tt.name == "credentials and policies" {
				root := clientsOf(n, owner, "us-east-1")
				bad["a user who may little"] = makeUser(t, root, "ann", allow("kinesis:*", "*"))
				admin := makeUser(t, root, "bob", allow("*", "*"))
				if status, text := ask(t, n, "GET", "/_brookmere/streams", admin); status != http.StatusOK {
					t.Errorf("a user who may everything: %d %s", status, text)
				}
			}
			status, text := ask(t, n, "GET", "/_brookmere/endpoints", tt.owner)
			var list []nodeapi.Endpoint
			if err := json.Unmarshal([]byte(text), &list); err != nil || status != http.StatusOK {
				t.Fatalf("the catalogue: %d %s %v", status, text, err)
			}
			if len(list) < 25 {
				t.Errorf("the catalogue has %d endpoints", len(list))
			}
			for _, e := range list {
				name := e.Method + " " + e.Path
				if (e.For == nodeapi.ForEverybody) != everybodys[name] {
					t.Errorf("%s is for %s", name, e.For)
				}
				if e.For == nodeapi.ForEverybody {
					continue
				}
				path := strings.NewReplacer("{", "", "}", "").Replace(e.Path)
				for who, by := range bad {
					if status, text := ask(t, n, e.Method, path, by); status != http.StatusForbidden {
						t.Errorf("%s, %s: %d %.100s", name, who, status, text)
					}
				}
				// The owner is told what is there, or that there is nothing of that name. What changes the node, follows it
				// or measures it for long is not tried.
				if e.For == nodeapi.ForOwner && e.Method == http.MethodGet && !strings.HasSuffix(e.Path, "/generate") {
					if status, text := ask(t, n, e.Method, path, tt.owner); status == http.StatusForbidden || status >= 500 {
						t.Errorf("%s, the owner: %d %.100s", name, status, text)
					}
				}
			}
			for _, path := range []string{
				"/_brookmere/debug/pprof/heap", "/_brookmere/", "/_brookmere/nothing", "/_brookmere/operations/../streams", "/_brookmere//streams", "/_brookmere/streams/",
				"/_brookmere/oidc/../functions", "/_brookmere/function-packages/x?until=9999999999&signature=00", "/_localstack/", "/_brookmere/operations/..%2fstreams",
			} {
				if status, text := ask(t, n, "GET", path, aws.Credentials{}); status == http.StatusOK {
					t.Errorf("%s, unsigned: %d %.100s", path, status, text)
				}
			}
			if status, _ := ask(t, n, "GET", "/_brookmere/health", aws.Credentials{}); status != http.StatusOK {
				t.Errorf("health: %d", status)
			}
		})
	}
	t.Run("open", func(t *testing.T) {
		n := nodetest.Start(t, nodetest.Options{Data: ":memory:"})
		for _, path := range []string{"streams", "deliveries", "functions", "endpoints"} {
			if status, text := ask(t, n, "GET", "/_brookmere/"+path, aws.Credentials{}); status != http.StatusOK {
				t.Errorf("%s of an open node: %d %s", path, status, text)
			}
		}
	})
}
