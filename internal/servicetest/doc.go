// Package servicetest runs a service by files of calls and of what they are answered: one harness
// for all services, with documents on disk, a clock that the file moves, and restarts.
//
// A file is a list of steps, each with what it yields behind a line of four dashes, up to an
// empty line. Lines that begin with # are comments.
//
//	# A name is taken once.
//	op CreateDatabase {"DatabaseInput": {"Name": "a"}}
//	----
//	{}
//
//	op CreateDatabase {"DatabaseInput": {"Name": "a"}}
//	----
//	400 AlreadyExistsException: Database already exists.
//
// The steps:
//
//	op NAME {input}       call an operation; the input is JSON by the member names of the API
//	as ACCOUNT [REGION]   who calls from here on; 000000000000 in us-east-1 at first
//	advance DURATION      move the clock, as "90s" or "24h"
//	restart               close the service, its documents and its log, and open them again
//	kill                  the same without closing the service, which must need no goodbye
//	wait NAME PATH VALUE {input}   call an operation until a member of its answer has a value
//	save NAME PATH        keep a member of the last answer, "Tables.0.Id", as $NAME for later inputs
//
// The files of a service say how a fake of it must behave too: RunFake runs them against the fake
// that a neighbour's tests use, and so the fake cannot drift from the service.
//
// Answers are JSON with the members in order. What differs from run to run (ids, tokens) is named
// by save, and printed as its name from then on; times are of the clock, which starts at
// 2024-05-06 07:08:09 UTC. go test -update rewrites the files from what is answered: review the
// difference like code.
//
// Turns runs the same files against two services on one broker, as two nodes have them.
package servicetest
