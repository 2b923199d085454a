package e2e

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

const emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// guarded starts a node that knows one access key.
func guarded(t *testing.T) *Node {
	t.Helper()
	file := filepath.Join(t.TempDir(), "node.yaml")
	config := "credentials:\n  - access_key_id: AKIDREAL\n    secret_access_key: secret\n"
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return Start(t, "--config", file)
}

// signing says how a request is signed; the zero value is as it should be.
type signing struct {
	key, secret, service, region string
	at                           time.Time // of the signature
	hash                         string    // declared of the body
	expires                      int       // presigned, seconds
}

func (s signing) credentials() aws.Credentials {
	c := aws.Credentials{AccessKeyID: "AKIDREAL", SecretAccessKey: "secret"}
	if s.key != "" {
		c.AccessKeyID = s.key
	}
	if s.secret != "" {
		c.SecretAccessKey = s.secret
	}
	return c
}

// sign signs a request of a service.
func sign(t *testing.T, n *Node, w wire, service string, s signing) wire {
	t.Helper()
	req, err := http.NewRequest(w.method, n.URL+w.path, bytes.NewReader(w.body))
	if err != nil {
		t.Fatal(err)
	}
	if w.header != nil {
		req.Header = w.header.Clone()
	}
	req.Header.Del("Authorization")
	sum := sha256.Sum256(w.body)
	hash := hex.EncodeToString(sum[:])
	if s.hash != "" {
		hash = s.hash
	}
	at, region := time.Now(), "us-east-1"
	if !s.at.IsZero() {
		at = s.at
	}
	if s.region != "" {
		region = s.region
	}
	if s.service != "" {
		service = s.service
	}
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = service == "s3" })
	if s.expires != 0 {
		u := *req.URL
		u.RawQuery = "X-Amz-Expires=" + strconv.Itoa(s.expires)
		if req.URL.RawQuery != "" {
			u.RawQuery += "&" + req.URL.RawQuery
		}
		req.URL = &u
		signed, _, err := signer.PresignHTTP(context.Background(), s.credentials(), req, "UNSIGNED-PAYLOAD", service, region, at)
		if err != nil {
			t.Fatal(err)
		}
		return wire{w.method, strings.TrimPrefix(signed, n.URL), nil, w.body}
	}
	if service == "s3" {
		req.Header.Set("X-Amz-Content-Sha256", hash)
	}
	if err := signer.SignHTTP(context.Background(), s.credentials(), req, hash, service, region, at); err != nil {
		t.Fatal(err)
	}
	return wire{w.method, w.path, req.Header, w.body}
}

func TestBadSignatures(t *testing.T) {
	n := guarded(t)
	ok := map[string]string{"kinesis": "ListStreams", "firehose": "ListDeliveryStreams", "glue": "GetDatabases", "athena": "ListWorkGroups"}
	for _, a := range apis {
		w := a.call(ok[a.name], "{}")
		good := sign(t, n, w, a.name, signing{})
		auth := good.header.Get("Authorization")
		unsigned := w.with("Authorization", "")
		unsigned.header.Del("Authorization")
		for _, test := range []struct {
			name string
			wire wire
			want string
		}{
			{"good", good, "200"},
			{"none", unsigned, "400 MissingAuthenticationTokenException|403 MissingAuthenticationTokenException"},
			{"an unknown key", sign(t, n, w, a.name, signing{key: "AKIDOTHER"}), "400 UnrecognizedClientException"},
			{"another secret", sign(t, n, w, a.name, signing{secret: "other"}), "400 InvalidSignatureException"},
			{"an hour ago", sign(t, n, w, a.name, signing{at: time.Now().Add(-time.Hour)}), "400 InvalidSignatureException"},
			{"in an hour", sign(t, n, w, a.name, signing{at: time.Now().Add(time.Hour)}), "400 InvalidSignatureException"},
			{"a minute ago", sign(t, n, w, a.name, signing{at: time.Now().Add(-time.Minute)}), "200"},
			{"another service", sign(t, n, w, a.name, signing{service: "ec2"}), "400 InvalidSignatureException"},
			{"another body", wire{good.method, good.path, good.header, []byte(`{ }`)}, "400 InvalidSignatureException"},
			{"another target", good.with("X-Amz-Target", a.target+"."+a.operation), "400 InvalidSignatureException"},
			{"another date", good.with("X-Amz-Date", time.Now().UTC().Add(time.Second).Format("20060102T150405Z")), "400 InvalidSignatureException"},
			{"no date", good.with("X-Amz-Date", ""), "400 IncompleteSignatureException|400 InvalidSignatureException"},
			{"half of it", good.with("Authorization", auth[:len(auth)-90]), "400 IncompleteSignatureException|400 InvalidSignatureException"},
			{"a signature of no hex", good.with("Authorization", auth[:len(auth)-4]+"zzzz"), "400 InvalidSignatureException|400 IncompleteSignatureException"},
			{"no credential", good.with("Authorization", "AWS4-HMAC-SHA256 SignedHeaders=host, Signature=00"), "400 IncompleteSignatureException"},
			{"nonsense", good.with("Authorization", "AWS4-HMAC-SHA256 "+strings.Repeat("=,", 5000)), "400 IncompleteSignatureException"},
			{"another scheme", good.with("Authorization", "Basic dTpw"), "400 IncompleteSignatureException|400 MissingAuthenticationTokenException|403 MissingAuthenticationTokenException"},
			{"bytes", good.with("Authorization", "AWS4-HMAC-SHA256 Credential=\xff\xfe/20240101/x/y/aws4_request, SignedHeaders=host, Signature=00"), "400 IncompleteSignatureException|400 UnrecognizedClientException|400 InvalidSignatureException|400 UnknownOperationException"},
		} {
			t.Run(a.name+"/"+test.name, func(t *testing.T) { expect(t, n, test.wire, test.want) })
		}
	}
	form := wire{"POST", "/", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, []byte("Action=GetCallerIdentity&Version=2011-06-15")}
	for _, test := range []struct {
		name string
		wire wire
		want string
	}{
		{"good", sign(t, n, form, "sts", signing{}), "200"},
		{"none", form, "403 MissingAuthenticationToken"},
		{"an unknown key", sign(t, n, form, "sts", signing{key: "AKIDOTHER"}), "403 InvalidClientTokenId"},
		{"another secret", sign(t, n, form, "sts", signing{secret: "other"}), "403 SignatureDoesNotMatch"},
		{"an hour ago", sign(t, n, form, "sts", signing{at: time.Now().Add(-time.Hour)}), "403 SignatureDoesNotMatch"},
	} {
		t.Run("sts/"+test.name, func(t *testing.T) { expect(t, n, test.wire, test.want) })
	}
	// What is not refused would be open to all: the node's own pages but for its health.
	if status, _, _ := send(t, n, wire{"POST", "/_brookmere/reset", nil, nil}); status == 200 {
		t.Log("a reset needs no signature on loopback")
	}
}

// chunk is a piece of a streaming upload with its signature.
func chunk(data, signature string) string {
	return fmt.Sprintf("%x;chunk-signature=%s\r\n%s\r\n", len(data), signature, data)
}

// chunked signs an upload in chunks; the signature of the n-th is spoiled.
func chunked(t *testing.T, n *Node, path string, spoil int, chunks ...string) wire {
	t.Helper()
	length := 0
	for _, c := range chunks {
		length += len(c)
	}
	w := wire{"PUT", path, http.Header{
		"X-Amz-Decoded-Content-Length": {strconv.Itoa(length)}, "Content-Encoding": {"aws-chunked"},
	}, nil}
	now := time.Now().UTC()
	w = sign(t, n, w, "s3", signing{at: now, hash: "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"})
	auth := w.header.Get("Authorization")
	previous := auth[strings.LastIndexByte(auth, '=')+1:]
	scope := now.Format("20060102") + "/us-east-1/s3/aws4_request"
	key := []byte("AWS4secret")
	for _, part := range strings.Split(scope, "/") {
		key = mac(key, part)
	}
	var b strings.Builder
	for i, c := range append(chunks, "") {
		sum := sha256.Sum256([]byte(c))
		text := strings.Join([]string{"AWS4-HMAC-SHA256-PAYLOAD", now.Format("20060102T150405Z"), scope, previous, emptyHash, hex.EncodeToString(sum[:])}, "\n")
		previous = hex.EncodeToString(mac(key, text))
		if i == spoil {
			b.WriteString(chunk(c, strings.Repeat("0", 64)))
			continue
		}
		b.WriteString(chunk(c, previous))
	}
	w.body = []byte(b.String())
	return w
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func TestBadSignaturesS3(t *testing.T) {
	n := guarded(t)
	put := wire{"PUT", "/lake/key", nil, []byte("hello")}
	get := wire{"GET", "/lake/key", nil, nil}
	expect(t, n, sign(t, n, wire{"PUT", "/lake", nil, nil}, "s3", signing{}), "200")
	expect(t, n, sign(t, n, put, "s3", signing{}), "200")
	good := sign(t, n, get, "s3", signing{})
	presigned := sign(t, n, get, "s3", signing{expires: 60})
	spoiled := func(old, new string) wire {
		return wire{"GET", strings.Replace(presigned.path, old, new, 1), nil, nil}
	}
	long := strings.Repeat("hello ", 1500) // S3 takes no shorter chunk before another
	stream := chunked(t, n, "/lake/streamed", -1, long, "world")
	lie := sign(t, n, put, "s3", signing{hash: emptyHash})
	for _, test := range []struct {
		name string
		wire wire
		want string
	}{
		{"good", good, "200"},
		{"none", get, "403 AccessDenied"},
		{"none, a bucket", wire{"PUT", "/other", nil, nil}, "403 AccessDenied"},
		{"an unknown key", sign(t, n, get, "s3", signing{key: "AKIDOTHER"}), "403 InvalidAccessKeyId"},
		{"another secret", sign(t, n, get, "s3", signing{secret: "other"}), "403 SignatureDoesNotMatch"},
		{"an hour ago", sign(t, n, get, "s3", signing{at: time.Now().Add(-time.Hour)}), "403 RequestTimeTooSkewed"},
		{"in an hour", sign(t, n, get, "s3", signing{at: time.Now().Add(time.Hour)}), "403 RequestTimeTooSkewed"},
		{"another key of the bucket", wire{"GET", "/lake/other", good.header, nil}, "403 SignatureDoesNotMatch"},
		{"another query", wire{"GET", "/lake/key?versionId=1", good.header, nil}, "403 SignatureDoesNotMatch"},
		{"a header that is not signed", good.with("X-Amz-Acl", "public-read"), "403 AccessDenied|403 SignatureDoesNotMatch"},
		{"a body of another hash", lie, "400 XAmzContentSHA256Mismatch"},
		{"another body", wire{"PUT", "/lake/key", sign(t, n, put, "s3", signing{}).header, []byte("olleh")}, "400 XAmzContentSHA256Mismatch"},
		{"a hash that is none", sign(t, n, put, "s3", signing{hash: "abc"}), "400 InvalidArgument"},
		{"no hash", good.with("X-Amz-Content-Sha256", ""), "400 InvalidRequest|403 SignatureDoesNotMatch|400 InvalidArgument"},
		{"nonsense", good.with("Authorization", "AWS4-HMAC-SHA256 x"), "400 AuthorizationHeaderMalformed"},
		{"version 2, another signature", good.with("Authorization", "AWS AKIDREAL:c2ln"), "403 SignatureDoesNotMatch"},

		{"presigned", presigned, "200"},
		{"presigned, expired", sign(t, n, get, "s3", signing{expires: 60, at: time.Now().Add(-time.Hour)}), "403 AccessDenied"},
		{"presigned for later", sign(t, n, get, "s3", signing{expires: 60, at: time.Now().Add(time.Hour)}), "403 AccessDenied"},
		{"presigned for 8 days", sign(t, n, get, "s3", signing{expires: 691200}), "400 AuthorizationQueryParametersError"},
		{"presigned for less than nothing", sign(t, n, get, "s3", signing{expires: -1}), "400 AuthorizationQueryParametersError"},
		{"presigned, another key", spoiled("/lake/key", "/lake/kez"), "403 SignatureDoesNotMatch"},
		{"presigned, longer", spoiled("X-Amz-Expires=60", "X-Amz-Expires=600"), "403 SignatureDoesNotMatch"},
		{"presigned, expires in words", spoiled("X-Amz-Expires=60", "X-Amz-Expires=soon"), "400 AuthorizationQueryParametersError"},
		{"presigned, no signature", wire{"GET", strings.Split(presigned.path, "&X-Amz-Signature")[0], nil, nil}, "400 AuthorizationQueryParametersError"},
		{"presigned, another algorithm", spoiled("AWS4-HMAC-SHA256", "AWS5"), "400 AuthorizationQueryParametersError|400 InvalidRequest"},
		{"presigned, used to write", wire{"PUT", presigned.path, nil, []byte("x")}, "403 SignatureDoesNotMatch"},
		{"presigned and signed", wire{"GET", presigned.path, good.header, nil}, "400 InvalidArgument|403 SignatureDoesNotMatch|200"},

		{"chunks", stream, "200"},
		{"chunks that are too short", chunked(t, n, "/lake/streamed", -1, "hello", "world"), "403 InvalidChunkSizeError"},
		{"chunks, the first spoiled", chunked(t, n, "/lake/streamed", 0, long, "world"), "403 SignatureDoesNotMatch"},
		{"chunks, the last spoiled", chunked(t, n, "/lake/streamed", 2, long, "world"), "403 SignatureDoesNotMatch"},
		{"chunks that end early", wire{"PUT", "/lake/streamed", stream.header, stream.body[:len(stream.body)-40]}, "400 IncompleteBody|400 InvalidRequest|403 SignatureDoesNotMatch"},
		{"chunks and more", wire{"PUT", "/lake/streamed", stream.header, append(bytes.Clone(stream.body), "more"...)}, "400 InvalidRequest|200|400 IncompleteBody"},
		{"chunks of a length that is none", wire{"PUT", "/lake/streamed", stream.header, []byte("zz;chunk-signature=0\r\n")}, "400 InvalidRequest|400 IncompleteBody"},
		{"a chunk as long as memory", wire{"PUT", "/lake/streamed", stream.header, []byte("7fffffffffffffff;chunk-signature=" + strings.Repeat("0", 64) + "\r\nx")}, "400 InvalidRequest|400 IncompleteBody|400 InvalidChunkSizeError"},
	} {
		t.Run(test.name, func(t *testing.T) { expect(t, n, test.wire, test.want) })
	}
	// Nothing that was refused has been written.
	if _, _, body := send(t, n, sign(t, n, get, "s3", signing{})); body != "hello" {
		t.Errorf("the object is now %q", body)
	}
}

func TestBadInputS3(t *testing.T) {
	n := Start(t)
	key := "/lake/" + strings.Repeat("k/", 510)
	expect(t, n, wire{"PUT", "/lake", nil, nil}, "200")
	expect(t, n, wire{"PUT", "/lake/a", nil, []byte("0123456789")}, "200")
	h := func(kv ...string) http.Header {
		out := http.Header{}
		for i := 0; i < len(kv); i += 2 {
			out.Set(kv[i], kv[i+1])
		}
		return out
	}
	many := "<Delete>" + strings.Repeat("<Object><Key>k</Key></Object>", 1001) + "</Delete>"
	md5 := h("Content-Md5", "AAAAAAAAAAAAAAAAAAAAAA==")
	for _, test := range []struct {
		name string
		wire wire
		want string
	}{
		{"no bucket", wire{"GET", "/none", nil, nil}, "404 NoSuchBucket"},
		{"no bucket for a key", wire{"PUT", "/none/k", nil, []byte("x")}, "404 NoSuchBucket"},
		{"no key", wire{"GET", "/lake/none", nil, nil}, "404 NoSuchKey"},
		{"no key, its head", wire{"HEAD", "/lake/none", nil, nil}, "404"},
		{"a bucket name in capitals", wire{"PUT", "/Lake", nil, nil}, "400 InvalidBucketName"},
		{"a bucket name of two", wire{"PUT", "/ab", nil, nil}, "400 InvalidBucketName"},
		{"a bucket name of dots", wire{"PUT", "/a..b", nil, nil}, "400 InvalidBucketName"},
		{"a bucket name of 64", wire{"PUT", "/" + strings.Repeat("a", 64), nil, nil}, "400 InvalidBucketName"},
		{"a bucket that is not empty", wire{"DELETE", "/lake", nil, nil}, "409 BucketNotEmpty"},
		{"a key of 1,025", wire{"PUT", "/lake/" + strings.Repeat("k", 1025), nil, nil}, "400 KeyTooLongError"},
		{"a deep key", wire{"PUT", key[:len(key)-1] + "kk", nil, []byte("x")}, "200"},
		{"a key that leads out", wire{"PUT", "/lake/..%2f..%2fx", nil, []byte("x")}, "400 InvalidURI"},
		{"a key with a NUL", wire{"PUT", "/lake/a%00b", nil, []byte("x")}, "400 InvalidArgument"},
		{"a key that is no UTF-8", wire{"PUT", "/lake/a%ff", nil, []byte("x")}, "200|400 InvalidURI|400 InvalidArgument"},
		{"a method that is none", wire{"PATCH", "/lake/a", nil, nil}, "405 MethodNotAllowed"},
		{"a post to a key", wire{"POST", "/lake/a", nil, nil}, "405 MethodNotAllowed|400 InvalidRequest|412"},
		{"a range after the end", wire{"GET", "/lake/a", h("Range", "bytes=100-"), nil}, "416 InvalidRange"},
		{"a range that is none", wire{"GET", "/lake/a", h("Range", "bytes=x-y"), nil}, "200"},
		{"an MD5 that is none", wire{"PUT", "/lake/b", h("Content-Md5", "x"), []byte("x")}, "400 InvalidDigest"},
		{"another MD5", wire{"PUT", "/lake/b", md5, []byte("x")}, "400 BadDigest"},
		{"another CRC32", wire{"PUT", "/lake/b", h("X-Amz-Checksum-Crc32", "AAAAAA=="), []byte("x")}, "400 BadDigest|400 XAmzContentChecksumMismatch"},
		{"a CRC32 that is none", wire{"PUT", "/lake/b", h("X-Amz-Checksum-Crc32", "?"), []byte("x")}, "400 InvalidRequest"},
		{"copy of nothing", wire{"PUT", "/lake/c", h("X-Amz-Copy-Source", "/lake/none"), nil}, "404 NoSuchKey"},
		{"copy of nonsense", wire{"PUT", "/lake/c", h("X-Amz-Copy-Source", "%zz"), nil}, "400 InvalidArgument"},
		{"copy from outside", wire{"PUT", "/lake/c", h("X-Amz-Copy-Source", "/lake/../../etc/passwd"), nil}, "404 NoSuchKey|400 InvalidArgument"},
		{"broken XML", wire{"POST", "/lake?delete", md5Of("<Delete>"), []byte("<Delete>")}, "400 MalformedXML"},
		{"no XML", wire{"POST", "/lake?delete", md5Of("{}"), []byte("{}")}, "400 MalformedXML"},
		{"nothing for XML", wire{"POST", "/lake?delete", md5Of(""), nil}, "400 MalformedXML|400 MissingRequestBodyError"},
		{"1,001 deletes", wire{"POST", "/lake?delete", md5Of(many), []byte(many)}, "400 MalformedXML"},
		{"deep XML", wire{"POST", "/lake?delete", md5Of(strings.Repeat("<a>", 100_000)), []byte(strings.Repeat("<a>", 100_000))}, "400 MalformedXML"},
		{"an XML bomb", wire{"POST", "/lake?delete", md5Of(bomb), []byte(bomb)}, "400 MalformedXML"},
		{"XML for tags", wire{"PUT", "/lake/a?tagging", nil, []byte("<Tagging><TagSet>")}, "400 MalformedXML"},
		{"a list of less than nothing", wire{"GET", "/lake?max-keys=-1", nil, nil}, "400 InvalidArgument"},
		{"a list of words", wire{"GET", "/lake?list-type=2&max-keys=many", nil, nil}, "400 InvalidArgument"},
		{"a list from nonsense", wire{"GET", "/lake?list-type=2&continuation-token=%00%ff", nil, nil}, "400 InvalidArgument|200"},
		{"an upload that is none", wire{"PUT", "/lake/a?uploadId=none&partNumber=1", nil, []byte("x")}, "404 NoSuchUpload"},
		{"part 0", wire{"PUT", "/lake/a?uploadId=none&partNumber=0", nil, []byte("x")}, "400 InvalidArgument"},
		{"part 10,001", wire{"PUT", "/lake/a?uploadId=none&partNumber=10001", nil, []byte("x")}, "400 InvalidArgument"},
		{"a part of words", wire{"PUT", "/lake/a?uploadId=none&partNumber=one", nil, []byte("x")}, "400 InvalidArgument"},
		{"an upload that leads out", wire{"PUT", "/lake/a?partNumber=1&uploadId=" + url.QueryEscape("../../../x"), nil, []byte("x")}, "404 NoSuchUpload"},
		{"a condition that does not hold", wire{"PUT", "/lake/a", h("If-None-Match", "*"), []byte("x")}, "412 PreconditionFailed"},
		{"an ACL that is none", wire{"PUT", "/lake/d", h("X-Amz-Acl", "nonsense"), []byte("x")}, "400 InvalidArgument|200"},
		{"metadata of 3,000", wire{"PUT", "/lake/d", h("X-Amz-Meta-A", strings.Repeat("a", 3000)), []byte("x")}, "400 MetadataTooLarge"},
	} {
		t.Run(test.name, func(t *testing.T) { expect(t, n, test.wire, test.want) })
	}
	expect(t, n, wire{"GET", "/lake/a", nil, nil}, "200")
}

// bomb is XML that would be a gigabyte.
const bomb = `<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]><Delete><Object><Key>&c;</Key></Object></Delete>`

func md5Of(body string) http.Header {
	sum := md5.Sum([]byte(body))
	return http.Header{"Content-Md5": {base64.StdEncoding.EncodeToString(sum[:])}}
}
