package s3

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// hear has the events of a service heard, by queues, topics and functions, and by buses.
func hear(t *testing.T, s *Service) (*heard, *bus) {
	t.Helper()
	h := &heard{got: map[string][]string{}}
	buses := &bus{got: map[string][]string{}, ids: map[string]bool{}}
	box := outbox(t, filepath.Join(t.TempDir(), "outbox"))
	events := NewEvents(EventsConfig{Objects: s, Outbox: box, Queues: h, Topics: h, Functions: h, Buses: buses})
	if err := events.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { events.Close(context.Background()); box.Close() })
	return h, buses
}

// bus keeps what is put on it, by the event's type.
type bus struct {
	mu   sync.Mutex
	got  map[string][]string
	ids  map[string]bool
	fail int // so many times
}

func (b *bus) PutServiceEvent(account, region, source, detailType, id string, _ time.Time, resources []string, detail []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail > 0 {
		b.fail--
		return errors.New("down")
	}
	if b.ids[id] {
		return nil
	}
	b.ids[id] = true
	b.got[detailType] = append(b.got[detailType], strings.Join([]string{account, region, source, resources[0], string(detail)}, " "))
	return nil
}

func (b *bus) wait(t *testing.T, detailType string, n int) []string {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		b.mu.Lock()
		list := b.got[detailType]
		b.mu.Unlock()
		if len(list) >= n {
			return list
		}
	}
	t.Fatalf("%d events %q, want %d", len(b.got[detailType]), detailType, n)
	return nil
}

func TestBusEvents(t *testing.T) {
	n := newNode(t)
	h := &heard{got: map[string][]string{}, fail: map[string]error{}}
	b := &bus{got: map[string][]string{}, ids: map[string]bool{}, fail: 1}
	box := outbox(t, filepath.Join(t.TempDir(), "outbox"))
	events := NewEvents(EventsConfig{Objects: n.Service, Outbox: box, Queues: h, Topics: h, Functions: h, Buses: b})
	if err := events.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { events.Close(context.Background()); box.Close() })
	c := n.client("111122223333", "us-east-1")
	makeBucket(t, c, "bkt")
	must(c.PutBucketNotificationConfiguration(t.Context(), &s3.PutBucketNotificationConfigurationInput{Bucket: aws.String("bkt"), NotificationConfiguration: &types.NotificationConfiguration{
		EventBridgeConfiguration: &types.EventBridgeConfiguration{},
	}}))(t)
	if out, err := c.GetBucketNotificationConfiguration(t.Context(), &s3.GetBucketNotificationConfigurationInput{Bucket: aws.String("bkt")}); err != nil || out.EventBridgeConfiguration == nil {
		t.Errorf("%+v (%v)", out, err)
	}
	put(t, c, "bkt", "a b+ü", "hello")
	must(c.PutObjectTagging(t.Context(), &s3.PutObjectTaggingInput{Bucket: aws.String("bkt"), Key: aws.String("a b+ü"), Tagging: &types.Tagging{TagSet: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}}}}))(t)
	must(c.DeleteObjectTagging(t.Context(), &s3.DeleteObjectTaggingInput{Bucket: aws.String("bkt"), Key: aws.String("a b+ü")}))(t)
	must(c.CopyObject(t.Context(), &s3.CopyObjectInput{Bucket: aws.String("bkt"), Key: aws.String("x"), CopySource: aws.String("bkt/a%20b%2B%C3%BC"), StorageClass: types.StorageClassGlacier}))(t)
	must(c.RestoreObject(t.Context(), &s3.RestoreObjectInput{Bucket: aws.String("bkt"), Key: aws.String("x"), RestoreRequest: &types.RestoreRequest{Days: aws.Int32(1)}}))(t)
	must(c.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String("bkt"), Key: aws.String("a b+ü")}))(t)
	for _, w := range []struct {
		kind   string
		n      int
		detail string // its members, but for the request's id, the address and the sequencer
	}{
		{"Object Created", 0, `{"version":"0","bucket":{"name":"bkt"},"object":{"key":"a b+ü","size":5,"etag":"5d41402abc4b2a76b9719d911017c592"},"requester":"111122223333","reason":"PutObject"}`},
		{"Object Created", 1, `{"version":"0","bucket":{"name":"bkt"},"object":{"key":"x","size":5,"etag":"5d41402abc4b2a76b9719d911017c592"},"requester":"111122223333","reason":"CopyObject"}`},
		{"Object Tags Added", 0, `{"version":"0","bucket":{"name":"bkt"},"object":{"key":"a b+ü","etag":"5d41402abc4b2a76b9719d911017c592"},"requester":"111122223333"}`},
		{"Object Tags Deleted", 0, `{"version":"0","bucket":{"name":"bkt"},"object":{"key":"a b+ü","etag":"5d41402abc4b2a76b9719d911017c592"},"requester":"111122223333"}`},
		{"Object Restore Initiated", 0, `{"version":"0","bucket":{"name":"bkt"},"object":{"key":"x","size":5,"etag":"5d41402abc4b2a76b9719d911017c592"},"requester":"111122223333","source-storage-class":"GLACIER"}`},
		{"Object Deleted", 0, `{"version":"0","bucket":{"name":"bkt"},"object":{"key":"a b+ü"},"requester":"111122223333","reason":"DeleteObject","deletion-type":"Permanently Deleted"}`},
	} {
		text := b.wait(t, w.kind, w.n+1)[w.n]
		if w.kind == "Object Created" && w.n == 0 && strings.Contains(text, `"reason":"CopyObject"`) { // those of two keys come in any order
			text = b.wait(t, w.kind, 2)[1]
		} else if w.kind == "Object Created" && w.n == 1 && strings.Contains(text, `"reason":"PutObject"`) {
			text = b.wait(t, w.kind, 2)[0]
		}
		detail, ok := strings.CutPrefix(text, "111122223333 us-east-1 aws.s3 arn:aws:s3:::bkt ")
		var got, want map[string]any
		if !ok || json.Unmarshal([]byte(detail), &got) != nil || json.Unmarshal([]byte(w.detail), &want) != nil {
			t.Fatalf("%s: %s", w.kind, text)
		}
		if _, is := got["request-id"]; !is || got["source-ip-address"] != "127.0.0.1" {
			t.Errorf("%s: %s", w.kind, detail)
		}
		object := got["object"].(map[string]any)
		if _, is := object["sequencer"]; is != (w.kind == "Object Created" || w.kind == "Object Deleted") {
			t.Errorf("%s: %s", w.kind, detail)
		}
		delete(object, "sequencer")
		delete(got, "request-id")
		delete(got, "source-ip-address")
		a, _ := json.Marshal(got)
		if z, _ := json.Marshal(want); string(a) != string(z) {
			t.Errorf("%s:\ngot  %s\nwant %s", w.kind, a, z)
		}
	}
}

// TestBusDetails tells of what S3 does by itself, which no client has asked for.
func TestBusDetails(t *testing.T) {
	for _, c := range []struct {
		e          Event
		kind, want string
	}{
		{Event{Name: "LifecycleExpiration:DeleteMarkerCreated", Bucket: "b", Key: "k", VersionID: "v", Sequencer: "s", RequestID: "r", Requester: itself, Address: itself, Removal: true}, "Object Deleted",
			`{"version":"0","bucket":{"name":"b"},"object":{"key":"k","etag":"d41d8cd98f00b204e9800998ecf8427e","version-id":"v","sequencer":"s"},"request-id":"r","requester":"s3.amazonaws.com","reason":"Lifecycle Expiration","deletion-type":"Delete Marker Created"}`},
		{Event{Name: "LifecycleTransition", Bucket: "b", Key: "k", Size: 1, ETag: "e", RequestID: "r", Address: itself, Class: "GLACIER"}, "Object Storage Class Changed",
			`{"version":"0","bucket":{"name":"b"},"object":{"key":"k","size":1,"etag":"e"},"request-id":"r","requester":"s3.amazonaws.com","destination-storage-class":"GLACIER"}`},
		{Event{Name: "ObjectRestore:Completed", Bucket: "b", Key: "k", ETag: "e", RequestID: "r", Address: itself, Class: "GLACIER", Until: time.Unix(0, 0)}, "Object Restore Completed",
			`{"version":"0","bucket":{"name":"b"},"object":{"key":"k","size":0,"etag":"e"},"request-id":"r","requester":"s3.amazonaws.com","restore-expiry-time":"1970-01-01T00:00:00Z","source-storage-class":"GLACIER"}`},
	} {
		got, err := c.e.detail()
		if err != nil || string(got) != c.want || detailType(c.e.Name) != c.kind {
			t.Errorf("%s: %s (%v)\nwant %s", c.e.Name, got, err, c.want)
		}
	}
	if got := detailType("Replication:OperationNotTracked"); got != "" {
		t.Error(got)
	}
}
