package node

import (
	"bytes"
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
	"github.com/brookmere/brookmere/internal/engine/shardlog"
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

// packsOf are the packs of a data directory, none of them empty.
func packsOf(t *testing.T, data string) []string {
	t.Helper()
	packs, err := filepath.Glob(filepath.Join(data, "log", "packs", "*.pack"))
	if err != nil || len(packs) == 0 {
		t.Fatal(packs, err)
	}
	return packs
}

// A repair gives up what is lost and nothing else: the stream goes on behind the records
// that it had, so that no consumer takes new ones for those that it has seen.
func TestRepair(t *testing.T) {
	data := dataDirectory(t)
	for _, p := range packsOf(t, data) {
		if err := os.Remove(p); err != nil {
			t.Fatal(err)
		}
	}
	if err := startFails(t, data); !errors.Is(err, shardlog.ErrPacksChanged) || !strings.Contains(err.Error(), "brookmere check") {
		t.Error(err)
	}
	c, err := Check(t.Context(), data)
	if err != nil || c.OK() || len(c.Packs) == 0 || len(c.Damage) > 0 {
		t.Fatalf("%+v, %v", c, err)
	}
	saved, left, err := Repair(data, c)
	if err != nil || len(left) > 0 {
		t.Fatalf("left %v, %v", left, err)
	}
	if _, err := os.Stat(filepath.Join(saved, "packs", "manifest")); err != nil {
		t.Error(err)
	}
	if c, err := Check(t.Context(), data); err != nil || !c.OK() {
		t.Fatalf("after the repair: %+v, %v", c, err)
	}
	records, put := putAndRead(t, data)
	if len(records) != 1 || *records[0].SequenceNumber != put {
		t.Errorf("%d records", len(records))
	}
}

// putAndRead starts a node, puts a record and returns what the stream has then, with the number of that one.
func putAndRead(t *testing.T, data string) (records []types.Record, number string) {
	t.Helper()
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
	for next := it.ShardIterator; ; {
		got, err := k.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: next})
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, got.Records...)
		if len(records) > 0 && *records[len(records)-1].SequenceNumber == *put.SequenceNumber {
			return records, *put.SequenceNumber
		}
		next = got.NextShardIterator
	}
}

// A frame that has decayed keeps no node from starting: the check tells which it is, and readers go on behind it.
func TestDecayedFrame(t *testing.T) {
	data := dataDirectory(t)
	changed := 0
	for _, p := range packsOf(t, data) {
		pack, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		if at := bytes.Index(pack, []byte("hello")); at >= 0 {
			pack[at] ^= 1
			changed++
			if err := os.WriteFile(p, pack, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	if changed != 1 {
		t.Fatalf("%d packs have the records", changed)
	}
	for range 2 {
		c, err := Check(t.Context(), data)
		if err != nil || !c.OK() || len(c.Lost) != 1 || !strings.Contains(c.Lost[0].Consequence, "eu-west-1/") {
			t.Fatalf("%+v, %v", c, err)
		}
	}
	records, number := putAndRead(t, data)
	if last := records[len(records)-1]; *last.SequenceNumber != number || len(records) > 20 {
		t.Errorf("%d records", len(records))
	}
}
