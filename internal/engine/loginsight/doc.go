// Package loginsight is the query language of CloudWatch Logs Insights: commands behind one another, with pipes
// between them.
//
//	fields @timestamp, status as s | filter s >= 500 and @message like /timeout/
//	| stats count(*) as n, pct(duration, 99) by bin(5m), host | sort n desc | limit 20
//
// The commands are fields, display, filter, stats, sort, limit (or head), parse (with a glob or a regular expression),
// dedup and unnest. Others are refused by name. SOURCE before them says what log groups are queried. Comments begin with #.
//
// Fields of an event are @timestamp, @message, @logStream, @log, @ptr and @ingestionTime; of an event that is a JSON object, the
// paths of its members (a.b.0.c); of what Lambda writes of invocations, @type, @requestId, @duration,
// @billedDuration, @memorySize, @maxMemoryUsed and @initDuration. Names with other characters than letters,
// digits, _, @ and dots are put between backquotes.
//
// # Functions
//
//	of numbers   abs ceil floor greatest least log sqrt, and + - * / % ^
//	of texts     strlen toupper tolower trim ltrim rtrim concat substr replace strcontains isempty isblank
//	of any value ispresent coalesce jsonparse jsonstringify unmask
//	of times     bin datefloor dateceil frommillis tomillis now
//	of addresses isvalidip isvalidipv4 isvalidipv6 isipinsubnet isipv4insubnet isipv6insubnet
//	of many      count count_distinct sum avg min max pct median stddev earliest latest sortsfirst sortslast (in stats)
//
// It is evaluated in Go, event by event, rather than in DuckDB: events come from compressed blocks, each with
// members of its own, and would have to be written out as a table for every query first.
//
// # Bounds
//
// A query keeps at most its limit of rows, and of each command MaxGroups groups and MaxBytes; beyond them it ends with
// ErrTooLarge. A text that a function makes has at most maxText bytes; one that would be longer is missing. Time is bounded by
// whoever runs it (Run.Within).
package loginsight
