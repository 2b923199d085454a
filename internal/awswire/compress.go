package awswire

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"io"
	"strconv"
	"strings"
	"sync"
)

// This file: answers in the encoding that a client accepts.

// acceptedEncoding is the encoding of an answer, gzip or deflate, by the values of the request's
// Accept-Encoding, of which the last counts; empty for none. It reads them as DynamoDB does: the
// one of the highest quality, of equals the first. "*" stands for those that are not listed,
// behind those that are. "identity" counts for nothing. A quality that is not a number is 1, the
// first of several counts, and the highest of an encoding that is listed again.
func acceptedEncoding(values []string) string {
	if len(values) == 0 {
		return ""
	}
	type offer struct {
		name    string
		quality float64
	}
	var offers []offer
	rest := -1.0 // quality of "*"
	for entry := range strings.SplitSeq(values[len(values)-1], ",") {
		name, parameters, _ := strings.Cut(entry, ";")
		name = strings.ToLower(strings.TrimSpace(name))
		quality := qualityOf(parameters)
		switch name {
		case "*":
			rest = max(rest, quality)
		case "gzip", "deflate":
			listed := false
			for i := range offers {
				if offers[i].name == name {
					offers[i].quality, listed = max(offers[i].quality, quality), true
				}
			}
			if !listed {
				offers = append(offers, offer{name, quality})
			}
		}
	}
	for _, name := range []string{"gzip", "deflate"} {
		listed := false
		for _, o := range offers {
			listed = listed || o.name == name
		}
		if !listed {
			offers = append(offers, offer{name, rest})
		}
	}
	best := offer{}
	for _, o := range offers {
		if o.quality > best.quality {
			best = o
		}
	}
	return best.name
}

func qualityOf(parameters string) float64 {
	for p := range strings.SplitSeq(parameters, ";") {
		name, value, ok := strings.Cut(p, "=")
		if !ok || !strings.EqualFold(strings.TrimSpace(name), "q") {
			continue
		}
		q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil || q != q {
			return 1
		}
		return min(max(q, 0), 1)
	}
	return 1
}

type encoder interface {
	io.WriteCloser
	Reset(io.Writer)
}

var encoders = map[string]*sync.Pool{
	"gzip": {New: func() any {
		w, _ := gzip.NewWriterLevel(nil, flate.BestSpeed) // the level is one
		return w
	}},
	"deflate": {New: func() any {
		w, _ := zlib.NewWriterLevel(nil, flate.BestSpeed)
		return w
	}},
}

// compressed is a body in an encoding that acceptedEncoding returned.
func compressed(how string, body []byte) []byte {
	w := encoders[how].Get().(encoder)
	out := bytes.NewBuffer(make([]byte, 0, len(body)/4))
	w.Reset(out)
	w.Write(body) // a bytes.Buffer takes all
	w.Close()
	w.Reset(io.Discard) // the pool keeps no answer
	encoders[how].Put(w)
	return out.Bytes()
}
