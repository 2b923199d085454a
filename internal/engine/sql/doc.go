// Package sql reads SQL text into a syntax tree and prints trees as text.
//
// Two families of statements are read: Trino's SELECT language (queries, INSERT, CREATE
// TABLE AS, UNLOAD, views, prepared statements, EXPLAIN) and the Hive DDL that Athena
// takes (CREATE EXTERNAL TABLE, ALTER TABLE, MSCK REPAIR TABLE, ...). A Dialect chooses
// what differs in other languages of the same family.
//
// Invariants:
//
//   - Every node knows where it begins in the text (line and column from 1, byte offset).
//   - Print(Parse(x)) is a fixed point: parsing what was printed gives the same tree, and
//     printing that gives the same text.
//   - Parse never panics, and nesting is limited (maxDepth), so that no text exhausts the stack.
//   - Names are kept as written. Unquoted names compare without regard to letter case, and
//     so do quoted ones, as in Trino; Identifier.Lower is what to look up.
package sql

// Dialect is the language a text is written in.
type Dialect uint8

const (
	// Athena is Trino's language with Hive's DDL.
	Athena Dialect = iota
	// Streaming is the language of continuous queries: queries, and what the Grammar of the
	// package that runs them adds (STREAM, PUMP).
	Streaming
)
