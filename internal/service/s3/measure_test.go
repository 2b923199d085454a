package s3

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	"github.com/pkg/xattr"
)

// Measures, which take minutes and a quiet machine, and so run only when they are asked for:
//
//	BROOKMERE_MEASURE=listing [BROOKMERE_KEYS=1000000] [BROOKMERE_FLAT=1] go test ./internal/service/s3 -run TestMeasureListing -v -timeout 20m
//	BROOKMERE_MEASURE=writers go test ./internal/service/s3 -run TestMeasureWriters -v
//	BROOKMERE_MEASURE=rates BROOKMERE_S3=http://127.0.0.1:4566 BROOKMERE_S3_OTHER=http://127.0.0.1:7070 \
//	    go test ./internal/service/s3 -run TestMeasureRates -v -timeout 20m
//
// For the rates both servers run already, on the same disk, and take the access key "test" with the secret "test"
// (BROOKMERE_S3_KEY and BROOKMERE_S3_SECRET name others, of both): a node, and any other that speaks S3.

func measure(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("BROOKMERE_MEASURE") != what {
		t.Skip("runs with BROOKMERE_MEASURE=" + what)
	}
}

// TestMeasureListing lists a bucket of a million keys to its end, by pages of a thousand: keys in a thousand folders, or
// with BROOKMERE_FLAT in none. They have the records of objects that were put.
func TestMeasureListing(t *testing.T) {
	measure(t, "listing")
	keys := 1_000_000
	if v := os.Getenv("BROOKMERE_KEYS"); v != "" {
		keys = must(strconv.Atoi(v))(t)
	}
	n := newNode(t)
	c := n.client("000000000000", "us-east-1")
	makeBucket(t, c, "bkt")
	dir := filepath.Join(n.cfg.Dir, "bkt")
	put(t, c, "bkt", "model", "x")
	const recordName = "user.brookmere"
	record, err := xattr.Get(filepath.Join(dir, "model"), recordName)
	if err != nil {
		record = nil // the file system has no such attributes
	}
	must(c.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String("bkt"), Key: aws.String("model")}))(t)
	for i := range keys { // an object is its file
		folder := dir
		if os.Getenv("BROOKMERE_FLAT") == "" {
			folder = filepath.Join(dir, fmt.Sprintf("day=%03d", i/1000))
		}
		if i%1000 == 0 {
			if err := os.MkdirAll(folder, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		path := filepath.Join(folder, fmt.Sprintf("part-%06d.json", i))
		if err := os.WriteFile(path, []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
		if record != nil {
			if err := xattr.Set(path, recordName, record); err != nil {
				t.Fatal(err)
			}
		}
	}
	began, used, found := time.Now(), cpuSeconds(), 0
	pages := s3.NewListObjectsV2Paginator(c, &s3.ListObjectsV2Input{Bucket: aws.String("bkt")})
	for pages.HasMorePages() {
		found += len(must(pages.NextPage(t.Context()))(t).Contents)
	}
	t.Logf("%d keys listed in %v, with %.1f s of CPU of the client and the server", found, time.Since(began).Round(time.Millisecond), cpuSeconds()-used)
	if found != keys {
		t.Errorf("%d keys, not %d", found, keys)
	}
}

// cpuSeconds is what the process has used so far.
func cpuSeconds() float64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// TestMeasureWriters has 64 writers put one key if it is not there, a hundred times: one of them wins each time.
func TestMeasureWriters(t *testing.T) {
	measure(t, "writers")
	n := newNode(t)
	c := n.client("000000000000", "us-east-1")
	makeBucket(t, c, "bkt")
	began := time.Now()
	for round := range 100 {
		var won, lost atomic.Int32
		var wg sync.WaitGroup
		for w := range 64 {
			wg.Go(func() {
				_, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("bkt"), Key: aws.String(fmt.Sprint("k", round)), IfNoneMatch: aws.String("*"),
					Body: bytes.NewReader(fmt.Append(nil, w))}, func(o *s3.Options) { o.RetryMaxAttempts = 1 })
				switch e, ok := errors.AsType[smithy.APIError](err); {
				case err == nil:
					won.Add(1)
				case ok && (e.ErrorCode() == "PreconditionFailed" || e.ErrorCode() == "ConditionalRequestConflict"):
					lost.Add(1)
				default:
					t.Errorf("round %d: %v", round, err)
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 || lost.Load() != 63 {
			t.Errorf("round %d: %d have won, %d have lost", round, won.Load(), lost.Load())
		}
	}
	t.Logf("100 rounds of 64 writers in %v", time.Since(began).Round(time.Millisecond))
}

// TestMeasureRates compares puts of 64 KiB and gets of 1 MiB, from 8 clients, by turns so that both servers meet the
// same machine; the figures are medians.
func TestMeasureRates(t *testing.T) {
	measure(t, "rates")
	env := func(name, otherwise string) string {
		if v := os.Getenv(name); v != "" {
			return v
		}
		return otherwise
	}
	servers := []string{"BROOKMERE_S3", "BROOKMERE_S3_OTHER"}
	clients := make([]*s3.Client, 2)
	bucket := aws.String(fmt.Sprintf("measure-%d", time.Now().UnixNano()))
	body := make([]byte, 1<<20)
	for i := range body {
		body[i] = byte(rand.Uint32())
	}
	for i, name := range servers {
		url := os.Getenv(name)
		if url == "" {
			t.Fatalf("%s is not set", name)
		}
		clients[i] = s3.New(s3.Options{BaseEndpoint: &url, Region: "us-east-1", UsePathStyle: true, RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
			ResponseChecksumValidation: aws.ResponseChecksumValidationWhenRequired,
			Credentials:                credentials.NewStaticCredentialsProvider(env("BROOKMERE_S3_KEY", "test"), env("BROOKMERE_S3_SECRET", "test"), "")})
		makeBucket(t, clients[i], *bucket)
		if _, err := clients[i].PutObject(t.Context(), &s3.PutObjectInput{Bucket: bucket, Key: aws.String("large"), Body: bytes.NewReader(body)}); err != nil {
			t.Fatal(err)
		}
	}
	run := func(total int, do func(i int) error) float64 {
		began := time.Now()
		var next atomic.Int64
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for i := int(next.Add(1)); i <= total; i = int(next.Add(1)) {
					if err := do(i); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
		return float64(total) / time.Since(began).Seconds()
	}
	rates := map[string][2][]float64{}
	for round := range 7 {
		for i, c := range clients {
			for what, rate := range map[string]float64{
				"puts of 64 KiB": run(400, func(k int) error {
					_, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: bucket, Key: aws.String(fmt.Sprintf("%d/%d", round, k)), Body: bytes.NewReader(body[:64<<10])})
					return err
				}),
				"gets of 1 MiB": run(400, func(int) error {
					out, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: bucket, Key: aws.String("large")})
					if err != nil {
						return err
					}
					defer out.Body.Close()
					_, err = io.Copy(io.Discard, out.Body)
					return err
				}),
			} {
				r := rates[what]
				r[i] = append(r[i], rate)
				rates[what] = r
			}
		}
	}
	for what, r := range rates {
		slices.Sort(r[0])
		slices.Sort(r[1])
		a, b := r[0][len(r[0])/2], r[1][len(r[1])/2]
		t.Logf("%s: %.0f/s here, %.0f/s there, ratio %.2f", what, a, b, a/b)
	}
}
