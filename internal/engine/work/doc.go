// Package work runs documents: what runs by itself (a delivery, an event source mapping, a
// pump, a crawl, a job, an expiry sweep) is a document in the state store, and a Runner is
// what makes it run.
//
//	documents ── list, watch ──> Runner ──> a worker a document: lease -> slot -> Run
//	                                             ^                                │
//	                                             └── wait: backoff, or RunAfter ──┘
//
// A service declares three functions (Hooks): whether a document asks to be run, whether a
// changed document needs another worker, and the work. The Runner does the rest:
//
//   - It starts a worker for each document that asks for one, at Start and when documents
//     are made or changed, by this process or another.
//   - It stops a worker when its document goes, changes or no longer asks, and when the
//     Runner is closed: the context of Run ends, its cause says why (ErrGone, ErrChanged,
//     ErrPaused, ErrClosed...), and nothing else is started for the key until Run has returned.
//   - An error or a panic of Run is reported, and Run is called again after a backoff that
//     doubles. RunAfter asks for another call later that is not a failure.
//   - Run returned nil: the work is done. It is not called again until the document
//     changes in a way that Hooks.Same does not call the same, or Wake is called, or the
//     process starts again and the document still asks.
//
// So what is to be resumed after a crash must be told by the document: Runs answers true
// until Run has written down that it is done.
//
// # Invariants
//
//   - At most one Run of a key at a time in this process, and only with a lease of the
//     Owner, whose epoch grows from one owner to the next.
//   - A Run sees the newest document that was known when it was called. A change that comes
//     later either ends its context or arrives by Job.Changed.
//   - Close returns when no Run, no part and no other goroutine of the Runner is left.
//   - A document that cannot be decoded is never taken for one that is gone: its worker is
//     stopped with ErrUndecodable, and Events.Undecodable and its Status say so.
//
// # Leases
//
// An Owner says which process may run a key. On one machine that is always this one
// (Mine). In a cluster a lease may be lost: the context then ends with ErrLeaseLost, and the
// worker waits for the lease again. A lease makes it unlikely that two processes
// run one key; what makes it harmless is the work's own compare-and-swap on its progress,
// with Job.Epoch in it where sequence alone does not tell.
//
// # Bounds
//
// A document that does not ask to be run costs nothing, one whose work is done costs an
// entry of a map, one that works or waits costs a goroutine. Options.Limit bounds how many
// Runs are under way; the others wait in the order in which they came.
package work
