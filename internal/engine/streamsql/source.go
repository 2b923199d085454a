package streamsql

import (
	"github.com/brookmere/brookmere/internal/engine/sql"
	"github.com/brookmere/brookmere/internal/engine/streamsql/dialect"
)

// Source is an in-application stream that records are read into. Its columns are those of the
// schema; ROWTIME and, with Arrival, what the stream says of a record can be selected beside them.
// With input parallelism, each in-application stream is a Source of its own.
type Source struct {
	Name   string // SOURCE_SQL_STREAM_001
	Schema Schema
	// Arrival says that the records are those of a Kinesis stream: APPROXIMATE_ARRIVAL_TIME,
	// PARTITION_KEY, SEQUENCE_NUMBER and SHARD_ID can be selected beside the columns.
	Arrival bool
}

// arrivalColumns are the columns that records of a stream have behind those of the schema. The last
// three are only there where the application names one of them.
var arrivalColumns = []Column{
	{"APPROXIMATE_ARRIVAL_TIME", timestampType},
	{"PARTITION_KEY", Type{Kind: Varchar, Length: 256}},
	{"SEQUENCE_NUMBER", Type{Kind: Varchar, Length: 128}},
	{"SHARD_ID", Type{Kind: Varchar, Length: 128}},
}

// ownColumns is how many of arrivalColumns an application needs.
func ownColumns(statements []sql.Statement) int {
	n := 1
	for _, s := range statements {
		sql.Walk(s, func(x sql.Node) bool {
			name := ""
			switch x := x.(type) {
			case *sql.Name:
				name = dialect.Lookup(x.Ident)
			case *sql.Dereference:
				name = dialect.Lookup(x.Field)
			}
			for _, c := range arrivalColumns[1:] {
				if c.Name == name {
					n = len(arrivalColumns)
				}
			}
			return true
		})
	}
	return n
}

// Reference is an in-application table of reference data, whose content App.SetReference gives.
type Reference struct {
	Name   string
	Schema Schema
}

// Schema says how the rows of a stream are read out of records.
type Schema struct {
	Columns []SourceColumn
	Format  Format
	// RowPath, of JSON: where in a record the row or the array of rows lies; "" and "$": the record.
	RowPath string
	// RowDelimiter and ColumnDelimiter, of CSV; empty: a line feed, a comma. Escapes as \n, \t
	// and \u0001 are understood.
	RowDelimiter, ColumnDelimiter string
}

// Format is how records are written.
type Format uint8

// The formats of records.
const (
	JSON Format = iota // one or more values one behind the other, or arrays
	CSV
)

// SourceColumn is a column of a Schema. Mapping, of JSON, is the path of its value below the row
// ("$.a.b[0]"); empty: "$." and the name. CSV's columns are taken in order.
type SourceColumn struct {
	Name    string
	Type    Type
	Mapping string
}

// ErrorStream is the name of the stream that every application has, of what went wrong with rows.
const ErrorStream = "error_stream"

// ErrorColumns are the columns of error_stream.
func ErrorColumns() []Column {
	return []Column{
		{"ERROR_TIME", Type{Kind: Timestamp}},
		{"ERROR_LEVEL", Type{Kind: Varchar, Length: 10}},
		{"ERROR_NAME", Type{Kind: Varchar, Length: 32}},
		{"MESSAGE", Type{Kind: Varchar, Length: 4096}},
		{"DATA_ROWTIME", Type{Kind: Timestamp}},
		{"DATA_ROW", Type{Kind: Varchar, Length: 49152}},
		{"PUMP_NAME", Type{Kind: Varchar, Length: 128}},
	}
}
