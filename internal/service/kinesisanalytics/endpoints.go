package kinesisanalytics

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/aws/smithy-go"

	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/streamsql"
	"github.com/brookmere/brookmere/internal/nodeapi"
)

// The node's own endpoints below /_brookmere/analytics, for the command line and the console.

// Endpoints are those of the node's own that the service contributes.
func (s *Service) Endpoints() []awswire.Endpoint {
	return []awswire.Endpoint{
		{Method: "GET", Path: "analytics", Serve: s.serveList},
		{Method: "GET", Path: "analytics/{name}/explain", Serve: s.serveExplain},
		{Method: "GET", Path: "analytics/{name}/tail", Serve: s.serveTail},
	}
}

func (s *Service) serveList(w http.ResponseWriter, r *http.Request) {
	all := []nodeapi.Application{}
	sc := scope.Of(r.Context())
	for it, err := range s.applications.In(sc.Account, sc.Region).List() {
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		all = append(all, s.status(r.Context(), it.Value))
	}
	awswire.WriteJSON(w, all)
}

// statusWait is how long the status of one application waits for its engine, which a step may keep for minutes.
const statusWait = 200 * time.Millisecond

func (s *Service) status(ctx context.Context, d *applicationDoc) nodeapi.Application {
	st := nodeapi.Application{Name: d.Name, Account: d.Account, Region: d.Region, Status: d.Status, Version: d.Version, Inputs: []string{}, Outputs: []string{}, Streams: []string{}}
	for i := range d.Inputs {
		st.Inputs = append(st.Inputs, d.Inputs[i].source().ARN)
	}
	for i := range d.Outputs {
		st.Outputs = append(st.Outputs, d.Outputs[i].target().ARN)
	}
	if plan, err := compile(d); err == nil {
		for _, stream := range plan.Streams() {
			st.Streams = append(st.Streams, stream.Name)
		}
	}
	if ws, ok := s.runner.Status(d.key()...); ok && ws.Err != nil {
		st.Error = ws.Err.Error()
	}
	if r := s.runningOf(d); r != nil {
		ctx, cancel := context.WithTimeout(ctx, statusWait)
		defer cancel()
		_ = r.call(ctx, func() { // it has ended, or is at work: zero will do
			st.Time, st.StateBytes = r.last, r.app.StateBytes()
			st.RowErrors, st.LastRowError = r.app.ErrorRows(), r.lastError
		})
		for _, f := range r.feeds {
			st.BehindMs = max(st.BehindMs, f.reader.Lag().Milliseconds())
			if f.index < len(st.Inputs) {
				if st.Places == nil {
					st.Places = map[string]map[string]string{}
				}
				st.Places[st.Inputs[f.index]] = f.taken()
			}
		}
	}
	return st
}

func (s *Service) runningOf(d *applicationDoc) *running {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.running[d.ID]
}

var errNotRunning = errors.New("the application does not run")

// call calls a function in the goroutine of work, which has the engine.
func (r *running) call(ctx context.Context, f func()) error {
	done := make(chan struct{})
	select {
	case r.taps <- func() { f(); close(done) }:
		<-done
		return nil
	case <-r.group.Context.Done():
		return errNotRunning
	case <-ctx.Done():
		return ctx.Err()
	}
}

// lookup finds the application of a request, or answers that there is none.
func (s *Service) lookup(w http.ResponseWriter, r *http.Request) *applicationDoc {
	d, err := s.application(r.Context(), r.PathValue("name"))
	if err == nil {
		return d
	}
	var api smithy.APIError
	if errors.As(err, &api) {
		http.Error(w, api.ErrorMessage(), http.StatusNotFound)
	} else {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
	return nil
}

// serveExplain writes the operators that an application's code runs as.
func (s *Service) serveExplain(w http.ResponseWriter, r *http.Request) {
	d := s.lookup(w, r)
	if d == nil {
		return
	}
	plan, err := compile(d)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, plan.Explain()) // the client has gone
}

// tapBytes bounds the rows that wait for one that watches; those beyond it are dropped.
const tapBytes = 4 << 20

// serveTail writes the rows that come into an in-application stream, an object a line, until the client
// goes or the application stops.
func (s *Service) serveTail(w http.ResponseWriter, req *http.Request) {
	d := s.lookup(w, req)
	if d == nil {
		return
	}
	r := s.runningOf(d)
	if r == nil {
		http.Error(w, "the application "+d.Name+" does not run", http.StatusConflict)
		return
	}
	var tap *streamsql.Tap
	var err error
	if e := r.call(req.Context(), func() { tap, err = r.app.Tap(req.URL.Query().Get("stream"), tapBytes) }); e != nil {
		err = e
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	defer func() { _ = r.call(context.WithoutCancel(req.Context()), tap.Close) }() // it has ended, and its taps with it
	ctx, cancel := context.WithCancel(req.Context())
	defer cancel()
	defer context.AfterFunc(r.group.Context, cancel)()
	w.Header().Set("Content-Type", "application/x-ndjson")
	flush := http.NewResponseController(w)
	_ = flush.Flush() // the headers: a client knows then that it watches
	enc := json.NewEncoder(w)
	for {
		rows, dropped, err := tap.Next(ctx)
		if err != nil {
			return
		}
		if dropped > 0 && enc.Encode(nodeapi.Row{Dropped: dropped}) != nil {
			return
		}
		for i := range rows.Len() {
			if enc.Encode(nodeapi.Row{Rowtime: rows.Rowtime(i), Row: rows.AppendJSON(nil, i)}) != nil {
				return
			}
		}
		if flush.Flush() != nil {
			return
		}
	}
}
