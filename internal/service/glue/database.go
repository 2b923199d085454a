package glue

import (
	"context"
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/brookmere/brookmere/internal/engine/state"
)

// CreateDatabase, GetDatabase, GetDatabases, UpdateDatabase, DeleteDatabase.
//
// A database goes with its tables, their versions and partitions. Resource links and
// federated databases are kept and read back; nothing follows them.

// CreateDatabase makes an empty database.
func (s *Service) CreateDatabase(ctx context.Context, in *glue.CreateDatabaseInput, _ ...func(*glue.Options)) (*glue.CreateDatabaseOutput, error) {
	sc, err := scopeOf(ctx, in.CatalogId)
	if err != nil {
		return nil, err
	}
	d := &databaseDoc{Name: fold(in.DatabaseInput.Name), Created: s.clock.Now().UTC()}
	d.set(in.DatabaseInput)
	s.structure.RLock()
	defer s.structure.RUnlock()
	err = s.databases.Create(ctx, d, sc.account, sc.region, d.Name)
	if errors.Is(err, state.ErrExists) {
		return nil, alreadyExists("Database already exists.")
	}
	if err != nil {
		return nil, err
	}
	if len(in.Tags) > 0 {
		if err := s.addTags(ctx, sc, sc.arn("database/"+d.Name), in.Tags); err != nil {
			return nil, err
		}
	}
	return &glue.CreateDatabaseOutput{}, nil
}

// database returns the database's document.
func (s *Service) database(sc scope, name string) (*databaseDoc, error) {
	d, err := s.databases.Get(sc.account, sc.region, name)
	if errors.Is(err, state.ErrNotFound) {
		return nil, notFound("Database %s not found.", name)
	}
	return d, err
}

// GetDatabase describes one database.
func (s *Service) GetDatabase(ctx context.Context, in *glue.GetDatabaseInput, _ ...func(*glue.Options)) (*glue.GetDatabaseOutput, error) {
	sc, err := scopeOf(ctx, in.CatalogId)
	if err != nil {
		return nil, err
	}
	d, err := s.database(sc, fold(in.Name))
	if err != nil {
		return nil, err
	}
	out := d.output(sc)
	return &glue.GetDatabaseOutput{Database: &out}, nil
}

// GetDatabases lists databases by name, 100 a page.
func (s *Service) GetDatabases(ctx context.Context, in *glue.GetDatabasesInput, _ ...func(*glue.Options)) (*glue.GetDatabasesOutput, error) {
	sc, err := scopeOf(ctx, in.CatalogId)
	if err != nil {
		return nil, err
	}
	all, err := s.databases.All(sc.account, sc.region)
	if err != nil {
		return nil, err
	}
	sortBy(all, func(d *databaseDoc) string { return d.Name })
	page, next, err := pageOf(all, func(d *databaseDoc) string { return d.Name }, in.NextToken, in.MaxResults, 100)
	if err != nil {
		return nil, err
	}
	out := &glue.GetDatabasesOutput{NextToken: next, DatabaseList: make([]types.Database, len(page))}
	for i, d := range page {
		out.DatabaseList[i] = d.output(sc)
		if len(in.AttributesToGet) > 0 {
			full := out.DatabaseList[i]
			out.DatabaseList[i] = types.Database{Name: full.Name, CatalogId: full.CatalogId}
			if slices.Contains(in.AttributesToGet, types.DatabaseAttributesTargetDatabase) {
				out.DatabaseList[i].TargetDatabase = full.TargetDatabase
			}
		}
	}
	return out, nil
}

// UpdateDatabase replaces what the database was created with. It cannot rename.
func (s *Service) UpdateDatabase(ctx context.Context, in *glue.UpdateDatabaseInput, _ ...func(*glue.Options)) (*glue.UpdateDatabaseOutput, error) {
	sc, err := scopeOf(ctx, in.CatalogId)
	if err != nil {
		return nil, err
	}
	name := fold(in.Name)
	if fold(in.DatabaseInput.Name) != name {
		return nil, invalidInput("Database name cannot be changed.")
	}
	s.structure.RLock()
	defer s.structure.RUnlock()
	_, err = s.databases.Modify(ctx, func(d *databaseDoc) error {
		d.set(in.DatabaseInput)
		return nil
	}, sc.account, sc.region, name)
	if errors.Is(err, state.ErrNotFound) {
		return nil, notFound("Database %s not found.", name)
	}
	if err != nil {
		return nil, err
	}
	return &glue.UpdateDatabaseOutput{}, nil
}

// DeleteDatabase deletes the database and all that is in it. The database goes last, so
// that a crash on the way leaves something that can be deleted again.
func (s *Service) DeleteDatabase(ctx context.Context, in *glue.DeleteDatabaseInput, _ ...func(*glue.Options)) (*glue.DeleteDatabaseOutput, error) {
	sc, err := scopeOf(ctx, in.CatalogId)
	if err != nil {
		return nil, err
	}
	name := fold(in.Name)
	s.structure.Lock()
	defer s.structure.Unlock()
	if _, err := s.database(sc, name); err != nil {
		return nil, err
	}
	var tables []string
	for it, err := range s.tables.List(sc.account, sc.region, name) {
		if err != nil {
			return nil, err
		}
		tables = append(tables, it.Value.Name)
	}
	for _, t := range tables {
		if err := s.deleteTable(ctx, sc, name, t); err != nil {
			return nil, err
		}
	}
	if err := s.functions.DeleteAll(ctx, sc.account, sc.region, name); err != nil {
		return nil, err
	}
	if err := s.deleteTags(ctx, sc, sc.arn("database/"+name)); err != nil {
		return nil, err
	}
	if err := s.databases.Delete(ctx, sc.account, sc.region, name); err != nil {
		return nil, err
	}
	return &glue.DeleteDatabaseOutput{}, nil
}

// validName refuses what Glue's single-line pattern lets through but no engine can use.
func validName(kind string, name *string) error {
	if aws.ToString(name) == "" {
		return invalidInput("%s name must not be empty.", kind)
	}
	return nil
}
