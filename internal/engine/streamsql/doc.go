// Package streamsql compiles and runs applications of continuous SQL: streams, and pumps that
// select from streams into streams, in the language of SQLstream that Kinesis Data Analytics
// for SQL applications spoke.
//
// # Use
//
// Compile makes a Plan of an application's text and its sources. New makes an App of a plan.
// The owner of the App calls Apply with one Step after another: records of sources with the
// time at which they are taken in, or no records and a time alone, which closes windows. Apply
// returns the rows that came into the streams that are to be watched as outputs, in order.
//
//	plan, err := streamsql.Compile(code, sources, references)
//	app, err := streamsql.New(plan, streamsql.Options{Outputs: []string{"DESTINATION_SQL_STREAM"}})
//	result, err := app.Apply(streamsql.Step{Time: now, Batches: batches})
//	for _, out := range result.Outputs { // rows out.First, out.First+1, ... of out.Stream
//		line = out.Rows.AppendJSON(line[:0], 0)
//	}
//
// # Time
//
// An App has no clock. Step.Time is the ROWTIME of the step's records and the time up to which
// windows are closed by it; times that go backwards count as the time before. A window whose
// end is at or before Step.Time is closed before the records of the step are seen. Deadline
// says when the next window ends: the owner applies an empty step then, and so a minute closes
// without a further record. CURRENT_TIMESTAMP and its kin are Step.Time too. ROWTIME is given
// in a source's stream and kept by the rows that pumps make from it. The row of a closed group
// has the end of its window as ROWTIME, and so has the un-grouped ROWTIME in a grouped select:
// AWS's guide shows 11:01:00 for the minute from 11:00.
//
// A row whose window has been closed before (a pump may set ROWTIME) is not lost: it opens the
// window again, which closes with the step, and gives a further row of it.
//
// # Crashes
//
// An App is a function of its plan, its reference data and the steps applied to it: the same
// steps (times, and records in the same batches and order) give the same rows with the same
// positions, on any machine. Snapshot writes all state (open windows, the counters of output
// rows, random generators) with a text of the owner's, which is where its inputs stand; Restore
// reads it. An owner delivers each output row once by this rule:
//
//   - before the outputs of a step are delivered, the times and the input ranges of all steps
//     since the last snapshot are durable (steps without outputs need no write of their own);
//   - after a crash it restores the snapshot, applies those steps again, and does not deliver
//     rows whose position (Output.First and on, per stream) is below the count that it knows to
//     be delivered.
//
// # Bounds
//
// State (groups, rows of sliding windows and joins) has a limit in bytes, Options.StateLimit;
// a step that would pass it fails with ErrStateLimit, and the App must be restored from a
// snapshot, or dropped. Memory grows with groups, not with rows, but where a window has to
// know its rows (sliding windows, joins, DISTINCT). A Tap has a limit of its own, and drops.
//
// # Errors in records
//
// A record that cannot be decoded, a value that does not fit its column, and an expression
// that fails on a row (a division by zero, a number out of range) do not stop an application:
// a row about it goes to the stream error_stream (ErrorColumns), which can be an output like
// any other, and the row is skipped.
//
// An App is used by one goroutine at a time; a Tap may be read by another. Apply decodes the
// records of a large step on several cores.
package streamsql
