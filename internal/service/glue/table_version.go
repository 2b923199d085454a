package glue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/brookmere/brookmere/internal/engine/state"
)

// GetTableVersion, GetTableVersions, DeleteTableVersion, BatchDeleteTableVersion.
//
// The table as it is counts as its newest version; the archived ones are documents of
// their own. The newest cannot be deleted.

// versionKey sorts as the numbers do.
func versionKey(v int64) string { return fmt.Sprintf("%019d", v) }

func versionNotFound(id string) error { return notFound("Version %s not found.", id) }

func (s *Service) tableVersion(sc scope, database, name, id string) (*tableDoc, error) {
	t, err := s.table(sc, database, name)
	if err != nil {
		return nil, err
	}
	if id == "" || id == t.version() {
		return t, nil
	}
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil || n < 0 {
		return nil, invalidInput("Version Id %s is not a valid integer.", id)
	}
	v, err := s.versions.Get(sc.account, sc.region, database, name, versionKey(n))
	if errors.Is(err, state.ErrNotFound) {
		return nil, versionNotFound(id)
	}
	return v, err
}

// GetTableVersion returns one version, the newest where none is named.
func (s *Service) GetTableVersion(ctx context.Context, in *glue.GetTableVersionInput, _ ...func(*glue.Options)) (*glue.GetTableVersionOutput, error) {
	sc, err := scopeOf(ctx, in.CatalogId)
	if err != nil {
		return nil, err
	}
	database := fold(in.DatabaseName)
	t, err := s.tableVersion(sc, database, fold(in.TableName), aws.ToString(in.VersionId))
	if err != nil {
		return nil, err
	}
	return &glue.GetTableVersionOutput{TableVersion: &types.TableVersion{
		Table: t.output(sc, database), VersionId: aws.String(t.version()),
	}}, nil
}

// GetTableVersions lists a table's versions, the newest first, 100 a page.
func (s *Service) GetTableVersions(ctx context.Context, in *glue.GetTableVersionsInput, _ ...func(*glue.Options)) (*glue.GetTableVersionsOutput, error) {
	sc, err := scopeOf(ctx, in.CatalogId)
	if err != nil {
		return nil, err
	}
	database, name := fold(in.DatabaseName), fold(in.TableName)
	t, err := s.table(sc, database, name)
	if err != nil {
		return nil, err
	}
	all := []*tableDoc{t}
	for it, err := range s.versions.List(sc.account, sc.region, database, name) {
		if err != nil {
			return nil, err
		}
		v := it.Value
		if v.Version < t.Version {
			all = append(all, v)
		}
	}
	slices.SortFunc(all, func(a, b *tableDoc) int { return int(b.Version - a.Version) })
	// Descending, so the key that pages go by counts down.
	key := func(t *tableDoc) string { return versionKey(1<<62 - t.Version) }
	page, next, err := pageOf(all, key, in.NextToken, in.MaxResults, 100)
	if err != nil {
		return nil, err
	}
	out := &glue.GetTableVersionsOutput{NextToken: next}
	for _, v := range page {
		out.TableVersions = append(out.TableVersions, types.TableVersion{
			Table: v.output(sc, database), VersionId: aws.String(v.version()),
		})
	}
	return out, nil
}

// DeleteTableVersion deletes an archived version.
func (s *Service) DeleteTableVersion(ctx context.Context, in *glue.DeleteTableVersionInput, _ ...func(*glue.Options)) (*glue.DeleteTableVersionOutput, error) {
	sc, err := scopeOf(ctx, in.CatalogId)
	if err != nil {
		return nil, err
	}
	if err := s.deleteTableVersion(ctx, sc, fold(in.DatabaseName), fold(in.TableName), aws.ToString(in.VersionId)); err != nil {
		return nil, err
	}
	return &glue.DeleteTableVersionOutput{}, nil
}

// BatchDeleteTableVersion deletes up to 100 archived versions.
func (s *Service) BatchDeleteTableVersion(ctx context.Context, in *glue.BatchDeleteTableVersionInput, _ ...func(*glue.Options)) (*glue.BatchDeleteTableVersionOutput, error) {
	sc, err := scopeOf(ctx, in.CatalogId)
	if err != nil {
		return nil, err
	}
	database, name := fold(in.DatabaseName), fold(in.TableName)
	if _, err := s.table(sc, database, name); err != nil {
		return nil, err
	}
	out := &glue.BatchDeleteTableVersionOutput{}
	for _, id := range in.VersionIds {
		if err := s.deleteTableVersion(ctx, sc, database, name, id); err != nil {
			out.Errors = append(out.Errors, types.TableVersionError{
				TableName: in.TableName, VersionId: aws.String(id), ErrorDetail: errorDetail(err),
			})
		}
	}
	return out, nil
}

func (s *Service) deleteTableVersion(ctx context.Context, sc scope, database, name, id string) error {
	s.structure.RLock()
	defer s.structure.RUnlock()
	t, err := s.table(sc, database, name)
	if err != nil {
		return err
	}
	v, err := s.tableVersion(sc, database, name, id)
	if err != nil {
		return err
	}
	if id == "" || v.Version == t.Version {
		return invalidInput("The current version of a table cannot be deleted.")
	}
	err = s.versions.Delete(ctx, sc.account, sc.region, database, name, versionKey(v.Version))
	if errors.Is(err, state.ErrNotFound) {
		return versionNotFound(id)
	}
	return err
}
