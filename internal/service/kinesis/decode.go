package kinesis

import (
	"bytes"
	"unicode/utf8"

	"github.com/brookmere/brookmere/internal/awswire"
)

// The decoders of the fast paths take what clients send every day and give up on the rest
// (escapes in strings, members they do not know, values against the model), so that the
// generic codec words every error.

// decode reads a PutRecords request, or without batch a PutRecord request.
func (p *put) decode(proto awswire.Protocol, body []byte, batch bool) bool {
	switch proto {
	case awswire.JSON11, awswire.JSON10:
		p.base64 = true
		return p.decodeJSON(body, batch)
	case awswire.CBOR11:
		return p.decodeCBOR(body, batch)
	}
	return false
}

// seen keeps which members of an object have come, to give up on a second of a name.
type seen uint8

func (s *seen) first(bit uint8) bool {
	was := *s&(1<<bit) != 0
	*s |= 1 << bit
	return !was
}

func (p *put) decodeJSON(body []byte, batch bool) bool {
	s := jsonScanner{b: body}
	var have seen
	var one entry
	if !s.next('{') {
		return false
	}
	for {
		name, ok := s.text()
		if !ok || !s.next(':') {
			return false
		}
		switch string(name) {
		case "StreamName":
			p.name, ok = s.text()
			ok = ok && have.first(0) && isName(p.name)
		case "StreamARN":
			p.arn, ok = s.text()
			ok = ok && have.first(1) && isARN(p.arn)
		case "Records":
			ok = batch && have.first(2) && p.jsonRecords(&s)
		default:
			ok = !batch && p.jsonMember(&s, &one, name, &have)
		}
		if !ok {
			return false
		}
		if s.next(',') {
			continue
		}
		if !s.next('}') || !s.end() {
			return false
		}
		break
	}
	return p.complete(batch, one)
}

func (p *put) jsonRecords(s *jsonScanner) bool {
	if !s.next('[') {
		return false
	}
	for {
		if !s.next('{') || len(p.entries) == maxPutRecords {
			return false
		}
		p.entries = append(p.entries, entry{})
		e := &p.entries[len(p.entries)-1]
		var have seen
		for {
			name, ok := s.text()
			if !ok || !s.next(':') || !p.jsonMember(s, e, name, &have) {
				return false
			}
			if s.next(',') {
				continue
			}
			break
		}
		if !s.next('}') || e.data == nil || e.key == nil {
			return false
		}
		if s.next(',') {
			continue
		}
		return s.next(']')
	}
}

// jsonMember reads the value of a record's member.
func (p *put) jsonMember(s *jsonScanner, e *entry, name []byte, have *seen) (ok bool) {
	switch string(name) {
	case "Data":
		e.data, ok = s.quoted()
		return ok && have.first(3)
	case "PartitionKey":
		e.key, ok = s.text()
		return ok && have.first(4) && isPartitionKey(e.key)
	case "ExplicitHashKey":
		text, ok := s.text()
		return ok && have.first(5) && e.hash(text)
	case "SequenceNumberForOrdering":
		p.ordering, ok = s.text()
		return ok && p.single && have.first(6) && isOrdering(p.ordering)
	}
	return false
}

// complete says that the request has what it must.
func (p *put) complete(batch bool, one entry) bool {
	if !batch {
		if one.data == nil || one.key == nil {
			return false
		}
		p.entries = append(p.entries, one)
	}
	return len(p.entries) > 0
}

// hash reads an ExplicitHashKey.
func (e *entry) hash(number []byte) bool {
	k, err := parseHashKey(number)
	e.explicit, e.hasExplicit = k, true
	return err == nil
}

// isName says that a stream's name is of the model's pattern and length.
func isName(b []byte) bool {
	for _, c := range b {
		if !nameByte(c) {
			return false
		}
	}
	return len(b) >= 1 && len(b) <= 128
}

func nameByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '.' || c == '-'
}

// isARN says that the text is a stream's ARN of the usual form.
func isARN(b []byte) bool {
	rest, ok := bytes.CutPrefix(b, []byte("arn:aws"))
	if !ok || len(b) > 2048 {
		return false
	}
	i := bytes.IndexByte(rest, ':')
	if i < 0 {
		return false
	}
	if rest, ok = bytes.CutPrefix(rest[i:], []byte(":kinesis:")); !ok {
		return false
	}
	region, rest, ok1 := bytes.Cut(rest, []byte(":"))
	account, rest, ok2 := bytes.Cut(rest, []byte(":"))
	name, ok3 := bytes.CutPrefix(rest, []byte("stream/"))
	if !ok1 || !ok2 || !ok3 || len(account) != 12 || !isName(region) || !isName(name) {
		return false
	}
	for _, c := range account {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// isPartitionKey says that the key has surely no more characters than allowed.
func isPartitionKey(b []byte) bool { return len(b) >= 1 && len(b) <= maxPartitionKey }

// isOrdering says that a number is of the length of those given out, and surely of the
// model's pattern.
func isOrdering(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(b) == 56 && b[0] != '0'
}

// jsonScanner reads JSON text of the plain sort.
type jsonScanner struct {
	b []byte
	i int
}

// next skips white space and then c, if it is there.
func (s *jsonScanner) next(c byte) bool {
	for s.i < len(s.b) {
		switch got := s.b[s.i]; got {
		case c:
			s.i++
			return true
		case ' ', '\t', '\n', '\r':
			s.i++
		default:
			return false
		}
	}
	return false
}

// end says that only white space is left.
func (s *jsonScanner) end() bool {
	for _, c := range s.b[s.i:] {
		if c != ' ' && c != '\t' && c != '\n' && c != '\r' {
			return false
		}
	}
	return true
}

// quoted reads a string and returns what lies between its quotes, unchecked: what has no
// place in base64 must be found when that is decoded.
func (s *jsonScanner) quoted() ([]byte, bool) {
	if !s.next('"') {
		return nil, false
	}
	n := bytes.IndexByte(s.b[s.i:], '"')
	if n < 0 {
		return nil, false
	}
	text := s.b[s.i : s.i+n : s.i+n]
	s.i += n + 1
	return text, true
}

// text reads a string that has no escapes.
func (s *jsonScanner) text() ([]byte, bool) {
	if !s.next('"') {
		return nil, false
	}
	ascii := true
	for i := s.i; i < len(s.b); i++ {
		switch c := s.b[i]; {
		case c == '"':
			text := s.b[s.i:i:i]
			s.i = i + 1
			return text, ascii || utf8.Valid(text)
		case c == '\\' || c < ' ':
			return nil, false
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return nil, false
}
