package s3

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// TestPagesOfWhatGoes: a page begins behind the version, or the upload, that ended the one before, which may be gone:
// who removes what a page lists, one page after the other, removes all.
func TestPagesOfWhatGoes(t *testing.T) {
	n := newNode(t)
	c := n.client(accountA, "us-east-1")
	makeBucket(t, c, "bkt")
	b := aws.String("bkt")
	put(t, c, "bkt", "k", "the null version")
	must(c.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{Bucket: b, VersioningConfiguration: &types.VersioningConfiguration{Status: "Enabled"}}))(t)
	for range 4 {
		put(t, c, "bkt", "k", "x")
	}
	must(c.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: b, Key: aws.String("k")}))(t)
	put(t, c, "bkt", "l", "x")
	removed := map[string]bool{}
	pages := s3.NewListObjectVersionsPaginator(c, &s3.ListObjectVersionsInput{Bucket: b, MaxKeys: aws.Int32(2)})
	for pages.HasMorePages() {
		page := must(pages.NextPage(t.Context()))(t)
		remove := func(key, id *string) {
			must(c.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: b, Key: key, VersionId: id}))(t)
			removed[*key+*id] = true
		}
		for _, v := range page.Versions {
			remove(v.Key, v.VersionId)
		}
		for _, v := range page.DeleteMarkers {
			remove(v.Key, v.VersionId)
		}
	}
	if len(removed) != 7 {
		t.Errorf("%d of 7 versions were listed", len(removed))
	}
	for i := range 7 {
		must(c.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: b, Key: aws.String(fmt.Sprint("u", i/5))}))(t)
	}
	// A page of common prefixes alone names none of them as its end.
	for _, v := range []struct {
		delimiter, next string
		max             int32
	}{{"u", "", 1000}, {"u", "", 1}, {"0", "u1", 1000}} {
		page := must(c.ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: b, Delimiter: &v.delimiter, MaxUploads: &v.max}))(t)
		if aws.ToString(page.NextKeyMarker) != v.next {
			t.Errorf("%+v: next key %q", v, aws.ToString(page.NextKeyMarker))
		}
	}
	aborted := 0
	uploads := s3.NewListMultipartUploadsPaginator(c, &s3.ListMultipartUploadsInput{Bucket: b, MaxUploads: aws.Int32(2)})
	for uploads.HasMorePages() {
		for _, u := range must(uploads.NextPage(t.Context()))(t).Uploads {
			must(c.AbortMultipartUpload(t.Context(), &s3.AbortMultipartUploadInput{Bucket: b, Key: u.Key, UploadId: u.UploadId}))(t)
			aborted++
		}
	}
	if aborted != 7 {
		t.Errorf("%d of 7 uploads were listed", aborted)
	}
	if _, err := c.DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: b}); err != nil {
		t.Errorf("the bucket is not empty: %v", err)
	}
}
