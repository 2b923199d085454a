// Package dynamodb is Amazon DynamoDB, and DynamoDB Streams, on the item store.
//
// # Documents
//
//	dynamodb.table   (account, region, name)   table: what was configured, its indexes, its
//	                                           streams and their shards
//	dynamodb.backup  (account, region, id)     backup
//	dynamodb.job     (account, region, id)     exportJob, importJob
//	dynamodb.left    (account, region, name, item store's ID)
//	                                           table that was deleted, of which its streams
//	                                           are left for a day
//
// Items are in the item store under the table's ID, a number that no other table ever has.
//
// # The way of a request
//
// A method of the SDK client's shape turns the SDK's values into those of package attr,
// checks them in DynamoDB's order (request, expressions, table, keys), and asks the item
// store. The hottest operations have a fast path besides, which reads the request's JSON
// straight into those values and writes stored items straight into the answer; it takes
// only what is sound, and leaves the wording of errors to the method.
//
// # Invariants
//
//   - What takes steps (a backfill, a deletion, a restore) is written into the document
//     first, can be done again from any step, and is resumed by Start.
//   - A table's definition in the item store follows its document: it is made of the
//     document whenever that changes, before the call that changed it returns.
//   - Indexes, local and global, are maintained in the write's own commit.
//
// # Left out
//
// Global tables (replicas) are refused by name, and none is ever found: one node serves one
// region's items.
package dynamodb
