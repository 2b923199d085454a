package s3

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
)

// Cross-origin requests, as the bucket's rules allow them.

var corsMethods = []string{"GET", "PUT", "HEAD", "POST", "DELETE"}

func (c *call) checkCORS(doc *node) error {
	rules := doc.all("CORSRule")
	if len(rules) > 100 {
		return errMalformedXML
	}
	for _, rule := range rules {
		for _, m := range rule.all("AllowedMethod") {
			if !slices.Contains(corsMethods, m.Text) {
				return invalidRequest("Found unsupported HTTP method in CORS config. Unsupported method is " + m.Text)
			}
		}
		for _, o := range rule.all("AllowedOrigin") {
			if strings.Count(o.Text, "*") > 1 {
				return invalidRequest(`AllowedOrigin "` + o.Text + `" can not have more than one wildcard.`)
			}
		}
		for _, h := range rule.all("AllowedHeader") {
			if strings.Count(h.Text, "*") > 1 {
				return invalidRequest(`AllowedHeader "` + h.Text + `" can not have more than one wildcard.`)
			}
		}
		for _, h := range rule.all("ExposeHeader") {
			if strings.Contains(h.Text, "*") {
				return invalidRequest(`ExposeHeader "` + h.Text + `" contains wildcard. We currently do not support wildcard for ExposeHeader.`)
			}
		}
		if len(rule.text("ID")) > 255 {
			return invalidArgument("CORS Rule ID length should not exceed allowed limit of 255", "ID", "")
		}
	}
	return nil
}

// corsRule is the rule that allows a request; nil if none does.
func corsRule(config *node, origin, method string, headers []string) (rule *node, allowed string) {
	for _, r := range config.all("CORSRule") {
		allowed := ""
		for _, o := range r.all("AllowedOrigin") {
			if wildcardMatch(strings.ReplaceAll(o.Text, "?", "\x00"), origin) || o.Text == origin {
				allowed = o.Text
				break
			}
		}
		if allowed == "" || !slices.ContainsFunc(r.all("AllowedMethod"), func(m *node) bool { return m.Text == method }) {
			continue
		}
		ok := true
		for _, h := range headers {
			ok = ok && slices.ContainsFunc(r.all("AllowedHeader"), func(a *node) bool {
				return wildcardMatch(strings.ToLower(a.Text), strings.ToLower(h))
			})
		}
		if ok {
			return r, allowed
		}
	}
	return nil, ""
}

const varyCORS = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"

func (c *call) sayRule(rule *node, origin, allowed string) {
	h := c.w.Header()
	if allowed == "*" {
		h.Set("Access-Control-Allow-Origin", "*")
		h.Del("Access-Control-Allow-Credentials")
	} else {
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Allow-Credentials", "true")
	}
	join := func(name string) string {
		var all []string
		for _, n := range rule.all(name) {
			all = append(all, n.Text)
		}
		return strings.Join(all, ", ")
	}
	h.Set("Access-Control-Allow-Methods", join("AllowedMethod"))
	h.Del("Access-Control-Expose-Headers")
	if v := join("ExposeHeader"); v != "" {
		h.Set("Access-Control-Expose-Headers", v)
	}
	if v := rule.text("MaxAgeSeconds"); v != "" {
		h.Set("Access-Control-Max-Age", v)
	}
	h.Set("Vary", varyCORS)
}

// askedHeaders are the headers that Access-Control-Request-Headers names.
func (c *call) askedHeaders() []string {
	var headers []string
	for h := range strings.SplitSeq(c.r.Header.Get("Access-Control-Request-Headers"), ",") {
		if h = strings.TrimSpace(h); h != "" {
			headers = append(headers, h)
		}
	}
	return headers
}

// preflight answers what a browser asks before a request.
func (c *call) preflight() error {
	origin, method := c.r.Header.Get("Origin"), c.r.Header.Get("Access-Control-Request-Method")
	refuse := func(message string) *Error { return fault(403, "AccessForbidden", message) }
	if origin == "" {
		return fault(400, "BadRequest", "Insufficient information. Origin request header needed.")
	}
	b := c.s.buckets.get(c.bucket)
	if b == nil {
		return refuse("CORSResponse: Bucket not found").with("Method", cmp.Or(method, "OPTIONS")).with("ResourceType", "BUCKET")
	}
	config := b.setting("cors")
	if method == "" && config == nil {
		method = "OPTIONS"
	} else if method == "" {
		return fault(400, "BadRequest", "Invalid Access-Control-Request-Method: null")
	} else if config != nil && !slices.Contains([]string{"GET", "PUT", "POST", "DELETE", "HEAD"}, method) {
		return fault(400, "BadRequest", "Invalid Access-Control-Request-Method: "+method)
	}
	if config == nil {
		return refuse("CORSResponse: CORS is not enabled for this bucket.").with("Method", method).with("ResourceType", "BUCKET")
	}
	headers := c.askedHeaders()
	rule, allowed := corsRule(config, origin, method, headers)
	if rule == nil {
		kind := "BUCKET"
		if c.key != "" {
			kind = "OBJECT"
		}
		return refuse("CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec.").
			with("Method", method).with("ResourceType", kind)
	}
	c.sayRule(rule, origin, allowed)
	if len(headers) > 0 {
		c.w.Header().Set("Access-Control-Allow-Headers", strings.ToLower(strings.Join(headers, ", ")))
	}
	c.w.Header().Set("Content-Length", "0")
	c.w.WriteHeader(http.StatusOK)
	return nil
}

// sayCORS sets the headers for the page that a request comes from, if the bucket has rules.
func (c *call) sayCORS() {
	origin := c.r.Header.Get("Origin")
	if origin == "" {
		return
	}
	config := c.b.setting("cors")
	if config == nil {
		return
	}
	// What a preflight would ask counts in every request, as in S3.
	method := c.r.Method
	if asked := c.r.Header.Get("Access-Control-Request-Method"); asked != "" {
		method = asked
	}
	if rule, allowed := corsRule(config, origin, method, c.askedHeaders()); rule != nil {
		c.sayRule(rule, origin, allowed)
	}
}

// OwnsCORS reports whether the rules of a bucket say what pages may do with what a request is about: one of a bucket
// that exists, or a preflight of one that does not, which is refused.
func (s *Service) OwnsCORS(r *http.Request) bool {
	return s.HasBucket(r) || r.Method == http.MethodOptions && namesBucket(r)
}

// namesBucket reports whether a request is about a bucket, or its website.
func namesBucket(r *http.Request) bool {
	if _, ok := parseWebsiteHost(r.Host); ok {
		return true
	}
	_, ok := ParseBucketHost(r.Host)
	return ok || len(r.URL.Path) > 1
}

// HasBucket reports whether a request is about a bucket that exists, or its website.
func (s *Service) HasBucket(r *http.Request) bool { return s.bucketOf(r) != nil }

func (s *Service) bucketOf(r *http.Request) *bucket {
	if name, ok := parseWebsiteHost(r.Host); ok {
		return s.buckets.get(name)
	}
	name, ok := ParseBucketHost(r.Host)
	if !ok {
		name, _, _ = strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	}
	return s.buckets.get(name)
}

// AllowsOrigin reports whether a page of the request's origin may make the request: one that
// only reads, or one that a rule of the bucket allows.
func (s *Service) AllowsOrigin(r *http.Request) bool {
	b := s.bucketOf(r)
	if b == nil {
		return s.OwnsCORS(r) // to be refused
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return true
	}
	rule, _ := corsRule(b.setting("cors"), r.Header.Get("Origin"), r.Method, nil)
	return rule != nil
}
