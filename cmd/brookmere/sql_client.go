package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/athena"
	"github.com/aws/aws-sdk-go-v2/service/athena/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

// sqlClient runs statements over the Athena API.
type sqlClient struct {
	athena *athena.Client
	s3     *s3.Client
	sts    *sts.Client
	region string

	workgroup, database string
	location            string // of results; empty until it is found out
	located             bool
}

// newSQLClient makes the clients that SQL needs.
func newSQLClient(c *awsClient) *sqlClient {
	cfg := c.config()
	return &sqlClient{
		athena: athena.NewFromConfig(cfg),
		s3:     s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = c.endpoint != realAWS }),
		sts:    sts.NewFromConfig(cfg),
		region: c.region,
	}
}

// use takes tables from another database from now on, if there is such a one.
func (c *sqlClient) use(ctx context.Context, database string) error {
	_, err := c.athena.GetDatabase(ctx, &athena.GetDatabaseInput{CatalogName: aws.String("AwsDataCatalog"), DatabaseName: aws.String(database)})
	var missing *types.MetadataException
	if errors.As(err, &missing) {
		return fmt.Errorf("database %s does not exist", database)
	}
	if err != nil {
		return plainError(err)
	}
	c.database = database
	return nil
}

// sqlQuery is a statement that has succeeded.
type sqlQuery struct {
	execution types.QueryExecution
	columns   []types.ColumnInfo // nil: it has no rows to show
	page      *athena.GetQueryResultsOutput
	took      time.Duration // as seen from here
}

// timing says how long it took and what it read.
func (q *sqlQuery) timing() string {
	text := q.took.Round(time.Millisecond).String()
	if n := aws.ToInt64(q.execution.Statistics.DataScannedInBytes); n > 0 {
		text += ", " + bytesText(n) + " scanned"
	}
	return text
}

func (q *sqlQuery) outcome() string {
	text := "OK"
	if q.page != nil && q.execution.Statistics.DataManifestLocation != nil {
		text = plural(aws.ToInt64(q.page.UpdateCount), "row") + " written"
	}
	return text + " (" + q.timing() + ")"
}

func bytesText(n int64) string {
	f, unit := float64(n), 0
	for f >= 1000 && unit < 4 {
		f /= 1000
		unit++
	}
	if unit == 0 {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %cB", f, "kMGT"[unit-1])
}

// resultLocation is where results go: nowhere in particular where the workgroup says,
// otherwise a bucket that is made if need be.
func (c *sqlClient) resultLocation(ctx context.Context) (string, error) {
	if c.located || c.location != "" {
		return c.location, nil
	}
	wg, err := c.athena.GetWorkGroup(ctx, &athena.GetWorkGroupInput{WorkGroup: aws.String(c.workgroup)})
	if err != nil {
		return "", fmt.Errorf("workgroup %s: %w", c.workgroup, plainError(err))
	}
	if cfg := wg.WorkGroup.Configuration; cfg != nil {
		managed := cfg.ManagedQueryResultsConfiguration != nil && cfg.ManagedQueryResultsConfiguration.Enabled
		if managed || cfg.ResultConfiguration != nil && aws.ToString(cfg.ResultConfiguration.OutputLocation) != "" {
			c.located = true
			return "", nil
		}
	}
	id, err := c.sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return "", fmt.Errorf("find the account: %w", plainError(err))
	}
	bucket := "brookmere-athena-results-" + aws.ToString(id.Account) + "-" + c.region
	in := &s3.CreateBucketInput{Bucket: aws.String(bucket)}
	if c.region != "us-east-1" {
		in.CreateBucketConfiguration = &s3types.CreateBucketConfiguration{LocationConstraint: s3types.BucketLocationConstraint(c.region)}
	}
	if _, err := c.s3.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: aws.String(bucket)}); err != nil {
		var owned *s3types.BucketAlreadyOwnedByYou
		if _, err := c.s3.CreateBucket(ctx, in); err != nil && !errors.As(err, &owned) {
			return "", fmt.Errorf("create the bucket of results %s: %w (--output-location names another place)", bucket, plainError(err))
		}
	}
	c.location, c.located = "s3://"+bucket+"/", true
	return c.location, nil
}

// sqlError is a statement that failed, or was refused, in the service's words.
type sqlError struct{ text string }

func (e *sqlError) Error() string { return e.text }

// plainError leaves the SDK's wrapping off what a service said.
func plainError(err error) error {
	var api smithy.APIError
	if errors.As(err, &api) {
		return &sqlError{api.ErrorMessage()}
	}
	return err
}

// query runs a statement and waits until it has ended; where ctx ends first, the
// statement is stopped.
func (c *sqlClient) query(ctx context.Context, text string) (*sqlQuery, error) {
	start := time.Now()
	location, err := c.resultLocation(ctx)
	if err != nil {
		return nil, err
	}
	in := &athena.StartQueryExecutionInput{
		QueryString: aws.String(text), WorkGroup: aws.String(c.workgroup),
		QueryExecutionContext: &types.QueryExecutionContext{Database: aws.String(c.database)},
	}
	if location != "" {
		in.ResultConfiguration = &types.ResultConfiguration{OutputLocation: aws.String(location)}
	}
	out, err := c.athena.StartQueryExecution(ctx, in)
	if err != nil {
		return nil, plainError(err)
	}
	x, err := c.wait(ctx, out.QueryExecutionId)
	if err != nil {
		return nil, err
	}
	q := &sqlQuery{execution: *x, took: time.Since(start)}
	if q.page, err = c.athena.GetQueryResults(ctx, &athena.GetQueryResultsInput{QueryExecutionId: out.QueryExecutionId}); err != nil {
		return nil, plainError(err)
	}
	set := q.page.ResultSet
	if x.Statistics.DataManifestLocation == nil && set != nil && set.ResultSetMetadata != nil && len(set.ResultSetMetadata.ColumnInfo) > 0 {
		q.columns = set.ResultSetMetadata.ColumnInfo
	}
	return q, nil
}

// wait polls, at first quickly.
func (c *sqlClient) wait(ctx context.Context, id *string) (*types.QueryExecution, error) {
	pause := 2 * time.Millisecond
	for {
		out, err := c.athena.GetQueryExecution(ctx, &athena.GetQueryExecutionInput{QueryExecutionId: id})
		if err != nil && ctx.Err() == nil {
			return nil, plainError(err)
		}
		if err == nil {
			switch x := out.QueryExecution; x.Status.State {
			case types.QueryExecutionStateSucceeded:
				return x, nil
			case types.QueryExecutionStateFailed, types.QueryExecutionStateCancelled:
				return nil, &sqlError{aws.ToString(x.Status.StateChangeReason)}
			}
		}
		select {
		case <-time.After(pause):
			pause = min(pause*3/2, 250*time.Millisecond)
		case <-ctx.Done():
			stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			if _, err := c.athena.StopQueryExecution(stop, &athena.StopQueryExecutionInput{QueryExecutionId: id}); err != nil {
				return nil, fmt.Errorf("stop query %s: %w", *id, plainError(err))
			}
			return nil, &sqlError{"cancelled"}
		}
	}
}

// rows gives all rows to w, page by page.
func (c *sqlClient) rows(ctx context.Context, q *sqlQuery, w resultWriter) (n int64, err error) {
	if err := w.begin(q.columns); err != nil {
		return 0, err
	}
	page := q.page
	header := q.execution.StatementType == types.StatementTypeDml // then the first row is the names
	for {
		for _, r := range page.ResultSet.Rows {
			if header {
				header = false
				continue
			}
			if err := w.row(reportFields(r.Data, len(q.columns))); err != nil {
				return n, err
			}
			n++
		}
		if page.NextToken == nil {
			return n, w.end()
		}
		page, err = c.athena.GetQueryResults(ctx, &athena.GetQueryResultsInput{QueryExecutionId: q.execution.QueryExecutionId, NextToken: page.NextToken})
		if err != nil {
			return n, plainError(err)
		}
	}
}

// reportFields parts the one value of a line that DESCRIBE and its like answer with.
func reportFields(row []types.Datum, columns int) []types.Datum {
	if len(row) != 1 || columns < 2 {
		return row
	}
	out := make([]types.Datum, columns)
	for i, f := range strings.SplitN(aws.ToString(row[0].VarCharValue), "\t", columns) {
		out[i].VarCharValue = aws.String(strings.TrimRight(f, " "))
	}
	return out
}
