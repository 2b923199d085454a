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
//   - A record becomes readable when it is durable, in the order of positions, and not before.
//     Appends to all shards that come at the same time share a sync.
//   - No error is returned for an append while its frame may still be stored; one whose
//     outcome is unknown is published again until it is known.
//
// A frame that is torn, or has a byte that changed, fails its CRC or one of the lengths;
// nothing of it is served, readers get ErrCorrupt with its position and go on behind it.
//
// # The journal of appends
//
// A message to the server for every shard that a put touches costs more than its bytes. So the
// journal is the log, and the shards' streams are views of it that follow behind. A log with a
// journal of appends (Options.Journal) takes all appends below 128 KiB into that: those of all
// shards at one time share a write and a sync, and are durable, acknowledged and readable then,
// at positions in a frame that is still open in memory. A reader gets the frames that its
// shard's stream has from there, and those behind them from memory: positions, times, Backlog and
// Info do not tell which.
//
// An open frame goes to the stream, as one message, when it has no room for another append (about 500 KiB), has been open for ten
// seconds (thirty if it has less than 16 KiB, or more than 256 shards have one), too much is held
// in memory (from 64 MiB on, with many shards from 384 KiB for each, up to 192 MiB, less what is
// under way already, the largest go; with 32 MiB more, appends wait until some have gone), a
// segment of the journal is to be used again, or something else needs it there: a trim, an append of 128 KiB or more, the end
// of the log. Such a large append goes to its stream at once, and is durable with a sync of
// that; a shard does the one or the other at a time, and what comes behind one under way goes
// the same way.
//
// What is durable when:
//
//   - An append is durable with the journal's sync, and acknowledged then. One whose write to
//     the journal failed is told when it is certain that the journal does not have it, nor
//     anything of its shard that was given a later place (Journal.Append): the next one takes
//     its place. So an error other than a context's says that it is nowhere.
//   - A frame that has gone to its stream is with the operating system; in the stream it is
//     durable when that is synced. The entries of its appends stay in the journal until then: a
//     segment is used again when each stream that it has entries of has all of them and was
//     synced (checkpoint). That waits until others are full, more of them with many shards. A frame
//     knows the segment that has its first records: one of a later segment is not due, and grows on,
//     and nor is the sync of a stream that has got but such frames since it was synced. So few
//     frames go for a segment's sake alone.
//     Streams are synced at the same time, which the file system makes little more than one sync.
//   - A large append syncs its stream, and with it all that went there before.
//   - A stream of which a sync has failed is not synced again (journal.ErrSuspect): the journal
//     keeps what it has of it, and takes no more when it is full, until the next start, which writes
//     the stream's files to new ones. A large append under way is told that its outcome is unknown,
//     and its shard takes no more.
//
// At a start, before anything is served: where the power was lost, the broker cuts each stream
// off where its files are not what was written, from the first frame on that the journal has
// entries of; all before is synced. Then the frames of which the journal has appends and the
// stream has nothing are made again, with the same positions, and go to the stream behind, as
// before; those beyond what may gather in memory go there at once. What the stream has counts, whatever the journal has of that frame. The old segments
// are used again after the streams have them and are synced, so a kill or loss of power while that goes on finds the same again.
//
// At each boundary: what is killed before the journal's sync was told to nobody, and is there
// or not; between the sync and the frame's way to the stream it is made from the journal;
// between the stream's acknowledgement and its sync it is in both, and the stream's counts if
// it is whole; after the sync it is in the stream. On a full disk the journal refuses
// (ErrFull), and frames wait in memory until there is space: reads go on.
//
// The journal takes 512 MiB at most with many shards, 64 MiB with few, and what is under way.
//
// Records of one frame can have arrived at several times, at most thirty seconds apart. Such a
// frame is of version 2: behind its records stand, for each part that arrived at another
// time, the index of its first record (4 bytes) and the time (8), and then the number of
// parts (4). The header's time is that of the last part. Age goes by records; where the
// retention is changed, it goes by frames: records of up to thirty seconds may come or go
// together.
//
// The server holds what stands in the file of a stream that it appends to, up to 4 MiB, until
// nothing was written to it for ten seconds, or the next file is begun; to go on after that it reads the
// file again. So a shard that is written to all the time takes that much memory, besides its open frame.
//
// # Shards without streams
//
// A stream costs the server files, a goroutine and memory. With a journal of appends a shard
// is an entry in a catalog, a JetStream KV bucket (catalog), and its stream is made when the
// first frame is to go there. Shards that were made without a journal are known by their
// streams.
//
// That is put off while more than 256 shards have appends that no stream has: what one without
// a stream holds, if it is less than 4 KiB of at most thirty seconds, then rests in the journal
// and in memory however old it gets, over a close of the log and a start, until it becomes more
// or memory runs short. Before a segment of the journal is used again, the frames that rest of
// which it has entries are written into the journal once more, each as one entry with the
// sequence of its first, which stands for all entries of that frame before: up to an eighth of
// the segment's size; the others go to streams. So thousands of shards that got something once
// cost no streams. Bytes that have passed their age rest as others do, unseen.
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
