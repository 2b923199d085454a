// Package shardreader is the one consumer of a stream: of Kinesis through the methods of its
// API (our service in this process, or the SDK's client), of a DynamoDB stream through
// those of that one.
//
//	Stream (Kinesis, DynamoDB) ── Look: shards, lineage ──> a cursor a shard ──┬─> Poll: batches in turn
//	                                                                           └─> Run: a goroutine a shard
//
// A Reader knows which shards are to be read now, where in each it is, and when to ask
// again. It is used in one of two ways: Poll and Next give the batches of all shards, one
// after the other, to one goroutine; Run calls a function for each shard, in a goroutine
// of its own, which takes batches by Shard.Next and keeps positions by Shard.Commit.
//
// # Order and lineage
//
// The records of a shard come in their order, each once for each time that the shard is read
// from a place. A shard is begun when its parents have been read to their ends (with
// Run: when the functions of its parents have returned after that), so the records of a
// partition key keep their order over splits and merges. A parent that is not in the
// stream any more is not waited for. A shard that was begun before a restart goes on
// whatever its parents do.
//
// # Where reading begins
//
// At the first look each shard that there is gets a Place by Options.Start: at its oldest
// record, at a time, or (Latest) behind its newest, where shards that are closed already
// are left out. Shards that come later are read from their oldest record. Positions, when
// they are kept, hold all of that: a Reader that is restarted with them misses nothing,
// also of a shard that had no record yet.
//
// After a restart a cursor asks for the record that it had read last, and is sure of its
// place when it gets it. When it does not, records have been lost to the stream's
// retention: Events.Lost says so, and reading goes on with the oldest there is.
//
// # A stream of the same name
//
// A stream that is deleted and created again is another one. Its creation time (for DynamoDB:
// its label) tells; Events.Recreated says so, places are forgotten and all of the new stream
// is read.
//
// # Waiting
//
// A shard at its tip is asked again after a pause that keeps within the API's five reads a
// second and grows to Options.IdleWait. A Stream that is also a Waiter reports when a shard has
// more, and is asked at once then. With a Pusher, Run asks for nothing: records are pushed
// (enhanced fan-out).
//
// Iterators that have expired, and calls that are throttled or fail, are tried again with a
// backoff; Events.Failed tells of the others than throttling. Next and Run end with their
// context, with an error of the position store, and Run with an error of its function.
//
// # Bounds
//
// One Poll brings about ReadBytes, one read of the API at most (10 MiB). Run holds about
// MaxBytes of records that its functions have not come back from, over all shards.
package shardreader
