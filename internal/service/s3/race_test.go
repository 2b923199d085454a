package s3

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
)

// TestRacingChanges: puts, deletions, listings and reads of the same keys, some of them beside
// others below them, never fail but as AWS does.
func TestRacingChanges(t *testing.T) {
	n := newNode(t)
	c := n.client("000000000000", "us-east-1")
	for _, b := range []string{"plain", "versions"} {
		makeBucket(t, c, b)
	}
	if _, err := c.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{Bucket: aws.String("versions"),
		VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled}}); err != nil {
		t.Fatal(err)
	}
	once := func(o *s3.Options) { o.RetryMaxAttempts = 1 }
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range 60 {
				b, k := aws.String([]string{"plain", "versions"}[w%2]), aws.String([]string{"d/a", "d", "d/a/b", "e/f"}[(w/2+i)%4])
				var err error
				switch (w + i) % 4 {
				case 0:
					_, err = c.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: b, Key: k}, once)
				case 1:
					_, err = c.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: b}, once)
				case 2:
					var out *s3.GetObjectOutput
					if out, err = c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: b, Key: k}, once); err == nil {
						out.Body.Close()
					}
				default:
					_, err = c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: b, Key: k, Body: strings.NewReader(fmt.Sprint(i))}, once)
				}
				if e, ok := errors.AsType[smithy.APIError](err); err != nil && (!ok || e.ErrorCode() != "NoSuchKey") {
					t.Errorf("%s: %v", *k, err)
				}
			}
		})
	}
	wg.Wait()
}

// TestOneOfManyConditionalPutsWins, and one of many completions.
func TestOneOfManyConditionalPutsWins(t *testing.T) {
	n := newNode(t)
	c := n.client("000000000000", "us-east-1")
	makeBucket(t, c, "bkt")
	b := aws.String("bkt")
	for round := range 5 {
		k := aws.String(fmt.Sprint("k", round))
		var won, lost atomic.Int32
		var wg sync.WaitGroup
		for range 64 {
			wg.Go(func() {
				_, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: b, Key: k, Body: strings.NewReader("x"), IfNoneMatch: aws.String("*")})
				switch codeOf(err) {
				case "":
					won.Add(1)
				case "PreconditionFailed", "ConditionalRequestConflict":
					lost.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 || lost.Load() != 63 {
			t.Errorf("%d won, %d lost", won.Load(), lost.Load())
		}
	}
}
