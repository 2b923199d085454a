package dynamodb

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	pages "github.com/brookmere/brookmere/internal/awskit/page"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/policy"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// This file: resource policies, by which calls of tables (their indexes with them) and of streams are decided, and
// contributor insights, which are stored.

// maxPolicy is the limit of a resource policy in bytes, blanks included.
const maxPolicy = 20 << 10

func newRevision(now time.Time) string { return strconv.FormatInt(now.UnixMilli(), 10) }

func noPolicy(resource *string) error {
	return &types.PolicyNotFoundException{Message: aws.String("Resource-based policy not found for the provided ResourceArn: " + aws.ToString(resource))}
}

// policyOf is where a table keeps the policy of itself or of one of its streams, and its revision, by what follows
// "table/" in an ARN.
func (d *table) policyOf(rest string) (text, revision *string, ok bool) {
	name, label, of := strings.Cut(rest, "/stream/")
	switch {
	case name != d.Name:
		return nil, nil, false
	case !of:
		return &d.Policy, &d.PolicyRev, true
	}
	st := d.stream(label)
	if st == nil {
		return nil, nil, false
	}
	return &st.Policy, &st.PolicyRev, true
}

// policed is the table of a call about the policy of an ARN, and what follows "table/" in it.
func (s *Service) policed(ctx context.Context, action string, resource *string) (d *table, rest string, err error) {
	if d, err = s.arnOwner(ctx, action, resource); err != nil {
		return nil, "", err
	}
	a, _ := arn.Parse(*resource)
	rest, _ = a.After("table/")
	if _, _, ok := d.policyOf(rest); !ok {
		return nil, "", noStream(*resource)
	}
	return d, rest, nil
}

// ResourcePolicy returns the policy of a table, which is that of its indexes, or of a stream.
func (s *Service) ResourcePolicy(_ context.Context, resource string) (document, owner string, err error) {
	a, ok := arn.Parse(resource)
	rest, of := a.After("table/")
	if !ok || !of {
		return "", "", nil
	}
	name, _, _ := strings.Cut(rest, "/")
	d, err := s.tables.Get(a.Account, a.Region, name)
	if errors.Is(err, state.ErrNotFound) {
		return "", "", nil
	}
	if err != nil {
		return "", "", err
	}
	if table, _, indexed := strings.Cut(rest, "/index/"); indexed {
		rest = table
	}
	text, _, ok := d.policyOf(rest)
	if !ok {
		return "", d.Account, nil
	}
	return *text, d.Account, nil
}

// PutResourcePolicy sets the policy of a table or a stream.
func (s *Service) PutResourcePolicy(ctx context.Context, in *dynamodb.PutResourcePolicyInput, _ ...func(*dynamodb.Options)) (*dynamodb.PutResourcePolicyOutput, error) {
	d, rest, err := s.policed(ctx, "PutResourcePolicy", in.ResourceArn)
	if err != nil {
		return nil, err
	}
	want := aws.ToString(in.Policy)
	if err := checkPolicy(want); err != nil {
		return nil, err
	}
	out := &dynamodb.PutResourcePolicyOutput{}
	_, err = s.modify(ctx, d, func(d *table) error {
		text, revision, ok := d.policyOf(rest)
		if !ok {
			return noStream(*in.ResourceArn)
		}
		if of := aws.ToString(in.ExpectedRevisionId); of == "NO_POLICY" && *text != "" || of != "" && of != "NO_POLICY" && of != *revision {
			return noPolicy(in.ResourceArn)
		}
		if *text != want { // the same text keeps its revision
			*text, *revision = want, newRevision(s.now())
		}
		out.RevisionId = aws.String(*revision)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// checkPolicy checks the text of a policy of a table.
func checkPolicy(text string) error {
	if len(text) > maxPolicy {
		return invalidValue("Maximum policy size of %d bytes exceeded", maxPolicy)
	}
	if _, err := policy.Parse(text, policy.Resource); err != nil {
		return invalidValue("Invalid policy document: %s", cmp.Or(wrongPolicy(text), err.Error()))
	}
	return nil
}

// wrongPolicy is what DynamoDB says of a text that is not a policy at first sight, "" for others.
func wrongPolicy(text string) string {
	var form any
	if json.Unmarshal([]byte(text), &form) != nil {
		return "This policy contains invalid Json"
	}
	doc, is := form.(map[string]any)
	if form == nil {
		return "This text appears not to be a policy"
	} else if !is {
		return "This policy contains invalid Json"
	}
	if len(doc) == 0 {
		return "Syntax error at position (1," + strconv.Itoa(len(text)+1) + ")"
	}
	statements, list := doc["Statement"].([]any)
	if list && len(statements) == 0 {
		return "Could not parse the policy: Statement is empty!"
	}
	for _, st := range statements {
		if m, is := st.(map[string]any); is && m["Effect"] == nil {
			return "Missing required field Effect"
		}
	}
	return ""
}

// GetResourcePolicy returns the policy of a table or a stream.
func (s *Service) GetResourcePolicy(ctx context.Context, in *dynamodb.GetResourcePolicyInput, _ ...func(*dynamodb.Options)) (*dynamodb.GetResourcePolicyOutput, error) {
	d, rest, err := s.policed(ctx, "GetResourcePolicy", in.ResourceArn)
	if err != nil {
		return nil, err
	}
	text, revision, _ := d.policyOf(rest)
	if *text == "" {
		return nil, noPolicy(in.ResourceArn)
	}
	return &dynamodb.GetResourcePolicyOutput{Policy: aws.String(*text), RevisionId: aws.String(*revision)}, nil
}

// DeleteResourcePolicy removes the policy of a table or a stream.
func (s *Service) DeleteResourcePolicy(ctx context.Context, in *dynamodb.DeleteResourcePolicyInput, _ ...func(*dynamodb.Options)) (*dynamodb.DeleteResourcePolicyOutput, error) {
	d, rest, err := s.policed(ctx, "DeleteResourcePolicy", in.ResourceArn)
	if err != nil {
		return nil, err
	}
	out := &dynamodb.DeleteResourcePolicyOutput{}
	_, err = s.modify(ctx, d, func(d *table) error {
		text, revision, ok := d.policyOf(rest)
		if !ok {
			return noStream(*in.ResourceArn)
		}
		if of := aws.ToString(in.ExpectedRevisionId); of != "" && of != *revision {
			return noPolicy(in.ResourceArn)
		}
		out.RevisionId = nil
		if *text != "" {
			out.RevisionId = aws.String(*revision)
		}
		*text, *revision = "", ""
		return nil
	})
	return out, err
}

// checkInsights refuses an index that the table does not have.
func (d *table) checkInsights(index string) error {
	if index != "" && d.index(index) == nil {
		return &types.ResourceNotFoundException{Message: aws.String("Requested resource not found: Index: " + index + " not found for table: " + d.Name)}
	}
	return nil
}

// insightRules are the names of the rules by which AWS counts keys: accessed ones (C) and throttled ones (T),
// of partition keys (PK), and of both keys (SK) where there are two.
func (d *table) insightRules(index string, x insights) (rules []string) {
	of, sorted := d.Name, d.Range != ""
	if index != "" {
		of, sorted = of+"-"+index, d.index(index).Range != ""
	}
	add := func(key string) {
		if types.ContributorInsightsMode(x.Mode) != types.ContributorInsightsModeThrottledKeys {
			rules = append(rules, "DynamoDBContributorInsights-"+key+"C-"+of+"-"+newRevision(x.At))
		}
		rules = append(rules, "DynamoDBContributorInsights-"+key+"T-"+of+"-"+newRevision(x.At))
	}
	add("PK")
	if sorted {
		add("SK")
	}
	return rules
}

// UpdateContributorInsights turns contributor insights on or off.
func (s *Service) UpdateContributorInsights(ctx context.Context, in *dynamodb.UpdateContributorInsightsInput, _ ...func(*dynamodb.Options)) (*dynamodb.UpdateContributorInsightsOutput, error) {
	d, err := s.tableNamed(ctx, in.TableName)
	if err != nil {
		return nil, err
	}
	name := aws.ToString(in.IndexName)
	status := types.ContributorInsightsStatusEnabled
	shown := types.ContributorInsightsStatusEnabling
	if in.ContributorInsightsAction == types.ContributorInsightsActionDisable {
		status, shown = types.ContributorInsightsStatusDisabled, types.ContributorInsightsStatusDisabling
	}
	mode := in.ContributorInsightsMode
	_, err = s.modify(ctx, d, func(d *table) error {
		if err := d.checkInsights(name); err != nil {
			return err
		}
		if mode == "" {
			mode = types.ContributorInsightsModeAccessedAndThrottledKeys
			if had := d.Insights[name].Mode; had != "" && status == types.ContributorInsightsStatusDisabled {
				mode = types.ContributorInsightsMode(had)
			}
		}
		if had, ok := d.Insights[name]; !ok && status == types.ContributorInsightsStatusDisabled {
			shown, mode = status, ""
			return nil
		} else if ok && had.Status == string(status) && had.Mode == string(mode) {
			shown = status // nothing changes
			return nil
		}
		if d.Insights == nil {
			d.Insights = map[string]insights{}
		}
		d.Insights[name] = insights{Status: string(status), Mode: string(mode), At: s.now()}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &dynamodb.UpdateContributorInsightsOutput{TableName: aws.String(d.Name), IndexName: in.IndexName, ContributorInsightsStatus: shown, ContributorInsightsMode: mode}, nil
}

// DescribeContributorInsights reports whether contributor insights are on.
func (s *Service) DescribeContributorInsights(ctx context.Context, in *dynamodb.DescribeContributorInsightsInput, _ ...func(*dynamodb.Options)) (*dynamodb.DescribeContributorInsightsOutput, error) {
	d, err := s.tableNamed(ctx, in.TableName)
	if err != nil {
		return nil, err
	}
	if err := d.checkInsights(aws.ToString(in.IndexName)); err != nil {
		return nil, err
	}
	out := &dynamodb.DescribeContributorInsightsOutput{TableName: aws.String(d.Name), IndexName: in.IndexName, ContributorInsightsStatus: types.ContributorInsightsStatusDisabled}
	if x, ok := d.Insights[aws.ToString(in.IndexName)]; ok {
		out.ContributorInsightsStatus, out.LastUpdateDateTime, out.ContributorInsightsMode = types.ContributorInsightsStatus(x.Status), aws.Time(x.At), types.ContributorInsightsMode(x.Mode)
		if out.ContributorInsightsStatus == types.ContributorInsightsStatusEnabled {
			out.ContributorInsightsRuleList = d.insightRules(aws.ToString(in.IndexName), x)
		}
	}
	return out, nil
}

// ListContributorInsights lists the tables and indexes that have had contributor insights.
func (s *Service) ListContributorInsights(ctx context.Context, in *dynamodb.ListContributorInsightsInput, _ ...func(*dynamodb.Options)) (*dynamodb.ListContributorInsightsOutput, error) {
	caller := awswire.CallerFrom(ctx)
	if in.TableName != nil {
		if _, err := s.tableNamed(ctx, in.TableName); err != nil {
			return nil, err
		}
	}
	var all []types.ContributorInsightsSummary
	for it, err := range s.tables.List(caller.Account, caller.Region) {
		if err != nil {
			return nil, err
		}
		d := it.Value
		if name := aws.ToString(in.TableName); name != "" && name != d.Name && name != d.arn() {
			continue
		}
		for _, name := range sortedKeys(d.Insights) {
			set := d.Insights[name]
			if set.Status == string(types.ContributorInsightsStatusDisabled) {
				continue
			}
			all = append(all, types.ContributorInsightsSummary{TableName: aws.String(d.Name), IndexName: given(name),
				ContributorInsightsStatus: types.ContributorInsightsStatus(set.Status), ContributorInsightsMode: types.ContributorInsightsMode(set.Mode)})
		}
	}
	key := func(x types.ContributorInsightsSummary) string {
		return aws.ToString(x.TableName) + "\x00" + aws.ToString(x.IndexName)
	}
	slices.SortFunc(all, func(a, b types.ContributorInsightsSummary) int { return strings.Compare(key(a), key(b)) })
	summaries, next, err := pages.Of(all, key, pages.Request{Token: in.NextToken, Max: &in.MaxResults, Limit: 100})
	if err != nil {
		return nil, invalid("Invalid NextToken")
	}
	if summaries == nil {
		summaries = []types.ContributorInsightsSummary{}
	}
	return &dynamodb.ListContributorInsightsOutput{ContributorInsightsSummaries: summaries, NextToken: next}, nil
}
