// Package authorize decides about calls: it is the interceptor between the wire and the services that
// asks engine/policy whether a caller may do what it asks.
//
// What an operation needs (its actions, the ARNs of its resources, its condition keys) the operations of
// the services say themselves, as awswire.Operation; the policies that apply to a caller come from IAM,
// and those of a resource from the service that has it, both at every request, so that a change counts
// from the next request on. They are compiled once a text.
//
// # Modes
//
// Off lets everything through and looks at nothing. Log evaluates, lets everything through, and logs what
// would have been denied. Enforce denies, in AWS's words. In Log and Enforce every decision is noted:
// the newest by request, for Explain, and what each principal did, for LeastPolicy. Both are bounded and
// kept in memory alone.
//
// Callers choose the region that they sign for, and with it the partition of the ARNs of what they reach. Neither decisions
// here nor policy.Evaluate compare the partitions of ARNs: all are one.
//
// # Who is asked about
//
// A caller without a principal is the root of its account: a key of the configuration, or any key on an
// open node. Work that a service does by itself, for nobody, is the root's too. Work that it does as a
// role (Acting) is the role's, and what it does as itself (AsService) only the policy of a resource allows:
// such calls ask here by Allow, as they do not come through the wire.
package authorize
