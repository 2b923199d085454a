package trino

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/lakesql/catalog"
	"github.com/brookmere/brookmere/internal/engine/lakesql/duck"
	"github.com/brookmere/brookmere/internal/engine/lakesql/fault"
	"github.com/brookmere/brookmere/internal/engine/lakesql/hive"
	"github.com/brookmere/brookmere/internal/engine/sql"
)

// scan becomes a subquery over the table's files that has the catalog's columns, typed.
func (t *translator) scan(at sql.Position, table *catalog.Table, alias string, in *scope) (string, []column) {
	var where []sql.Expr
	if in != nil {
		where = in.where
	}
	if len(table.Columns) == 0 && len(table.PartitionColumns) == 0 {
		fault.Fail(at, "HIVE_INVALID_METADATA", "Table '%s.%s' has no columns", table.Database, table.Name)
	}
	pieces := t.pieces(at, table, alias, where)
	var columns []column
	for _, c := range table.Columns {
		columns = append(columns, column{name: strings.ToLower(c.Name), typ: hive.TypeOf(c.Type)})
	}
	for _, c := range table.PartitionColumns {
		columns = append(columns, column{name: strings.ToLower(c.Name), typ: hive.TypeOf(c.Type)})
	}
	for _, name := range t.hidden {
		if (name != "$partition" || len(table.PartitionColumns) > 0) && (name != "$bucket" || table.Buckets > 0) {
			columns = append(columns, column{name: name, typ: hive.HiddenType(name), hidden: true})
		}
	}

	selects := t.host.Reader.Select(t.ctx, hive.Scan{Position: at, Table: table, Hidden: t.hidden, Bare: t.bare, Asked: t.asked}, pieces)
	if selects == nil {
		items := make([]string, len(columns))
		for i, c := range columns {
			items[i] = "CAST(NULL AS " + duck.Type(c.typ) + ") AS " + duck.Ident(c.name)
		}
		if len(items) == 0 {
			fault.Fail(at, "HIVE_INVALID_METADATA", "Table '%s.%s' has no columns", table.Database, table.Name)
		}
		return "(SELECT " + strings.Join(items, ", ") + " WHERE false)", columns
	}
	return "(" + strings.Join(selects, " UNION ALL ") + ")", columns
}

// pieces lists the table's partitions that the predicates let through, with their files.
func (t *translator) pieces(at sql.Position, table *catalog.Table, alias string, where []sql.Expr) []hive.Piece {
	var pieces []hive.Piece
	add := func(values []string, location string, format catalog.Format, own []catalog.Column) {
		if format.SerDe == "" {
			format = table.Format
		}
		format.SerDeParams = merged(table.Parameters, format.SerDeParams)
		columns := hive.PartitionColumns(table, values, format, own)
		files := t.list(at, table, location)
		if hive.Symlinks(format) {
			files = t.linked(at, table, files)
		}
		// What is archived is left out, and what of it is restored unless the table asks for it.
		restored := strings.EqualFold(table.Parameters["read_restored_glacier_objects"], "true")
		files = slices.DeleteFunc(slices.Clone(files), func(f catalog.File) bool { return f.Archived && (f.Unreadable || !restored) })
		for _, f := range files {
			if !t.inside(f.Path) {
				fault.Fail(at, "HIVE_CANNOT_OPEN_SPLIT", "Permission denied: %s", f.URI)
			}
			if t.read[f.Path] == "" {
				t.read[f.Path] = f.URI
				t.sizes[f.Path] = f.Size
			}
		}
		pieces = append(pieces, hive.Piece{Values: values, Format: format, Files: files, Columns: columns})
	}
	if len(table.PartitionColumns) == 0 {
		if table.Location != "" {
			add(nil, table.Location, table.Format, nil)
		}
		return pieces
	}
	p := &pruner{t: t, relation: alias, columns: lowerColumns(table.PartitionColumns)}
	all := make([]bool, len(p.columns))
	for i := range all {
		all[i] = true
	}
	if strings.EqualFold(table.Parameters["projection.enabled"], "true") {
		for _, values := range t.project(at, table, p, where) {
			for _, location := range projectedLocations(table, values) {
				add(values, location, table.Format, nil)
			}
		}
		return pieces
	}
	partitions, err := t.request.Catalog.Partitions(t.ctx, table)
	if err != nil {
		panic(fault.Stop(fmt.Errorf("partitions of %s.%s: %w", table.Database, table.Name, err)))
	}
	for _, part := range partitions {
		if len(part.Values) != len(p.columns) {
			continue
		}
		p.values, p.set = part.Values, all
		if p.holds(where) {
			if part.Unreadable != nil {
				fault.Fail(at, "HIVE_INVALID_METADATA", "Table '%s.%s', partition %v: %v", table.Database, table.Name, part.Values, part.Unreadable)
			}
			add(part.Values, part.Location, part.Format, part.Columns)
		}
	}
	return pieces
}

// merged is what a SerDe is told: its own properties and, before those, the table's, as in Hive.
func merged(table, serde map[string]string) map[string]string {
	out := make(map[string]string, len(table)+len(serde))
	maps.Copy(out, serde)
	maps.Copy(out, table)
	return out
}

// list lists the files of a location.
func (t *translator) list(at sql.Position, table *catalog.Table, location string) []catalog.File {
	files, err := t.request.Files.Files(t.ctx, location)
	t.listed(at, table, location, err)
	return files
}

// listed ends with the error of listing a location.
func (t *translator) listed(at sql.Position, table *catalog.Table, location string, err error) {
	switch {
	case errors.Is(err, catalog.ErrDenied):
		panic(fault.Stop(&fault.Error{Name: "Permission denied on S3 path", Message: location}))
	case errors.Is(err, catalog.ErrNoBucket):
		panic(fault.Stop(&fault.Error{Name: "HIVE_FILESYSTEM_ERROR", Message: "The specified bucket does not exist (Service: Amazon S3; Status Code: 404; Error Code: NoSuchBucket): " + location}))
	case errors.Is(err, catalog.ErrNoObject):
		panic(fault.Stop(&fault.Error{Name: "HIVE_CANNOT_OPEN_SPLIT", Message: "Error opening Hive split " + location + ": the object does not exist"}))
	case errors.Is(err, catalog.ErrLocation):
		fault.Fail(at, "HIVE_INVALID_METADATA", "Table '%s.%s': location %s is not an s3:// location", table.Database, table.Name, location)
	case err != nil:
		panic(fault.Stop(fmt.Errorf("list %s: %w", location, err)))
	}
}

// linked is the files that lists of files name.
func (t *translator) linked(at sql.Position, table *catalog.Table, lists []catalog.File) []catalog.File {
	objects, ok := t.request.Files.(catalog.Objects)
	if !ok {
		fault.Fail(at, "NOT_SUPPORTED", "Lists of files, as of table %s.%s, are not supported", table.Database, table.Name)
	}
	var out []catalog.File
	for _, list := range lists {
		if !t.inside(list.Path) {
			fault.Fail(at, "HIVE_CANNOT_OPEN_SPLIT", "Permission denied: %s", list.URI)
		}
		r, err := hive.OpenFile(list)
		if err != nil {
			panic(fault.Stop(&fault.Error{Name: "HIVE_CANNOT_OPEN_SPLIT", Message: "Error opening Hive split " + list.URI}))
		}
		locations, err := hive.ReadSymlinks(r)
		r.Close()
		if err != nil {
			panic(fault.Stop(&fault.Error{Name: "HIVE_BAD_DATA", Message: fmt.Sprintf("Error reading the list of files %s: %v", list.URI, err)}))
		}
		for _, location := range locations {
			f, err := objects.Object(t.ctx, location)
			t.listed(at, table, location, err)
			if f.Size > 0 {
				out = append(out, f)
			}
		}
	}
	return out
}

// inside reports whether a path is below the directory that files must be in.
func (t *translator) inside(path string) bool {
	return filepath.IsAbs(path) && filepath.Clean(path) == path && strings.HasPrefix(path, t.host.Dir+string(filepath.Separator))
}

func lowerColumns(columns []catalog.Column) []catalog.Column {
	out := make([]catalog.Column, len(columns))
	for i, c := range columns {
		out[i] = catalog.Column{Name: strings.ToLower(c.Name), Type: c.Type, Comment: c.Comment}
	}
	return out
}
