// Package brookmeretest runs Brookmere nodes for Go tests: the AWS streaming-data stack on a free port of this
// machine, with a client configuration ready to use.
//
//	func TestPipeline(t *testing.T) {
//		node := brookmeretest.Start(t)
//		streams := kinesis.NewFromConfig(node.Config())
//		...
//	}
//
// A node keeps nothing: its data is in a temporary directory that is removed with it. It ends with the test, whose
// log shows what the node warned of if the test failed.
//
// # One node for many tests
//
// A node starts in a fraction of a second. Where that is too long, Shared gives each test an account of its own on one
// node of the test process. Accounts see nothing of each other, so tests may run in parallel, and may use the same
// names, but for those of S3 buckets, which are global as on AWS. Shared needs Main:
//
//	func TestMain(m *testing.M) { brookmeretest.Main(m) }
//
// # In the process, or beside it
//
// A node runs in the test process. That links all of Brookmere into the test binary, DuckDB included: it needs a C compiler, and
// about as much time and space as Brookmere itself. FromBinary runs a separate program instead, of which the test
// process can be rid when it crashes. With Main, queries (Athena) run in a process of their own, as they do in the program;
// without it they run in the test process.
//
// # Time
//
// With Clock("offset") or Clock("frozen") a test moves the node's time with Advance: retention, expiry of iterators and
// items, windows and buffering intervals obey, without a sleep.
package brookmeretest
