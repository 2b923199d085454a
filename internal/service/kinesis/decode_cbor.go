package kinesis

import "github.com/brookmere/brookmere/internal/awswire/scan"

func (p *put) decodeCBOR(body []byte, batch bool) bool {
	s := scan.CBOR{Data: body}
	var have seen
	var one entry
	members, ok := s.Length(scan.Map)
	if !ok {
		return false
	}
	for s.More(&members) {
		name, ok := s.PlainName()
		if !ok {
			return false
		}
		switch string(name) {
		case "StreamName":
			p.name, ok = s.PlainText()
			ok = ok && have.first(0) && isName(p.name)
		case "StreamARN":
			p.arn, ok = s.PlainText()
			ok = ok && have.first(1) && isARN(p.arn)
		case "Records":
			ok = batch && have.first(2) && p.cborRecords(&s)
		default:
			ok = !batch && p.cborMember(&s, &one, name, &have)
		}
		if !ok {
			return false
		}
	}
	return s.End() && p.complete(batch, one)
}

func (p *put) cborRecords(s *scan.CBOR) bool {
	records, ok := s.Length(scan.Array)
	if !ok {
		return false
	}
	for s.More(&records) {
		members, ok := s.Length(scan.Map)
		if !ok || len(p.entries) == maxPutRecords {
			return false
		}
		p.entries = append(p.entries, entry{})
		e := &p.entries[len(p.entries)-1]
		var have seen
		for s.More(&members) {
			name, ok := s.PlainName()
			if !ok || !p.cborMember(s, e, name, &have) {
				return false
			}
		}
		if e.data == nil || e.key == nil {
			return false
		}
	}
	return true
}

func (p *put) cborMember(s *scan.CBOR, e *entry, name []byte, have *seen) (ok bool) {
	switch string(name) {
	case "Data":
		e.data, ok = s.Plain(scan.Bytes)
		return ok && have.first(3)
	case "PartitionKey":
		e.key, ok = s.PlainText()
		return ok && have.first(4) && isPartitionKey(e.key)
	case "ExplicitHashKey":
		text, ok := s.PlainText()
		return ok && have.first(5) && e.hash(text)
	case "SequenceNumberForOrdering":
		p.ordering, ok = s.PlainText()
		return ok && p.single && have.first(6) && isOrdering(p.ordering)
	}
	return false
}
