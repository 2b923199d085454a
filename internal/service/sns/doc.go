// Package sns is Amazon Simple Notification Service: topics, standard and FIFO, and their subscriptions of queues,
// functions, delivery streams and HTTP endpoints.
//
// Documents:
//
//	sns.topic         account, region, name        its attributes and tags, and the id of its outbox
//	sns.subscription  account, region, name, uuid  of the topic; its attributes, state, token, and the id of its outbox
//	sns.signing-key   id                           a key that signs messages, sealed, with its certificate
//
// # The way of a message
//
// What is published is checked, and is on disk in the outbox of its topic (a queue of engine/queue) before the call
// returns. The topic's worker copies it into the outboxes of the subscriptions whose filter policies match, in one
// batch, and removes it. The worker of a subscription delivers what its outbox has and removes what was taken; what
// failed waits in the outbox for its next attempt, so that neither a crash nor a restart forgets a message or how
// often it was tried. After the last attempt, or when the endpoint will never take it, a message goes to the
// dead-letter queue of the subscription's redrive policy, or is dropped and counted in the log.
//
// So a crash delivers some messages twice and loses none. A FIFO topic removes duplicates and keeps the order of each
// group by its outboxes, which are FIFO queues, and passes the deduplication id on.
//
// # Who may
//
// A topic's policy decides about other accounts and services, as authorize asks. What SNS does by itself it does as
// sns.amazonaws.com for the topic: the policies of queues and functions have to let it in; delivery streams are
// written as the subscription's role. Only the account of a topic can change or delete it, whatever its policy says.
//
// # Status of deliveries
//
// Where a topic has a role for it, a line about each message that was given up, and of the share of those that were taken
// that the topic names, goes into the log groups sns/REGION/ACCOUNT/NAME and sns/REGION/ACCOUNT/NAME/Failure, written as
// that role. Lines that cannot be written are counted by the logs, and hold nothing up.
//
// # What is left out
//
// E-mail subscriptions are stored and stay pending: nothing is sent. SMS, mobile push, archives with replay and data
// protection policies are refused by name. Encryption keys and tracing are stored only. An
// endpoint is not told that its subscription has ended.
package sns
