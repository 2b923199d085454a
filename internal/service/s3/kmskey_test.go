package s3

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/policy"
)

// fakeKeys has one key, and its alias "alias/lake".
type fakeKeys struct{ state kmstypes.KeyState }

const fakeKey = "arn:aws:kms:eu-west-1:111122223333:key/0d3bb5a8-0f0f-4f0b-9d5e-0f1f2f3f4f5f"

func (f *fakeKeys) DescribeKey(ctx context.Context, in *kms.DescribeKeyInput, _ ...func(*kms.Options)) (*kms.DescribeKeyOutput, error) {
	if c := awswire.CallerFrom(ctx); c.Region != "eu-west-1" || c.Account != "111122223333" {
		return nil, &kmstypes.NotFoundException{Message: aws.String("of another region or account")}
	}
	if k := *in.KeyId; k != "alias/lake" && !strings.HasSuffix(fakeKey, k) {
		return nil, &kmstypes.NotFoundException{Message: aws.String("Invalid keyId '" + k + "'")}
	}
	return &kms.DescribeKeyOutput{KeyMetadata: &kmstypes.KeyMetadata{Arn: aws.String(fakeKey), KeyState: f.state, KeyUsage: kmstypes.KeyUsageTypeEncryptDecrypt, KeySpec: kmstypes.KeySpecSymmetricDefault}}, nil
}

// TestKeysOfKMS: an object's key is there and enabled when it is put, and enabled when it is read.
func TestKeysOfKMS(t *testing.T) {
	n := newNode(t)
	keys := &fakeKeys{state: kmstypes.KeyStateEnabled}
	n.UseKeys(keys)
	c := n.client("111122223333", "eu-west-1")
	if _, err := c.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("bkt"), CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: "eu-west-1"}}); err != nil {
		t.Fatal(err)
	}
	put := func(key string) (*s3.PutObjectOutput, error) {
		in := &s3.PutObjectInput{Bucket: aws.String("bkt"), Key: aws.String("k"), Body: strings.NewReader("x"), ServerSideEncryption: "aws:kms"}
		if key != "" {
			in.SSEKMSKeyId = &key
		}
		return c.PutObject(t.Context(), in)
	}
	for _, key := range []string{"alias/lake", fakeKey, fakeKey[strings.LastIndexByte(fakeKey, '/')+1:]} {
		if out, err := put(key); err != nil || aws.ToString(out.SSEKMSKeyId) != fakeKey {
			t.Errorf("%s: %v, %v", key, out, err)
		}
	}
	if _, err := put("nope"); codeOf(err) != "KMS.NotFoundException" {
		t.Errorf("a key that is not there: %v", err)
	}
	read := func() error {
		_, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("bkt"), Key: aws.String("k")})
		return err
	}
	if err := read(); err != nil {
		t.Error(err)
	}
	for state, code := range map[kmstypes.KeyState]string{kmstypes.KeyStateDisabled: "KMS.DisabledException", kmstypes.KeyStatePendingDeletion: "KMS.KMSInvalidStateException"} {
		keys.state = state
		if err := read(); codeOf(err) != code {
			t.Errorf("%s: read: %v", state, err)
		}
		if _, err := put("alias/lake"); codeOf(err) != code {
			t.Errorf("%s: put: %v", state, err)
		}
	}
	if _, err := put(""); err != nil { // with the key of S3
		t.Error(err)
	}
	if err := read(); err != nil {
		t.Error(err)
	}
}

// TestPermissionsOfKeys: who writes an object with a key, or reads it, needs the key's permissions; who does not read the data
// needs none.
func TestPermissionsOfKeys(t *testing.T) {
	var denied string
	n := openConfig(t, Config{Dir: t.TempDir(), Decide: func(_ context.Context, action, on string, keys policy.Keys) error {
		if strings.HasPrefix(action, "kms:") && (on != fakeKey || keys("kms:viaservice")[0] != "s3.eu-west-1.amazonaws.com" || keys("kms:encryptioncontext:aws:s3:arn")[0] != "arn:aws:s3:::bkt/k") {
			t.Errorf("%s was asked for %s", action, on)
		}
		if action == denied {
			return &smithy.GenericAPIError{Code: "AccessDeniedException", Message: "not " + action}
		}
		return nil
	}})
	n.UseKeys(&fakeKeys{state: kmstypes.KeyStateEnabled})
	c := n.client("111122223333", "eu-west-1")
	b, k := aws.String("bkt"), aws.String("k")
	must(c.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: b, CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: "eu-west-1"}}))(t)
	put := func() error {
		_, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: b, Key: k, Body: strings.NewReader("x"), ServerSideEncryption: "aws:kms", SSEKMSKeyId: aws.String(fakeKey)})
		return err
	}
	want(t, "write", put(), "")
	denied = "kms:GenerateDataKey"
	want(t, "write without a data key", put(), "AccessDenied")
	want(t, "read", func() error { _, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: b, Key: k}); return err }(), "")
	denied = "kms:Decrypt"
	_, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: b, Key: k})
	want(t, "read without the key", err, "AccessDenied")
	if err == nil || !strings.Contains(err.Error(), "not kms:Decrypt") {
		t.Errorf("the reason is %v", err)
	}
	_, err = c.CopyObject(t.Context(), &s3.CopyObjectInput{Bucket: b, Key: aws.String("copy"), CopySource: aws.String("bkt/k")})
	if codeOf(err) != "AccessDenied" {
		t.Errorf("a copy without the key: %v", err)
	}
	must(c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: b, Key: k}))(t)
}

// TestKeysOfSources: the key of an object that is copied is asked for where the object is, whatever the bucket that it goes to.
func TestKeysOfSources(t *testing.T) {
	var denied string
	n := openConfig(t, Config{Dir: t.TempDir(), Decide: func(_ context.Context, action, on string, keys policy.Keys) error {
		if action == denied && on == fakeKey {
			return &smithy.GenericAPIError{Code: "AccessDeniedException", Message: "not " + action}
		}
		return nil
	}})
	n.UseKeys(&fakeKeys{state: kmstypes.KeyStateEnabled})
	c := n.client("111122223333", "eu-west-1")
	b, k := aws.String("bkt"), aws.String("k")
	must(c.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: b, CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: "eu-west-1"}}))(t)
	must(c.PutPublicAccessBlock(t.Context(), &s3.PutPublicAccessBlockInput{Bucket: b, PublicAccessBlockConfiguration: &types.PublicAccessBlockConfiguration{}}))(t)
	must(c.PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{Bucket: b, Policy: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::bkt/*"}]}`)}))(t)
	must(c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: b, Key: k, Body: strings.NewReader("x"), ServerSideEncryption: "aws:kms", SSEKMSKeyId: aws.String(fakeKey)}))(t)
	for account, to := range map[string]string{"111122223333": "same-account", "444455556666": "other-account"} {
		c := n.client(account, "us-east-1")
		makeBucket(t, c, to)
		copied := func() error {
			_, err := c.CopyObject(t.Context(), &s3.CopyObjectInput{Bucket: &to, Key: k, CopySource: aws.String("bkt/k")})
			return err
		}
		denied = ""
		want(t, to, copied(), "")
		denied = "kms:Decrypt"
		want(t, to+" without the key", copied(), "AccessDenied")
	}
}

// TestKeysOfOthers: a key of an account that is neither the caller's nor the bucket's is asked for too.
func TestKeysOfOthers(t *testing.T) {
	var denied string
	n := openConfig(t, Config{Dir: t.TempDir(), Decide: func(_ context.Context, action, on string, keys policy.Keys) error {
		if action == denied && on == fakeKey && keys("kms:calleraccount")[0] == "444455556666" {
			return &smithy.GenericAPIError{Code: "AccessDeniedException", Message: "not " + action}
		}
		return nil
	}})
	keys := &fakeKeys{state: kmstypes.KeyStateEnabled}
	n.UseKeys(keys)
	c := n.client("444455556666", "eu-west-1")
	b, k := aws.String("bkt"), aws.String("k")
	must(c.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: b, CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: "eu-west-1"}}))(t)
	put := func(key string) error {
		_, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: b, Key: k, Body: strings.NewReader("x"), ServerSideEncryption: "aws:kms", SSEKMSKeyId: &key})
		return err
	}
	get := func() error { _, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: b, Key: k}); return err }
	want(t, "a key of an account that is not there", put("arn:aws:kms:eu-west-1:777788889999:key/0d3bb5a8-0f0f-4f0b-9d5e-0f1f2f3f4f5f"), "")
	want(t, "an object with it", get(), "")
	denied = "kms:GenerateDataKey"
	want(t, "write without a data key", put(fakeKey), "AccessDenied")
	denied = ""
	want(t, "write", put(fakeKey), "")
	want(t, "read", get(), "")
	denied = "kms:Decrypt"
	want(t, "read without the key", get(), "AccessDenied")
	denied, keys.state = "", kmstypes.KeyStateDisabled
	want(t, "read with a key that is disabled", get(), "KMS.DisabledException")
}

// TestKeysOfNobody: where policies count, an object with a key is for requests that are signed, whoever else may read the bucket.
func TestKeysOfNobody(t *testing.T) {
	enforced := true
	n := openConfig(t, Config{Dir: t.TempDir(), Decide: func(context.Context, string, string, policy.Keys) error { return nil }, Enforces: func() bool { return enforced }})
	n.UseKeys(&fakeKeys{state: kmstypes.KeyStateEnabled})
	c := n.client("111122223333", "eu-west-1")
	b := aws.String("bkt")
	must(c.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: b, CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: "eu-west-1"}}))(t)
	must(c.PutPublicAccessBlock(t.Context(), &s3.PutPublicAccessBlockInput{Bucket: b, PublicAccessBlockConfiguration: &types.PublicAccessBlockConfiguration{}}))(t)
	must(c.PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{Bucket: b, Policy: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":["s3:GetObject","s3:PutObject"],"Resource":"arn:aws:s3:::bkt/*"}]}`)}))(t)
	must(c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: b, Key: aws.String("plain"), Body: strings.NewReader("x")}))(t)
	must(c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: b, Key: aws.String("named"), Body: strings.NewReader("x"), ServerSideEncryption: "aws:kms", SSEKMSKeyId: aws.String(fakeKey)}))(t)
	must(c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: b, Key: aws.String("of-s3"), Body: strings.NewReader("x"), ServerSideEncryption: "aws:kms"}))(t)
	nobody := func(method, key string) string {
		r := httptest.NewRequest(method, "/bkt/"+key, nil)
		if method == http.MethodPut {
			r.Header.Set("X-Amz-Server-Side-Encryption", "aws:kms")
		}
		w := httptest.NewRecorder()
		n.ServeHTTP(w, r.WithContext(awswire.WithCaller(t.Context(), awswire.Caller{Account: "111122223333", Region: "eu-west-1", Anonymous: true})))
		if w.Code != http.StatusOK {
			return strconv.Itoa(w.Code) + " " + w.Body.String()
		}
		return w.Body.String()
	}
	const refused = "require AWS Signature Version 4."
	for _, x := range []struct{ what, got, want string }{
		{"an object without a key", nobody("GET", "plain"), "x"},
		{"one with a key", nobody("GET", "named"), refused},
		{"one with the key of S3", nobody("GET", "of-s3"), refused},
		{"a new one with a key", nobody("PUT", "new"), refused},
	} {
		if !strings.Contains(x.got, x.want) || x.want == refused && !strings.HasPrefix(x.got, "400 ") {
			t.Errorf("%s: %s", x.what, x.got)
		}
	}
	enforced = false
	if got := nobody("GET", "named"); got != "x" {
		t.Errorf("where policies do not count: %s", got)
	}
}
