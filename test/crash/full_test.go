//go:build linux

package crash

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"

	"github.com/brookmere/brookmere/test/nodetest"
)

// smallDisk is a disk of a test's own, which may become full.
type smallDisk struct{ dir string }

// newSmallDisk mounts one of a size, with ballast on it, both in MiB. It is there until a node that is started after it
// has ended.
func newSmallDisk(t *testing.T, size, ballast int) smallDisk {
	t.Helper()
	d := smallDisk{t.TempDir()}
	if err := syscall.Mount("tmpfs", d.dir, "tmpfs", 0, fmt.Sprintf("size=%dm", size)); err != nil {
		t.Skip("cannot mount a small disk: ", err)
	}
	t.Cleanup(func() { syscall.Unmount(d.dir, syscall.MNT_DETACH) })
	if err := os.WriteFile(d.ballast(), make([]byte, ballast<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	return d
}

func (d smallDisk) ballast() string { return filepath.Join(d.dir, "ballast") }
func (d smallDisk) rest() string    { return filepath.Join(d.dir, "rest") }

// fill takes what is left, to the last byte.
func (d smallDisk) fill() {
	if f, err := os.OpenFile(d.rest(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err == nil {
		for block := make([]byte, 1<<20); err == nil; {
			_, err = f.Write(block)
		}
		f.Close()
	}
}

// isRefused makes a change again and again, each time on a disk that is full to the last byte, until it is refused, and
// returns why. One that is taken has found what the node itself has given back in between: a compaction that found no
// space, say, removes what it had written.
func (d smallDisk) isRefused(t *testing.T, what string, change func(try int) error) error {
	t.Helper()
	for try := range 50 {
		d.fill()
		if err := change(try); err != nil {
			return err
		}
	}
	t.Fatalf("%s: it is taken by a disk that is full", what)
	return nil
}

// free gives back what fill took, and the ballast.
func (d smallDisk) free(t *testing.T) {
	t.Helper()
	for _, f := range []string{d.rest(), d.ballast()} {
		if err := os.Remove(f); err != nil {
			t.Fatal(err)
		}
	}
}

// TestFullDisk fills the disk below a node. Puts and changes are refused, soon and with
// errors that clients try again; reads go on. With space again the node takes records
// without a restart, and has all that it acknowledged, once.
func TestFullDisk(t *testing.T) {
	disk := newSmallDisk(t, 320, 120)
	data := filepath.Join(disk.dir, "data")
	n := nodetest.Start(t, nodetest.Options{Data: data})
	client := func() *kinesis.Client {
		return kinesis.NewFromConfig(n.AWS(), func(o *kinesis.Options) { o.RetryMaxAttempts = 1 })
	}
	c := client()
	if _, err := c.CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: aws.String(crashStream), ShardCount: aws.Int32(2)}); err != nil {
		t.Fatal(err)
	}
	acked := make(map[string]ackedRecord)
	next := 0
	// put returns how many records of a call were refused, each with a code to try again at.
	put := func() (refused int) {
		t.Helper()
		entries := make([]types.PutRecordsRequestEntry, 8)
		for i := range entries {
			id := fmt.Sprintf("record-%d", next)
			next++
			entries[i] = types.PutRecordsRequestEntry{Data: append(make([]byte, 100<<10), id...), PartitionKey: aws.String(id)}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		out, err := c.PutRecords(ctx, &kinesis.PutRecordsInput{StreamName: aws.String(crashStream), Records: entries})
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range out.Records {
			if r.ErrorCode == nil {
				acked[*entries[i].PartitionKey] = ackedRecord{*r.ShardId, *r.SequenceNumber}
				continue
			}
			refused++
			if *r.ErrorCode != "InternalFailure" {
				t.Fatalf("error code %s: %s", *r.ErrorCode, aws.ToString(r.ErrorMessage))
			}
		}
		return refused
	}
	for put() == 0 {
	}
	if len(acked) < 100 {
		t.Errorf("%d records before the disk was full", len(acked))
	}
	retryable := func(what string, err error) {
		t.Helper()
		var api smithy.APIError
		var answer interface{ HTTPStatusCode() int }
		if !errors.As(err, &api) || !errors.As(err, &answer) || answer.HTTPStatusCode() != 500 {
			t.Errorf("%s: %v, want an error with status 500", what, err)
		}
	}
	_, err := c.PutRecord(t.Context(), &kinesis.PutRecordInput{StreamName: aws.String(crashStream), Data: []byte("refused"), PartitionKey: aws.String("k")})
	retryable("put of one record", err)
	_, err = c.CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: aws.String("another"), ShardCount: aws.Int32(1)})
	retryable("create of a stream", err)
	if out, err := c.ListStreams(t.Context(), &kinesis.ListStreamsInput{}); err != nil || len(out.StreamNames) != 1 {
		t.Errorf("streams %v, %v", out, err)
	}
	// To the last byte, so that nothing but what is in memory works.
	began := time.Now()
	_ = disk.isRefused(t, "a put", func(int) error {
		if put() < 8 {
			return nil
		}
		return errors.New("all of it is refused")
	})
	retryable("a tag", disk.isRefused(t, "a tag", func(try int) error {
		_, err := c.AddTagsToStream(t.Context(), &kinesis.AddTagsToStreamInput{StreamName: aws.String(crashStream), Tags: map[string]string{"a": fmt.Sprint(try)}})
		return err
	}))
	if took := time.Since(began); took > time.Minute {
		t.Errorf("refusals took %v", took)
	}
	check := func() {
		t.Helper()
		missing := make(map[string]ackedRecord, len(acked))
		for id, a := range acked {
			missing[id] = a
		}
		shards, err := c.ListShards(t.Context(), &kinesis.ListShardsInput{StreamName: aws.String(crashStream)})
		if err != nil {
			t.Fatal(err)
		}
		reader := kinesis.NewFromConfig(n.AWS()) // with the SDK's own retries
		for _, s := range shards.Shards {
			for _, r := range readShard(t, reader, *s.ShardId) {
				if missing[*r.PartitionKey] != (ackedRecord{*s.ShardId, *r.SequenceNumber}) {
					t.Fatalf("%s %s holds %s, which was refused or was there before", *s.ShardId, *r.SequenceNumber, *r.PartitionKey)
				}
				delete(missing, *r.PartitionKey)
			}
		}
		if len(missing) > 0 {
			t.Fatalf("%d of %d acknowledged records are lost", len(missing), len(acked))
		}
	}
	check()
	disk.free(t)
	for deadline := time.Now().Add(time.Minute); put() > 0; {
		if time.Now().After(deadline) {
			t.Fatal("there is space again, and puts are refused still")
		}
	}
	for range 10 {
		if put() > 0 {
			t.Error("a put with space again was refused")
		}
	}
	if _, err := c.CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: aws.String("another"), ShardCount: aws.Int32(1)}); err != nil {
		t.Error(err)
	}
	check()
	n.Kill()
	n = nodetest.Start(t, nodetest.Options{Data: data})
	c = client()
	check()
}
