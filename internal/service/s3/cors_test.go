package s3

import (
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// TestCORS: preflights and requests of pages are answered by the rules of the bucket, as S3 was recorded to.
func TestCORS(t *testing.T) {
	n := newNode(t)
	c := n.client(accountA, "us-east-1")
	for _, name := range []string{"ruled", "bare"} {
		makeBucket(t, c, name)
		put(t, c, name, "k", "x")
	}
	rule := func(origin string, methods ...string) types.CORSRule {
		return types.CORSRule{AllowedOrigins: []string{origin}, AllowedMethods: methods, AllowedHeaders: []string{"*"}, MaxAgeSeconds: aws.Int32(3000)}
	}
	must(c.PutBucketCors(t.Context(), &s3.PutBucketCorsInput{Bucket: aws.String("ruled"), CORSConfiguration: &types.CORSConfiguration{CORSRules: []types.CORSRule{
		rule("https://page.example", "GET", "HEAD"), {AllowedOrigins: []string{"https://few.example"}, AllowedMethods: []string{"GET"}, AllowedHeaders: []string{"x-amz-expected-bucket-owner"}, MaxAgeSeconds: aws.Int32(3000)}, rule("http://*.suffix", "PUT"), rule("*", "DELETE")}}}))(t)
	const page, suffix, any = "https://page.example", "http://a.suffix", "http://any.example"
	for _, v := range []struct {
		method, path, origin, asks string
		status                     int
		text, allowed, methods     string // of the answer, and of its headers
	}{
		{"OPTIONS", "/ruled/k", "", "", 400, "Insufficient information. Origin request header needed.", "", ""},
		{"OPTIONS", "/bare/k", page, "PUT", 403, "CORS is not enabled for this bucket.", "", ""},
		{"OPTIONS", "/bare/k", page, "", 403, "<Method>OPTIONS</Method><ResourceType>BUCKET</ResourceType>", "", ""},
		{"OPTIONS", "/nobody/k", page, "", 403, "CORSResponse: Bucket not found</Message><Method>OPTIONS</Method><ResourceType>BUCKET</ResourceType>", "", ""},
		{"OPTIONS", "/nobody/k", page, "PUT", 403, "CORSResponse: Bucket not found</Message><Method>PUT</Method><ResourceType>BUCKET</ResourceType>", "", ""},
		{"OPTIONS", "/ruled/k", page, "GET", 200, "", page, "GET, HEAD"},
		{"OPTIONS", "/ruled/k", page, "PUT", 403, "are not whitelisted by the resource's CORS spec.</Message><Method>PUT</Method><ResourceType>OBJECT</ResourceType>", "", ""},
		{"OPTIONS", "/ruled/k", suffix, "PUT", 200, "", suffix, "PUT"},
		{"OPTIONS", "/ruled/k", any, "DELETE", 200, "", "*", "DELETE"},
		{"GET", "/ruled/k", page, "", 200, "x", page, "GET, HEAD"},
		{"GET", "/ruled/k", page, "PUT", 200, "x", "", ""}, // what it asks for counts, though it is no preflight
		{"GET", "/ruled/k", page, "HEAD", 200, "x", page, "GET, HEAD"},
		{"GET", "/ruled/k", any, "", 200, "x", "", ""},
		{"GET", "/ruled/none", page, "", 404, "NoSuchKey", page, "GET, HEAD"},
		{"GET", "/bare/k", page, "", 200, "x", "", ""},
		{"PUT", "/ruled/new", suffix, "", 200, "", suffix, "PUT"},
	} {
		var headers []string
		if v.origin != "" {
			headers = append(headers, "Origin", v.origin)
		}
		if v.asks != "" {
			headers = append(headers, "Access-Control-Request-Method", v.asks)
		}
		status, body, h := n.raw(t, v.method, v.path, "", headers...)
		allowed, methods := h.Get("Access-Control-Allow-Origin"), h.Get("Access-Control-Allow-Methods")
		if status != v.status || !strings.Contains(body, v.text) || allowed != v.allowed || methods != v.methods {
			t.Errorf("%s %s of %s for %q: %d %q %q %s", v.method, v.path, v.origin, v.asks, status, allowed, methods, body)
		}
		if h.Get("X-Amz-Bucket-Region") != "" {
			t.Errorf("%s %s: an answer about an object says the region", v.method, v.path)
		}
		if credentials := h.Get("Access-Control-Allow-Credentials"); (credentials == "true") != (allowed != "" && allowed != "*") {
			t.Errorf("%s %s of %s: credentials %q", v.method, v.path, v.origin, credentials)
		}
		if allowed != "" && (h.Get("Vary") == "" || h.Get("Access-Control-Max-Age") != "3000") {
			t.Errorf("%s %s of %s: %v", v.method, v.path, v.origin, h)
		}
	}
	// A preflight of a bucket that is not there is the buckets' affair, for any page; another request is not.
	for _, v := range []struct {
		method, url  string
		owns, allows bool
	}{
		{"OPTIONS", "http://localhost/nobody/k", true, true}, {"PUT", "http://localhost/nobody", false, false}, {"OPTIONS", "http://nobody.s3.localhost/", true, true},
		{"OPTIONS", "http://localhost/", false, false}, {"GET", "http://localhost/nobody/k", false, false}, {"GET", "http://localhost/bare/k", true, true},
	} {
		r := must(http.NewRequest(v.method, v.url, nil))(t)
		r.Header.Set("Origin", page)
		if owns, allows := n.OwnsCORS(r), n.AllowsOrigin(r); owns != v.owns || allows != v.allows {
			t.Errorf("%s %s: owns %t, allows %t", v.method, v.url, owns, allows)
		}
	}
	// The headers that a request asks for count, though it is no preflight.
	for asked, allowed := range map[string]string{"": "https://few.example", "X-Amz-Expected-Bucket-Owner": "https://few.example", "x-amz-expected-bucket-owner, x-amz-request-payer": ""} {
		headers := []string{"Origin", "https://few.example"}
		if asked != "" {
			headers = append(headers, "Access-Control-Request-Headers", asked)
		}
		if status, _, h := n.raw(t, "GET", "/ruled/k", "", headers...); status != 200 || h.Get("Access-Control-Allow-Origin") != allowed {
			t.Errorf("asks for %q: %d %q", asked, status, h.Get("Access-Control-Allow-Origin"))
		}
	}
}
