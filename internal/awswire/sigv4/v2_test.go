package sigv4

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestV2SignsWhatIsRead: of what a presigned URL says, nothing is said otherwise by headers or parameters that were added
// to it.
func TestV2SignsWhatIsRead(t *testing.T) {
	at := time.Unix(1_800_000_000, 0)
	v := verifierAt(at, "AKID", "secret")
	const expires = "1800000060"
	sign := func(text string) string {
		mac := hmac.New(sha1.New, []byte("secret"))
		mac.Write([]byte(text)) // a hash does not fail
		return "AWSAccessKeyId=AKID&Expires=" + expires + "&Signature=" + url.QueryEscape(base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	signed := sign("PUT\n\ntext/plain\n"+expires+"\nx-amz-acl:private\n/bkt/k") + "&content-type=text%2Fplain&x-amz-acl=private"
	plain := sign("PUT\n\n\n" + expires + "\n/bkt/k")
	for _, tt := range []struct {
		what, query string
		header      []string
		ok          bool
	}{
		{"as it was signed", signed, nil, true},
		{"with the same in headers", signed, []string{"X-Amz-Acl", "private", "Content-Type", "text/plain"}, true},
		{"with another header", signed, []string{"X-Amz-Acl", "public-read"}, false},
		{"with another type", signed, []string{"Content-Type", "text/html"}, false},
		{"with one more header", signed, []string{"X-Amz-Meta-A", "b"}, false},
		{"with the parameter once more", signed + "&x-amz-acl=public-read", nil, false},
		{"with the parameter beside a header", plain + "&x-amz-meta-a=b", []string{"X-Amz-Meta-A", "c"}, false},
		{"with the parameter beside an empty header", signed, []string{"X-Amz-Acl", ""}, false},
		{"with a sub-resource", signed + "&acl", nil, false},
		{"with a younger sub-resource", plain + "&encryption", nil, false},
		{"with a version", plain + "&versionId=null", nil, false},
		{"with the type of the answer", plain + "&response-content-type=text/html", nil, false},
		{"with a token", plain + "&X-Amz-Security-Token=x", nil, false},
		{"with a later end", strings.Replace(plain, expires, "1900000060", 1), nil, false},
		{"with an end before it", "Expires=1900000060&" + plain, nil, false},
		{"with the parameter in another case", signed + "&X-Amz-Acl=public-read", nil, false},
		{"with the parameter in another case before", "X-AMZ-ACL=public-read&" + signed, nil, false},
		{"with nothing", plain, nil, true},
		{"with a header that was not signed", plain, []string{"X-Amz-Acl", "public-read"}, false},
		{"with a parameter that was not signed", plain + "&x-amz-acl=public-read", nil, false},
	} {
		for range 10 { // maps have no order
			r := request(t, "PUT /bkt/k?"+tt.query+" HTTP/1.1\nHost: localhost\n\n")
			for i := 0; i < len(tt.header); i += 2 {
				r.Header.Set(tt.header[i], tt.header[i+1])
			}
			_, err := v.VerifyV2Query(r, "")
			if tt.ok && err != nil {
				t.Errorf("%s: %v", tt.what, err)
			}
			if e, is := errors.AsType[*Error](err); !tt.ok && strings.Contains(tt.query, "Token") && is && e.Code == "InvalidToken" {
				continue
			} else if !tt.ok && (!is || e.Status != http.StatusForbidden || e.Code != "SignatureDoesNotMatch" || strings.Contains(e.Message, "secret")) {
				t.Errorf("%s: %v", tt.what, err)
			}
		}
	}
}

// TestV2ToldSignature: a signature that is not in base64, as where a client leaves its + as it is, is told as any other
// that does not match.
func TestV2ToldSignature(t *testing.T) {
	v := verifierAt(time.Unix(1_800_000_000, 0), "AKID", "secret")
	for _, signature := range []string{"YWJj", "a+b=", "%%%", "", "%3D"} {
		r := request(t, "GET /bkt/k HTTP/1.1\nHost: localhost\n\n")
		r.URL.RawQuery = "AWSAccessKeyId=AKID&Expires=1800000060&Signature=" + strings.ReplaceAll(signature, "%%%", "%25")
		_, err := v.VerifyV2Query(r, "")
		e, is := errors.AsType[*Error](err)
		if !is || e.Code != "SignatureDoesNotMatch" || len(e.Fields) != 4 {
			t.Errorf("%q: %+v", signature, err)
		}
	}
}

// TestV2Header: requests as AWS's documentation of the second version signs them are taken, and not if anything is said
// otherwise that is read.
func TestV2Header(t *testing.T) {
	at := time.Date(2007, 3, 27, 19, 40, 0, 0, time.UTC)
	v := verifierAt(at, "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
	const key = "Authorization: AWS AKIAIOSFODNN7EXAMPLE:"
	const date = "Date: Tue, 27 Mar 2007 19:36:42 +0000\n"
	const puppy = key + "qgk2+6Sv9/oM7G3qLEjTH1a1l1g=\n"
	for _, tt := range []struct {
		what, request, bucket, code string
	}{
		{"get", "GET /photos/puppy.jpg HTTP/1.1\nHost: h\n" + date + puppy, "awsexamplebucket1", ""},
		{"by path", "GET /awsexamplebucket1/photos/puppy.jpg HTTP/1.1\nHost: h\n" + date + puppy, "", ""},
		{"list", "GET /?prefix=photos&max-keys=50&marker=puppy HTTP/1.1\nHost: h\nDate: Tue, 27 Mar 2007 19:42:41 +0000\n" + key + "htDYFYduRNen8P9ZfE/s9SuKy0U=\n", "johnsmith", ""},
		{"list by path", "GET /johnsmith?prefix=photos&max-keys=50&marker=puppy HTTP/1.1\nHost: h\nDate: Tue, 27 Mar 2007 19:42:41 +0000\n" + key + "htDYFYduRNen8P9ZfE/s9SuKy0U=\n", "", ""},
		{"sub-resource by path", "GET /johnsmith?acl HTTP/1.1\nHost: h\nDate: Tue, 27 Mar 2007 19:44:46 +0000\n" + key + "c2WLPFtWHVgbEmeEG93a4cG37dM=\n", "", ""},
		{"another bucket by path", "GET /johnsmit?acl HTTP/1.1\nHost: h\nDate: Tue, 27 Mar 2007 19:44:46 +0000\n" + key + "c2WLPFtWHVgbEmeEG93a4cG37dM=\n", "", "SignatureDoesNotMatch"},
		{"sub-resource", "GET /?acl HTTP/1.1\nHost: h\nDate: Tue, 27 Mar 2007 19:44:46 +0000\n" + key + "c2WLPFtWHVgbEmeEG93a4cG37dM=\n", "johnsmith", ""},
		{"other method", "DELETE /photos/puppy.jpg HTTP/1.1\nHost: h\n" + date + puppy, "awsexamplebucket1", "SignatureDoesNotMatch"},
		{"other bucket", "GET /photos/puppy.jpg HTTP/1.1\nHost: h\n" + date + puppy, "bkt", "SignatureDoesNotMatch"},
		{"another sub-resource", "GET /photos/puppy.jpg?acl HTTP/1.1\nHost: h\n" + date + puppy, "awsexamplebucket1", "SignatureDoesNotMatch"},
		{"a header", "GET /photos/puppy.jpg HTTP/1.1\nHost: h\nX-Amz-Acl: private\n" + date + puppy, "awsexamplebucket1", "SignatureDoesNotMatch"},
		{"a type", "GET /photos/puppy.jpg HTTP/1.1\nHost: h\nContent-Type: a/b\n" + date + puppy, "awsexamplebucket1", "SignatureDoesNotMatch"},
		{"a header in the query", "GET /photos/puppy.jpg?X-Amz-Acl=private HTTP/1.1\nHost: h\n" + date + puppy, "awsexamplebucket1", "AccessDenied"},
		{"an end in the query", "GET /photos/puppy.jpg?Expires=9000000000&Signature=x&AWSAccessKeyId=y HTTP/1.1\nHost: h\n" + date + puppy, "awsexamplebucket1", ""},
		{"no date", "GET /photos/puppy.jpg HTTP/1.1\nHost: h\n" + puppy, "awsexamplebucket1", "AccessDenied"},
		{"a date before 1970", "GET /photos/puppy.jpg HTTP/1.1\nHost: h\nDate: Fri, 07 Jul 1950 21:53:04 GMT\n" + puppy, "awsexamplebucket1", "AccessDenied"},
		{"another date", "GET /photos/puppy.jpg HTTP/1.1\nHost: h\nX-Amz-Date: Tue, 27 Mar 2007 19:36:43 +0000\n" + date + puppy, "awsexamplebucket1", "SignatureDoesNotMatch"},
		{"old", "GET /photos/puppy.jpg HTTP/1.1\nHost: h\nDate: Tue, 27 Mar 2007 18:36:42 +0000\n" + puppy, "awsexamplebucket1", "RequestTimeTooSkewed"},
		{"another key", "GET /photos/puppy.jpg HTTP/1.1\nHost: h\n" + date + "Authorization: AWS AKIA:qgk2+6Sv9/oM7G3qLEjTH1a1l1g=\n", "awsexamplebucket1", "InvalidAccessKeyId"},
		{"no signature", "GET /photos/puppy.jpg HTTP/1.1\nHost: h\n" + date + key + "\n", "awsexamplebucket1", "InvalidArgument"},
		{"no key", "GET /photos/puppy.jpg HTTP/1.1\nHost: h\n" + date + "Authorization: AWS x\n", "awsexamplebucket1", "InvalidArgument"},
	} {
		scope, err := v.VerifyV2Header(request(t, tt.request+"\n"), tt.bucket)
		code := ""
		if e, is := errors.AsType[*Error](err); is {
			code = e.Code
		}
		if code != tt.code || err == nil && scope.AccessKey != "AKIAIOSFODNN7EXAMPLE" {
			t.Errorf("%s: %v, %+v", tt.what, err, scope)
		}
	}
}

// TestV2Bodies: of a request that is signed in the second version, data whose hash is said is held against it, chunks are
// read, and chunks that are signed by a key of the fourth version are refused.
func TestV2Bodies(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	v := verifierAt(at, "AKID", "secret")
	for _, tt := range []struct{ hash, body, length, want string }{
		{"", "abc", "", "abc"},
		{unsignedPayload, "abc", "", "abc"},
		{hexSHA256([]byte("abc")), "abc", "", "abc"},
		{hexSHA256([]byte("abd")), "abc", "", "XAmzContentSHA256Mismatch"},
		{streamingUnsigned, "3\r\nabc\r\n0\r\n\r\n", "3", "abc"},
		{streamingSigned, "3;chunk-signature=0\r\nabc\r\n0;chunk-signature=0\r\n\r\n", "3", "NotImplemented"},
		{"x", "abc", "", "InvalidArgument"},
	} {
		r, _ := http.NewRequest("PUT", "http://h/bkt/k", strings.NewReader(tt.body))
		r.Header.Set("Date", at.Format(http.TimeFormat))
		text := "PUT\n\n\n" + r.Header.Get("Date") + "\n"
		if tt.hash != "" {
			r.Header.Set(contentSHA256, tt.hash)
			text += "x-amz-content-sha256:" + tt.hash + "\n"
		}
		if tt.length != "" {
			r.Header.Set("X-Amz-Decoded-Content-Length", tt.length)
			text += "x-amz-decoded-content-length:" + tt.length + "\n"
		}
		end := strconv.FormatInt(at.Unix()+60, 10)
		sign := func(text string) string {
			mac := hmac.New(sha1.New, []byte("secret"))
			mac.Write([]byte(text + "/bkt/k")) // a hash does not fail
			return base64.StdEncoding.EncodeToString(mac.Sum(nil))
		}
		signed, presigned := r.Clone(t.Context()), r.Clone(t.Context())
		signed.Header.Set("Authorization", "AWS AKID:"+sign(text))
		presigned.URL.RawQuery = url.Values{"AWSAccessKeyId": {"AKID"}, "Expires": {end}, "Signature": {sign(strings.Replace(text, r.Header.Get("Date"), end, 1))}}.Encode()
		presigned.Body = io.NopCloser(strings.NewReader(tt.body))
		for where, r := range map[string]*http.Request{"header": signed, "query": presigned} {
			verify := v.VerifyV2Header
			if where == "query" {
				verify = v.VerifyV2Query
			}
			r = overTheWire(t, r)
			_, err := verify(r, "")
			var body []byte
			if err == nil {
				body, err = io.ReadAll(r.Body)
			}
			got := string(body)
			if e, is := errors.AsType[*Error](err); is {
				got = e.Code
			}
			if got != tt.want {
				t.Errorf("%s, %s: %s, %v", tt.hash, where, got, err)
			}
		}
	}
}
