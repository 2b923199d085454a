package attack

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/brookmere/brookmere/test/nodetest"
)

// TestObjectsOfOthers tries every door to a bucket of another account's on a node that asks for
// credentials: nobody's requests, another's, forms and URLs that are not signed, or badly, and
// ids that are paths.
func TestObjectsOfOthers(t *testing.T) {
	config := filepath.Join(t.TempDir(), "node.yaml")
	if err := os.WriteFile(config, []byte("credentials:\n  - {access_key_id: OWNER, secret_access_key: one, account: \"111111111111\"}\n"+
		"  - {access_key_id: OTHER, secret_access_key: two, account: \"222222222222\"}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	n := nodetest.Start(t, nodetest.Options{Args: []string{"--config", config}})
	client := func(key, secret string) *s3.Client {
		cfg := n.AWS()
		cfg.Credentials = credentials.NewStaticCredentialsProvider(key, secret, "")
		return s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle, o.RetryMaxAttempts = true, 1 })
	}
	own, other := client("OWNER", "one"), client("OTHER", "two")
	bucket, key := "theirs", "k"
	if _, err := own.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &bucket}); err != nil {
		t.Fatal(err)
	}
	if _, err := own.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader("secret")}); err != nil {
		t.Fatal(err)
	}
	if out, err := other.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &bucket, Key: &key}); err == nil {
		out.Body.Close()
		t.Error("another account reads the object")
	}
	refused := func(method, target, contentType string, body []byte) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, n.URL+target, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", contentType)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if resp.StatusCode < 400 || resp.StatusCode >= 500 {
			answer, _ := io.ReadAll(resp.Body)
			t.Errorf("%s %s: %d %.200s", method, target, resp.StatusCode, answer)
		}
	}
	id := url.QueryEscape("../../../../theirs")
	v2 := "AWSAccessKeyId=OWNER&Expires=4102444800&Signature="
	for _, target := range []string{
		"GET /theirs/k", "PUT /theirs/k", "DELETE /theirs/k", "GET /theirs", "DELETE /theirs", "PUT /mine", "GET /",
		"GET /theirs/k?" + v2 + url.QueryEscape("AAAAAAAAAAAAAAAAAAAAAAAAAAA="), "GET /theirs/k?" + v2,
		"GET /theirs/k?AWSAccessKeyId=NOBODY&Expires=4102444800&Signature=x", "GET /theirs/k?X-Amz-Signature=x",
		"DELETE /theirs/k?uploadId=" + id, "GET /theirs/k?uploadId=" + id, "PUT /theirs/k?partNumber=1&uploadId=" + id, "GET /theirs/k?versionId=" + id,
		"PUT /theirs?policy", "PUT /theirs?acl", "POST /theirs?delete",
	} {
		method, path, _ := strings.Cut(target, " ")
		refused(method, path, "text/plain", []byte("x"))
	}
	for _, fields := range []map[string]string{
		{"key": "new"},
		{"key": "new", "policy": "e30=", "AWSAccessKeyId": "OWNER", "signature": "AAAA"},
		{"key": "new", "policy": "e30=", "x-amz-algorithm": "AWS4-HMAC-SHA256", "x-amz-credential": "OWNER/20260101/us-east-1/s3/aws4_request", "x-amz-date": "20260101T000000Z", "x-amz-signature": "00"},
	} {
		var body bytes.Buffer
		form := multipart.NewWriter(&body)
		for name, v := range fields {
			if err := form.WriteField(name, v); err != nil {
				t.Fatal(err)
			}
		}
		file, err := form.CreateFormFile("file", "f")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := file.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		if err := form.Close(); err != nil {
			t.Fatal(err)
		}
		refused("POST", "/theirs", form.FormDataContentType(), body.Bytes())
	}
	out, err := own.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		t.Fatal(err)
	}
	defer out.Body.Close()
	if got, _ := io.ReadAll(out.Body); string(got) != "secret" {
		t.Errorf("the object is now %q", got)
	}
}
