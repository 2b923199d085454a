package crash

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/athena"
	athenatypes "github.com/aws/aws-sdk-go-v2/service/athena/types"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	firehosetypes "github.com/aws/aws-sdk-go-v2/service/firehose/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	"github.com/parquet-go/parquet-go"

	"github.com/brookmere/brookmere/test/nodetest"
)

// Objects are merged all the time while they are put, listed and queried, and the node is
// killed: at no moment is a record in the lake twice, and in the end each is there.
func TestCompactionKeepsOnce(t *testing.T) {
	var sent readings
	var reads atomic.Int64
	n := underFire(t, func(n *nodetest.Node) {
		makeDelivery(t, n, func(in *firehose.CreateDeliveryStreamInput) {
			in.Tags = []firehosetypes.Tag{{Key: aws.String("brookmere:compaction"), Value: aws.String("target=1MiB after=0s keep=15s")}}
		})
	}, func(ctx context.Context, n *nodetest.Node) {
		var wg sync.WaitGroup
		wg.Go(func() { sent.put(ctx, n) })
		wg.Go(func() {
			var most string
			for ctx.Err() == nil {
				row := tryQuery(ctx, t, n, "SELECT count(*), count(DISTINCT id) FROM "+crashTable)
				if len(row) == 2 && row[0] != row[1] {
					t.Errorf("SQL finds %s records, %s different ones", row[0], row[1])
				}
				if len(row) == 2 && (len(row[0]) < len(most) || len(row[0]) == len(most) && row[0] < most) {
					t.Errorf("SQL finds %s records after it found %s", row[0], most)
				}
				if len(row) == 2 {
					most = row[0]
					reads.Add(1)
				}
			}
		})
		wg.Go(func() {
			for ctx.Err() == nil {
				for id, n := range listedIDs(ctx, t, n, 10) {
					if n > 1 {
						t.Errorf("a listing has %s %d times", id, n)
					}
				}
			}
		})
		wg.Wait()
	})
	waitDelivered(t, n)
	counts := sent.check(t, queryColumn(t, n, "SELECT id FROM "+crashTable))
	if listed := listedIDs(t.Context(), t, n, 1000); !maps.Equal(listed, counts) {
		t.Errorf("SQL finds %d different records, a listing %d, and their counts differ", len(counts), len(listed))
	}
	noStrayFiles(t, n)
	t.Logf("%d queries meanwhile", reads.Load())
}

// tryQuery returns the first row of a result, or nil if the node is killed meanwhile.
func tryQuery(ctx context.Context, t *testing.T, n *nodetest.Node, statement string) (row []string) {
	c := athena.NewFromConfig(n.AWS(), func(o *athena.Options) { o.RetryMaxAttempts = 1 })
	started, err := c.StartQueryExecution(ctx, &athena.StartQueryExecutionInput{
		QueryString:           &statement,
		QueryExecutionContext: &athenatypes.QueryExecutionContext{Database: aws.String(crashDatabase)},
		ResultConfiguration:   &athenatypes.ResultConfiguration{OutputLocation: aws.String("s3://" + crashBucket + "/results/")},
	})
	for err == nil {
		var out *athena.GetQueryExecutionOutput
		out, err = c.GetQueryExecution(ctx, &athena.GetQueryExecutionInput{QueryExecutionId: started.QueryExecutionId})
		if err != nil {
			return nil
		}
		if st := out.QueryExecution.Status; st.State == athenatypes.QueryExecutionStateFailed {
			t.Errorf("%s: %s", statement, aws.ToString(st.StateChangeReason))
			return nil
		}
		if out.QueryExecution.Status.State == athenatypes.QueryExecutionStateSucceeded {
			break
		}
	}
	if err != nil {
		return nil
	}
	rows, err := c.GetQueryResults(ctx, &athena.GetQueryResultsInput{QueryExecutionId: started.QueryExecutionId})
	if err != nil || len(rows.ResultSet.Rows) < 2 {
		return nil
	}
	for _, d := range rows.ResultSet.Rows[1].Data {
		row = append(row, aws.ToString(d.VarCharValue))
	}
	return row
}

// listedIDs counts the ids in the objects of a listing in pages of so many; nil if the node
// is killed meanwhile. It reads Parquet by a library that neither writes it nor answers
// queries.
func listedIDs(ctx context.Context, t *testing.T, n *nodetest.Node, page int32) map[string]int {
	c := s3.NewFromConfig(n.AWS(), func(o *s3.Options) { o.UsePathStyle, o.RetryMaxAttempts = true, 1 })
	counts := make(map[string]int)
	pages := s3.NewListObjectsV2Paginator(c, &s3.ListObjectsV2Input{Bucket: aws.String(crashBucket), Prefix: aws.String("lake/"), MaxKeys: aws.Int32(page)})
	for pages.HasMorePages() {
		p, err := pages.NextPage(ctx)
		if err != nil {
			return nil
		}
		for _, o := range p.Contents {
			out, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(crashBucket), Key: o.Key})
			if err != nil {
				if ae := smithy.APIError(nil); errors.As(err, &ae) {
					t.Errorf("get %s, which was listed: %v", *o.Key, err)
				}
				return nil
			}
			data, err := io.ReadAll(out.Body)
			out.Body.Close()
			if err != nil {
				return nil
			}
			rows, err := parquet.Read[struct {
				ID string `parquet:"id,optional"`
			}](bytes.NewReader(data), int64(len(data)))
			if err != nil {
				t.Errorf("read %s: %v", *o.Key, err)
				return nil
			}
			for _, r := range rows {
				counts[r.ID]++
			}
		}
	}
	return counts
}
