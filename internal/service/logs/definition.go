package logs

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	logs "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/google/uuid"

	"github.com/brookmere/brookmere/internal/awskit/page"
	"github.com/brookmere/brookmere/internal/awskit/scope"
)

// definitionDoc is a query that is kept.
type definitionDoc struct {
	ID       string   `json:"id"`
	Name     string   `json:"name"`
	Query    string   `json:"query"`
	Groups   []string `json:"groups,omitempty"`
	Language string   `json:"language"`
	Modified int64    `json:"modified"`
}

// PutQueryDefinition keeps a query, under a new id or in the place of one. Queries are not parsed here, as on AWS.
func (s *Service) PutQueryDefinition(ctx context.Context, in *logs.PutQueryDefinitionInput, _ ...func(*logs.Options)) (*logs.PutQueryDefinitionOutput, error) {
	if len(in.Parameters) > 0 {
		return nil, unsupported("A parameter of a query definition")
	}
	d := &definitionDoc{
		ID: cmp.Or(aws.ToString(in.QueryDefinitionId), uuid.NewString()), Name: aws.ToString(in.Name), Query: aws.ToString(in.QueryString), Groups: in.LogGroupNames,
		Language: cmp.Or(string(in.QueryLanguage), string(types.QueryLanguageCwli)), Modified: s.nowMillis(),
	}
	key := scope.Of(ctx).Key(d.ID)
	if in.QueryDefinitionId == nil {
		if err := s.definitions.Create(ctx, d, key...); err != nil {
			return nil, err
		}
	} else if _, err := s.definitions.Modify(ctx, func(was *definitionDoc) error { *was = *d; return nil }, key...); err != nil {
		return nil, err
	}
	return &logs.PutQueryDefinitionOutput{QueryDefinitionId: &d.ID}, nil
}

// DeleteQueryDefinition removes a query that was kept.
func (s *Service) DeleteQueryDefinition(ctx context.Context, in *logs.DeleteQueryDefinitionInput, _ ...func(*logs.Options)) (*logs.DeleteQueryDefinitionOutput, error) {
	if err := s.definitions.Delete(ctx, scope.Of(ctx).Key(aws.ToString(in.QueryDefinitionId))...); err != nil {
		return nil, err
	}
	return &logs.DeleteQueryDefinitionOutput{Success: true}, nil
}

// DescribeQueryDefinitions lists the queries that are kept.
func (s *Service) DescribeQueryDefinitions(ctx context.Context, in *logs.DescribeQueryDefinitionsInput, _ ...func(*logs.Options)) (*logs.DescribeQueryDefinitionsOutput, error) {
	all, err := s.definitions.All(scope.Of(ctx).Key()...)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(d *definitionDoc) bool {
		return !strings.HasPrefix(d.Name, aws.ToString(in.QueryDefinitionNamePrefix)) || in.QueryLanguage != "" && d.Language != string(in.QueryLanguage)
	})
	key := func(d *definitionDoc) string { return d.Name + "\x00" + d.ID }
	slices.SortFunc(all, func(a, b *definitionDoc) int { return strings.Compare(key(a), key(b)) })
	all, next, err := page.Of(all, key, page.Request{Token: in.NextToken, Max: in.MaxResults, Limit: 1000})
	if err != nil {
		return nil, badToken()
	}
	out := &logs.DescribeQueryDefinitionsOutput{QueryDefinitions: []types.QueryDefinition{}, NextToken: next}
	for _, d := range all {
		out.QueryDefinitions = append(out.QueryDefinitions, types.QueryDefinition{
			QueryDefinitionId: &d.ID, Name: &d.Name, QueryString: &d.Query, LogGroupNames: d.Groups, LastModified: &d.Modified, QueryLanguage: types.QueryLanguage(d.Language),
		})
	}
	return out, nil
}
