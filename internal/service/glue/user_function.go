package glue

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/brookmere/brookmere/internal/engine/state"
)

// CreateUserDefinedFunction, GetUserDefinedFunction, GetUserDefinedFunctions,
// UpdateUserDefinedFunction, DeleteUserDefinedFunction.
//
// Functions are kept and read back; no query calls them. They go with their database.

type functionDoc struct {
	Name      string              `json:"name"`
	Class     *string             `json:"class,omitempty"`
	Type      types.FunctionType  `json:"type,omitempty"`
	OwnerName *string             `json:"ownerName,omitempty"`
	OwnerType types.PrincipalType `json:"ownerType,omitempty"`
	URIs      []types.ResourceUri `json:"uris,omitempty"`
	Created   time.Time           `json:"created"`
}

func (d *functionDoc) set(in *types.UserDefinedFunctionInput) {
	d.Class, d.OwnerName, d.OwnerType, d.URIs = in.ClassName, in.OwnerName, in.OwnerType, in.ResourceUris
	d.Type = in.FunctionType
}

func (d *functionDoc) output(sc scope, database string) types.UserDefinedFunction {
	out := types.UserDefinedFunction{
		CatalogId: aws.String(sc.account), DatabaseName: aws.String(database), FunctionName: aws.String(d.Name),
		ClassName: d.Class, FunctionType: d.Type, OwnerName: d.OwnerName, OwnerType: d.OwnerType,
		ResourceUris: d.URIs, CreateTime: aws.Time(d.Created),
	}
	if out.ResourceUris == nil {
		out.ResourceUris = []types.ResourceUri{}
	}
	return out
}

func functionNotFound(name string) error { return notFound("Function not found: %s", name) }

// CreateUserDefinedFunction keeps a function in a database.
func (s *Service) CreateUserDefinedFunction(ctx context.Context, in *glue.CreateUserDefinedFunctionInput, _ ...func(*glue.Options)) (*glue.CreateUserDefinedFunctionOutput, error) {
	sc, err := scopeOf(ctx, in.CatalogId)
	if err != nil {
		return nil, err
	}
	database, name := fold(in.DatabaseName), fold(in.FunctionInput.FunctionName)
	if name == "" {
		return nil, invalidInput("FunctionName must be given.")
	}
	d := &functionDoc{Name: name, Created: s.clock.Now().UTC()}
	d.set(in.FunctionInput)
	s.structure.RLock()
	defer s.structure.RUnlock()
	if _, err := s.database(sc, database); err != nil {
		return nil, err
	}
	err = s.functions.Create(ctx, d, sc.account, sc.region, database, name)
	if errors.Is(err, state.ErrExists) {
		return nil, alreadyExists("UserDefinedFunction already exists.")
	}
	if err != nil {
		return nil, err
	}
	return &glue.CreateUserDefinedFunctionOutput{}, nil
}

// GetUserDefinedFunction describes one function.
func (s *Service) GetUserDefinedFunction(ctx context.Context, in *glue.GetUserDefinedFunctionInput, _ ...func(*glue.Options)) (*glue.GetUserDefinedFunctionOutput, error) {
	sc, err := scopeOf(ctx, in.CatalogId)
	if err != nil {
		return nil, err
	}
	database, name := fold(in.DatabaseName), fold(in.FunctionName)
	if _, err := s.database(sc, database); err != nil {
		return nil, err
	}
	d, err := s.functions.Get(sc.account, sc.region, database, name)
	if errors.Is(err, state.ErrNotFound) {
		return nil, functionNotFound(name)
	}
	if err != nil {
		return nil, err
	}
	out := d.output(sc, database)
	return &glue.GetUserDefinedFunctionOutput{UserDefinedFunction: &out}, nil
}

// GetUserDefinedFunctions lists the functions of a database, or of all, whose names match
// Pattern, 100 a page.
func (s *Service) GetUserDefinedFunctions(ctx context.Context, in *glue.GetUserDefinedFunctionsInput, _ ...func(*glue.Options)) (*glue.GetUserDefinedFunctionsOutput, error) {
	sc, err := scopeOf(ctx, in.CatalogId)
	if err != nil {
		return nil, err
	}
	prefix := []string{sc.account, sc.region}
	if in.DatabaseName != nil {
		if _, err := s.database(sc, fold(in.DatabaseName)); err != nil {
			return nil, err
		}
		prefix = append(prefix, fold(in.DatabaseName))
	}
	match, err := tablePattern(aws.ToString(in.Pattern))
	if err != nil {
		return nil, err
	}
	var all []types.UserDefinedFunction
	for it, err := range s.functions.List(prefix...) {
		if err != nil {
			return nil, err
		}
		key, d := it.Key, it.Value
		if match(d.Name) && (in.FunctionType == "" || in.FunctionType == d.Type) {
			all = append(all, d.output(sc, key[2]))
		}
	}
	key := func(f types.UserDefinedFunction) string { return *f.DatabaseName + "\x00" + *f.FunctionName }
	sortBy(all, key)
	page, next, err := pageOf(all, key, in.NextToken, in.MaxResults, 100)
	if err != nil {
		return nil, err
	}
	if page == nil {
		page = []types.UserDefinedFunction{}
	}
	return &glue.GetUserDefinedFunctionsOutput{UserDefinedFunctions: page, NextToken: next}, nil
}

// UpdateUserDefinedFunction replaces a function; it cannot rename.
func (s *Service) UpdateUserDefinedFunction(ctx context.Context, in *glue.UpdateUserDefinedFunctionInput, _ ...func(*glue.Options)) (*glue.UpdateUserDefinedFunctionOutput, error) {
	sc, err := scopeOf(ctx, in.CatalogId)
	if err != nil {
		return nil, err
	}
	database, name := fold(in.DatabaseName), fold(in.FunctionName)
	if n := fold(in.FunctionInput.FunctionName); n != "" && n != name {
		return nil, invalidInput("Function name cannot be changed.")
	}
	s.structure.RLock()
	defer s.structure.RUnlock()
	if _, err := s.database(sc, database); err != nil {
		return nil, err
	}
	_, err = s.functions.Modify(ctx, func(d *functionDoc) error {
		d.set(in.FunctionInput)
		return nil
	}, sc.account, sc.region, database, name)
	if errors.Is(err, state.ErrNotFound) {
		return nil, functionNotFound(name)
	}
	if err != nil {
		return nil, err
	}
	return &glue.UpdateUserDefinedFunctionOutput{}, nil
}

// DeleteUserDefinedFunction forgets a function.
func (s *Service) DeleteUserDefinedFunction(ctx context.Context, in *glue.DeleteUserDefinedFunctionInput, _ ...func(*glue.Options)) (*glue.DeleteUserDefinedFunctionOutput, error) {
	sc, err := scopeOf(ctx, in.CatalogId)
	if err != nil {
		return nil, err
	}
	database, name := fold(in.DatabaseName), fold(in.FunctionName)
	if _, err := s.database(sc, database); err != nil {
		return nil, err
	}
	err = s.functions.Delete(ctx, sc.account, sc.region, database, name)
	if errors.Is(err, state.ErrNotFound) {
		return nil, functionNotFound(name)
	}
	if err != nil {
		return nil, err
	}
	return &glue.DeleteUserDefinedFunctionOutput{}, nil
}
