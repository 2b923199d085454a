package s3

import (
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/brookmere/brookmere/internal/servicetest"
)

// TestShared runs the files that fakes of this service run too.
func TestShared(t *testing.T) {
	servicetest.Run(t, "shared/*.txt", func(t testing.TB, p servicetest.Parts) servicetest.Service {
		c := openNode(t, filepath.Join(p.Dir, "objects")).Client()
		if _, err := c.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("out")}); err != nil {
			t.Fatal(err)
		}
		return servicetest.ObjectService{Objects: c}
	})
}
