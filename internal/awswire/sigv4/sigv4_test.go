package sigv4

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc64"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/jonboulle/clockwork"
)

func verifierAt(t time.Time, key, secret string) *Verifier {
	return &Verifier{
		Clock: clockwork.NewFakeClockAt(t),
		Lookup: func(_ context.Context, k, _ string) (Credentials, bool) {
			return Credentials{Secret: secret}, k == key
		},
	}
}

// request reads a request as a server does.
func request(t *testing.T, text string) *http.Request {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(strings.ReplaceAll(text, "\n", "\r\n"))))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// The vectors of AWS's Signature Version 4 test suite; all are signed by AKIDEXAMPLE at
// 20150830T123600Z for us-east-1 and "service".
func TestSuiteVectors(t *testing.T) {
	at := time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC)
	for _, tt := range []struct{ name, head, body, signed, signature string }{
		{"get-vanilla", "GET / HTTP/1.1\nHost:example.amazonaws.com\nX-Amz-Date:20150830T123600Z\n", "", "host;x-amz-date", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
		{"get-vanilla-empty-query-key", "GET /?Param1=value1 HTTP/1.1\nHost:example.amazonaws.com\nX-Amz-Date:20150830T123600Z\n", "", "host;x-amz-date", "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"},
		{"get-vanilla-query-order-key-case", "GET /?Param2=value2&Param1=value1 HTTP/1.1\nHost:example.amazonaws.com\nX-Amz-Date:20150830T123600Z\n", "", "host;x-amz-date", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
		{"get-unreserved", "GET /-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz HTTP/1.1\nHost:example.amazonaws.com\nX-Amz-Date:20150830T123600Z\n", "", "host;x-amz-date", "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
		{"get-header-value-trim", "GET / HTTP/1.1\nHost:example.amazonaws.com\nMy-Header1: value1\nMy-Header2: \"a   b   c\"\nX-Amz-Date:20150830T123600Z\n", "", "host;my-header1;my-header2;x-amz-date", "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
		{"get-header-key-duplicate", "GET / HTTP/1.1\nHost:example.amazonaws.com\nMy-Header1:value2\nMy-Header1:value2\nMy-Header1:value1\nX-Amz-Date:20150830T123600Z\n", "", "host;my-header1;x-amz-date", "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"},
		{"get-vanilla-utf8-query", "GET /?%E1%88%B4=bar HTTP/1.1\nHost:example.amazonaws.com\nX-Amz-Date:20150830T123600Z\n", "", "host;x-amz-date", "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"},
		{"get-relative", "GET /example/.. HTTP/1.1\nHost:example.amazonaws.com\nX-Amz-Date:20150830T123600Z\n", "", "host;x-amz-date", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
		{"get-slash", "GET // HTTP/1.1\nHost:example.amazonaws.com\nX-Amz-Date:20150830T123600Z\n", "", "host;x-amz-date", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
		{"post-vanilla", "POST / HTTP/1.1\nHost:example.amazonaws.com\nX-Amz-Date:20150830T123600Z\n", "", "host;x-amz-date", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
		{"post-header-key-sort", "POST / HTTP/1.1\nHost:example.amazonaws.com\nMy-Header1:value1\nX-Amz-Date:20150830T123600Z\n", "", "host;my-header1;x-amz-date", "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"},
		{"post-x-www-form-urlencoded", "POST / HTTP/1.1\nContent-Type:application/x-www-form-urlencoded\nHost:example.amazonaws.com\nX-Amz-Date:20150830T123600Z\nContent-Length: 13\n", "Param1=value1", "content-type;host;x-amz-date", "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
	} {
		auth := "Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=" + tt.signed + ", Signature="
		v := verifierAt(at, "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
		r := request(t, tt.head+auth+tt.signature+"\n\n"+tt.body)
		scope, err := v.Verify(r, "")
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if want := (Scope{"AKIDEXAMPLE", "20150830", "us-east-1", "service", false, ""}); scope != want {
			t.Errorf("%s: scope %+v", tt.name, scope)
		}
		if b, _ := io.ReadAll(r.Body); string(b) != tt.body {
			t.Errorf("%s: body %q", tt.name, b)
		}
		last := byte('0')
		if tt.signature[63] == '0' {
			last = '1'
		}
		if _, err := v.Verify(request(t, tt.head+auth+tt.signature[:63]+string(last)+"\n\n"+tt.body), ""); code(err) != "InvalidSignatureException" {
			t.Errorf("%s: forged: %v", tt.name, err)
		}
	}
}

func code(err error) string {
	if e := AsError(err); e != nil {
		return e.Code
	}
	return fmt.Sprint(err)
}

const (
	docsKey    = "AKIAIOSFODNN7EXAMPLE"
	docsSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
	docsAuth   = "Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders="
)

var docsTime = time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC)

// The examples of the S3 API reference, "Authenticating Requests".
func TestS3Examples(t *testing.T) {
	v := verifierAt(docsTime, docsKey, docsSecret)
	for _, tt := range []struct{ name, text string }{
		{"get object", "GET /test.txt HTTP/1.1\nHost: examplebucket.s3.amazonaws.com\n" + docsAuth + "host;range;x-amz-content-sha256;x-amz-date,Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41\nRange: bytes=0-9\nx-amz-content-sha256:" + emptySHA256 + "\nx-amz-date: 20130524T000000Z\n\n"},
		{"put object", "PUT /test%24file.text HTTP/1.1\nHost: examplebucket.s3.amazonaws.com\nDate: Fri, 24 May 2013 00:00:00 GMT\n" + docsAuth + "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class,Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd\nx-amz-date: 20130524T000000Z\nx-amz-storage-class: REDUCED_REDUNDANCY\nx-amz-content-sha256: 44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072\nContent-Length: 21\n\nWelcome to Amazon S3."},
		{"lifecycle", "GET /?lifecycle HTTP/1.1\nHost: examplebucket.s3.amazonaws.com\n" + docsAuth + "host;x-amz-content-sha256;x-amz-date,Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543\nx-amz-date: 20130524T000000Z\nx-amz-content-sha256:" + emptySHA256 + "\n\n"},
		{"list", "GET /?max-keys=2&prefix=J HTTP/1.1\nHost: examplebucket.s3.amazonaws.com\n" + docsAuth + "host;x-amz-content-sha256;x-amz-date,Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7\nx-amz-date: 20130524T000000Z\nx-amz-content-sha256:" + emptySHA256 + "\n\n"},
		{"presigned", "GET /test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404 HTTP/1.1\nHost: examplebucket.s3.amazonaws.com\n\n"},
	} {
		r := request(t, tt.text)
		if _, err := v.Verify(r, "s3"); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		} else if _, err := io.ReadAll(r.Body); err != nil {
			t.Errorf("%s: body: %v", tt.name, err)
		}
	}
}

// The chunked upload examples of the S3 API reference.
func chunkedExample(t *testing.T, trailer bool) *http.Request {
	sigs := [4]string{"4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9", "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648", "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497", "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"}
	signed := "content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class"
	form, extra, end, length := streamingSigned, "", "\r\n", 66824
	if trailer {
		sigs = [4]string{"106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e", "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2", "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7", "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992"}
		signed = "content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class;x-amz-trailer"
		form += trailerSuffix
		extra = "x-amz-trailer: x-amz-checksum-crc32c\r\n"
		end = "x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n"
	}
	body := "10000;chunk-signature=" + sigs[1] + "\r\n" + strings.Repeat("a", 65536) + "\r\n400;chunk-signature=" + sigs[2] + "\r\n" + strings.Repeat("a", 1024) + "\r\n0;chunk-signature=" + sigs[3] + "\r\n" + end
	if trailer {
		length = len(body)
	}
	text := "PUT /examplebucket/chunkObject.txt HTTP/1.1\r\nHost: s3.amazonaws.com\r\nx-amz-date: 20130524T000000Z\r\nx-amz-storage-class: REDUCED_REDUNDANCY\r\n" + extra +
		docsAuth + signed + ",Signature=" + sigs[0] + "\r\nx-amz-content-sha256: " + form + "\r\nContent-Encoding: aws-chunked\r\nx-amz-decoded-content-length: 66560\r\nContent-Length: " + fmt.Sprint(length) + "\r\n\r\n" + body
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text)))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestTrailersOfMinIO: MinIO's clients end a signed trailer with a newline and an empty line.
func TestTrailersOfMinIO(t *testing.T) {
	v := verifierAt(docsTime, docsKey, docsSecret)
	whole, err := io.ReadAll(chunkedExample(t, true).Body)
	if err != nil {
		t.Fatal(err)
	}
	body := strings.Replace(string(whole), "sOO8/Q==\r\n", "sOO8/Q==\n\r\n", 1)
	for sent, want := range map[string]string{body: "", strings.Replace(body, "sOO8", "sOO9", 1): "SignatureDoesNotMatch", strings.TrimSuffix(body, "x-amz-trailer-signature:"+strings.SplitAfter(body, "x-amz-trailer-signature:")[1]): "IncompleteBody"} {
		r := chunkedExample(t, true)
		r.Body = io.NopCloser(strings.NewReader(sent))
		if _, err := v.Verify(r, "s3"); err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(r.Body); want == "" && (err != nil || len(b) != 66560) || want != "" && (AsError(err) == nil || AsError(err).Code != want) {
			t.Errorf("%d bytes, %v, want %s", len(b), err, want)
		}
	}
}

func TestS3Chunked(t *testing.T) {
	v := verifierAt(docsTime, docsKey, docsSecret)
	for _, trailer := range []bool{false, true} {
		r := chunkedExample(t, trailer)
		if _, err := v.Verify(r, "s3"); err != nil {
			t.Errorf("trailer %t: %v", trailer, err)
			continue
		}
		b, err := io.ReadAll(r.Body)
		if err != nil || len(b) != 66560 || strings.Trim(string(b), "a") != "" || r.ContentLength != 66560 || r.Header.Get("Content-Encoding") != "" {
			t.Errorf("trailer %t: %d bytes, %v", trailer, len(b), err)
		}
		if trailer && r.Body.(*Chunked).Trailer()["x-amz-checksum-crc32c"] != "sOO8/Q==" {
			t.Errorf("trailers %v", r.Body.(*Chunked).Trailer())
		}

		// A changed byte is found, wherever it is, and the length is never reached.
		whole, _ := io.ReadAll(chunkedExample(t, trailer).Body)
		for _, at := range []int{100, 65536 + 100, 65536 + 300, len(whole) - 70, len(whole) - 10} {
			bad := bytes.Clone(whole)
			bad[at] ^= 1
			r := chunkedExample(t, trailer)
			r.Body = io.NopCloser(bytes.NewReader(bad))
			if _, err := v.Verify(r, "s3"); err != nil {
				t.Fatal(err)
			}
			if b, err := io.ReadAll(r.Body); err == nil || len(b) == 66560 {
				t.Errorf("trailer %t, byte %d: %d bytes, %v", trailer, at, len(b), err)
			}
		}
		for _, more := range []string{"x", "0\r\n\r\n", "\r\nx", strings.Repeat("\r\n", maxLine)} {
			r := chunkedExample(t, trailer)
			r.Body = io.NopCloser(strings.NewReader(string(whole) + more))
			if _, err := v.Verify(r, "s3"); err != nil {
				t.Fatal(err)
			}
			if b, err := io.ReadAll(r.Body); err == nil || len(b) == 66560 {
				t.Errorf("trailer %t, %.9q behind the end: %d bytes, %v", trailer, more, len(b), err)
			}
		}
		for _, cut := range []int{1, 3, 90, 2000} {
			r := chunkedExample(t, trailer)
			r.Body = io.NopCloser(bytes.NewReader(whole[:len(whole)-cut]))
			if _, err := v.Verify(r, "s3"); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadAll(r.Body); err == nil && cut > 3 {
				t.Errorf("trailer %t, cut %d: no error", trailer, cut)
			}
		}
	}
}

func TestUnsignedTrailer(t *testing.T) {
	for _, tt := range []struct{ name, sum, want string }{
		{"x-amz-checksum-crc32", "y/Q5Jg==", ""}, // of "123456789"
		{"x-amz-checksum-crc32c", "4waSgw==", ""},
		{"x-amz-checksum-crc64nvme", "rosUhgp5mIg=", ""},
		{"x-amz-checksum-sha1", "98O8HYCOBHMqCdnkYKbNbmBCIe4=", "BadDigest"},
		{"x-amz-checksum-sha256", "FeKw0Q==", "InvalidRequest"},
		{"x-amz-checksum-other", "any", ""},
	} {
		r := httptest.NewRequest("PUT", "/b/k", strings.NewReader("9\r\n123456789\r\n0\r\n"+tt.name+":"+tt.sum+"\r\n\r\n"))
		r.Header.Set(contentSHA256, streamingUnsigned)
		r.Header.Set("X-Amz-Decoded-Content-Length", "9")
		r.Header.Set("X-Amz-Trailer", tt.name)
		r.Header.Set("Content-Encoding", "aws-chunked,gzip")
		if err := Unwrap(r); err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r.Body)
		got := ""
		if err != nil {
			got = code(err)
		}
		if got != tt.want || got == "" && string(b) != "123456789" {
			t.Errorf("%s: %q %v", tt.name, b, err)
		}
		if r.Header.Get("Content-Encoding") != "gzip" {
			t.Errorf("Content-Encoding %q", r.Header.Get("Content-Encoding"))
		}
	}
	if got := crc64.Checksum([]byte("123456789"), nvme); got != 0xae8b14860a799888 {
		t.Errorf("CRC-64/NVME check value %x", got)
	}
}

// The SDK's signer is the other side.
func TestSDKSigner(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	cred := aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "secret", SessionToken: "token"}
	v := &Verifier{Clock: clockwork.NewFakeClockAt(now), Lookup: func(context.Context, string, string) (Credentials, bool) {
		return Credentials{Secret: "secret", SessionToken: "token"}, true
	}}
	for _, service := range []string{"kinesis", "s3", "sts"} {
		signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = service == "s3" })
		for _, url := range []string{"http://h.example:4566/", "http://h/a%20b/c%2Fd+e/é?x=1&x=0&y=a%20b%2B&z", "http://h/a//b/../c:;,@$%25?k=%25"} {
			body := "{\"a\":1}"
			sum := sha256.Sum256([]byte(body))
			hash := hex.EncodeToString(sum[:])
			r, _ := http.NewRequest("POST", url, strings.NewReader(body))
			r.Header.Set("X-Amz-Target", "Kinesis_20131202.ListStreams")
			if service == "s3" {
				r.Header.Set(contentSHA256, hash)
			}
			if err := signer.SignHTTP(t.Context(), cred, r, hash, service, "eu-west-1", now); err != nil {
				t.Fatal(err)
			}
			if _, err := v.Verify(overTheWire(t, r), service); err != nil {
				t.Errorf("%s %s: %v", service, url, err)
			}
			r, _ = http.NewRequest("GET", url, nil)
			q := r.URL.Query()
			q.Set("X-Amz-Expires", "60")
			r.URL.RawQuery = q.Encode()
			payload := emptySHA256
			if service == "s3" {
				payload = unsignedPayload
			}
			signedURL, _, err := signer.PresignHTTP(t.Context(), cred, r, payload, service, "eu-west-1", now)
			if err != nil {
				t.Fatal(err)
			}
			r, _ = http.NewRequest("GET", signedURL, nil)
			if scope, err := v.Verify(overTheWire(t, r), service); err != nil || !scope.Presigned {
				t.Errorf("presigned %s %s: %v", service, url, err)
			}
			v.Clock.(*clockwork.FakeClock).Advance(61 * time.Second)
			if _, err := v.Verify(overTheWire(t, r), service); err == nil {
				t.Errorf("presigned %s %s: not expired", service, url)
			}
			v.Clock = clockwork.NewFakeClockAt(now)
		}
	}
}

// TestSigningKeys: a key that is kept lets in what is signed with it, and nothing else: neither with another secret, for
// another day, region or service, nor when its access key has another secret or is gone.
func TestSigningKeys(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	secrets := map[string]string{"AKID": "secret"}
	clock := clockwork.NewFakeClockAt(now)
	v := &Verifier{Clock: clock, Lookup: func(_ context.Context, key, _ string) (Credentials, bool) {
		secret, ok := secrets[key]
		return Credentials{Secret: secret}, ok
	}}
	signed := func(key, secret, service, region string, declared bool, change func(*http.Request)) error {
		t.Helper()
		body := "{}"
		sum := sha256.Sum256([]byte(body))
		hash := hex.EncodeToString(sum[:])
		r, _ := http.NewRequest("POST", "http://h/", strings.NewReader(body))
		r.Header.Set("X-Amz-Target", "Kinesis_20131202.ListStreams")
		if declared {
			r.Header.Set(contentSHA256, hash)
		}
		if err := v4.NewSigner().SignHTTP(t.Context(), aws.Credentials{AccessKeyID: key, SecretAccessKey: secret}, r, hash, service, region, clock.Now()); err != nil {
			t.Fatal(err)
		}
		if change != nil {
			change(r)
		}
		_, err := v.Verify(overTheWire(t, r), service)
		return err
	}
	as := func(region string) func(*http.Request) { // says another region than it was signed for
		return func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "/eu-west-1/", "/"+region+"/", 1))
		}
	}
	for range 2 { // before and after keys are kept
		for _, declared := range []bool{false, true} {
			for _, service := range []string{"kinesis", "dynamodb"} {
				for _, region := range []string{"eu-west-1", "us-east-1"} {
					if err := signed("AKID", "other", service, region, declared, nil); err == nil {
						t.Errorf("%s in %s: another secret is taken", service, region)
					}
					if err := signed("AKID", "secret", service, region, declared, nil); err != nil {
						t.Errorf("%s in %s: %v", service, region, err)
					}
				}
				if err := signed("AKID", "secret", service, "eu-west-1", declared, as("us-east-1")); err == nil {
					t.Errorf("%s: the signature of another region is taken", service)
				}
				body := func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("[]")) }
				if err := signed("AKID", "secret", service, "eu-west-1", declared, func(r *http.Request) { body(r); r.GetBody = nil }); err == nil {
					t.Errorf("%s: another body is taken, its hash declared %t", service, declared)
				}
			}
		}
	}
	if n := len(keysOf(v)); n != 4 {
		t.Errorf("%d keys are kept, want those of 4 that let something in", n)
	}
	clock.Advance(24 * time.Hour)
	if err := signed("AKID", "secret", "kinesis", "eu-west-1", false, nil); err != nil {
		t.Errorf("on the next day: %v", err)
	}
	secrets["AKID"] = "another"
	if err := signed("AKID", "secret", "kinesis", "eu-west-1", false, nil); err == nil {
		t.Error("a secret that has been replaced is taken")
	}
	if err := signed("AKID", "another", "kinesis", "eu-west-1", false, nil); err != nil {
		t.Errorf("the new secret: %v", err)
	}
	delete(secrets, "AKID")
	if err := signed("AKID", "another", "kinesis", "eu-west-1", false, nil); err == nil {
		t.Error("an access key that is gone is taken")
	}
}

// keysOf are the keys of a verifier that is kept, of those that the test above asks for.
func keysOf(v *Verifier) (kept []keyOf) {
	for _, secret := range []string{"secret", "other"} {
		for _, region := range []string{"eu-west-1", "us-east-1"} {
			for _, service := range []string{"kinesis", "dynamodb"} {
				of := keyOf{secret, "20260102", region, service}
				if _, ok := v.keys.Get(of); ok {
					kept = append(kept, of)
				}
			}
		}
	}
	return kept
}

// BenchmarkVerifySmall is a small request of who has called before.
func BenchmarkVerifySmall(b *testing.B) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	v := &Verifier{Clock: clockwork.NewFakeClockAt(now), Lookup: func(context.Context, string, string) (Credentials, bool) {
		return Credentials{Secret: "secret"}, true
	}}
	for _, declared := range []bool{false, true} {
		b.Run(fmt.Sprintf("declared=%t", declared), func(b *testing.B) {
			body := []byte(strings.Repeat("x", 400))
			sum := sha256.Sum256(body)
			hash := hex.EncodeToString(sum[:])
			r, _ := http.NewRequest("POST", "http://h/", bytes.NewReader(body))
			r.Header.Set("X-Amz-Target", "DynamoDB_20120810.GetItem")
			if declared {
				r.Header.Set(contentSHA256, hash)
			}
			if err := v4.NewSigner().SignHTTP(b.Context(), aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "secret"}, r, hash, "dynamodb", "eu-west-1", now); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				r.Body = io.NopCloser(bytes.NewReader(body))
				if _, err := v.Verify(r, "dynamodb"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func overTheWire(t *testing.T, r *http.Request) *http.Request {
	t.Helper()
	var b bytes.Buffer
	if err := r.Clone(t.Context()).Write(&b); err != nil {
		t.Fatal(err)
	}
	if r.GetBody != nil {
		r.Body, _ = r.GetBody()
	}
	out, err := http.ReadRequest(bufio.NewReader(&b))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestRefusals(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	sign := func(service, key, secret, token string, at time.Time) *http.Request {
		r, _ := http.NewRequest("POST", "http://h/", strings.NewReader("{}"))
		hash := hexSHA256([]byte("{}"))
		r.Header.Set(contentSHA256, hash)
		if err := v4.NewSigner().SignHTTP(t.Context(), aws.Credentials{AccessKeyID: key, SecretAccessKey: secret, SessionToken: token}, r, hash, service, "us-east-1", at); err != nil {
			t.Fatal(err)
		}
		return r
	}
	with := func(name, value string) *http.Request {
		r, _ := http.NewRequest("POST", "http://h/", strings.NewReader("{}"))
		r.Header.Set(name, value)
		return r
	}
	for _, tt := range []struct {
		service string
		r       *http.Request
		code    string
		status  int
	}{
		{"kinesis", sign("kinesis", "AKID", "wrong", "", now), "InvalidSignatureException", 400},
		{"kinesis", sign("kinesis", "OTHER", "secret", "", now), "UnrecognizedClientException", 400},
		{"kinesis", sign("ec2", "AKID", "secret", "", now), "InvalidSignatureException", 400},
		{"sts", sign("kinesis", "AKID", "secret", "", now), "SignatureDoesNotMatch", 403},
		{"s3", sign("ec2", "AKID", "secret", "", now), "AuthorizationHeaderMalformed", 400},
		{"kinesis", sign("kinesis", "AKID", "secret", "token", now), "UnrecognizedClientException", 400},
		{"kinesis", sign("kinesis", "AKID", "secret", "", now.Add(-16*time.Minute)), "InvalidSignatureException", 400},
		{"kinesis", with("X-None", "1"), "MissingAuthenticationTokenException", 400},
		{"kinesis", with("Authorization", "AWS4-HMAC-SHA256 Credential=x"), "IncompleteSignatureException", 400},
		{"kinesis", with("Authorization", "AWS4-ECDSA-P256-SHA256 Credential=x"), "IncompleteSignatureException", 400},
		{"sts", sign("sts", "AKID", "wrong", "", now), "SignatureDoesNotMatch", 403},
		{"sts", sign("sts", "OTHER", "secret", "", now), "InvalidClientTokenId", 403},
		{"s3", sign("s3", "AKID", "wrong", "", now), "SignatureDoesNotMatch", 403},
		{"s3", sign("s3", "OTHER", "secret", "", now), "InvalidAccessKeyId", 403},
		{"s3", sign("s3", "AKID", "secret", "", now.Add(16*time.Minute)), "RequestTimeTooSkewed", 403},
		{"s3", with("Authorization", "AWS AKID:sig"), "InvalidRequest", 400},
		{"s3", with("X-None", "1"), "AccessDenied", 403},
		{"lambda", sign("lambda", "AKID", "wrong", "", now), "InvalidSignatureException", 403},
	} {
		_, err := verifierAt(now, "AKID", "secret").Verify(tt.r, tt.service)
		if e := AsError(err); e == nil || e.Code != tt.code || e.Status != tt.status {
			t.Errorf("%s: got %v, want %s %d", tt.service, err, tt.code, tt.status)
		}
	}
}

// TestS3Words: S3 says what of a signature it cannot read in words of its own.
func TestS3Words(t *testing.T) {
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	good := "AWS4-HMAC-SHA256 Credential=AKID/20260304/us-east-1/s3/aws4_request,SignedHeaders=host;x-amz-date,Signature=ab"
	for _, tt := range []struct{ from, to, date, code, message string }{
		{good, "Basic YQ==", "x", "InvalidArgument", "Unsupported Authorization Type"},
		{good, "nonsense", "x", "InvalidArgument", "Authorization header is invalid -- one and only one ' ' (space) required"},
		{"AWS4-HMAC-SHA256", "AWS", "x", "InvalidRequest", "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256."},
		{",Signature=ab", "", "x", "AuthorizationHeaderMalformed", "The authorization header is malformed; the authorization header requires three components: Credential, SignedHeaders, and Signature."},
		{"SignedHeaders=", "SignedHeaders-", "x", "AuthorizationHeaderMalformed", `The authorization header is malformed; the authorization component "SignedHeaders-host;x-amz-date" is malformed.`},
		{"Signature=ab", "Signature=", "x", "AuthorizationHeaderMalformed", "The authorization header is malformed; missing Signature."},
		{"/s3/", "/", "x", "AuthorizationHeaderMalformed", `The authorization header is malformed; the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".`},
		{"aws4_request", "aws5_request", "x", "AuthorizationHeaderMalformed", `The authorization header is malformed; incorrect terminal "aws5_request". This endpoint uses "aws4_request".`},
		{"20260304", "2026034", "x", "AuthorizationHeaderMalformed", `The authorization header is malformed; incorrect date format "2026034". This date in the credential must be in the format "yyyyMMdd".`},
		{"20260304", "20260303", "20260304T050607Z", "AuthorizationHeaderMalformed", `The authorization header is malformed; Invalid credential date "20260303". This date is not the same as X-Amz-Date: "20260304".`},
		{"/s3/", "/ec2/", "20260304T050607Z", "AuthorizationHeaderMalformed", `The authorization header is malformed; incorrect service "ec2". This endpoint belongs to "s3".`},
		{"x", "x", "", "AccessDenied", "AWS authentication requires a valid Date or x-amz-date header"},
		{"x", "x", "yesterday", "AccessDenied", "AWS authentication requires a valid Date or x-amz-date header"},
	} {
		r, _ := http.NewRequest("GET", "http://h/", nil)
		r.Header.Set("Authorization", strings.Replace(good, tt.from, tt.to, 1))
		r.Header.Set("X-Amz-Date", tt.date)
		_, err := verifierAt(now, "AKID", "secret").Verify(r, "s3")
		if e := AsError(err); e == nil || e.Code != tt.code || e.Message != tt.message {
			t.Errorf("%s for %s, date %q: got %v, want %s: %s", tt.to, tt.from, tt.date, err, tt.code, tt.message)
		}
	}
	query := "http://h/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKID%2F20260304%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20260304T050607Z&X-Amz-Expires=9&X-Amz-SignedHeaders=host&X-Amz-Signature=ab"
	for _, tt := range []struct{ from, to, message string }{
		{"AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256", `X-Amz-Algorithm only supports "AWS4-HMAC-SHA256"`},
		{"20260304%2F", "20260303%2F", `Invalid credential date "20260303". This date is not the same as X-Amz-Date: "20260304".`},
		{"s3%2F", "sqs%2F", `Error parsing the X-Amz-Credential parameter; incorrect service "sqs". This endpoint belongs to "s3".`},
		{"aws4_request", "aws5_request", `Error parsing the X-Amz-Credential parameter; incorrect terminal "aws5_request". This endpoint uses "aws4_request".`},
	} {
		r, _ := http.NewRequest("GET", strings.Replace(query, tt.from, tt.to, 1), nil)
		_, err := verifierAt(now, "AKID", "secret").Verify(r, "s3")
		if e := AsError(err); e == nil || e.Code != "AuthorizationQueryParametersError" || e.Message != tt.message {
			t.Errorf("%s for %s in the query: got %v, want %s", tt.to, tt.from, err, tt.message)
		}
	}
}

// TestPlaceholderToken: who signs with a key of no session, and sends a token all the same, is told so; who cannot sign is not.
func TestPlaceholderToken(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, service := range []string{"kinesis", "sts", "lambda", "s3"} {
		for secret, told := range map[string]bool{"secret": true, "wrong": false} {
			for _, declares := range []bool{true, false} {
				r, _ := http.NewRequest("POST", "http://h/", strings.NewReader("{}"))
				hash := hexSHA256([]byte("{}"))
				if declares || service == "s3" {
					r.Header.Set(contentSHA256, hash)
				}
				if err := v4.NewSigner().SignHTTP(t.Context(), aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: secret, SessionToken: "placeholder"}, r, hash, service, "us-east-1", now); err != nil {
					t.Fatal(err)
				}
				_, err := verifierAt(now, "AKID", "secret").Verify(r, service)
				if e := AsError(err); e == nil || strings.Contains(e.Message, "unset AWS_SESSION_TOKEN") != told || !strings.Contains(e.Message, "invalid") {
					t.Errorf("%s signed with %q: %v", service, secret, err)
				}
			}
		}
	}
}

func TestBodyHash(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	r, _ := http.NewRequest("PUT", "http://h/b/k", strings.NewReader("changed"))
	hash := hexSHA256([]byte("as sent"))
	r.Header.Set(contentSHA256, hash)
	if err := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }).SignHTTP(t.Context(), aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "secret"}, r, hash, "s3", "us-east-1", now); err != nil {
		t.Fatal(err)
	}
	if _, err := verifierAt(now, "AKID", "secret").Verify(r, "s3"); err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(r.Body); code(err) != "XAmzContentSHA256Mismatch" || len(b) != 0 {
		t.Errorf("%q %v", b, err)
	}
}

func FuzzAuthorization(f *testing.F) {
	f.Add(docsAuth[15:]+"host;x-amz-date,Signature=00", "X-Amz-Algorithm=AWS4-HMAC-SHA256")
	f.Add("AWS "+docsKey+":qgk2+6Sv9/oM7G3qLEjTH1a1l1g=", "acl&x-amz-acl=private")
	f.Add("", "AWSAccessKeyId="+docsKey+"&Expires=9000000000&Signature=qgk2%2B6Sv9/oM7G3qLEjTH1a1l1g=")
	f.Add("", "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a/20130524/r/s3/aws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=1&X-Amz-SignedHeaders=host&X-Amz-Signature=00")
	f.Fuzz(func(t *testing.T, header, query string) {
		r := httptest.NewRequest("GET", "/a/../b", nil)
		r.URL.RawQuery = query
		r.Header.Set("X-Amz-Date", "20130524T000000Z")
		if header != "" {
			r.Header.Set("Authorization", header)
		}
		for _, service := range []string{"", "s3", "sts"} {
			if _, err := verifierAt(docsTime, docsKey, docsSecret).Verify(r, service); err == nil {
				t.Fatalf("verified %q %q", header, query)
			}
		}
		v := verifierAt(docsTime, docsKey, docsSecret)
		for _, verify := range []func(*http.Request, string) (Scope, error){v.VerifyV2Header, v.VerifyV2Query} {
			if _, err := verify(r, "bkt"); err == nil {
				t.Fatalf("verified %q %q in the second version", header, query)
			}
		}
	})
}

func FuzzChunked(f *testing.F) {
	f.Add([]byte("4\r\n1234\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n"), int64(4))
	f.Add([]byte("4;chunk-signature=0\r\n1234\r\n0\r\n\r\n"), int64(4))
	f.Fuzz(func(t *testing.T, body []byte, length int64) {
		for _, form := range []string{streamingSigned, streamingUnsigned} {
			r := httptest.NewRequest("PUT", "/", bytes.NewReader(body))
			r.Header.Set(contentSHA256, form)
			r.Header.Set("X-Amz-Decoded-Content-Length", fmt.Sprint(length))
			r.Header.Set("X-Amz-Trailer", "x-amz-checksum-crc32")
			if Unwrap(r) != nil {
				continue
			}
			b, err := io.ReadAll(r.Body)
			if err == nil && int64(len(b)) != length {
				t.Fatalf("%d bytes of %d without error", len(b), length)
			}
			var e *Error
			if err != nil && !errors.As(err, &e) {
				t.Fatalf("error %v", err)
			}
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	body := strings.Repeat("x", 150_000)
	r, _ := http.NewRequest("POST", "http://h/", nil)
	hash := hexSHA256([]byte(body))
	if err := v4.NewSigner().SignHTTP(b.Context(), aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "secret"}, r, hash, "kinesis", "us-east-1", now); err != nil {
		b.Fatal(err)
	}
	v := verifierAt(now, "AKID", "secret")
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		r.Body = io.NopCloser(strings.NewReader(body))
		if _, err := v.Verify(r, ""); err != nil {
			b.Fatal(err)
		}
	}
}

// TestStreamedForm: a streamed body is held against S3's rules for chunks and trailers, as suites that run against S3 have them.
func TestStreamedForm(t *testing.T) {
	const sum = "x-amz-checksum-crc32: rfPzYw==\r\n" // of "data"
	for _, tt := range []struct{ what, body, trailer, code, fields string }{
		{"a body", "4\r\ndata\r\n0\r\n\r\n", "", "", ""},
		{"without the last line", "4\r\ndata\r\n0\r\n", "", "", ""},
		{"with lines and more behind it", "4\r\ndata\r\n0\r\n\r\n\r\nmore", "", "", ""},
		{"not in chunks", "data", "", "IncompleteBody", ""},
		{"without carriage returns", "4\ndata\n0\n\n", "", "IncompleteBody", ""},
		{"cut off in its end", "4\r\ndata\r\n0\r\n\r", "", "IncompleteBody", ""},
		{"without the last chunk", "4\r\ndata\r\n", "", "IncompleteBody", ""},
		{"that ends early", "2\r\nda\r\n0\r\n2\r\nta\r\n0\r\n\r\n", "", "MalformedTrailerError", ""},
		{"too short", "2\r\nda\r\n0\r\n\r\n", "", "IncompleteBody", "[[NumberBytesExpected 4] [NumberBytesProvided 2]]"},
		{"too long", "8\r\ndatadata\r\n0\r\n\r\n", "", "IncompleteBody", "[[NumberBytesExpected 4] [NumberBytesProvided 8]]"},
		{"in small chunks", "2\r\nda\r\n2\r\nta\r\n0\r\n\r\n", "", "InvalidChunkSizeError", "[[Chunk 2] [BadChunkSize 2]]"},
		{"of a negative chunk", "-4\r\ndata\r\n0\r\n\r\n", "", "IncompleteBody", ""},
		{"with a trailer", "4\r\ndata\r\n0\r\n" + sum, "x-amz-checksum-crc32", "", ""},
		{"with a trailer and a newline", "4\r\ndata\r\n0\r\n" + sum[:len(sum)-2] + "\n\r\n\r\n", "x-amz-checksum-crc32", "", ""},
		{"with a trailer that ends in a newline", "4\r\ndata\r\n0\r\n" + sum[:len(sum)-2] + "\n", "x-amz-checksum-crc32", "IncompleteBody", ""},
		{"with a trailer behind an empty line", "4\r\ndata\r\n0\r\n\r\n" + sum, "x-amz-checksum-crc32", "MalformedTrailerError", ""},
		{"with a trailer that was not announced", "4\r\ndata\r\n0\r\n" + sum, "", "MalformedTrailerError", ""},
		{"with another trailer", "4\r\ndata\r\n0\r\n" + sum + "bonus: x\r\n", "x-amz-checksum-crc32", "MalformedTrailerError", ""},
		{"with a trailer that is cut off", "4\r\ndata\r\n0\r\n" + sum[:len(sum)-2], "x-amz-checksum-crc32", "IncompleteBody", ""},
		{"without its trailer", "4\r\ndata\r\n0\r\n\r\n", "x-amz-checksum-crc32", "MalformedTrailerError", ""},
		{"with the wrong sum", "4\r\ndata\r\n0\r\nx-amz-checksum-crc32: y/Q5Jg==\r\n", "x-amz-checksum-crc32", "BadDigest", ""},
		{"with a loose sum", "4\r\ndata\r\n0\r\nx-amz-checksum-crc32: rfPzYx==\r\n", "x-amz-checksum-crc32", "InvalidRequest", ""},
		{"with a wrong sum and the right one", "4\r\ndata\r\n0\r\nx-amz-checksum-crc32: y/Q5Jg==\r\n" + sum, "x-amz-checksum-crc32", "", ""},
	} {
		r, _ := http.NewRequest("PUT", "http://h/b/k", strings.NewReader(tt.body))
		r.Header.Set(contentSHA256, streamingUnsigned)
		r.Header.Set("X-Amz-Decoded-Content-Length", "4")
		r.Header.Set("X-Amz-Trailer", tt.trailer)
		if err := Unwrap(r); err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r.Body)
		code, fields := "", ""
		if e := AsError(err); e != nil {
			code = e.Code
			if e.Fields != nil {
				fields = fmt.Sprint(e.Fields)
			}
		} else if err != nil || string(data) != "data" {
			t.Errorf("%s: %q, %v", tt.what, data, err)
		}
		if code != tt.code || fields != tt.fields {
			t.Errorf("%s: %v %s, want %s %s", tt.what, err, fields, tt.code, tt.fields)
		}
	}
}

// TestHeadersInQuery: a header that a presigned URL of S3 signs and has in its query need not be sent, and is not sent
// otherwise; of other headers that are signed, and of other services, nothing is read in the query.
func TestHeadersInQuery(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	v := verifierAt(now, "AKID", "secret")
	for _, tt := range []struct {
		service, header, query, sent string
		ok                           bool
	}{
		{"s3", "x-amz-acl", "x-amz-acl=private", "", true},
		{"s3", "x-amz-acl", "x-amz-acl=private", "private", true},
		{"s3", "x-amz-acl", "x-amz-acl=private", "public-read", false},
		{"s3", "x-amz-acl", "", "", false},
		{"s3", "x-amz-acl", "", "private", true},
		{"s3", "content-md5", "content-md5=private", "", false},
		{"sts", "x-amz-acl", "x-amz-acl=private", "", false},
	} {
		r, _ := http.NewRequest("PUT", "http://h/bkt/k?"+tt.query, nil)
		q := r.URL.Query()
		q.Set("X-Amz-Expires", "60")
		r.URL.RawQuery = q.Encode()
		payload := emptySHA256
		if tt.service == "s3" {
			payload = unsignedPayload
		}
		r.Header.Set(tt.header, "private")
		signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableHeaderHoisting = true })
		signed, _, err := signer.PresignHTTP(t.Context(), aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "secret"}, r, payload, tt.service, "us-east-1", now)
		if err != nil {
			t.Fatal(err)
		}
		r, _ = http.NewRequest("PUT", signed, nil)
		if tt.sent != "" {
			r.Header.Set(tt.header, tt.sent)
		}
		if _, err := v.Verify(overTheWire(t, r), tt.service); (err == nil) != tt.ok {
			t.Errorf("%+v: %v", tt, err)
		}
	}
}
