package s3

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// TestChecksumsOfCompletion: what a completion tells of checksums is held against S3's rules before anything is made.
func TestChecksumsOfCompletion(t *testing.T) {
	n := newNode(t)
	c := n.client(accountA, "us-east-1")
	makeBucket(t, c, "bkt")
	up := must(c.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: aws.String("bkt"), Key: aws.String("k"), ChecksumAlgorithm: types.ChecksumAlgorithmCrc32c}))(t)
	part := must(c.UploadPart(t.Context(), &s3.UploadPartInput{Bucket: aws.String("bkt"), Key: aws.String("k"), UploadId: up.UploadId, PartNumber: aws.Int32(1), Body: strings.NewReader("data"), ChecksumAlgorithm: types.ChecksumAlgorithmCrc32c}))(t)
	sum := *part.ChecksumCRC32C
	loose := strings.TrimSuffix(sum, "==") // the same bytes, with bits behind them
	loose = loose[:len(loose)-1] + string(loose[len(loose)-1]+1) + "=="
	plain := must(c.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: aws.String("bkt"), Key: aws.String("k")}))(t)
	raw := func(id, elements string, headers ...string) (int, string) {
		body := "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>" + *part.ETag + "</ETag>" + elements + "</Part></CompleteMultipartUpload>"
		status, text, _ := n.raw(t, "POST", "/bkt/k?uploadId="+id, body, headers...)
		return status, text
	}
	good := "<ChecksumCRC32C>" + sum + "</ChecksumCRC32C>"
	for _, tt := range []struct {
		what, elements string
		headers        []string
		want           []string
	}{
		{"one of no bytes", "<ChecksumCRC32C>x</ChecksumCRC32C>", nil, []string{"InvalidArgument", "Invalid Base64 or multiple checksums present in request", "<ArgumentName>Checksum<", "<ArgumentValue>CRC32C:x;<"}},
		{"one with bits behind it", "<ChecksumCRC32C>" + loose + "</ChecksumCRC32C>", nil, []string{"InvalidArgument", "CRC32C:" + loose + ";<"}},
		{"two", good + "<ChecksumCRC32>y/Q5Jg==</ChecksumCRC32>", nil, []string{"InvalidArgument", "<ArgumentValue>CRC32:y/Q5Jg==;CRC32C:" + sum + ";<"}},
		{"another", "<ChecksumCRC32C>z/Q5Jg==</ChecksumCRC32C>", nil, []string{"InvalidPart"}},
		{"another's", "<ChecksumCRC32>y/Q5Jg==</ChecksumCRC32>", nil, []string{"BadDigest", "The crc32 you specified for part 1 did not match what we received."}},
		{"none", "", nil, []string{"InvalidRequest", "It was missing for part 1"}},
		{"a final one that is none", good, []string{"X-Amz-Checksum-Crc32c", "x"}, []string{"InvalidRequest", "Value for x-amz-checksum-crc32c header is invalid."}},
		{"two final ones", good, []string{"X-Amz-Checksum-Crc32c", sum, "X-Amz-Checksum-Crc32", "y/Q5Jg=="}, []string{"InvalidRequest", "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."}},
		{"a negative size", good, []string{"X-Amz-Mp-Object-Size", "-1"}, []string{"InvalidRequest", "Value for x-amz-mp-object-size header is less than zero: &#39;-1&#39;"}},
	} {
		status, text := raw(*up.UploadId, tt.elements, tt.headers...)
		for _, want := range tt.want {
			if status != 400 || !strings.Contains(text, want) && !strings.Contains(text, strings.ReplaceAll(want, "&#39;", "'")) {
				t.Errorf("%s: %d %s, want %s", tt.what, status, text, want)
			}
		}
	}
	must(c.UploadPart(t.Context(), &s3.UploadPartInput{Bucket: aws.String("bkt"), Key: aws.String("k"), UploadId: plain.UploadId, PartNumber: aws.Int32(1), Body: strings.NewReader("data"), ChecksumAlgorithm: types.ChecksumAlgorithmSha256}))(t)
	if status, text := raw(*plain.UploadId, good); status != 400 || !strings.Contains(text, "InvalidPart") {
		t.Errorf("a checksum that was not given with the part: %d %s", status, text)
	}
	if _, err := c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String("bkt"), Key: aws.String("k")}); err == nil {
		t.Error("a completion that was refused made an object")
	}
	if status, text := raw(*up.UploadId, good, "X-Amz-Checksum-Crc32c", "z/Q5Jg==-1"); status != 400 || !strings.Contains(text, "BadDigest") {
		t.Errorf("another final one: %d %s", status, text)
	}
	if status, text := raw(*up.UploadId, good); status != 200 {
		t.Errorf("a good one: %d %s", status, text)
	}
	for header, want := range map[string]string{"CRC32,CRC32C": "Invalid types are specified in x-amz-checksum-algorithm header.", "nope": "Checksum algorithm provided is unsupported."} {
		if status, text, _ := n.raw(t, "POST", "/bkt/k?uploads", "", "X-Amz-Checksum-Algorithm", header); status != 400 || !strings.Contains(text, want) {
			t.Errorf("an upload with %s: %d %s", header, status, text)
		}
	}
	if status, text, _ := n.raw(t, "POST", "/none/k?uploadId=x", "<x/>"); status != 404 || !strings.Contains(text, "NoSuchBucket") {
		t.Errorf("an upload in no bucket: %d %s", status, text)
	}
	for rule, want := range map[string]string{
		"<RedirectAllRequestsTo><HostName>h</HostName><Protocol>ftp</Protocol></RedirectAllRequestsTo>":                                                                                      "Invalid protocol, protocol can be http or https.",
		"<IndexDocument><Suffix>i</Suffix></IndexDocument><ErrorDocument><Key></Key></ErrorDocument>":                                                                                        "The ErrorDocument Key is not well formed",
		"<IndexDocument><Suffix>i</Suffix></IndexDocument><RoutingRules>" + strings.Repeat("<RoutingRule><Redirect><HostName>h</HostName></Redirect></RoutingRule>", 51) + "</RoutingRules>": "51 routing rules provided",
	} {
		if status, text, _ := n.raw(t, "PUT", "/bkt?website", "<WebsiteConfiguration>"+rule+"</WebsiteConfiguration>"); status != 400 || !strings.Contains(text, want) {
			t.Errorf("a website with %.80s: %d %s", rule, status, text)
		}
	}
}

// TestSaidOfBodies: what a request tells of its body is held against S3's rules before the body is read.
func TestSaidOfBodies(t *testing.T) {
	n := newNode(t)
	makeBucket(t, n.client(accountA, "us-east-1"), "bkt")
	const crc, trailers = "y/Q5Jg==", "x-amz-checksum-crc32, x-amz-checksum-crc32"
	for _, tt := range []struct {
		headers []string
		want    string
	}{
		{[]string{"X-Amz-Checksum-Bad", crc}, "The algorithm type you specified in x-amz-checksum- header is invalid."},
		{[]string{"X-Amz-Checksum-Crc32", "y/Q5Jh=="}, "Value for x-amz-checksum-crc32 header is invalid."},
		{[]string{"X-Amz-Checksum-Crc32", ""}, "Value for x-amz-checksum-crc32 header is invalid."},
		{[]string{"X-Amz-Checksum-Crc32", "", "X-Amz-Checksum-Sha1", ""}, "Multiple checksum Types are not allowed."},
		{[]string{"X-Amz-Trailer", "x-amz-checksum-crc32"}, "MalformedTrailerError"},
		{[]string{"X-Amz-Trailer", "x-amz-checksum-crc32", "X-Amz-Checksum-Crc32", crc}, "<Message>Expecting a single x-amz-checksum- header</Message>"},
		{[]string{"X-Amz-Trailer", trailers, "X-Amz-Sdk-Checksum-Algorithm", "sha256"}, "Multiple checksum Types are not allowed."},
		{[]string{"X-Amz-Trailer", "x-amz-content-sha256"}, "The value specified in the x-amz-trailer header is not supported"},
		{[]string{"X-Amz-Trailer", ", x-amz-checksum-crc32"}, "The value specified in the x-amz-trailer header is not supported"},
		{[]string{"X-Amz-Sdk-Checksum-Algorithm", "CRC32", "Content-Md5", "JfnnlDI7RTiF9RgfG2JNCw=="}, "no corresponding x-amz-checksum-* or x-amz-trailer headers were found."},
		{[]string{"Content-Md5", "1B2M2Y8AsgTpgAmY7PhCfg=="}, "<ExpectedDigest>d41d8cd98f00b204e9800998ecf8427e</ExpectedDigest><CalculatedDigest>JfnnlDI7RTiF9RgfG2JNCw==</CalculatedDigest>"},
	} {
		if status, text, _ := n.raw(t, "PUT", "/bkt/k", "123456789", tt.headers...); status != 400 || !strings.Contains(text, tt.want) {
			t.Errorf("%v: %d %s", tt.headers, status, text)
		}
	}
	for _, headers := range [][]string{{"X-Amz-Checksum-Crc32", crc, "X-Amz-Checksum-Type", "COMPOSITE", "X-Amz-Checksum-Algorithm", "crc32"}, {"Content-Md5", "JfnnlDI7RTiF9RgfG2JNCw=="}} {
		if status, text, _ := n.raw(t, "PUT", "/bkt/k", "123456789", headers...); status != 200 {
			t.Errorf("%v: %d %s", headers, status, text)
		}
	}
	if status, text, _ := n.raw(t, "POST", "/bkt?delete", "<Delete><Object><Key>k</Key></Object></Delete>"); status != 400 || !strings.Contains(text, "Missing required header for this request: Content-MD5 OR x-amz-checksum-*") {
		t.Errorf("deletions that nothing is told of: %d %s", status, text)
	}
}
