package s3

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/brookmere/brookmere/internal/engine/policy"
)

const accountA, accountB = "000000000000", "222222222222"

func putPolicy(t testing.TB, c *s3.Client, bucket, statements string) {
	t.Helper()
	text := `{"Version":"2012-10-17","Statement":[` + statements + `]}`
	if _, err := c.PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{Bucket: &bucket, Policy: &text}); err != nil {
		t.Fatal(err)
	}
}

// allowOther is a statement that lets the other account in.
func allowOther(resource, condition string, actions ...string) string {
	return `{"Effect":"Allow","Principal":{"AWS":"` + accountB + `"},"Action":["` + strings.Join(actions, `","`) + `"],"Resource":"arn:aws:s3:::` + resource + `"` + condition + `}`
}

// TestConditionKeysOfTags: policies tell objects by the tags that they have, and requests by the tags that they give.
func TestConditionKeysOfTags(t *testing.T) {
	n := newNode(t)
	owner, other := n.client(accountA, "us-east-1"), n.client(accountB, "us-east-1")
	makeBucket(t, owner, "bkt")
	b := aws.String("bkt")
	for key, tags := range map[string]string{"open": "Access=public&team=a", "shut": "Access=private", "none": ""} {
		must(owner.PutObject(t.Context(), &s3.PutObjectInput{Bucket: b, Key: aws.String(key), Tagging: &tags, Body: strings.NewReader("x")}))(t)
	}
	putPolicy(t, owner, "bkt", allowOther("bkt/*", `,"Condition":{"StringEquals":{"s3:ExistingObjectTag/access":"public"}}`, "s3:GetObject", "s3:GetObjectTagging")+","+
		allowOther("bkt/in/*", `,"Condition":{"StringEquals":{"s3:RequestObjectTag/team":"a"},"ForAllValues:StringEquals":{"s3:RequestObjectTagKeys":["team"]}}`, "s3:PutObject", "s3:PutObjectTagging"))
	for key, code := range map[string]string{"open": "", "shut": "AccessDenied", "none": "AccessDenied"} {
		_, err := other.GetObject(t.Context(), &s3.GetObjectInput{Bucket: b, Key: aws.String(key)})
		want(t, "get "+key, err, code)
		_, err = other.GetObjectTagging(t.Context(), &s3.GetObjectTaggingInput{Bucket: b, Key: aws.String(key)})
		want(t, "tags of "+key, err, code)
	}
	for tags, code := range map[string]string{"team=a": "", "team=b": "AccessDenied", "": "AccessDenied", "team=a&more=b": "AccessDenied"} {
		_, err := other.PutObject(t.Context(), &s3.PutObjectInput{Bucket: b, Key: aws.String("in/k"), Tagging: &tags, Body: strings.NewReader("x")})
		want(t, "put with "+tags, err, code)
	}
	for team, code := range map[string]string{"a": "", "b": "AccessDenied"} {
		_, err := other.PutObjectTagging(t.Context(), &s3.PutObjectTaggingInput{Bucket: b, Key: aws.String("in/k"),
			Tagging: &types.Tagging{TagSet: []types.Tag{{Key: aws.String("team"), Value: &team}}}})
		want(t, "tag with "+team, err, code)
	}
	got := must(owner.GetObjectTagging(t.Context(), &s3.GetObjectTaggingInput{Bucket: b, Key: aws.String("in/k")}))(t)
	if len(got.TagSet) != 1 || *got.TagSet[0].Value != "a" {
		t.Errorf("tags are %v", got.TagSet)
	}
}

// TestConditionKeysOfRequests has one key after the other deny what is otherwise allowed.
func TestConditionKeysOfRequests(t *testing.T) {
	n := newNode(t)
	owner, other := n.client(accountA, "us-east-1"), n.client(accountB, "us-east-1")
	if _, err := owner.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("bkt"), ObjectLockEnabledForBucket: aws.Bool(true)}); err != nil {
		t.Fatal(err)
	}
	b, k := aws.String("bkt"), aws.String("k")
	put := func(change func(*s3.PutObjectInput)) error {
		in := &s3.PutObjectInput{Bucket: b, Key: k, Body: strings.NewReader("x"), ChecksumAlgorithm: types.ChecksumAlgorithmCrc32}
		if change != nil {
			change(in)
		}
		_, err := other.PutObject(t.Context(), in)
		return err
	}
	days := func(n int) func(*s3.PutObjectInput) {
		return func(in *s3.PutObjectInput) {
			in.ObjectLockMode, in.ObjectLockRetainUntilDate = types.ObjectLockModeGovernance, aws.Time(time.Now().AddDate(0, 0, n))
		}
	}
	for _, x := range []struct {
		condition string
		change    func(*s3.PutObjectInput)
		code      string
	}{
		{`"Null":{"s3:if-none-match":"true"}`, nil, "AccessDenied"},
		{`"Null":{"s3:if-none-match":"true"},"Bool":{"s3:ObjectCreationOperation":"true"}`, nil, "AccessDenied"},
		{`"Bool":{"s3:ObjectCreationOperation":"false"}`, nil, ""},
		{`"StringNotEquals":{"s3:ResourceAccount":"` + accountA + `"}`, nil, ""},
		{`"StringEquals":{"s3:ResourceAccount":"` + accountA + `"}`, nil, "AccessDenied"},
		{`"StringEquals":{"s3:authType":"REST-HEADER"}`, nil, "AccessDenied"},
		{`"StringNotEquals":{"s3:signatureversion":"AWS4-HMAC-SHA256"}`, nil, ""},
		{`"NumericLessThan":{"s3:signatureAge":"600000"}`, nil, ""}, // which presigned URLs and forms have
		{`"StringNotEquals":{"aws:PrincipalAccount":"` + accountB + `"}`, nil, ""},
		{`"NumericGreaterThan":{"s3:object-lock-remaining-retention-days":"10"}`, days(20), "AccessDenied"},
		{`"NumericGreaterThan":{"s3:object-lock-remaining-retention-days":"10"}`, days(5), ""},
		{`"StringEquals":{"s3:object-lock-mode":"COMPLIANCE"}`, days(5), ""},
		{`"StringEquals":{"s3:x-amz-storage-class":"GLACIER"}`, func(in *s3.PutObjectInput) { in.StorageClass = "GLACIER" }, "AccessDenied"},
	} {
		putPolicy(t, owner, "bkt", allowOther("bkt/*", "", "s3:PutObject", "s3:PutObjectRetention")+
			`,{"Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::bkt/*","Condition":{`+x.condition+`}}`)
		want(t, x.condition, put(x.change), x.code)
	}
}

// TestPermissionsOfWhatIsSaid: a list, tags and locks that come with an object need permissions of their own, and so
// does passing over governance.
func TestPermissionsOfWhatIsSaid(t *testing.T) {
	n := newNode(t)
	owner, other := n.client(accountA, "us-east-1"), n.client(accountB, "us-east-1")
	if _, err := owner.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("bkt"), ObjectLockEnabledForBucket: aws.Bool(true)}); err != nil {
		t.Fatal(err)
	}
	b, k := aws.String("bkt"), aws.String("k")
	until := aws.Time(time.Now().AddDate(0, 0, 1))
	said := map[string]*s3.PutObjectInput{
		"s3:PutObjectAcl":       {ACL: types.ObjectCannedACLBucketOwnerFullControl},
		"s3:PutObjectTagging":   {Tagging: aws.String("a=b")},
		"s3:PutObjectRetention": {ObjectLockMode: types.ObjectLockModeGovernance, ObjectLockRetainUntilDate: until},
		"s3:PutObjectLegalHold": {ObjectLockLegalHoldStatus: types.ObjectLockLegalHoldStatusOff},
	}
	for action, in := range said {
		for _, allowed := range []bool{false, true} {
			code, actions := "AccessDenied", []string{"s3:PutObject"}
			if allowed {
				code, actions = "", append(actions, action)
			}
			putPolicy(t, owner, "bkt", allowOther("bkt/*", "", actions...))
			in.Bucket, in.Key, in.Body, in.ChecksumAlgorithm = b, k, strings.NewReader("x"), types.ChecksumAlgorithmCrc32
			_, err := other.PutObject(t.Context(), in)
			want(t, action, err, code)
		}
	}
	locked := must(owner.PutObject(t.Context(), &s3.PutObjectInput{Bucket: b, Key: aws.String("locked"), Body: strings.NewReader("x"),
		ObjectLockMode: types.ObjectLockModeGovernance, ObjectLockRetainUntilDate: until, ChecksumAlgorithm: types.ChecksumAlgorithmCrc32}))(t)
	remove := func() error {
		_, err := other.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: b, Key: aws.String("locked"), VersionId: locked.VersionId, BypassGovernanceRetention: aws.Bool(true)})
		return err
	}
	removeMany := func() string {
		out := must(other.DeleteObjects(t.Context(), &s3.DeleteObjectsInput{Bucket: b, BypassGovernanceRetention: aws.Bool(true),
			Delete: &types.Delete{Objects: []types.ObjectIdentifier{{Key: aws.String("locked"), VersionId: locked.VersionId}}}}))(t)
		if len(out.Errors) == 0 {
			return ""
		}
		return *out.Errors[0].Code
	}
	putPolicy(t, owner, "bkt", allowOther("bkt/*", "", "s3:DeleteObjectVersion"))
	want(t, "bypass without permission", remove(), "AccessDenied")
	if code := removeMany(); code != "AccessDenied" {
		t.Errorf("bypass of one of many without permission: %q", code)
	}
	putPolicy(t, owner, "bkt", allowOther("bkt/*", "", "s3:DeleteObject", "s3:BypassGovernanceRetention"))
	want(t, "a version by the permission for objects", remove(), "AccessDenied")
	putPolicy(t, owner, "bkt", allowOther("bkt/*", "", "s3:DeleteObjectVersion", "s3:BypassGovernanceRetention"))
	want(t, "bypass", remove(), "")
}

// TestMissingIsHidden: who may not list a bucket is not told that there is no such object.
func TestMissingIsHidden(t *testing.T) {
	n := newNode(t)
	owner, other := n.client(accountA, "us-east-1"), n.client(accountB, "us-east-1")
	makeBucket(t, owner, "bkt")
	put(t, owner, "bkt", "there", "x")
	b := aws.String("bkt")
	read := func(key string) error {
		_, err := other.GetObject(t.Context(), &s3.GetObjectInput{Bucket: b, Key: &key})
		return err
	}
	copied := func(key string) error {
		_, err := other.CopyObject(t.Context(), &s3.CopyObjectInput{Bucket: b, Key: aws.String("to"), CopySource: aws.String("bkt/" + key)})
		return err
	}
	putPolicy(t, owner, "bkt", allowOther("bkt/*", "", "s3:GetObject", "s3:PutObject"))
	want(t, "there", read("there"), "")
	want(t, "missing", read("missing"), "AccessDenied")
	want(t, "copy of what is missing", copied("missing"), "AccessDenied")
	putPolicy(t, owner, "bkt", allowOther("bkt/*", "", "s3:GetObject", "s3:PutObject")+","+allowOther("bkt", "", "s3:ListBucket"))
	want(t, "missing, with a list", read("missing"), "NoSuchKey")
	want(t, "copy of what is missing, with a list", copied("missing"), "NoSuchKey")
}

// TestListsAndPolicies: a list of a bucket or an object lets another account in, whose own policies then decide.
func TestListsAndPolicies(t *testing.T) {
	refused := errors.New("no")
	cfg := Config{Dir: filepath.Join(t.TempDir(), "objects")}
	cfg.Decide = func(_ context.Context, action, on string, _ policy.Keys) error { return nil }
	granted := 0
	cfg.Granted = func(_ context.Context, action, on string, _ policy.Keys) error {
		granted++
		if strings.HasSuffix(on, "/no") {
			return fault(403, "AccessDenied", refused.Error())
		}
		return nil
	}
	n := openConfig(t, cfg)
	owner, other := n.client(accountA, "us-east-1"), n.client(accountB, "us-east-1")
	b := aws.String("bkt")
	if _, err := owner.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: b, ObjectOwnership: types.ObjectOwnershipObjectWriter}); err != nil {
		t.Fatal(err)
	}
	granted = 0
	for _, key := range []string{"yes", "no"} {
		must(owner.PutObject(t.Context(), &s3.PutObjectInput{Bucket: b, Key: &key, Body: strings.NewReader("x"),
			GrantRead: aws.String(`id="` + canonicalID(accountB) + `"`)}))(t)
	}
	put(t, owner, "bkt", "unlisted", "x")
	for key, code := range map[string]string{"yes": "", "no": "AccessDenied", "unlisted": "AccessDenied"} {
		_, err := other.GetObject(t.Context(), &s3.GetObjectInput{Bucket: b, Key: &key})
		want(t, key, err, code)
	}
	if granted != 2 {
		t.Errorf("policies were asked about what lists grant %d times, want 2", granted)
	}
	_, err := other.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: b})
	want(t, "a bucket of another account", err, "BucketAlreadyExists")
}

// TestPolicyIsOfTheOwner: a policy that lets others do everything does not let them at itself.
func TestPolicyIsOfTheOwner(t *testing.T) {
	n := newNode(t)
	owner, other := n.client(accountA, "us-east-1"), n.client(accountB, "us-east-1")
	makeBucket(t, owner, "bkt")
	b := aws.String("bkt")
	all := allowOther("bkt", "", "s3:*")
	putPolicy(t, owner, "bkt", all)
	must(other.GetBucketLocation(t.Context(), &s3.GetBucketLocationInput{Bucket: b}))(t)
	_, err := other.GetBucketPolicy(t.Context(), &s3.GetBucketPolicyInput{Bucket: b})
	want(t, "GetBucketPolicy", err, "MethodNotAllowed")
	_, err = other.PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{Bucket: b, Policy: aws.String(`{"Version":"2012-10-17","Statement":[` + allowOther("bkt/*", "", "s3:*") + `]}`)})
	want(t, "PutBucketPolicy", err, "MethodNotAllowed")
	_, err = other.DeleteBucketPolicy(t.Context(), &s3.DeleteBucketPolicyInput{Bucket: b})
	want(t, "DeleteBucketPolicy", err, "MethodNotAllowed")
	if got := must(owner.GetBucketPolicy(t.Context(), &s3.GetBucketPolicyInput{Bucket: b}))(t); !strings.Contains(*got.Policy, `"arn:aws:s3:::bkt"`) {
		t.Errorf("the policy is %s", *got.Policy)
	}
	must(owner.DeleteBucketPolicy(t.Context(), &s3.DeleteBucketPolicyInput{Bucket: b}))(t)
	_, err = other.GetBucketPolicy(t.Context(), &s3.GetBucketPolicyInput{Bucket: b})
	want(t, "GetBucketPolicy without a policy", err, "AccessDenied")
}

// TestConditionKeysOfParts: what a policy asks of the headers that make an object, the parts of an upload have of the
// request that began it.
func TestConditionKeysOfParts(t *testing.T) {
	n := newNode(t)
	owner, other := n.client(accountA, "us-east-1"), n.client(accountB, "us-east-1")
	makeBucket(t, owner, "bkt")
	b, k := aws.String("bkt"), aws.String("k")
	putPolicy(t, owner, "bkt", allowOther("bkt/*", "", "s3:GetObject")+","+
		allowOther("bkt/*", `,"Condition":{"StringEquals":{"s3:x-amz-server-side-encryption":"AES256","s3:x-amz-storage-class":"STANDARD_IA"}}`, "s3:PutObject"))
	begin := func(change func(*s3.CreateMultipartUploadInput)) (*string, error) {
		in := &s3.CreateMultipartUploadInput{Bucket: b, Key: k, ServerSideEncryption: types.ServerSideEncryptionAes256, StorageClass: types.StorageClassStandardIa}
		change(in)
		out, err := other.CreateMultipartUpload(t.Context(), in)
		if err != nil {
			return nil, err
		}
		return out.UploadId, nil
	}
	_, err := begin(func(in *s3.CreateMultipartUploadInput) { in.ServerSideEncryption = "" })
	want(t, "an upload without the header", err, "AccessDenied")
	id, err := begin(func(*s3.CreateMultipartUploadInput) {})
	if err != nil {
		t.Fatal(err)
	}
	part := must(other.UploadPart(t.Context(), &s3.UploadPartInput{Bucket: b, Key: k, UploadId: id, PartNumber: aws.Int32(1), Body: strings.NewReader("x")}))(t)
	must(other.CompleteMultipartUpload(t.Context(), &s3.CompleteMultipartUploadInput{Bucket: b, Key: k, UploadId: id,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: []types.CompletedPart{{PartNumber: aws.Int32(1), ETag: part.ETag}}}}))(t)
	info, err := n.store.Stat("bkt", "k", "")
	if err != nil {
		t.Fatal(err)
	}
	for name := range info.Props {
		if strings.HasPrefix(name, propSaid) {
			t.Errorf("the object keeps %s", name)
		}
	}
	made := must(owner.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: b, Key: k}))(t)
	_, err = other.UploadPart(t.Context(), &s3.UploadPartInput{Bucket: b, Key: k, UploadId: made.UploadId, PartNumber: aws.Int32(1), Body: strings.NewReader("x")})
	want(t, "a part of an upload without the header", err, "AccessDenied")
}

// TestEmptyPrefix: a policy lets the root of a bucket be listed by an empty prefix, which a request has to name.
func TestEmptyPrefix(t *testing.T) {
	n := newNode(t)
	owner, other := n.client(accountA, "us-east-1"), n.client(accountB, "us-east-1")
	makeBucket(t, owner, "bkt")
	putPolicy(t, owner, "bkt", allowOther("bkt", `,"Condition":{"StringEquals":{"s3:prefix":["","home/"]}}`, "s3:ListBucket"))
	for prefix, code := range map[string]string{"": "", "home/": "", "x": "AccessDenied"} {
		_, err := other.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String("bkt"), Prefix: &prefix})
		want(t, "list "+prefix, err, code)
	}
	_, err := other.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String("bkt")})
	want(t, "list by no prefix", err, "AccessDenied")
}

// TestTagsOfOneName: a tag does not hide another one whose key differs in case alone from a policy that denies by it.
func TestTagsOfOneName(t *testing.T) {
	tags := map[string]string{"Secret": "no", "secret": "yes", "SECRET": "maybe"}
	for range 20 {
		if got := strings.Join(tagValues(tags, "secret"), " "); got != "maybe no yes" {
			t.Fatal(got)
		}
	}
}
