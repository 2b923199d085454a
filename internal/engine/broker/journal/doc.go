// Package journal makes messages of many streams durable with one sync.
//
// A store that keeps a file for each stream needs a sync of each file that a batch of
// messages went to, and a sync costs the same whether it is for one message or a thousand.
// The journal takes all messages, of whatever stream, into one file, and all that wait
// share its sync. The store itself is then synced now and then, a whole segment of the
// journal at a time, and what it lost with the machine's power meanwhile is put back from
// the journal at the next start.
//
// # Segments
//
// The journal is a row of files of about the same size, named by their generation, 16 hex
// digits and ".wal". One is written to. When it is full, the next one is, and the streams
// whose messages the full one holds are synced (Options.Checkpoint); then it is used again
// under the name of a new generation. What stands in it is overwritten in place, which
// the file system makes durable without a change of its own records: that is half the
// cost of a sync. No generation is ever used twice.
//
// A segment is a row of entries, integers little-endian:
//
//	 0       4        8            16         24     32       34        36
//	+-------+--------+------------+----------+------+--------+---------+--------+---------+------+
//	| CRC   | length | generation | sequence | born | name n | subj. n | stream | subject | data |
//	+-------+--------+------------+----------+------+--------+---------+--------+---------+------+
//
// CRC is the CRC-32C of all that follows it, length that of the whole entry. Sequence is
// the message's in its stream, and born when the stream was made, in nanoseconds since
// 1970, which tells it from another one of its name. An entry without data is a mark: the
// store has synced everything of the stream up to the sequence.
//
// A segment ends where no entry of its generation with a valid CRC follows: what a torn
// write leaves, or what an older generation has left. Entries are written in the order of
// Append, and nothing is written before what came before it is durable, so that whatever
// was acknowledged stands before the end.
//
// A write that fails is cut off again, durably, before anybody is told, and what was appended
// behind it fails with it. So an error says that no start will find the entry, and whoever
// keeps an order of its own entries may give their places to others.
// Nothing more is let in until all who failed with it have been told.
//
// # Suspect segments
//
// A sync that succeeds after one that failed proves nothing: the system may have dropped what
// it could not write. So a segment is suspect once a sync of it has failed: it is not written
// to, synced, renamed or used again. The next segment begins with an entry, synced before
// anybody is told, that says where the suspect one ends: a cut, an entry of no stream, whose
// sequence is the generation and whose born is the offset. What stands in the suspect one
// before that was durable before. It is checkpointed at once, and its file is removed,
// durably, before the one with the cut may be used again.
//
// # Pieces
//
// A journal of appends holds pieces of messages that no store has yet (PieceSeq). Its
// checkpoint has the messages made and stored before it syncs them.
package journal
