package node

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/brookmere/brookmere/internal/engine/broker"
)

// dataDirectory is that of a node that was stopped, with a stream of 20 records.
func dataDirectory(t *testing.T) string {
	t.Helper()
	keepWorkingDirectory(t)
	data := t.TempDir()
	n := startNode(t, data, nil)
	defer stopNode(t, n)
	k := kinesis.NewFromConfig(clientConfig(n, "eu-west-1", "test", "test"))
	if _, err := k.CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: aws.String("clicks"), ShardCount: aws.Int32(1)}); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if _, err := k.PutRecord(t.Context(), &kinesis.PutRecordInput{StreamName: aws.String("clicks"), PartitionKey: aws.String("a"), Data: []byte("hello")}); err != nil {
			t.Fatal(err)
		}
	}
	return data
}

func startFails(t *testing.T, data string) error {
	t.Helper()
	cfg := DefaultConfig()
	cfg.Data, cfg.Listen = data, "127.0.0.1:0"
	n, err := Start(t.Context(), cfg, slog.New(slog.DiscardHandler))
	if err == nil {
		stopNode(t, n)
		t.Fatal("the node started")
	}
	return err
}

func TestLockFileDeletedUnderARunningNode(t *testing.T) {
	keepWorkingDirectory(t)
	data := t.TempDir()
	n := startNode(t, data, nil)
	defer stopNode(t, n)
	if err := os.Remove(filepath.Join(data, "LOCK")); err != nil {
		t.Fatal(err)
	}
	if err := startFails(t, data); !strings.Contains(err.Error(), "another node is running") {
		t.Error(err)
	}
	if _, err := Check(t.Context(), data); err == nil || !strings.Contains(err.Error(), "another node is running") {
		t.Errorf("Check: %v", err)
	}
}

func TestCheckOfAHealthyDirectory(t *testing.T) {
	data := dataDirectory(t)
	for range 2 {
		if c, err := Check(t.Context(), data); err != nil || !c.OK() || len(c.Strays) > 0 {
			t.Errorf("%+v, %v", c, err)
		}
	}
	if _, err := Check(t.Context(), t.TempDir()); err == nil {
		t.Error("a folder that is not a node's passed")
	}
}

func TestDirectoryOfACluster(t *testing.T) {
	data := dataDirectory(t)
	if err := os.MkdirAll(filepath.Join(data, "log", "jetstream", "$SYS", "_js_", "_meta_"), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := startFails(t, data); !errors.Is(err, broker.ErrForeign) {
		t.Error(err)
	}
}

func TestStateIsMissing(t *testing.T) {
	data := dataDirectory(t)
	for _, gone := range []string{"log/jetstream/$G/streams/KV_state", "log/manifest", "log/running"} {
		if err := os.RemoveAll(filepath.Join(data, gone)); err != nil {
			t.Fatal(err)
		}
		startFails(t, data)
	}
	if c, err := Check(t.Context(), data); err != nil || c.OK() {
		t.Errorf("Check: %+v, %v", c, err)
	}
}

// A repair gives up what is lost and nothing else: the stream goes on behind the records
// that it had, so that no consumer takes new ones for those that it has seen.
func TestRepair(t *testing.T) {
	data := dataDirectory(t)
	shards, err := filepath.Glob(filepath.Join(data, "log", "jetstream", "$G", "streams", "shard-000*")) // of the test's stream
	if err != nil || len(shards) != 1 {
		t.Fatal(shards, err)
	}
	if err := os.Remove(filepath.Join(shards[0], "msgs", "1.blk")); err != nil {
		t.Fatal(err)
	}
	if err := startFails(t, data); !errors.Is(err, broker.ErrDamaged) {
		t.Error(err)
	}
	c, err := Check(t.Context(), data)
	if err != nil || c.OK() {
		t.Fatalf("%+v, %v", c, err)
	}
	saved, left, err := Repair(data, c.Damage)
	if err != nil || len(left) > 0 {
		t.Fatalf("left %v, %v", left, err)
	}
	if _, err := os.Stat(filepath.Join(saved, filepath.Base(shards[0]), "meta.inf")); err != nil {
		t.Error(err)
	}
	if c, err := Check(t.Context(), data); err != nil || !c.OK() {
		t.Fatalf("after the repair: %+v, %v", c, err)
	}
	n := startNode(t, data, nil)
	defer stopNode(t, n)
	k := kinesis.NewFromConfig(clientConfig(n, "eu-west-1", "test", "test"))
	put, err := k.PutRecord(t.Context(), &kinesis.PutRecordInput{StreamName: aws.String("clicks"), PartitionKey: aws.String("a"), Data: []byte("new")})
	if err != nil {
		t.Fatal(err)
	}
	it, err := k.GetShardIterator(t.Context(), &kinesis.GetShardIteratorInput{StreamName: aws.String("clicks"), ShardId: put.ShardId, ShardIteratorType: types.ShardIteratorTypeTrimHorizon})
	if err != nil {
		t.Fatal(err)
	}
	got, err := k.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: it.ShardIterator})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Records) != 1 || *got.Records[0].SequenceNumber != *put.SequenceNumber {
		t.Errorf("%d records", len(got.Records))
	}
}
