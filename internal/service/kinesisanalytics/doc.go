// Package kinesisanalytics is Kinesis Data Analytics for SQL applications: continuous SQL over
// streams, with its results in streams, delivery streams and functions. It has both versions of the
// API over the same applications; applications of Flink are refused by name.
//
// # Documents
//
//	kinesisanalytics.application  account, region, name  an application: its configuration, its version, its status
//
// What an application has done is not a document but a shard of the log ("kinesisanalytics/ID"; see
// progress.go), which is deleted with it. Record data never comes into documents; into the shard it
// comes as the engine's state alone.
//
// # The way of a record
//
//	shards ── feed: read, function of the input, queue ── step ── engine/streamsql ── outputs: PutRecords,
//	                                                       │                          PutRecordBatch, Invoke
//	                                                 log of progress
//
// A feed reads an input by shardreader, a goroutine a shard. One goroutine, work, takes what has
// arrived and gives it to the engine as steps, and gives the rows of each step to the outputs, which
// send them in goroutines of their own. Queues are bounded in bytes, and whoever fills one waits.
//
// # Time
//
// The ROWTIME of a record is when it arrived in its stream, to a tenth of a second (slot), and never
// before that of a record that was taken earlier. (AWS has the time at which it takes a record in,
// which is the same while an application keeps up. By the time of arrival, windows are right also for
// what is taken in late: after a crash, a stop, or from TRIM_HORIZON.) Records of several shards are
// taken in the order of arrival. A window is closed when it is over, all shards are at their tips, and
// a moment has passed (toldSlack), with no further record; what becomes readable later than that
// belongs to the next window.
//
// # Once
//
// The engine is a function of its steps: which records it was given at what time. So what is written
// down is not rows but steps, as ranges of shards, in the log of progress:
//
//   - before the rows of a step go out, that step and all before it are durable;
//   - now and then, when all outputs have delivered what they were given, the engine's state is written
//     down with the positions of the inputs, and what is before that is removed;
//   - after a crash the state is read, and the steps since are taken again from the streams, which gives
//     the same rows with the same positions;
//   - how far each output is, is written down with the steps. Rows before that are not sent again.
//
// Between a row's delivery and the note of it there is a time, and a crash in it leaves rows of which
// nobody knows. A row that goes to a Kinesis stream has a name, which is its record's partition key: a
// hash of the state that made it, its output and its position. After a crash, and after a call whose
// outcome is unknown, the stream is read from the last note on, and the rows that are found are not sent
// again. So each row is in the stream once. Firehose and Lambda have nothing to look for rows by: those
// that were in flight at a crash may come twice, as they may on AWS.
//
// A function of an input is called again for records that are taken again, and must then say the same.
//
// # What is left out
//
// Flink and Studio applications, and what belongs to them (snapshots, VPCs, versions to roll back to).
// A delivery stream that reads a Kinesis stream is an input by that. Of one of the source DirectPut, an
// application reads what is put, which is kept for a day from its first reading on. Input
// parallelism spreads shards over the in-application streams; it is no matter of speed here. State survives
// a stop (AWS forgets it): an application that goes on at LAST_STOPPED_POINT goes on with its
// windows, unless its code is another.
package kinesisanalytics
