package s3

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/brookmere/brookmere/internal/engine/objectstore"
)

// TestReplication: versions and delete markers that a rule is for appear in the other bucket, under their own ids,
// and what the process had not copied when it died is copied by the next one.
func TestReplication(t *testing.T) {
	dir := t.TempDir()
	n := newNode(t)
	h := &heard{got: map[string][]string{}, fail: map[string]error{}}
	box := outbox(t, filepath.Join(dir, "outbox"))
	config := EventsConfig{Objects: n.Service, Outbox: box, Queues: h, Topics: h, Functions: h}
	first := NewEvents(config)
	n.Notify(first) // what is put before the crash is copied after it
	c := n.client("111122223333", "us-east-1")
	versions := &types.VersioningConfiguration{Status: "Enabled"}
	for _, b := range []string{"source", "replica"} {
		makeBucket(t, c, b)
		must(c.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{Bucket: &b, VersioningConfiguration: versions}))(t)
	}
	must(c.PutBucketReplication(t.Context(), &s3.PutBucketReplicationInput{Bucket: aws.String("source"), ReplicationConfiguration: &types.ReplicationConfiguration{
		Role: aws.String("arn:aws:iam::111122223333:role/r"),
		Rules: []types.ReplicationRule{{
			Status: "Enabled", Priority: aws.Int32(1), Filter: &types.ReplicationRuleFilter{Prefix: aws.String("in/")}, DeleteMarkerReplication: &types.DeleteMarkerReplication{Status: "Enabled"},
			Destination: &types.Destination{Bucket: aws.String("arn:aws:s3:::replica"), StorageClass: "STANDARD_IA"},
		}},
	}}))(t)
	write := func(key, body string) string {
		t.Helper()
		return *must(c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("source"), Key: &key, Body: strings.NewReader(body), Metadata: map[string]string{"a": "b"}}))(t).VersionId
	}
	head := func(bucket, key, version string) *s3.HeadObjectOutput {
		t.Helper()
		return must(c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: &bucket, Key: &key, VersionId: &version}))(t)
	}
	one, two, out := write("in/k", "one"), write("in/k", "second"), write("out/k", "x")
	if s := head("source", "in/k", one).ReplicationStatus; s != "PENDING" {
		t.Errorf("before it is copied: %q", s)
	}
	if s := head("source", "out/k", out).ReplicationStatus; s != "" {
		t.Errorf("of no rule: %q", s)
	}
	n.Notify(nil)
	box.Close() // the process dies
	box = outbox(t, filepath.Join(dir, "outbox"))
	config.Outbox = box
	after := NewEvents(config)
	if err := after.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { after.Close(context.Background()); box.Close() })
	marker := *must(c.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String("source"), Key: aws.String("in/k")}))(t).VersionId
	var got []string
	for end := time.Now().Add(time.Minute); len(got) < 3 && time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		all, err := n.store.Versions("replica", "in/k")
		if err != nil {
			t.Fatal(err)
		}
		got = nil
		for _, v := range all {
			got = append(got, v.Version)
		}
	}
	if want := []string{marker, two, one}; strings.Join(got, " ") != strings.Join(want, " ") {
		t.Fatalf("versions %q, want %q", got, want)
	}
	for id, body := range map[string]string{one: "one", two: "second"} {
		r := head("replica", "in/k", id)
		if r.ReplicationStatus != "REPLICA" || r.Metadata["a"] != "b" || r.StorageClass != "STANDARD_IA" || *r.ContentLength != int64(len(body)) {
			t.Errorf("%s: %+v", body, r)
		}
		for end := time.Now().Add(time.Minute); head("source", "in/k", id).ReplicationStatus != "COMPLETED"; time.Sleep(5 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("the source is still pending")
			}
		}
	}
	if all, err := n.store.Versions("replica", "out/k"); err != nil || len(all) != 0 {
		t.Errorf("of no rule: %v, %v", all, err)
	}
	// Again, and out of order: nothing changes.
	info, f, err := n.store.Open("source", "in/k", one)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := n.store.Put(t.Context(), "replica", "in/k", objectstore.Put{Body: f, Record: info.Record, Replica: one}); err != nil {
		t.Error(err)
	}
	if all, _ := n.store.Versions("replica", "in/k"); len(all) != 3 || all[0].Version != marker {
		t.Errorf("after it was copied again: %v", all)
	}
}

// TestReplicationFails: where the role may not, or there is no bucket, the source says so.
func TestReplicationFails(t *testing.T) {
	n := newNode(t)
	h := &heard{got: map[string][]string{}, fail: map[string]error{}}
	box := outbox(t, filepath.Join(t.TempDir(), "outbox"))
	events := NewEvents(EventsConfig{Objects: n.Service, Outbox: box, Queues: h, Topics: h, Functions: h})
	if err := events.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { events.Close(context.Background()); box.Close() })
	c, other := n.client("111122223333", "us-east-1"), n.client("444455556666", "us-east-1")
	versions := &types.VersioningConfiguration{Status: "Enabled"}
	for b, c := range map[string]*s3.Client{"source": c, "replica": other} {
		makeBucket(t, c, b)
		must(c.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{Bucket: &b, VersioningConfiguration: versions}))(t)
	}
	must(c.PutBucketReplication(t.Context(), &s3.PutBucketReplicationInput{Bucket: aws.String("source"), ReplicationConfiguration: &types.ReplicationConfiguration{
		Role:  aws.String("arn:aws:iam::111122223333:role/r"),
		Rules: []types.ReplicationRule{{Status: "Enabled", Prefix: aws.String(""), Destination: &types.Destination{Bucket: aws.String("arn:aws:s3:::replica")}}},
	}}))(t)
	put(t, c, "source", "k", "x")
	for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		r := must(c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String("source"), Key: aws.String("k")}))(t)
		if r.ReplicationStatus == "FAILED" {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("status %q", r.ReplicationStatus)
		}
	}
	if all, err := n.store.Versions("replica", "k"); err != nil || len(all) != 0 {
		t.Errorf("another account's bucket has %v, %v", all, err)
	}
}
