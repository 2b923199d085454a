package kinesis

import (
	"bytes"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/awswire/scan"
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
	s := scan.JSON{Data: body}
	var have seen
	var one entry
	if s.Open('{') != nil {
		return false
	}
	for first := true; ; first = false {
		name, more, err := s.Member(first)
		if err != nil {
			return false
		}
		if !more {
			return s.End() && p.complete(batch, one)
		}
		var ok bool
		switch string(name) {
		case "StreamName":
			p.name, ok = s.Plain()
			ok = ok && have.first(0) && isName(p.name)
		case "StreamARN":
			p.arn, ok = s.Plain()
			ok = ok && have.first(1) && isARN(p.arn)
		case "Records":
			ok = batch && have.first(2) && p.jsonRecords(&s)
		default:
			ok = !batch && p.jsonMember(&s, &one, name, &have)
		}
		if !ok {
			return false
		}
	}
}

func (p *put) jsonRecords(s *scan.JSON) bool {
	if s.Open('[') != nil {
		return false
	}
	for first := true; ; first = false {
		if more, err := s.Element(first); err != nil || !more {
			return err == nil
		}
		if len(p.entries) == maxPutRecords || s.Open('{') != nil {
			return false
		}
		p.entries = append(p.entries, entry{})
		e := &p.entries[len(p.entries)-1]
		var have seen
		for first := true; ; first = false {
			name, more, err := s.Member(first)
			if err != nil {
				return false
			}
			if !more {
				break
			}
			if !p.jsonMember(s, e, name, &have) {
				return false
			}
		}
		if e.data == nil || e.key == nil {
			return false
		}
	}
}

// jsonMember reads the value of a record's member.
func (p *put) jsonMember(s *scan.JSON, e *entry, name []byte, have *seen) (ok bool) {
	switch string(name) {
	case "Data":
		e.data, ok = s.Quoted()
		return ok && have.first(3)
	case "PartitionKey":
		e.key, ok = s.Plain()
		return ok && have.first(4) && isPartitionKey(e.key)
	case "ExplicitHashKey":
		text, ok := s.Plain()
		return ok && have.first(5) && e.hash(text)
	case "SequenceNumberForOrdering":
		p.ordering, ok = s.Plain()
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

// decodeData decodes the base64 that lies between the quotes of a JSON string. Slashes may
// be escaped in it, as PHP does.
func decodeData(dst, src []byte) (n int, ok bool) {
	if n, ok = scan.DecodeBase64(dst, src); ok {
		return n, ok
	}
	return scan.DecodeBase64(dst, bytes.ReplaceAll(src, []byte(`\/`), []byte("/")))
}
