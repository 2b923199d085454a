package s3

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// byHost sends a request to a host as an account, and returns its status and body.
func (n *testNode) byHost(t *testing.T, as, method, host, path, body string, header ...string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, n.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if host != "" {
		r.Host = host
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+as+"/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

const pointHost = "reports-111122223333.s3-accesspoint.us-east-1.amazonaws.com"

func TestAccessPointPolicy(t *testing.T) {
	n := newNode(t)
	const other = "444455556666"
	c := n.client(controlAccount, "us-east-1")
	makeBucket(t, c, "bkt")
	put(t, c, "bkt", "in/a", "a")
	put(t, c, "bkt", "out/b", "b")
	control := func(method, path, body string, status int) {
		t.Helper()
		if got, text := n.ask(t, controlAccount, method, path, body); got != status {
			t.Fatalf("%s %s: %d %s", method, path, got, text)
		}
	}
	want := func(as, method, host, path string, status int, has string, header ...string) {
		t.Helper()
		if got, text := n.byHost(t, as, method, host, path, "", header...); got != status || !strings.Contains(text, has) {
			t.Errorf("%s %s%s as %s: %d %s, want %d %s", method, host, path, as, got, text, status, has)
		}
	}
	want(controlAccount, "GET", pointHost, "/in/a", 404, "NoSuchAccessPoint")
	control("PUT", "accesspoint/reports", "<CreateAccessPointRequest><Bucket>bkt</Bucket></CreateAccessPointRequest>", 200)
	for _, host := range []string{pointHost, "reports-111122223333.localhost:4566", "reports-111122223333.s3-accesspoint.dualstack.us-east-1.amazonaws.com"} {
		want(controlAccount, "GET", host, "/in/a", 200, "a")
	}
	want(controlAccount, "GET", pointHost, "/?versioning", 405, "MethodNotAllowed")
	want(controlAccount, "DELETE", pointHost, "/", 405, "MethodNotAllowed")

	// Another account is let in by both policies, and not by one.
	want(other, "GET", pointHost, "/in/a", 403, "AccessDenied")
	policy := func(effect, resource string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"` + effect + `","Principal":{"AWS":"` + other + `"},"Action":"s3:GetObject","Resource":"` + resource + `"}]}`
	}
	const point = "arn:aws:s3:us-east-1:111122223333:accesspoint/reports"
	control("PUT", "accesspoint/reports/policy", "<PutAccessPointPolicyRequest><Policy>"+policy("Allow", "arn:aws:s3:::bkt/*")+"</Policy></PutAccessPointPolicyRequest>", 400)
	control("PUT", "accesspoint/reports/policy", "<PutAccessPointPolicyRequest><Policy>"+policy("Allow", point+"/object/in/*")+"</Policy></PutAccessPointPolicyRequest>", 200)
	want(other, "GET", pointHost, "/in/a", 403, "AccessDenied")
	delegated := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":["arn:aws:s3:::bkt","arn:aws:s3:::bkt/*"],
		"Condition":{"StringEquals":{"s3:DataAccessPointAccount":"111122223333"}}}]}`
	must(c.PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{Bucket: aws.String("bkt"), Policy: &delegated}))(t)
	want(other, "GET", pointHost, "/in/a", 200, "a")
	want(other, "GET", pointHost, "/out/b", 403, "AccessDenied")
	want(other, "GET", "", "/bkt/in/a", 403, "AccessDenied")
	want(other, "GET", pointHost, "/", 403, "AccessDenied")
	makeBucket(t, n.client(other, "us-east-1"), "mine")
	want(other, "PUT", "", "/mine/copy", 200, "CopyObjectResult", "X-Amz-Copy-Source", point+"/object/in/a")
	want(other, "PUT", "", "/mine/copy", 403, "AccessDenied", "X-Amz-Copy-Source", point+"/object/out/b")
	want(other, "PUT", "", "/mine/copy", 403, "AccessDenied", "X-Amz-Copy-Source", "bkt/in/a")
	control("PUT", "accesspoint/reports/policy", "<PutAccessPointPolicyRequest><Policy>"+policy("Deny", point+"/object/in/*")+"</Policy></PutAccessPointPolicyRequest>", 200)
	want(other, "GET", pointHost, "/in/a", 403, "AccessDenied")
}

// TestControlTagsAtOnce: none of the tags that are added at one time is lost.
func TestControlTagsAtOnce(t *testing.T) {
	n := newNode(t)
	makeBucket(t, n.client(controlAccount, "us-east-1"), "bkt")
	var all sync.WaitGroup
	for _, key := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		all.Go(func() {
			status, text := n.byHost(t, controlAccount, "POST", "", controlPath+"tags/arn:aws:s3:::bkt",
				"<TagResourceRequest><Tags><Tag><Key>"+key+"</Key><Value/></Tag></Tags></TagResourceRequest>", "X-Amz-Account-Id", controlAccount)
			if status != 204 {
				t.Errorf("%d %s", status, text)
			}
		})
	}
	all.Wait()
	if _, text := n.ask(t, controlAccount, "GET", "tags/arn:aws:s3:::bkt", ""); strings.Count(text, "<Tag>") != 8 {
		t.Errorf("tags are lost: %s", text)
	}
}

func TestPathWithoutBucket(t *testing.T) {
	n := newNode(t)
	c := n.client(controlAccount, "us-east-1")
	makeBucket(t, c, "bkt")
	put(t, c, "bkt", "/x", "slash")
	for _, q := range []struct {
		host, path string
		status     int
		has        string
	}{
		{"", "//bkt/x", 400, "InvalidBucketName"},
		{"", "/bkt//x", 200, "slash"},
		{"bkt.s3.amazonaws.com", "//x", 200, "slash"},
		{"bkt.s3.amazonaws.com", "/x", 404, "NoSuchKey"},
		{"", "/", 200, "ListAllMyBucketsResult"},
	} {
		if status, text := n.byHost(t, controlAccount, "GET", q.host, q.path, ""); status != q.status || !strings.Contains(text, q.has) {
			t.Errorf("%s%s: %d %s", q.host, q.path, status, text)
		}
	}
}

func TestStartAfterWithinPrefix(t *testing.T) {
	n := newNode(t)
	c := n.client(controlAccount, "us-east-1")
	makeBucket(t, c, "bkt")
	for _, key := range []string{"a/1", "a/2", "a/b/3", "b/1", "c"} {
		put(t, c, "bkt", key, "")
	}
	for after, want := range map[string]string{
		"":      "c a/ b/",
		"a/":    "c a/ b/",
		"a/1":   "c a/ b/",
		"a/2":   "c a/ b/",
		"a/b/3": "c b/",
		"a/b":   "c a/ b/",
		"a/z":   "c b/",
		"b/1":   "c",
	} {
		out := must(c.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String("bkt"), Delimiter: aws.String("/"), StartAfter: &after}))(t)
		var got []string
		for _, o := range out.Contents {
			got = append(got, *o.Key)
		}
		for _, p := range out.CommonPrefixes {
			got = append(got, *p.Prefix)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("after %q: %v, want %s", after, got, want)
		}
	}
	// A marker of the first version, and a token, pass over the prefix that they are in.
	first := must(c.ListObjects(t.Context(), &s3.ListObjectsInput{Bucket: aws.String("bkt"), Delimiter: aws.String("/"), Marker: aws.String("a/1")}))(t)
	if len(first.CommonPrefixes) != 1 || *first.CommonPrefixes[0].Prefix != "b/" {
		t.Errorf("marker: %v", first.CommonPrefixes)
	}
	page := must(c.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String("bkt"), Delimiter: aws.String("/"), StartAfter: aws.String("a/1"), MaxKeys: aws.Int32(1)}))(t)
	rest := must(c.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String("bkt"), Delimiter: aws.String("/"), StartAfter: aws.String("a/1"), ContinuationToken: page.NextContinuationToken}))(t)
	if len(page.CommonPrefixes) != 1 || len(rest.CommonPrefixes) != 1 || *rest.CommonPrefixes[0].Prefix != "b/" || len(rest.Contents) != 1 {
		t.Errorf("pages: %v %v", page.CommonPrefixes, rest.CommonPrefixes)
	}
}

func TestWildcardMatch(t *testing.T) {
	hard := strings.Repeat("*a", 30) + "*b"
	for _, q := range []struct {
		pattern, text string
		want          bool
	}{
		{"*", "", true}, {"", "", true}, {"", "a", false}, {"a*", "a", true}, {"a?c", "abc", true}, {"a?c", "ac", false},
		{"*.log*", "x.logs", true}, {"*ab", "aab", true}, {"a*b*c", "aXbYbZc", true}, {"a*b*c", "aXbYbZ", false}, {hard, strings.Repeat("a", 63), false},
	} {
		if got := wildcardMatch(q.pattern, q.text); got != q.want {
			t.Errorf("%s of %s: %v", q.pattern, q.text, got)
		}
	}
}

// TestDeclaredHash: data that is not what its declared hash is of is refused, and changes nothing.
func TestDeclaredHash(t *testing.T) {
	n := newNode(t)
	c := n.client(controlAccount, "us-east-1")
	makeBucket(t, c, "bkt")
	put(t, c, "bkt", "k", "before")
	const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
	for _, q := range []struct {
		body, hash string
		status     int
		has, kept  string
	}{
		{"abd", abc, 400, "<Code>XAmzContentSHA256Mismatch</Code>", "before"},
		{"", abc, 400, "<Code>XAmzContentSHA256Mismatch</Code>", "before"},
		{"abc", "zzz", 400, "<Code>InvalidArgument</Code>", "before"},
		{"abc", strings.ToUpper(abc), 200, "", "abc"},
		{"xyz", "UNSIGNED-PAYLOAD", 200, "", "xyz"},
		{"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", 200, "", ""},
	} {
		status, text := n.byHost(t, controlAccount, "PUT", "", "/bkt/k", q.body, "X-Amz-Content-Sha256", q.hash)
		if status != q.status || !strings.Contains(text, q.has) {
			t.Errorf("%q as %s: %d %s", q.body, q.hash, status, text)
		}
		if got := get(t, c, "bkt", "k"); got != q.kept {
			t.Errorf("after %q: %q", q.body, got)
		}
	}
	if status, text := n.byHost(t, controlAccount, "PUT", "", "/bkt?tagging", "<Tagging><TagSet/></Tagging>", "X-Amz-Content-Sha256", abc); status != 400 || !strings.Contains(text, "XAmzContentSHA256Mismatch") {
		t.Errorf("a document: %d %s", status, text)
	}
}

// TestResourcePolicyOfKeys: whatever is in a key, the policy of its bucket is asked.
func TestResourcePolicyOfKeys(t *testing.T) {
	n := newNode(t)
	c := n.client(controlAccount, "us-east-1")
	const text = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::%s/*"}]}`
	policies := map[string]string{}
	for _, bucket := range []string{"bkt", "accesspoint"} {
		makeBucket(t, c, bucket)
		policies[bucket] = strings.ReplaceAll(text, "%s", bucket)
		must(c.PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{Bucket: &bucket, Policy: aws.String(policies[bucket])}))(t)
	}
	for on, want := range map[string]string{
		"arn:aws:s3:::bkt":                                              policies["bkt"],
		"arn:aws:s3:::bkt/a:accesspoint/b":                              policies["bkt"],
		"arn:aws:s3:::bkt/arn:aws:s3:us-east-1:1:accesspoint/x":         policies["bkt"],
		"arn:aws:s3:::accesspoint/x":                                    policies["accesspoint"],
		"arn:aws:s3:us-east-1:111122223333:accesspoint/none":            "",
		"arn:aws:s3:us-east-1:1:accesspoint/none/object/x:s3:::bkt/key": "",
	} {
		if got, _, err := n.ResourcePolicy(t.Context(), on); err != nil || got != want {
			t.Errorf("the policy of %s: %q, %v", on, got, err)
		}
	}
}

// TestPublicListsByAccessPoint: an access point that takes no public list takes none, however a request says it.
func TestPublicListsByAccessPoint(t *testing.T) {
	n := newNode(t)
	c := n.client(controlAccount, "us-east-1")
	bucket := aws.String("bkt")
	makeBucket(t, c, *bucket)
	must(c.DeletePublicAccessBlock(t.Context(), &s3.DeletePublicAccessBlockInput{Bucket: bucket}))(t)
	must(c.PutBucketOwnershipControls(t.Context(), &s3.PutBucketOwnershipControlsInput{Bucket: bucket, OwnershipControls: &types.OwnershipControls{Rules: []types.OwnershipControlsRule{{ObjectOwnership: types.ObjectOwnershipObjectWriter}}}}))(t)
	put(t, c, *bucket, "k", "")
	if status, text := n.ask(t, controlAccount, "PUT", "accesspoint/reports", "<CreateAccessPointRequest><Bucket>bkt</Bucket></CreateAccessPointRequest>"); status != 200 {
		t.Fatalf("%d %s", status, text)
	}
	id := canonicalID(controlAccount)
	list := `<AccessControlPolicy><Owner><ID>` + id + `</ID></Owner><AccessControlList><Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="Group">` +
		`<URI>http://acs.amazonaws.com/groups/global/AllUsers</URI></Grantee><Permission>READ</Permission></Grant></AccessControlList></AccessControlPolicy>`
	public := []string{"X-Amz-Acl", "public-read"}
	for _, q := range []struct {
		what, method, path, body string
		header                   []string
	}{
		{"an object", "PUT", "/new", "", public},
		{"a list of its own", "PUT", "/k?acl", "", public},
		{"a list of its own in the body", "PUT", "/k?acl", list, nil},
		{"an upload in parts", "POST", "/parts?uploads", "", public},
		{"a copy", "PUT", "/copy", "", append([]string{"X-Amz-Copy-Source", "bkt/k"}, public...)},
	} {
		if status, text := n.byHost(t, controlAccount, q.method, pointHost, q.path, q.body, q.header...); status != 403 || !strings.Contains(text, "AccessDenied") {
			t.Errorf("%s by the access point: %d %s", q.what, status, text)
		}
		if status, text := n.byHost(t, controlAccount, q.method, "bkt.s3.amazonaws.com", q.path, q.body, q.header...); status != 200 {
			t.Errorf("%s: %d %s", q.what, status, text)
		}
	}
}

// TestWebsiteUnderAnAlias: the pages of a website are its bucket's, whatever their path begins with.
func TestWebsiteUnderAnAlias(t *testing.T) {
	n := newNode(t)
	c := n.client(controlAccount, "us-east-1")
	bucket := aws.String("bkt")
	makeBucket(t, c, *bucket)
	must(c.DeletePublicAccessBlock(t.Context(), &s3.DeletePublicAccessBlockInput{Bucket: bucket}))(t)
	policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::bkt/*"}]}`
	must(c.PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{Bucket: bucket, Policy: &policy}))(t)
	must(c.PutBucketWebsite(t.Context(), &s3.PutBucketWebsiteInput{Bucket: bucket, WebsiteConfiguration: &types.WebsiteConfiguration{IndexDocument: &types.IndexDocument{Suffix: aws.String("index.html")}}}))(t)
	_, text := n.ask(t, controlAccount, "PUT", "accesspoint/reports", "<CreateAccessPointRequest><Bucket>bkt</Bucket></CreateAccessPointRequest>")
	_, alias, _ := strings.Cut(text, "<Alias>")
	alias, _, _ = strings.Cut(alias, "</Alias>")
	put(t, c, *bucket, alias+"/page", "hello")
	if status, text := n.byHost(t, "444455556666", "GET", "bkt.s3-website.us-east-1.amazonaws.com", "/"+alias+"/page", ""); status != 200 || text != "hello" {
		t.Errorf("%d %s", status, text)
	}
}
