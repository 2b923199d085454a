package athena

import (
	"context"
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/athena"
	"github.com/aws/aws-sdk-go-v2/service/athena/types"
	"github.com/google/uuid"

	"github.com/brookmere/brookmere/internal/engine/state"
)

// CreateNamedQuery, GetNamedQuery, BatchGetNamedQuery, ListNamedQueries,
// UpdateNamedQuery, DeleteNamedQuery. A named query is text that is kept; nothing here
// runs it.

type namedQueryDoc struct {
	ID          string  `json:"id"`
	Name        string  `json:"name"`
	Description *string `json:"description,omitempty"`
	Database    string  `json:"database"`
	Query       string  `json:"query"`
	WorkGroup   string  `json:"workGroup"`
	Token       string  `json:"token,omitempty"`
}

func (d *namedQueryDoc) output() *types.NamedQuery {
	return &types.NamedQuery{
		NamedQueryId: aws.String(d.ID), Name: aws.String(d.Name), Description: d.Description,
		Database: aws.String(d.Database), QueryString: aws.String(d.Query), WorkGroup: aws.String(d.WorkGroup),
	}
}

func (s *Service) namedQuery(sc scope, id string) (*namedQueryDoc, error) {
	d, err := s.named.Get(sc.account, sc.region, id)
	if errors.Is(err, state.ErrNotFound) {
		return nil, namedQueryNotFound(id)
	}
	return d, err
}

func namedQueryNotFound(id string) error {
	return invalidRequest("NAMED_QUERY_NOT_FOUND", "NamedQuery %s does not exist", id)
}

// CreateNamedQuery keeps a query; the same ClientRequestToken gives the same one.
func (s *Service) CreateNamedQuery(ctx context.Context, in *athena.CreateNamedQueryInput, _ ...func(*athena.Options)) (*athena.CreateNamedQueryOutput, error) {
	sc := scopeOf(ctx)
	wg, err := s.workGroup(sc, aws.ToString(in.WorkGroup))
	if err != nil {
		return nil, err
	}
	d := &namedQueryDoc{
		ID: uuid.NewString(), Name: aws.ToString(in.Name), Description: in.Description, Database: aws.ToString(in.Database),
		Query: aws.ToString(in.QueryString), WorkGroup: wg.Name, Token: aws.ToString(in.ClientRequestToken),
	}
	if d.Token != "" {
		d.ID = uuid.NewSHA1(uuid.NameSpaceOID, []byte(sc.account+"/"+sc.region+"/"+d.Token)).String()
	}
	err = s.named.Create(ctx, d, sc.account, sc.region, d.ID)
	if errors.Is(err, state.ErrExists) {
		old, err := s.namedQuery(sc, d.ID)
		if err != nil {
			return nil, err
		}
		if old.Query != d.Query || old.Name != d.Name || old.Database != d.Database {
			return nil, invalidRequest("INVALID_INPUT", "Idempotent parameters do not match")
		}
	} else if err != nil {
		return nil, err
	}
	return &athena.CreateNamedQueryOutput{NamedQueryId: aws.String(d.ID)}, nil
}

// GetNamedQuery returns one named query.
func (s *Service) GetNamedQuery(ctx context.Context, in *athena.GetNamedQueryInput, _ ...func(*athena.Options)) (*athena.GetNamedQueryOutput, error) {
	d, err := s.namedQuery(scopeOf(ctx), aws.ToString(in.NamedQueryId))
	if err != nil {
		return nil, err
	}
	return &athena.GetNamedQueryOutput{NamedQuery: d.output()}, nil
}

// BatchGetNamedQuery returns those of up to 50 that exist and lists the others.
func (s *Service) BatchGetNamedQuery(ctx context.Context, in *athena.BatchGetNamedQueryInput, _ ...func(*athena.Options)) (*athena.BatchGetNamedQueryOutput, error) {
	out := &athena.BatchGetNamedQueryOutput{NamedQueries: []types.NamedQuery{}, UnprocessedNamedQueryIds: []types.UnprocessedNamedQueryId{}}
	for _, id := range in.NamedQueryIds {
		d, err := s.namedQuery(scopeOf(ctx), id)
		if err != nil {
			out.UnprocessedNamedQueryIds = append(out.UnprocessedNamedQueryIds, types.UnprocessedNamedQueryId{
				NamedQueryId: aws.String(id), ErrorCode: aws.String("INVALID_INPUT"), ErrorMessage: aws.String(message(err)),
			})
			continue
		}
		out.NamedQueries = append(out.NamedQueries, *d.output())
	}
	return out, nil
}

// ListNamedQueries lists the ids of a workgroup, 50 a page.
func (s *Service) ListNamedQueries(ctx context.Context, in *athena.ListNamedQueriesInput, _ ...func(*athena.Options)) (*athena.ListNamedQueriesOutput, error) {
	sc := scopeOf(ctx)
	wg, err := s.workGroup(sc, aws.ToString(in.WorkGroup))
	if err != nil {
		return nil, err
	}
	var ids []string
	all, err := s.named.All(sc.account, sc.region)
	if err != nil {
		return nil, err
	}
	for _, d := range all {
		if d.WorkGroup == wg.Name {
			ids = append(ids, d.ID)
		}
	}
	slices.Sort(ids)
	page, next, err := pageOf(ids, func(id string) string { return id }, in.NextToken, in.MaxResults, 50)
	if err != nil {
		return nil, err
	}
	return &athena.ListNamedQueriesOutput{NamedQueryIds: append([]string{}, page...), NextToken: next}, nil
}

// UpdateNamedQuery changes name, description and text.
func (s *Service) UpdateNamedQuery(ctx context.Context, in *athena.UpdateNamedQueryInput, _ ...func(*athena.Options)) (*athena.UpdateNamedQueryOutput, error) {
	sc := scopeOf(ctx)
	id := aws.ToString(in.NamedQueryId)
	_, err := s.named.Modify(ctx, func(d *namedQueryDoc) error {
		d.Name, d.Query = aws.ToString(in.Name), aws.ToString(in.QueryString)
		replace(&d.Description, in.Description)
		return nil
	}, sc.account, sc.region, id)
	if errors.Is(err, state.ErrNotFound) {
		return nil, namedQueryNotFound(id)
	}
	if err != nil {
		return nil, err
	}
	return &athena.UpdateNamedQueryOutput{}, nil
}

// DeleteNamedQuery deletes one named query.
func (s *Service) DeleteNamedQuery(ctx context.Context, in *athena.DeleteNamedQueryInput, _ ...func(*athena.Options)) (*athena.DeleteNamedQueryOutput, error) {
	sc := scopeOf(ctx)
	id := aws.ToString(in.NamedQueryId)
	err := s.named.Delete(ctx, sc.account, sc.region, id)
	if errors.Is(err, state.ErrNotFound) {
		return nil, namedQueryNotFound(id)
	}
	if err != nil {
		return nil, err
	}
	return &athena.DeleteNamedQueryOutput{}, nil
}
