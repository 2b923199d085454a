package glue

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// CreateTable, GetTable, GetTables, UpdateTable, DeleteTable, BatchDeleteTable.
//
// A table may be nothing but columns: such a one serves as the schema of a conversion.
// Transactions and the making of Iceberg metadata (OpenTableFormatInput) are refused.

func sortBy[T any](items []T, key func(T) string) {
	slices.SortFunc(items, func(a, b T) int { return strings.Compare(key(a), key(b)) })
}

func tableNotFound() error { return notFound("Entity Not Found") }

// table returns the table's document; a missing database is told from a missing table.
func (s *Service) table(sc scope, database, name string) (*tableDoc, error) {
	t, err := s.tables.Get(sc.account, sc.region, database, name)
	if !errors.Is(err, state.ErrNotFound) {
		return t, err
	}
	if _, err := s.database(sc, database); err != nil {
		return nil, err
	}
	return nil, tableNotFound()
}

// CreateTable makes a table in an existing database.
func (s *Service) CreateTable(ctx context.Context, in *glue.CreateTableInput, _ ...func(*glue.Options)) (*glue.CreateTableOutput, error) {
	sc, err := scopeOf(ctx, in.CatalogId)
	if err != nil {
		return nil, err
	}
	if in.OpenTableFormatInput != nil {
		return nil, invalidInput("OpenTableFormatInput is not supported.")
	}
	if in.TableInput == nil {
		return nil, invalidInput("TableInput must be given.")
	}
	if err := validName("Table", in.TableInput.Name); err != nil {
		return nil, err
	}
	database := fold(in.DatabaseName)
	now := s.clock.Now().UTC()
	t := &tableDoc{Name: fold(in.TableInput.Name), Created: now, Updated: now, CreatedBy: createdBy(sc)}
	t.set(in.TableInput)
	for _, ix := range in.PartitionIndexes {
		if err := t.addIndex(&ix); err != nil {
			return nil, err
		}
	}
	if err := t.check(); err != nil {
		return nil, err
	}
	s.structure.RLock()
	defer s.structure.RUnlock()
	if _, err := s.database(sc, database); err != nil {
		return nil, err
	}
	err = s.tables.Create(ctx, t, sc.account, sc.region, database, t.Name)
	if errors.Is(err, state.ErrExists) {
		return nil, alreadyExists("Table already exists.")
	}
	if err != nil {
		return nil, err
	}
	return &glue.CreateTableOutput{}, nil
}

func createdBy(sc scope) string { return arn.Global("iam", sc.region, sc.account, "root") }

// check refuses what the API model cannot: a column name twice.
func (t *tableDoc) check() error {
	seen := make(map[string]bool)
	if t.Descriptor != nil {
		for _, c := range t.Descriptor.Columns {
			name := strings.ToLower(c.Name)
			if seen[name] {
				return invalidInput("Column %s occurs more than once in table %s.", c.Name, t.Name)
			}
			seen[name] = true
		}
	}
	keys := make(map[string]bool)
	for _, c := range t.PartitionKeys {
		name := strings.ToLower(c.Name)
		if keys[name] {
			return invalidInput("Partition key %s occurs more than once in table %s.", c.Name, t.Name)
		}
		keys[name] = true
	}
	return nil
}

// GetTable describes one table.
func (s *Service) GetTable(ctx context.Context, in *glue.GetTableInput, _ ...func(*glue.Options)) (*glue.GetTableOutput, error) {
	sc, err := scopeOf(ctx, in.CatalogId)
	if err != nil {
		return nil, err
	}
	database := fold(in.DatabaseName)
	t, err := s.table(sc, database, fold(in.Name))
	if err != nil {
		return nil, err
	}
	return &glue.GetTableOutput{Table: t.output(sc, database)}, nil
}

// GetTables lists the tables of a database by name, 100 a page, those that Expression
// matches where it is given.
func (s *Service) GetTables(ctx context.Context, in *glue.GetTablesInput, _ ...func(*glue.Options)) (*glue.GetTablesOutput, error) {
	sc, err := scopeOf(ctx, in.CatalogId)
	if err != nil {
		return nil, err
	}
	database := fold(in.DatabaseName)
	if _, err := s.database(sc, database); err != nil {
		return nil, err
	}
	match, err := tablePattern(aws.ToString(in.Expression))
	if err != nil {
		return nil, err
	}
	var all []*tableDoc
	for it, err := range s.tables.List(sc.account, sc.region, database) {
		if err != nil {
			return nil, err
		}
		if match(it.Value.Name) {
			all = append(all, it.Value)
		}
	}
	sortBy(all, func(t *tableDoc) string { return t.Name })
	page, next, err := pageOf(all, func(t *tableDoc) string { return t.Name }, in.NextToken, in.MaxResults, 100)
	if err != nil {
		return nil, err
	}
	out := &glue.GetTablesOutput{NextToken: next, TableList: make([]types.Table, len(page))}
	for i, t := range page {
		out.TableList[i] = *t.output(sc, database)
		if len(in.AttributesToGet) > 0 {
			out.TableList[i] = onlyAttributes(&out.TableList[i], in.AttributesToGet)
		}
	}
	return out, nil
}

// onlyAttributes is a table with its name and the attributes asked for.
func onlyAttributes(t *types.Table, attributes []types.TableAttributes) types.Table {
	out := types.Table{Name: t.Name, DatabaseName: t.DatabaseName, CatalogId: t.CatalogId}
	if slices.Contains(attributes, types.TableAttributesTableType) {
		out.TableType = t.TableType
	}
	return out
}

// tablePattern compiles the Expression of GetTables: a regular expression of the whole
// name. Clients also send Hive's form, in which a star alone stands for any text, so a
// star after a letter, digit, underscore or nothing is taken as that.
func tablePattern(expr string) (func(string) bool, error) {
	if expr == "" {
		return func(string) bool { return true }, nil
	}
	var b strings.Builder
	b.WriteString("(?i)^(?:")
	prev := rune(-1)
	for _, r := range expr {
		if r == '*' && (prev == -1 || prev == '_' || prev == '-' || prev == '|' || prev == '(' ||
			prev >= '0' && prev <= '9' || prev >= 'a' && prev <= 'z' || prev >= 'A' && prev <= 'Z') {
			b.WriteByte('.')
		}
		b.WriteRune(r)
		if prev == '\\' {
			r = '.' // an escape such as \w takes a star as in a regular expression
		}
		prev = r
	}
	b.WriteString(")$")
	re, err := regexp.Compile(b.String())
	if err != nil {
		return nil, invalidInput("Expression is not a valid regular expression: %s", expr)
	}
	return re.MatchString, nil
}

// UpdateTable replaces what the table was created with. The definition before is kept
// as a version of its own unless SkipArchive. VersionId makes it conditional.
func (s *Service) UpdateTable(ctx context.Context, in *glue.UpdateTableInput, _ ...func(*glue.Options)) (*glue.UpdateTableOutput, error) {
	sc, err := scopeOf(ctx, in.CatalogId)
	if err != nil {
		return nil, err
	}
	if in.UpdateOpenTableFormatInput != nil {
		return nil, invalidInput("UpdateOpenTableFormatInput is not supported.")
	}
	if in.TableInput == nil {
		return nil, invalidInput("TableInput must be given.")
	}
	database, name := fold(in.DatabaseName), fold(in.TableInput.Name)
	if name == "" {
		name = fold(in.Name)
	}
	s.structure.RLock()
	defer s.structure.RUnlock()
	for {
		old, err := s.table(sc, database, name)
		if err != nil {
			return nil, err
		}
		if v := aws.ToString(in.VersionId); v != "" && v != old.version() {
			return nil, &types.ConcurrentModificationException{Message: aws.String("Update table failed due to concurrent modifications.")}
		}
		if !aws.ToBool(in.SkipArchive) {
			// Before the table itself: a crash between leaves a version that the next
			// update writes again, the same.
			if err := s.versions.Put(ctx, old, sc.account, sc.region, database, name, versionKey(old.Version)); err != nil {
				return nil, err
			}
		}
		_, err = s.tables.Modify(ctx, func(t *tableDoc) error {
			if t.Version != old.Version {
				return state.ErrConflict
			}
			t.set(in.TableInput)
			t.Version++
			t.Updated = s.clock.Now().UTC()
			return t.check()
		}, sc.account, sc.region, database, name)
		switch {
		case errors.Is(err, state.ErrConflict):
			continue // another update came between: its result is the version to archive now
		case errors.Is(err, state.ErrNotFound):
			return nil, tableNotFound()
		case err != nil:
			return nil, err
		}
		return &glue.UpdateTableOutput{}, nil
	}
}

// DeleteTable deletes a table with its versions and partitions.
func (s *Service) DeleteTable(ctx context.Context, in *glue.DeleteTableInput, _ ...func(*glue.Options)) (*glue.DeleteTableOutput, error) {
	sc, err := scopeOf(ctx, in.CatalogId)
	if err != nil {
		return nil, err
	}
	database, name := fold(in.DatabaseName), fold(in.Name)
	s.structure.Lock()
	defer s.structure.Unlock()
	if _, err := s.table(sc, database, name); err != nil {
		return nil, err
	}
	if err := s.deleteTable(ctx, sc, database, name); err != nil {
		return nil, err
	}
	return &glue.DeleteTableOutput{}, nil
}

// deleteTable deletes a table that exists; s.structure is held for writing.
func (s *Service) deleteTable(ctx context.Context, sc scope, database, name string) error {
	if err := s.dropPartitions(ctx, sc, database, name); err != nil {
		return err
	}
	if err := s.versions.DeleteAll(ctx, sc.account, sc.region, database, name); err != nil {
		return err
	}
	if err := s.statistics.DeleteAll(ctx, sc.account, sc.region, database, name); err != nil {
		return err
	}
	return s.tables.Delete(ctx, sc.account, sc.region, database, name)
}

// BatchDeleteTable deletes up to 100 tables and says of each that failed why.
func (s *Service) BatchDeleteTable(ctx context.Context, in *glue.BatchDeleteTableInput, _ ...func(*glue.Options)) (*glue.BatchDeleteTableOutput, error) {
	sc, err := scopeOf(ctx, in.CatalogId)
	if err != nil {
		return nil, err
	}
	database := fold(in.DatabaseName)
	s.structure.Lock()
	defer s.structure.Unlock()
	if _, err := s.database(sc, database); err != nil {
		return nil, err
	}
	out := &glue.BatchDeleteTableOutput{}
	for _, n := range in.TablesToDelete {
		name := strings.ToLower(n)
		_, err := s.table(sc, database, name)
		if err == nil {
			err = s.deleteTable(ctx, sc, database, name)
		}
		if err != nil {
			out.Errors = append(out.Errors, types.TableError{TableName: aws.String(n), ErrorDetail: errorDetail(err)})
		}
	}
	return out, nil
}

// errorDetail is an error's form within a batch's answer.
func errorDetail(err error) *types.ErrorDetail {
	var api interface {
		ErrorCode() string
		ErrorMessage() string
	}
	if errors.As(err, &api) {
		return &types.ErrorDetail{ErrorCode: aws.String(api.ErrorCode()), ErrorMessage: aws.String(api.ErrorMessage())}
	}
	return &types.ErrorDetail{ErrorCode: aws.String("InternalServiceException"), ErrorMessage: aws.String("Internal failure.")}
}
