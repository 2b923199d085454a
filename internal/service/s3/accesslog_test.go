package s3

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/jonboulle/clockwork"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/policy"
)

// logFields are the fields of a record, as readers of AWS's logs take them apart.
var logFields = regexp.MustCompile(`\[[^\]]*\]|"[^"]*"|\S+`)

func logTo(t *testing.T, c *s3.Client, bucket string, on *types.LoggingEnabled) {
	t.Helper()
	must(c.PutBucketLogging(t.Context(), &s3.PutBucketLoggingInput{Bucket: &bucket, BucketLoggingStatus: &types.BucketLoggingStatus{LoggingEnabled: on}}))(t)
}

// logsOf waits for objects below a prefix, and returns their keys and records.
func logsOf(t *testing.T, c *s3.Client, bucket, prefix string) (keys, records []string) {
	t.Helper()
	keys, _ = listed(t, c, &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: &prefix})
	for _, k := range keys {
		records = append(records, strings.Split(strings.TrimSuffix(get(t, c, bucket, k), "\n"), "\n")...)
	}
	return keys, records
}

// TestAccessLogs: what is asked of a bucket comes into its target, in AWS's form, by the clock.
func TestAccessLogs(t *testing.T) {
	clock := clockwork.NewFakeClockAt(time.Date(2026, 11, 25, 23, 59, 30, 0, time.UTC))
	n := openConfig(t, Config{Dir: filepath.Join(t.TempDir(), "objects"), Clock: clock})
	c := n.client("000000000000", "us-east-1")
	for _, b := range []string{"src", "copies", "logs"} {
		makeBucket(t, c, b)
	}
	logTo(t, c, "src", &types.LoggingEnabled{TargetBucket: aws.String("logs"), TargetPrefix: aws.String("a/")})
	src := aws.String("src")
	put(t, c, "src", "k ü", "twelve bytes")
	get(t, c, "src", "k ü")
	must(c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: src, Key: aws.String("k ü")}))(t)
	_, _ = c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: src, Key: aws.String("none")})
	must(c.CopyObject(t.Context(), &s3.CopyObjectInput{Bucket: aws.String("copies"), Key: aws.String("copy"), CopySource: aws.String("src/k%20%C3%BC")}))(t)
	must(c.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: src}))(t)
	must(c.GetObjectTagging(t.Context(), &s3.GetObjectTaggingInput{Bucket: src, Key: aws.String("k ü")}))(t)
	must(c.DeleteObjects(t.Context(), &s3.DeleteObjectsInput{Bucket: src, Delete: &types.Delete{Objects: []types.ObjectIdentifier{{Key: aws.String("k ü")}, {Key: aws.String("x")}}}}))(t)
	if keys, _ := logsOf(t, c, "logs", ""); len(keys) != 0 {
		t.Errorf("%q is there at once", keys)
	}
	if err := clock.BlockUntilContext(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	clock.Advance(logEvery)
	var keys, records []string
	for end := time.Now().Add(time.Minute); len(keys) == 0 && time.Now().Before(end); time.Sleep(time.Millisecond) {
		keys, records = logsOf(t, c, "logs", "a/")
	}
	if len(keys) != 1 || !regexp.MustCompile(`^a/2026-11-26-00-00-30-[0-9A-F]{16}$`).MatchString(keys[0]) {
		t.Fatalf("the log is %q", keys)
	}
	want := []string{ // operation, key, status, code, whether bytes were sent, size
		"REST.PUT.OBJECT k+%C3%BC 200 - - 12",
		"REST.GET.OBJECT k+%C3%BC 200 - 12 12",
		"REST.HEAD.OBJECT k+%C3%BC 200 - - 12",
		"REST.GET.OBJECT none 404 NoSuchKey + -",
		"REST.COPY.OBJECT_GET k+%C3%BC 200 - - 12",
		"REST.GET.BUCKET - 200 - + -",
		"REST.GET.OBJECT_TAGGING k+%C3%BC 200 - + -",
		"REST.POST.MULTI_OBJECT_DELETE - 200 - + -",
		"BATCH.DELETE.OBJECT k+%C3%BC 204 - - -",
		"BATCH.DELETE.OBJECT x 204 - - -",
	}
	if len(records) != len(want) {
		t.Fatalf("%d records, want %d:\n%s", len(records), len(want), strings.Join(records, "\n"))
	}
	for i, r := range records {
		f := logFields.FindAllString(r, -1)
		if len(f) != 27 {
			t.Errorf("%d fields: %s", len(f), r)
			continue
		}
		sent := f[11]
		if strings.Contains(want[i], " + ") && sent != "-" {
			sent = "+"
		}
		if got := strings.Join([]string{f[6], f[7], f[9], f[10], sent, f[12]}, " "); got != want[i] {
			t.Errorf("got %s\nwant %s", got, want[i])
		}
		if f[0] != canonicalID("000000000000") || f[1] != "src" || !strings.HasPrefix(f[2], "[25/Nov/2026:23:59:30 ") || f[3] != "127.0.0.1" || f[4] != f[0] || f[19] != "SigV4" && f[19] != f[5] {
			t.Errorf("record %s", r)
		}
	}
	if f := logFields.FindAllString(records[1], -1); f[8] != `"GET /src/k%20%C3%BC?x-id=GetObject HTTP/1.1"` || f[21] != "AuthHeader" {
		t.Errorf("record %s", records[1])
	}

	// By days of events, once more; what waits is written when the service closes.
	logTo(t, c, "src", &types.LoggingEnabled{TargetBucket: aws.String("logs"), TargetPrefix: aws.String("b/"),
		TargetObjectKeyFormat: &types.TargetObjectKeyFormat{PartitionedPrefix: &types.PartitionedPrefix{PartitionDateSource: types.PartitionDateSourceEventTime}}})
	n.writeAccessLogs(t.Context())
	keys, _ = logsOf(t, c, "logs", "b/")
	if len(keys) != 1 || !strings.HasPrefix(keys[0], "b/000000000000/us-east-1/src/2026/11/26/2026-11-26-00-00-00-") {
		t.Errorf("the log is %q", keys)
	}
	logTo(t, c, "src", nil)
	put(t, c, "src", "k", "x")
	n.writeAccessLogs(t.Context())
	if after, _ := logsOf(t, c, "logs", "b/"); len(after) != len(keys) {
		t.Errorf("a bucket that no longer logs has logged %q", after)
	}
}

// TestAccessLogsMay: a target that does not let S3 put logs gets none.
func TestAccessLogsMay(t *testing.T) {
	cfg := Config{Dir: filepath.Join(t.TempDir(), "objects")}
	cfg.Decide = func(ctx context.Context, action, on string, _ policy.Keys) error {
		if caller := awswire.CallerFrom(ctx); caller.Session != nil && caller.Session.Service == loggingService && strings.Contains(on, "logs/no/") {
			return errors.New("no")
		}
		return nil
	}
	cfg.Granted = func(ctx context.Context, action, on string, _ policy.Keys) error {
		if caller := awswire.CallerFrom(ctx); caller.Session != nil && caller.Session.Service == loggingService && strings.Contains(on, "logs/never/") {
			return errors.New("never")
		}
		return nil
	}
	n := openConfig(t, cfg)
	c := n.client("000000000000", "us-east-1")
	makeBucket(t, c, "src")
	must(c.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("logs"), ObjectOwnership: types.ObjectOwnershipObjectWriter}))(t)
	ask := func(prefix string) int {
		t.Helper()
		logTo(t, c, "src", &types.LoggingEnabled{TargetBucket: aws.String("logs"), TargetPrefix: &prefix, TargetGrants: []types.TargetGrant{
			{Grantee: &types.Grantee{Type: types.TypeGroup, URI: aws.String(groupPrefix + "global/AuthenticatedUsers")}, Permission: types.BucketLogsPermissionRead}}})
		n.writeAccessLogs(t.Context())
		keys := must(n.Files(t.Context(), "logs", prefix))(t)
		return len(keys)
	}
	if got := ask("no/"); got != 0 {
		t.Errorf("%d logs where policies refuse", got)
	}
	if got := ask("yes/"); got != 1 {
		t.Errorf("%d logs where policies allow", got)
	}
	must(c.PutBucketAcl(t.Context(), &s3.PutBucketAclInput{Bucket: aws.String("logs"), ACL: types.BucketCannedACL("log-delivery-write")}))(t)
	if got := ask("no/"); got != 1 {
		t.Errorf("%d logs where the list grants it", got)
	}
	if got := ask("never/"); got != 0 {
		t.Errorf("%d logs where the list grants it and a policy denies it", got)
	}
	files := must(n.Files(t.Context(), "logs", "no/"))(t)
	acl := must(c.GetObjectAcl(t.Context(), &s3.GetObjectAclInput{Bucket: aws.String("logs"), Key: &files[0].Key}))(t)
	if len(acl.Grants) != 2 || acl.Grants[1].Permission != "READ" {
		t.Errorf("the log grants %+v", acl.Grants)
	}
	makeBucket(t, c, "plain")
	_, err := c.PutBucketLogging(t.Context(), &s3.PutBucketLoggingInput{Bucket: aws.String("src"), BucketLoggingStatus: &types.BucketLoggingStatus{LoggingEnabled: &types.LoggingEnabled{
		TargetBucket: aws.String("plain"), TargetPrefix: aws.String(""), TargetGrants: []types.TargetGrant{{Grantee: &types.Grantee{Type: types.TypeCanonicalUser, ID: aws.String(canonicalID("000000000000"))}, Permission: "READ"}}}}})
	want(t, "grants in a bucket without lists", err, "AccessControlListNotSupported")
	r := must(c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("logs"), Key: &files[0].Key}))(t)
	if b, _ := io.ReadAll(r.Body); !strings.Contains(string(b), "REST.PUT.LOGGING_STATUS") {
		t.Errorf("the log is %s", b)
	}
}

// TestAccessLogsOfAnotherOwner: what waits to be written of a bucket that was deleted does not come into the logs of another
// account's of the same name.
func TestAccessLogsOfAnotherOwner(t *testing.T) {
	n := newNode(t)
	first, second := n.client(accountA, "us-east-1"), n.client(accountB, "us-east-1")
	makeBucket(t, first, "logs-first")
	makeBucket(t, second, "logs-second")
	makeBucket(t, first, "src")
	logTo(t, first, "src", &types.LoggingEnabled{TargetBucket: aws.String("logs-first"), TargetPrefix: aws.String("")})
	_, _ = first.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("src"), Key: aws.String("secret")})
	must(first.DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: aws.String("src")}))(t)
	makeBucket(t, second, "src")
	logTo(t, second, "src", &types.LoggingEnabled{TargetBucket: aws.String("logs-second"), TargetPrefix: aws.String("")})
	_, _ = second.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("src"), Key: aws.String("own")})
	n.writeAccessLogs(t.Context())
	_, records := logsOf(t, second, "logs-second", "")
	if text := strings.Join(records, "\n"); !strings.Contains(text, " own ") || strings.Contains(text, "secret") {
		t.Errorf("the log of the second bucket is %s", text)
	}
}
