package node

import (
	"context"
	"net"
	"net/http"
	"net/http/pprof"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/dashboardfile"
	"github.com/brookmere/brookmere/internal/engine/lakesql/trino/functions"
	"github.com/brookmere/brookmere/internal/generate"
	"github.com/brookmere/brookmere/internal/nodeapi"
	"github.com/brookmere/brookmere/internal/server"
)

func newProcessRegistry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// endpoints are the node's own: those that are not for everybody, for callers on this machine alone.
func (n *Node) endpoints() *doors {
	d := newDoors()
	d.everybody("GET", server.NodePrefix+"health", n.serveHealth)
	d.everybody("GET", "/metrics", n.serveMetrics)
	d.owner("POST", server.NodePrefix+"reset", n.serveReset)
	d.owner("GET", server.NodePrefix+"endpoints", n.serveEndpoints)
	d.everybody("GET", server.NodePrefix+"sql-functions", ServeFunctions)
	n.handleClock(d)
	n.handleIdentity(d)
	d.everybody("GET", server.NodePrefix+"clients", n.serveClients)
	d.everybody("GET", server.NodePrefix+"ca.pem", n.serveAuthority)
	d.everybody("GET", server.NodePrefix+"operations", serveOperations)
	d.everybody("GET", server.NodePrefix+"operations/{service}", serveOperations)
	n.localStackEndpoints(d)
	d.owner("GET", server.NodePrefix+"generate", new(generate.Streams).ServeHTTP)
	d.owner("GET", server.NodePrefix+"generators", generate.ServeBuiltins)
	d.owner("POST", server.NodePrefix+"dashboard-file", dashboardfile.Serve)
	d.owner("GET", profilePrefix, serveProfile)
	d.owned.Handle(server.NodePrefix, fromLoopback(n.serveContributed))
	return d
}

// serveContributed answers the endpoints of services, those of the current stack.
func (n *Node) serveContributed(w http.ResponseWriter, r *http.Request) {
	if !n.onStack(r.Context(), func(ctx context.Context, s *stack) { s.doors.ServeHTTP(w, r.WithContext(ctx)) }) {
		http.Error(w, "The node is stopping.", http.StatusServiceUnavailable)
	}
}

// serviceEndpoints gathers the endpoints that services contribute. They act for the account and
// region that the query parameters of these names say; by default the node's account and
// us-east-1.
func (n *Node) serviceEndpoints(made []service) *doors {
	d := newDoors()
	for _, svc := range made {
		c, ok := svc.(interface{ Endpoints() []awswire.Endpoint })
		if !ok {
			continue
		}
		for _, e := range c.Endpoints() {
			add := d.owner
			if e.Proves {
				add = d.holder
			}
			add(e.Method, server.NodePrefix+e.Path, func(w http.ResponseWriter, r *http.Request) {
				caller := awswire.Caller{Account: n.cfg.Account, Region: awswire.DefaultRegion}
				if v := r.FormValue("account"); v != "" {
					caller.Account = v
				}
				if v := r.FormValue("region"); v != "" {
					caller.Region = v
				}
				e.Serve(w, r.WithContext(awswire.WithCaller(r.Context(), caller)))
			})
		}
	}
	return d
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

func (n *Node) serveHealth(w http.ResponseWriter, r *http.Request) {
	h := nodeapi.Health{Status: "ok", Version: Version, Services: map[string]string{"s3": "running"}}
	if !n.onStack(r.Context(), func(_ context.Context, s *stack) {
		for _, a := range s.apis {
			h.Services[a.Model().Name] = "running"
		}
	}) {
		http.Error(w, "The node is stopping.", http.StatusServiceUnavailable)
		return
	}
	awswire.WriteJSON(w, h)
}

func (n *Node) serveMetrics(w http.ResponseWriter, r *http.Request) {
	n.onStack(r.Context(), func(_ context.Context, s *stack) {
		promhttp.HandlerFor(prometheus.Gatherers{n.process, s.registry}, promhttp.HandlerOpts{}).ServeHTTP(w, r)
	})
}

// ServeFunctions lists the functions of queries, for completion and help: the same for everybody.
func ServeFunctions(w http.ResponseWriter, _ *http.Request) {
	list := make([]nodeapi.SQLFunction, 0, len(functions.All))
	for _, f := range functions.All {
		of := nodeapi.SQLFunction{Name: f.Name, Kind: f.Kind.String(), Topic: f.Topic, Description: f.Description}
		for _, form := range f.Forms {
			of.Forms = append(of.Forms, f.Signature(form))
		}
		if f.Syntax != "" {
			of.Forms = []string{f.Syntax}
		}
		list = append(list, of)
	}
	awswire.WriteJSON(w, list)
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
