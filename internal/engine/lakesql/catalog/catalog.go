// Package catalog is what a query is told of the tables and files that it reads.
package catalog

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/brookmere/brookmere/internal/engine/hivetype"
)

// Table is what the catalog says of a table or view.
type Table struct {
	Database, Name   string
	Columns          []Column // without the partition columns
	PartitionColumns []Column
	Location         string // "s3://bucket/prefix/"; empty for a view
	Format           Format
	Parameters       map[string]string // table properties: skip.header.line.count, projection.*, ...
	Buckets          int               // into which the files of a partition are divided; 0: none
	ViewSQL          string            // the query of a view, in Trino's dialect; empty for a table
	ViewColumns      []ViewColumn      // what a view was made with; nil: not known
}

// ViewColumn is a column that a view was made with, whose query may give another one since.
type ViewColumn struct {
	Name string
	Type string // of Trino
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

	// Columns are those that the catalog keeps with the partition. Athena reads the partition's files
	// by their types. nil: the table's.
	Columns []Column

	// Unreadable is why the partition's definition cannot be read, which only queries over it fail
	// by; nil if it can.
	Unreadable error
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
	// Modified is when the object was written; zero where that is not known.
	Modified time.Time

	Archived   bool // its storage class has to be restored before it is read
	Unreadable bool // it is archived and not restored

	// Open reads the object's data, where its file does not have it as it is; nil: the file is the data. What comes of it
	// on the way to DuckDB is kept for the time of a query alone.
	Open func() (io.ReadCloser, error)
	// Opened is the path of the file that Open was read of, where Path is that of a copy of its data.
	Opened string
}

// Files lists the objects of a location ("s3://bucket/folder/") that the caller of the
// context may read: recursively, without the empty ones, and without those where a part of
// the key below the location begins with "_" or ".". A location is a folder, with or without
// the slash at its end: "s3://b/a" does not have s3://b/ab/1. Errors: ErrLocation, ErrNoBucket,
// ErrDenied.
type Files interface {
	Files(ctx context.Context, location string) ([]File, error)
}

// Objects is a Files that finds single objects too, for lists of files: the location is that of
// an object. Its errors are those of Files, and ErrNoObject.
type Objects interface {
	Object(ctx context.Context, location string) (File, error)
}

// Snapshots is a Files whose objects may be replaced by others while a query runs. A query
// lists its files by a snapshot, and may open them until it releases that.
type Snapshots interface {
	Snapshot() (files Files, release func())
}

// ErrNoDatabase and ErrNoTable are what a Catalog answers for names that it does not have.
var (
	ErrNoDatabase = errors.New("no such database")
	ErrNoTable    = errors.New("no such table")
)

// What a Files answers for locations that cannot be read.
var (
	ErrLocation = errors.New("not an s3:// location")
	ErrNoBucket = errors.New("no such bucket")
	ErrDenied   = errors.New("access denied")
	ErrNoObject = errors.New("no such object")
)
