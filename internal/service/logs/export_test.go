package logs

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// lastPut is Objects that remember what was put last.
type lastPut struct{ *s3.PutObjectInput }

func (l *lastPut) PutObject(_ context.Context, in *s3.PutObjectInput, _ ...func(*s3.Options)) (*s3.PutObjectOutput, error) {
	l.PutObjectInput = in
	return &s3.PutObjectOutput{}, nil
}

// TestExportsAreTheBucketOwners: policies of buckets let exports in by this condition.
func TestExportsAreTheBucketOwners(t *testing.T) {
	var put lastPut
	s := &Service{cfg: Config{Objects: &put}}
	if err := s.putObject(t.Context(), "b", "k", nil); err != nil || put.ACL != types.ObjectCannedACLBucketOwnerFullControl {
		t.Errorf("acl %q, %v", put.ACL, err)
	}
}
