package s3

import (
	"net"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// ParseBucketHost returns the bucket that a virtual-host style Host header names:
//
//	bucket.s3.amazonaws.com, bucket.s3.us-west-2.amazonaws.com, bucket.s3-us-west-2.amazonaws.com
//	bucket.localhost, bucket.s3.localhost, bucket.s3.us-west-2.localhost.localstack.cloud
//	bucket.s3.host.docker.internal
//	bucket.127.0.0.1.nip.io, bucket.127.0.0.1
//
// A bucket's name may have dots in it: what is left of the endpoint is the bucket, all
// of it. A host of neither form has ok false, and so has an endpoint alone.
func ParseBucketHost(host string) (bucket string, ok bool) {
	host = strings.ToLower(stripPort(host))
	if net.ParseIP(host) != nil {
		return "", false
	}
	// The rightmost label that says s3 starts the endpoint; "my.s3.bucket.s3.localhost"
	// is ambiguous on AWS too, where such names are best addressed in path style.
	for _, suffix := range hostSuffixes {
		if host == suffix {
			return "", false
		}
		if labels, found := strings.CutSuffix(host, "."+suffix); found {
			// Only on localhost may a bucket stand alone: elsewhere that is how the
			// endpoints of other services look.
			bucket, endpoint := trimEndpointLabels(labels)
			if !endpoint && suffix != "localhost" {
				return "", false
			}
			return bucket, bucket != ""
		}
	}
	return bucketOfIPHost(host)
}

// hostSuffixes are the domains under which an S3 endpoint lies, the longer first.
var hostSuffixes = []string{
	"amazonaws.com.cn",
	"amazonaws.com",
	"localhost.localstack.cloud",
	"host.docker.internal",
	"localhost",
}

// trimEndpointLabels cuts what names the service and the region off the end of the
// labels before the domain, and reports whether anything did: "b.s3.dualstack.us-west-2"
// leaves "b", "s3" leaves nothing. Another service's endpoint leaves nothing either.
func trimEndpointLabels(labels string) (bucket string, endpoint bool) {
	parts := strings.Split(labels, ".")
	for i := len(parts) - 1; i >= 0 && i >= len(parts)-3; i-- {
		if parts[i] == "s3" || parts[i] == "s3-accelerate" || isRegionalS3(parts[i]) {
			return strings.Join(parts[:i], "."), true
		}
	}
	if isRegion(parts[len(parts)-1]) {
		return "", true
	}
	return labels, false
}

func isRegionalS3(label string) bool {
	region, ok := strings.CutPrefix(label, "s3-")
	return ok && isRegion(region)
}

// bucketOfIPHost handles bucket.127.0.0.1 and bucket.127.0.0.1.nip.io.
func bucketOfIPHost(host string) (string, bool) {
	for _, dns := range []string{".nip.io", ".sslip.io"} {
		host = strings.TrimSuffix(host, dns)
	}
	parts := strings.Split(host, ".")
	if len(parts) < 5 || net.ParseIP(strings.Join(parts[len(parts)-4:], ".")) == nil {
		return "", false
	}
	bucket, _ := trimEndpointLabels(strings.Join(parts[:len(parts)-4], "."))
	return bucket, bucket != ""
}

func stripPort(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		return h
	}
	return strings.Trim(host, "[]")
}

// hasBuckets reports whether s is a region where a bucket can be asked for: those that S3's model knows, and those of the
// partitions that it leaves out. us-east-1 is asked for by leaving it out.
func hasBuckets(s string) bool {
	for _, apart := range []string{"us-iso", "eu-iso", "eusc-"} {
		if strings.HasPrefix(s, apart) {
			return isRegion(s)
		}
	}
	return s != "EU" && slices.Contains(types.BucketLocationConstraint("").Values(), types.BucketLocationConstraint(s))
}

// isRegion reports whether s looks like a region's name, "eu-west-1" or "us-gov-east-1".
func isRegion(s string) bool {
	if len(s) > 32 {
		return false
	}
	parts := strings.Split(s, "-")
	if len(parts) < 3 {
		return false
	}
	for i, p := range parts {
		if p == "" {
			return false
		}
		for _, c := range p {
			switch last := i == len(parts)-1; {
			case last && c >= '0' && c <= '9':
			case !last && c >= 'a' && c <= 'z':
			default:
				return false
			}
		}
	}
	return true
}
