// Package lambda is AWS Lambda over the engine of functions (engine/function).
//
// Documents, by account, region and name:
//
//	lambda.function   a function: the configuration of $LATEST, aliases, policies, settings, tags
//	lambda.version    a published version, by function and number; never changed
//	lambda.layer      a version of a layer, by name and number
//	lambda.mapping    an event source mapping, by UUID
//	lambda.position   how far a mapping has come in its stream, by UUID
//	lambda.claim      which mapping a source and a function have, by the digest of both
//	lambda.async      how far asynchronous invocations have come, in the log of all and in those of functions
//
// Packages lie in the engine, by their digest. Asynchronous events are records of the shard
// lambda/events of the log; of a function that has many which wait, of a shard of its own below it.
//
// A synchronous invocation goes from the API to an instance and back. An asynchronous one is
// accepted when it is durable in the log, and is done when its success, or the end of its
// attempts, is written down: after a crash it may run again, and is never lost. The runner
// of mappings (worker) calls functions with batches of a stream, and writes down a position
// when the function, or the failure destination, has what is before it.
//
// Invariants: a version's configuration and code never change; an alias names versions that
// are there; whatever changes what an instance runs gives the function another build, so that
// no instance of the one before takes an invocation that came after.
//
// Left out: container images, extensions, file systems, SnapStart's snapshots, code signing,
// durable executions, capacity providers, tenants. They are refused by name. VPC, tracing, KMS
// and provisioned concurrency are stored: nothing acts on them.
package lambda
