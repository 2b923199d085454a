// Package recordplan is the plan of a Firehose delivery stream: what becomes of a record on
// its way into objects. New compiles a Spec, which a service makes of its configuration,
// into a delivery.Plan; the pipeline of package delivery works by it.
//
//	record -> unpack -> split -> keys -> partition -> encode -> object
//	            |         |       |          |          |
//	            +---------+-------+----------+----------+--> error record, below the error prefix
//
// The steps:
//
//   - unpack: the user's records of an aggregated one (kpl), gzip, messages of CloudWatch Logs.
//   - split: several JSON values, or parts between delimiters, in one record.
//   - keys: values that a jq query (KeyQuery) or a function took from the record.
//   - partition: named by the keys that the prefix uses, so that rows of one object have one
//     prefix.
//   - encode: as it came with a delimiter, compressed or not; as Parquet by a schema; as the
//     records of a request to an HTTP endpoint (Frames).
//   - object: a Prefix evaluated for the first record's arrival, and a name that an Owner can
//     tell from all others.
//
// A function that transforms records works ahead of the plan: a Transformer copies a log
// into another through it, and the plan reads the Outcomes there, since a function need not
// give the same twice and a plan must.
//
// # Invariants
//
//   - Route, the encoders and the names depend on the record and the version of the plan
//     alone. A query that could depend on more (the time, the environment) is refused, and
//     one that takes too much memory or time ends the same way each time (query_bound.go).
//   - Every object key that a plan makes can be put: what cannot is refused when the spec is
//     compiled, or is an error record.
//   - No record is dropped but by a function that says so: what cannot be partitioned or
//     encoded is an error record with AWS's code and envelope.
package recordplan
