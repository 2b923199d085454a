package sns

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/brookmere/brookmere/internal/engine/outbound"
)

// HTTPTimeout is how long an endpoint has for its answer.
const HTTPTimeout = 15 * time.Second

// toEndpoints posts messages to an HTTP endpoint, at once.
func (s *Service) toEndpoints(ctx context.Context, d *subscriptionDoc, list []*outgoing, contentType string) {
	var wg sync.WaitGroup
	for _, o := range list {
		wg.Go(func() { o.answer, o.err = s.request(ctx, d, o.p, contentType) })
	}
	wg.Wait()
}

// request posts a message.
func (s *Service) request(ctx context.Context, d *subscriptionDoc, p *posted, contentType string) (said answer, err error) {
	body, err := s.body(p, d)
	if err != nil {
		return said, err
	}
	ctx, cancel := context.WithTimeout(ctx, HTTPTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, d.Endpoint, strings.NewReader(body))
	if err != nil {
		return said, &finalError{err}
	}
	if u := r.URL.User; u != nil {
		password, _ := u.Password()
		r.SetBasicAuth(u.Username(), password)
	}
	kind := p.Type
	if kind == "" {
		kind = notificationType
	}
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("User-Agent", "Amazon Simple Notification Service Agent")
	r.Header.Set("X-Amz-Sns-Message-Type", kind)
	r.Header.Set("X-Amz-Sns-Message-Id", p.ID)
	r.Header.Set("X-Amz-Sns-Topic-Arn", p.Topic)
	if p.Type != confirmationType {
		r.Header.Set("X-Amz-Sns-Subscription-Arn", d.arn())
	}
	if p.Type == "" && d.raw() {
		r.Header.Set("X-Amz-Sns-Rawdelivery", "true")
	}
	resp, err := s.cfg.HTTP.Do(r)
	if outbound.IsRefused(err) {
		return said, &finalError{err}
	}
	if err != nil {
		return said, err
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	_, _ = io.CopyN(io.Discard, resp.Body, 64<<10) // so that the connection can be used again
	said = answer{resp.StatusCode, readable(text)}
	switch code := resp.StatusCode; {
	case code >= 200 && code < 300:
		return said, nil
	case code >= 400 && code < 500 && code != http.StatusTooManyRequests:
		return said, &finalError{fmt.Errorf("the endpoint answered %s", resp.Status)}
	default:
		return said, fmt.Errorf("the endpoint answered %s", resp.Status)
	}
}
