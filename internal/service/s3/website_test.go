package s3

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// TestErrorDocumentRedirects: a page for errors that is elsewhere sends the browser there, and the error's status is lost.
func TestErrorDocumentRedirects(t *testing.T) {
	n := newNode(t)
	c := n.client("000000000000", "us-east-1")
	makeBucket(t, c, "bkt")
	must(c.PutBucketWebsite(t.Context(), &s3.PutBucketWebsiteInput{Bucket: aws.String("bkt"), WebsiteConfiguration: &types.WebsiteConfiguration{
		IndexDocument: &types.IndexDocument{Suffix: aws.String("index.html")}, ErrorDocument: &types.ErrorDocument{Key: aws.String("error.html")}}}))(t)
	put(t, c, "bkt", "another/error.html", "error")
	must(c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("bkt"), Key: aws.String("error.html"), Body: strings.NewReader("moved"),
		WebsiteRedirectLocation: aws.String("/another/error.html")}))(t)
	for _, method := range []string{"GET", "HEAD"} {
		r := must(http.NewRequestWithContext(t.Context(), method, n.url+"/no/such", nil))(t)
		r.Host = "bkt.s3-website.us-east-1.amazonaws.com"
		resp := must(http.DefaultTransport.RoundTrip(r))(t)
		body := must(io.ReadAll(resp.Body))(t)
		resp.Body.Close() // it has been read
		if resp.StatusCode != 301 || resp.Header.Get("Location") != "/another/error.html" || len(body) > 0 {
			t.Errorf("%s: %d to %q, %q", method, resp.StatusCode, resp.Header.Get("Location"), body)
		}
	}
}
