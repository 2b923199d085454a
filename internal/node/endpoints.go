package node

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/pprof"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/brookmere/brookmere/internal/server"
)

func newProcessRegistry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// endpoints are the node's own: everything but health and metrics for callers on this
// machine alone.
func (n *Node) endpoints() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+server.NodePrefix+"health", n.serveHealth)
	mux.HandleFunc("GET /metrics", n.serveMetrics)
	mux.Handle("POST "+server.NodePrefix+"reset", fromLoopback(n.serveReset))
	n.handleDeliveries(mux)
	mux.Handle("GET "+profilePrefix, fromLoopback(serveProfile))
	return mux
}

// profilePrefix is where "go tool pprof" finds the profiles: profile, heap, allocs...
const profilePrefix = server.NodePrefix + "debug/pprof/"

func serveProfile(w http.ResponseWriter, r *http.Request) {
	switch name := strings.TrimPrefix(r.URL.Path, profilePrefix); name {
	case "profile":
		pprof.Profile(w, r)
	case "trace":
		pprof.Trace(w, r)
	case "":
		pprof.Index(w, r)
	default:
		pprof.Handler(name).ServeHTTP(w, r)
	}
}

func fromLoopback(h http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, _ := net.SplitHostPort(r.RemoteAddr)
		if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
			http.Error(w, "This endpoint answers only callers on the node's own machine.", http.StatusForbidden)
			return
		}
		h(w, r)
	})
}

// Health is what GET /_brookmere/health answers.
type Health struct {
	Status   string            `json:"status"` // ok
	Version  string            `json:"version"`
	Services map[string]string `json:"services"` // name to state: running
}

func (n *Node) serveHealth(w http.ResponseWriter, r *http.Request) {
	h := Health{Status: "ok", Version: Version, Services: map[string]string{"s3": "running"}}
	if !n.onStack(r.Context(), func(_ context.Context, s *stack) {
		for _, a := range s.apis {
			h.Services[a.name] = "running"
		}
	}) {
		http.Error(w, "The node is stopping.", http.StatusServiceUnavailable)
		return
	}
	writeJSON(w, h)
}

func (n *Node) serveMetrics(w http.ResponseWriter, r *http.Request) {
	n.onStack(r.Context(), func(_ context.Context, s *stack) {
		promhttp.HandlerFor(prometheus.Gatherers{n.process, s.registry}, promhttp.HandlerOpts{}).ServeHTTP(w, r)
	})
}

func (n *Node) serveReset(w http.ResponseWriter, r *http.Request) {
	begin := time.Now()
	if err := n.Reset(r.Context()); err != nil {
		n.log.Error("reset", "error", err)
		http.Error(w, "reset: "+err.Error(), http.StatusInternalServerError)
		return
	}
	n.log.Info("reset", "took", time.Since(begin).Round(time.Millisecond))
	w.WriteHeader(http.StatusNoContent)
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the client has gone: nobody to tell
}
