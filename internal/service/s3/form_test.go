package s3

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"mime/multipart"
	"path/filepath"
	"strings"
	"testing"

	"github.com/brookmere/brookmere/internal/awswire"
)

// TestFormConditions: what a policy says of a form is held as S3 holds it, and what fails is told as it was written.
func TestFormConditions(t *testing.T) {
	n := openConfig(t, Config{Dir: filepath.Join(t.TempDir(), "objects"), Holder: func(context.Context, string, string) (string, awswire.Caller, bool) {
		return "secret", awswire.Caller{Account: "000000000000"}, true
	}})
	c := n.client("000000000000", "us-east-1")
	makeBucket(t, c, "bkt")
	const key = `["starts-with", "$key", ""]`
	failed := func(what string) string {
		return "Invalid according to Policy: Policy Condition failed: " + what
	}
	for _, v := range []struct {
		conditions, key string
		named           bool // the file
		status          int
		text            string // part of the error, or the object's key
	}{
		{key, "a-${filename}", true, 204, "a-f"},
		{key, "a-${filename}", false, 204, "a-${filename}"}, // a file without a name replaces nothing
		{`["eq", "$key", "k"]`, "k", true, 204, "k"},
		{`["eq", "$key", "K"]`, "k", true, 403, failed(`["eq", "$key", "K"]`)},
		{`["eq", "key", "k"]`, "k", true, 403, failed(`["eq", "key", "k"]`)}, // the name of no field
		{`["starts-with", "key", ""]`, "k", true, 403, failed(`["starts-with", "key", ""]`)},
		{key + `, ["content-length-range", 1, 10]`, "k", true, 204, "k"},
		{key + `, ["content-length-range", "1", "10"]`, "k", true, 204, "k"},
		{key + `, ["content-length-range", "test", "10"]`, "k", true, 403, failed(`["content-length-range", "test", "10"]`)},
		{key + `, ["content-length-range", "test", 10000000]`, "k", true, 403, failed(`["content-length-range", "test", "10000000"]`)},
		{key + `, ["content-length-range", 2, 10]`, "k", true, 400, "<ProposedSize>1<"},
	} {
		policy := base64.StdEncoding.EncodeToString([]byte(`{"expiration": "2999-01-01T00:00:00Z", "conditions": [{"bucket": "bkt"}, ` + v.conditions + `]}`))
		mac := hmac.New(sha1.New, []byte("secret"))
		mac.Write([]byte(policy)) // a hash does not fail
		var body bytes.Buffer
		w := multipart.NewWriter(&body)
		for _, f := range [][2]string{{"key", v.key}, {"policy", policy}, {"AWSAccessKeyId", "me"}, {"signature", base64.StdEncoding.EncodeToString(mac.Sum(nil))}} {
			must(0, w.WriteField(f[0], f[1]))(t)
		}
		if v.named {
			must(must(w.CreateFormFile("file", "f"))(t).Write([]byte("x")))(t)
		} else {
			must(0, w.WriteField("file", "x"))(t)
		}
		must(0, w.Close())(t)
		status, text, _ := n.raw(t, "POST", "/bkt", body.String(), "Content-Type", w.FormDataContentType())
		switch {
		case status != v.status, status >= 400 && !strings.Contains(strings.ReplaceAll(text, "&quot;", `"`), v.text):
			t.Errorf("%s: %d %s", v.conditions, status, text)
		case status < 400:
			get(t, c, "bkt", v.text)
		}
	}
}
