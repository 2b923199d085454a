// Package logpattern is the filter pattern language of log events.
//
//	ERROR "access denied" -debug      all of these terms, none of those with a minus
//	?ERROR ?WARN                      any of these terms
//	%4\d\d%                           a regular expression
//	{ $.status = 5* && $.user.id IS NULL }   conditions on an event that is a JSON object
//	[ip, user, ..., status >= 500, size]     conditions on the fields of a line, which spaces separate
//
// Terms are found anywhere in a message, in the case in which they are written. Terms that are
// optional (?) count only where there are no others. An empty pattern matches everything.
//
// In JSON patterns a selector is a path: $.a.b, $.a[0], $.a[*] (any element), $['a b']. Comparisons are =, !=, <, <=, >
// and >=, with numbers, with texts in quotes or bare, in which * stands for anything, and with %regular
// expressions%; besides there are IS NULL, IS TRUE, IS FALSE, NOT EXISTS, EXISTS, &&, || and parentheses. A comparison
// with a member that is missing is false, != included.
//
// A line is cut into fields at white space; what is in quotes or in square brackets is one field. The line must
// have as many fields as the pattern, unless one of those is an ellipsis, which stands for any number.
package logpattern
