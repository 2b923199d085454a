// Package framestore keeps the frames of many shards in files that they share.
//
// A file for each shard costs a file to sync, to open and to hold in memory for each. Here a frame of any
// shard is appended to the one file that is written to, a pack, and one sync makes all of them durable. What makes
// appends durable at once is a journal in front of the store: frames come here behind it, and a segment of the journal
// is used again after a Sync.
//
// # Packs
//
// A pack is named by its number, 16 hex digits and ".pack". Numbers ascend; a pack has a random id besides, which tells
// it from another one of its number. It has a header, entries, and, when it takes no more, a footer. Integers are little-endian:
//
//	 0             8        16       24     28     32
//	+-------------+--------+--------+------+------+
//	| "BMPACK1\n" | id     | number | CRC  | 0    |
//	+-------------+--------+--------+------+------+
//
//	entry, at a multiple of 8:
//	 0        4      8       16         24       32       36     40
//	+--------+------+-------+----------+--------+--------+------+-------+
//	| "BMP1" | CRC  | shard | sequence | ms     | length | 0    | frame |
//	+--------+------+-------+----------+--------+--------+------+-------+
//
//	footer, at a multiple of 8:
//	+-------+-----+------+-----+---------+
//	| run 0 | ... | ref 0 | ... | trailer |
//	+-------+-----+------+-----+---------+
//
//	run:                                                   ref:
//	 0       8       16      24      32      36     40      0          4        8    16
//	+-------+-------+-------+-------+-------+------+       +----------+--------+----+
//	| shard | first | ms    | bytes | count | ref  |       | offset/8 | length | ms |
//	+-------+-------+-------+-------+-------+------+       +----------+--------+----+
//
//	trailer:
//	 0             8    16       24          32     36     40  44    48
//	+-------------+----+--------+-----------+------+------+---+-----+
//	| "BMPEND1\n" | id | number | footer at | runs | refs | 0 | CRC |
//	+-------------+----+--------+-----------+------+------+---+-----+
//
// CRC is CRC-32C. That of the header is over the 24 bytes before it. That of an entry is over the id of the pack, the entry's offset, both 8
// bytes, and the entry's header from shard on: no user knows the id, so nothing within a frame passes for an entry. The frame
// has a checksum of its own (Options.Verify). That of the trailer is over all of the footer before it. Ms is when the
// last record arrived, in milliseconds since 1970; a run's is the latest of its frames. A run is a row of frames of one shard
// without a hole, and ref the index of its first one's ref. Runs are sorted by shard and sequence.
//
// # What holds
//
//   - A footer is written when all entries that it names are durable. So a valid one proves that they are, and what it does not name is not there.
//   - In a pack without a valid footer an entry counts if its header is valid and its frame verifies. Behind anything else the scan goes on
//     at the next valid header.
//   - Of two entries of the same shard and sequence, that of the higher pack counts, then that of the higher offset.
//   - A write that fails leaves the end of the pack where it was: the next entry is written over it.
//   - Only a pack that this Store has created is appended to. Those of the run before are scanned if need be, synced and sealed.
//   - Copies of frames are durable before the index refers to them, and it does so before the file that they come from is removed. After
//     a kill at any point both are there, or the copies.
//
// What was trimmed or dropped is gone from memory only, until its pack is removed: at the next start it may be there again.
// The owner of the shards has written down where each begins (Attach) and which there are (Sweep). Frames that have
// expired come back likewise, to expire again.
//
// # Last frames
//
// The last frame of a shard says where its sequence goes on. It is kept, and moved by compaction, also when
// it was trimmed or has expired; then Last returns it and Read does not.
//
// # Suspect packs
//
// A sync that succeeds after one that has failed proves nothing: the system may have dropped what it could not write. So a
// pack of which a sync has failed is suspect: it takes no more, and is renamed to ".suspect", for a start after a kill. What
// was not synced of it is read, verified and copied to the active pack, and that one is synced. Then the suspect one is
// removed, or sealed without those frames under its old name, where it has others. Sync does that at once, and returns ErrSuspect
// if it does not succeed, until it does. Where a frame does not verify any more it cannot, until the next start,
// which takes what verifies; the journal has the others. At a start nothing of a suspect pack counts as durable.
// Packs of which the names could not be made durable are suspect too.
//
// # Memory
//
// The index has a run for each shard and pack, 32 bytes, and nothing for each frame: refs are read from the footer. Those of packs without
// one are in memory. Where a run was cut by a trim, how much of its pack is left is estimated.
//
// # Other files
//
// A file with neither a valid header nor a valid footer is what a loss of power leaves of a pack of which nothing was
// durable, if it is the newest and nothing in it looks like an entry: it is removed. Otherwise it is kept under a name that ends in ".damaged",
// and reported.
package framestore
