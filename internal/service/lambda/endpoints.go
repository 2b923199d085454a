package lambda

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/aws/smithy-go"

	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/function"
	"github.com/brookmere/brookmere/internal/engine/state"
	"github.com/brookmere/brookmere/internal/nodeapi"
)

// The node's own endpoints below /_brookmere/functions, for the command line and the console.

func (s *Service) serveList(w http.ResponseWriter, r *http.Request) {
	all := []nodeapi.Function{}
	docs, err := s.functions.All()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	mappings, err := s.mappings.All()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	q := r.URL.Query()
	for _, d := range docs {
		if a := q.Get("account"); a != "" && a != d.Account {
			continue
		}
		if g := q.Get("region"); g != "" && g != d.Region {
			continue
		}
		c := &d.Latest
		st := nodeapi.Function{
			Name: d.Name, Account: d.Account, Region: d.Region, Runtime: c.Runtime, Handler: c.Handler, Memory: c.Memory, Timeout: c.Timeout, Modified: c.Modified,
			Instances: []nodeapi.Instance{}, Mappings: []string{},
		}
		for _, i := range s.cfg.Engine.Running(d.group()) {
			st.Instances = append(st.Instances, nodeapi.Instance(i))
		}
		for _, m := range mappings {
			if m.Account == d.Account && m.Region == d.Region && m.Name == d.Name {
				st.Mappings = append(st.Mappings, m.Source)
			}
		}
		all = append(all, st)
	}
	awswire.WriteJSON(w, all)
}

// serveSources reports how far the mappings are of the account and region that the request names.
func (s *Service) serveSources(w http.ResponseWriter, r *http.Request) {
	all := []nodeapi.EventSource{}
	mappings, err := s.mappings.All()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	sc := scope.Of(r.Context())
	for _, m := range mappings {
		if m.Account != sc.Account || m.Region != sc.Region {
			continue
		}
		one := nodeapi.EventSource{ID: m.ID, Account: m.Account, Region: m.Region, Function: m.Name, Source: m.Source, Enabled: m.Enabled, Shards: map[string]nodeapi.SourcePlace{}}
		d, err := s.positions.Get(m.key()...)
		if err != nil && !errors.Is(err, state.ErrNotFound) {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		if err == nil && d.Position != nil {
			for shard, p := range d.Position.Shards {
				one.Shards[shard] = nodeapi.SourcePlace{After: p.After, Ended: p.Ended}
			}
		}
		all = append(all, one)
	}
	awswire.WriteJSON(w, all)
}

// lookup finds the function of a request, or answers that there is none.
func (s *Service) lookup(w http.ResponseWriter, r *http.Request) *functionDoc {
	d, err := s.functions.Get(scope.Of(r.Context()).Key(r.PathValue("name"))...)
	if err == nil {
		return d
	}
	writeError(w, err)
	return nil
}

func writeError(w http.ResponseWriter, err error) {
	var api smithy.APIError
	if errors.As(err, &api) {
		http.Error(w, api.ErrorMessage(), http.StatusNotFound)
		return
	}
	http.Error(w, err.Error(), http.StatusInternalServerError)
}

// serveLogs writes what a function has logged lately, an event a line as JSON, and with
// follow=true what it logs from now on.
func (s *Service) serveLogs(w http.ResponseWriter, r *http.Request) {
	d := s.lookup(w, r)
	if d == nil {
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	control := http.NewResponseController(w)
	enc := json.NewEncoder(w)
	s.follow(r.Context(), d, r.URL.Query().Get("follow") == "true", func(events []LogEvent) bool {
		_ = control.SetWriteDeadline(time.Now().Add(time.Minute)) // not every connection has one
		for _, e := range events {
			if enc.Encode(nodeapi.LogLine{Time: e.Time, Message: e.Message}) != nil {
				return false
			}
		}
		return control.Flush() == nil && r.Context().Err() == nil
	})
}

// serveAttach lets another process take a function's invocations as long as the request is
// open. The first line of the answer is the address of its Runtime API.
func (s *Service) serveAttach(w http.ResponseWriter, r *http.Request) {
	d := s.lookup(w, r)
	if d == nil {
		return
	}
	f := s.engineFunction(d, &d.Latest)
	address, detach, err := s.cfg.Engine.Attach(f)
	if errors.Is(err, function.ErrAttached) {
		http.Error(w, "another process is attached to "+d.Name, http.StatusConflict)
		return
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer detach()
	env, err := s.environment(r.Context(), d, &d.Latest, "attached")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	control := http.NewResponseController(w)
	_ = control.SetWriteDeadline(time.Time{}) // not every connection has one
	w.Header().Set("Content-Type", "application/x-ndjson")
	if json.NewEncoder(w).Encode(nodeapi.Attachment{Address: address, Environment: env}) != nil || control.Flush() != nil {
		return
	}
	s.log.Info("a process of its own takes the invocations of a function", "function", d.Name)
	<-r.Context().Done()
}
