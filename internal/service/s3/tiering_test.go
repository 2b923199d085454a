package s3

import (
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/jonboulle/clockwork"
)

// TestArchiveTiers: objects of Intelligent-Tiering that nobody reads move to the archive tiers of the bucket's configuration,
// cannot be read there, and come back when they are restored.
func TestArchiveTiers(t *testing.T) {
	clock := clockwork.NewFakeClockAt(time.Now())
	n := openConfig(t, Config{Dir: filepath.Join(t.TempDir(), "objects"), Clock: clock})
	h, buses := hear(t, n.Service)
	c := n.client("111122223333", "us-east-1")
	b := aws.String("bkt")
	makeBucket(t, c, "bkt")
	must(c.PutBucketNotificationConfiguration(t.Context(), &s3.PutBucketNotificationConfigurationInput{Bucket: b, NotificationConfiguration: &types.NotificationConfiguration{
		EventBridgeConfiguration: &types.EventBridgeConfiguration{},
		QueueConfigurations:      []types.QueueConfiguration{{Id: aws.String("all"), QueueArn: aws.String(queueOf + "q"), Events: []types.Event{"s3:IntelligentTiering"}}}}}))(t)
	must(c.PutBucketIntelligentTieringConfiguration(t.Context(), &s3.PutBucketIntelligentTieringConfigurationInput{Bucket: b, Id: aws.String("a"), IntelligentTieringConfiguration: &types.IntelligentTieringConfiguration{
		Id: aws.String("a"), Status: types.IntelligentTieringStatusEnabled, Filter: &types.IntelligentTieringFilter{Prefix: aws.String("in/")},
		Tierings: []types.Tiering{{Days: aws.Int32(90), AccessTier: types.IntelligentTieringAccessTierArchiveAccess}, {Days: aws.Int32(180), AccessTier: types.IntelligentTieringAccessTierDeepArchiveAccess}},
	}}))(t)
	for key, size := range map[string]int{"in/idle": 200 << 10, "in/read": 200 << 10, "in/small": 10, "out/idle": 200 << 10} {
		must(c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: b, Key: &key, Body: strings.NewReader(strings.Repeat("x", size)), StorageClass: types.StorageClassIntelligentTiering}))(t)
	}
	read := func(key string) string {
		out, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: b, Key: &key})
		if err == nil {
			_, err = io.Copy(io.Discard, out.Body)
			out.Body.Close()
		}
		return codeOf(err)
	}
	pass := func(days time.Duration) {
		t.Helper()
		clock.Advance(days * 24 * time.Hour)
		if err := n.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	tiers := func(want string) {
		t.Helper()
		var got []string
		for _, key := range []string{"in/idle", "in/read", "in/small", "out/idle"} {
			head := must(c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: b, Key: &key}))(t)
			if head.StorageClass != types.StorageClassIntelligentTiering {
				t.Errorf("%s: %v", key, head.StorageClass)
			}
			got = append(got, string(head.ArchiveStatus))
		}
		if got := strings.Join(got, " "); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	pass(60)
	tiers("   ")
	if got := read("in/read"); got != "" {
		t.Error(got)
	}
	pass(40)
	tiers("ARCHIVE_ACCESS   ")
	for key, want := range map[string]string{"in/idle": "InvalidObjectState", "in/read": "", "in/small": "", "out/idle": ""} {
		if got := read(key); got != want {
			t.Errorf("%s: %q, want %q", key, got, want)
		}
	}
	if _, err := c.CopyObject(t.Context(), &s3.CopyObjectInput{Bucket: b, Key: aws.String("copy"), CopySource: aws.String("bkt/in/idle")}); codeOf(err) != "ObjectNotInActiveTierError" {
		t.Error(err)
	}
	pass(90)
	tiers("DEEP_ARCHIVE_ACCESS   ")
	if got := read("in/read"); got != "" {
		t.Error(got)
	}
	restore := func(request *types.RestoreRequest) string {
		_, err := c.RestoreObject(t.Context(), &s3.RestoreObjectInput{Bucket: b, Key: aws.String("in/idle"), RestoreRequest: request})
		return codeOf(err)
	}
	if got := restore(&types.RestoreRequest{Days: aws.Int32(1)}); got != "InvalidArgument" {
		t.Error(got)
	}
	if got := restore(&types.RestoreRequest{GlacierJobParameters: &types.GlacierJobParameters{Tier: types.TierStandard}}); got != "" {
		t.Error(got)
	}
	if got := read("in/idle"); got != "" {
		t.Error(got)
	}
	pass(1)
	tiers("   ")

	h.wait(t, "q", 2)
	h.mu.Lock()
	defer h.mu.Unlock()
	for i, tier := range []string{"ARCHIVE_ACCESS", "DEEP_ARCHIVE_ACCESS"} {
		text := h.got["q"][1+i]
		for _, want := range []string{`"eventName":"IntelligentTiering"`, `"eventVersion":"2.3"`, `"key":"in/idle"`, `"intelligentTieringEventData":{"destinationAccessTier":"` + tier + `"}`} {
			if !strings.Contains(text, want) || strings.Contains(text, "sequencer") {
				t.Errorf("%s has no %s", text, want)
			}
		}
	}
	if got := buses.wait(t, "Object Access Tier Changed", 2); len(got) != 2 || !strings.Contains(got[0], `"destination-access-tier":"ARCHIVE_ACCESS"`) {
		t.Errorf("%q", got)
	}
	if got := buses.wait(t, "Object Restore Completed", 1); !strings.Contains(got[0], `"source-storage-class":"INTELLIGENT_TIERING"`) || strings.Contains(got[0], "restore-expiry-time") {
		t.Errorf("%q", got)
	}
}
