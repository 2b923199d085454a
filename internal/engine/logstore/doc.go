// Package logstore keeps lines of text, each with a time, in groups of streams, and finds them again by time.
//
// A group is a shard of the log. What is put at once is a block: one record of the shard, whose key is the number of
// the stream (8 bytes, big endian) and whose data is
//
//	 0      1
//	+------+-------+-------+------------+--------------+--------+---------+
//	| form | lines | first | last-first | arrived-last | length | payload |
//	+------+-------+-------+------------+--------------+--------+---------+
//
// Form is 1 for a payload as it is, 2 for one compressed by Zstandard. Then come, as varints, the number of lines, the
// time of the first in milliseconds since 1970 (signed), how much later the last is, how much later than that the block
// arrived (signed), and the length of the payload when it is not compressed. The payload is, for each line in order of time, how much later it is than the one before, and its
// length, as varints, and behind all of these the texts, one after the other: so a term is looked for in all
// lines of a block at once.
//
// # Durability
//
// A put is one append to the shard: what it returned nil for is on disk, and an error means that nothing of it is
// or will be there.
//
// # Index
//
// Blocks are found by an index in memory: for each segment, about half a MiB of blocks that follow one another, the
// bounds of their times and the streams that are in it; and for each stream what there is of it. The index is a view of
// the log: it says up to which position it covers the shard, and catches up from there, by the heads of the blocks
// alone, behind puts and before every search. It is written to a file now and then, one a group, so that a start does not
// read everything; a file that is missing, torn or of a log that was cut off is recreated. Its size is about a
// ten-thousandth of the blocks.
//
// # Order
//
// A line has a Key: its time, and its place in the shard. Searches give lines in the order of keys, forwards or backwards,
// and go on from a key. A search holds at most what it returns, and the blocks that it looks at at the moment; it
// ends early, saying how far it is, when it has looked at enough.
//
// # Retention
//
// The shard forgets blocks by the age of their arrival. A line may be of up to Future later than its arrival, so a
// shard keeps blocks that much longer than the retention, and searches leave out lines that are older by their own time.
package logstore
