// Package sparksql runs queries in Spark's dialect over frames of rows: the SQL nodes of visual
// jobs.
//
//	text ── rewrite: lexical differences ── sql.Parse ── translate: meaning ── lakesql
//	frames ── Parquet, one file an input ──────────────────────────────────────┘
//
// The query runs where those of the lake do: in the process of queries, with its limits, in
// which a statement reaches the files that it was given and nothing else. Its catalog has a
// table an input, and no other.
//
// # Dialect
//
// What Spark writes or means otherwise than Trino is translated: strings in double quotes, names
// in backquotes, ==, <=>, RLIKE, LATERAL VIEW explode and posexplode, SEMI and ANTI joins, division
// (of doubles, null by zero), casts (null where a value does not fit), nulls first, indexes from 0,
// functions by other names. A function is taken when functions.go says that it means the same; all else is refused with its
// name, before anything runs, or by the types of the columns when it does.
//
// Results that differ from Spark's: a quotient of decimals is a double, whole numbers that
// overflow are an error where Spark's wrap around, and a timestamp has milliseconds.
//
// # Names
//
// Columns are found in any letter case. A result has the case that the query writes, or the
// input's for a star, within structs too.
//
// # Bounds
//
// Rows are counted as they arrive, and a query is stopped with etl.ErrTooLarge where they
// are more than the caller allows. Inputs are on disk, below Engine.Dir, while a query runs.
package sparksql
