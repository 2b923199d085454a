package server

import (
	"bytes"
	"net/http"
	"net/textproto"
	"strings"
)

// fastHead is the head of a request on the fast path, as net/http reads it. A client's requests differ in few lines, so a
// connection reads them all into one fastHead, which knows the lines of the head before: one that is the same again is not
// read again. The header is in the same memory for all of them.
type fastHead struct {
	host   string
	header http.Header
	length int64 // of the body
	size   int   // of the head, in bytes

	fields []fastField // by their lines; between two requests they hold no more than the last head
	values []string    // of the header
}

// fastField is a line of a head, and what it says.
type fastField struct {
	line        string // with its end
	name, value string
	kind        fastKind
	length      int64 // of a fastLength
}

// fastKind says what a field is to the fast path.
type fastKind uint8

const (
	fastPlain fastKind = iota
	fastHost
	fastLength
	fastTarget
)

// fastLine is how requests on the fast path begin.
const fastLine = "POST / HTTP/1.1\r\n"

const (
	// maxFastFields is how many header fields a request on the fast path may have.
	maxFastFields = 48
	// maxFastBody is how long its body may be, in bytes. What net/http costs is nothing beside a longer one.
	maxFastBody = 1 << 20
)

// parse reads the head of a request at the beginning of b. It is false for each that is not whole, or not plain: which
// two readers of HTTP could take for different requests, which has something of HTTP that the fast path does not do, or is
// not for one of the targets, which are always the same.
func (h *fastHead) parse(b []byte, targets map[string]bool) bool {
	if !bytes.HasPrefix(b, []byte(fastLine)) {
		return false
	}
	if h.header == nil {
		h.header = make(http.Header, 8)
	}
	clear(h.header)
	h.host, h.length, h.size, h.values = "", -1, len(fastLine), h.values[:0]
	target := false
	for i := 0; ; i++ {
		rest := b[h.size:]
		if len(rest) >= 2 && rest[0] == '\r' && rest[1] == '\n' {
			h.size += 2
			clear(h.fields[i:])
			h.fields = h.fields[:i]
			return target && h.host != "" && h.length >= 0
		}
		if i == maxFastFields {
			return false
		}
		if i == len(h.fields) {
			h.fields = append(h.fields, fastField{})
		}
		f := &h.fields[i]
		if n := len(f.line); n == 0 || n > len(rest) || string(rest[:n]) != f.line {
			end := bytes.IndexByte(rest, '\r') + 2
			if end < 2 || end > len(rest) || rest[end-1] != '\n' || !f.parse(string(rest[:end]), targets) {
				*f = fastField{}
				return false
			}
		}
		h.size += len(f.line)
		switch f.kind {
		case fastHost:
			if h.host != "" {
				return false
			}
			h.host = f.value
			continue // as net/http has it
		case fastLength:
			if h.length >= 0 {
				return false
			}
			h.length = f.length
		case fastTarget:
			if target {
				return false
			}
			target = true
		}
		if had := h.header[f.name]; had != nil {
			h.header[f.name] = append(had, f.value)
			continue
		}
		h.values = append(h.values, f.value)
		n := len(h.values)
		h.header[f.name] = h.values[n-1 : n : n]
	}
}

// parse reads a line with its end. It is false for one that the fast path does not take.
func (f *fastField) parse(line string, targets map[string]bool) (ok bool) {
	*f = fastField{line: line}
	if f.name, f.value, ok = splitFastField(line[:len(line)-2]); !ok {
		return false
	}
	switch f.name {
	case "Host":
		f.kind = fastHost
		return isFastHost(f.value)
	case "Content-Length":
		f.kind, f.length = fastLength, parseFastLength(f.value)
		return f.length >= 0 && f.length <= maxFastBody
	case "X-Amz-Target":
		f.kind = fastTarget
		return targets[f.value]
	case "Connection":
		return strings.EqualFold(f.value, "keep-alive")
	case "Transfer-Encoding", "Trailer", "Te", "Expect", "Upgrade", "Keep-Alive", "Pragma", "Http2-Settings",
		"Proxy-Connection", "Proxy-Authorization", "Origin":
		return false
	}
	return true
}

// splitFastField splits a header field. ok is false for one that is not plainly a name, a colon and a value.
func splitFastField(line string) (name, value string, ok bool) {
	colon := strings.IndexByte(line, ':')
	if colon <= 0 {
		return "", "", false
	}
	name, value = line[:colon], strings.Trim(line[colon+1:], " \t")
	canonical, upper := true, true
	for i := range len(name) {
		c := name[i]
		switch {
		case c >= 'a' && c <= 'z':
			canonical = canonical && !upper
		case c >= 'A' && c <= 'Z':
			canonical = canonical && upper
		case c == '-' || c >= '0' && c <= '9':
		default: // other characters of tokens are allowed and never used
			return "", "", false
		}
		upper = c == '-'
	}
	for i := range len(value) {
		if c := value[i]; c < ' ' && c != '\t' || c >= 0x7f {
			return "", "", false
		}
	}
	if !canonical {
		name = textproto.CanonicalMIMEHeaderKey(name)
	}
	return name, value, true
}

// isFastHost tells a host as clients write it: a name or address, perhaps with a port.
func isFastHost(host string) bool {
	for i := range len(host) {
		c := host[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '.' && c != '-' && c != '_' && c != ':' && c != '[' && c != ']' {
			return false
		}
	}
	return host != ""
}

// parseFastLength reads a length in bytes; negative: it is none.
func parseFastLength(s string) int64 {
	if s == "" || len(s) > 9 {
		return -1
	}
	var n int64
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return -1
		}
		n = 10*n + int64(s[i]-'0')
	}
	return n
}
