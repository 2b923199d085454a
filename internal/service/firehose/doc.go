// Package firehose is Amazon Data Firehose: delivery streams that take records by
// PutRecord and PutRecordBatch, or from a Kinesis stream, and bring them into S3 or to an
// HTTP endpoint through the delivery engine.
//
// A delivery stream is a document (kind "firehose.stream"; key account, region, name)
// with an id of its own. What is put is in a shard of the log
// ("firehose/account/region/id/0") until it is delivered; a put is acknowledged when it is
// on disk there. The shard is trimmed behind the delivery, a day later while it is read (read.go); nothing in it
// is dropped by age.
//
// # The ways of a record
//
//	puts ────────────┐                             ┌─> lane: S3, or the endpoint
//	Kinesis stream ──┴─> (function -> a log) ──────┤
//	                 └─────────────────────────────┴─> lane "~backup": S3, as it came
//
// A lane is a pipeline of the delivery engine with its progress ("firehose.progress";
// account, region, id, lane) and the plans that the progress may name ("firehose.plan";
// account, region, id, lane, version). The lane to the destination is "main". The shards of
// a Kinesis stream are read as one source, so that they fill the same buffers; source.go
// says how. Where a Lambda processor is configured, what the function makes of records is
// kept in a log of its own ("firehose/account/region/id/transformed"), for the function need
// not say the same twice; the place that it has come to is a document
// ("firehose.transform"), and the lane is named "main~transformed".
//
// An HTTP endpoint is delivered to at least once: a request that was under way at a crash
// is sent again under the same id. What it does not take in the time of its RetryOptions
// is put into the bucket below the error prefix.
//
// The objects of the destination are compacted (engine/compact) where a tag or the
// configuration asks for it: those whose keys are a delivery's own and that no progress has
// an intent for.
//
// A worker.Runner delivers: a run of a document is its lanes and its compaction, stopped by
// UpdateDestination where records are to go another way, and ended by the removal of the
// stream where the document is marked as deleting.
//
// Invariants: the document is made after its shard and deleted before all else, and what
// is marked as discarded ("firehose.discarded") and has no document is removed. A shard of Kinesis is read when its parents are
// delivered to their ends.
//
// Left out: Redshift, OpenSearch, Splunk, Snowflake and Iceberg as destinations, MSK and
// databases as sources, ORC; all are refused. Settings of encryption and of logging to
// CloudWatch are kept and shown, and nothing acts on them.
package firehose
