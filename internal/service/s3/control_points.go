package s3

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/engine/policy"
)

// Access points. One is another way to its bucket; point.go has the requests that come by it.

// aliasSuffix ends the names by which access points stand for their buckets.
const aliasSuffix = "-s3alias"

var pointName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{1,48})[a-z0-9]$`)

func (c *control) pointARN(name string) string {
	return arn.New("s3", c.caller.Region, c.account, "accesspoint/"+name)
}

// point returns the access point that the path names.
func (c *control) point() (*port, error) {
	p := c.s.accounts.get(c.account).Ports[portKey(c.caller.Region, c.name)]
	if p == nil {
		return nil, noSuchPoint(c.name)
	}
	return p, nil
}

// changePoint changes the access point that the path names, which is there.
func (c *control) changePoint(f func(*port) error) error {
	return c.s.accounts.update(c.account, func(a *account) error {
		p := a.Ports[portKey(c.caller.Region, c.name)]
		if p == nil {
			return noSuchPoint(c.name)
		}
		return f(p)
	})
}

var createPointShape = parseShape("CreateAccessPointRequest{Bucket VpcConfiguration?{VpcId} PublicAccessBlockConfiguration?{BlockPublicAcls?:bool IgnorePublicAcls?:bool BlockPublicPolicy?:bool RestrictPublicBuckets?:bool} BucketAccountId? Tags?{" + tagShape + "}}")

func (c *control) createPoint() error {
	doc, err := c.document(createPointShape)
	if err != nil {
		return err
	}
	if !pointName.MatchString(c.name) || strings.HasSuffix(c.name, aliasSuffix) {
		return errInvalidURI.with("URI", "accesspoint/"+c.name)
	}
	c.s.createMu.Lock() // so that the bucket stays
	defer c.s.createMu.Unlock()
	b := c.s.buckets.get(doc.text("Bucket"))
	if b == nil || b.Region != c.caller.Region {
		return invalidRequest("Amazon S3 AccessPoint can only be created for existing bucket")
	}
	if b.Owner != c.account {
		return errAccessDenied
	}
	p := &port{
		Name: c.name, Region: c.caller.Region, Bucket: b.Name, Owner: b.Owner, VPC: doc.text("VpcConfiguration", "VpcId"), Created: c.s.clock.Now().UTC(),
		Block: map[string]bool{},
	}
	for _, name := range blockElements {
		p.Block[name] = true
	}
	if n := doc.get("PublicAccessBlockConfiguration"); n != nil {
		p.Block = blockOf(n)
	}
	if p.Tags, err = tagsOf(doc.get("Tags"), maxBucketTags); err != nil {
		return err
	}
	raw := make([]byte, 20)
	if _, err := rand.Read(raw); err != nil {
		return err
	}
	p.Alias = p.Name[:min(len(p.Name), 20)] + "-" + strings.ToLower(base32.HexEncoding.WithPadding(base32.NoPadding).EncodeToString(raw)) + aliasSuffix
	err = c.s.accounts.update(c.account, func(a *account) error {
		key := portKey(p.Region, p.Name)
		if a.Ports[key] != nil {
			return fault(409, "AccessPointAlreadyOwnedByYou", "Your previous request to create the named accesspoint succeeded and you already own it.")
		}
		a.Ports[key] = p
		return nil
	})
	if err != nil {
		return err
	}
	return c.answer(el("CreateAccessPointResult", leaf("AccessPointArn", c.pointARN(p.Name)), leaf("Alias", p.Alias)))
}

// describePoint is what listings say of an access point.
func (c *control) describePoint(n *node, p *port) {
	origin := "Internet"
	if p.VPC != "" {
		origin = "VPC"
	}
	n.add("Name", p.Name).add("NetworkOrigin", origin)
	if p.VPC != "" {
		n.Kids = append(n.Kids, el("VpcConfiguration", leaf("VpcId", p.VPC)))
	}
	n.add("Bucket", p.Bucket).add("AccessPointArn", c.pointARN(p.Name)).add("Alias", p.Alias).add("BucketAccountId", p.Owner)
}

func (c *control) getPoint() error {
	p, err := c.point()
	if err != nil {
		return err
	}
	n := el("GetAccessPointResult")
	c.describePoint(n, p)
	n.Kids = append(n.Kids, blockNode(p.Block))
	n.add("CreationDate", p.Created.Format("2006-01-02T15:04:05Z"))
	ends := el("Endpoints")
	for _, e := range [][2]string{{"ipv4", "s3-accesspoint."}, {"fips", "s3-accesspoint-fips."}, {"dualstack", "s3-accesspoint.dualstack."}, {"fips_dualstack", "s3-accesspoint-fips.dualstack."}} {
		ends.Kids = append(ends.Kids, el("entry", leaf("key", e[0]), leaf("value", e[1]+p.Region+".amazonaws.com")))
	}
	n.Kids = append(n.Kids, ends)
	return c.answer(n)
}

func (c *control) listPoints() error {
	most := 1000
	if v := c.query.Get("maxResults"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 || n > 1000 {
			return invalidRequest("maxResults must be between 1 and 1000")
		}
		most = n
	}
	n, list := el("ListAccessPointsResult"), el("AccessPointList")
	next, last := "", ""
	for _, p := range c.s.accounts.get(c.account).ports(c.caller.Region) {
		if b := c.query.Get("bucket"); b != "" && p.Bucket != b || p.Name <= c.query.Get("nextToken") {
			continue
		}
		if len(list.Kids) == most {
			next = last
			break
		}
		e := el("AccessPoint")
		c.describePoint(e, p)
		list.Kids, last = append(list.Kids, e), p.Name
	}
	n.Kids = append(n.Kids, list)
	if next != "" {
		n.add("NextToken", next)
	}
	return c.answer(n)
}

func (c *control) deletePoint() error {
	if _, err := c.point(); err != nil {
		return err
	}
	if err := c.s.accounts.update(c.account, func(a *account) error {
		delete(a.Ports, portKey(c.caller.Region, c.name))
		return nil
	}); err != nil {
		return err
	}
	return c.noContent()
}

var pointPolicyShape = parseShape("PutAccessPointPolicyRequest{Policy}")

func (c *control) putPointPolicy() error {
	doc, err := c.document(pointPolicyShape)
	if err != nil {
		return err
	}
	p, err := c.point()
	if err != nil {
		return err
	}
	text := doc.text("Policy")
	if _, err := policy.Parse(text, policy.Resource); err != nil {
		return fault(400, "MalformedPolicy", err.Error())
	}
	var own policyDocument
	if err := json.Unmarshal([]byte(text), &own); err != nil || len(text) > 20<<10 {
		return malformedPolicy("Policies must be valid JSON of 20 KB at most")
	}
	for _, statement := range own.Statement {
		for _, resource := range statement.Resource {
			if on := p.arn(""); resource != on && !strings.HasPrefix(resource, on+"/object/") {
				return malformedPolicy("Policy has invalid resource")
			}
		}
	}
	if isPublicPolicy(text) && c.pointBlocks(p, "BlockPublicPolicy") {
		return errAccessDenied
	}
	if err := c.changePoint(func(p *port) error { p.Policy = text; return nil }); err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusOK)
	return nil
}

// pointPolicy returns the policy of the access point that the path names.
func (c *control) pointPolicy() (string, error) {
	p, err := c.point()
	if err == nil && p.Policy == "" {
		err = fault(404, "NoSuchAccessPointPolicy", "The specified accesspoint policy does not exist").with("AccessPointName", c.name)
	}
	if err != nil {
		return "", err
	}
	return p.Policy, nil
}

func (c *control) getPointPolicy() error {
	text, err := c.pointPolicy()
	if err != nil {
		return err
	}
	return c.answer(el("GetAccessPointPolicyResult", leaf("Policy", text)))
}

func (c *control) getPointPolicyStatus() error {
	text, err := c.pointPolicy()
	if err != nil {
		return err
	}
	return c.answer(el("GetAccessPointPolicyStatusResult", el("PolicyStatus", leaf("IsPublic", strconv.FormatBool(isPublicPolicy(text))))))
}

func (c *control) deletePointPolicy() error {
	if _, err := c.pointPolicy(); err != nil {
		return err
	}
	if err := c.changePoint(func(p *port) error { p.Policy = ""; return nil }); err != nil {
		return err
	}
	return c.noContent()
}
