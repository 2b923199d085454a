package s3

import (
	"errors"
	"html"
	"net/http"
	"strconv"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/objectstore"
)

// Websites: buckets as a browser sees them, at BUCKET.s3-website.REGION.amazonaws.com,
// BUCKET.s3-website-REGION..., BUCKET.s3-website.localhost, and the like below other domains.

func parseWebsiteHost(host string) (bucket string, ok bool) {
	host = strings.ToLower(stripPort(host))
	i := strings.Index(host, ".s3-website")
	if i <= 0 {
		return "", false
	}
	rest := host[i+len(".s3-website"):]
	if rest == "" || rest[0] != '.' && rest[0] != '-' {
		return "", false
	}
	return host[:i], validBucketName(host[:i])
}

// IsWebsiteHost reports whether a host is that of a bucket's website.
func IsWebsiteHost(host string) bool {
	_, ok := parseWebsiteHost(host)
	return ok
}

const maxRoutingRules = 50

var errProtocol = invalidRequest("Invalid protocol, protocol can be http or https. If not defined the protocol will be selected automatically.")

// webProtocol reports whether what a redirection says of its protocol, if it does, is one.
func webProtocol(n *node) bool {
	p := n.text("Protocol")
	return n.get("Protocol") == nil || p == "http" || p == "https"
}

func (c *call) checkWebsite(doc *node) error {
	all := doc.get("RedirectAllRequestsTo")
	index := doc.get("IndexDocument")
	switch {
	case all != nil && len(doc.Kids) > 1:
		return invalidArgument("RedirectAllRequestsTo cannot be provided in conjunction with other Routing Rules.", "RedirectAllRequestsTo", "not null")
	case all != nil && all.text("HostName") == "":
		return errMalformedXML
	case all == nil && index == nil:
		return invalidArgument("A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty", "IndexDocument", "null")
	case all != nil && !webProtocol(all):
		return errProtocol
	case doc.get("ErrorDocument") != nil && doc.text("ErrorDocument", "Key") == "":
		return invalidArgument("The ErrorDocument Key is not well formed", "ErrorDocument", "").with("ArgumentValue", "")
	case index != nil && (index.text("Suffix") == "" || strings.Contains(index.text("Suffix"), "/")):
		return invalidArgument("The IndexDocument Suffix is not well formed", "IndexDocument", "").with("ArgumentValue", index.text("Suffix"))
	}
	rules := doc.get("RoutingRules")
	if rules != nil && len(rules.Kids) == 0 {
		return errMalformedXML
	}
	if n := len(rules.all("RoutingRule")); n > maxRoutingRules {
		return invalidRequest(strconv.Itoa(n) + " routing rules provided, the number of routing rules in a website configuration is limited to 50.")
	}
	for _, rule := range rules.all("RoutingRule") {
		to, when := rule.get("Redirect"), rule.get("Condition")
		if len(to.Kids) == 0 {
			return errMalformedXML
		}
		if when != nil && len(when.Kids) == 0 {
			return invalidRequest("Condition cannot be empty. To redirect all requests without a condition, the condition element shouldn't be present.")
		}
		if !webProtocol(to) {
			return errProtocol
		}
		if to.get("ReplaceKeyWith") != nil && to.get("ReplaceKeyPrefixWith") != nil {
			return invalidRequest("You can only define ReplaceKeyPrefix or ReplaceKey but not both.")
		}
		if code := to.text("HttpRedirectCode"); to.get("HttpRedirectCode") != nil {
			if n, err := strconv.Atoi(code); err != nil || n < 301 || n > 399 || n == 304 {
				return invalidRequest("The provided HTTP redirect code (" + code + ") is not valid. Valid codes are 3XX except 300.")
			}
		}
		if code := when.text("HttpErrorCodeReturnedEquals"); when.get("HttpErrorCodeReturnedEquals") != nil {
			if n, err := strconv.Atoi(code); err != nil || n < 400 || n > 599 {
				return invalidRequest("The provided HTTP error code (" + code + ") is not valid. Valid codes are 4XX or 5XX.")
			}
		}
	}
	return nil
}

// serveWebsite answers a browser.
func (c *call) serveWebsite() error {
	c.b = c.s.buckets.get(c.bucket)
	if c.b == nil {
		return c.websiteError(noSuchBucket(c.bucket))
	}
	c.sayCORS()
	config := c.b.setting("website")
	if config == nil {
		return c.websiteError(missing("NoSuchWebsiteConfiguration", "The specified bucket does not have a website configuration").with("BucketName", c.bucket))
	}
	if c.r.Method != http.MethodGet && c.r.Method != http.MethodHead {
		return c.websiteError(errMethodNotAllowed.with("Method", c.r.Method).with("ResourceType", "OBJECT"))
	}
	if all := config.get("RedirectAllRequestsTo"); all != nil {
		protocol := all.text("Protocol")
		if protocol == "" {
			protocol = "http"
		}
		return c.redirectTo(protocol+"://"+all.text("HostName")+"/"+c.key, http.StatusMovedPermanently)
	}
	if rule := route(config, c.key, 0); rule != nil {
		return c.follow(rule)
	}
	index := config.text("IndexDocument", "Suffix")
	wanted := c.key
	if c.key == "" || strings.HasSuffix(c.key, "/") {
		c.key += index
	}
	info, f, err := c.page(c.key)
	if err == nil {
		defer f.Close() // it is only read
		if to := info.Headers[redirectHeader]; to != "" {
			return c.redirectTo(to, http.StatusMovedPermanently)
		}
		if err := c.readConditions("", info.ETag, info.ModTime); err != nil {
			return err
		}
		return c.sendObject(&info, f, nil)
	}
	if wanted != "" && !strings.HasSuffix(wanted, "/") {
		// A folder with an index.
		if _, folder, ferr := c.page(wanted + "/" + index); ferr == nil {
			folder.Close() // it was only opened
			return c.redirectTo("/"+wanted+"/", http.StatusFound)
		}
	}
	e, known := errorOf(err, c.bucket, c.key)
	if !known {
		return err
	}
	if rule := route(config, wanted, e.Status); rule != nil {
		return c.follow(rule)
	}
	return c.errorPage(config, e)
}

// page opens an object that the caller may read.
func (c *call) page(key string) (objectstore.Info, objectstore.Data, error) {
	if err := c.authorize("s3:GetObject", c.b, key); err != nil {
		return objectstore.Info{}, nil, err
	}
	info, f, err := c.s.store.Open(c.bucket, key, "")
	if errors.Is(err, objectstore.ErrMarker) {
		err = noSuchKey(key)
	}
	if err == nil && info.Prop(propKeyMD5) != "" {
		f.Close() // it is encrypted
		err = errAccessDenied
	}
	return info, f, err
}

// errorPage answers with the website's own page for errors, or a plain one.
func (c *call) errorPage(config *node, e *Error) error {
	key := config.text("ErrorDocument", "Key")
	if key == "" {
		return c.websiteError(e)
	}
	info, f, err := c.page(key)
	if err != nil {
		second, known := errorOf(err, c.bucket, key)
		if !known {
			return err
		}
		return c.websiteErrors(e, second)
	}
	defer f.Close() // it is only read
	if to := info.Headers[redirectHeader]; to != "" {
		return c.redirectTo(to, http.StatusMovedPermanently) // the status of the error is lost
	}
	h := c.w.Header()
	c.sayObject(&info)
	h.Del("Accept-Ranges")
	h["x-amz-error-code"] = []string{e.Code}
	h["x-amz-error-message"] = []string{e.Message}
	h.Set("Content-Length", strconv.FormatInt(info.Size, 10))
	c.w.WriteHeader(e.Status)
	if c.r.Method != http.MethodHead {
		c.send(f, info.Size)
	}
	return nil
}

// websiteError is an error as a page.
func (c *call) websiteError(e *Error) error { return c.websiteErrors(e, nil) }

// websiteErrors is an error as a page, with that of the website's own page for errors.
func (c *call) websiteErrors(e, second *Error) error {
	h := c.w.Header()
	h["x-amz-error-code"] = []string{e.Code}
	h["x-amz-error-message"] = []string{e.Message}
	title := strconv.Itoa(e.Status) + " " + http.StatusText(e.Status)
	var b strings.Builder
	b.WriteString("<html>\n<head><title>" + title + "</title></head>\n<body>\n<h1>" + title + "</h1>\n<ul>\n")
	item := func(name, v string) {
		b.WriteString("<li>" + name + ": " + html.EscapeString(v) + "</li>\n")
	}
	item("Code", e.Code)
	item("Message", e.Message)
	for _, f := range e.Fields {
		item(f.Name, f.Value)
	}
	item("RequestId", c.caller.RequestID)
	item("HostId", hostID(c.caller.RequestID))
	if second != nil {
		b.WriteString("</ul>\n<h3>An Error Occurred While Attempting to Retrieve a Custom Error Document</h3>\n<ul>\n")
		item("Code", second.Code)
		item("Message", second.Message)
		for _, f := range second.Fields {
			item(f.Name, f.Value)
		}
	}
	b.WriteString("</ul>\n<hr/>\n</body>\n</html>\n")
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	c.w.WriteHeader(e.Status)
	if c.r.Method != http.MethodHead {
		_, _ = c.w.Write([]byte(b.String())) // the client has gone if this fails
	}
	return nil
}

func (c *call) redirectTo(to string, status int) error {
	c.w.Header().Set("Location", to)
	c.w.Header().Set("Content-Length", "0")
	c.w.WriteHeader(status)
	return nil
}

// route is the rule for a key, before it is looked for (status 0) or after an error.
func route(config *node, key string, status int) *node {
	for _, rule := range config.at("RoutingRules").all("RoutingRule") {
		when := rule.get("Condition")
		code := when.text("HttpErrorCodeReturnedEquals")
		if (code != "") != (status != 0) || code != "" && code != strconv.Itoa(status) {
			continue
		}
		if prefix := when.text("KeyPrefixEquals"); prefix == "" || strings.HasPrefix(key, prefix) {
			return rule
		}
	}
	return nil
}

// follow redirects by a rule.
func (c *call) follow(rule *node) error {
	to := rule.get("Redirect")
	key := c.key
	if with := to.get("ReplaceKeyWith"); with != nil {
		key = with.Text
	} else if with := to.get("ReplaceKeyPrefixWith"); with != nil {
		key = with.Text + strings.TrimPrefix(key, rule.text("Condition", "KeyPrefixEquals"))
	}
	protocol, host := to.text("Protocol"), to.text("HostName")
	if protocol == "" {
		protocol = "http"
		if c.r.TLS != nil {
			protocol = "https"
		}
	}
	if host == "" {
		host = c.r.Host
	}
	status := http.StatusMovedPermanently
	if n, err := strconv.Atoi(to.text("HttpRedirectCode")); err == nil {
		status = n
	}
	return c.redirectTo(protocol+"://"+host+"/"+strings.TrimPrefix(key, "/"), status)
}
