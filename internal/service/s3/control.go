package s3

import (
	"encoding/xml"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awswire"
)

// S3 Control: the public access block of an account, access points, and tags. Its requests are told by their path and
// the header of the account, which must be the caller's. The other operations are refused by name.

const (
	controlPath = "/v20180820/"
	controlNS   = ` xmlns="http://awss3control.amazonaws.com/doc/2018-08-20/"`
)

// isControl tells a request of S3 Control: by its path and the account's header, or by its host, where nothing else is.
func isControl(r *http.Request) bool {
	return strings.HasPrefix(r.URL.Path, controlPath) && r.Header.Get("X-Amz-Account-Id") != "" || isControlHost(r.Host)
}

// isControlHost reports whether a host is one of S3 Control's, with an account or without:
//
//	111122223333.s3-control.us-east-1.amazonaws.com, s3-control.dualstack.us-east-1.amazonaws.com
func isControlHost(host string) bool {
	host = strings.ToLower(stripPort(host))
	for _, suffix := range hostSuffixes {
		labels, ok := strings.CutSuffix(host, "."+suffix)
		if !ok {
			continue
		}
		parts := strings.Split(labels, ".")
		if len(parts[0]) == 12 && strings.Trim(parts[0], "0123456789") == "" {
			parts = parts[1:]
		}
		if len(parts) == 3 && parts[1] == "dualstack" {
			parts = []string{parts[0], parts[2]}
		}
		return len(parts) == 2 && (parts[0] == "s3-control" || parts[0] == "s3-control-fips") && isRegion(parts[1])
	}
	return false
}

// control is a request of S3 Control under way.
type control struct {
	*call
	account string
	name    string // what the path names
}

type controlOperation struct {
	name   string
	method string
	path   string // "accesspoint/*/policy": the star is a name; "tags/**": all that follows
	mode   string
	run    func(*control) error
}

// controlOperations are set at the beginning: they refer to what refers to them.
var controlOperations []controlOperation

func init() {
	get, put, post, del := http.MethodGet, http.MethodPut, http.MethodPost, http.MethodDelete
	controlOperations = []controlOperation{
		{"GetPublicAccessBlock", get, "configuration/publicAccessBlock", executes, (*control).getPublicAccess},
		{"PutPublicAccessBlock", put, "configuration/publicAccessBlock", executes, (*control).putPublicAccess},
		{"DeletePublicAccessBlock", del, "configuration/publicAccessBlock", executes, (*control).deletePublicAccess},
		{"ListAccessPoints", get, "accesspoint", executes, (*control).listPoints},
		{"CreateAccessPoint", put, "accesspoint/*", executes, (*control).createPoint},
		{"GetAccessPoint", get, "accesspoint/*", executes, (*control).getPoint},
		{"DeleteAccessPoint", del, "accesspoint/*", executes, (*control).deletePoint},
		{"PutAccessPointPolicy", put, "accesspoint/*/policy", executes, (*control).putPointPolicy},
		{"GetAccessPointPolicy", get, "accesspoint/*/policy", executes, (*control).getPointPolicy},
		{"DeleteAccessPointPolicy", del, "accesspoint/*/policy", executes, (*control).deletePointPolicy},
		{"GetAccessPointPolicyStatus", get, "accesspoint/*/policyStatus", executes, (*control).getPointPolicyStatus},
		{"ListTagsForResource", get, "tags/**", executes, (*control).listTags},
		{"TagResource", post, "tags/**", executes, (*control).tagResource},
		{"UntagResource", del, "tags/**", executes, (*control).untagResource},
	}
}

// find returns the operation of a request and what its path names.
func findControl(method, path string) (*controlOperation, string) {
	parts := strings.Split(path, "/")
	for i := range controlOperations {
		o := &controlOperations[i]
		if o.method != method {
			continue
		}
		if name, ok := strings.CutPrefix(path, strings.TrimSuffix(o.path, "**")); ok && strings.HasSuffix(o.path, "**") && name != "" {
			return o, name
		}
		want := strings.Split(o.path, "/")
		if len(want) != len(parts) {
			continue
		}
		name, fits := "", true
		for i, w := range want {
			if w == "*" {
				name = parts[i]
			} else if w != parts[i] {
				fits = false
			}
		}
		if fits {
			return o, name
		}
	}
	return nil, ""
}

// serveControl answers a request of S3 Control.
func (s *Service) serveControl(w http.ResponseWriter, r *http.Request) {
	c := &control{call: &call{s: s, w: w, r: r, ctx: r.Context(), caller: awswire.CallerFrom(r.Context())}, account: r.Header.Get("X-Amz-Account-Id")}
	sayRequest(w.Header(), c.caller.RequestID)
	err := c.serve()
	if err == nil {
		return
	}
	e, known := errorOf(err, "", "")
	if !known {
		s.log.Error("s3 control: "+r.Method+" "+r.URL.Path, "error", err)
	}
	c.writeError(e)
}

func (c *control) serve() (err error) {
	if c.query, err = url.ParseQuery(c.r.URL.RawQuery); err != nil {
		return errInvalidURI
	}
	if c.signedV2() {
		return errSecondVersion
	}
	if !strings.HasPrefix(c.r.URL.Path, controlPath) {
		return errMethodNotAllowed.with("Method", c.r.Method).with("ResourceType", "SERVICE")
	}
	if len(c.account) != 12 || strings.Trim(c.account, "0123456789") != "" {
		return invalidRequest("The account id " + strconv.Quote(c.account) + " is not valid.")
	}
	if c.caller.Anonymous || c.caller.Account != c.account {
		return errAccessDenied.with("AccountId", c.account)
	}
	o, name := findControl(c.r.Method, strings.TrimPrefix(c.r.URL.Path, controlPath))
	if o == nil {
		return fault(501, "NotImplemented", "This operation of S3 Control is not supported here: "+c.r.Method+" "+c.r.URL.Path)
	}
	c.name = name
	on := "*"
	switch {
	case strings.HasPrefix(o.path, "accesspoint/"):
		on = c.pointARN(name)
	case strings.HasPrefix(o.path, "tags/"):
		on = name
	}
	action := "s3:" + o.name
	if strings.HasSuffix(o.name, "PublicAccessBlock") {
		action = "s3:" + map[string]string{http.MethodGet: "Get"}[c.r.Method] + "AccountPublicAccessBlock"
		if c.r.Method != http.MethodGet {
			action = "s3:PutAccountPublicAccessBlock"
		}
	}
	if err := c.decide(action, on); err != nil {
		return err
	}
	return o.run(c)
}

// answer writes a document with S3 Control's name space.
func (c *control) answer(root *node) error {
	c.writeDocument([]byte(xml.Header+strings.Replace(root.String(), xmlns, controlNS, 1)), "application/xml")
	return nil
}

func (c *control) writeError(e *Error) {
	id := c.caller.RequestID
	var b strings.Builder
	b.WriteString(xml.Header + "<ErrorResponse" + controlNS + "><Error>")
	element(&b, "Code", e.Code)
	element(&b, "Message", e.Message)
	for _, f := range e.Fields {
		element(&b, f.Name, f.Value)
	}
	b.WriteString("</Error>")
	element(&b, "RequestId", id)
	element(&b, "HostId", hostID(id))
	b.WriteString("</ErrorResponse>")
	c.w.Header().Set("Content-Type", "application/xml")
	c.w.WriteHeader(e.Status)
	if c.r.Method != http.MethodHead {
		_, _ = c.w.Write([]byte(b.String())) // the client has gone if this fails
	}
}

var blockElements = []string{"BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"}

var accountBlockShape = parseShape("PublicAccessBlockConfiguration{BlockPublicAcls?:bool IgnorePublicAcls?:bool BlockPublicPolicy?:bool RestrictPublicBuckets?:bool}")

func blockOf(n *node) map[string]bool {
	block := map[string]bool{}
	for _, name := range blockElements {
		block[name] = strings.EqualFold(n.text(name), "true")
	}
	return block
}

func blockNode(block map[string]bool) *node {
	n := el("PublicAccessBlockConfiguration")
	for _, name := range blockElements {
		n.add(name, strconv.FormatBool(block[name]))
	}
	return n
}

func (c *control) getPublicAccess() error {
	block := c.s.accounts.get(c.account).Block
	if block == nil {
		return fault(404, "NoSuchPublicAccessBlockConfiguration", "The public access block configuration was not found").with("AccountId", c.account)
	}
	return c.answer(blockNode(block))
}

func (c *control) putPublicAccess() error {
	doc, err := c.document(accountBlockShape)
	if err != nil {
		return err
	}
	if len(doc.Kids) == 0 {
		return invalidRequest("Must specify at least one configuration.")
	}
	if err := c.s.accounts.update(c.account, func(a *account) error { a.Block = blockOf(doc); return nil }); err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusOK)
	return nil
}

func (c *control) deletePublicAccess() error {
	if err := c.s.accounts.update(c.account, func(a *account) error { a.Block = nil; return nil }); err != nil {
		return err
	}
	return c.noContent()
}

var errNoResource = fault(404, "NoSuchResource", "The specified resource doesn't exist.")

// taggedBucket returns the bucket of an ARN, nil if it is not a bucket's.
func (c *control) taggedBucket() (*bucket, error) {
	a, ok := arn.Parse(c.name)
	if !ok || a.Service != "s3" || a.Region != "" || strings.Contains(a.Resource, "/") {
		return nil, nil
	}
	b := c.s.buckets.get(a.Resource)
	if b == nil {
		return nil, errNoResource
	}
	if b.Owner != c.account {
		return nil, errAccessDenied
	}
	if c.name != arnOf(b, "") { // by which policies were asked
		return nil, errNoResource
	}
	return b, nil
}

// changeTags returns the tags of what the path names, after f has changed them; nil reads them alone. f may refuse, and
// runs while nobody else changes them.
func (c *control) changeTags(f func(map[string]string) error) (map[string]string, error) {
	b, err := c.taggedBucket()
	if err != nil {
		return nil, err
	}
	if b != nil {
		if f == nil {
			return tagsOf(b.setting("tagging").at("TagSet"), maxBucketTags)
		}
		return nil, c.s.buckets.update(b.Name, func(b *bucket) error {
			tags, err := tagsOf(b.setting("tagging").at("TagSet"), maxBucketTags)
			if err != nil {
				return err
			}
			if tags == nil {
				tags = map[string]string{}
			}
			if err := f(tags); err != nil {
				return err
			}
			if b.Settings["tagging"] = tagNode(tags).String(); len(tags) == 0 {
				delete(b.Settings, "tagging")
			}
			return nil
		})
	}
	a, ok := arn.Parse(c.name)
	name, isPoint := strings.CutPrefix(a.Resource, "accesspoint/")
	if !ok || !isPoint || !a.Within("s3", c.caller.Region, c.account) {
		return nil, invalidRequest("The resource " + c.name + " cannot have tags here.")
	}
	c.name = name
	if f == nil {
		p, err := c.point()
		if err != nil {
			return nil, err
		}
		return p.Tags, nil
	}
	return nil, c.changePoint(func(p *port) error {
		if p.Tags == nil {
			p.Tags = map[string]string{}
		}
		return f(p.Tags)
	})
}

func (c *control) listTags() error {
	tags, err := c.changeTags(nil)
	if err != nil {
		return err
	}
	return c.answer(el("ListTagsForResourceResult", &node{Name: "Tags", Kids: tagNode(tags).get("TagSet").Kids}))
}

var tagRequestShape = parseShape("TagResourceRequest{Tags{" + tagShape + "}}")

// controlTags reads the tags of a request of S3 Control, which says of wrong ones what S3 says in other words.
func controlTags(set *node) (map[string]string, error) {
	seen := map[string]bool{}
	for _, t := range set.all("Tag") {
		key := t.text("Key")
		switch {
		case strings.HasPrefix(key, "aws:"):
			return nil, invalidTag(`User-defined tag keys can't start with "aws:". This prefix is reserved for system tags. Remove "aws:" from your tag keys and try again.`)
		case seen[key]:
			return nil, invalidTag("There are duplicate tag keys in your request. Remove the duplicate tag keys and try again.")
		case checkTag(key, t.text("Value"), "") != nil:
			return nil, invalidTag("This request contains a tag key or value that isn't valid. Valid characters include the following: [a-zA-Z+-=._:/]. Tag keys can contain up to 128 characters. Tag values can contain up to 256 characters.")
		}
		seen[key] = true
	}
	return tagsOf(set, maxBucketTags)
}

func (c *control) tagResource() error {
	doc, err := c.document(tagRequestShape)
	if err != nil {
		return err
	}
	added, err := controlTags(doc.get("Tags"))
	if err != nil {
		return err
	}
	if _, err := c.changeTags(func(tags map[string]string) error {
		maps.Copy(tags, added)
		if len(tags) > maxBucketTags {
			return fault(400, "TooManyTagsException", "A resource can have at most 50 tags.")
		}
		return nil
	}); err != nil {
		return err
	}
	return c.noContent()
}

func (c *control) untagResource() error {
	if _, err := c.changeTags(func(tags map[string]string) error {
		for _, k := range c.query["tagKeys"] {
			delete(tags, k)
		}
		return nil
	}); err != nil {
		return err
	}
	return c.noContent()
}

// ControlAPI tells the operations of S3 Control, for the table of operations.
func ControlAPI() awswire.API {
	api := awswire.API{Model: "s3control"}
	for _, o := range controlOperations {
		mode := awswire.ModeExecutes
		if o.mode == stores {
			mode = awswire.ModeStores
		}
		api.Operations = append(api.Operations, awswire.Operation{Name: o.name, Mode: mode})
	}
	return api
}
