package athena

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/athena"
	"github.com/aws/aws-sdk-go-v2/service/athena/types"

	"github.com/brookmere/brookmere/internal/engine/state"
)

// CreateDataCatalog, GetDataCatalog, ListDataCatalogs, UpdateDataCatalog,
// DeleteDataCatalog.
//
// AwsDataCatalog is always there. Others are kept and described; statements and metadata
// calls that name them are refused, since no connector is run. Federated catalogs, which
// would make resources of other services, are refused.

const dataCatalog = "AwsDataCatalog"

type dataCatalogDoc struct {
	Name        string                `json:"name"`
	Type        types.DataCatalogType `json:"type"`
	Description *string               `json:"description,omitempty"`
	Parameters  map[string]string     `json:"parameters,omitempty"`
}

func (d *dataCatalogDoc) output() *types.DataCatalog {
	p := d.Parameters
	if p == nil {
		p = map[string]string{}
	}
	return &types.DataCatalog{
		Name: aws.String(d.Name), Type: d.Type, Description: d.Description, Parameters: p,
		Status: types.DataCatalogStatusCreateComplete,
	}
}

func ownCatalog(account string) *dataCatalogDoc {
	return &dataCatalogDoc{Name: dataCatalog, Type: types.DataCatalogTypeGlue, Parameters: map[string]string{"catalog-id": account}}
}

func catalogNotFound(name string) error {
	return invalidRequest("INVALID_INPUT", "Data catalog %s was not found", name)
}

// catalogParameters are those that a type of catalog must have: one of the lists.
var catalogParameters = map[types.DataCatalogType][][]string{
	types.DataCatalogTypeGlue:   {{"catalog-id"}},
	types.DataCatalogTypeHive:   {{"metadata-function"}},
	types.DataCatalogTypeLambda: {{"function"}, {"metadata-function", "record-function"}},
}

func (d *dataCatalogDoc) check() error {
	want, ok := catalogParameters[d.Type]
	if !ok {
		return invalidRequest("INVALID_INPUT", "Data catalogs of type %s are not supported.", d.Type)
	}
	for _, names := range want {
		if !slices.ContainsFunc(names, func(n string) bool { return d.Parameters[n] == "" }) {
			return nil
		}
	}
	return invalidRequest("INVALID_INPUT", "A data catalog of type %s needs the parameter %s.", d.Type, strings.Join(want[0], ", "))
}

// CreateDataCatalog keeps a catalog.
func (s *Service) CreateDataCatalog(ctx context.Context, in *athena.CreateDataCatalogInput, _ ...func(*athena.Options)) (*athena.CreateDataCatalogOutput, error) {
	sc := scopeOf(ctx)
	d := &dataCatalogDoc{Name: aws.ToString(in.Name), Type: in.Type, Description: in.Description, Parameters: in.Parameters}
	if err := d.check(); err != nil {
		return nil, err
	}
	if strings.EqualFold(d.Name, dataCatalog) {
		return nil, invalidRequest("INVALID_INPUT", "Data catalog %s already exists", d.Name)
	}
	err := s.catalogs.Create(ctx, d, sc.account, sc.region, strings.ToLower(d.Name))
	if errors.Is(err, state.ErrExists) {
		return nil, invalidRequest("INVALID_INPUT", "Data catalog %s already exists", d.Name)
	}
	if err != nil {
		return nil, err
	}
	if err := s.addTags(ctx, sc, sc.arn("datacatalog/"+d.Name), in.Tags); err != nil {
		return nil, err
	}
	return &athena.CreateDataCatalogOutput{DataCatalog: d.output()}, nil
}

func (s *Service) dataCatalog(sc scope, name string) (*dataCatalogDoc, error) {
	if strings.EqualFold(name, dataCatalog) {
		return ownCatalog(sc.account), nil
	}
	d, err := s.catalogs.Get(sc.account, sc.region, strings.ToLower(name))
	if errors.Is(err, state.ErrNotFound) {
		return nil, catalogNotFound(name)
	}
	return d, err
}

// GetDataCatalog describes a catalog.
func (s *Service) GetDataCatalog(ctx context.Context, in *athena.GetDataCatalogInput, _ ...func(*athena.Options)) (*athena.GetDataCatalogOutput, error) {
	d, err := s.dataCatalog(scopeOf(ctx), aws.ToString(in.Name))
	if err != nil {
		return nil, err
	}
	return &athena.GetDataCatalogOutput{DataCatalog: d.output()}, nil
}

// ListDataCatalogs lists catalogs by name, 50 a page.
func (s *Service) ListDataCatalogs(ctx context.Context, in *athena.ListDataCatalogsInput, _ ...func(*athena.Options)) (*athena.ListDataCatalogsOutput, error) {
	sc := scopeOf(ctx)
	all, err := s.catalogs.All(sc.account, sc.region)
	if err != nil {
		return nil, err
	}
	all = append(all, ownCatalog(sc.account))
	slices.SortFunc(all, func(a, b *dataCatalogDoc) int { return strings.Compare(a.Name, b.Name) })
	page, next, err := pageOf(all, func(d *dataCatalogDoc) string { return d.Name }, in.NextToken, in.MaxResults, 50)
	if err != nil {
		return nil, err
	}
	out := &athena.ListDataCatalogsOutput{NextToken: next, DataCatalogsSummary: []types.DataCatalogSummary{}}
	for _, d := range page {
		out.DataCatalogsSummary = append(out.DataCatalogsSummary, types.DataCatalogSummary{
			CatalogName: aws.String(d.Name), Type: d.Type, Status: types.DataCatalogStatusCreateComplete,
		})
	}
	return out, nil
}

// UpdateDataCatalog replaces type and parameters.
func (s *Service) UpdateDataCatalog(ctx context.Context, in *athena.UpdateDataCatalogInput, _ ...func(*athena.Options)) (*athena.UpdateDataCatalogOutput, error) {
	sc := scopeOf(ctx)
	name := aws.ToString(in.Name)
	if strings.EqualFold(name, dataCatalog) {
		return nil, invalidRequest("INVALID_INPUT", "Data catalog %s cannot be changed", name)
	}
	_, err := s.catalogs.Modify(ctx, func(d *dataCatalogDoc) error {
		d.Type, d.Parameters = in.Type, in.Parameters
		replace(&d.Description, in.Description)
		return d.check()
	}, sc.account, sc.region, strings.ToLower(name))
	if errors.Is(err, state.ErrNotFound) {
		return nil, catalogNotFound(name)
	}
	if err != nil {
		return nil, err
	}
	return &athena.UpdateDataCatalogOutput{}, nil
}

// DeleteDataCatalog forgets a catalog.
func (s *Service) DeleteDataCatalog(ctx context.Context, in *athena.DeleteDataCatalogInput, _ ...func(*athena.Options)) (*athena.DeleteDataCatalogOutput, error) {
	sc := scopeOf(ctx)
	name := aws.ToString(in.Name)
	if strings.EqualFold(name, dataCatalog) {
		return nil, invalidRequest("INVALID_INPUT", "Data catalog %s cannot be deleted", name)
	}
	d, err := s.dataCatalog(sc, name)
	if err != nil {
		return nil, err
	}
	if err := s.catalogs.Delete(ctx, sc.account, sc.region, strings.ToLower(name)); err != nil {
		if errors.Is(err, state.ErrNotFound) {
			return nil, catalogNotFound(name)
		}
		return nil, err
	}
	if err := s.deleteTags(ctx, sc, sc.arn("datacatalog/"+d.Name)); err != nil {
		return nil, err
	}
	return &athena.DeleteDataCatalogOutput{DataCatalog: d.output()}, nil
}
