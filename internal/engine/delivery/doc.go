// Package delivery takes the records of a log shard into objects, each exactly once.
//
// A Pipeline reads one source shard. A Plan, which is a pure function of its version,
// makes rows of each record and says to which partition each belongs; rows gather in one
// buffer a partition, already encoded; a buffer is sealed into an object when it is large
// or old enough; objects are put, and the position moves. What a record means, what its
// partitions are called and in which format its rows are written is the plan's to know:
// package recordplan has Firehose's.
//
//	source -> route (Plan) -> encode (a buffer a partition) -> seal -> put -> Progress
//
// # Exactly once
//
// All that a pipeline remembers is one Progress document, changed by compare-and-swap:
//
//	Plan       version of the plan that everything from Watermark on is routed by
//	Watermark  all rows of the records before it are in objects
//	Flushed    partition -> its last row in an object, for partitions ahead of Watermark
//	Intents    the objects that are about to be put: partition, rows from..upto, key
//
// Objects go out in batches, one batch at a time. Before the first object of a batch is
// put its intents are durable; after the last one is put, one change of the document
// advances Flushed and Watermark and drops the intents (the intents of the next batch,
// if one is waiting, come in the same change, so that a busy pipeline pays one state
// write a batch). After a crash the pipeline reads again from Watermark and leaves out,
// by partition, what Flushed covers. A partition with an open intent is cut at the very
// same place and put under the very same key: the object is written over, not written
// twice. These things make that true; keep them:
//
//   - The rows of a record, their partitions and whether they can be encoded depend on
//     the record and the plan's version alone. A changed plan (another configuration,
//     another table schema) takes over only when all that was read is in objects and the
//     document is at rest.
//   - A row that its partition refuses goes to an error partition by way of the first.
//     So whenever a partition is sealed, the error partitions are sealed in the same
//     batch; else Flushed of the first could hide a refused row that is not durable.
//   - Which record is one partition too many depends on what is open at the moment, not on
//     the record. While such rows are buffered everything is sealed together (an
//     atomic batch), and after a crash the objects of an atomic batch are deleted and
//     their records done again. With everything sealed the watermark passes all of it.
//   - Until the open intents are done nothing else is sealed.
//
// # Bounds
//
// Buffers and waiting objects of all pipelines share a Budget of memory. Beyond it the
// largest buffer of the pipeline that adds moves to a temporary file. A few chunks of
// records and a few sealed batches may wait; then the reader waits. Rows that are larger than
// their records count: a chunk ends with the record that brings it over its bound.
//
// # Another producer of objects
//
// Whatever takes a log into objects uses this package with a plan of its own:
//
//   - Plan.Route adds the rows of a record, each with the name of its partition (any string
//     that does not begin with ErrorMark; the plan must be able to tell the object's place
//     from it), and rejects what it cannot route. What it found out on the way and the
//     encoder would find again goes with the row as its Note.
//   - Plan.Encoder starts an object of a partition. It gets the rows in the order of the log.
//     A format whose schema is that of its rows can gather them and write all in Close;
//     Buffered then tells the Budget what it holds.
//   - Plan.Name names an object, best by NewObjectID of the plan's version, the source, the
//     partition and the object's bounds: no two objects may have one name, and the same one
//     made again must have the same.
//   - Plans.Current keeps a plan where Pinned finds it (a document a version) before it
//     returns it. That is all that a producer has to store besides the Progress.
//   - Source is a shard of the log itself, or a reader of a stream by its API that keeps
//     positions; its records need ordered positions that are the same when read again.
//   - What must follow from an object, such as a partition in a catalog, is best done by an
//     Objects whose Put does it behind the object: the position moves only after it, and after a
//     crash it is done again. Events.Delivered may be left out by a crash.
//
// There is one pipeline a source shard: rows of two shards never meet in an object. The example
// of New is a whole producer.
package delivery
