package athena

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/athena"
	"github.com/aws/aws-sdk-go-v2/service/athena/types"

	"github.com/brookmere/brookmere/internal/engine/state"
)

// CreatePreparedStatement, GetPreparedStatement, BatchGetPreparedStatement,
// ListPreparedStatements, UpdatePreparedStatement, DeletePreparedStatement. EXECUTE runs one, with the values of
// its USING clause or of ExecutionParameters.

type preparedDoc struct {
	Name        string    `json:"name"`
	Description *string   `json:"description,omitempty"`
	Query       string    `json:"query"`
	Modified    time.Time `json:"modified"`
}

func preparedNotFound(name, workgroup string) error {
	return &types.ResourceNotFoundException{
		Message:      aws.String("PreparedStatement " + name + " was not found in workGroup " + workgroup),
		ResourceName: aws.String(name),
	}
}

func (s *Service) preparedStatement(sc scope, workgroup, name string) (*preparedDoc, error) {
	d, err := s.prepared.Get(sc.account, sc.region, workgroup, name)
	if errors.Is(err, state.ErrNotFound) {
		return nil, preparedNotFound(name, workgroup)
	}
	return d, err
}

// CreatePreparedStatement keeps a statement in a workgroup.
func (s *Service) CreatePreparedStatement(ctx context.Context, in *athena.CreatePreparedStatementInput, _ ...func(*athena.Options)) (*athena.CreatePreparedStatementOutput, error) {
	sc := scopeOf(ctx)
	wg, err := s.workGroup(sc, aws.ToString(in.WorkGroup))
	if err != nil {
		return nil, err
	}
	d := &preparedDoc{Name: aws.ToString(in.StatementName), Description: in.Description, Query: aws.ToString(in.QueryStatement), Modified: s.clock.Now().UTC()}
	if _, err := parse(d.Query); err != nil {
		return nil, err
	}
	err = s.prepared.Create(ctx, d, sc.account, sc.region, wg.Name, d.Name)
	if errors.Is(err, state.ErrExists) {
		return nil, invalidRequest("", "PreparedStatement %s already exists in workGroup %s", d.Name, wg.Name)
	}
	if err != nil {
		return nil, err
	}
	return &athena.CreatePreparedStatementOutput{}, nil
}

// GetPreparedStatement returns one prepared statement.
func (s *Service) GetPreparedStatement(ctx context.Context, in *athena.GetPreparedStatementInput, _ ...func(*athena.Options)) (*athena.GetPreparedStatementOutput, error) {
	sc := scopeOf(ctx)
	wg, err := s.workGroup(sc, aws.ToString(in.WorkGroup))
	if err != nil {
		return nil, err
	}
	d, err := s.preparedStatement(sc, wg.Name, aws.ToString(in.StatementName))
	if err != nil {
		return nil, err
	}
	return &athena.GetPreparedStatementOutput{PreparedStatement: d.output(wg.Name)}, nil
}

func (d *preparedDoc) output(workgroup string) *types.PreparedStatement {
	return &types.PreparedStatement{
		StatementName: aws.String(d.Name), Description: d.Description, QueryStatement: aws.String(d.Query),
		WorkGroupName: aws.String(workgroup), LastModifiedTime: aws.Time(d.Modified),
	}
}

// BatchGetPreparedStatement returns those that exist of up to 256 and lists the others.
func (s *Service) BatchGetPreparedStatement(ctx context.Context, in *athena.BatchGetPreparedStatementInput, _ ...func(*athena.Options)) (*athena.BatchGetPreparedStatementOutput, error) {
	sc := scopeOf(ctx)
	wg, err := s.workGroup(sc, aws.ToString(in.WorkGroup))
	if err != nil {
		return nil, err
	}
	if len(in.PreparedStatementNames) > 256 {
		return nil, invalidRequest("INVALID_INPUT", "At most 256 prepared statements can be asked for at once.")
	}
	out := &athena.BatchGetPreparedStatementOutput{PreparedStatements: []types.PreparedStatement{}, UnprocessedPreparedStatementNames: []types.UnprocessedPreparedStatementName{}}
	for _, name := range in.PreparedStatementNames {
		d, err := s.preparedStatement(sc, wg.Name, name)
		if err != nil {
			out.UnprocessedPreparedStatementNames = append(out.UnprocessedPreparedStatementNames, types.UnprocessedPreparedStatementName{
				StatementName: aws.String(name), ErrorCode: aws.String("STATEMENT_NOT_FOUND"), ErrorMessage: aws.String(message(err)),
			})
			continue
		}
		out.PreparedStatements = append(out.PreparedStatements, *d.output(wg.Name))
	}
	return out, nil
}

// ListPreparedStatements lists the statements of a workgroup, 50 a page.
func (s *Service) ListPreparedStatements(ctx context.Context, in *athena.ListPreparedStatementsInput, _ ...func(*athena.Options)) (*athena.ListPreparedStatementsOutput, error) {
	sc := scopeOf(ctx)
	wg, err := s.workGroup(sc, aws.ToString(in.WorkGroup))
	if err != nil {
		return nil, err
	}
	all, err := s.prepared.All(sc.account, sc.region, wg.Name)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b *preparedDoc) int { return strings.Compare(a.Name, b.Name) })
	page, next, err := pageOf(all, func(d *preparedDoc) string { return d.Name }, in.NextToken, in.MaxResults, 50)
	if err != nil {
		return nil, err
	}
	out := &athena.ListPreparedStatementsOutput{NextToken: next, PreparedStatements: []types.PreparedStatementSummary{}}
	for _, d := range page {
		out.PreparedStatements = append(out.PreparedStatements, types.PreparedStatementSummary{StatementName: aws.String(d.Name), LastModifiedTime: aws.Time(d.Modified)})
	}
	return out, nil
}

// UpdatePreparedStatement changes text and description.
func (s *Service) UpdatePreparedStatement(ctx context.Context, in *athena.UpdatePreparedStatementInput, _ ...func(*athena.Options)) (*athena.UpdatePreparedStatementOutput, error) {
	sc := scopeOf(ctx)
	wg, err := s.workGroup(sc, aws.ToString(in.WorkGroup))
	if err != nil {
		return nil, err
	}
	if _, err := parse(aws.ToString(in.QueryStatement)); err != nil {
		return nil, err
	}
	name := aws.ToString(in.StatementName)
	_, err = s.prepared.Modify(ctx, func(d *preparedDoc) error {
		d.Query, d.Modified = aws.ToString(in.QueryStatement), s.clock.Now().UTC()
		replace(&d.Description, in.Description)
		return nil
	}, sc.account, sc.region, wg.Name, name)
	if errors.Is(err, state.ErrNotFound) {
		return nil, preparedNotFound(name, wg.Name)
	}
	if err != nil {
		return nil, err
	}
	return &athena.UpdatePreparedStatementOutput{}, nil
}

// DeletePreparedStatement deletes one prepared statement.
func (s *Service) DeletePreparedStatement(ctx context.Context, in *athena.DeletePreparedStatementInput, _ ...func(*athena.Options)) (*athena.DeletePreparedStatementOutput, error) {
	sc := scopeOf(ctx)
	wg, err := s.workGroup(sc, aws.ToString(in.WorkGroup))
	if err != nil {
		return nil, err
	}
	name := aws.ToString(in.StatementName)
	err = s.prepared.Delete(ctx, sc.account, sc.region, wg.Name, name)
	if errors.Is(err, state.ErrNotFound) {
		return nil, preparedNotFound(name, wg.Name)
	}
	if err != nil {
		return nil, err
	}
	return &athena.DeletePreparedStatementOutput{}, nil
}
