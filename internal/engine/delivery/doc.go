// Package delivery takes the records of a log shard into objects, each exactly once.
//
// A Pipeline reads one source shard. A Plan, which is a pure function of its version,
// makes rows of each record and says to which partition each belongs; rows gather in one
// buffer a partition, already encoded; a buffer is sealed into an object when it is large
// or old enough; objects are put, and the position moves.
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
//     their records done anew. With everything sealed the watermark passes all of it.
//   - Until the open intents are done nothing else is sealed.
//
// # Bounds
//
// Buffers and waiting objects of all pipelines share a Budget of memory. Beyond it the
// largest buffer of the pipeline that adds moves to a temporary file. A few chunks of
// records and a few sealed batches may wait; then the reader waits.
package delivery
