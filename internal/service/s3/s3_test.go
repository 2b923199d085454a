package s3

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"github.com/brookmere/brookmere/internal/awswire"
)

// A node is a Service behind an HTTP server that takes every request's signature for
// good, and its credential scope's region and, as its account, its access key if that is
// twelve digits.
type testNode struct {
	*Service
	url string
}

func newNode(t testing.TB) *testNode {
	t.Helper()
	return openNode(t, filepath.Join(t.TempDir(), "objects"))
}

func openNode(t testing.TB, dir string) *testNode { return openConfig(t, Config{Dir: dir}) }

func openConfig(t testing.TB, c Config) *testNode {
	t.Helper()
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.ServeHTTP(w, r.WithContext(awswire.WithCaller(r.Context(), callerOf(r))))
	}))
	t.Cleanup(func() {
		srv.Close()
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return &testNode{s, srv.URL}
}

func callerOf(r *http.Request) awswire.Caller {
	credential := r.URL.Query().Get("X-Amz-Credential")
	if _, after, ok := strings.Cut(r.Header.Get("Authorization"), "Credential="); ok {
		credential, _, _ = strings.Cut(after, ",")
	}
	var c awswire.Caller
	if parts := strings.Split(credential, "/"); len(parts) == 5 {
		c.Region = parts[2]
		if len(parts[0]) == 12 {
			c.Account = parts[0]
		}
	}
	return c
}

func (n *testNode) client(account, region string) *s3.Client {
	return s3.New(s3.Options{
		BaseEndpoint: aws.String(n.url),
		Region:       region,
		UsePathStyle: true,
		Credentials:  credentials.NewStaticCredentialsProvider(account, "secret", ""),
	})
}

func codeOf(err error) string {
	if ae, ok := errors.AsType[smithy.APIError](err); ok {
		return ae.ErrorCode()
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func put(t testing.TB, c *s3.Client, bucket, key, body string) {
	t.Helper()
	_, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader(body)})
	if err != nil {
		t.Fatalf("put %q: %v", key, err)
	}
}

func get(t testing.TB, c *s3.Client, bucket, key string) string {
	t.Helper()
	out, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		t.Fatalf("get %q: %v", key, err)
	}
	defer out.Body.Close()
	return string(must(io.ReadAll(out.Body))(t))
}

func makeBucket(t testing.TB, c *s3.Client, bucket string) {
	t.Helper()
	if _, err := c.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &bucket}); err != nil {
		t.Fatal(err)
	}
}

func TestObjects(t *testing.T) {
	n := newNode(t)
	c := n.client("000000000000", "us-east-1")
	makeBucket(t, c, "lake")
	keys := []string{
		"plain", "data/2024-01-01 10/x.parquet", "ünï/çødé.json", "a+b", "50%", "50%25", "q?x=1&y", "semi;colon=ü",
		"dt=2024-01-01/h=00/part 1.snappy.parquet", "a'b\"c", strings.Repeat("long/", 50) + "x", "#hash", "tilde~*()!",
	}
	for _, k := range keys {
		put(t, c, "lake", k, "body of "+k)
	}
	for _, k := range keys {
		if got := get(t, c, "lake", k); got != "body of "+k {
			t.Errorf("get %q = %q", k, got)
		}
		head, err := c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String("lake"), Key: &k})
		if err != nil {
			t.Errorf("head %q: %v", k, err)
		} else if *head.ContentLength != int64(len("body of "+k)) {
			t.Errorf("head %q: length %d", k, *head.ContentLength)
		}
		file, ok := n.LocalFile("lake", k)
		if b, _ := os.ReadFile(file.Path); !ok || string(b) != "body of "+k {
			t.Errorf("LocalFile(%q) = %q, %v", k, file.Path, ok)
		}
	}
	var listed []string
	pages := s3.NewListObjectsV2Paginator(c, &s3.ListObjectsV2Input{Bucket: aws.String("lake"), MaxKeys: aws.Int32(5)})
	for pages.HasMorePages() {
		for _, o := range must(pages.NextPage(t.Context()))(t).Contents {
			listed = append(listed, *o.Key)
		}
	}
	slices.Sort(keys)
	if !slices.Equal(listed, keys) {
		t.Errorf("listed %q\nwant %q", listed, keys)
	}
	files := must(n.Files(t.Context(), "lake", ""))(t)
	var names []string
	for _, f := range files {
		names = append(names, f.Key)
	}
	if !slices.Equal(names, keys) {
		t.Errorf("Files = %q\nwant %q", names, keys)
	}
	out := must(c.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{
		Bucket: aws.String("lake"), Delimiter: aws.String("/"), Prefix: aws.String("dt=2024-01-01/")}))(t)
	if len(out.CommonPrefixes) != 1 || *out.CommonPrefixes[0].Prefix != "dt=2024-01-01/h=00/" {
		t.Errorf("common prefixes %v", out.CommonPrefixes)
	}
	var ids []types.ObjectIdentifier
	for _, k := range append(keys, "../../etc/passwd", "never-there") {
		ids = append(ids, types.ObjectIdentifier{Key: &k})
	}
	del := must(c.DeleteObjects(t.Context(), &s3.DeleteObjectsInput{Bucket: aws.String("lake"), Delete: &types.Delete{Objects: ids}}))(t)
	if len(del.Errors) != 0 || len(del.Deleted) != len(ids) {
		t.Errorf("deleted %d of %d, errors %v", len(del.Deleted), len(ids), del.Errors)
	}
	if _, err := c.DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: aws.String("lake")}); err != nil {
		t.Error(err)
	}
	if _, err := n.Files(t.Context(), "lake", ""); codeOf(err) == "" {
		t.Error("files of a deleted bucket")
	}
}

func TestChecksumsAndTrailers(t *testing.T) {
	n := newNode(t)
	c := n.client("000000000000", "us-east-1")
	makeBucket(t, c, "sums")
	for _, algo := range types.ChecksumAlgorithm("").Values() {
		key := "k-" + string(algo)
		_, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("sums"), Key: &key,
			Body: bytes.NewReader(bytes.Repeat([]byte("x"), 300_000)), ChecksumAlgorithm: algo})
		if err != nil {
			t.Logf("%s: %v", algo, err)
			continue
		}
		if got := get(t, c, "sums", key); len(got) != 300_000 {
			t.Errorf("%s: %d bytes", algo, len(got))
		}
	}
	// A stream of unknown checksum goes with a trailer.
	body := io.MultiReader(strings.NewReader("stream"))
	_, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("sums"), Key: aws.String("t"),
		Body: body, ContentLength: aws.Int64(6)}, func(o *s3.Options) { o.BaseEndpoint = aws.String(n.url) })
	t.Logf("unseekable stream over http: %v", err)
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
