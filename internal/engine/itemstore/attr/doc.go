// Package attr is DynamoDB's attribute values: their types, numbers of 38 digits, sizes,
// comparison, the form in which items are stored, the order-preserving code of keys, and
// their JSON form.
//
// # Stored form
//
// An item is the number of its attributes, then name and value of each, in the order of
// the names. Numbers of things and lengths are unsigned varints.
//
//	item   := count { length name value }
//	value  := tag payload
//
//	'S' string, 'B' binary, 'N' number       length bytes (a number in its plain form)
//	'T' true, 'F' false, '0' null            nothing
//	'L' list                                 count { value }
//	'M' map                                  count { length name value }
//	's', 'b', 'n' sets                       count { length bytes }
//
// # Key code
//
// The code of a key attribute sorts, byte by byte, as DynamoDB sorts the values, and is
// never a prefix of that of another value:
//
//	string, binary  the bytes, each 00 as 00 FF, then 00 01
//	number          sign (40 negative, 80 zero, C0 positive); two bytes of exponent;
//	                pairs of digits, each plus one; 00. A negative number has everything
//	                after the sign complemented.
package attr
