package s3

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"encoding/xml"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/jonboulle/clockwork"
)

// want holds an error's code against the one that AWS has.
func want(t *testing.T, what string, err error, code string) {
	t.Helper()
	if got := codeOf(err); got != code {
		t.Errorf("%s: %q, want %q (%v)", what, got, code, err)
	}
}

// TestRefusedWritesChangeNothing: whatever refuses a put, a copy or a completion, the object is
// what it was.
func TestRefusedWritesChangeNothing(t *testing.T) {
	n := newNode(t)
	c := n.client("000000000000", "us-east-1")
	makeBucket(t, c, "bkt")
	put(t, c, "bkt", "k", "first")
	put(t, c, "bkt", "src", "second")
	future := aws.Time(time.Now().Add(time.Hour))
	b, k := aws.String("bkt"), aws.String("k")
	body := func() io.Reader { return strings.NewReader("second") }
	for what, in := range map[string]*s3.PutObjectInput{
		"InvalidRequest":                {ObjectLockMode: types.ObjectLockModeGovernance, ObjectLockRetainUntilDate: future},
		"InvalidRequest ":               {ObjectLockLegalHoldStatus: types.ObjectLockLegalHoldStatusOn},
		"InvalidStorageClass":           {StorageClass: "NONE"},
		"InvalidArgument":               {ServerSideEncryption: "none"},
		"PreconditionFailed":            {IfNoneMatch: aws.String("*")},
		"PreconditionFailed ":           {IfMatch: aws.String(`"x"`)},
		"BadDigest":                     {ContentMD5: aws.String(base64.StdEncoding.EncodeToString(make([]byte, 16)))},
		"InvalidDigest":                 {ContentMD5: aws.String("x")},
		"MetadataTooLarge":              {Metadata: map[string]string{"a": strings.Repeat("x", 2100)}},
		"InvalidTag":                    {Tagging: aws.String("aws:x=1")},
		"AccessControlListNotSupported": {ACL: types.ObjectCannedACLPublicRead},
		"NotImplemented":                {IfNoneMatch: aws.String(`"x"`)},
		"InvalidRedirectLocation":       {WebsiteRedirectLocation: aws.String("x")},
	} {
		in.Bucket, in.Key, in.Body = b, k, body()
		_, err := c.PutObject(t.Context(), in, func(o *s3.Options) { o.RetryMaxAttempts = 1 })
		want(t, "put", err, strings.TrimSpace(what))
	}
	for what, in := range map[string]*s3.CopyObjectInput{
		"InvalidRequest":      {ObjectLockMode: types.ObjectLockModeGovernance, ObjectLockRetainUntilDate: future},
		"PreconditionFailed":  {IfNoneMatch: aws.String("*")},
		"PreconditionFailed ": {IfMatch: aws.String(`"x"`)},
		"InvalidStorageClass": {StorageClass: "NONE"},
	} {
		in.Bucket, in.Key, in.CopySource = b, k, aws.String("bkt/src")
		_, err := c.CopyObject(t.Context(), in)
		want(t, "copy", err, strings.TrimSpace(what))
	}
	if got := get(t, c, "bkt", "k"); got != "first" {
		t.Errorf("the object is now %q", got)
	}
	_, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: b, Key: aws.String("none"), Body: body(), IfMatch: aws.String(`"x"`)})
	want(t, "put if it matches, of nothing", err, "NoSuchKey")
}

// TestConditionalCompletion: what has come to the key since the upload was begun counts.
func TestConditionalCompletion(t *testing.T) {
	n := newNode(t)
	c := n.client("000000000000", "us-east-1")
	makeBucket(t, c, "bkt")
	b, k := aws.String("bkt"), aws.String("k")
	upload := func() (id *string, parts []types.CompletedPart) {
		up := must(c.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: b, Key: k}))(t)
		p := must(c.UploadPart(t.Context(), &s3.UploadPartInput{Bucket: b, Key: k, UploadId: up.UploadId, PartNumber: aws.Int32(1), Body: strings.NewReader("part")}))(t)
		return up.UploadId, []types.CompletedPart{{PartNumber: aws.Int32(1), ETag: p.ETag}}
	}
	complete := func(id *string, parts []types.CompletedPart, match, none *string) error {
		_, err := c.CompleteMultipartUpload(t.Context(), &s3.CompleteMultipartUploadInput{
			Bucket: b, Key: k, UploadId: id, IfMatch: match, IfNoneMatch: none, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts}})
		return err
	}
	id, parts := upload()
	put(t, c, "bkt", "k", "between")
	want(t, "it is there", complete(id, parts, nil, aws.String("*")), "PreconditionFailed")
	tag := must(c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: b, Key: k}))(t).ETag
	want(t, "it came meanwhile", complete(id, parts, tag, nil), "ConditionalRequestConflict")
	if _, err := c.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: b, Key: k}); err != nil {
		t.Fatal(err)
	}
	want(t, "it went meanwhile", complete(id, parts, nil, aws.String("*")), "ConditionalRequestConflict")
	want(t, "without a condition", complete(id, parts, nil, nil), "")
	want(t, "again", complete(id, parts, nil, nil), "")
	if got := get(t, c, "bkt", "k"); got != "part" {
		t.Errorf("got %q", got)
	}
}

func TestDatesAreOfSeconds(t *testing.T) {
	n := newNode(t)
	c := n.client("000000000000", "us-east-1")
	makeBucket(t, c, "bkt")
	put(t, c, "bkt", "k", "x")
	b, k := aws.String("bkt"), aws.String("k")
	at := must(c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: b, Key: k}))(t).LastModified
	_, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: b, Key: k, IfUnmodifiedSince: at})
	want(t, "unmodified since its own date", err, "")
	_, err = c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: b, Key: k, IfModifiedSince: at})
	if err == nil || !strings.Contains(err.Error(), "304") {
		t.Errorf("modified since its own date: %v", err)
	}
	listed := must(c.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: b}))(t)
	if !listed.Contents[0].LastModified.Equal(*at) {
		t.Errorf("listed as of %v, not %v", listed.Contents[0].LastModified, at)
	}
}

// TestCustomerKeys: objects are encrypted at rest, and nothing but their key reads them, whole,
// in ranges, in parts and as copies.
func TestCustomerKeys(t *testing.T) {
	n := newNode(t)
	// The SDK's client wants TLS for these; the store does not.
	c := n.client("000000000000", "us-east-1")
	makeBucket(t, c, "bkt")
	key := bytes.Repeat([]byte("k"), 32)
	sum := md5.Sum(key)
	headers := func(prefix string) http.Header {
		return http.Header{
			prefix + "Algorithm": {"AES256"}, prefix + "Key": {base64.StdEncoding.EncodeToString(key)},
			prefix + "Key-Md5": {base64.StdEncoding.EncodeToString(sum[:])},
		}
	}
	own, source := headers("X-Amz-Server-Side-Encryption-Customer-"), headers("X-Amz-Copy-Source-Server-Side-Encryption-Customer-")
	do := func(method, path, body string, all ...http.Header) (int, string, http.Header) {
		t.Helper()
		req, err := http.NewRequest(method, n.url+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range all {
			for name, v := range h {
				req.Header[name] = v
			}
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		got, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(got), resp.Header
	}
	body := strings.Repeat("0123456789", 20_000)
	if status, got, h := do("PUT", "/bkt/k", body, own); status != 200 || h.Get("X-Amz-Server-Side-Encryption-Customer-Algorithm") != "AES256" {
		t.Fatalf("put: %d %s", status, got)
	}
	if status, got, _ := do("GET", "/bkt/k", "", own); status != 200 || got != body {
		t.Errorf("get: %d, %d bytes", status, len(got))
	}
	if status, got, _ := do("GET", "/bkt/k", "", own, http.Header{"Range": {"bytes=65530-131099"}}); status != 206 || got != body[65530:131100] {
		t.Errorf("range: %d, %d bytes", status, len(got))
	}
	if status, _, _ := do("GET", "/bkt/k", ""); status != 400 {
		t.Errorf("without a key: %d", status)
	}
	other := md5.Sum(bytes.Repeat([]byte("o"), 32))
	wrong := http.Header{"X-Amz-Server-Side-Encryption-Customer-Algorithm": {"AES256"},
		"X-Amz-Server-Side-Encryption-Customer-Key":     {base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("o"), 32))},
		"X-Amz-Server-Side-Encryption-Customer-Key-Md5": {base64.StdEncoding.EncodeToString(other[:])}}
	if status, _, _ := do("GET", "/bkt/k", "", wrong); status != 403 {
		t.Errorf("with another key: %d", status)
	}
	if status, got, _ := do("PUT", "/bkt/plain", "", source, http.Header{"X-Amz-Copy-Source": {"bkt/k"}}); status != 200 {
		t.Errorf("copy: %d %s", status, got)
	}
	if got := get(t, c, "bkt", "plain"); got != body {
		t.Errorf("the copy has %d bytes", len(got))
	}
	_, doc, _ := do("POST", "/bkt/parts?uploads", "", own)
	var up struct{ UploadId string }
	if err := xml.Unmarshal([]byte(doc), &up); err != nil {
		t.Fatal(err)
	}
	half := strings.Repeat("ab", 3<<20)
	list := ""
	for i, data := range []string{half, "the end"} {
		part := string(rune('1' + i))
		status, got, h := do("PUT", "/bkt/parts?partNumber="+part+"&uploadId="+up.UploadId, data, own)
		if status != 200 {
			t.Fatalf("part: %d %s", status, got)
		}
		list += "<Part><PartNumber>" + part + "</PartNumber><ETag>" + h.Get("ETag") + "</ETag></Part>"
	}
	// A part that is sent again is not encrypted with the same bytes of a key's.
	sent := func() []byte {
		files, err := filepath.Glob(filepath.Join(n.cfg.Dir, "bkt", ".sgwtmp/multipart/*/*/2"))
		if err != nil || len(files) != 1 {
			t.Fatal(files, err)
		}
		return readFile(t, files[0])
	}
	before := sent()
	if status, got, _ := do("PUT", "/bkt/parts?partNumber=2&uploadId="+up.UploadId, "the end", own); status != 200 {
		t.Fatalf("part: %d %s", status, got)
	}
	if bytes.Equal(before, sent()) {
		t.Error("a part that is sent again is encrypted as before")
	}
	var parts struct{ Part []struct{ ETag string } }
	_, doc, _ = do("GET", "/bkt/parts?uploadId="+up.UploadId, "")
	if err := xml.Unmarshal([]byte(doc), &parts); err != nil || len(parts.Part) != 2 {
		t.Fatal(doc, err)
	}
	list = list[:strings.LastIndex(list, "<ETag>")] + "<ETag>" + parts.Part[1].ETag + "</ETag></Part>"
	if status, got, _ := do("POST", "/bkt/parts?uploadId="+up.UploadId, "<CompleteMultipartUpload>"+list+"</CompleteMultipartUpload>"); status != 200 {
		t.Fatalf("complete: %d %s", status, got)
	}
	if status, got, _ := do("GET", "/bkt/parts", "", own, http.Header{"Range": {"bytes=6291450-6291460"}}); status != 206 || got != (half + "the end")[6291450:6291461] {
		t.Errorf("range over parts: %d %q", status, got)
	}
	if file, ok := n.LocalFile("bkt", "k"); ok {
		if raw := readFile(t, file.Path); bytes.Contains(raw, []byte("0123456789")) {
			t.Error("the file is not encrypted")
		}
	}
}

// TestLifecycle: a sweep does what the rules say, when they say it.
func TestLifecycle(t *testing.T) {
	clock := clockwork.NewFakeClockAt(time.Now())
	n := openConfig(t, Config{Dir: filepath.Join(t.TempDir(), "objects"), Clock: clock})
	c := n.client("000000000000", "us-east-1")
	makeBucket(t, c, "bkt")
	b := aws.String("bkt")
	for _, key := range []string{"tmp/a", "keep/a", "cold/small"} {
		put(t, c, "bkt", key, "x")
	}
	put(t, c, "bkt", "cold/large", strings.Repeat("x", 200<<10))
	up := must(c.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: b, Key: aws.String("tmp/upload")}))(t)
	rule := func(id, prefix string) types.LifecycleRule {
		return types.LifecycleRule{ID: &id, Status: types.ExpirationStatusEnabled, Filter: &types.LifecycleRuleFilter{Prefix: &prefix}}
	}
	expire, move := rule("expire", "tmp/"), rule("move", "cold/")
	expire.Expiration = &types.LifecycleExpiration{Days: aws.Int32(3)}
	expire.AbortIncompleteMultipartUpload = &types.AbortIncompleteMultipartUpload{DaysAfterInitiation: aws.Int32(2)}
	move.Transitions = []types.Transition{{Days: aws.Int32(1), StorageClass: types.TransitionStorageClassGlacier}}
	if _, err := c.PutBucketLifecycleConfiguration(t.Context(), &s3.PutBucketLifecycleConfigurationInput{
		Bucket: b, LifecycleConfiguration: &types.BucketLifecycleConfiguration{Rules: []types.LifecycleRule{expire, move}}}); err != nil {
		t.Fatal(err)
	}
	head := must(c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: b, Key: aws.String("tmp/a")}))(t)
	if e := aws.ToString(head.Expiration); !strings.Contains(e, `rule-id="expire"`) {
		t.Errorf("expiration %q", e)
	}
	sweep := func(keys ...string) {
		t.Helper()
		if err := n.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if all, _ := listed(t, c, &s3.ListObjectsV2Input{Bucket: b}); strings.Join(all, " ") != strings.Join(keys, " ") {
			t.Errorf("the bucket lists %q", all)
		}
	}
	sweep("cold/large", "cold/small", "keep/a", "tmp/a")
	clock.Advance(5 * 24 * time.Hour)
	sweep("cold/large", "cold/small", "keep/a")
	_, err := c.ListParts(t.Context(), &s3.ListPartsInput{Bucket: b, Key: aws.String("tmp/upload"), UploadId: up.UploadId})
	want(t, "the upload", err, "NoSuchUpload")
	_, err = c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: b, Key: aws.String("cold/large")})
	want(t, "an archived object", err, "InvalidObjectState")
	isArchived := func(key string, wantArchive, wantReadable bool) {
		t.Helper()
		file, ok := n.LocalFile("bkt", key)
		if archive, readable := n.Archived(file.Path); !ok || archive != wantArchive || readable != wantReadable {
			t.Errorf("%s: archived %v, readable %v", key, archive, readable)
		}
	}
	isArchived("cold/large", true, false)
	isArchived("keep/a", false, true)
	get(t, c, "bkt", "cold/small")
	if _, err := c.RestoreObject(t.Context(), &s3.RestoreObjectInput{Bucket: b, Key: aws.String("cold/large"), RestoreRequest: &types.RestoreRequest{Days: aws.Int32(2)}}); err != nil {
		t.Fatal(err)
	}
	get(t, c, "bkt", "cold/large")
	isArchived("cold/large", true, true)
	clock.Advance(4 * 24 * time.Hour)
	_, err = c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: b, Key: aws.String("cold/large")})
	want(t, "when the restored copy is gone", err, "InvalidObjectState")
}

// TestNoncurrentVersionsExpire: the newest stay, markers without versions go.
func TestNoncurrentVersionsExpire(t *testing.T) {
	clock := clockwork.NewFakeClockAt(time.Now())
	n := openConfig(t, Config{Dir: filepath.Join(t.TempDir(), "objects"), Clock: clock})
	c := n.client("000000000000", "us-east-1")
	makeBucket(t, c, "bkt")
	b := aws.String("bkt")
	if _, err := c.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{Bucket: b, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled}}); err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		put(t, c, "bkt", "k", string(rune('0'+i)))
	}
	put(t, c, "bkt", "gone", "x")
	if _, err := c.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: b, Key: aws.String("gone")}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.PutBucketLifecycleConfiguration(t.Context(), &s3.PutBucketLifecycleConfigurationInput{
		Bucket: b, LifecycleConfiguration: &types.BucketLifecycleConfiguration{Rules: []types.LifecycleRule{{
			Status: types.ExpirationStatusEnabled, Filter: &types.LifecycleRuleFilter{Prefix: aws.String("")},
			Expiration:                  &types.LifecycleExpiration{ExpiredObjectDeleteMarker: aws.Bool(true)},
			NoncurrentVersionExpiration: &types.NoncurrentVersionExpiration{NoncurrentDays: aws.Int32(1), NewerNoncurrentVersions: aws.Int32(2)},
		}}}}); err != nil {
		t.Fatal(err)
	}
	clock.Advance(3 * 24 * time.Hour)
	for range 2 {
		if err := n.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	all := must(c.ListObjectVersions(t.Context(), &s3.ListObjectVersionsInput{Bucket: b}))(t)
	if len(all.Versions) != 4 || len(all.DeleteMarkers) != 1 {
		t.Errorf("%d versions and %d markers are left", len(all.Versions), len(all.DeleteMarkers))
	}
	if got := get(t, c, "bkt", "k"); got != "4" {
		t.Errorf("got %q", got)
	}
}
