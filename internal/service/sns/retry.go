package sns

import (
	"encoding/json"
	"math"
	"mime"
	"slices"
	"strings"
	"time"
)

// Retries: how long a message that could not be delivered waits, and when it has been tried often enough.

// retryPolicy is one of a delivery policy. Times are in seconds.
type retryPolicy struct {
	MinDelay        int    `json:"minDelayTarget"`
	MaxDelay        int    `json:"maxDelayTarget"`
	Retries         int    `json:"numRetries"`
	MaxDelayRetries int    `json:"numMaxDelayRetries"`
	NoDelayRetries  int    `json:"numNoDelayRetries"`
	MinDelayRetries int    `json:"numMinDelayRetries"`
	Backoff         string `json:"backoffFunction"`
}

// httpPolicy is what a topic's delivery policy says of HTTP endpoints.
type httpPolicy struct {
	Default *retryPolicy   `json:"defaultHealthyRetryPolicy"`
	Retry   *retryPolicy   `json:"healthyRetryPolicy,omitempty"`
	Own     bool           `json:"disableSubscriptionOverrides"`
	Request *requestPolicy `json:"defaultRequestPolicy,omitempty"`
}

type requestPolicy struct {
	ContentType string `json:"headerContentType"`
}

// subscriptionPolicy is a subscription's delivery policy.
type subscriptionPolicy struct {
	Retry   *retryPolicy   `json:"healthyRetryPolicy"`
	Request *requestPolicy `json:"requestPolicy,omitempty"`
}

// contentTypes are those of raw messages; the first two those of envelopes too.
// (Source: creating an HTTP/S delivery policy, of the developer guide.)
var contentTypes = []string{
	"application/json", "text/plain",
	"text/css", "text/csv", "text/html", "text/xml", "application/atom+xml", "application/octet-stream", "application/soap+xml", "application/x-www-form-urlencoded",
	"application/xhtml+xml", "application/xml",
}

// check reports what is wrong with a content type; nil is right.
func (p *requestPolicy) check(raw bool) error {
	if p == nil || p.ContentType == "" {
		return nil
	}
	allowed := contentTypes
	if !raw {
		allowed = contentTypes[:2]
	}
	kind, parameters, err := mime.ParseMediaType(p.ContentType)
	delete(parameters, "charset")
	if err != nil || len(parameters) > 0 || !slices.Contains(allowed, kind) {
		return invalid("DeliveryPolicy: headerContentType must be one of %s", strings.Join(allowed, ", "))
	}
	return nil
}

const plainText = "text/plain; charset=UTF-8"

// Policies where none is set.
var (
	httpRetries = retryPolicy{MinDelay: 20, MaxDelay: 20, Retries: 3, Backoff: "linear"}
	// awsRetries is that of endpoints that AWS runs: over 23 days.
	awsRetries = retryPolicy{MinDelay: 1, MaxDelay: 20, Retries: 100_015, NoDelayRetries: 3, MinDelayRetries: 2, MaxDelayRetries: 100_000, Backoff: "exponential"}
)

// check reports what is wrong with a policy; nil is right.
func (p *retryPolicy) check() error {
	if p == nil {
		return nil
	}
	const name = "DeliveryPolicy: "
	sum := p.NoDelayRetries + p.MinDelayRetries + p.MaxDelayRetries
	switch {
	case p.Retries < 0 || p.Retries > 100:
		return invalid(name + "numRetries must be between 0 and 100")
	case p.NoDelayRetries < 0 || p.MinDelayRetries < 0 || p.MaxDelayRetries < 0 || sum > p.Retries:
		return invalid(name + "numRetries must be greater than or equal to total of numMinDelayRetries, numNoDelayRetries and numMaxDelayRetries")
	case p.MinDelay < 1 || p.MinDelay > 3600:
		return invalid(name + "minDelayTarget must be between 1 and 3600")
	case p.MaxDelay < p.MinDelay || p.MaxDelay > 3600:
		return invalid(name + "maxDelayTarget must be between minDelayTarget and 3600")
	case p.Backoff != "" && !slices.Contains([]string{"arithmetic", "exponential", "geometric", "linear"}, p.Backoff):
		return invalid(name + "backoffFunction must be one of arithmetic, exponential, geometric or linear")
	}
	return nil
}

// after is the wait after so many failures of one message; false: that was the last.
func (p *retryPolicy) after(failures int) (time.Duration, bool) {
	if failures > p.Retries {
		return 0, false
	}
	low, high := float64(p.MinDelay), float64(p.MaxDelay)
	n := failures - p.NoDelayRetries
	if n <= 0 {
		return 0, true
	}
	if n -= p.MinDelayRetries; n <= 0 {
		return time.Duration(p.MinDelay) * time.Second, true
	}
	between := p.Retries - p.NoDelayRetries - p.MinDelayRetries - p.MaxDelayRetries
	if n > between {
		return time.Duration(p.MaxDelay) * time.Second, true
	}
	share := float64(n) / float64(between)
	wait := low + (high-low)*share
	switch p.Backoff {
	case "arithmetic":
		wait = low + (high-low)*share*(share+1)/2
	case "exponential", "geometric":
		wait = low * math.Pow(high/low, share)
	}
	return time.Duration(wait * float64(time.Second)), true
}

// policyOf is what a subscription's messages are retried by, and the content type of requests.
func (s *Service) policyOf(t *topicDoc, d *subscriptionDoc) (retryPolicy, string) {
	if d.Protocol != "http" && d.Protocol != "https" {
		return awsRetries, ""
	}
	retry, contentType := httpRetries, plainText
	var topic struct{ HTTP httpPolicy }
	if text := t.Attributes["DeliveryPolicy"]; text != "" && json.Unmarshal([]byte(text), &topic) == nil {
		if topic.HTTP.Default != nil {
			retry = *topic.HTTP.Default
		}
		if topic.HTTP.Request != nil && topic.HTTP.Request.ContentType != "" {
			contentType = topic.HTTP.Request.ContentType
		}
	}
	var own subscriptionPolicy
	if text := d.Attributes["DeliveryPolicy"]; text != "" && !topic.HTTP.Own && json.Unmarshal([]byte(text), &own) == nil {
		if own.Retry != nil {
			retry = *own.Retry
		}
		if own.Request != nil && own.Request.ContentType != "" {
			contentType = own.Request.ContentType
		}
	}
	return retry, contentType
}

// effective is the delivery policy of a topic with what it leaves open.
func (d *topicDoc) effective() string {
	retry, own := httpRetries, false
	request := requestPolicy{plainText}
	var p struct{ HTTP httpPolicy }
	if text := d.Attributes["DeliveryPolicy"]; text != "" && json.Unmarshal([]byte(text), &p) == nil {
		own = p.HTTP.Own
		if p.HTTP.Default != nil {
			retry = *p.HTTP.Default
		}
		if p.HTTP.Request != nil {
			request = *p.HTTP.Request
		}
	}
	b, _ := json.Marshal(map[string]any{"http": httpPolicy{Default: &retry, Own: own, Request: &request}}) // it has nothing that cannot be
	return string(b)
}
