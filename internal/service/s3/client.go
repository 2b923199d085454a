package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/brookmere/brookmere/internal/awswire"
)

// Client returns a client of the SDK that calls this service without a network. It acts
// for the caller of the context of each call (awswire.WithCaller).
func (s *Service) Client() *s3.Client {
	return s3.New(s3.Options{
		BaseEndpoint:               aws.String("https://" + inProcessHost),
		Region:                     awswire.DefaultRegion,
		UsePathStyle:               true,
		Credentials:                aws.AnonymousCredentials{},
		HTTPClient:                 &http.Client{Transport: inProcess{s}},
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenRequired,
		Retryer:                    aws.NopRetryer{},
	})
}

// inProcessHost is the Host of requests that come by no network, a name that nobody resolves.
const inProcessHost = "s3.internal"

// inProcess is an http.RoundTripper over a Service.
type inProcess struct{ s *Service }

// RoundTrip returns when the service has answered the headers; the body flows as it is
// read.
func (t inProcess) RoundTrip(req *http.Request) (*http.Response, error) {
	in := req.Clone(req.Context())
	in.Host = inProcessHost
	switch {
	case in.Body == nil:
		in.Body, in.ContentLength = http.NoBody, 0
	case in.ContentLength == 0 && in.Body != http.NoBody:
		in.ContentLength = -1
	}
	body, w := io.Pipe()
	rec := &responsePipe{w: w, header: http.Header{}, started: make(chan struct{})}
	go func() {
		defer in.Body.Close()
		defer func() {
			p := recover()
			if p == nil {
				rec.WriteHeader(http.StatusOK)
				w.Close()
				return
			}
			rec.WriteHeader(http.StatusInternalServerError)
			w.CloseWithError(fmt.Errorf("s3: answer cut short: %v", p))
		}()
		t.s.ServeHTTP(rec, in)
	}()
	select {
	case <-rec.started:
	case <-req.Context().Done():
		body.CloseWithError(errClientGone)
		return nil, context.Cause(req.Context())
	}
	resp := &http.Response{
		Status:        http.StatusText(rec.status),
		StatusCode:    rec.status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        rec.sent,
		Body:          body,
		ContentLength: -1,
		Request:       req,
	}
	if n := rec.sent.Get("Content-Length"); n != "" {
		if _, err := fmt.Sscan(n, &resp.ContentLength); err != nil {
			resp.ContentLength = -1
		}
	}
	return resp, nil
}

var errClientGone = errors.New("s3: the caller has stopped waiting")

// responsePipe is an http.ResponseWriter into a pipe.
type responsePipe struct {
	w       *io.PipeWriter
	header  http.Header
	sent    http.Header
	status  int
	started chan struct{}
}

func (p *responsePipe) Header() http.Header { return p.header }

func (p *responsePipe) WriteHeader(status int) {
	if p.status == 0 {
		p.status, p.sent = status, make(http.Header, len(p.header))
		for name, values := range p.header { // as they come over a network
			name = http.CanonicalHeaderKey(name)
			p.sent[name] = append(p.sent[name], values...)
		}
		close(p.started)
	}
}

func (p *responsePipe) Write(b []byte) (int, error) {
	p.WriteHeader(http.StatusOK)
	return p.w.Write(b)
}
