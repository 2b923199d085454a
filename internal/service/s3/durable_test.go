package s3

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/brookmere/brookmere/internal/awswire"
)

// The test binary is the process to be killed when this is set: it puts objects into a
// bucket of the directory given until it dies, and prints the key of each that has been
// acknowledged.
const crashDir = "BROOKMERE_TEST_S3_CRASH"

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		putUntilKilled(dir)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func putUntilKilled(dir string) {
	s, err := New(Config{Dir: dir})
	if err != nil {
		panic(err)
	}
	c := s.Client()
	if _, err := c.CreateBucket(context.Background(), &s3.CreateBucketInput{Bucket: aws.String("crash")}); err != nil {
		panic(err)
	}
	keys := make(chan string)
	for w := range 4 {
		go func() {
			for i := 0; ; i++ {
				key := fmt.Sprintf("w%d/d%d/k%d", w, i%9, i)
				_, err := c.PutObject(context.Background(), &s3.PutObjectInput{
					Bucket: aws.String("crash"), Key: &key, Body: bytes.NewReader(crashBody(key))})
				if err != nil {
					panic(err)
				}
				keys <- key
			}
		}()
	}
	for key := range keys {
		fmt.Println(key)
	}
}

func crashBody(key string) []byte { return bytes.Repeat([]byte(key+"\n"), 20_000) }

func TestKilledProcessKeepsWhatItAcknowledged(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "objects")
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), crashDir+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var acked []string
	var line [1]byte
	var b strings.Builder
	for {
		if _, err := out.Read(line[:]); err != nil {
			break
		}
		if line[0] != '\n' {
			b.WriteByte(line[0])
			continue
		}
		acked = append(acked, b.String())
		b.Reset()
		if len(acked) == 60 {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = cmd.Wait() // killed
	if len(acked) < 60 {
		t.Fatalf("%d objects before the process died", len(acked))
	}

	n := openNode(t, dir)
	for _, key := range acked {
		file, ok := n.LocalFile("crash", key)
		if got, _ := os.ReadFile(file.Path); !ok || !bytes.Equal(got, crashBody(key)) {
			t.Errorf("%s was acknowledged and has %d bytes", key, len(got))
		}
	}
	// What was not acknowledged is whole or not there, and nothing else is listed.
	files := must(n.Files(t.Context(), "crash", ""))(t)
	for _, f := range files {
		if f.Size != int64(len(crashBody(f.Key))) {
			t.Errorf("%s is half an object: %d bytes", f.Key, f.Size)
		}
	}
	left, err := filepath.Glob(filepath.Join(dir, "crash", ".sgwtmp", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range left {
		if info, err := os.Stat(f); err == nil && info.Mode().IsRegular() {
			t.Errorf("%s is left over", f)
		}
	}
}

// A client that goes away in the middle of an upload leaves nothing.
func TestCutUpload(t *testing.T) {
	n := newNode(t)
	c := n.client("000000000000", "us-east-1")
	makeBucket(t, c, "cut")
	host := strings.TrimPrefix(n.url, "http://")
	for name, header := range map[string]string{
		"plain":   "Content-Length: 100000\r\n",
		"chunked": "Content-Length: 100000\r\nX-Amz-Decoded-Content-Length: 90000\r\nX-Amz-Content-Sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER\r\nX-Amz-Trailer: x-amz-checksum-crc32\r\n",
	} {
		conn := must(net.Dial("tcp", host))(t)
		fmt.Fprintf(conn, "PUT /cut/%s HTTP/1.1\r\nHost: %s\r\n%s\r\n15F90\r\n%s", name, host, header, strings.Repeat("x", 50000))
		if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		answer, _ := io.ReadAll(conn) // an error, or nothing
		conn.Close()
		if bytes.Contains(answer, []byte("200 OK")) {
			t.Errorf("%s: %s", name, answer)
		}
		if _, err := c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String("cut"), Key: &name}); codeOf(err) != "NotFound" {
			t.Errorf("%s: head: %v", name, err)
		}
	}
}

func TestTrailers(t *testing.T) {
	n := newNode(t)
	c := n.client("000000000000", "us-east-1")
	makeBucket(t, c, "trail")
	for _, tc := range []struct {
		name, trailer, sum string
		status             int
	}{
		{"good", "x-amz-checksum-crc32", "NSRBwg==", 200}, // of "abc"
		{"wrong", "x-amz-checksum-crc32", "AAAAAA==", 400},
		{"unknown", "x-amz-checksum-none", "AAAAAA==", 400},
	} {
		body := "3\r\nabc\r\n0\r\n" + tc.trailer + ":" + tc.sum + "\r\n\r\n"
		req := must(http.NewRequestWithContext(t.Context(), "PUT", n.url+"/trail/"+tc.name, strings.NewReader(body)))(t)
		req.Header.Set("X-Amz-Content-Sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER")
		req.Header.Set("X-Amz-Decoded-Content-Length", "3")
		req.Header.Set("X-Amz-Trailer", tc.trailer)
		req.Header.Set("Content-Encoding", "gzip, aws-chunked")
		resp := must(http.DefaultClient.Do(req))(t)
		resp.Body.Close()
		if resp.StatusCode != tc.status {
			t.Errorf("%s: status %d", tc.name, resp.StatusCode)
		}
	}
	out := must(c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String("trail"), Key: aws.String("good"), ChecksumMode: "ENABLED"}))(t)
	if aws.ToString(out.ChecksumCRC32) != "NSRBwg==" || aws.ToString(out.ContentEncoding) != "gzip" {
		t.Errorf("checksum %q, encoding %q", aws.ToString(out.ChecksumCRC32), aws.ToString(out.ContentEncoding))
	}
	if files := must(n.Files(t.Context(), "trail", ""))(t); len(files) != 1 {
		t.Errorf("%d objects, want 1", len(files))
	}
}

func TestClientInProcess(t *testing.T) {
	n := newNode(t)
	c := n.Client()
	ctx := awswire.WithCaller(t.Context(), awswire.Caller{Account: "111111111111", Region: "us-east-1"})
	if _, err := c.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("in-process")}); err != nil {
		t.Fatal(err)
	}
	body := make([]byte, 3<<20)
	rand.Read(body)
	if _, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("in-process"), Key: aws.String("a b/c"),
		Body: bytes.NewReader(body), Metadata: map[string]string{"k": "v"}}); err != nil {
		t.Fatal(err)
	}
	// A stream without a way back.
	if _, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("in-process"), Key: aws.String("stream"),
		Body: io.LimitReader(bytes.NewReader(body), 1<<20), ContentLength: aws.Int64(1 << 20)}); err != nil {
		t.Error(err)
	}
	out, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("in-process"), Key: aws.String("a b/c")})
	if err != nil {
		t.Fatal(err)
	}
	got := must(io.ReadAll(out.Body))(t)
	if !bytes.Equal(got, body) || out.Metadata["k"] != "v" {
		t.Errorf("%d bytes, metadata %v", len(got), out.Metadata)
	}
	list := must(c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String("in-process")}))(t)
	if len(list.Contents) != 2 {
		t.Errorf("listed %d", len(list.Contents))
	}
	_, err = c.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("in-process"), Key: aws.String("none")})
	if codeOf(err) != "NoSuchKey" {
		t.Error(err)
	}
	other := awswire.WithCaller(t.Context(), awswire.Caller{Account: "222222222222"})
	_, err = c.ListObjectsV2(other, &s3.ListObjectsV2Input{Bucket: aws.String("in-process")})
	if codeOf(err) != "AccessDenied" {
		t.Error(err)
	}
	// Not reading an answer to its end leaves nothing running.
	out, err = c.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("in-process"), Key: aws.String("a b/c")})
	if err != nil {
		t.Fatal(err)
	}
	out.Body.Close()
}

func TestReset(t *testing.T) {
	n := newNode(t)
	c := n.client("000000000000", "us-east-1")
	for i := range 3 {
		b := "reset-" + strconv.Itoa(i)
		makeBucket(t, c, b)
		for j := range 50 {
			put(t, c, b, fmt.Sprintf("d%d/k", j), "x")
		}
	}
	begin := time.Now()
	if err := n.Reset(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Logf("reset took %v", time.Since(begin))
	if out := must(c.ListBuckets(t.Context(), &s3.ListBucketsInput{}))(t); len(out.Buckets) != 0 {
		t.Errorf("%d buckets left", len(out.Buckets))
	}
	makeBucket(t, c, "reset-1")
	if files := must(n.Files(t.Context(), "reset-1", ""))(t); len(files) != 0 {
		t.Errorf("%d files left", len(files))
	}
	put(t, c, "reset-1", "d1/k", "new")
	if got := get(t, c, "reset-1", "d1/k"); got != "new" {
		t.Errorf("got %q", got)
	}
}

func TestReopen(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "objects")
	t.Run("write", func(t *testing.T) {
		c := openNode(t, dir).client("333333333333", "ap-south-1")
		if _, err := c.CreateBucket(t.Context(), &s3.CreateBucketInput{
			Bucket:                    aws.String("kept"),
			CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: "ap-south-1"},
		}); err != nil {
			t.Fatal(err)
		}
		put(t, c, "kept", "k", "v")
	})
	c := openNode(t, dir).client("333333333333", "us-east-1")
	if got := get(t, c, "kept", "k"); got != "v" {
		t.Errorf("got %q", got)
	}
	out := must(c.HeadBucket(t.Context(), &s3.HeadBucketInput{Bucket: aws.String("kept")}))(t)
	if *out.BucketRegion != "ap-south-1" {
		t.Errorf("region %q", *out.BucketRegion)
	}
}

func BenchmarkFiles(b *testing.B) {
	n := newNode(b)
	c := n.client("000000000000", "us-east-1")
	makeBucket(b, c, "many")
	for i := range 7700 {
		p := filepath.Join(n.cfg.Dir, "many", fmt.Sprintf("dt=%d", i/24), fmt.Sprintf("h=%d", i%24))
		if err := os.MkdirAll(p, 0o755); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(p, "x.parquet"), []byte("x"), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if files, err := n.Files(context.Background(), "many", ""); err != nil || len(files) != 7700 {
			b.Fatal(len(files), err)
		}
	}
}

func benchmarkPut(b *testing.B, size int) {
	n := newNode(b)
	c := n.client("000000000000", "us-east-1")
	makeBucket(b, c, "bench")
	body := make([]byte, size)
	b.SetBytes(int64(size))
	for i := 0; b.Loop(); i++ {
		key := fmt.Sprintf("d/%d", i%16)
		if _, err := c.PutObject(context.Background(), &s3.PutObjectInput{Bucket: aws.String("bench"), Key: &key, Body: bytes.NewReader(body)}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPutSmall(b *testing.B) { benchmarkPut(b, 4<<10) }
func BenchmarkPutLarge(b *testing.B) { benchmarkPut(b, 64<<20) }

func BenchmarkGetLarge(b *testing.B) {
	n := newNode(b)
	c := n.client("000000000000", "us-east-1")
	makeBucket(b, c, "bench")
	put(b, c, "bench", "k", strings.Repeat("x", 64<<20))
	b.SetBytes(64 << 20)
	for b.Loop() {
		out, err := c.GetObject(context.Background(), &s3.GetObjectInput{Bucket: aws.String("bench"), Key: aws.String("k")})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, out.Body); err != nil {
			b.Fatal(err)
		}
		out.Body.Close()
	}
}
