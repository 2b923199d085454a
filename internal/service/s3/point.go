package s3

import (
	"slices"
	"strings"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/engine/policy"
)

// Requests that come by an access point: by its alias in the place of a bucket, by its name and account in the host
// (which is what an SDK makes of its ARN), and by its ARN in the source of a copy. Both sides must allow what is asked
// for: the policy of the access point, about its own ARN, and the policy and lists of the bucket. The network of the
// node counts as every VPC.

// pointOperations are those that S3 has for access points.
var pointOperations = map[string]bool{}

func init() {
	for _, name := range []string{
		"AbortMultipartUpload", "CompleteMultipartUpload", "CopyObject", "CreateMultipartUpload", "DeleteObject", "DeleteObjects",
		"DeleteObjectTagging", "GetBucketAcl", "GetBucketCors", "GetBucketLocation", "GetBucketNotificationConfiguration", "GetBucketPolicy",
		"GetObject", "GetObjectAcl", "GetObjectAttributes", "GetObjectLegalHold", "GetObjectRetention", "GetObjectTagging", "HeadBucket",
		"HeadObject", "ListMultipartUploads", "ListObjects", "ListObjectsV2", "ListObjectVersions", "ListParts", "PutObject", "PutObjectAcl",
		"PutObjectLegalHold", "PutObjectRetention", "PutObjectTagging", "RestoreObject", "SelectObjectContent", "UploadPart", "UploadPartCopy",
	} {
		pointOperations[name] = true
	}
}

// parsePointHost returns the name and the account of an access point, and the region, that a host names:
//
//	name-111122223333.s3-accesspoint.us-east-1.amazonaws.com, name-111122223333.s3-accesspoint.dualstack.us-east-1.amazonaws.com
//	name-111122223333.localhost, or another of the hosts at which a node has buckets, where no bucket has that name
func parsePointHost(host string) (name, account, region string, ok bool) {
	labels := strings.Split(strings.ToLower(stripPort(host)), ".")
	if len(labels) < 2 {
		return "", "", "", false
	}
	if n := len(labels[0]) - 13; n > 0 && labels[0][n] == '-' {
		name, account = labels[0][:n], labels[0][n+1:]
	}
	if strings.Trim(account, "0123456789") != "" || !pointName.MatchString(name) {
		return "", "", "", false
	}
	switch rest := labels[1:]; {
	case isLocalHost(strings.Join(labels, "."), strings.Join(rest, ".")):
		return name, account, "", true
	case rest[0] == "s3-accesspoint" || rest[0] == "s3-accesspoint-fips":
		if rest = rest[1:]; len(rest) > 0 && rest[0] == "dualstack" {
			rest = rest[1:]
		}
		if len(rest) >= 2 && isRegion(rest[0]) {
			return name, account, rest[0], true
		}
	}
	return "", "", "", false
}

// isLocalHost reports whether what is behind the first label of a host is where a node has its buckets.
func isLocalHost(host, rest string) bool {
	if strings.HasSuffix(rest, "amazonaws.com") || strings.HasSuffix(rest, "amazonaws.com.cn") {
		return false
	}
	bucket, ok := ParseBucketHost(host)
	return ok && !strings.Contains(bucket, ".") || slices.Contains(hostSuffixes, rest)
}

// IsPointHost reports whether a host is that of an access point in S3's own domain.
func IsPointHost(host string) bool {
	_, _, region, ok := parsePointHost(host)
	return ok && region != ""
}

func noSuchPoint(name string) *Error {
	return fault(404, "NoSuchAccessPoint", "The specified accesspoint does not exist").with("AccessPointName", name)
}

// byHost finds the access point that the request's host names; ok is false where it names none.
func (c *call) byHost() (ok bool, err error) {
	name, account, region, ok := parsePointHost(c.r.Host)
	if !ok {
		return false, nil
	}
	local := region == ""
	if local {
		if bucket, named := ParseBucketHost(c.r.Host); named && c.s.buckets.get(bucket) != nil {
			return false, nil
		}
		region = c.caller.Region
	}
	p := c.s.accounts.get(account).Ports[portKey(region, name)]
	switch {
	case p == nil && local:
		return false, nil // a bucket that is not there
	case p == nil:
		return true, noSuchPoint(name)
	}
	c.point, c.bucket, c.key = p, p.Bucket, strings.TrimPrefix(c.r.URL.Path, "/")
	return true, nil
}

// pointOfARN finds the access point of an ARN, "arn:aws:s3:us-east-1:111122223333:accesspoint/name", behind whose name
// more may follow, which rest is.
func (s *Service) pointOfARN(text string) (p *port, rest string, err error) {
	a, ok := arn.Parse(text)
	name, isPoint := strings.CutPrefix(a.Resource, "accesspoint/")
	if !ok || a.Service != "s3" || !isPoint {
		return nil, "", invalidRequest("The ARN " + text + " is not that of an access point.")
	}
	name, rest, _ = strings.Cut(name, "/")
	if p = s.accounts.get(a.Account).Ports[portKey(a.Region, name)]; p == nil {
		return nil, "", noSuchPoint(name)
	}
	return p, rest, nil
}

// arn is the ARN of an access point, or of an object by it.
func (p *port) arn(key string) string {
	text := arn.New("s3", p.Region, p.Owner, "accesspoint/"+p.Name)
	if key != "" {
		text += "/object/" + key
	}
	return text
}

// pointKeys are the condition keys of a request by an access point.
func pointKeys(p *port, keys policy.Keys) policy.Keys {
	return func(key string) []string {
		switch key {
		case "s3:dataaccesspointarn":
			return []string{p.arn("")}
		case "s3:dataaccesspointaccount":
			return []string{p.Owner}
		case "s3:accesspointnetworkorigin":
			if p.VPC != "" {
				return []string{"VPC"}
			}
			return []string{"Internet"}
		}
		return keys(key)
	}
}

// authorizeAt is authorize for a request by an access point.
func (c *call) authorizeAt(p *port, action string, b *bucket, key, version string) error {
	keys := pointKeys(p, c.keysFor(action, b, key, version))
	if err := c.decideBy(c.s.cfg.Decide, action, p.arn(key), keys); err != nil {
		return err
	}
	if err := c.decideBy(c.s.decider(b, c.caller, action, key, version), action, arnOf(b, key), keys); err != nil {
		return err
	}
	own := b.Owner == c.caller.Account && !c.caller.Anonymous
	if !own {
		if p.Policy == "" || c.pointBlocks(p, "RestrictPublicBuckets") && isPublicPolicy(p.Policy) {
			return errAccessDenied
		}
		if allowed, _ := evaluate(p.Policy, p.Name, p.Owner, principalOf(b, c.caller), action, p.arn(key), keys); !allowed {
			return errAccessDenied
		}
	}
	if c.ofAnother(b, action, key, version) {
		if !c.s.listed(b, c.caller, action, key, version) {
			return errAccessDenied
		}
		return nil
	}
	if !own && !c.s.allows(b, c.caller, action, key, version, keys) {
		return errAccessDenied
	}
	return nil
}

func (c *call) pointBlocks(p *port, element string) bool {
	return p.Block[element] || c.s.accounts.get(p.Owner).Block[element]
}

// checkPoint refuses what S3 does not have for access points.
func (c *call) checkPoint() error {
	if c.point == nil {
		return nil
	}
	if !pointOperations[c.op.name] {
		return errMethodNotAllowed.with("Method", c.r.Method).with("ResourceType", "ACCESSPOINT")
	}
	return nil
}
