package firehose

import (
	"github.com/brookmere/brookmere/internal/awswire/scan"
	"github.com/brookmere/brookmere/internal/engine/shardlog"
)

// decodePut reads the body of PutRecord, or with many of PutRecordBatch, and adds its
// records to b. It knows the common form alone: the members of the API, once each, in
// any order, strings without escapes, padded base64, sizes within the limits. On
// anything else ok is false, b is to be thrown away, and the generic codec words the
// error if there is one. name aliases body.
func decodePut(body []byte, many bool, b *shardlog.Batch) (name []byte, ok bool) {
	d := putDecoder{JSON: scan.JSON{Data: body}, batch: b}
	if d.Open('{') != nil {
		return nil, false
	}
	data := "Record"
	if many {
		data = "Records"
	}
	seen := false
	for first := true; ; first = false {
		member, more, err := d.Member(first)
		if err != nil {
			return nil, false
		}
		if !more {
			return name, seen && name != nil && d.End()
		}
		switch {
		case string(member) == "DeliveryStreamName" && name == nil:
			if name, ok = d.Plain(); !ok || len(name) == 0 {
				return nil, false
			}
		case string(member) == data && !seen:
			seen = true
			if many {
				ok = d.records()
			} else {
				ok = d.record()
			}
			if !ok {
				return nil, false
			}
		default:
			return nil, false
		}
	}
}

type putDecoder struct {
	scan.JSON
	total int
	batch *shardlog.Batch
}

// records reads one record or more.
func (d *putDecoder) records() bool {
	if d.Open('[') != nil {
		return false
	}
	for n := 0; ; n++ {
		if more, err := d.Element(n == 0); err != nil || !more {
			return err == nil && n > 0
		}
		if n == maxRecords || !d.record() {
			return false
		}
	}
}

// record reads {"Data":"..."}.
func (d *putDecoder) record() bool {
	if d.Open('{') != nil {
		return false
	}
	if name, more, err := d.Member(true); err != nil || !more || string(name) != "Data" {
		return false
	}
	text, ok := d.Quoted()
	if !ok {
		return false
	}
	if _, more, err := d.Member(false); err != nil || more {
		return false
	}
	n, ok := scan.DecodeBase64(d.batch.Reserve(nil, scan.DecodedLen(len(text))), text)
	d.batch.Commit(n)
	d.total += n
	return ok && n <= maxRecordSize && d.total <= maxBatchSize
}
