package athena

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// objectReader reads an object from an offset on, range by range: a page of a result is
// a small part of what may be a large object.
type objectReader struct {
	ctx         context.Context
	objects     Objects
	bucket, key string
	offset      int64 // where the next range begins
	size        int64 // of the next range
	body        io.ReadCloser
	last        bool // no range follows the one being read
}

// Ranges grow, so that few are asked for whatever the rows' size.
const (
	firstRange = 128 << 10
	maxRange   = 8 << 20
)

func (r *objectReader) Read(p []byte) (int, error) {
	for {
		if r.body == nil {
			if r.last {
				return 0, io.EOF
			}
			if err := r.open(); err != nil {
				return 0, err
			}
			continue
		}
		n, err := r.body.Read(p)
		r.offset += int64(n)
		if errors.Is(err, io.EOF) {
			r.body.Close()
			r.body, err = nil, nil
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

func (r *objectReader) open() error {
	if r.size == 0 {
		r.size = firstRange
	}
	out, err := r.objects.GetObject(r.ctx, &s3.GetObjectInput{
		Bucket: aws.String(r.bucket), Key: aws.String(r.key),
		Range: aws.String(fmt.Sprintf("bytes=%d-%d", r.offset, r.offset+r.size-1)),
	})
	var api interface{ ErrorCode() string }
	if errors.As(err, &api) && api.ErrorCode() == "InvalidRange" { // at the end, or empty
		r.last = true
		return nil
	}
	if err != nil {
		return err
	}
	_, total, _ := strings.Cut(aws.ToString(out.ContentRange), "/")
	n, err := strconv.ParseInt(total, 10, 64)
	r.last = err != nil || r.offset+r.size >= n // a store without ranges gives all
	r.body, r.size = out.Body, min(r.size*4, maxRange)
	return nil
}

func (r *objectReader) Close() {
	if r.body != nil {
		r.body.Close()
	}
}
