// Package vtl runs templates in the Velocity Template Language, the language of API Gateway's
// mapping templates, as Velocity 1.7 does: the same output to the byte, blanks and line ends
// included.
//
// # The language
//
// References ($x, $!x, ${x}, $x.y, $x.f(1), $x[0], $x["k"]), #set, #if / #elseif / #else, #foreach
// with $foreach and $velocityCount, #break, #stop, #macro, #define, comments, #[[literal text]]#,
// escapes by a backslash. #include, #parse and #evaluate are refused: a template reads nothing
// but what it was given.
//
// A reference to what is not there prints its own source, $x; the quiet form $!x prints nothing.
// A value that is null cannot be assigned: #set leaves the variable as it was. Arithmetic on what
// is not a number, and a division by zero, are null.
//
// testdata/velocity has templates with what Velocity 1.7 made of them, and the program that
// recorded it. Where Java is, TestRandomAsReference compares drawn templates and JSON paths with
// the real Velocity and JsonPath. Known differences, all of them accidents of Velocity's lexer:
// it drops a lone "$" right before a directive, a lone "#" before blanks and #set, and the [0] of
// $x.y()z[0]; it cannot parse a "$" at the very end, #word ( that no ) closes, and a "[" before a
// directive on a line behind a method's call. All of that is text here. What leads to an object's
// class is null.
//
// # Values
//
//	null, bool, string   nil, bool, string
//	Integer, Long        int32, int64; results that do not fit become the next larger
//	BigInteger           *big.Int
//	Double               float64
//	List, Map            *List, *Map (in the order of insertion)
//	other objects        Object, which says what its properties and methods are
//
// Strings, lists, maps and numbers have the methods of their Java classes that templates use;
// there is no other way to an object, a class or the system.
//
// # Bounds
//
// A run ends with ErrLimit when it has taken Options.Steps steps, made Options.Bytes bytes of
// output and values, or nests deeper than Options.Depth, and with the context's error when that
// ends. A template is bounded by Parse: MaxSource bytes, and nesting as of a run.
package vtl
