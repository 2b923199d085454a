// Package sqs is Amazon Simple Queue Service: standard and FIFO queues, in its JSON and its query protocol.
//
// Messages are kept by engine/queue, which is what makes them durable and puts them in order. This
// package has the queues themselves:
//
//	sqs.queue  account, region, name  its attributes and tags, and the id that the engine knows it by
//	sqs.move   account, region, id    a task that moves the messages of a dead letter queue
//
// A queue's URL is the node's, then the account and the name. Of a URL that a client names, only these two
// count: the region is the request's.
//
// # What is stored only
//
// Encryption settings are kept and read back; what a node writes is as encrypted as its disk is. The
// throughput limit of FIFO queues has no effect, as there is none. A queue may be made again at once
// after its deletion, and purged again within a minute.
package sqs
