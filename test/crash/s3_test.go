package crash

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"github.com/brookmere/brookmere/test/nodetest"
)

// TestS3 kills a node under puts, copies, multipart uploads and deletions, of keys of which
// some are beside others below them, in a bucket with versions and in one without. After
// each kill every object is as the last acknowledged change, or the one under way, has left
// it, and a listing has these and no others.
func TestS3(t *testing.T) {
	var workers []*objectWorker
	for _, bucket := range []string{"crash-plain", "crash-versions"} {
		for i := range 2 {
			workers = append(workers, &objectWorker{
				t: t, bucket: bucket, prefix: fmt.Sprintf("w%d/", i), can: map[string][]string{},
			})
		}
	}
	n := underFire(t, func(n *nodetest.Node) {
		c := objectClient(n)
		for _, bucket := range []string{"crash-plain", "crash-versions"} {
			if _, err := c.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &bucket}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := c.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{
			Bucket:                  aws.String("crash-versions"),
			VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
		}); err != nil {
			t.Fatal(err)
		}
	}, func(ctx context.Context, n *nodetest.Node) {
		var wg sync.WaitGroup
		for _, w := range workers {
			wg.Go(func() { w.run(ctx, objectClient(n)) })
		}
		wg.Wait()
	})
	changes := 0
	for _, w := range workers {
		w.check(t.Context(), objectClient(n))
		changes += w.made
	}
	t.Logf("%d acknowledged changes", changes)
}

func objectClient(n *nodetest.Node) *s3.Client {
	return s3.NewFromConfig(n.AWS(), func(o *s3.Options) { o.UsePathStyle, o.RetryMaxAttempts = true, 1 })
}

// objectWorker changes the objects below a prefix, which nobody else does.
type objectWorker struct {
	t      *testing.T
	bucket string
	prefix string
	can    map[string][]string // what a key may hold, "" for nothing; one if all was acknowledged
	made   int
	serial int
}

var crashKeys = []string{"a", "a/b", "a/b/c", "d//e", "f", "g/"}

func (w *objectWorker) run(ctx context.Context, c *s3.Client) {
	if !w.check(ctx, c) {
		return
	}
	for ctx.Err() == nil {
		key := w.prefix + crashKeys[rand.IntN(len(crashKeys))]
		w.serial++
		token := fmt.Sprintf("%s#%d", key, w.serial)
		var err error
		switch rand.IntN(7) {
		case 0:
			err = w.change(key, "", func() error {
				_, err := c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &w.bucket, Key: &key})
				return err
			})
		case 1:
			from := w.prefix + crashKeys[rand.IntN(len(crashKeys))]
			if held := w.held(from); held != "" && from != key {
				err = w.change(key, held, func() error {
					_, err := c.CopyObject(ctx, &s3.CopyObjectInput{Bucket: &w.bucket, Key: &key, CopySource: aws.String(w.bucket + "/" + from)})
					return err
				})
			}
		case 2:
			err = w.change(key, token, func() error { return w.upload(ctx, c, key, token) })
		case 3:
			if w.held(key) == "" { // nobody else writes it: the condition holds
				err = w.change(key, token, func() error {
					_, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: &w.bucket, Key: &key, Body: strings.NewReader(objectBody(token)), IfNoneMatch: aws.String("*")})
					return err
				})
			}
		case 4:
			err = w.refused(ctx, c, key, token)
		default:
			err = w.change(key, token, func() error {
				_, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: &w.bucket, Key: &key, Body: strings.NewReader(objectBody(token))})
				return err
			})
		}
		if err != nil {
			return // the node is gone
		}
	}
}

// objectBody is what an object holds, some kilobytes long.
func objectBody(token string) string { return strings.Repeat(token+"\n", 1000+len(token)%7*2000) }

func (w *objectWorker) held(key string) string {
	if c := w.can[key]; len(c) > 0 {
		return c[0]
	}
	return ""
}

// change makes a change that leaves key with value.
func (w *objectWorker) change(key, value string, do func() error) error {
	before := w.held(key)
	w.can[key] = []string{before, value}
	if err := do(); err != nil {
		return err
	}
	w.can[key] = []string{value}
	w.made++
	return nil
}

func (w *objectWorker) upload(ctx context.Context, c *s3.Client, key, token string) error {
	up, err := c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &w.bucket, Key: &key})
	if err != nil {
		return err
	}
	part, err := c.UploadPart(ctx, &s3.UploadPartInput{
		Bucket: &w.bucket, Key: &key, UploadId: up.UploadId, PartNumber: aws.Int32(1), Body: strings.NewReader(objectBody(token)),
	})
	if err != nil {
		return err
	}
	_, err = c.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: &w.bucket, Key: &key, UploadId: up.UploadId,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: []types.CompletedPart{{PartNumber: aws.Int32(1), ETag: part.ETag, ChecksumCRC32: part.ChecksumCRC32}}},
	})
	return err
}

// refused makes a put whose condition does not hold: it changes nothing, killed or not.
func (w *objectWorker) refused(ctx context.Context, c *s3.Client, key, token string) error {
	_, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: &w.bucket, Key: &key, Body: strings.NewReader(objectBody(token)), IfMatch: aws.String(`"none"`)})
	var answered smithy.APIError
	if errors.As(err, &answered) && (answered.ErrorCode() == "PreconditionFailed" || answered.ErrorCode() == "NoSuchKey") {
		return nil
	}
	if err == nil {
		w.t.Errorf("%s/%s: a put whose condition does not hold was made", w.bucket, key)
	}
	return err
}

// check compares what there is with what there may be. It is false if it could not.
func (w *objectWorker) check(ctx context.Context, c *s3.Client) bool {
	want := map[string]bool{}
	for _, key := range slices.Sorted(maps.Keys(w.can)) {
		got, err := w.read(ctx, c, key)
		if err != nil {
			if ctx.Err() == nil && !isGone(err) {
				w.t.Errorf("%s/%s: %v", w.bucket, key, err)
			}
			return false
		}
		if !slices.Contains(w.can[key], got) {
			w.t.Errorf("%s/%s holds %.40q, and may hold %.60q", w.bucket, key, got, w.can[key])
		}
		w.can[key] = []string{got}
		if got != "" {
			want[key] = true
		}
	}
	out, err := c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &w.bucket, Prefix: &w.prefix})
	if err != nil {
		return false
	}
	for _, o := range out.Contents {
		if !want[*o.Key] {
			w.t.Errorf("%s/%s is listed and not there", w.bucket, *o.Key)
		}
		delete(want, *o.Key)
	}
	for key := range want {
		w.t.Errorf("%s/%s is there and not listed", w.bucket, key)
	}
	return true
}

// read returns the token of an object, or nothing if it is not there.
func (w *objectWorker) read(ctx context.Context, c *s3.Client, key string) (string, error) {
	out, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: &w.bucket, Key: &key})
	var missing *types.NoSuchKey
	if errors.As(err, &missing) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer out.Body.Close()
	b, err := io.ReadAll(out.Body)
	if err != nil {
		return "", err
	}
	token, _, _ := strings.Cut(string(b), "\n")
	if string(b) != objectBody(token) {
		return "", fmt.Errorf("torn: %d bytes that start with %.60q", len(b), b)
	}
	return token, nil
}

// isGone reports whether an error came from no answer of the node's.
func isGone(err error) bool {
	var answered smithy.APIError
	return !errors.As(err, &answered) && !strings.HasPrefix(err.Error(), "torn")
}
