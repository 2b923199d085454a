package s3

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	awshttp "github.com/aws/smithy-go/transport/http"

	"github.com/brookmere/brookmere/internal/awswire"
)

// raw sends a request as it is, and returns the status and the body of the answer.
func (n *testNode) raw(t testing.TB, method, path, body string, headers ...string) (int, string, http.Header) {
	t.Helper()
	r := must(http.NewRequestWithContext(t.Context(), method, n.url+path, strings.NewReader(body)))(t)
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=000000000000/20261129/us-east-1/s3/aws4_request")
	for i := 0; i < len(headers); i += 2 {
		r.Header[headers[i]] = []string{headers[i+1]}
	}
	out := must(http.DefaultClient.Do(r))(t)
	defer out.Body.Close()
	text := must(io.ReadAll(out.Body))(t)
	return out.StatusCode, string(text), out.Header
}

// TestPartsOfOtherChecksums: an upload that was begun without a checksum has CRC64NVME in the end, whatever clients
// send with its parts.
func TestPartsOfOtherChecksums(t *testing.T) {
	n := newNode(t)
	c := n.client("000000000000", "us-east-1")
	makeBucket(t, c, "bkt")
	b, key := aws.String("bkt"), aws.String("k")
	whole := must(c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: b, Key: aws.String("whole"), Body: strings.NewReader(strings.Repeat("x", minPart) + "end"), ChecksumAlgorithm: types.ChecksumAlgorithmCrc64nvme}))(t)
	up := must(c.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: b, Key: key}))(t)
	var parts []types.CompletedPart
	for i, data := range []string{strings.Repeat("x", minPart), "end"} {
		in := &s3.UploadPartInput{Bucket: b, Key: key, UploadId: up.UploadId, PartNumber: aws.Int32(int32(i + 1)), Body: strings.NewReader(data), ChecksumAlgorithm: types.ChecksumAlgorithmCrc32}
		if i == 1 {
			in.ChecksumAlgorithm = types.ChecksumAlgorithmSha256
		}
		p := must(c.UploadPart(t.Context(), in))(t)
		if p.ChecksumCRC32 == nil && p.ChecksumSHA256 == nil {
			t.Errorf("part %d has no checksum", i+1)
		}
		parts = append(parts, types.CompletedPart{PartNumber: aws.Int32(int32(i + 1)), ETag: p.ETag})
	}
	done := must(c.CompleteMultipartUpload(t.Context(), &s3.CompleteMultipartUploadInput{Bucket: b, Key: key, UploadId: up.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts}}))(t)
	if aws.ToString(done.ChecksumCRC64NVME) != *whole.ChecksumCRC64NVME || done.ChecksumType != "FULL_OBJECT" {
		t.Errorf("checksum %q of type %q, not %q", aws.ToString(done.ChecksumCRC64NVME), done.ChecksumType, *whole.ChecksumCRC64NVME)
	}
	_, _, h := n.raw(t, "GET", "/bkt/k", "", "Range", "bytes=0-9999999", "X-Amz-Checksum-Mode", "ENABLED")
	if h.Get("X-Amz-Checksum-Crc64nvme") != *whole.ChecksumCRC64NVME {
		t.Error("a range that is all of an object has no checksum")
	}
	_, _, h = n.raw(t, "GET", "/bkt/k", "", "Range", "bytes=0-9", "X-Amz-Checksum-Mode", "ENABLED")
	if h.Get("X-Amz-Checksum-Crc64nvme") != "" {
		t.Error("a range has the checksum of the whole")
	}

	// One that was begun with a checksum of checksums needs those of the parts.
	up = must(c.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: b, Key: key, ChecksumAlgorithm: types.ChecksumAlgorithmSha256}))(t)
	if status, body, _ := n.raw(t, "PUT", "/bkt/k?partNumber=1&uploadId="+*up.UploadId, "x"); status != 400 || !strings.Contains(body, "actual checksum Type: null") {
		t.Errorf("%d %s", status, body)
	}
}

// TestAnswers: answers to what is odd, as AWS gives them.
func TestAnswers(t *testing.T) {
	n := newNode(t)
	c := n.client("000000000000", "us-east-1")
	makeBucket(t, c, "bkt")
	makeBucket(t, c, "a.b.c")
	put(t, c, "bkt", "a key", "x")
	versioned := aws.String("kept")
	makeBucket(t, c, *versioned)
	must(c.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{Bucket: versioned, VersioningConfiguration: &types.VersioningConfiguration{Status: "Enabled"}}))(t)
	put(t, c, "kept", "k", "x")
	must(c.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: versioned, Key: aws.String("k")}))(t)
	put(t, c, "bkt", "x", "")
	plus := *must(c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: versioned, Key: aws.String("1+1"), Body: strings.NewReader("x")}))(t).VersionId
	const tags = "<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>"
	policy := func(action, resource string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"` + action + `","Resource":"` + resource + `"}]}`
	}
	const object, bucket = "arn:aws:s3:::bkt/*", "arn:aws:s3:::bkt"
	replicate := func(to string) string {
		return "<ReplicationConfiguration><Role>arn:aws:iam::000000000000:role/r</Role><Rule><Priority>1</Priority><Filter/><Status>Enabled</Status>" +
			"<DeleteMarkerReplication><Status>Disabled</Status></DeleteMarkerReplication><Destination><Bucket>arn:aws:s3:::" + to + "</Bucket></Destination></Rule></ReplicationConfiguration>"
	}
	noncurrent := func(transition string) string {
		return "<LifecycleConfiguration><Rule><ID>a</ID><Filter/><Status>Enabled</Status><NoncurrentVersionTransition>" + transition + "</NoncurrentVersionTransition></Rule></LifecycleConfiguration>"
	}
	located := func(region string) string {
		return "<CreateBucketConfiguration><LocationConstraint>" + region + "</LocationConstraint></CreateBucketConfiguration>"
	}
	logInto := func(target, permission string) string {
		grants := ""
		if permission != "" {
			grants = `<TargetGrants><Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="Group"><URI>` + groupPrefix +
				"s3/LogDelivery</URI></Grantee><Permission>" + permission + "</Permission></Grant></TargetGrants>"
		}
		return "<BucketLoggingStatus><LoggingEnabled><TargetBucket>" + target + "</TargetBucket>" + grants + "<TargetPrefix>log</TargetPrefix></LoggingEnabled></BucketLoggingStatus>"
	}
	for _, v := range []struct {
		method, path, body string
		headers            []string
		status             int
		text               string // part of the answer
	}{
		{"PUT", "/bkt?tagging", tags, nil, 204, ""},
		{"GET", "/bkt?tagging", "", nil, 200, "<Key>a</Key>"},
		{"PUT", "/bkt?tagging", "<Tagging><TagSet/></Tagging>", nil, 204, ""},
		{"GET", "/bkt?tagging", "", nil, 404, "NoSuchTagSet"},
		{"PUT", "/bkt?tagging", "<Tagging/>", nil, 204, ""},
		{"PUT", "/bkt/x?tagging", "<Tagging/>", nil, 200, ""},
		{"GET", "/kept/k?tagging", "", nil, 405, "<ResourceType>DeleteMarker"},
		{"PUT", "/kept/k?tagging", tags, nil, 405, "<Method>PUT"},
		{"DELETE", "/kept/k?tagging", "", nil, 405, "MethodNotAllowed"},

		{"PUT", "/other", "", []string{"X-Amz-Object-Ownership", ""}, 400, "Invalid x-amz-object-ownership header: <"},
		{"PUT", "/bkt", "<CreateBucketConfiguration><Tags><Tag><Key>a</Key><Value>b</Value></Tag></Tags></CreateBucketConfiguration>", nil, 409, "BucketAlreadyOwnedByYou"},
		{"PUT", "/bkt", "", nil, 200, ""},
		{"PUT", "/a.b.c?accelerate", "<AccelerateConfiguration><Status>no</Status></AccelerateConfiguration>", nil, 400, "with periods"},

		{"PUT", "/bkt/x?legal-hold", "", nil, 400, "MalformedXML"}, // before the bucket, which has no object lock
		{"PUT", "/bkt/x?retention", "", nil, 400, "MalformedXML"},
		{"PUT", "/bkt?website", "<WebsiteConfiguration><IndexDocument><Suffix></Suffix></IndexDocument></WebsiteConfiguration>", nil, 400, "<ArgumentName>IndexDocument</ArgumentName><ArgumentValue></ArgumentValue>"},
		{"PUT", "/bkt?lifecycle", "<LifecycleConfiguration><Rule><ID>a</ID><Filter/><Status>Enabled</Status><NoncurrentVersionExpiration/></Rule></LifecycleConfiguration>", nil, 400, "MalformedXML"},
		{"PUT", "/a.b.c?lifecycle", noncurrent("<StorageClass>GLACIER</StorageClass>"), nil, 400, "MalformedXML"},
		{"PUT", "/a.b.c?lifecycle", noncurrent("<NoncurrentDays>-1</NoncurrentDays><StorageClass>GLACIER</StorageClass>"), nil, 400, "<ArgumentName>NoncurrentDays</ArgumentName><ArgumentValue>-1<"},
		{"PUT", "/a.b.c?lifecycle", noncurrent("<NoncurrentDays>29</NoncurrentDays><StorageClass>STANDARD_IA</StorageClass>"), nil, 400, "greater than or equal to 30"},
		{"PUT", "/a.b.c?lifecycle", noncurrent("<NoncurrentDays>0</NoncurrentDays><StorageClass>GLACIER</StorageClass><NewerNoncurrentVersions>101</NewerNoncurrentVersions>"), nil, 400, "between 1 and 100"},
		{"PUT", "/a.b.c?lifecycle", noncurrent("<NoncurrentDays>0</NoncurrentDays><StorageClass>GLACIER</StorageClass>"), nil, 200, ""},
		{"PUT", "/kept?replication", replicate("none-here"), nil, 400, "Destination bucket must have versioning enabled."},
		{"PUT", "/kept?replication", replicate("bkt"), nil, 400, "Destination bucket must have versioning enabled."},
		{"PUT", "/east", located("us-east-2"), nil, 200, ""},
		{"PUT", "/west", located("us-west-2"), nil, 200, ""},
		{"PUT", "/lists", "", []string{"X-Amz-Object-Ownership", "ObjectWriter"}, 200, ""},
		{"PUT", "/bkt?logging", logInto("west", ""), nil, 403, "not allowed. </Message><TargetBucketLocation>us-west-2<"},
		{"PUT", "/east?logging", logInto("west", ""), nil, 403, "<SourceBucketLocation>us-east-2</SourceBucketLocation><TargetBucketLocation>us-west-2<"},
		{"PUT", "/bkt?logging", logInto("lists", "READ_ACP"), nil, 200, ""},
		{"GET", "/bkt?logging", "", nil, 200, "<Permission>READ_ACP<"},
		{"PUT", "/bkt?logging", logInto("lists", "DELETE"), nil, 400, "MalformedXML"},

		{"PUT", "/bkt?metrics&id=m", "<MetricsConfiguration><Id>m</Id></MetricsConfiguration>", nil, 204, ""},
		{"PUT", "/bkt?analytics&id=a", "<AnalyticsConfiguration><Id>a</Id><StorageClassAnalysis/></AnalyticsConfiguration>", nil, 204, ""},
		{"PUT", "/bkt?intelligent-tiering&id=t", "<IntelligentTieringConfiguration><Id>t</Id><Status>Enabled</Status><Tiering><Days>90</Days><AccessTier>ARCHIVE_ACCESS</AccessTier></Tiering></IntelligentTieringConfiguration>", nil, 204, ""},
		{"PUT", "/bkt?inventory&id=i", "<InventoryConfiguration><Destination><S3BucketDestination><Bucket>arn:aws:s3:::kept</Bucket><Format>CSV</Format></S3BucketDestination></Destination><IsEnabled>true</IsEnabled>" +
			"<Id>i</Id><IncludedObjectVersions>All</IncludedObjectVersions><Schedule><Frequency>Daily</Frequency></Schedule></InventoryConfiguration>", nil, 204, ""},
		{"GET", "/bkt?metrics&id=n", "", nil, 404, "does not exist.</Message><RequestId>"},

		{"DELETE", "/bkt/x", "", []string{"X-Amz-If-Match-Size", "3"}, 501, "<Header>x-amz-if-match-size"},
		{"DELETE", "/bkt/x", "", []string{"X-Amz-If-Match-Last-Modified-Time", "Wed, 21 Oct 2015 07:28:00 GMT"}, 501, "NotImplemented"},
		{"HEAD", "/bkt/x", "", nil, 200, ""},

		{"PUT", "/bkt/copy", "", []string{"X-Amz-Copy-Source", "bkt%2Fa+key"}, 200, "CopyObjectResult"},
		{"PUT", "/bkt/copy", "", []string{"X-Amz-Copy-Source", "bkt/a%2Bkey"}, 404, "NoSuchKey"},
		{"PUT", "/bkt/1+1", "", nil, 200, ""},
		{"PUT", "/bkt/copy", "", []string{"X-Amz-Copy-Source", "bkt/1+1"}, 200, "CopyObjectResult"},
		{"PUT", "/bkt/copy", "", []string{"X-Amz-Copy-Source", "bkt/1+2"}, 404, "<Key>1 2</Key>"},
		{"PUT", "/bkt/copy", "", []string{"X-Amz-Copy-Source", "kept/1+1?versionId=" + plus}, 200, "CopyObjectResult"},
		{"PUT", "/bkt/copy", "", []string{"X-Amz-Copy-Source", "kept/1+2?versionId=" + plus}, 404, "NoSuchVersion"},
		{"PUT", "/bkt/kms", "x", []string{"X-Amz-Server-Side-Encryption", "aws:kms"}, 200, ""},
		{"PUT", "/bkt/kms", "", []string{"X-Amz-Copy-Source", "bkt/kms"}, 200, "CopyObjectResult"}, // its encryption changes
		{"PUT", "/bkt/kms", "", []string{"X-Amz-Copy-Source", "bkt/kms"}, 400, "without changing"},

		{"GET", "/bkt/kms", "", []string{"X-Amz-Server-Side-Encryption", "aws:kms"}, 400, "<Message>x-amz-server-side-encryption header is not supported for this operation."},
		{"HEAD", "/bkt/kms", "", []string{"X-Amz-Server-Side-Encryption", "aws:kms"}, 400, ""},

		{"PUT", "/bkt/x", "x", []string{"Content-Md5", ""}, 400, "InvalidDigest"},
		{"PUT", "/bkt/x?x-amz-checksum-crc32=AAAAAA%3D%3D&x-amz-sdk-checksum-algorithm=CRC32", "not empty", nil, 200, ""}, // as SDKs sign URLs
		{"PUT", "/mine-000000000000-us-east-1-an", "", []string{"X-Amz-Bucket-Namespace", "account-regional"}, 200, ""},
		{"PUT", "/mine-111111111111-us-east-1-an", "", []string{"X-Amz-Bucket-Namespace", "account-regional"}, 400, "InvalidNamespaceHeader"},
		{"PUT", "/mine", "", []string{"X-Amz-Bucket-Namespace", "nobody's"}, 400, "InvalidArgument"},
		{"PUT", "/ours", "", []string{"X-Amz-Bucket-Namespace", "global"}, 200, ""},

		{"PUT", "/bkt?policy", "", nil, 400, "first byte must be"},
		{"PUT", "/bkt?policy", policy("s3:Nope", object), nil, 400, "Policy has invalid action"},
		{"PUT", "/bkt?policy", policy("s3:Nop*", object), nil, 400, "Policy has invalid action"},
		{"PUT", "/bkt?policy", policy("ec2:RunInstances", object), nil, 400, "Policy has invalid action"},
		{"PUT", "/bkt?policy", policy("s3:GetObject", bucket), nil, 400, "Action does not apply to any resource(s) in statement"},
		{"PUT", "/bkt?policy", policy("s3:ListBucket", object), nil, 400, "Action does not apply to any resource(s) in statement"},
		{"PUT", "/bkt?policy", policy("s3:ListAllMyBuckets", bucket), nil, 400, "Action does not apply to any resource(s) in statement"},
		{"PUT", "/bkt?policy", policy("s3:getobject", object), nil, 204, ""},
		{"PUT", "/bkt?policy", policy("s3:Get*", bucket), nil, 204, ""},
		{"PUT", "/bkt?policy", policy("s3:GetObject", bucket+"*"), nil, 204, ""},
		{"PUT", "/bkt?policy", policy("s3:*", object), nil, 204, ""},
		{"DELETE", "/bkt?policy", "", nil, 204, ""},

		{"PUT", "/bkt?lifecycle", "<LifecycleConfiguration><Rule><Status>Enabled</Status><Filter><And><ObjectSizeGreaterThan>5</ObjectSizeGreaterThan>" +
			"<ObjectSizeLessThan>5</ObjectSizeLessThan></And></Filter><Expiration><Days>1</Days></Expiration></Rule></LifecycleConfiguration>", nil, 400, "has to be a value greater"},

		{"GET", "/bkt/x?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=5", "", nil, 400, "Query-string authentication version 4 requires"},
		{"GET", "/bkt/x?AWSAccessKeyId=a&Signature=b", "", nil, 403, "requires the Signature, Expires and AWSAccessKeyId"},
		{"PUT", "/bkt/x?AWSAccessKeyId=a&Expires=4102444800", "x", nil, 403, "requires the Signature, Expires and AWSAccessKeyId"},
	} {
		if v.method == "PUT" && v.path == "/bkt?tagging" {
			v.headers = append(v.headers, "Content-Md5", digestOf(v.body))
		}
		status, body, _ := n.raw(t, v.method, v.path, v.body, v.headers...)
		if status != v.status || !strings.Contains(body, v.text) {
			t.Errorf("%s %s %.90s: %d %s", v.method, v.path, v.body, status, body)
		}
	}
}

// TestRefusedDestinations: each destination of a notification that cannot be reached is told, under numbers.
func TestRefusedDestinations(t *testing.T) {
	n := newNode(t)
	c := n.client("000000000000", "us-east-1")
	makeBucket(t, c, "bkt")
	n.Notify(unreachable{})
	queue := func(name, prefix string) types.QueueConfiguration {
		return types.QueueConfiguration{QueueArn: aws.String("arn:aws:sqs:us-east-1:000000000000:" + name), Events: []types.Event{"s3:ObjectCreated:*"},
			Filter: &types.NotificationConfigurationFilter{Key: &types.S3KeyFilter{FilterRules: []types.FilterRule{{Name: "prefix", Value: &prefix}}}}}
	}
	_, err := c.PutBucketNotificationConfiguration(t.Context(), &s3.PutBucketNotificationConfigurationInput{Bucket: aws.String("bkt"),
		NotificationConfiguration: &types.NotificationConfiguration{QueueConfigurations: []types.QueueConfiguration{queue("one", "a"), queue("two", "b")}}})
	if codeOf(err) != "InvalidArgument" {
		t.Fatal(err)
	}
	body := "<NotificationConfiguration>"
	for _, name := range []string{"one", "two"} {
		body += "<QueueConfiguration><Queue>arn:aws:sqs:us-east-1:000000000000:" + name + "</Queue><Event>s3:ObjectRemoved:*</Event><Filter><S3Key><FilterRule><Name>prefix</Name><Value>" + name + "</Value></FilterRule></S3Key></Filter></QueueConfiguration>"
	}
	_, text, _ := n.raw(t, "PUT", "/bkt?notification", body+"</NotificationConfiguration>")
	for i, name := range []string{"one", "two"} {
		number := string(rune('1' + i))
		if !strings.Contains(text, "<ArgumentName"+number+">arn:aws:sqs:us-east-1:000000000000:"+name) || !strings.Contains(text, "<ArgumentValue"+number+">gone") {
			t.Errorf("%s: %s", name, text)
		}
	}
	two := queue("one", "a")
	two.Filter.Key.FilterRules = append(two.Filter.Key.FilterRules, two.Filter.Key.FilterRules[0])
	_, err = c.PutBucketNotificationConfiguration(t.Context(), &s3.PutBucketNotificationConfigurationInput{Bucket: aws.String("bkt"),
		NotificationConfiguration: &types.NotificationConfiguration{QueueConfigurations: []types.QueueConfiguration{two}}})
	if r, ok := errors.AsType[*awshttp.ResponseError](err); !ok || r.HTTPStatusCode() != 400 {
		t.Errorf("two prefixes: %v", err)
	}
}

func TestFormRedirectOrder(t *testing.T) {
	u := must(url.Parse("http://h/x?z=1&a=2"))(t)
	appendResult(u, "bkt", "a b", `"etag"`)
	if got := u.String(); got != "http://h/x?z=1&a=2&bucket=bkt&key=a%20b&etag=%22etag%22" {
		t.Errorf("%s", got)
	}
}

// unreachable is a Notifier whose destinations are all gone.
type unreachable struct{}

func (unreachable) Reaches(context.Context, string, string, string, Target) error {
	return errors.New("gone")
}
func (unreachable) Begin(context.Context, Event, []Target) (Notice, error) { return nil, nil }
func (unreachable) Settle(string, string, string) error                    { return nil }

// TestFormSigners: what lacks in the signature of a form, and one that is not right, are told as S3 tells them.
func TestFormSigners(t *testing.T) {
	n := openConfig(t, Config{Dir: filepath.Join(t.TempDir(), "objects"), Holder: func(context.Context, string, string) (string, awswire.Caller, bool) {
		return "secret", awswire.Caller{Account: "000000000000"}, true
	}})
	c := n.client("000000000000", "us-east-1")
	makeBucket(t, c, "bkt")
	for _, v := range []struct {
		fields map[string]string
		status int
		text   string
	}{
		{map[string]string{}, 403, "<Code>AccessDenied"},
		{map[string]string{"x-amz-date": "x"}, 400, "<ArgumentName>X-Amz-Signature</ArgumentName><ArgumentValue></ArgumentValue>"},
		{map[string]string{"x-amz-signature": "x"}, 400, "named &#39;X-Amz-Algorithm"},
		{map[string]string{"AWSAccessKeyId": "x"}, 400, "<ArgumentName>Signature"},
		{map[string]string{"AWSAccessKeyId": "me", "signature": "x"}, 403,
			"<AWSAccessKeyId>me</AWSAccessKeyId><StringToSign>@@@</StringToSign><SignatureProvided>x</SignatureProvided><StringToSignBytes>40 40 40</StringToSignBytes>"},
	} {
		var body bytes.Buffer
		w := multipart.NewWriter(&body)
		v.fields["key"], v.fields["policy"] = "k", "@@@"
		for name, value := range v.fields {
			must(0, w.WriteField(name, value))(t)
		}
		must(must(w.CreateFormFile("file", "f"))(t).Write([]byte("x")))(t)
		must(0, w.Close())(t)
		status, text, _ := n.raw(t, "POST", "/bkt", body.String(), "Content-Type", w.FormDataContentType())
		if text = strings.ReplaceAll(text, "'", "&#39;"); status != v.status || !strings.Contains(text, v.text) {
			t.Errorf("%v: %d %s", v.fields, status, text)
		}
	}
}

// TestEncodingType: a listing takes no encoding but url, and says which it was given, even none.
func TestEncodingType(t *testing.T) {
	n := newNode(t)
	c := n.client("000000000000", "us-east-1")
	makeBucket(t, c, "bkt")
	for _, list := range []string{"", "list-type=2&", "versions&", "uploads&"} {
		for given, want := range map[string]int{"encoding-type=url": 200, "encoding-type=URL": 400, "encoding-type=": 400, "encoding-type": 400, "": 200} {
			status, text, h := n.raw(t, "GET", "/bkt?"+list+given, "")
			if status != want || h.Get("X-Amz-Bucket-Region") != "us-east-1" {
				t.Errorf("%s%s: %d %v", list, given, status, h)
			}
			_, value, _ := strings.Cut(given, "=")
			if want == 400 && !strings.Contains(text, "<Code>InvalidArgument</Code><Message>Invalid Encoding Method specified in Request</Message><ArgumentName>encoding-type</ArgumentName><ArgumentValue>"+value+"</ArgumentValue>") {
				t.Errorf("%s%s: %s", list, given, text)
			}
		}
	}
	status, text, _ := n.raw(t, "GET", "/?bucket-region=eu-east-1", "")
	if status != 400 || !strings.Contains(text, "<Message>Argument value eu-east-1 is not a valid AWS Region</Message><ArgumentName>bucket-region</ArgumentName><RequestId>") {
		t.Errorf("buckets of no region: %d %s", status, text)
	}
}
