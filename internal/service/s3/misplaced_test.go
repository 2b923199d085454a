package s3

import (
	"crypto/md5"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/brookmere/brookmere/internal/awswire"
)

// TestMisplaced: a request whose query names what its method or its path does not have is refused, and changes nothing.
func TestMisplaced(t *testing.T) {
	n := newNode(t)
	c := n.client(accountA, "us-east-1")
	makeBucket(t, c, "bkt")
	put(t, c, "bkt", "k", "as it was")
	who := awswire.Caller{Account: accountA, Region: "us-east-1"}
	for _, x := range []struct {
		method, path string
		status       int
		want         string
	}{
		{"PUT", "/bkt/k?partNumber=1", 400, "<Message>This operation does not accept partNumber without uploadId</Message><ArgumentName>partNumber</ArgumentName>"},
		{"PUT", "/bkt/k?uploadId=01a22c2d-cdbe-720a-b860-c1653de99d31", 405, "<ResourceType>UPLOAD</ResourceType>"},
		{"GET", "/bkt/k?uploads", 400, "Key is not expected for the GET method ?uploads subresource"},
		{"GET", "/bkt/k?policy", 400, "Key is not expected for the GET method ?policy subresource"},
		{"PUT", "/bkt/k?cors", 400, "Key is not expected for the PUT method ?cors subresource"},
		{"DELETE", "/bkt/k?lifecycle", 400, "Key is not expected for the DELETE method ?lifecycle subresource"},
		{"GET", "/bkt/k?versions", 400, "There is no such thing as the ?versions sub-resource for a key"},
		{"GET", "/bkt/k?logging", 400, "<Code>NoLoggingStatusForKey</Code>"},
		{"PUT", "/bkt/k?restore", 405, "<ResourceType>OBJECT</ResourceType>"},
		{"DELETE", "/bkt/k?acl", 405, "<ResourceType>OBJECT</ResourceType>"},
		{"DELETE", "/bkt?acl", 405, "<ResourceType>BUCKET</ResourceType>"},
		{"PUT", "/bkt?delete", 405, "<ResourceType>BUCKET</ResourceType>"},
		{"PUT", "/new?versions", 405, "<ResourceType>BUCKET</ResourceType>"},
		{"GET", "/bkt?list-type=3", 400, "Invalid List Type specified in Request"},
		{"GET", "/bkt?list-type=2", 200, "<Key>k</Key>"},
		{"GET", "/bkt?unknown=1&prefix=k", 200, "<Key>k</Key>"},
		{"PUT", "/bkt/other?unknown=1&x-id=PutObject", 200, ""},
		{"GET", "/bkt/k?partNumber=1", 206, "as it was"},
		{"GET", "/bkt/k?response-content-type=text/plain", 200, "as it was"},
	} {
		status, body := n.as(t, who, x.method, x.path, "")
		if status != x.status || !strings.Contains(body, x.want) {
			t.Errorf("%s %s: %d %s, want %d %s", x.method, x.path, status, body, x.status, x.want)
		}
	}
	if status, body := n.as(t, who, "GET", "/bkt/k", ""); status != 200 || body != "as it was" {
		t.Errorf("%d %s", status, body)
	}
	if n.buckets.get("new") != nil {
		t.Error("a bucket was made")
	}
}

// digestOf is the Content-MD5 of a body.
func digestOf(s string) string {
	sum := md5.Sum([]byte(s))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// TestFormWithoutBucket: a policy that does not name the bucket is for none.
func TestFormWithoutBucket(t *testing.T) {
	n := newNode(t)
	c := n.client(accountA, "us-east-1")
	makeBucket(t, c, "bkt")
	for conditions, want := range map[string]string{`["starts-with","$key",""]`: "Extra input fields: bucket", `["starts-with","$key",""],["starts-with","$bucket",""]`: "", `{"key":"k","other":"x"}`: "exactly one property",
		`["eq","$key"]`: "Invalid eq: wrong number of arguments.", `["like","$key","x"]`: "unknown operation 'like'.", `[]`: "missing operation identifier", `{"key":true}`: "value must be a string", `7`: "must be a List or Object"} {
		policy := base64.StdEncoding.EncodeToString([]byte(`{"expiration":"2999-01-01T00:00:00Z","conditions":[` + conditions + `]}`))
		body := ""
		for _, f := range [][2]string{{"key", "k"}, {"policy", policy}, {"x-amz-algorithm", "AWS4-HMAC-SHA256"}, {"x-amz-credential", accountA + "/20260101/us-east-1/s3/aws4_request"}, {"x-amz-date", "20260101T000000Z"}, {"x-amz-signature", "0"}} {
			body += "--x\r\nContent-Disposition: form-data; name=\"" + f[0] + "\"\r\n\r\n" + f[1] + "\r\n"
		}
		body += "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\ndata\r\n--x--\r\n"
		status, text := n.as(t, awswire.Caller{Account: accountA, Region: "us-east-1"}, "POST", "/bkt", body, "Content-Type", "multipart/form-data; boundary=x")
		if (want == "") != (status == 204) || !strings.Contains(text, want) {
			t.Errorf("%s: %d %s, want %s", conditions, status, text, want)
		}
	}
}

// TestOddRequests: what S3 does not take of requests that would else be harmless.
func TestOddRequests(t *testing.T) {
	n := newNode(t)
	c := n.client(accountA, "us-east-1")
	makeBucket(t, c, "bkt")
	put(t, c, "bkt", "k", "x")
	who := awswire.Caller{Account: accountA, Region: "us-east-1"}
	tags := func(key, value string) string {
		return "<Tagging><TagSet><Tag><Key>" + key + "</Key><Value>" + value + "</Value></Tag></TagSet></Tagging>"
	}
	for _, x := range []struct {
		method, path, body string
		status             int
		want               string
		headers            []string
	}{
		{"GET", "/bkt/k?response-foo=x", "", 400, "response-foo is not in the set of overridable response headers", nil},
		{"GETS", "/bkt/k", "", 400, "<Code>BadRequest</Code><Message>An error occurred when parsing the HTTP request", nil},
		{"GET", "/bkt/k", "", 400, "<Code>RequestHeaderSectionTooLarge</Code><Message>Your request header section exceeds the maximum allowed size.</Message><MaxSizeAllowed>8192</MaxSizeAllowed>",
			[]string{"Cookie", strings.Repeat("c", 8192)}},
		{"GET", "/bkt/k", "", 200, "x", []string{"Cookie", strings.Repeat("c", 7000)}},
		{"PATCH", "/bkt/k", "", 405, "MethodNotAllowed", nil},
		{"GET", "/bkt/k?acl&tagging", "", 400, "Conflicting query string parameters: acl, tagging", nil},
		{"GET", "/bkt?uploads&uploadId=x", "", 400, "Conflicting query string parameters: uploadId, uploads", nil},
		{"GET", "/bkt?start-after=a", "", 400, "startAfter only supported in REST.GET.BUCKET with list-type=2", nil},
		{"GET", "/bkt?list-type=2&start-after=a", "", 200, "<Key>k</Key>", nil},
		{"PUT", "/bkt?versioning", "0\r\n\r\n", 400, "The value of x-amz-content-sha256 header is invalid", []string{"X-Amz-Content-Sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "X-Amz-Decoded-Content-Length", "0"}},
		{"GET", "/bkt", "", 400, "The value of x-amz-content-sha256 header is invalid", []string{"X-Amz-Content-Sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"}},
		{"POST", "/bkt/mp?uploads", "", 400, "Value for x-amz-checksum-type header is invalid", []string{"X-Amz-Checksum-Type", "FULL_OBJECTS"}},
		{"PUT", "/bkt?tagging", tags("a\tb", "v"), 400, "The TagKey you have provided is invalid", []string{"Content-Md5", digestOf(tags("a\tb", "v"))}},
		{"PUT", "/bkt?tagging", tags("a b", "v\tw"), 400, "The TagValue you have provided is invalid", []string{"Content-Md5", digestOf(tags("a b", "v\tw"))}},
		{"PUT", "/bkt?tagging", tags("a b", "ü-1"), 400, "Missing required header for this request", nil},
		{"PUT", "/bkt?tagging", tags("a b", "ü-1"), 204, "", []string{"Content-Md5", digestOf(tags("a b", "ü-1"))}},
	} {
		status, body := n.as(t, who, x.method, x.path, x.body, x.headers...)
		if status != x.status || !strings.Contains(body, x.want) {
			t.Errorf("%s %s: %d %s, want %d %s", x.method, x.path, status, body, x.status, x.want)
		}
	}
	upload := must(c.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: aws.String("bkt"), Key: aws.String("mp")}))(t)
	for marker, want := range map[string]string{"a": "Provided part-number-marker not an integer or within integer range", "-1": "Argument part-number-marker must be an integer between 0 and 2147483647"} {
		if status, body := n.as(t, who, "GET", "/bkt/mp?uploadId="+*upload.UploadId+"&part-number-marker="+marker, ""); status != 400 || !strings.Contains(body, want) {
			t.Errorf("%s: %d %s", marker, status, body)
		}
	}
}
