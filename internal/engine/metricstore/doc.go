// Package metricstore keeps the samples of metrics, summed up by time, in one Pebble database.
//
// # Rollups
//
// A sample is added at once to one row of each resolution: a second (that at which its minute begins, if it does not ask
// for its own), a minute, five minutes and an hour. A row is a Summary: count, sum, least, greatest, and the distribution of the values while it is
// known. Rows are added to by Pebble's merges, so that a write reads nothing, and all rows of a Write are one batch of
// the WAL: a crash has all of it or nothing. A row of a minute is kept for 15 days, of five minutes for 63, of an hour
// for 455, of a second for three hours.
//
// # Guarantees
//
//   - A Write that returned is on disk.
//   - A Write that is done twice counts twice.
//   - Nothing is read that is older than its resolution is kept, to the second; its rows are removed by whole blocks of
//     time later.
//   - Memory does not grow with metrics, rows or time: a bounded cache knows the ids of metrics that are written to.
//
// # Distributions
//
// Up to 512 distinct values of a row are kept as they are, with their counts. Of more, neighbours become one, in steps of
// two percent of the value, or of four, eight and so on where that is still too many. Percentiles are exact to that. A
// row that a summary without its values was added to has no percentiles.
//
// # Format
//
// Keys begin with a byte for what they are. Numbers are big-endian, times are seconds of Unix time.
//
//	d resolution block id time unit   a row: resolution and unit are bytes, block the start of its block of time,
//	                                  time four bytes from there
//	e subject 0 time sequence         an event of a subject, see Append
//	s scope 0 namespace 0 name 0 (dimension 1 value 2)*   a metric: its id, and when it was last written to
//
// A block lasts an hour, a day, a week and thirty days for the four resolutions, so that what is too old goes by one
// deletion of a range.
package metricstore
