package node

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"time"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/server"
)

// Endpoints that scripts poll which were written for LocalStack or Moto. What is answered is true of this node; what it
// has no answer for is refused with the names of those that it has.

func (n *Node) localStackEndpoints(d *doors) {
	d.everybody("GET", server.LocalStackPrefix+"health", n.serveHealth)
	d.everybody("GET", server.LocalStackPrefix+"init", n.serveInit)
	d.everybody("GET", server.LocalStackPrefix+"init/{stage}", n.serveInit)
	d.everybody("GET", server.LocalStackPrefix+"info", n.serveInfo)
	d.owner("POST", server.LocalStackPrefix+"state/reset", n.serveReset)
	d.owner("POST", server.MotoReset, n.serveReset)
	d.owned.HandleFunc(server.LocalStackPrefix, func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, fmt.Sprintf("Brookmere has no %s %s. Of LocalStack's endpoints it has GET health, GET init, GET info and POST state/reset, "+
			"and endpoints of its own below %s: GET endpoints lists them.", r.Method, r.URL.Path, server.NodePrefix), http.StatusNotFound)
	})
}

// serveInit says that all stages of the start are over: a node that answers is ready, and runs no scripts.
func (n *Node) serveInit(w http.ResponseWriter, r *http.Request) {
	if !n.onStack(r.Context(), func(context.Context, *stack) {}) {
		http.Error(w, "The node is stopping.", http.StatusServiceUnavailable)
		return
	}
	stages := map[string]bool{"BOOT": true, "START": true, "READY": true, "SHUTDOWN": false}
	stage := r.PathValue("stage")
	if stage == "" {
		awswire.WriteJSON(w, map[string]any{"completed": stages, "scripts": []string{}})
		return
	}
	done, ok := stages[strings.ToUpper(stage)]
	if !ok {
		http.Error(w, fmt.Sprintf("There is no stage %q: the stages are boot, start, ready and shutdown.", stage), http.StatusNotFound)
		return
	}
	awswire.WriteJSON(w, map[string]any{"completed": done, "scripts": []string{}})
}

func (n *Node) serveInfo(w http.ResponseWriter, _ *http.Request) {
	awswire.WriteJSON(w, map[string]any{
		"version": Version, "edition": "brookmere", "is_license_activated": false, "is_docker": false, "system": runtime.GOOS,
		"server_time_utc": time.Now().UTC().Format("2006-01-02T15:04:05"),
	})
}
