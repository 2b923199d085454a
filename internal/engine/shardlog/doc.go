// Package shardlog is a sharded, durable log over JetStream.
//
// A shard is one JetStream stream with one subject. One message of it is a frame: the
// records of all the appends that came together. A Position is the
// frame's stream sequence and the index of a record in it.
//
// # Frames
//
// A frame is a header and its records, one after the other, integers little-endian:
//
//	 0        4        8        12       16
//	+--------+--------+--------+--------+
//	| "BMF1" | CRC    | count  | length |
//	+--------+--------+--------+--------+
//	| time, ms        | stamp           |
//	+-----------------+-----------------+
//	| records before  | bytes before    |
//	+-----------------+-----------------+
//	| record 0 | record 1 | ...         |
//
//	record:
//	 0       2         6
//	+-------+---------+-----+------+
//	| key n | data n  | key | data |
//	+-------+---------+-----+------+
//
// The first four bytes name the format and its version. CRC is the CRC-32C of all that
// follows it. Count is the number of records, at least one, and length the bytes of all
// of them, so that a frame is 48+length bytes, no more and no less. Time is when the
// records arrived, in milliseconds since 1970. Stamp is a random number that tells this
// frame from every other. The last two fields are the number of records, and of bytes of
// keys and data, that the shard was given before this frame: with the first and the last
// frame they tell how much a shard holds.
//
// Invariants:
//
//   - Time never decreases from a frame to the next one of its shard, whatever the clock
//     does.
//   - A frame is published with the sequence that the stream must end at for it to be
//     stored (Nats-Expected-Last-Sequence), so that publishing it again cannot store it
//     twice, and a late copy cannot be stored after a newer frame.
//   - A frame becomes readable when the server has acknowledged it and it is durable
//     (Durability), in sequence order, and not before. Frames of all shards that come at the
//     same time share a sync.
//   - No error is returned for an append while its frame may still be stored; one whose
//     outcome is unknown is published again until it is known.
//
// A frame that is torn, or has a byte that changed, fails its CRC or one of the lengths;
// nothing of it is served, readers get ErrCorrupt with its position and go on behind it.
//
// # Small appends
//
// A message to the server for every shard that a put touches costs more than its bytes. So
// a log with a journal of its own (Options.Journal) takes small appends into that: those of
// all shards at one time share a write and a sync, and are durable and readable then, at
// positions in a frame that is still open in memory. It goes to the shard's stream behind,
// as one message, when it is large (512 KiB), has been open for five seconds, too much is
// held in memory (64 MiB), a segment of the journal is to be used again, or something else
// needs it there: a trim, a large append, the end of the log. Large appends go to their
// streams at once; a shard does the one or the other at a time.
//
// What is durable when:
//
//   - A small append is durable with the journal's sync, and acknowledged then.
//   - An open frame that was sealed is published until it is in the stream and durable there
//     as any frame (Durability). Only then its entries in the journal may go.
//   - At a start, before anything is served, the frames of which the journal has appends and
//     the stream has nothing are made again from them, with the same positions, and
//     published. What the stream has counts, whatever the journal has of that frame.
//   - An append whose frame went to the stream without it, or whose write of the journal
//     failed, goes anew, and not before that frame is in the stream: then its entry in the
//     journal counts for nothing, and it cannot be there twice.
//
// Records of one frame can have arrived at several times, at most five seconds apart. Such a
// frame is of version 2: behind its records stand, for each part that arrived at another
// time, the index of its first record (4 bytes) and the time (8), and then the number of
// parts (4). The header's time is that of the last part. Age goes by frames: where the
// retention is changed, records of up to five seconds may come or go together.
//
// # Age
//
// The store removes frames by age as it finds the time, and readers do not wait for that:
// a frame that has passed its age is not served. What the store removes by age alone it
// finds again after a kill, to remove it again; so a change of the age writes down where the
// oldest frame was, in the stream's metadata, and nothing before that is ever served.
// Trimming is durable in the store itself.
//
// One Log at a time may write to a shard.
package shardlog
