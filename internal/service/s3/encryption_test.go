package s3

import (
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// TestOpaqueTags: an ETag is the MD5 of data that has no key but S3's own, and of no other.
func TestOpaqueTags(t *testing.T) {
	n := newNode(t)
	c := n.client(accountA, "us-east-1")
	makeBucket(t, c, "bkt")
	b := aws.String("bkt")
	sum := md5.Sum([]byte("data"))
	plain := `"` + hex.EncodeToString(sum[:]) + `"`
	put := func(key, sse string) string {
		return *must(c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: b, Key: &key, Body: strings.NewReader("data"), ServerSideEncryption: types.ServerSideEncryption(sse)}))(t).ETag
	}
	for sse, same := range map[string]bool{"": true, "AES256": true, "aws:kms": false, "aws:kms:dsse": false} {
		if got := put("k"+sse, sse); (got == plain) != same || len(got) != len(plain) {
			t.Errorf("%q: %s", sse, got)
		}
	}
	head := must(c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: b, Key: aws.String("kaws:kms")}))(t)
	must(c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: b, Key: aws.String("kaws:kms"), IfMatch: head.ETag}))(t)
	back := must(c.CopyObject(t.Context(), &s3.CopyObjectInput{Bucket: b, Key: aws.String("back"), CopySource: aws.String("bkt/kaws:kms")}))(t)
	if *back.CopyObjectResult.ETag != plain {
		t.Errorf("a copy without the key has %s", *back.CopyObjectResult.ETag)
	}
	up := must(c.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: b, Key: aws.String("parts"), ServerSideEncryption: "aws:kms"}))(t)
	_, err := c.UploadPart(t.Context(), &s3.UploadPartInput{Bucket: b, Key: aws.String("parts"), UploadId: up.UploadId, PartNumber: aws.Int32(1), Body: strings.NewReader("data")},
		s3.WithAPIOptions(smithyhttp.AddHeaderValue("X-Amz-Server-Side-Encryption", "aws:kms")))
	want(t, "a part with the encryption of its upload", err, "InvalidArgument")
	part := must(c.UploadPart(t.Context(), &s3.UploadPartInput{Bucket: b, Key: aws.String("parts"), UploadId: up.UploadId, PartNumber: aws.Int32(1), Body: strings.NewReader("data")}))(t)
	copied := must(c.UploadPartCopy(t.Context(), &s3.UploadPartCopyInput{Bucket: b, Key: aws.String("parts"), UploadId: up.UploadId, PartNumber: aws.Int32(2), CopySource: aws.String("bkt/k")}))(t)
	if *part.ETag == plain || *copied.CopyPartResult.ETag == plain {
		t.Errorf("parts have %s and %s", *part.ETag, *copied.CopyPartResult.ETag)
	}
	done := must(c.CompleteMultipartUpload(t.Context(), &s3.CompleteMultipartUploadInput{Bucket: b, Key: aws.String("parts"), UploadId: up.UploadId,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: []types.CompletedPart{{PartNumber: aws.Int32(1), ETag: part.ETag}}}}))(t)
	if !strings.HasSuffix(*done.ETag, `-1"`) || get(t, c, "bkt", "parts") != "data" {
		t.Errorf("the whole has %s", *done.ETag)
	}
}

// TestUpdateObjectEncryption: an object gets another key, and stays what it is.
func TestUpdateObjectEncryption(t *testing.T) {
	n := newNode(t)
	c := n.client(accountA, "us-east-1")
	if _, err := c.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("bkt"), ObjectLockEnabledForBucket: aws.Bool(true)}); err != nil {
		t.Fatal(err)
	}
	b := aws.String("bkt")
	put(t, c, "bkt", "k", "data")
	must(c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: b, Key: aws.String("held"), Body: strings.NewReader("x"), ObjectLockLegalHoldStatus: "ON", ChecksumAlgorithm: types.ChecksumAlgorithmCrc32}))(t)
	must(c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: b, Key: aws.String("dsse"), Body: strings.NewReader("x"), ServerSideEncryption: "aws:kms:dsse"}))(t)
	const key = "arn:aws:kms:us-east-1:" + accountA + ":key/0d3bb5a8-0f0f-4f0b-9d5e-0f1f2f3f4f5f"
	before := must(c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: b, Key: aws.String("k")}))(t)
	update := func(object, key string) (int, string) {
		status, body, _ := n.raw(t, "PUT", "/bkt/"+object+"?encryption", "<ObjectEncryption><SSE-KMS><KMSKeyArn>"+key+"</KMSKeyArn><BucketKeyEnabled>true</BucketKeyEnabled></SSE-KMS></ObjectEncryption>")
		return status, body
	}
	if status, body := update("k", key); status != 200 {
		t.Fatal(status, body)
	}
	after := must(c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: b, Key: aws.String("k")}))(t)
	if after.ServerSideEncryption != "aws:kms" || aws.ToString(after.SSEKMSKeyId) != key || !aws.ToBool(after.BucketKeyEnabled) {
		t.Errorf("it has %v %v", after.ServerSideEncryption, aws.ToString(after.SSEKMSKeyId))
	}
	if *after.ETag != *before.ETag || !after.LastModified.Equal(*before.LastModified) || aws.ToString(after.VersionId) != aws.ToString(before.VersionId) || get(t, c, "bkt", "k") != "data" {
		t.Errorf("it was %v and is %v", before, after)
	}
	for _, v := range []struct {
		object, key string
		status      int
		text        string
	}{
		{"none", key, 404, "NoSuchKey"},
		{"k", "", 400, "require an Amazon Web Services KMS key"},
		{"k", "alias/x", 400, "require a valid Amazon Web Services KMS key"},
		{"k", strings.Replace(key, accountA, accountB, 1), 403, "owned by the same account"},
		{"held", key, 403, "object lock"},
		{"dsse", key, 400, "DSSE-KMS or SSE-C"},
	} {
		if status, body := update(v.object, v.key); status != v.status || !strings.Contains(body, v.text) {
			t.Errorf("%s to %q: %d %s", v.object, v.key, status, body)
		}
	}
}

// TestBlockedEncryption: a bucket that blocks keys of customers takes no new objects with them, and gives out those that
// are there.
func TestBlockedEncryption(t *testing.T) {
	n := newNode(t)
	c := n.client("000000000000", "us-east-1")
	makeBucket(t, c, "bkt")
	b := aws.String("bkt")
	raw := strings.Repeat("k", 32)
	key := aws.String(base64.StdEncoding.EncodeToString([]byte(raw)))
	digest := md5.Sum([]byte(raw))
	sum, algorithm := aws.String(base64.StdEncoding.EncodeToString(digest[:])), aws.String("AES256")
	block := func(kinds ...types.EncryptionType) error {
		_, err := c.PutBucketEncryption(t.Context(), &s3.PutBucketEncryptionInput{Bucket: b, ServerSideEncryptionConfiguration: &types.ServerSideEncryptionConfiguration{
			Rules: []types.ServerSideEncryptionRule{{BlockedEncryptionTypes: &types.BlockedEncryptionTypes{EncryptionType: kinds}}}}})
		return err
	}
	write := func(name string) error {
		_, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: b, Key: &name, Body: strings.NewReader("x"), SSECustomerAlgorithm: algorithm, SSECustomerKey: key, SSECustomerKeyMD5: sum})
		return err
	}
	want(t, "before", write("k"), "")
	up := must(c.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: b, Key: aws.String("k3"), SSECustomerAlgorithm: algorithm, SSECustomerKey: key, SSECustomerKeyMD5: sum}))(t)
	want(t, "block", block(types.EncryptionTypeSseC), "")
	want(t, "put", write("k2"), "AccessDenied")
	_, err := c.UploadPart(t.Context(), &s3.UploadPartInput{Bucket: b, Key: aws.String("k3"), UploadId: up.UploadId, PartNumber: aws.Int32(1), Body: strings.NewReader("x"),
		SSECustomerAlgorithm: algorithm, SSECustomerKey: key, SSECustomerKeyMD5: sum})
	want(t, "a part of an upload from before", err, "AccessDenied")
	_, err = c.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: b, Key: aws.String("k2"), SSECustomerAlgorithm: algorithm, SSECustomerKey: key, SSECustomerKeyMD5: sum})
	want(t, "upload", err, "AccessDenied")
	_, err = c.CopyObject(t.Context(), &s3.CopyObjectInput{Bucket: b, Key: aws.String("k2"), CopySource: aws.String("bkt/k"), SSECustomerAlgorithm: algorithm, SSECustomerKey: key, SSECustomerKeyMD5: sum,
		CopySourceSSECustomerAlgorithm: algorithm, CopySourceSSECustomerKey: key, CopySourceSSECustomerKeyMD5: sum})
	want(t, "copy", err, "AccessDenied")
	_, err = c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: b, Key: aws.String("k"), SSECustomerAlgorithm: algorithm, SSECustomerKey: key, SSECustomerKeyMD5: sum})
	want(t, "get", err, "")
	put(t, c, "bkt", "plain", "x")
	want(t, "unblock and block", block(types.EncryptionTypeNone, types.EncryptionTypeSseC), "MalformedXML")
	want(t, "unblock", block(types.EncryptionTypeNone), "")
	want(t, "after", write("k2"), "")
}
