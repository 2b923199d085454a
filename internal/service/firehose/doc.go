// Package firehose is Amazon Data Firehose: delivery streams that take records by
// PutRecord and PutRecordBatch and bring them into S3 through the delivery engine.
//
// A delivery stream is a document (kind "firehose.stream"; key account, region, name)
// with an id of its own, a shard of the log ("firehose/account/region/id/0") that holds
// what was put and is not delivered yet, the progress of its delivery ("firehose.progress";
// account, region, id), and the plans that the progress may name ("firehose.plan"). A put
// is acknowledged when it is on disk in the shard. The shard is trimmed behind the
// delivery; nothing in it is dropped by age.
//
// Invariants: the document is made after its shard and deleted before it, so that a
// document always has a shard; a shard without a document is deleted at Start. One
// pipeline works a stream.
package firehose
