package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// bare writes the data of so many records to a file and syncs it, over and over.
func (b *benchStreams) bare(ctx context.Context, dir string, records int) (streamResult, error) {
	var r streamResult
	f, err := os.Create(filepath.Join(dir, "bare"))
	if err != nil {
		return r, err
	}
	defer func() {
		f.Close()
		os.Remove(f.Name())
	}()
	frame := randomData(records * b.size)
	start := time.Now()
	for begun := start; begun.Sub(start) < b.length && ctx.Err() == nil; begun = time.Now() {
		if _, err := f.Write(frame); err != nil {
			return r, err
		}
		if err := f.Sync(); err != nil {
			return r, err
		}
		r.took = append(r.took, time.Since(begun))
		r.Records += records
		r.Bytes += int64(len(frame))
	}
	r.Seconds = time.Since(start).Seconds()
	r.Rate = float64(r.Records) / r.Seconds
	return r.done(), ctx.Err()
}

func randomData(n int) []byte {
	b := make([]byte, n)
	g := rand.NewPCG(rand.Uint64(), rand.Uint64())
	for i := range b {
		b[i] = byte(g.Uint64())
	}
	return b
}

// prepared are requests that are made before the measurement, so that the client costs
// little: sending one takes a signature over its hash.
type prepared struct {
	body []byte
	hash string // SHA-256, in hex
}

// bodies is how many different requests a connection sends.
const bodies = 8

func (b *benchStreams) prepare(batch int) []prepared {
	type record struct{ Data, PartitionKey string }
	out := make([]prepared, bodies)
	for i := range out {
		records := make([]record, batch)
		for j := range records {
			records[j] = record{base64.StdEncoding.EncodeToString(randomData(b.size)), strconv.FormatUint(rand.Uint64(), 36)}
		}
		var in any = struct {
			StreamName string
			Records    []record
		}{b.stream, records}
		if batch == 1 {
			in = struct {
				StreamName string
				record
			}{b.stream, records[0]}
		}
		out[i].body, _ = json.Marshal(in) // strings alone: cannot fail
		sum := sha256.Sum256(out[i].body)
		out[i].hash = hex.EncodeToString(sum[:])
	}
	return out
}

// put puts batches over connections, each with one request in flight.
func (b *benchStreams) put(ctx context.Context, conns, batch int) (streamResult, error) {
	transport := &http.Transport{
		DialContext: (&net.Dialer{Timeout: 5 * time.Second}).DialContext, MaxIdleConnsPerHost: conns, WriteBufferSize: 256 << 10,
		DisableCompression: true,
	}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: time.Minute}
	operation := "PutRecords"
	if batch == 1 {
		operation = "PutRecord"
	}
	requests := make([][]prepared, conns)
	for i := range requests {
		requests[i] = b.prepare(batch)
	}
	var (
		r      streamResult
		mu     sync.Mutex
		failed atomic.Pointer[error]
		wg     sync.WaitGroup
	)
	start := time.Now()
	for i := range conns {
		wg.Go(func() {
			var took []time.Duration
			var answer bytes.Buffer
			for n := 0; time.Since(start) < b.length && ctx.Err() == nil && failed.Load() == nil; n++ {
				begun := time.Now()
				if err := b.send(ctx, client, operation, &requests[i][n%bodies], &answer); err != nil {
					failed.CompareAndSwap(nil, &err)
					return
				}
				took = append(took, time.Since(begun))
			}
			mu.Lock()
			r.took = append(r.took, took...)
			mu.Unlock()
		})
	}
	wg.Wait()
	r.Seconds = time.Since(start).Seconds()
	if err := ctx.Err(); err != nil {
		return r, err
	}
	if err := failed.Load(); err != nil {
		return r, *err
	}
	r.Requests = len(r.took)
	r.Records = r.Requests * batch
	r.Bytes = int64(r.Records) * int64(b.size)
	r.Rate = float64(r.Records) / r.Seconds
	return r.done(), nil
}

// noneFailed is in the answer to a PutRecords call that stored everything.
var noneFailed = regexp.MustCompile(`"FailedRecordCount"\s*:\s*0\b`)

// send makes one call and leaves its answer in the buffer.
func (b *benchStreams) send(ctx context.Context, client *http.Client, operation string, p *prepared, answer *bytes.Buffer) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, b.endpoint+"/", bytes.NewReader(p.body))
	if err != nil {
		return err
	}
	req.Header.Set("X-Amz-Target", "Kinesis_20131202."+operation)
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	creds, err := b.config().Credentials.Retrieve(ctx)
	if err != nil {
		return err
	}
	if err := v4.NewSigner().SignHTTP(ctx, creds, req, p.hash, "kinesis", b.region, time.Now()); err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer.Reset()
	if _, err := answer.ReadFrom(resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK || operation == "PutRecords" && !noneFailed.Match(answer.Bytes()) {
		return fmt.Errorf("%s: %s: %.200s", operation, resp.Status, answer.Bytes())
	}
	return nil
}

// textAfter is the string value of the member in a JSON text, empty if it has none.
func textAfter(text []byte, member string) string {
	_, after, _ := bytes.Cut(text, []byte(member))
	_, after, _ = bytes.Cut(after, []byte(`"`))
	value, _, _ := bytes.Cut(after, []byte(`"`))
	return string(value)
}

// readConns is over how many connections shards are read.
const readConns = 64

// read reads all shards to their ends, as fast as they come, each over a connection, but not
// more than readConns of them at a time.
func (b *benchStreams) read(ctx context.Context) (streamResult, error) {
	var (
		r    streamResult
		mu   sync.Mutex
		wg   sync.WaitGroup
		errs = make(chan error, b.shards)
		room = make(chan struct{}, readConns)
	)
	shards, err := listShards(ctx, b.client, &kinesis.ListShardsInput{StreamName: &b.stream})
	if err != nil {
		return r, err
	}
	outer := ctx
	ctx, cancel := context.WithTimeout(outer, max(b.length, time.Second))
	defer cancel()
	start := time.Now()
	transport := &http.Transport{MaxIdleConnsPerHost: readConns, ReadBufferSize: 256 << 10, DisableCompression: true}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: time.Minute}
	for _, sh := range shards {
		wg.Go(func() {
			select {
			case room <- struct{}{}:
				defer func() { <-room }()
			case <-ctx.Done():
				return
			}
			it, err := b.client.GetShardIterator(ctx, &kinesis.GetShardIteratorInput{
				StreamName: &b.stream, ShardId: sh.ShardId, ShardIteratorType: types.ShardIteratorTypeTrimHorizon})
			if err != nil {
				if ctx.Err() == nil {
					errs <- err
				}
				return
			}
			var answer bytes.Buffer
			for next := aws.ToString(it.ShardIterator); next != "" && ctx.Err() == nil; {
				begun := time.Now()
				body := []byte(`{"ShardIterator":"` + next + `"}`)
				sum := sha256.Sum256(body)
				if err := b.send(ctx, client, "GetRecords", &prepared{body, hex.EncodeToString(sum[:])}, &answer); err != nil {
					if !errors.Is(err, context.DeadlineExceeded) {
						errs <- err
					}
					return
				}
				// Decoding the records would take more of the machine than the node does.
				records := bytes.Count(answer.Bytes(), []byte(`"SequenceNumber"`))
				mu.Lock()
				r.took = append(r.took, time.Since(begun))
				r.Requests++
				r.Records += records
				r.Bytes += int64(records) * int64(b.size)
				mu.Unlock()
				if records == 0 {
					return // the end
				}
				next = textAfter(answer.Bytes(), `"NextShardIterator"`)
			}
		})
	}
	wg.Wait()
	select {
	case err := <-errs:
		return r, err
	default:
	}
	r.Seconds = time.Since(start).Seconds()
	r.Rate = float64(r.Records) / r.Seconds
	return r.done(), outer.Err()
}
