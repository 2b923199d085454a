// Package etl runs the graphs of visual jobs: sources, transforms and targets, drawn by a user
// and executed on frames of rows.
//
//	records of a window ── Records ──┐
//	                                 ├─> Frame ── Graph.Run: transforms ──> Frame a target ── Encode ──> object
//	objects ── ReadJSON, CSV, Parquet┘
//
// A Frame is columns with types and rows. The rows of a source of JSON stay text until a
// transform asks for values: a graph that only copies a stream into Parquet parses each record
// once to infer the columns and once to write them, and makes no value of it.
//
// # Types
//
// Columns have the types of the catalog (package hivetype). Inference follows Spark: whole
// numbers are bigint, others double, nested objects struct, and columns are in the order of
// their names. Where the records disagree, bigint and double make double, anything else makes
// string, which holds the JSON text of what was no string. A record that cannot be parsed is a
// row of the column _corrupt_record, so that nothing is lost unseen.
//
// A value is nil, bool, int64, float64, string, []any or Object. Values of decimal, date,
// timestamp and binary columns are strings in the form that package columnar reads.
//
// # Purity
//
// What Run and Encode make depends on their arguments alone: the caller that runs the same
// records again after a crash, with the same time, gets the same rows in the same objects.
//
// # Bounds
//
// Records counts the bytes that it holds, and the caller closes the window when they are too
// many. A Run is refused with ErrTooLarge when a frame would hold more than Limits.Bytes, which
// a join that multiplies rows runs into.
package etl
