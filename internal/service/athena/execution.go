package athena

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/athena"
	"github.com/aws/aws-sdk-go-v2/service/athena/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/uuid"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/sql"
)

// StartQueryExecution, GetQueryExecution, BatchGetQueryExecution, StopQueryExecution,
// ListQueryExecutions, GetQueryRuntimeStatistics.
//
// Text that does not parse is refused at once, as Athena does. The encryption and the ACL
// that are asked for are kept and shown, the object store decides what it does.

type executionDoc struct {
	ID         string   `json:"id"`
	Query      string   `json:"query"`
	Database   string   `json:"database,omitempty"`
	Catalog    string   `json:"catalog,omitempty"`
	WorkGroup  string   `json:"workGroup"`
	Parameters []string `json:"parameters,omitempty"`
	Token      string   `json:"token,omitempty"`
	Output     string   `json:"output"` // the result object
	Type       string   `json:"type"`   // DML, DDL, UTILITY
	Subtype    string   `json:"subtype,omitempty"`

	Encryption *types.EncryptionConfiguration `json:"encryption,omitempty"`
	ACL        *types.AclConfiguration        `json:"acl,omitempty"`
	Owner      *string                        `json:"owner,omitempty"` // that the bucket is expected to have

	Reuse    time.Duration `json:"reuse,omitempty"`    // how old a result may be that answers instead
	Reused   bool          `json:"reused,omitempty"`   // one did
	Manifest string        `json:"manifest,omitempty"` // lists the objects that were written

	Node  string `json:"node,omitempty"`  // the process that accepted it
	Epoch uint64 `json:"epoch,omitempty"` // of the lease that it had
	Stop  bool   `json:"stop,omitempty"`  // it is to be cancelled

	State     types.QueryExecutionState `json:"state"`
	Reason    string                    `json:"reason,omitempty"`
	Category  int32                     `json:"category,omitempty"` // of the error
	Submitted time.Time                 `json:"submitted"`
	Completed time.Time                 `json:"completed,omitzero"`
	Scanned   int64                     `json:"scanned,omitempty"`
	Rows      int64                     `json:"rows,omitempty"`
	Updated   int64                     `json:"updated,omitempty"`

	Queued   time.Duration `json:"queued,omitempty"`
	Planning time.Duration `json:"planning,omitempty"`
	Engine   time.Duration `json:"engine,omitempty"`
	Service  time.Duration `json:"service,omitempty"` // writing the result
}

func finished(state types.QueryExecutionState) bool {
	switch state {
	case types.QueryExecutionStateSucceeded, types.QueryExecutionStateFailed, types.QueryExecutionStateCancelled:
		return true
	}
	return false
}

// Categories of errors: the system, the user, other.
const (
	systemError int32 = 1
	userError   int32 = 2
)

func (d *executionDoc) output(now time.Time) types.QueryExecution {
	// Rounded up: what has happened has taken some time.
	millis := func(d time.Duration) *int64 { return aws.Int64((d + time.Millisecond - 1).Milliseconds()) }
	end := d.Completed
	if end.IsZero() {
		end = now
	}
	out := types.QueryExecution{
		QueryExecutionId: aws.String(d.ID),
		Query:            aws.String(d.Query),
		StatementType:    types.StatementType(d.Type),
		ResultConfiguration: &types.ResultConfiguration{
			OutputLocation: aws.String(d.Output), EncryptionConfiguration: d.Encryption, AclConfiguration: d.ACL, ExpectedBucketOwner: d.Owner,
		},
		ResultReuseConfiguration: &types.ResultReuseConfiguration{
			ResultReuseByAgeConfiguration: &types.ResultReuseByAgeConfiguration{Enabled: d.Reuse > 0},
		},
		QueryExecutionContext: &types.QueryExecutionContext{},
		Status: &types.QueryExecutionStatus{
			State: d.State, SubmissionDateTime: aws.Time(d.Submitted),
		},
		Statistics: &types.QueryExecutionStatistics{
			EngineExecutionTimeInMillis:      millis(d.Engine),
			DataScannedInBytes:               aws.Int64(d.Scanned),
			TotalExecutionTimeInMillis:       millis(end.Sub(d.Submitted)),
			QueryQueueTimeInMillis:           millis(d.Queued),
			QueryPlanningTimeInMillis:        millis(d.Planning),
			ServicePreProcessingTimeInMillis: aws.Int64(0),
			ServiceProcessingTimeInMillis:    millis(d.Service),
			ResultReuseInformation:           &types.ResultReuseInformation{ReusedPreviousResult: d.Reused},
		},
		WorkGroup:           aws.String(d.WorkGroup),
		EngineVersion:       &types.EngineVersion{SelectedEngineVersion: aws.String("AUTO"), EffectiveEngineVersion: aws.String(engineVersion)},
		ExecutionParameters: d.Parameters,
	}
	if d.Reuse > 0 {
		out.ResultReuseConfiguration.ResultReuseByAgeConfiguration.MaxAgeInMinutes = aws.Int32(int32(d.Reuse / time.Minute))
	}
	if d.Manifest != "" {
		out.Statistics.DataManifestLocation = aws.String(d.Manifest)
	}
	if d.Database != "" {
		out.QueryExecutionContext.Database = aws.String(d.Database)
	}
	if d.Catalog != "" {
		out.QueryExecutionContext.Catalog = aws.String(strings.ToLower(d.Catalog))
	}
	if d.Subtype != "" {
		out.SubstatementType = aws.String(d.Subtype)
	}
	if d.Reason != "" {
		out.Status.StateChangeReason = aws.String(d.Reason)
	}
	if !d.Completed.IsZero() {
		out.Status.CompletionDateTime = aws.Time(d.Completed)
	}
	if d.State == types.QueryExecutionStateFailed {
		out.Status.AthenaError = &types.AthenaError{
			ErrorCategory: aws.Int32(d.Category), ErrorType: aws.Int32(errorType(d.Category, d.Reason)),
			Retryable: false, ErrorMessage: aws.String(d.Reason),
		}
	}
	return out
}

// parse reads a statement; text that is none is Athena's error.
func parse(text string) (statement, error) {
	tree, err := sql.Parse(text)
	if err != nil {
		return statement{}, invalidRequest("MALFORMED_QUERY", "%s", err)
	}
	return classify(tree), nil
}

// checkBucket says whether results can be written to the bucket.
func (s *Service) checkBucket(ctx context.Context, bucket string) error {
	caller := via(ctx)
	key := caller.Account + "/" + caller.Principal + "/" + bucket
	if s.executions.bucketSeen(key, s.clock.Now()) {
		return nil
	}
	if _, err := s.objects.GetBucketLocation(awswire.WithCaller(ctx, caller), &s3.GetBucketLocationInput{Bucket: aws.String(bucket)}); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return invalidRequest("INVALID_INPUT", "Unable to verify/create output bucket %s", bucket)
	}
	s.executions.rememberBucket(key, s.clock.Now())
	return nil
}

// StartQueryExecution accepts a statement and runs it in the background.
func (s *Service) StartQueryExecution(ctx context.Context, in *athena.StartQueryExecutionInput, _ ...func(*athena.Options)) (*athena.StartQueryExecutionOutput, error) {
	sc := scopeOf(ctx)
	wg, err := s.workGroup(sc, aws.ToString(in.WorkGroup))
	if err != nil {
		return nil, err
	}
	if wg.State == types.WorkGroupStateDisabled {
		return nil, invalidRequest("", "WorkGroup %s is disabled.", wg.Name)
	}
	d := &executionDoc{
		ID: uuid.NewString(), Query: aws.ToString(in.QueryString), WorkGroup: wg.Name,
		Parameters: in.ExecutionParameters, Token: aws.ToString(in.ClientRequestToken),
		State: types.QueryExecutionStateQueued, Submitted: s.clock.Now().UTC(),
	}
	if d.Token != "" {
		d.ID = sc.tokenID(d.Token)
	}
	if c := in.QueryExecutionContext; c != nil {
		// Some clients quote it as in DDL.
		d.Database, d.Catalog = strings.Trim(strings.ToLower(aws.ToString(c.Database)), "`"), aws.ToString(c.Catalog)
	}
	if d.Catalog != "" && !strings.EqualFold(d.Catalog, dataCatalog) {
		return nil, invalidRequest("INVALID_INPUT", "Catalog %s was not found.", d.Catalog)
	}
	if strings.TrimSpace(d.Query) == "" {
		return nil, invalidRequest("MALFORMED_QUERY", "Query string must not be empty")
	}
	st, err := parse(d.Query)
	if err != nil {
		return nil, err
	}
	d.Type, d.Subtype = string(st.Type), st.Subtype
	if d.Subtype == "SELECT" || d.Subtype == "EXECUTE" {
		d.Reuse = reuseAge(in.ResultReuseConfiguration)
	}

	location := ""
	if rc := in.ResultConfiguration; rc != nil {
		location = aws.ToString(rc.OutputLocation)
		d.Encryption, d.ACL, d.Owner = rc.EncryptionConfiguration, rc.AclConfiguration, rc.ExpectedBucketOwner
	}
	enforced := false
	if rc := wg.Configuration.ResultConfiguration; rc != nil {
		if l := aws.ToString(rc.OutputLocation); l != "" {
			enforced = aws.ToBool(wg.Configuration.EnforceWorkGroupConfiguration)
			if location == "" || enforced {
				location = l
				d.Encryption, d.ACL, d.Owner = rc.EncryptionConfiguration, rc.AclConfiguration, rc.ExpectedBucketOwner
			}
		}
	}
	if location == "" {
		return nil, invalidRequest("INVALID_INPUT", "No output location provided. An output location is required either through the Workgroup result configuration setting or as an API input.")
	}
	bucket, _, err := splitLocation(location)
	if err != nil {
		return nil, err
	}
	d.Output = strings.TrimSuffix(location, "/") + "/" + d.ID + st.Extension
	if d.Subtype == "CREATE_TABLE_AS_SELECT" {
		d.Output = strings.TrimSuffix(location, "/") + "/tables/" + d.ID
		if enforced && st.external != "" {
			return nil, invalidRequest("INVALID_INPUT", "The Create Table As Select query failed because it was submitted with an 'external_location' property to an Athena Workgroup that enforces a centralized output location for all queries. Please remove the 'external_location' property and resubmit the query.")
		}
	}
	if err := s.checkBucket(ctx, bucket); err != nil {
		return nil, err
	}

	f := s.footprint(sc.lookup(ctx), sc, wg.Name, d.Database, st)
	id, err := s.executions.accept(ctx, sc, d, f, func(ctx context.Context, x *execution) { s.run(ctx, sc, wg, st, x) })
	if err != nil {
		return nil, err
	}
	return &athena.StartQueryExecutionOutput{QueryExecutionId: aws.String(id)}, nil
}

// GetQueryExecution describes one execution as it stands.
func (s *Service) GetQueryExecution(ctx context.Context, in *athena.GetQueryExecutionInput, _ ...func(*athena.Options)) (*athena.GetQueryExecutionOutput, error) {
	d, err := s.executions.get(scopeOf(ctx), aws.ToString(in.QueryExecutionId))
	if err != nil {
		return nil, err
	}
	out := d.output(s.clock.Now())
	return &athena.GetQueryExecutionOutput{QueryExecution: &out}, nil
}

// BatchGetQueryExecution describes those of up to 50 that exist and lists the others.
func (s *Service) BatchGetQueryExecution(ctx context.Context, in *athena.BatchGetQueryExecutionInput, _ ...func(*athena.Options)) (*athena.BatchGetQueryExecutionOutput, error) {
	out := &athena.BatchGetQueryExecutionOutput{QueryExecutions: []types.QueryExecution{}, UnprocessedQueryExecutionIds: []types.UnprocessedQueryExecutionId{}}
	for _, id := range in.QueryExecutionIds {
		d, err := s.executions.get(scopeOf(ctx), id)
		if err != nil {
			out.UnprocessedQueryExecutionIds = append(out.UnprocessedQueryExecutionIds, types.UnprocessedQueryExecutionId{
				QueryExecutionId: aws.String(id), ErrorCode: aws.String("QUERY_EXECUTION_NOT_FOUND"), ErrorMessage: aws.String(message(err)),
			})
			continue
		}
		out.QueryExecutions = append(out.QueryExecutions, d.output(s.clock.Now()))
	}
	return out, nil
}

// StopQueryExecution cancels an execution; one that has ended stays as it is.
func (s *Service) StopQueryExecution(ctx context.Context, in *athena.StopQueryExecutionInput, _ ...func(*athena.Options)) (*athena.StopQueryExecutionOutput, error) {
	if err := s.executions.stop(ctx, scopeOf(ctx), aws.ToString(in.QueryExecutionId)); err != nil {
		return nil, err
	}
	return &athena.StopQueryExecutionOutput{}, nil
}

// ListQueryExecutions lists the ids of a workgroup's executions, the newest first, 50 a
// page.
func (s *Service) ListQueryExecutions(ctx context.Context, in *athena.ListQueryExecutionsInput, _ ...func(*athena.Options)) (*athena.ListQueryExecutionsOutput, error) {
	sc := scopeOf(ctx)
	wg, err := s.workGroup(sc, aws.ToString(in.WorkGroup))
	if err != nil {
		return nil, err
	}
	all, err := s.executions.list(sc, wg.Name)
	if err != nil {
		return nil, err
	}
	page, next, err := pageOf(all, func(e historyEntry) string { return e.key }, in.NextToken, in.MaxResults, 50)
	if err != nil {
		return nil, err
	}
	out := &athena.ListQueryExecutionsOutput{NextToken: next, QueryExecutionIds: []string{}}
	for _, e := range page {
		out.QueryExecutionIds = append(out.QueryExecutionIds, e.id)
	}
	return out, nil
}

// GetQueryRuntimeStatistics gives the times and the numbers of rows and bytes; there are
// no stages.
func (s *Service) GetQueryRuntimeStatistics(ctx context.Context, in *athena.GetQueryRuntimeStatisticsInput, _ ...func(*athena.Options)) (*athena.GetQueryRuntimeStatisticsOutput, error) {
	d, err := s.executions.get(scopeOf(ctx), aws.ToString(in.QueryExecutionId))
	if err != nil {
		return nil, err
	}
	st := d.output(s.clock.Now()).Statistics
	return &athena.GetQueryRuntimeStatisticsOutput{QueryRuntimeStatistics: &types.QueryRuntimeStatistics{
		Timeline: &types.QueryRuntimeStatisticsTimeline{
			EngineExecutionTimeInMillis:      st.EngineExecutionTimeInMillis,
			QueryPlanningTimeInMillis:        st.QueryPlanningTimeInMillis,
			QueryQueueTimeInMillis:           st.QueryQueueTimeInMillis,
			ServicePreProcessingTimeInMillis: st.ServicePreProcessingTimeInMillis,
			ServiceProcessingTimeInMillis:    st.ServiceProcessingTimeInMillis,
			TotalExecutionTimeInMillis:       st.TotalExecutionTimeInMillis,
		},
		Rows: &types.QueryRuntimeStatisticsRows{InputBytes: aws.Int64(d.Scanned), OutputRows: aws.Int64(d.Rows)},
	}}, nil
}

// sortedKeys are the keys of m in order.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
