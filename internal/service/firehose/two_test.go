package firehose

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/aws-sdk-go-v2/service/firehose/types"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/brookmere/brookmere/internal/engine/broker"
	"github.com/brookmere/brookmere/internal/engine/shardlog"
	"github.com/brookmere/brookmere/internal/engine/state"
	"github.com/brookmere/brookmere/internal/engine/work"
)

// process is one of several that have a service over one log.
type process struct {
	*Service
	documents *state.Store
}

// newProcess opens a process on a broker; it is closed with the test.
func newProcess(t *testing.T, b *broker.Broker, dir string, objects S3) process {
	t.Helper()
	documents, err := state.Open(t.Context(), b, state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { documents.Close() })
	log, err := shardlog.Open(t.Context(), b, shardlog.Options{Journal: filepath.Join(dir, "appends"), Shared: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	owner, err := work.Share(t.Context(), documents, work.LeaseOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { owner.Close(context.Background()) })
	s, err := New(Config{State: documents, Log: log, S3: objects, Owner: owner, TempDir: filepath.Join(dir, "tmp"), Registerer: prometheus.NewRegistry()})
	if err != nil {
		t.Fatal(err)
	}
	s.deleteWait = time.Minute // none of which passes: who deletes is told
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(context.Background()) })
	return process{s, documents}
}

// TestTwoDeliver puts into delivery streams at two processes and deletes them at either: all that
// was put is in the bucket, once, and both know at once that the streams are gone.
func TestTwoDeliver(t *testing.T) {
	dir := t.TempDir()
	b, err := broker.Start(broker.Options{Dir: filepath.Join(dir, "nats"), NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	bucket := &memS3{}
	both := [2]process{newProcess(t, b, filepath.Join(dir, "0"), bucket), newProcess(t, b, filepath.Join(dir, "1"), bucket)}
	for by := range both {
		name := fmt.Sprintf("f%d", by)
		c := raw("b")
		c.Prefix = aws.String(name + "/")
		if _, err := both[0].CreateDeliveryStream(t.Context(), &firehose.CreateDeliveryStreamInput{DeliveryStreamName: &name, ExtendedS3DestinationConfiguration: c}); err != nil {
			t.Fatal(err)
		}
		want := map[string]int{}
		for i := range 20 {
			line := fmt.Sprintf("%s-%d\n", name, i)
			want[line]++
			eventually(t, func() error {
				_, err := both[i%2].PutRecord(t.Context(), &firehose.PutRecordInput{DeliveryStreamName: &name, Record: &types.Record{Data: []byte(line)}})
				return err
			})
		}
		began := time.Now()
		if _, err := both[by].DeleteDeliveryStream(t.Context(), &firehose.DeleteDeliveryStreamInput{DeliveryStreamName: &name}); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took > both[by].deleteWait {
			t.Errorf("process %d was told after %v that %s is gone", by, took, name)
		}
		for i := range both {
			eventually(t, func() error {
				_, err := both[i].DescribeDeliveryStream(t.Context(), &firehose.DescribeDeliveryStreamInput{DeliveryStreamName: &name})
				var gone *types.ResourceNotFoundException
				if errors.As(err, &gone) {
					return nil
				}
				return fmt.Errorf("process %d still knows %s: %v", i, name, err)
			})
		}
		got := map[string]int{}
		for key, body := range bucket.all() {
			if bytes.HasPrefix([]byte(key), []byte("b/"+name+"/")) {
				for line := range bytes.Lines(body) {
					got[string(line)]++
				}
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("delivered by %s: %v, want %v", name, got, want)
		}
	}
}

// eventually tries something until it succeeds, for a few seconds: what one process has written
// comes to the other a little later.
func eventually(t *testing.T, f func() error) {
	t.Helper()
	var err error
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if err = f(); err == nil {
			return
		}
	}
	t.Fatal(err)
}
