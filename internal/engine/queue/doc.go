// Package queue keeps the messages of queues, standard and FIFO, in one Pebble database.
//
// # Why Pebble and not the shard log
//
// A queue is read once, in an order that visibility timeouts change all the time, and what was read is
// removed one by one. A log would need an index of what is left beside it, in memory or in a database, and
// could free its space only up to the oldest message that nobody takes. Here a message, its place in the
// order of readiness and its deduplication are one batch of Pebble's WAL: a crash has all of it or
// nothing, writers wait together for one sync, and a message that waits costs disk alone.
//
// # Guarantees
//
//   - A Send, a Delete and a change of visibility that returned are on disk. So is what a duplicate was
//     answered for.
//   - A Receive of a FIFO queue is on disk when it returns. That of a standard queue is not waited for: after a
//     crash a message may come again before its timeout, and count one receive less.
//   - Messages of one group of a FIFO queue are received in the order of their sequence numbers; while any
//     of them is in flight, no other of the group is received.
//   - Moving messages between queues (dead letters, redrive) is atomic.
//   - Memory does not grow with the messages that wait: a queue keeps counts and a place to read from.
//
// # Format
//
// Keys begin with the queue's id, eight bytes, and a byte for what they are. Numbers are big-endian, times
// are milliseconds of Unix time.
//
//	b seq            a message
//	o group 0 seq    FIFO: a message in its group; the value is when its delay is over
//	q group          FIFO: the group's row below v, and its messages in flight
//	s seq            what receiving has done to a message
//	v time seq       standard: a message that is visible from that time on; FIFO: a group, by its
//	                 first message
//	x dedup          a deduplication id: until when, and whose
//	y time dedup     the same by the time at which it ends
package queue
