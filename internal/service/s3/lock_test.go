package s3

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/brookmere/brookmere/internal/awswire"
)

// TestLockedData: data of an object with a lock comes with a checksum and from somebody, and what is said of a lock is read
// before whether the bucket has any.
func TestLockedData(t *testing.T) {
	n := newNode(t)
	c := n.client(accountA, "us-east-1")
	b := aws.String("bkt")
	must(c.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: b, ObjectLockEnabledForBucket: aws.Bool(true)}))(t)
	makeBucket(t, c, "plain")
	const until = "2999-01-01T00:00:00Z"
	hold := []string{"X-Amz-Object-Lock-Legal-Hold", "ON"}
	for _, x := range []struct {
		path    string
		headers []string
		status  int
		want    string
	}{
		{"/bkt/k", nil, 200, ""},
		{"/bkt/k", hold, 400, "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters"},
		{"/bkt/k", append([]string{"Content-Md5", "tic7WJ3y39vY/jWxAR4xgw=="}, hold...), 200, ""},
		{"/plain/k", hold, 400, "Bucket is missing ObjectLockConfiguration"},
		{"/plain/k", []string{"X-Amz-Object-Lock-Legal-Hold", "wrong"}, 400, "Legal Hold must be either of"},
		{"/plain/k", []string{"X-Amz-Object-Lock-Mode", "GOVERNANCE"}, 400, "must both be supplied"},
		{"/plain/k", []string{"X-Amz-Object-Lock-Mode", "x", "X-Amz-Object-Lock-Retain-Until-Date", until}, 400, "Unknown wormMode directive."},
	} {
		if status, body, _ := n.raw(t, "PUT", x.path, "xyz\n", x.headers...); status != x.status || !strings.Contains(body, x.want) {
			t.Errorf("%s %v: %d %s", x.path, x.headers, status, body)
		}
	}
	if status, body := n.as(t, awswire.Caller{Account: accountA, Region: "us-east-1"}, "PUT", "/bkt/k", "x", "Authorization", "AWS k:eA==", hold[0], hold[1], "Content-Md5", "ndTkYSaMgDT1yFZOFVxnpg=="); status != 400 || !strings.Contains(body, "require AWS Signature Version 4") {
		t.Errorf("signed in the second version: %d %s", status, body)
	}
	must(c.PutObjectLockConfiguration(t.Context(), &s3.PutObjectLockConfigurationInput{Bucket: b, ObjectLockConfiguration: &types.ObjectLockConfiguration{ObjectLockEnabled: types.ObjectLockEnabledEnabled,
		Rule: &types.ObjectLockRule{DefaultRetention: &types.DefaultRetention{Mode: types.ObjectLockRetentionModeGovernance, Days: aws.Int32(1)}}}}))(t)
	if status, body, _ := n.raw(t, "PUT", "/bkt/k", "x"); status != 400 || !strings.Contains(body, "required for Put Object requests") {
		t.Errorf("with a default: %d %s", status, body)
	}
	up := must(c.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: b, Key: aws.String("k")}))(t)
	if status, body, _ := n.raw(t, "PUT", "/bkt/k?partNumber=1&uploadId="+*up.UploadId, "x"); status != 400 || !strings.Contains(body, "required for Put Part requests") {
		t.Errorf("a part: %d %s", status, body)
	}
	if _, err := n.Client().PutObject(awswire.WithCaller(t.Context(), awswire.Caller{Account: accountA}), &s3.PutObjectInput{Bucket: b, Key: aws.String("own"), Body: strings.NewReader("x")}); err != nil {
		t.Errorf("what the node writes: %v", err)
	}
}

// TestGovernanceBecomesCompliance: another mode is another lock, which governance lets nobody set without the permission.
func TestGovernanceBecomesCompliance(t *testing.T) {
	n := newNode(t)
	c := n.client(accountA, "us-east-1")
	b, k := aws.String("bkt"), aws.String("k")
	must(c.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: b, ObjectLockEnabledForBucket: aws.Bool(true)}))(t)
	until := aws.Time(time.Now().Add(time.Hour))
	must(c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: b, Key: k, Body: strings.NewReader("x"), ObjectLockMode: types.ObjectLockModeGovernance, ObjectLockRetainUntilDate: until, ChecksumAlgorithm: types.ChecksumAlgorithmCrc32}))(t)
	for _, x := range []struct {
		mode   types.ObjectLockRetentionMode
		bypass bool
		code   string
	}{{types.ObjectLockRetentionModeGovernance, false, ""}, {types.ObjectLockRetentionModeCompliance, false, "AccessDenied"},
		{types.ObjectLockRetentionModeCompliance, true, ""}, {types.ObjectLockRetentionModeCompliance, false, ""}, {types.ObjectLockRetentionModeGovernance, true, "AccessDenied"}} {
		_, err := c.PutObjectRetention(t.Context(), &s3.PutObjectRetentionInput{Bucket: b, Key: k, BypassGovernanceRetention: aws.Bool(x.bypass), Retention: &types.ObjectLockRetention{Mode: x.mode, RetainUntilDate: until}})
		want(t, string(x.mode), err, x.code)
	}
}

// TestUnsizedData: a put without a length is refused, not taken for one of nothing; and a head tells the number of tags.
func TestUnsizedData(t *testing.T) {
	n := newNode(t)
	c := n.client(accountA, "us-east-1")
	makeBucket(t, c, "bkt")
	for length, status := range map[string]int{"": 411, "0": 200} {
		r := must(http.NewRequestWithContext(awswire.WithCaller(t.Context(), awswire.Caller{Account: accountA}), "PUT", "http://localhost/bkt/k", nil))(t)
		if length != "" {
			r.Header.Set("Content-Length", length)
		}
		w := httptest.NewRecorder()
		n.ServeHTTP(w, r)
		if w.Code != status {
			t.Errorf("length %q: %d %s", length, w.Code, w.Body)
		}
	}
	// SDKs send data in chunks over TLS, of nothing too: its length is in another header.
	r := must(http.NewRequestWithContext(t.Context(), "PUT", n.url+"/bkt/k", struct{ io.Reader }{strings.NewReader("0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n")}))(t)
	for name, v := range map[string]string{"Authorization": "AWS4-HMAC-SHA256 Credential=000000000000/20261129/us-east-1/s3/aws4_request", "X-Amz-Content-Sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
		"X-Amz-Trailer": "x-amz-checksum-crc32", "X-Amz-Decoded-Content-Length": "0", "Content-Encoding": "aws-chunked"} {
		r.Header.Set(name, v)
	}
	out := must(http.DefaultClient.Do(r))(t)
	out.Body.Close()
	if out.StatusCode != 200 {
		t.Errorf("chunks of nothing: %s", out.Status)
	}
	must(c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("bkt"), Key: aws.String("k"), Tagging: aws.String("a=1&b=2")}))(t)
	if head := must(c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String("bkt"), Key: aws.String("k")}))(t); aws.ToInt32(head.TagCount) != 2 {
		t.Errorf("%d tags", aws.ToInt32(head.TagCount))
	}
}
