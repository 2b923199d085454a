package firehose

import (
	"bytes"

	"github.com/segmentio/asm/base64"

	"github.com/brookmere/brookmere/internal/engine/shardlog"
)

// decodePut reads the body of PutRecord, or with many of PutRecordBatch, and adds its
// records to b. It knows the common form alone: the members of the API, once each, in
// any order, strings without escapes, padded base64, sizes within the limits. On
// anything else ok is false, b is to be thrown away, and the generic codec words the
// error if there is one. name aliases body.
func decodePut(body []byte, many bool, b *shardlog.Batch) (name []byte, ok bool) {
	d := putDecoder{text: body, batch: b}
	if !d.take('{') {
		return nil, false
	}
	data := "Record"
	if many {
		data = "Records"
	}
	seen := false
	for first := true; ; first = false {
		if d.take('}') {
			break
		}
		if !first && !d.take(',') {
			return nil, false
		}
		key, kok := d.str()
		if !kok || !d.take(':') {
			return nil, false
		}
		switch {
		case string(key) == "DeliveryStreamName" && name == nil:
			if name, kok = d.str(); !kok || len(name) == 0 {
				return nil, false
			}
		case string(key) == data && !seen:
			seen = true
			if many {
				kok = d.records()
			} else {
				kok = d.record()
			}
			if !kok {
				return nil, false
			}
		default:
			return nil, false
		}
	}
	d.space()
	return name, seen && name != nil && d.at == len(body)
}

type putDecoder struct {
	text  []byte
	at    int
	total int
	batch *shardlog.Batch
}

func (d *putDecoder) space() {
	for d.at < len(d.text) {
		switch d.text[d.at] {
		case ' ', '\t', '\n', '\r':
			d.at++
		default:
			return
		}
	}
}

// take skips space and c, if c is there.
func (d *putDecoder) take(c byte) bool {
	d.space()
	if d.at < len(d.text) && d.text[d.at] == c {
		d.at++
		return true
	}
	return false
}

// str reads a string without escapes and control characters.
func (d *putDecoder) str() ([]byte, bool) {
	if !d.take('"') {
		return nil, false
	}
	n := bytes.IndexByte(d.text[d.at:], '"')
	if n < 0 {
		return nil, false
	}
	s := d.text[d.at : d.at+n]
	d.at += n + 1
	if n <= 64 { // a key or a name; base64 takes no such characters anyway
		for _, c := range s {
			if c == '\\' || c < ' ' || c >= 0x80 {
				return nil, false
			}
		}
	}
	return s, true
}

func (d *putDecoder) records() bool {
	if !d.take('[') {
		return false
	}
	for n := 0; n < maxRecords; n++ {
		if !d.record() {
			return false
		}
		if d.take(']') {
			return true
		}
		if !d.take(',') {
			return false
		}
	}
	return false
}

// record reads {"Data":"..."}.
func (d *putDecoder) record() bool {
	if !d.take('{') {
		return false
	}
	key, ok := d.str()
	if !ok || string(key) != "Data" || !d.take(':') {
		return false
	}
	text, ok := d.str()
	if !ok || !d.take('}') || len(text)%4 != 0 {
		return false
	}
	room := d.batch.Reserve(nil, base64.StdEncoding.DecodedLen(len(text)))
	n, err := base64.StdEncoding.Decode(room, text)
	if err != nil || bytes.ContainsAny(text, "\r\n") {
		d.batch.Commit(0)
		return false
	}
	d.batch.Commit(n)
	d.total += n
	return n <= maxRecordSize && d.total <= maxBatchSize
}
