// Package arn builds and takes apart Amazon Resource Names:
//
//	arn:partition:service:region:account:resource
//
// The partition follows from the region: "aws-us-gov" for us-gov-*, "aws-cn" for cn-*, and so
// on; "aws" for all that are not named here. (Source: the partitions file of AWS's SDKs.)
package arn

import (
	"strings"
)

// ARN is a resource name in its parts. The zero value is not a name.
type ARN struct {
	Partition string // "aws"; never empty in a parsed name
	Service   string // "kinesis"; never empty in a parsed name
	Region    string // empty for services without regions (iam, s3)
	Account   string // empty where the resource's name says no account (s3)
	Resource  string // all that follows, colons included; never empty in a parsed name
}

// partitions lists the prefixes of regions that are not in the partition "aws".
var partitions = []struct{ prefix, partition string }{
	{"us-gov-", "aws-us-gov"},
	{"cn-", "aws-cn"},
	{"us-isob-", "aws-iso-b"},
	{"us-isof-", "aws-iso-f"},
	{"us-iso-", "aws-iso"},
	{"eu-isoe-", "aws-iso-e"},
	{"eusc-", "aws-eusc"},
}

// Partition is the partition that a region belongs to.
func Partition(region string) string {
	for _, p := range partitions {
		if strings.HasPrefix(region, p.prefix) {
			return p.partition
		}
	}
	return "aws"
}

// New is the name of a resource of an account in a region.
func New(service, region, account, resource string) string {
	return "arn:" + Partition(region) + ":" + service + ":" + region + ":" + account + ":" + resource
}

// Global is the name of a resource of an account in a service that has no regions. The region
// is that of the caller and decides the partition alone.
func Global(service, region, account, resource string) string {
	return "arn:" + Partition(region) + ":" + service + "::" + account + ":" + resource
}

// Bucket is the name of a bucket, or with a key behind a slash of an object.
func Bucket(region, bucket string) string {
	return "arn:" + Partition(region) + ":s3:::" + bucket
}

// Parse takes a name apart. It reports false for a text that is not one: fewer than six parts,
// no partition that begins with "aws", no service, or no resource. It does not check the
// characters of the parts: what they may be is the service's to say.
func Parse(s string) (ARN, bool) {
	parts := strings.SplitN(s, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || !isPartition(parts[1]) || parts[2] == "" || parts[5] == "" {
		return ARN{}, false
	}
	return ARN{Partition: parts[1], Service: parts[2], Region: parts[3], Account: parts[4], Resource: parts[5]}, true
}

func isPartition(s string) bool { return s == "aws" || strings.HasPrefix(s, "aws-") }

// String is the name in its one form.
func (a ARN) String() string {
	return "arn:" + a.Partition + ":" + a.Service + ":" + a.Region + ":" + a.Account + ":" + a.Resource
}

// Same reports whether two texts name the same resource: a node is one partition, whose resources answer to the names
// of all. Texts that are not names are the same if they are equal.
func Same(a, b string) bool {
	if a == b {
		return true
	}
	one, ok := Parse(a)
	other, is := Parse(b)
	one.Partition = other.Partition
	return ok && is && one == other
}

// Within reports whether the name is of that service, region and account, in the partition of
// the region: whether a service that serves the caller there may answer for it.
func (a ARN) Within(service, region, account string) bool {
	return a.Service == service && a.Region == region && a.Account == account && a.Partition == Partition(region)
}

// After is the resource's name behind a kind such as "stream/" or "function:", and whether the
// resource is of that kind and has a name.
func (a ARN) After(kind string) (string, bool) {
	name, ok := strings.CutPrefix(a.Resource, kind)
	return name, ok && name != ""
}
