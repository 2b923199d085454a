package server

import (
	"bytes"
	"net/http"
	"net/textproto"
	"strings"
)

// fastHead is the head of a request on the fast path, as net/http reads it.
type fastHead struct {
	host   string
	header http.Header
	length int64 // of the body
	size   int   // of the head, in bytes
}

// fastLine is how requests on the fast path begin.
const fastLine = "POST / HTTP/1.1\r\n"

const (
	// maxFastFields is how many header fields a request on the fast path may have.
	maxFastFields = 48
	// maxFastBody is how long its body may be, in bytes. What net/http costs is nothing beside a longer one.
	maxFastBody = 1 << 20
)

// parseFastHead reads the head of a request at the beginning of b. ok is false for each that is not whole, or not plain: which
// two readers of HTTP could take for different requests, which has something of HTTP that the fast path does not do, or is
// not for one of the targets.
func parseFastHead(b []byte, targets map[string]bool) (head fastHead, ok bool) {
	if !bytes.HasPrefix(b, []byte(fastLine)) {
		return head, false
	}
	end := bytes.Index(b, []byte("\r\n\r\n"))
	if end < 0 {
		return head, false
	}
	head.size = end + 4
	head.length = -1
	text := string(b[min(len(fastLine), end+2) : end+2]) // one piece of memory for all names and values
	count := strings.Count(text, "\r\n")
	if count > maxFastFields {
		return head, false
	}
	head.header = make(http.Header, count)
	values := make([]string, 0, count)
	target := false
	for text != "" {
		var line string
		line, text, _ = strings.Cut(text, "\r\n")
		name, value, ok := fastField(line)
		if !ok {
			return head, false
		}
		switch name {
		case "Host":
			if head.host != "" || !isFastHost(value) {
				return head, false
			}
			head.host = value
			continue // as net/http has it
		case "Content-Length":
			if head.length >= 0 {
				return head, false
			}
			if head.length = fastLength(value); head.length < 0 || head.length > maxFastBody {
				return head, false
			}
		case "X-Amz-Target":
			if target = targets[value]; !target || head.header["X-Amz-Target"] != nil {
				return head, false
			}
		case "Connection":
			if !strings.EqualFold(value, "keep-alive") {
				return head, false
			}
		case "Transfer-Encoding", "Trailer", "Te", "Expect", "Upgrade", "Keep-Alive", "Pragma", "Http2-Settings",
			"Proxy-Connection", "Proxy-Authorization", "Origin":
			return head, false
		}
		if had := head.header[name]; had != nil {
			head.header[name] = append(had, value)
			continue
		}
		values = append(values, value)
		head.header[name] = values[len(values)-1 : len(values) : len(values)]
	}
	return head, target && head.host != "" && head.length >= 0
}

// fastField splits a header field. ok is false for one that is not plainly a name, a colon and a value.
func fastField(line string) (name, value string, ok bool) {
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

// fastLength reads a length in bytes; negative: it is none.
func fastLength(s string) int64 {
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
