package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
)

// benched decodes what a benchmark prints with --json: progress goes before it.
func benched[T any](t *testing.T, args ...string) []T {
	t.Helper()
	out, err := command(t, args...)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var lines []T
	if err := json.NewDecoder(strings.NewReader(out)).Decode(&lines); err != nil {
		t.Fatalf("%v in\n%s", err, out)
	}
	return lines
}

// TestBenchStreams measures a node that runs, and leaves it as it was.
func TestBenchStreams(t *testing.T) {
	url, cfg := sharedNode(t)
	args := words(url, "bench streams --shards 2 --conns 2 --single-conns 2 --batch 20 --size 50 --for 60ms")
	out, err := command(t, args...)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"2 shards, 50-byte records, batches of 20 over 2 connections", "RECORDS/S", "OF BARE DISK", "put batches", "put single records", "read back",
		"put to acknowledgement", "put to GetRecords", "put to subscriber"} {
		if !strings.Contains(out, want) {
			t.Errorf("the table has no %q:\n%s", want, out)
		}
	}
	streams, err := kinesis.NewFromConfig(cfg).ListStreams(t.Context(), &kinesis.ListStreamsInput{})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range streams.StreamNames {
		if strings.HasPrefix(s, "bench-") {
			t.Errorf("the stream %s is left", s)
		}
	}
	lines := benched[streamResult](t, words(url, "bench streams --shards 1,3 --conns 1 --single-conns 1 --batch 20 --size 50 --for 20ms --json")...)
	compared := map[string][]int{}
	for _, l := range lines {
		if l.Shards > 0 {
			compared[l.Name] = append(compared[l.Name], l.Shards)
		}
		// What a node does within so short a time may be nothing, which is not compared.
		if l.OfFirst > 0 && l.Shards != 3 || l.OfFirst == 0 && l.Shards == 3 && strings.HasPrefix(l.Name, "write + fsync") {
			t.Errorf("compared with the first stream: %+v", l)
		}
	}
	for _, name := range []string{"put batches", "put single records", "read back"} {
		if !slices.Equal(compared[name], []int{1, 3}) {
			t.Errorf("%s of streams of %v shards", name, compared[name])
		}
	}
	fails(t, words(url, "bench streams --shards 4,0"), "at least one shard")
	fails(t, words(url, "bench streams --batch 501"), "batches of 1 to 500")
	fails(t, words(url, "bench streams --size 1000000"), "a request takes 10 MiB at most")
}

// TestBenchStartsANode has benchmarks start nodes of their own, and counts what they say.
func TestBenchStartsANode(t *testing.T) {
	lines := benched[streamResult](t, "bench", "streams", "--shards", "1", "--conns", "1", "--single-conns", "1", "--for", "40ms", "--json", "--data", t.TempDir())
	by := map[string]streamResult{}
	for _, l := range lines {
		by[l.Name] = l
	}
	put, single, read := by["put batches"], by["put single records"], by["read back"]
	if put.Records == 0 || put.Records != 500*put.Requests || single.Records == 0 || put.Rate <= 0 || put.P50 > put.P99 {
		t.Errorf("puts: %+v, %+v", put, single)
	}
	if read.Records != put.Records+single.Records {
		t.Errorf("%d records were put, and %d read back", put.Records+single.Records, read.Records)
	}
	deliveries := benched[deliveryResult](t, "bench", "delivery", "--records", "1000", "--json", "--data", t.TempDir())
	if len(deliveries) != 5 {
		t.Fatalf("%+v", deliveries)
	}
	for i, r := range deliveries {
		if r.Records != 1000 || i < 3 && (r.Rows != 1000 || r.Objects == 0) || r.Rate <= 0 {
			t.Errorf("%+v", r)
		}
	}
	fails(t, []string{"bench", "delivery", "--records", "0"}, "deliver at least one")
}
