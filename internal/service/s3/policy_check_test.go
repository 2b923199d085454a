package s3

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/brookmere/brookmere/internal/awswire"
)

// TestPolicyWords: S3 says in its own words what is wrong with a policy, and takes what is right.
func TestPolicyWords(t *testing.T) {
	b := &bucket{Name: "bkt", Owner: accountA, Region: "us-east-1"}
	const principal, action, resource = `"Principal":{"AWS":"444455556666"}`, `"Action":"s3:GetObject"`, `"Resource":"arn:aws:s3:::bkt/*"`
	statement := func(parts ...string) string {
		return `{"Version":"2012-10-17","Statement":[{` + strings.Join(parts, ",") + `}]}`
	}
	allow := func(parts ...string) string {
		return statement(append([]string{`"Effect":"Allow"`, principal}, parts...)...)
	}
	for _, x := range []struct{ policy, want string }{
		{allow(action, resource), ""},
		{`{"Version":"2012-10-17"}`, "Missing required field Statement"},
		{`{"Version":"2012-10-17","Statement":[]}`, "Could not parse the policy: Statement is empty!"},
		{`{"Version":"2012-10-17","Statement":"x"}`, "Invalid policy syntax."},
		{`{"Version":"2012-10-17","Statements":[]}`, "Unknown field Statements"},
		{`{"Version":"2013-10-17","Statement":[{"Effect":"Allow",` + principal + "," + action + "," + resource + `}]}`, "The policy must contain a valid version string"},
		{statement(principal, action, resource), "Missing required field Effect"},
		{statement(`"Effect":"Allow"`, action, resource), "Missing required field Principal"},
		{allow(resource), "Missing required field Action"},
		{allow(action), "Missing required field Resource"},
		{statement(`"Effect":"Maybe"`, principal, action, resource), "Invalid effect: Maybe"},
		{allow(action, resource, `"Resources":"*"`), "Unknown field Resources"},
		{statement(`"Effect":"Allow"`, `"Principal":{"AWS":"nobody"}`, action, resource), "Invalid principal in policy"},
		{allow(`"Action":"s3:Foo"`, resource), "Policy has invalid action"},
		{allow(`"Action":[]`, resource), "Policy has invalid action"},
		{allow(action, `"Resource":[]`), "Policy has invalid resource"},
		{allow(action, `"Resource":"arn:aws:s3:::other/*"`), "Policy has invalid resource"},
		{allow(`"Action":"s3:ListBucket"`, resource), "Action does not apply to any resource(s) in statement"},
		{allow(action, resource, `"Condition":{"NotReal":{"aws:SourceIp":"1.2.3.4"}}`), "Invalid Condition type : NotReal"},
		{allow(action, resource, `"Condition":{"StringEquals":{"s3:FakeKey":"x"}}`), "Policy has an invalid condition key"},
		{allow(action, resource, `"Condition":{"IpAddress":{"aws:SourceIp":["1.2.3.4","x"]}}`), "Invalid IP address in Conditions"},
		{allow(action, resource, `"Condition":{"Bool":{"aws:SecureTransport":"maybe"}}`), "Invalid policy syntax."},
		{allow(action, resource, `"Condition":{"StringEquals":{"s3:prefix":"x"}}`), "Conditions do not apply to combination of actions and resources in statement"},
		{allow(action, resource, `"Condition":{"StringNotEquals":{"s3:x-amz-server-side-encryption":"aws:kms"}}`), "Conditions do not apply to combination of actions and resources in statement"},
		// What is right.
		{allow(`"Action":"s3:ListBucket"`, `"Resource":"arn:aws:s3:::bkt"`, `"Condition":{"StringLike":{"s3:prefix":["a/*",""],"s3:delimiter":"/"}}`), ""},
		{allow(`"Action":"s3:*"`, resource, `"Condition":{"StringEquals":{"s3:prefix":"x"}}`), ""},
		{allow(`"Action":["s3:PutObject","s3:PutObjectAcl"]`, resource, `"Condition":{"StringEquals":{"s3:x-amz-acl":"private"},"Null":{"s3:x-amz-server-side-encryption":"false"}}`), ""},
		{allow(action, resource, `"Condition":{"ForAnyValue:StringEqualsIfExists":{"s3:ExistingObjectTag/a b":"c","kms:ViaService":"x","aws:PrincipalTag/t":"${aws:username}"}}`), ""},
		{allow(action, resource, `"Condition":{"NumericLessThan":{"s3:TlsVersion":"1.2","s3:signatureAge":"600000"},"NotIpAddress":{"aws:SourceIp":"::/0"}}`), ""},
	} {
		err := checkPolicy(b, x.policy)
		got := ""
		if err != nil {
			got = err.(*Error).Message
		}
		if got != x.want {
			t.Errorf("%s: %q, want %q", x.policy, got, x.want)
		}
	}
}

// TestForSomebody: some operations are for nobody who does not say who they are, whatever is public.
func TestForSomebody(t *testing.T) {
	n := newNode(t)
	owner := n.client(accountA, "us-east-1")
	b := aws.String("bkt")
	must(owner.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: b, ObjectOwnership: types.ObjectOwnershipObjectWriter}))(t)
	must(owner.DeletePublicAccessBlock(t.Context(), &s3.DeletePublicAccessBlockInput{Bucket: b}))(t)
	must(owner.PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{Bucket: b, Policy: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::bkt","arn:aws:s3:::bkt/*"]}]}`)}))(t)
	put(t, owner, "bkt", "k", "x")
	for _, x := range []struct{ method, path, header, want string }{
		{"PUT", "/new", "", "Anonymous users cannot invoke this API. Please authenticate."},
		{"PUT", "/bkt?acl", "", "Anonymous users cannot invoke this API. Please authenticate."},
		{"PUT", "/bkt/k?acl", "", "Anonymous users cannot invoke this API. Please authenticate."},
		{"POST", "/bkt/new?uploads", "", "Anonymous users cannot initiate multipart uploads.  Please authenticate."},
		{"PUT", "/bkt/copy", "/bkt/k", "Anonymous users cannot copy objects.  Please authenticate."},
		{"GET", "/bkt?ownershipControls", "", "s3:GetBucketOwnershipControls does not support Anonymous requests!"},
		{"DELETE", "/bkt?ownershipControls", "", "s3:PutBucketOwnershipControls does not support Anonymous requests!"},
		{"GET", "/bkt/k", "", ""},
		{"PUT", "/bkt/new", "", ""},
	} {
		status, body := n.as(t, awswire.Caller{Anonymous: true}, x.method, x.path, "", "X-Amz-Copy-Source", x.header)
		if want := map[bool]int{true: 200, false: 403}[x.want == ""]; status != want || !strings.Contains(body, x.want) {
			t.Errorf("%s %s: %d %s, want %d %s", x.method, x.path, status, body, want, x.want)
		}
	}
}
