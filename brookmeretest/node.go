package brookmeretest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/clientenv"
	"github.com/brookmere/brookmere/internal/engine/lakesql/worker"
	"github.com/brookmere/brookmere/internal/node"
	"github.com/brookmere/brookmere/internal/server"
)

// closeTime is how long a node gets to end.
const closeTime = 15 * time.Second

// Option is a setting of a node.
type Option func(*settings)

type settings struct {
	keys   []keyValue
	binary string // empty: in this process
	child  bool
}

type keyValue struct{ name, value string }

// Set sets a key of the configuration that is also a flag of "brookmere up": Set("iam", "enforce"),
// Set("limits", "enforce"), Set("control-delay", "2s"), Set("account", "123456789012").
func Set(flag, value string) Option {
	return func(s *settings) { s.keys = append(s.keys, keyValue{flag, value}) }
}

// Clock sets where the node has its time from: "system", which is the default; "offset", which runs and can be
// advanced; or "frozen", which moves only when it is advanced.
func Clock(mode string) Option { return Set("clock", mode) }

// FromBinary runs the node as a process of its own. An empty path takes $BROOKMERE_BIN, or else the program brookmere
// on the PATH.
func FromBinary(path string) Option {
	return func(s *settings) { s.binary, s.child = path, true }
}

// Node is a running node, as one account sees it. Its methods may be called from several goroutines.
type Node struct {
	url, account string
	shared       bool
}

// Start starts a node for a test, and ends it with the test.
func Start(t testing.TB, options ...Option) *Node {
	t.Helper()
	s := settingsOf(options)
	lines := new(lastLines)
	begin := s.startHere
	if s.child {
		begin = s.startProcess
	}
	url, stop, err := begin(lines)
	if err != nil {
		t.Fatalf("start a node: %v\n%s", err, lines)
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Errorf("end the node: %v", err)
		}
		if text := lines.String(); t.Failed() && text != "" {
			t.Logf("the node's last lines:\n%s", text)
		}
	})
	return &Node{url: url, account: s.account()}
}

func settingsOf(options []Option) *settings {
	s := new(settings)
	for _, o := range options {
		o(s)
	}
	return s
}

func (s *settings) account() string {
	account := node.DefaultConfig().Account
	for _, k := range s.keys {
		if k.name == "account" {
			account = k.value
		}
	}
	return account
}

// startHere starts a node in this process.
func (s *settings) startHere(log io.Writer) (url string, stop func() error, err error) {
	cfg := node.DefaultConfig()
	cfg.Data, cfg.Listen = node.InMemory, "127.0.0.1:0"
	for _, kv := range s.keys {
		if err := set(&cfg, kv); err != nil {
			return "", nil, err
		}
	}
	n, err := node.Start(context.Background(), cfg, slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err != nil {
		return "", nil, err
	}
	return n.URL(), func() error {
		ctx, cancel := context.WithTimeout(context.Background(), closeTime)
		defer cancel()
		return n.Close(ctx)
	}, nil
}

func set(cfg *node.Config, kv keyValue) error {
	for _, k := range node.Keys() {
		if k.Flag == kv.name {
			if err := k.Set(cfg, kv.value); err != nil {
				return fmt.Errorf("%s %w", kv.name, err)
			}
			return nil
		}
	}
	return fmt.Errorf("brookmere up has no flag --%s", kv.name)
}

// shared is the node that all tests of the process have together.
var shared struct {
	sync.Mutex
	main     bool // Main has been called
	url      string
	stop     func() error
	lines    lastLines
	accounts int64
}

// Main runs the tests of a package, and ends the node of Shared after them. It is called in TestMain, and does not return.
func Main(m *testing.M) {
	worker.Main() // the process that queries run in begins here too
	shared.main = true
	code := m.Run()
	if shared.stop != nil {
		if err := shared.stop(); err != nil {
			fmt.Fprintln(os.Stderr, "end the node:", err)
			code = max(code, 1)
		}
	}
	os.Exit(code)
}

// firstAccount is the account of the first test of Shared.
const firstAccount = 100_000_000_000

// Shared returns the node that the tests of a process share, as an account that no other test has. It starts the node when it
// is first called. Main must run the tests.
func Shared(t testing.TB) *Node {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if !shared.main {
		t.Fatal("brookmeretest.Shared needs func TestMain(m *testing.M) { brookmeretest.Main(m) }, which ends the node")
	}
	if shared.stop == nil {
		url, stop, err := new(settings).startHere(&shared.lines)
		if err != nil {
			t.Fatalf("start a node: %v", err)
		}
		shared.url, shared.stop = url, stop
	}
	shared.accounts++
	return &Node{url: shared.url, account: fmt.Sprint(firstAccount + shared.accounts), shared: true}
}

// URL is the address of the node, for AWS_ENDPOINT_URL.
func (n *Node) URL() string { return n.url }

// Account is the account that Config acts for.
func (n *Node) Account() string { return n.account }

// Config configures clients of the AWS SDK, in the region us-east-1 and as the root of the account.
func (n *Node) Config() aws.Config { return n.ConfigOf(n.account) }

// ConfigOf is Config for another account of twelve digits.
func (n *Node) ConfigOf(account string) aws.Config {
	return aws.Config{
		Region: awswire.DefaultRegion, BaseEndpoint: aws.String(n.url),
		Credentials: credentials.NewStaticCredentialsProvider(account, "test", ""),
	}
}

// Environ is the environment of this process, changed so that a program started with it finds the node in the place of
// AWS, whichever SDK it uses: what "brookmere run" sets. Files that it names go with the test.
func (n *Node) Environ(t testing.TB) []string {
	t.Helper()
	authority, err := n.call(t.Context(), http.MethodGet, "ca.pem", nil)
	if err != nil {
		t.Fatal(err)
	}
	e, err := clientenv.Make(clientenv.Node{
		URL: n.url, Region: awswire.DefaultRegion, AccessKey: n.account, SecretKey: "test", Authority: authority,
	}, t.TempDir(), os.Environ())
	if err != nil {
		t.Fatal(err)
	}
	return e.Apply(os.Environ())
}

// Reset empties the node: all accounts, of all tests. The node of Shared cannot be reset.
func (n *Node) Reset(t testing.TB) {
	t.Helper()
	if n.shared {
		t.Fatal("the node is shared with other tests: Reset would empty theirs")
	}
	if _, err := n.call(t.Context(), http.MethodPost, "reset", nil); err != nil {
		t.Fatal(err)
	}
}

// Now is the node's time.
func (n *Node) Now(t testing.TB) time.Time {
	t.Helper()
	return n.clock(t, http.MethodGet, nil)
}

// Advance moves the node's time on and returns what it is then. Whatever becomes due on the way happens, in its order. The node
// was started with Clock("offset") or Clock("frozen").
func (n *Node) Advance(t testing.TB, d time.Duration) time.Time {
	t.Helper()
	return n.clock(t, http.MethodPost, map[string]string{"advance": d.String()})
}

func (n *Node) clock(t testing.TB, method string, change any) time.Time {
	t.Helper()
	var body io.Reader
	if change != nil {
		text, err := json.Marshal(change)
		if err != nil {
			t.Fatal(err)
		}
		body = bytes.NewReader(text)
	}
	text, err := n.call(t.Context(), method, "clock", body)
	if err != nil {
		t.Fatal(err)
	}
	var answer struct{ Now time.Time }
	if err := json.Unmarshal(text, &answer); err != nil {
		t.Fatalf("the node's time: %v", err)
	}
	return answer.Now
}

// call asks one of the node's own endpoints.
func (n *Node) call(ctx context.Context, method, path string, body io.Reader) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, n.url+server.NodePrefix+path, body)
	if err != nil {
		return nil, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = nil // the node is on this machine
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport}).Do(r)
	if err != nil {
		return nil, fmt.Errorf("ask the node: %w", err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return nil, fmt.Errorf("ask the node: %w", err)
	}
	if resp.StatusCode >= http.StatusMultipleChoices {
		return nil, fmt.Errorf("the node answers %s: %s", resp.Status, strings.TrimSpace(string(text)))
	}
	return text, nil
}

// lastLines keeps the end of what a node logs.
type lastLines struct {
	mu   sync.Mutex
	text []byte
}

// keptLog is the most that is kept of a node's log, in bytes.
const keptLog = 16 << 10

func (l *lastLines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, b...)
	if over := len(l.text) - keptLog; over > 0 {
		l.text = append(l.text[:0], l.text[over:]...)
	}
	return len(b), nil
}

func (l *lastLines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.text)
}
