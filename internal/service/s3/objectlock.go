package s3

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/versity/versitygw/s3err"
)

// rawKeys is set in the context of a request whose keys are not in the URL: versitygw asks
// for the locks of the objects by these, and not by their paths.
type rawKeys struct{}

// GetObjectRetention is asked for what an object is before it is deleted, too.
func (d *durable) GetObjectRetention(ctx context.Context, bucket, object, version string) ([]byte, error) {
	path, err := d.asked(ctx, bucket, object)
	if err != nil {
		return nil, err
	}
	return d.Posix.GetObjectRetention(ctx, bucket, path, version)
}

// GetObjectLegalHold is asked for what an object is before it is deleted, too.
func (d *durable) GetObjectLegalHold(ctx context.Context, bucket, object, version string) (*bool, error) {
	path, err := d.asked(ctx, bucket, object)
	if err != nil {
		return nil, err
	}
	return d.Posix.GetObjectLegalHold(ctx, bucket, path, version)
}

// asked is the path of the object that is asked for.
func (d *durable) asked(ctx context.Context, bucket, object string) (string, error) {
	if ctx.Value(rawKeys{}) == nil {
		return object, nil
	}
	path, ok := d.service.place(bucket, object)
	if !ok {
		return "", s3err.GetAPIError(s3err.ErrNoSuchKey)
	}
	return path, nil
}

// sayLock sets the headers that tell of an object's locks. dir and path are where its
// attributes are.
func (s *Service) sayLock(h http.Header, dir, path string) {
	if raw, err := s.attrs.RetrieveAttribute(nil, dir, path, "object-retention"); err == nil {
		var r types.ObjectLockRetention
		if json.Unmarshal(raw, &r) == nil && r.Mode != "" && r.RetainUntilDate != nil {
			h["x-amz-object-lock-mode"] = []string{string(r.Mode)}
			h["x-amz-object-lock-retain-until-date"] = []string{r.RetainUntilDate.UTC().Format(time.RFC3339)}
		}
	}
	if raw, err := s.attrs.RetrieveAttribute(nil, dir, path, "object-legal-hold"); err == nil && len(raw) == 1 {
		status := types.ObjectLockLegalHoldStatusOff
		if raw[0] == 1 {
			status = types.ObjectLockLegalHoldStatusOn
		}
		h["x-amz-object-lock-legal-hold"] = []string{string(status)}
	}
}

// tidied is the answer of a read of a sub-resource without the elements that S3 leaves out,
// and with tags in an order.
func tidied(body []byte, q s3Request) []byte {
	switch {
	case q.has("retention"):
		return bytes.ReplaceAll(body, []byte("<EventHold></EventHold>"), nil)
	case q.has("object-lock"):
		return bytes.ReplaceAll(body, []byte("<Rule></Rule>"), nil)
	case !q.has("tagging"):
		return body
	}
	var tagging struct {
		XMLName xml.Name `xml:"Tagging"`
		TagSet  struct {
			Tag []tag
		}
	}
	if xml.Unmarshal(body, &tagging) != nil {
		return body
	}
	slices.SortFunc(tagging.TagSet.Tag, func(a, b tag) int { return strings.Compare(a.Key, b.Key) })
	sorted, err := xml.Marshal(tagging)
	if err != nil {
		return body
	}
	return append([]byte(xml.Header), sorted...)
}
