package s3

import (
	"context"
	"encoding/json"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/jonboulle/clockwork"
)

// TestRecords: the record of each event has what AWS's has, and no more.
func TestRecords(t *testing.T) {
	clock := clockwork.NewFakeClockAt(time.Now())
	n := openConfig(t, Config{Dir: filepath.Join(t.TempDir(), "objects"), Clock: clock})
	h := &heard{got: map[string][]string{}}
	box := outbox(t, filepath.Join(t.TempDir(), "outbox"))
	events := NewEvents(EventsConfig{Objects: n.Service, Outbox: box, Queues: h, Topics: h, Functions: h})
	if err := events.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { events.Close(context.Background()); box.Close() })
	c := n.client("111122223333", "us-east-1")
	b, key := aws.String("bkt"), aws.String("cold/k")
	must(c.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: b, ObjectOwnership: types.ObjectOwnershipObjectWriter}))(t)
	must(c.PutBucketNotificationConfiguration(t.Context(), &s3.PutBucketNotificationConfigurationInput{Bucket: b, NotificationConfiguration: &types.NotificationConfiguration{
		QueueConfigurations: []types.QueueConfiguration{{Id: aws.String("all"), QueueArn: aws.String(queueOf + "q"), Events: []types.Event{
			"s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:ObjectTagging:*", "s3:ObjectAcl:Put", "s3:ObjectRestore:*", "s3:LifecycleTransition", "s3:LifecycleExpiration:*"}}}}}))(t)
	put(t, c, "bkt", "cold/k", strings.Repeat("x", 200<<10))
	must(c.PutObjectTagging(t.Context(), &s3.PutObjectTaggingInput{Bucket: b, Key: key, Tagging: &types.Tagging{TagSet: []types.Tag{{Key: aws.String("a"), Value: aws.String("b")}}}}))(t)
	must(c.DeleteObjectTagging(t.Context(), &s3.DeleteObjectTaggingInput{Bucket: b, Key: key}))(t)
	must(c.PutObjectAcl(t.Context(), &s3.PutObjectAclInput{Bucket: b, Key: key, ACL: types.ObjectCannedACLPrivate}))(t) // as it is: no event
	must(c.PutObjectAcl(t.Context(), &s3.PutObjectAclInput{Bucket: b, Key: key, GrantRead: aws.String(`uri="http://acs.amazonaws.com/groups/s3/LogDelivery"`)}))(t)
	must(c.PutBucketLifecycleConfiguration(t.Context(), &s3.PutBucketLifecycleConfigurationInput{Bucket: b, LifecycleConfiguration: &types.BucketLifecycleConfiguration{Rules: []types.LifecycleRule{{
		ID: aws.String("move"), Status: types.ExpirationStatusEnabled, Filter: &types.LifecycleRuleFilter{Prefix: aws.String("cold/")},
		Transitions: []types.Transition{{Days: aws.Int32(1), StorageClass: types.TransitionStorageClassGlacier}}, Expiration: &types.LifecycleExpiration{Days: aws.Int32(9)}}}}}))(t)
	sweep := func(days time.Duration) {
		clock.Advance(days * 24 * time.Hour)
		if err := n.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	sweep(3)
	must(c.RestoreObject(t.Context(), &s3.RestoreObjectInput{Bucket: b, Key: key, RestoreRequest: &types.RestoreRequest{Days: aws.Int32(2)}}))(t)
	sweep(9)
	must(c.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{Bucket: b, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled}}))(t)
	must(c.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: b, Key: key}))(t)

	const whole, itself, owner = "eTag key sequencer size", "s3.amazonaws.com", "111122223333"
	got := map[string]bool{}
	h.wait(t, "q", 10)
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, text := range h.got["q"][1:] {
		var d struct {
			Records []struct {
				EventName, EventVersion string
				UserIdentity            struct{ PrincipalID string }
				RequestParameters       struct{ SourceIPAddress string }
				ResponseElements        map[string]string
				S3                      struct{ Object map[string]any }
				GlacierEventData        json.RawMessage
				LifecycleEventData      json.RawMessage
			}
		}
		if err := json.Unmarshal([]byte(text), &d); err != nil {
			t.Fatal(err)
		}
		r := d.Records[0]
		want := map[string]struct{ version, members, principal, address, glacier, lifecycle string }{
			"ObjectCreated:Put":                 {"2.1", whole, "AWS:" + owner, "127.0.0.1", "", ""},
			"ObjectTagging:Put":                 {"2.3", "eTag key", "AWS:" + owner, "127.0.0.1", "", ""},
			"ObjectTagging:Delete":              {"2.3", "eTag key", "AWS:" + owner, "127.0.0.1", "", ""},
			"ObjectAcl:Put":                     {"2.3", "eTag key", "AWS:" + owner, "127.0.0.1", "", ""},
			"LifecycleTransition":               {"2.3", whole, itself, itself, "", `{"transitionEventData":{"destinationStorageClass":"GLACIER"}}`},
			"ObjectRestore:Post":                {"2.1", whole, "AWS:" + owner, "127.0.0.1", "", ""},
			"ObjectRestore:Completed":           {"2.1", whole, "AmazonCustomer:" + canonicalID(owner), itself, "UNTIL", ""},
			"ObjectRestore:Delete":              {"2.3", whole, itself, itself, "", ""},
			"LifecycleExpiration:Delete":        {"2.3", "key sequencer", itself, itself, "", ""},
			"ObjectRemoved:DeleteMarkerCreated": {"2.1", "eTag key sequencer versionId", "AWS:" + owner, "127.0.0.1", "", ""},
		}[r.EventName]
		if want.glacier != "" {
			until := clock.Now().UTC().AddDate(0, 0, -9+3).Truncate(24 * time.Hour).Format("2006-01-02T15:04:05.000Z")
			want.glacier = `{"restoreEventData":{"lifecycleRestorationExpiryTime":"` + until + `","lifecycleRestoreStorageClass":"GLACIER"}}`
		}
		members := strings.Join(slices.Sorted(maps.Keys(r.S3.Object)), " ")
		if r.EventVersion != want.version || members != want.members || r.UserIdentity.PrincipalID != want.principal || r.RequestParameters.SourceIPAddress != want.address ||
			string(r.GlacierEventData) != want.glacier || string(r.LifecycleEventData) != want.lifecycle {
			t.Errorf("%s, want %+v", text, want)
		}
		if etag := r.S3.Object["eTag"]; strings.HasSuffix(r.EventName, "MarkerCreated") != (etag == emptyETag) {
			t.Errorf("%s", text)
		}
		got[r.EventName] = true
	}
	if len(got) != 10 {
		t.Errorf("there are %v", slices.Sorted(maps.Keys(got)))
	}
}
