// Package scan reads JSON and CBOR straight from the bytes of a request, a token at a time,
// and writes the heads of CBOR. It is what every decoder of the wire is made of: the generic
// codec, which knows the models, and the fast paths of services, which know one request.
//
//	s := scan.JSON{Data: body}
//	if err := s.Open('{'); err != nil {
//		return err
//	}
//	for first := true; ; first = false {
//		name, more, err := s.Member(first)
//		if err != nil || !more {
//			return err
//		}
//		switch string(name) { ... s.Text(), s.Number(), s.Skip()
//	}
//
// # Two ways to read a string
//
// Text takes any string, undoes its escapes and checks that it is UTF-8. Plain and Quoted
// take what clients send every day: Plain a string without escapes, Quoted whatever lies
// between two quotes, for base64, whose decoder finds what does not belong there. So it is
// with CBOR: Head and Bytes take all of RFC 8949 that requests have, Length and Plain items
// without tags and of one piece. A fast path that is told false leaves the request to the
// generic codec, which reads it again and says what is wrong with it, if anything is.
//
// # Bounds
//
// Nothing is allocated but for a string with escapes, one buffer a scanner, and for a CBOR
// string in pieces; neither is longer than its text. What is read is never taken on trust: a
// length is compared with what is left, and containers nest MaxDepth deep at most. All that
// is returned aliases the request or the scanner's buffer.
package scan

// MaxDepth is how deep containers may nest. DynamoDB's own limit is 32 levels of attribute, two
// containers a level, but it reads requests beyond it and tells what else is wrong with them.
const MaxDepth = 512
