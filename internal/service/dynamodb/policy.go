package dynamodb

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/brookmere/brookmere/internal/awswire"
)

// This file: resource policies and contributor insights, which are stored.

func newRevision(now time.Time) string { return strconv.FormatInt(now.UnixMilli(), 10) }

func noPolicy(resource *string) error {
	return &types.PolicyNotFoundException{Message: aws.String("Resource-based policy not found for the provided ResourceArn: " + aws.ToString(resource))}
}

// PutResourcePolicy sets the policy of a table.
func (s *Service) PutResourcePolicy(ctx context.Context, in *dynamodb.PutResourcePolicyInput, _ ...func(*dynamodb.Options)) (*dynamodb.PutResourcePolicyOutput, error) {
	d, err := s.arnOwner(ctx, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	text := aws.ToString(in.Policy)
	if !json.Valid([]byte(text)) || len(text) > 20<<10 {
		return nil, invalid("Invalid policy document: the policy is not JSON of at most 20 KB")
	}
	d, err = s.modify(ctx, d, func(d *table) error {
		if want := aws.ToString(in.ExpectedRevisionId); want == "NO_POLICY" && d.Policy != "" || want != "" && want != "NO_POLICY" && want != d.PolicyRev {
			return noPolicy(in.ResourceArn)
		}
		d.Policy, d.PolicyRev = text, newRevision(s.now())
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &dynamodb.PutResourcePolicyOutput{RevisionId: aws.String(d.PolicyRev)}, nil
}

// GetResourcePolicy returns the policy of a table.
func (s *Service) GetResourcePolicy(ctx context.Context, in *dynamodb.GetResourcePolicyInput, _ ...func(*dynamodb.Options)) (*dynamodb.GetResourcePolicyOutput, error) {
	d, err := s.arnOwner(ctx, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	if d.Policy == "" {
		return nil, noPolicy(in.ResourceArn)
	}
	return &dynamodb.GetResourcePolicyOutput{Policy: aws.String(d.Policy), RevisionId: aws.String(d.PolicyRev)}, nil
}

// DeleteResourcePolicy removes the policy of a table.
func (s *Service) DeleteResourcePolicy(ctx context.Context, in *dynamodb.DeleteResourcePolicyInput, _ ...func(*dynamodb.Options)) (*dynamodb.DeleteResourcePolicyOutput, error) {
	d, err := s.arnOwner(ctx, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	out := &dynamodb.DeleteResourcePolicyOutput{}
	_, err = s.modify(ctx, d, func(d *table) error {
		if want := aws.ToString(in.ExpectedRevisionId); want != "" && want != d.PolicyRev {
			return noPolicy(in.ResourceArn)
		}
		if d.Policy != "" {
			out.RevisionId = aws.String(d.PolicyRev)
		}
		d.Policy, d.PolicyRev = "", ""
		return nil
	})
	return out, err
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
	_, err = s.modify(ctx, d, func(d *table) error {
		if name != "" && d.index(name) == nil {
			return &types.ResourceNotFoundException{Message: aws.String("Requested resource not found: Index: " + name + " not found")}
		}
		if d.Insights == nil {
			d.Insights = map[string]insights{}
		}
		d.Insights[name] = insights{Status: string(status), Mode: string(in.ContributorInsightsMode), At: s.now()}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &dynamodb.UpdateContributorInsightsOutput{TableName: aws.String(d.Name), IndexName: in.IndexName, ContributorInsightsStatus: shown, ContributorInsightsMode: in.ContributorInsightsMode}, nil
}

// DescribeContributorInsights tells whether contributor insights are on.
func (s *Service) DescribeContributorInsights(ctx context.Context, in *dynamodb.DescribeContributorInsightsInput, _ ...func(*dynamodb.Options)) (*dynamodb.DescribeContributorInsightsOutput, error) {
	d, err := s.tableNamed(ctx, in.TableName)
	if err != nil {
		return nil, err
	}
	out := &dynamodb.DescribeContributorInsightsOutput{TableName: aws.String(d.Name), IndexName: in.IndexName, ContributorInsightsStatus: types.ContributorInsightsStatusDisabled}
	if x, ok := d.Insights[aws.ToString(in.IndexName)]; ok {
		out.ContributorInsightsStatus, out.LastUpdateDateTime, out.ContributorInsightsMode = types.ContributorInsightsStatus(x.Status), aws.Time(x.At), types.ContributorInsightsMode(x.Mode)
	}
	return out, nil
}

// ListContributorInsights lists the tables and indexes that have had contributor insights.
func (s *Service) ListContributorInsights(ctx context.Context, in *dynamodb.ListContributorInsightsInput, _ ...func(*dynamodb.Options)) (*dynamodb.ListContributorInsightsOutput, error) {
	caller := awswire.CallerFrom(ctx)
	out := &dynamodb.ListContributorInsightsOutput{ContributorInsightsSummaries: []types.ContributorInsightsSummary{}}
	for it, err := range s.tables.List(caller.Account, caller.Region) {
		if err != nil {
			return nil, err
		}
		d := it.Value
		if name := aws.ToString(in.TableName); name != "" && name != d.Name && name != d.arn() {
			continue
		}
		for _, name := range sortedKeys(d.Insights) {
			x := types.ContributorInsightsSummary{TableName: aws.String(d.Name), ContributorInsightsStatus: types.ContributorInsightsStatus(d.Insights[name].Status)}
			if name != "" {
				x.IndexName = aws.String(name)
			}
			out.ContributorInsightsSummaries = append(out.ContributorInsightsSummaries, x)
		}
	}
	return out, nil
}
