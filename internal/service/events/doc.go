// Package events is Amazon EventBridge: event buses, rules with event patterns and with schedules, and their targets.
//
// Documents:
//
//	events.bus     account, region, name             a bus; the default one has a document once something of it was set
//	events.rule    account, region, bus, name        a rule, and when its schedule is due next
//	events.archive account, region, name             an archive, and the id of its queue in the outbox store
//	events.replay  account, region, name             a replay, and how far it has come
//	events.target  account, region, bus, rule, id    a target of a rule, and the id of its outbox
//
// # The way of an event
//
// What PutEvents takes is matched at once against the enabled rules of its bus, and is on disk in the outbox (a queue of
// engine/queue) of each target of those that match before the call returns. An event that no rule wants is gone. The
// worker of a target delivers what its outbox has, as the target's document says then, and removes what was taken; what
// failed waits there for its next attempt, so that neither a crash nor a restart forgets an event or how often it was
// tried. So a crash delivers some events twice and loses none. After the last attempt, or when the target will never take
// it, an event goes to the dead-letter queue of the target, or is dropped and counted.
//
// A rule's schedule is a time in its document, the next at which it is due. When that has come the event goes into the
// outboxes, and then the document says the time after it: a crash between the two fires once more, with the same event
// id. Times that passed while the node was down are one event.
//
// An archive gets its events in the same batch as the outboxes. A replay puts those of a range of times into the outboxes
// again, with its name, some at a time, and then its document says how far it is: a crash between the two puts some twice.
//
// Another bus as a target takes the event as it is, once: an event that came so goes to no third bus.
//
// # Bounds
//
// Memory: maxDelivering bytes of events that are being delivered. Disk: an outbox with more than maxBacklog gives no event
// a second attempt, so that a target that fails costs as much at most; below the store's own limit of free space PutEvents
// answers InternalFailure for an entry.
//
// # Who may
//
// A bus's policy decides about other accounts. Targets with a role are reached as that role, which has to trust
// events.amazonaws.com; others as events.amazonaws.com for the rule, so that the policies of queues, topics, functions and
// log groups have to let it in, and buses of other accounts as the rule's account.
//
// # What is left out
//
// Targets besides queues, topics, functions, data streams, delivery streams, log groups and buses; connections, API
// destinations, global endpoints and partner event sources are refused by name. The key, the dead-letter
// queue and the logging of a bus are stored only.
package events
