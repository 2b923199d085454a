// Package lakesql answers queries over catalog tables with DuckDB.
//
// A statement of the sql package is translated tree by tree: names are resolved through a
// Catalog, views expanded, partitions pruned, functions and operators written as what they
// mean in Trino, and tables become DuckDB's readers over the very files that Files lists.
//
// Invariants:
//
//   - Only text that the translator wrote reaches DuckDB: every name is quoted, every
//     function comes from the table of functions, every file from Files and from below
//     Options.Dir. DuckDB itself is locked to that directory and its settings are locked.
//   - A file that does not fit its table's schema gives nulls, as Hive's readers do.
//   - What cannot be translated is refused with its name and position.
package lakesql

import (
	"context"

	"github.com/brookmere/brookmere/internal/engine/hivetype"
	"github.com/brookmere/brookmere/internal/engine/sql"
)

// Table is what the catalog says of a table or view.
type Table struct {
	Database, Name   string
	Columns          []Column // without the partition columns
	PartitionColumns []Column
	Location         string // "s3://bucket/prefix/"; empty for a view
	Format           Format
	Parameters       map[string]string // table properties: skip.header.line.count, projection.*, ...
	ViewSQL          string            // the query of a view, in Trino's dialect; empty for a table
}

// Column of a table.
type Column struct {
	Name    string // lower case
	Type    *hivetype.Type
	Comment string
}

// Format is how a table's or partition's files are read.
type Format struct {
	InputFormat string
	SerDe       string // serialization library, a Java class name
	SerDeParams map[string]string
}

// Partition of a table: a value for each partition column, and where its files are.
type Partition struct {
	Values   []string
	Location string
	Format   Format // the table's where its SerDe is empty
}

// Catalog is where table names are looked up. ErrNoDatabase, ErrNoTable.
type Catalog interface {
	Table(ctx context.Context, database, name string) (*Table, error)
	// Partitions returns the partitions of a partitioned table, a superset of those for
	// which the pushed-down predicate may hold (nil: all).
	Partitions(ctx context.Context, t *Table) ([]Partition, error)
	// Databases and Tables list names, sorted.
	Databases(ctx context.Context) ([]string, error)
	Tables(ctx context.Context, database string) ([]string, error)
}

// File is one object of a location, as a file that DuckDB may open.
type File struct {
	URI  string // s3://bucket/key, what "$path" shows
	Path string // absolute path below the engine's object directory
	Size int64
}

// Files lists the objects below a location ("s3://bucket/prefix"), recursively, without
// the empty ones and those whose name begins with "_" or ".".
type Files interface {
	Files(ctx context.Context, location string) ([]File, error)
}

// Snapshots is a Files whose objects may be replaced by others while a query runs. A query
// lists its files by a snapshot, and may open them until it releases that.
type Snapshots interface {
	Snapshot() (files Files, release func())
}

// snapshot has r list its files as they are now.
func (r *Request) snapshot() (release func()) {
	s, ok := r.Files.(Snapshots)
	if !ok {
		return func() {}
	}
	r.Files, release = s.Snapshot()
	return release
}

// ResultColumn describes a column of a result as Athena does.
type ResultColumn struct {
	Name             string
	Type             string // varchar, bigint, decimal, timestamp, array, row, ...
	Precision, Scale int
	CaseSensitive    bool
	FullType         string         // as Trino writes it: decimal(10,2), array(row(a integer, b varchar))
	Hive             *hivetype.Type // what a table's column of it is declared as; nil if there is none

	typ *sql.Type
}
