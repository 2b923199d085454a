package s3

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/jonboulle/clockwork"
)

// TestRestoredCopiesEnd: the restored copy of an object goes when its time is over, in a bucket without rules too; the class
// stays, targets and buses are told once, and the object can be restored again.
func TestRestoredCopiesEnd(t *testing.T) {
	clock := clockwork.NewFakeClockAt(time.Date(2030, 5, 1, 10, 0, 0, 0, time.UTC))
	dir := filepath.Join(t.TempDir(), "objects")
	n := openConfig(t, Config{Dir: dir, Clock: clock})
	h, buses := hear(t, n.Service)
	c := n.client("111122223333", "us-east-1")
	b := aws.String("bkt")
	makeBucket(t, c, "bkt")
	must(c.PutBucketNotificationConfiguration(t.Context(), &s3.PutBucketNotificationConfigurationInput{Bucket: b, NotificationConfiguration: &types.NotificationConfiguration{
		EventBridgeConfiguration: &types.EventBridgeConfiguration{},
		QueueConfigurations:      []types.QueueConfiguration{{Id: aws.String("all"), QueueArn: aws.String(queueOf + "q"), Events: []types.Event{"s3:ObjectRestore:Delete"}}}}}))(t)
	cold := func(key string) string {
		t.Helper()
		return aws.ToString(must(c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: b, Key: &key, Body: strings.NewReader("cold"), StorageClass: types.StorageClassGlacier}))(t).VersionId)
	}
	restore := func(key, version string, days int32) {
		t.Helper()
		in := &s3.RestoreObjectInput{Bucket: b, Key: &key, RestoreRequest: &types.RestoreRequest{Days: &days}}
		if version != "" {
			in.VersionId = &version
		}
		must(c.RestoreObject(t.Context(), in))(t)
	}
	read := func(key, version string) string {
		in := &s3.GetObjectInput{Bucket: b, Key: &key}
		if version != "" {
			in.VersionId = &version
		}
		out, err := c.GetObject(t.Context(), in)
		if err == nil {
			out.Body.Close()
		}
		return codeOf(err)
	}
	sweep := func() {
		t.Helper()
		if err := n.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	cold("short")
	cold("long")
	must(c.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{Bucket: b, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled}}))(t)
	old := cold("versions")
	cold("versions")
	restore("long", "", 5)
	restore("short", "", 1)
	restore("versions", old, 1)
	sweep()
	for _, x := range [][2]string{{"short", ""}, {"long", ""}, {"versions", old}} {
		if got := read(x[0], x[1]); got != "" {
			t.Errorf("%s: %s", x[0], got)
		}
	}

	clock.Advance(48 * time.Hour)
	sweep()
	sweep() // finds nothing more
	for _, x := range []struct{ key, version, want string }{{"short", "", "InvalidObjectState"}, {"long", "", ""}, {"versions", old, "InvalidObjectState"}} {
		if got := read(x.key, x.version); got != x.want {
			t.Errorf("%s: %q, want %q", x.key, got, x.want)
		}
	}
	head := must(c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: b, Key: aws.String("short")}))(t)
	if head.StorageClass != types.StorageClassGlacier || head.Restore != nil {
		t.Errorf("%v %v", head.StorageClass, head.Restore)
	}
	for _, o := range must(c.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: b, OptionalObjectAttributes: []types.OptionalObjectAttributes{"RestoreStatus"}}))(t).Contents {
		if (o.RestoreStatus != nil) != (*o.Key == "long") {
			t.Errorf("%s: %+v", *o.Key, o.RestoreStatus)
		}
	}
	seen := map[string]string{}
	for _, r := range h.wait(t, "q", 2) {
		seen[r.S3.Object.Key] = r.EventName + " " + r.S3.Object.VersionID
	}
	if len(seen) != 2 || seen["short"] != "ObjectRestore:Delete " || seen["versions"] != "ObjectRestore:Delete "+old {
		t.Errorf("%v", seen)
	}
	h.mu.Lock()
	for _, text := range h.got["q"] {
		if strings.Contains(text, "Records") && (!strings.Contains(text, `"eventVersion":"2.3"`) || strings.Contains(text, "glacierEventData") || !strings.Contains(text, `"principalId":"s3.amazonaws.com"`)) {
			t.Error(text)
		}
	}
	h.mu.Unlock()
	if got := buses.wait(t, "Object Restore Expired", 2); len(got) != 2 || !strings.Contains(got[0], `"requester":"s3.amazonaws.com"`) || !strings.Contains(got[0], `"source-storage-class":"GLACIER"`) || strings.Contains(got[0], "source-ip-address") {
		t.Errorf("%q", got)
	}

	// What the document of the bucket says outlives the process.
	n.Close(t.Context())
	n = openConfig(t, Config{Dir: dir, Clock: clock})
	c = n.client("111122223333", "us-east-1")
	restore("short", "", 1)
	if got := read("short", ""); got != "" {
		t.Error(got)
	}
	clock.Advance(10 * 24 * time.Hour)
	sweep()
	if got := n.buckets.get("bkt").Restores; !got.IsZero() {
		t.Errorf("restored copies are left until %v", got)
	}
	for _, key := range []string{"short", "long"} {
		if info := must(n.store.Stat("bkt", key, "null"))(t); info.Prop(propRestored) != "" {
			t.Errorf("%s: %s", key, info.Prop(propRestored))
		}
	}
}
