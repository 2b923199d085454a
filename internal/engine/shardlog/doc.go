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
