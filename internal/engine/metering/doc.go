// Package metering gathers what the node's resources do, minute by minute, in memory.
//
// A service asks the Registry for the Resource of a stream, a function or a table, and adds samples of its measures as
// things happen. Once a minute someone takes what has been gathered (Take) and keeps it. A sample costs a lock that the
// resource alone has, and no allocation, so that puts do not wait for it. What has not been taken when the process is
// killed is lost.
//
// The Registry is a collector of Prometheus too: it shows count and sum of each measure since the resource was first
// used, with the dimensions as labels.
//
// # Bounds
//
// A registry has at most Limit resources; samples of others are dropped and counted (Dropped). A resource without samples
// for an hour is forgotten, and comes back with its next one. Of the values of a measure in a minute 64 are told apart.
//
// A nil Registry and a nil Resource take samples and do nothing.
package metering
