package node

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"

	"github.com/brookmere/brookmere/internal/awswire"
)

// integrations let a deployed API reach the services of its stack, in this process: what passes is
// a request as a client would send it, without a signature, on behalf of the caller of its context.
type integrations struct{ stack *stack }

// maxIntegrationAnswer bounds what a service may answer to an API, in bytes.
const maxIntegrationAnswer = 11 << 20

func (i integrations) Call(ctx context.Context, service, action string, r *http.Request) (*http.Response, error) {
	w := &answerWriter{header: http.Header{}}
	if service == "s3" {
		r.RequestURI, r.RemoteAddr = r.URL.RequestURI(), "127.0.0.1:0"
		r.Host = r.URL.Host
		i.stack.node.objects.ServeHTTP(w, r.WithContext(ctx))
		return w.response(r)
	}
	h := i.handler(service)
	if h == nil {
		return nil, fmt.Errorf("there is no service %q to integrate with on this node", service)
	}
	mt, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if action != "" && mt != "application/x-www-form-urlencoded" {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, fmt.Errorf("read the integration's request: %w", err)
		}
		status, answer := h.Direct(ctx, action, body)
		w.header.Set("Content-Type", "application/x-amz-json-1.1")
		w.WriteHeader(status)
		if _, err := w.Write(answer); err != nil {
			return nil, err
		}
		return w.response(r)
	}
	if action != "" {
		q := r.URL.Query()
		q.Set("Action", action)
		r.URL.RawQuery = q.Encode()
	}
	h.ServeHTTP(w, r.WithContext(ctx))
	return w.response(r)
}

// handler finds a service by its name in a host.
func (i integrations) handler(service string) *awswire.Handler {
	for _, h := range i.stack.apis {
		if m := h.Model(); m.SigningName == service || m.Name == service {
			return h
		}
	}
	return nil
}

// answerWriter keeps an answer in memory, up to a bound.
type answerWriter struct {
	header http.Header
	status int
	body   bytes.Buffer
	over   bool
}

func (w *answerWriter) Header() http.Header { return w.header }

func (w *answerWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

func (w *answerWriter) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if w.body.Len()+len(b) > maxIntegrationAnswer {
		w.over = true
		return 0, fmt.Errorf("the answer is larger than %d bytes", maxIntegrationAnswer)
	}
	return w.body.Write(b)
}

func (w *answerWriter) Flush() {}

func (w *answerWriter) response(r *http.Request) (*http.Response, error) {
	if w.over {
		return nil, fmt.Errorf("the answer is larger than %d bytes", maxIntegrationAnswer)
	}
	w.WriteHeader(http.StatusOK)
	return &http.Response{
		StatusCode: w.status, Status: strconv.Itoa(w.status) + " " + http.StatusText(w.status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.header, Body: io.NopCloser(&w.body), ContentLength: int64(w.body.Len()), Request: r,
	}, nil
}
