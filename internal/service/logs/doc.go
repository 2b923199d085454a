// Package logs is Amazon CloudWatch Logs.
//
// # Documents
//
//	logs.group         account, region, name           the group, with the id by which all else knows it
//	logs.stream        account, region, group id, name the stream, with its number in the store
//	logs.metricfilter  account, region, group id, name
//	logs.subscription  account, region, group id, name
//	logs.position      id of a filter                  how far the filter has read
//	logs.export        account, region, task id
//	logs.policy        account, region, name           resource policies
//	logs.querydef      account, region, id
//	logs.dead          group id                        a group whose removal has begun
//
// Lines are in engine/logstore, by the group's id: one shard a group, made by the first put, a filter or a tail. The id of
// a group and the number of a stream are random and never come again, so that a group or stream of the same name does not
// show what an earlier one had.
//
// # Filters
//
// A metric filter or a subscription is a document that a Runner works on: it reads the group's log from its position
// and writes the position down when the destination has taken what was before it. After a crash the last
// batch may be delivered again; none is left out.
//
// # What is left out
//
// Anomaly detectors, data protection, transformers, field indexes, deliveries of other services' logs, scheduled
// queries, lookup tables, imports and account-wide policies are refused by name, and so are destinations of other
// accounts. KMS keys are stored. Queries of Logs Insights are described in package loginsight; their
// results are in memory, so that a restart forgets them.
package logs
