package server

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/awswire/inflight"
	"github.com/brookmere/brookmere/internal/awswire/sigv4"
)

// Options of a Server.
type Options struct {
	Services []Service
	// Node answers the node's own endpoints (below /_brookmere/, and /metrics).
	Node http.Handler
	// Owner says which of them are the owner's of the node, and who that is; nil: all are, of a node
	// that verifies signatures, and the node's account is.
	Owner Ownership
	// Console serves the node's web page; nil: there is none.
	Console Console
	Auth    Authenticator
	// Account of callers without credentials, where an operation takes them.
	Account string
	// Origins that a browser's request may come from, besides those on loopback: scheme,
	// host and port ("https://console.example.com"), or "*" for all.
	Origins []string
	// Hosts are names that the node is reached by, and of which all names below are its own,
	// besides those that cannot be anybody else's. An open node answers to no others.
	Hosts []string
	// Bodies bounds the bytes of all request bodies in memory; nil: nothing does.
	Bodies *inflight.Budget
	// IsBucketHost tells the host of a virtual-host style S3 request.
	IsBucketHost func(host string) bool
	TLS          *tls.Config // nil: clear text
	Proxy        *Proxy      // nil: the server is not a proxy
	Logger       *slog.Logger
	Registerer   prometheus.Registerer
}

// Ownership guards the node's own endpoints.
type Ownership interface {
	// Demands reports whether the endpoint of a request is for the owner alone.
	Demands(r *http.Request) bool
	// Shown reports whether a request shows the node's own token.
	Shown(r *http.Request) bool
	// Decide returns nil where a user or a session of the node's account may use its endpoints.
	Decide(ctx context.Context, caller awswire.Caller) error
}

// Console is the node's web page: files that anybody may read, of which none changes anything.
type Console interface {
	http.Handler
	// Takes says that a request that names no service and has no signature is for the console.
	Takes(r *http.Request) bool
}

// Server serves the AWS APIs on one listener.
type Server struct {
	opts    Options
	routes  routes
	log     *slog.Logger
	metrics *metrics
	proxy   *proxying // nil: none
	http    *http.Server
	fast    atomic.Pointer[fastPath] // nil until Serve
	// serving is the parent of every request's context: ending it ends long polls and
	// pushes, which would otherwise hold up a shutdown.
	serving context.Context
	stop    context.CancelFunc
}

// New returns a server that is ready to Serve.
func New(o Options) *Server {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Server{
		opts:    o,
		routes:  newRoutes(o.Services, o.IsBucketHost),
		log:     o.Logger,
		metrics: newMetrics(o.Registerer),
		proxy:   newProxying(o.Proxy),
	}
	s.serving, s.stop = context.WithCancel(context.Background())
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true) // over TLS too: see tlsListener
	s.http = &http.Server{
		Handler:           s,
		Protocols:         protocols,
		ReadHeaderTimeout: 20 * time.Second,
		IdleTimeout:       5 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		BaseContext:       func(net.Listener) context.Context { return s.serving },
		ConnContext:       func(ctx context.Context, c net.Conn) context.Context { return withAnswers(withTunnel(ctx, c), c) },
		ConnState:         idle,
		ErrorLog:          slog.NewLogLogger(o.Logger.Handler(), slog.LevelDebug),
	}
	return s
}

// Serve answers requests on ln until Shutdown; it returns nil after one.
func (s *Server) Serve(ln net.Listener) error {
	if s.opts.TLS != nil {
		ln = newTLSListener(ln, s.opts.TLS)
	} else {
		ln = clearListener{ln}
	}
	if s.proxy != nil {
		go func() { _ = s.http.Serve(s.proxy.ended) }() // it ends with the other
	}
	fast := newFastPath(s, ln)
	s.fast.Store(fast)
	err := s.http.Serve(fast)
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve %s: %w", ln.Addr(), err)
}

// Shutdown takes no new requests, ends those that wait for data, and lets the others
// finish until ctx ends; then it cuts them off and returns the context's error.
func (s *Server) Shutdown(ctx context.Context) error {
	// What waits for data looks at its context; a put in flight does not have to.
	time.AfterFunc(drainBeforeCancel, s.stop)
	err := s.http.Shutdown(ctx)
	if fast := s.fast.Load(); fast != nil {
		err = cmp.Or(err, fast.wait(ctx))
	}
	s.stop()
	if err != nil {
		s.http.Close()
	}
	return err
}

// drainBeforeCancel is how long requests in flight may run on before their contexts end.
const drainBeforeCancel = 250 * time.Millisecond

// ServeHTTP routes one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	begun(r)
	if awswire.Field(r.Header, "Expect") != "" {
		// Bodies are replaced below. The HTTP server must go on seeing its own, which has not been asked for with 100
		// Continue yet: a body of somebody else it would wait for before it sends the answer of a refusal.
		r = r.WithContext(r.Context())
	}
	s.answer(newRecorder(w, r), r)
}

// answer has a request answered and counts it.
func (s *Server) answer(rec *recorder, r *http.Request) {
	start := time.Now()
	name := "proxy"
	if !s.proxied(rec, r) {
		name = s.serve(rec, r)
	}
	if !rec.hijacked {
		rec.end()
	}
	rec.ended = time.Now()
	took := rec.ended.Sub(start)
	s.metrics.observe(name, rec, took)
	if s.log.Enabled(r.Context(), slog.LevelDebug) {
		s.log.Debug("request", "service", name, "method", r.Method, "path", r.URL.Path,
			"target", r.Header.Get("X-Amz-Target"), "status", rec.status, "took", took)
	}
}

// serve answers the request and returns the name of the service that it was for.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) string {
	scope, signed := s.opts.Auth.Scope(r)
	if svc := s.routes.claimed(r); svc != nil {
		s.hand(w, r, svc, scope, signed)
		return svc.Name
	}
	if !signed && s.forConsole(r) {
		if why := s.browserRefusal(r, nil, s.opts.Auth.Verifies()); why != "" {
			http.Error(w, why, http.StatusForbidden)
		} else {
			s.opts.Console.ServeHTTP(w, r)
		}
		return "console"
	}
	node := isNodePath(r.URL.Path) || isMotoReset(r, scope) || !signed && r.URL.Path == "/metrics"
	var svc *Service
	if !node {
		if isForm(r) { // which may have to be read
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyStall))
		}
		svc = s.routes.find(r, scope.Service)
	}
	guarded := s.opts.Auth.Verifies() && (!node || r.URL.Path == NodePrefix+"health" || r.URL.Path == LocalStackPrefix+"health" || r.URL.Path == "/metrics")
	if why := s.browserRefusal(r, svc, guarded); why != "" {
		http.Error(w, why, http.StatusForbidden)
		return "node"
	}
	if node {
		s.serveNode(w, r, scope)
		return "node"
	}
	if svc == nil {
		writeUnknownService(w, r, scope.Service)
		return "unknown"
	}
	own := svc.OwnsCORS != nil && !s.originListed(r) && svc.OwnsCORS(r)
	switch {
	case own && r.Method == http.MethodOptions:
		r = r.WithContext(awswire.WithCaller(r.Context(), awswire.Caller{Anonymous: true, RequestID: awswire.NewRequestID()}))
		svc.Handler.ServeHTTP(w, r)
		return svc.Name
	case isPreflight(r):
		writePreflight(w, r)
		return svc.Name
	case !own:
		writeCORS(w, r)
	}
	s.hand(w, r, svc, scope, signed)
	return svc.Name
}

// forConsole reports whether an unsigned request is for the console: not one to the host of a
// service or a bucket.
func (s *Server) forConsole(r *http.Request) bool {
	return s.opts.Console != nil && s.opts.Console.Takes(r) && !s.routes.named(r.Host)
}

// hand lets the request in, or not, and hands it to its service.
func (s *Server) hand(w http.ResponseWriter, r *http.Request, svc *Service, scope sigv4.Scope, signed bool) {
	defer s.guardBody(w, r, svc)()
	var caller awswire.Caller
	var err error
	if !signed && svc.takesUnsigned(r) {
		caller = awswire.Caller{Account: s.opts.Account, Region: regionOfHost(r.Host), Anonymous: true}
	} else {
		caller, err = s.opts.Auth.Authenticate(r, scope, svc)
	}
	caller.Trace = awswire.TraceOf(r.Header)
	caller = s.secureCaller(r.Context(), caller)
	if own, ok := r.Context().(*awswire.RequestContext); ok {
		own.SetCaller(caller)
	} else {
		r = r.WithContext(awswire.WithCaller(r.Context(), caller))
	}
	if err != nil {
		svc.WriteError(w, r, err)
		return
	}
	svc.Handler.ServeHTTP(w, r)
}

// serveNode answers the node's own endpoints. One that is for the owner needs a signature, for
// whatever service, by the node's own account, or the node's token.
func (s *Server) serveNode(w http.ResponseWriter, r *http.Request, scope sigv4.Scope) {
	own := &Service{Name: "node", SigningName: scope.Service}
	defer s.guardBody(w, r, own)()
	if s.demandsOwner(r) {
		if why := s.notOwner(r, scope, own); why != "" {
			http.Error(w, why, http.StatusForbidden)
			return
		}
	}
	s.opts.Node.ServeHTTP(w, r)
}

func (s *Server) demandsOwner(r *http.Request) bool {
	if s.opts.Owner == nil {
		return s.opts.Auth.Verifies()
	}
	return s.opts.Owner.Demands(r)
}

// notOwner says why a request is not the owner's; empty if it is.
func (s *Server) notOwner(r *http.Request, scope sigv4.Scope, own *Service) string {
	if s.opts.Owner != nil && s.opts.Owner.Shown(r) {
		return ""
	}
	const needs = "This endpoint needs a signature (AWS Signature Version 4) of the node's account: "
	caller, err := s.opts.Auth.Authenticate(r, scope, own)
	switch {
	case err != nil:
		return needs + err.Error()
	case caller.Anonymous:
		return needs + "the request has none."
	case caller.Account != s.opts.Account:
		return "This endpoint answers the node's own account alone."
	case caller.Principal == "" || s.opts.Owner == nil:
		return ""
	}
	caller.RequestID = awswire.NewRequestID()
	if err := s.opts.Owner.Decide(r.Context(), caller); err != nil {
		return err.Error()
	}
	return ""
}
