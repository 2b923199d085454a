package s3

import (
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/brookmere/brookmere/internal/awswire"
)

const controlAccount = "111122223333"

// ask sends a request of S3 Control as an account, and returns its status and body.
func (n *testNode) ask(t *testing.T, as, method, path, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, n.url+controlPath+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Amz-Account-Id", controlAccount)
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

func TestControl(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "objects")
	n := openNode(t, dir)
	c := n.client(controlAccount, "us-east-1")
	makeBucket(t, c, "bkt")
	want := func(method, path, body string, status int, parts ...string) string {
		t.Helper()
		got, text := n.ask(t, controlAccount, method, path, body)
		if got != status {
			t.Errorf("%s %s: %d %s, want %d", method, path, got, text, status)
		}
		for _, p := range parts {
			if !strings.Contains(text, p) {
				t.Errorf("%s %s: %s has no %s", method, path, text, p)
			}
		}
		return text
	}
	if status, text := n.ask(t, "444455556666", "GET", "configuration/publicAccessBlock", ""); status != 403 || !strings.Contains(text, "AccessDenied") {
		t.Errorf("another account: %d %s", status, text)
	}
	want("GET", "configuration/publicAccessBlock", "", 404, "<Code>NoSuchPublicAccessBlockConfiguration</Code>")
	want("PUT", "configuration/publicAccessBlock", "<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls></PublicAccessBlockConfiguration>", 200)
	want("PUT", "configuration/publicAccessBlock", "<PublicAccessBlockConfiguration/>", 400, "<Code>InvalidRequest</Code><Message>Must specify at least one configuration.</Message>")
	want("GET", "configuration/publicAccessBlock", "", 200, "<BlockPublicAcls>true</BlockPublicAcls>", "<IgnorePublicAcls>false</IgnorePublicAcls>")
	// It counts for every bucket of the account.
	must(c.DeletePublicAccessBlock(t.Context(), &s3.DeletePublicAccessBlockInput{Bucket: aws.String("bkt")}))(t)
	must(c.PutBucketOwnershipControls(t.Context(), &s3.PutBucketOwnershipControlsInput{Bucket: aws.String("bkt"),
		OwnershipControls: &types.OwnershipControls{Rules: []types.OwnershipControlsRule{{ObjectOwnership: "ObjectWriter"}}}}))(t)
	public := func() error {
		_, err := c.PutBucketAcl(t.Context(), &s3.PutBucketAclInput{Bucket: aws.String("bkt"), ACL: "public-read"})
		return err
	}
	if err := public(); codeOf(err) != "AccessDenied" {
		t.Errorf("a public list: %v", err)
	}
	want("DELETE", "configuration/publicAccessBlock", "", 204)
	if err := public(); err != nil {
		t.Error(err)
	}

	create := "<CreateAccessPointRequest><Bucket>bkt</Bucket></CreateAccessPointRequest>"
	want("GET", "accesspoint/ap-one", "", 404, "<Code>NoSuchAccessPoint</Code>")
	want("PUT", "accesspoint/ap-one", strings.Replace(create, "bkt", "none", 1), 400, "existing bucket")
	for _, name := range []string{"Bad_Name", "xn-_test-alias", "sa"} {
		want("PUT", "accesspoint/"+name, create, 400, "<Code>InvalidURI</Code><Message>Couldn't parse the specified URI.</Message><URI>accesspoint/"+name+"</URI>")
	}
	text := want("PUT", "accesspoint/ap-one", create, 200, "<AccessPointArn>arn:aws:s3:us-east-1:111122223333:accesspoint/ap-one</AccessPointArn>")
	want("PUT", "accesspoint/ap-one", create, 409, "<Code>AccessPointAlreadyOwnedByYou</Code>", "you already own it.</Message></Error>")
	want("GET", "accesspoint/ap-one", "", 200, "<NetworkOrigin>Internet</NetworkOrigin>", "<BlockPublicPolicy>true</BlockPublicPolicy>")
	want("GET", "accesspoint", "", 200, "<Name>ap-one</Name>")
	want("GET", "accesspoint/ap-one/policy", "", 404, "<Code>NoSuchAccessPointPolicy</Code>")
	_, alias, _ := strings.Cut(text, "<Alias>")
	alias, _, _ = strings.Cut(alias, "</Alias>")
	put(t, c, alias, "k", "through the alias")
	if got := get(t, c, "bkt", "k"); got != "through the alias" {
		t.Errorf("got %q", got)
	}
	must(c.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: &alias, Key: aws.String("k")}))(t)

	for _, of := range []string{"arn:aws:s3:::bkt", "arn:aws:s3:us-east-1:111122223333:accesspoint/ap-one"} {
		tag := "<TagResourceRequest><Tags><Tag><Key>a</Key><Value>b</Value></Tag></Tags></TagResourceRequest>"
		want("POST", "tags/"+of, tag, 204)
		for with, message := range map[string]string{
			"<Key>aws:a</Key><Value>b</Value>":                            "User-defined tag keys can't start with",
			"<Key>a,b</Key><Value>b</Value>":                              "This request contains a tag key or value that isn't valid.",
			"<Key>a</Key><Value>b,c</Value>":                              "This request contains a tag key or value that isn't valid.",
			"<Key>a</Key><Value>b</Value></Tag><Tag><Key>a</Key><Value/>": "There are duplicate tag keys in your request.",
		} {
			text := want("POST", "tags/"+of, strings.Replace(tag, "<Key>a</Key><Value>b</Value>", with, 1), 400, "<Code>InvalidTag</Code>", message)
			if strings.Contains(text, "<TagKey>") {
				t.Errorf("%s: %s", with, text)
			}
		}
		want("GET", "tags/"+of, "", 200, "<Tag><Key>a</Key><Value>b</Value></Tag>")
		want("DELETE", "tags/"+of+"?tagKeys=a", "", 204)
		if text := want("GET", "tags/"+of, "", 200); strings.Contains(text, "<Tag>") {
			t.Errorf("tags are left: %s", text)
		}
	}
	for _, of := range []string{"arn:aws-cn:s3:::bkt", "arn:aws:s3::111122223333:bkt", "arn:aws-cn:s3:us-east-1:111122223333:accesspoint/ap-one", "arn:aws:sqs:us-east-1:111122223333:accesspoint/ap-one"} {
		if got, text := n.ask(t, controlAccount, "GET", "tags/"+of, ""); got < 400 || got > 404 {
			t.Errorf("the tags of %s, of which policies do not speak: %d %s", of, got, text)
		}
	}
	for _, method := range []string{"GET", "POST", "DELETE"} {
		want(method, "tags/arn:aws:s3:::nobody-has-it", "<TagResourceRequest><Tags><Tag><Key>a</Key><Value>b</Value></Tag></Tags></TagResourceRequest>", 404, "<Code>NoSuchResource</Code><Message>The specified resource doesn't exist.</Message></Error>")
	}
	want("GET", "jobs", "", 501, "NotImplemented")
	if _, err := c.DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: aws.String("bkt")}); codeOf(err) != "BucketHasAccessPointsAttached" {
		t.Errorf("delete a bucket with access points: %v", err)
	}
	again, err := openAccounts(filepath.Join(dir+".state", "accounts")) // by the next process
	if err != nil || again.pointOf(alias) == nil || again.pointOf(alias).Bucket != "bkt" {
		t.Errorf("after a restart: %v", err)
	}
	want("DELETE", "accesspoint/ap-one", "", 204)
	if _, err := c.DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: aws.String("bkt")}); err != nil {
		t.Error(err)
	}
}

// TestControlHost: at a host of S3 Control there is nothing but S3 Control.
func TestControlHost(t *testing.T) {
	for host, want := range map[string]bool{
		"s3-control.us-east-1.amazonaws.com": true, "111122223333.s3-control.us-east-1.amazonaws.com:443": true,
		"111122223333.s3-control-fips.dualstack.us-east-1.amazonaws.com": true, "s3-control.eu-west-1.localhost.localstack.cloud:4566": true,
		"s3-control.s3.us-east-1.amazonaws.com": false, "s3-control.localhost": false, "s3.us-east-1.amazonaws.com": false,
		"a.s3-control.us-east-1.amazonaws.com": false, "127.0.0.1": false,
	} {
		if got := isControlHost(host); got != want {
			t.Errorf("%s: %v", host, got)
		}
	}
	n := newNode(t)
	c := n.client(controlAccount, "us-east-1")
	makeBucket(t, c, "bkt")
	put(t, c, "bkt", "k", "x")
	for _, path := range []string{"/bkt/k", "/bkt", "/"} {
		r := httptest.NewRequestWithContext(awswire.WithCaller(t.Context(), awswire.Caller{Account: controlAccount, Region: "us-east-1"}), "GET", path, nil)
		r.Host = controlAccount + ".s3-control.us-east-1.amazonaws.com"
		w := httptest.NewRecorder()
		n.ServeHTTP(w, r)
		if w.Code != 405 || !strings.Contains(w.Body.String(), "<ErrorResponse xmlns=\"http://awss3control.amazonaws.com/doc/2018-08-20/\"><Error><Code>MethodNotAllowed</Code>") {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}
