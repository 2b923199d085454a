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
	"github.com/brookmere/brookmere/internal/engine/hivetype"
	"github.com/brookmere/brookmere/internal/engine/lakesql/catalog"
	"github.com/brookmere/brookmere/internal/engine/lakesql/fault"
	"github.com/brookmere/brookmere/internal/engine/lakesql/trino"
	"github.com/brookmere/brookmere/internal/engine/lakesql/trino/functions"
	"github.com/brookmere/brookmere/internal/engine/lakesql/worker"
	"github.com/brookmere/brookmere/internal/engine/sql"
	"github.com/brookmere/brookmere/internal/engine/sql/signature"
)

// What a caller hands in and gets, of the packages below.
type (
	Request    = trino.Request
	Error      = fault.Error
	Table      = catalog.Table
	Column     = catalog.Column
	Format     = catalog.Format
	Partition  = catalog.Partition
	ViewColumn = catalog.ViewColumn
	Catalog    = catalog.Catalog
	File       = catalog.File
	Files      = catalog.Files
	Snapshots  = catalog.Snapshots
)

// ErrNoDatabase and ErrNoTable are what a Catalog answers for names that it does not have.
var (
	ErrNoDatabase = catalog.ErrNoDatabase
	ErrNoTable    = catalog.ErrNoTable
)

// What a Files answers for locations that cannot be read.
var (
	ErrLocation = catalog.ErrLocation
	ErrNoBucket = catalog.ErrNoBucket
	ErrDenied   = catalog.ErrDenied
	ErrNoObject = catalog.ErrNoObject
)

// Functions are the functions that a query may call.
func Functions() signature.List { return functions.All }

// ErrRestarted is that the process that queries run in was killed while one ran that had
// given out rows, for no fault of that one. It can be run again from its beginning.
var ErrRestarted = worker.ErrRestarted

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
