package athena

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/athena/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Reuse of results: a query that allows it is answered with the result of an earlier one
// of the same workgroup that has the same text, database, catalog and parameters and is
// not older than it says. The result is copied, so that it is found under the name of
// the new execution too. Where the earlier result is gone, the query runs.

// defaultReuseAge is how old a result may be where the age is not said.
const defaultReuseAge = 60 * time.Minute

// reuse says how old a result may be that a query is answered with; zero: it must run.
func reuseAge(c *types.ResultReuseConfiguration) time.Duration {
	if c == nil || c.ResultReuseByAgeConfiguration == nil || !c.ResultReuseByAgeConfiguration.Enabled {
		return 0
	}
	if m := c.ResultReuseByAgeConfiguration.MaxAgeInMinutes; m != nil {
		return time.Duration(*m) * time.Minute
	}
	return defaultReuseAge
}

func (s *Service) reuse(ctx context.Context, sc scope, x *execution) (bool, error) {
	if x.doc.Reuse <= 0 {
		return false, nil
	}
	all, err := s.executions.list(sc, x.doc.WorkGroup)
	if err != nil {
		return false, err
	}
	for _, h := range all { // the newest first
		if h.submitted.Before(s.clock.Now().Add(-x.doc.Reuse)) {
			return false, nil
		}
		if h.id == x.doc.ID || h.bytes < len(x.doc.Query) {
			continue
		}
		old, err := s.executions.get(sc, h.id)
		if err != nil || !x.doc.sameQuery(old) {
			continue
		}
		if err := s.copyResult(ctx, old.Output, x.doc.Output); err != nil {
			continue
		}
		x.change(func(d *executionDoc) {
			d.Reused, d.Rows = true, old.Rows
		})
		return true, nil
	}
	return false, nil
}

func (d *executionDoc) sameQuery(old *executionDoc) bool {
	return old.State == types.QueryExecutionStateSucceeded && old.Subtype == d.Subtype && !old.Reused &&
		strings.TrimSpace(old.Query) == strings.TrimSpace(d.Query) && old.Database == d.Database &&
		strings.EqualFold(old.Catalog, d.Catalog) && slices.Equal(old.Parameters, d.Parameters)
}

func (s *Service) copyResult(ctx context.Context, from, to string) error {
	for _, suffix := range []string{".metadata", ""} {
		bucket, key, err := splitLocation(from + suffix)
		if err != nil {
			return err
		}
		toBucket, toKey, err := splitLocation(to + suffix)
		if err != nil {
			return err
		}
		_, err = s.objects.CopyObject(ctx, &s3.CopyObjectInput{
			Bucket: aws.String(toBucket), Key: aws.String(toKey),
			CopySource: aws.String(bucket + "/" + strings.ReplaceAll((&url.URL{Path: key}).EscapedPath(), "+", "%2B")),
		})
		if err != nil {
			return fmt.Errorf("copy result %s: %w", from, err)
		}
	}
	return nil
}
