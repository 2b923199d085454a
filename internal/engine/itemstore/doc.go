// Package itemstore keeps the items of tables, with their secondary indexes and their
// change feeds, in one Pebble database.
//
// # Why Pebble's own log
//
// A table could be a view of a log of its own (append to the log, apply to Pebble with its
// WAL off, replay after a crash). Here it is not: one batch in Pebble's WAL holds an item,
// its index entries, its change record and, in a transaction, all of the items, so that a
// crash has all of it or nothing, with nothing to replay but Pebble's own WAL. Measured on
// two cores, 64 writers of one 400-byte record each, every one synced: Pebble acknowledges
// several times what appends of single records to the shard log do, since a shard's frame
// costs a message of the broker. The change feed is rows of the same database; what copies it
// elsewhere reads it like any consumer.
//
// # Guarantees
//
//   - A write that returned is on disk. Writes wait together for one sync of the WAL.
//   - A writer holds the locks of its keys from the read of the old items to the
//     application of the batch, not while it waits for the sync. So conditions of writers
//     of one key are evaluated one after the other, each on the result of the one before,
//     and a hot key is not held up by the disk. What is applied and not yet synced is
//     answered to nobody: a read of the key, and a condition that failed on it, wait for
//     the sync.
//   - An item that was read a moment ago is read from memory (hot.go), up to 4 MiB of them.
//     It is never older than what the database has.
//   - Write of several operations is atomic and isolated: all keys are locked, in one order.
//   - Change records of one key are in the order of its changes. A reader of the feed sees
//     records only below a mark under which all are synced: it never skips one.
//
// # Format
//
// Keys of the database begin with a byte for what they are, then the table's ID, in eight
// bytes. Numbers are big-endian.
//
//	't' table index(2) hash(4) key...   a row of a table (index 0) or of an index. hash
//	                                    spreads partition keys, so that segments of a
//	                                    parallel scan are ranges; key is the codes (package
//	                                    attr) of the partition key, the sort key and, in an
//	                                    index, of the table's keys, attribute by attribute. The value is the item,
//	                                    or what is projected of it, in its stored form.
//	't' table FFFF time(8) key...       an item that expires, by its time in seconds
//	'f' table sequence(8)               a change record (feed.go)
//	'm' table                           the last sequence number that was trimmed away
//	'c' table                           counts (counts.go)
//	'i' token                           an idempotency token: time(8), digest
package itemstore
