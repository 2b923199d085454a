// Package node assembles engines and services into a running node. It is the only
// place that knows them all: which service is whose neighbour, where each keeps its
// data, in which order they start and stop.
//
// # The data directory
//
//	LOCK      held while a node runs, so that two do not share a directory
//	FORMAT    the version of this layout
//	credentials  of a node that others can reach and that was given none: mode 0600
//	ca/       the authority of the node's proxy, made at its first use
//	KEY       the node's key, which seals secrets: only its owner may read it
//	log/      JetStream: record data and state documents
//	objects/  S3: a directory a bucket, objects as plain files
//	functions/ Lambda: packages, unpacked too, and scratch space of processes
//	s3/       S3: settings of buckets, versions, uploads under way
//	tmp/      what can go: emptied at every start
package node

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/brookmere/brookmere/internal/authorize"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/awswire/eitherctx"
	"github.com/brookmere/brookmere/internal/awswire/inflight"
	"github.com/brookmere/brookmere/internal/console"
	"github.com/brookmere/brookmere/internal/engine/authority"
	"github.com/brookmere/brookmere/internal/engine/broker"
	"github.com/brookmere/brookmere/internal/engine/outbound"
	"github.com/brookmere/brookmere/internal/engine/seal"
	"github.com/brookmere/brookmere/internal/server"
	"github.com/brookmere/brookmere/internal/service/s3"
	"github.com/brookmere/brookmere/internal/service/sts"
)

// Version of this program.
const Version = "0.1.0"

// Node is a running node.
type Node struct {
	cfg       Config
	log       *slog.Logger
	dirs      dirs
	key       *seal.Key // seals secrets at rest
	issuer    *sts.Issuer
	doors     *doors                               // its own endpoints
	deciding  atomic.Pointer[authorize.Authorizer] // of the current stack
	objects   *s3.Service                          // outlives a reset
	server    *server.Server
	listener  net.Listener
	functions *server.Server // for functions of this node: the APIs, and nothing of the node's own
	inner     net.Listener   // of it
	shared    *broker.Broker // nil: the stack has one of its own
	process   *prometheus.Registry
	failed    chan error
	closing   chan struct{}                        // closed when Close begins
	bodies    *inflight.Budget                     // of requests in memory
	answers   *inflight.Budget                     // of answers that clients have not read
	authority func() (*authority.Authority, error) // made at its first use

	// mu is held for reading by every request, for writing while a reset exchanges the
	// stack.
	mu    sync.RWMutex
	stack *stack

	removing sync.WaitGroup // of what resets threw away

	clock clockwork.Clock // of all services
}

// Start starts a node and returns when it answers requests.
func Start(ctx context.Context, cfg Config, log *slog.Logger) (*Node, error) {
	return start(ctx, cfg, log, nil)
}

// start is Start on a broker that others use too, if there is one, which is left open.
func start(ctx context.Context, cfg Config, log *slog.Logger, shared *broker.Broker) (_ *Node, err error) {
	cfg.Credentials, cfg.Issuers = slices.Clone(cfg.Credentials), slices.Clone(cfg.Issuers)
	if err := errors.Join(cfg.resolve(), cfg.check()); err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	begin := time.Now()
	n := &Node{cfg: cfg, log: log, shared: shared, failed: make(chan error, 1), closing: make(chan struct{}), process: newProcessRegistry(), clock: newClock(cfg.Clock),
		bodies: inflight.New(int64(orDefault(cfg.BodiesMiB, 256)) << 20), answers: inflight.New(int64(orDefault(cfg.BodiesMiB, 256)) << 20)}
	defer func() {
		if err != nil {
			n.release()
		}
	}()
	// The port first: if another node has it, say so before anything is touched.
	if n.listener, err = net.Listen("tcp", cfg.Listen); err != nil {
		return nil, fmt.Errorf("listen: %w (is another node running? --listen takes another address, port 0 any free one)", err)
	}
	if n.dirs, err = openDirs(cfg.Data); err != nil {
		return nil, err
	}
	if n.key, err = n.dirs.openKey(); err != nil {
		return nil, err
	}
	n.issuer = sts.NewIssuer(n.key)
	n.authority = sync.OnceValues(func() (*authority.Authority, error) { return authority.Open(n.dirs.authority(), time.Now) })
	if err = n.makeCredential(); err != nil {
		return nil, fmt.Errorf("credential: %w", err)
	}
	tlsConfig, err := loadTLS(cfg.TLS)
	if err != nil {
		return nil, err
	}
	auth := n.authenticator()
	objects := s3.Config{
		Dir:        n.dirs.objects,
		Clock:      n.clock,
		StateDir:   n.dirs.s3,
		Logger:     log.With("service", "s3"),
		Registerer: n.process,
		Decide:     n.decide,
		Granted:    n.decideGranted,
		PassRole:   n.passRole("s3", "s3.amazonaws.com"),
		Enforces: func() bool {
			a := n.deciding.Load()
			return a != nil && a.Enforces()
		},
		Encrypt: cfg.Objects.Encryption == "on",
	}
	if objects.Key, err = cfg.Objects.key(n.key); err != nil {
		return nil, fmt.Errorf("objects.key_file: %w", err)
	}
	if holders, ok := auth.(interface {
		Holder(ctx context.Context, accessKey, token string) (string, awswire.Caller, bool)
	}); ok {
		objects.Holder = holders.Holder
	}
	if n.objects, err = s3.New(objects); err != nil {
		return nil, fmt.Errorf("start s3: %w", err)
	}
	if n.inner, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, fmt.Errorf("listen for functions: %w", err)
	}
	if n.stack, err = openStack(ctx, n); err != nil {
		return nil, err
	}
	page := console.Node{Version: Version, Open: n.openToAny(), Services: ServiceNames()}
	if page.Open {
		page.Account = cfg.Account
	}
	files, err := console.New(page)
	if err != nil {
		return nil, err
	}
	n.doors = n.endpoints()
	options := server.Options{
		Services:     n.services(),
		Node:         n.doors,
		Owner:        ownership{n},
		Console:      files,
		Auth:         auth,
		Account:      cfg.Account,
		Origins:      cfg.CORSOrigins,
		Hosts:        cfg.Hosts,
		Bodies:       n.bodies,
		IsBucketHost: func(host string) bool { return bucketOf(host) != "" || s3.IsWebsiteHost(host) || s3.IsPointHost(host) },
		TLS:          tlsConfig,
		Proxy:        n.proxy(auth),
		Logger:       log,
		Registerer:   n.process,
	}
	n.server, n.functions = server.New(options), newFunctionServer(options)
	for s, l := range map[*server.Server]net.Listener{n.server: n.listener, n.functions: n.inner} {
		go func() {
			if err := s.Serve(l); err != nil {
				n.fail(err)
			}
		}()
	}
	n.warnInsecure()
	log.Info("listening", "addr", n.Addr(), "url", n.URL(), "console", n.URL()+console.Path, "data", cfg.Data, "took", time.Since(begin).Round(time.Millisecond))
	return n, nil
}

// Addr is the address that the node listens on.
func (n *Node) Addr() string { return n.listener.Addr().String() }

// outbound is the client for addresses that clients of the node name.
func (n *Node) outbound(timeout time.Duration) *outbound.Client {
	allow, _ := n.cfg.Outbound.networks() // they have been checked
	return outbound.New(outbound.Options{
		Loopback: n.onLoopback(), Allow: allow, Timeout: timeout,
		Self: n.ports,
	})
}

// URL is the endpoint URL for clients on this machine.
func (n *Node) URL() string {
	scheme := "http"
	if n.cfg.TLS != nil {
		scheme = "https"
	}
	host, port, _ := net.SplitHostPort(n.Addr())
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}

// Failed yields an error when the node stops serving by itself.
func (n *Node) Failed() <-chan error { return n.failed }

// Close stops the node: requests in flight get until ctx ends, then everything is
// closed in the reverse order of its start. What was acknowledged stays.
func (n *Node) Close(ctx context.Context) error {
	close(n.closing)
	err := cmp.Or(n.server.Shutdown(ctx), n.functions.Shutdown(ctx))
	if errors.Is(err, context.DeadlineExceeded) {
		n.log.Warn("requests were cut off at shutdown")
		err = nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.stack != nil {
		err = errors.Join(err, n.stack.close(ctx))
		n.stack = nil
	}
	return errors.Join(err, n.release())
}

// release gives back what Start took, as far as it came.
func (n *Node) release() error {
	var errs []error
	if n.stack != nil {
		errs = append(errs, n.stack.close(context.Background()))
	}
	if n.objects != nil {
		errs = append(errs, n.objects.Close(context.Background()))
	}
	if n.listener != nil {
		n.listener.Close() // an error says that the server has closed it
	}
	if n.inner != nil {
		n.inner.Close() // the same
	}
	n.removing.Wait() // before another process may have the directory
	return errors.Join(append(errs, n.dirs.close())...)
}

// Reset empties the node of everything: streams, tables, objects, history. Requests in
// flight end first; those that come meanwhile wait.
func (n *Node) Reset(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx) // half a reset would be worse than one nobody waits for
	n.endWaits()
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.stack == nil {
		return errors.New("reset: the node is stopping")
	}
	if err := n.stack.close(ctx); err != nil {
		n.log.Warn("reset", "error", err) // what it kept is thrown away in any case
	}
	n.stack = nil
	stack, err := n.openEmpty(ctx)
	if err != nil {
		n.fail(fmt.Errorf("reset: %w", err))
		return err
	}
	n.stack = stack
	return nil
}

// endWaits ends the requests that wait for data on the current stack.
func (n *Node) endWaits() {
	n.mu.RLock()
	defer n.mu.RUnlock()
	if n.stack != nil {
		n.stack.cancel()
	}
}

// openEmpty throws everything away and opens a stack on what is left.
func (n *Node) openEmpty(ctx context.Context) (*stack, error) {
	if err := n.objects.Reset(ctx); err != nil {
		return nil, fmt.Errorf("remove objects: %w", err)
	}
	trash, err := n.dirs.emptyLog()
	if err != nil {
		return nil, fmt.Errorf("remove the log: %w", err)
	}
	n.removing.Go(func() {
		if err := os.RemoveAll(trash); err != nil {
			n.log.Warn("what a reset threw away stays until the next start", "error", err)
		}
	})
	return openStack(ctx, n)
}

// fail tells who runs the node that it cannot go on.
func (n *Node) fail(err error) {
	select {
	case n.failed <- err:
	default: // it knows of an earlier reason
	}
}

// onStack runs f with the stack that is current, held while f runs, and with a context
// that ends when the stack is about to go.
func (n *Node) onStack(ctx context.Context, f func(context.Context, *stack)) bool {
	n.mu.RLock()
	defer n.mu.RUnlock()
	if n.stack == nil {
		return false
	}
	either := eitherctx.New(ctx, n.stack.ctx)
	defer either.Release()
	f(either, n.stack)
	return true
}

// serveOnStack is onStack for what answers a request: its context ends with the stack.
func (n *Node) serveOnStack(r *http.Request, f func(*http.Request, *stack)) bool {
	own, ok := r.Context().(*awswire.RequestContext)
	if !ok {
		return n.onStack(r.Context(), func(ctx context.Context, s *stack) { f(r.WithContext(ctx), s) })
	}
	n.mu.RLock()
	defer n.mu.RUnlock()
	if n.stack == nil {
		return false
	}
	own.Join(n.stack.ctx)
	f(r, n.stack)
	return true
}

// services lists what the listener serves; handlers reach the current stack.
func (n *Node) services() []server.Service {
	var list []server.Service
	for i, h := range n.stack.apis {
		m := h.Model()
		svc := server.Service{
			Name:          m.Name,
			SigningName:   m.SigningName,
			TargetPrefix:  m.TargetPrefix,
			WriteError:    h.WriteError,
			TakesUnsigned: h.TakesUnsigned,
			MaxBody:       h.MaxBody(),
			Prompt:        h.Prompt(),
			Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if !n.serveOnStack(r, func(r *http.Request, s *stack) { s.apis[i].ServeHTTP(w, r) }) {
					h.WriteError(w, r, awswire.Errorf("ServiceUnavailable", "The node is stopping."))
				}
			}),
		}
		if m.Answers("query") {
			svc.QueryVersion = m.APIVersion
		}
		if h.IsREST() {
			svc.Matches = h.Matches
		}
		list = append(list, svc)
	}
	for i, f := range n.stack.fronts {
		list = append(list, server.Service{
			Name:        f.Name,
			SigningName: f.SigningName,
			Claims:      f.Claims,
			WriteError: func(w http.ResponseWriter, r *http.Request, err error) {
				if !n.onStack(r.Context(), func(ctx context.Context, s *stack) {
					s.fronts[i].WriteError(w, r.WithContext(ctx), err)
				}) {
					f.WriteError(w, r, awswire.Errorf("ServiceUnavailable", "The node is stopping."))
				}
			},
			Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if !n.onStack(r.Context(), func(ctx context.Context, s *stack) {
					s.fronts[i].Handler.ServeHTTP(w, r.WithContext(ctx))
				}) {
					f.WriteError(w, r, awswire.Errorf("ServiceUnavailable", "The node is stopping."))
				}
			}),
		})
	}
	return append(list, server.Service{
		Name:        "s3",
		SigningName: "s3",
		StreamsBody: true,
		Bucket:      bucketOf,
		OwnsCORS:    func(r *http.Request) bool { return n.objects.OwnsCORS(r) },
		AllowsOrigin: func(r *http.Request) bool {
			return n.objects.AllowsOrigin(r) || !n.openToAny() && n.objects.HasBucket(r)
		},
		WriteError: s3.WriteError,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !n.onStack(r.Context(), func(ctx context.Context, st *stack) {
				defer cutOff(st.ctx, w)()
				n.objects.ServeHTTP(w, r.WithContext(ctx))
			}) {
				s3.WriteError(w, r, awswire.Errorf("ServiceUnavailable", "The node is stopping."))
			}
		}),
	})
}

// cutOff ends the transfer of a body, either way, when ctx, that of the stack, ends: a reset
// does not wait for a slow client. (The request's own ends also when a client has no more
// to say and still listens.) The function that it returns is called when the request is
// done.
func cutOff(ctx context.Context, w http.ResponseWriter) (done func()) {
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		control := http.NewResponseController(w)
		past := time.Unix(1, 0)
		for { // the server sets deadlines, too: the last word counts
			_ = control.SetReadDeadline(past) // not every connection has deadlines
			_ = control.SetWriteDeadline(past)
			select {
			case <-ended:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	})
	return func() { stop(); close(ended) }
}

func (n *Node) authenticator() server.Authenticator {
	mode, _ := n.cfg.iamMode()
	if n.openToAny() {
		return server.NewOpen(n.cfg.Account, mode == authorize.Enforce, issued{n})
	}
	keys := make(map[string]server.Credential, len(n.cfg.Credentials))
	for _, c := range n.cfg.Credentials {
		account := c.Account
		if account == "" {
			account = n.cfg.Account
		}
		keys[c.AccessKeyID] = server.Credential{Secret: c.SecretAccessKey, Account: account}
	}
	return server.NewVerified(keys, issued{n})
}

// bucketOf is the bucket that a host names, "" for none.
func bucketOf(host string) string {
	bucket, _ := s3.ParseBucketHost(host)
	return bucket
}

// openToAny reports whether the node takes any credentials.
func (n *Node) openToAny() bool {
	host, _, _ := net.SplitHostPort(n.cfg.Listen)
	return len(n.cfg.Credentials) == 0 && (n.cfg.Insecure || isLoopback(host))
}

// onLoopback reports whether the node takes any credentials, and only from its own machine.
func (n *Node) onLoopback() bool {
	host, _, _ := net.SplitHostPort(n.cfg.Listen)
	return n.openToAny() && isLoopback(host)
}

func loadTLS(c *TLS) (*tls.Config, error) {
	if c == nil {
		return nil, nil
	}
	cert, err := tls.LoadX509KeyPair(c.Cert, c.Key)
	if err != nil {
		return nil, fmt.Errorf("tls: %w", err)
	}
	return &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}, nil
}
