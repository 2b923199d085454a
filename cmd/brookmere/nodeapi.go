package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/brookmere/brookmere/internal/server"
)

// direct reaches a node whatever proxy the environment names: that proxy may be the node.
var direct = func() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = nil
	return &http.Client{Transport: transport}
}()

// request returns a request for one of the node's own endpoints: path is what follows server.NodePrefix.
func (c *awsClient) request(ctx context.Context, method, path string, query url.Values, body io.Reader) (*http.Request, error) {
	target := strings.TrimSuffix(c.endpoint, "/") + server.NodePrefix + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	r, err := http.NewRequestWithContext(ctx, method, target, body)
	if err != nil {
		return nil, fmt.Errorf("--endpoint: %w", err)
	}
	return r, nil
}

// do sends such a request, signed unless it has a body or a proof already: a node that has credentials or enforces
// policies demands that. It returns the response if its status is 200 OK, and else the error that the node tells. The
// caller closes the response's body.
func (c *awsClient) do(r *http.Request) (*http.Response, error) {
	if r.Body == nil && r.Header.Get("Authorization") == "" {
		if err := c.sign(r.Context(), r); err != nil {
			return nil, err
		}
	}
	resp, err := direct.Do(r)
	if err != nil {
		return nil, fmt.Errorf("nothing answers at %s: start a node with brookmere up, or name another with --endpoint (%w)", c.endpoint, err)
	}
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 8<<10)) // the status alone will do
	if message := strings.TrimSpace(string(text)); message != "" {
		return nil, errors.New(message)
	}
	return nil, fmt.Errorf("the node at %s answers %s", c.endpoint, resp.Status)
}

// get asks one of the node's own endpoints.
func (c *awsClient) get(ctx context.Context, path string, query url.Values) (*http.Response, error) {
	r, err := c.request(ctx, http.MethodGet, path, query, nil)
	if err != nil {
		return nil, err
	}
	return c.do(r)
}

// maxAnswer bounds an answer that is read as a whole.
const maxAnswer = 4 << 20

// read sends a request and reads the whole answer.
func (c *awsClient) read(r *http.Request) ([]byte, error) {
	resp, err := c.do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("read the node's answer: %w", err)
	}
	return text, nil
}
