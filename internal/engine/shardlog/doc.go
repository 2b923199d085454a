// Package shardlog is a sharded, durable log.
//
// A shard is a row of frames: the records of all the appends that came together. A Position is
// the frame's sequence and the index of a record in it. On one machine frames are in packs,
// files that all shards share (package framestore), behind a journal of appends. In a cluster, and
// without such a journal, a shard is one JetStream stream with one subject, and a frame one message
// of it. Shards that had streams before there were packs keep them for life: below, a shard's
// home is its stream, or the packs.
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
//   - A frame is published to a stream with the sequence that this must end at for it to be
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
// A write for every shard that a put touches costs more than its bytes. So the
// journal is the log, and packs and streams are views of it that follow behind. A log with a
// journal of appends (Options.Journal) takes all appends below 128 KiB into that: those of all
// shards at one time share a write and a sync, and are durable, acknowledged and readable then,
// at positions in a frame that is still open in memory. A reader gets the frames that the
// shard's home has from there, and those behind them from memory: positions, times, Backlog and
// Info do not tell which.
//
// An open frame goes to its home when it has no room for another append (about 500 KiB), has been open for ten
// seconds (thirty if it has less than 16 KiB, or more than 256 shards have one), too much is held
// in memory (from 64 MiB on, with many shards from 384 KiB for each, up to 192 MiB, less what is
// under way already, the largest go; with 32 MiB more, appends wait until some have gone), a
// segment of the journal is to be used again, or something else needs it there: a trim, an append of 128 KiB or more, the end
// of the log. Such a large append goes there at once, and is durable with a sync of
// it; a shard does the one or the other at a time, and what comes behind one under way goes
// the same way.
//
// What is durable when:
//
//   - An append is durable with the journal's sync, and acknowledged then. One whose write to
//     the journal failed is told when it is certain that the journal does not have it, nor
//     anything of its shard that was given a later place (Journal.Append): the next one takes
//     its place. So an error other than a context's says that it is nowhere.
//   - A frame that has gone to its home is with the operating system; it is
//     durable there when that is synced. The entries of its appends stay in the journal until then: a
//     segment is used again when the packs have all frames that it has entries of and were
//     synced, and each stream so, too (checkpoint). That waits until others are full, more of them with many shards. A frame
//     knows the segment that has its first records: one of a later segment is not due, and grows on,
//     and nor is the sync of a home that has got but such frames since it was synced. So few
//     frames go for a segment's sake alone.
//     All shards in packs share a sync or two. Streams are synced at the same time, which the file system makes little more than one sync.
//   - A large append syncs its home, and with it all that went there before.
//   - Of a stream, or a pack, of which a sync has failed the journal keeps what it has, and takes no more when
//     it is full. A pack is written again elsewhere, from what it is known to hold; a stream is not synced again (journal.ErrSuspect) until the next start, which writes
//     its files to new ones. A large append under way is told that its outcome is unknown,
//     and its shard takes no more.
//
// At a start, before anything is served: a pack counts as far as what it holds is whole, and is synced. Where the power was lost, the broker cuts each stream
// off where its files are not what was written, from the first frame on that the journal has
// entries of; all before is synced. Then the frames of which the journal has appends and their
// home has nothing are made again, with the same positions, and go there behind, as
// before; those beyond what may gather in memory, and those that packs lack in the middle of a shard, go there at once. What a home has counts, whatever the journal has of that frame. The old segments
// are used again after the homes have them and are synced, so a kill or loss of power while that goes on finds the same again.
//
// At each boundary: what is killed before the journal's sync was told to nobody, and is there
// or not; between the sync and the frame's way home it is made from the journal;
// between its way home and the sync of that it is in both, and the home's counts if
// it is whole; after the sync it is at home. On a full disk the journal refuses
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
// # The catalog
//
// With a journal of appends a shard is an entry in a catalog, a JetStream KV bucket (catalog): its name, its number in
// the packs, its retention, and the first frame that is left of it in packs. What the packs have of numbers that the catalog
// has not is of deleted shards. Shards that were made without a journal are known by their streams.
//
// # Age
//
// Frames are removed by age as there is time, and readers do not wait for that:
// a frame that has passed its age is not served. What is removed by age alone is
// found again after a kill, to be removed again; so a change of the age writes down where the
// oldest frame was, in the catalog or the stream's metadata, and nothing before that is ever served.
// Trimming is written down in the catalog, and is durable in a stream itself. Packs keep
// the last frame of each shard, unseen, which tells where its sequence goes on.
//
// One Log at a time may write to a shard.
package shardlog
