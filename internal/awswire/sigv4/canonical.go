package sigv4

import (
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
)

// canonicalRequest is the text whose hash is signed.
func (a *authorization) canonicalRequest(r *http.Request, path, payloadHash string) string {
	var b strings.Builder
	b.WriteString(r.Method + "\n" + path + "\n" + canonicalQuery(r.URL.RawQuery, a.Presigned) + "\n")
	for _, name := range a.signedHeaders {
		value := headerValue(r, name)
		if a.Presigned && a.Service == "s3" && strings.HasPrefix(name, "x-amz-") && len(r.Header.Values(name)) == 0 {
			// Some SDKs sign a header and put it into the query too, which S3 then reads in its place.
			value = trimSpaces(r.URL.Query().Get(name))
		}
		b.WriteString(name + ":" + value + "\n")
	}
	b.WriteString("\n" + strings.Join(a.signedHeaders, ";") + "\n" + payloadHash)
	return b.String()
}

// headerValue is a header as it was signed; the server takes some out of the map.
func headerValue(r *http.Request, name string) string {
	switch name {
	case "host", ":authority":
		return r.Host
	case "content-length":
		if r.ContentLength >= 0 && r.Header.Get("Content-Length") == "" {
			return strconv.FormatInt(r.ContentLength, 10)
		}
	case "transfer-encoding":
		if len(r.TransferEncoding) > 0 {
			return strings.Join(r.TransferEncoding, ",")
		}
	}
	values := r.Header.Values(name)
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = trimSpaces(v)
	}
	return strings.Join(out, ",")
}

// trimSpaces trims v and turns runs of spaces into one.
func trimSpaces(v string) string {
	v = strings.TrimSpace(v)
	if !strings.Contains(v, "  ") {
		return v
	}
	var b strings.Builder
	for i := 0; i < len(v); i++ {
		if v[i] != ' ' || v[i-1] != ' ' {
			b.WriteByte(v[i])
		}
	}
	return b.String()
}

// canonicalPaths are the forms of the path that may have been signed. S3's is encoded
// once and otherwise left as it is (some signers leave it as the URL has it); the others'
// is encoded again after dots and empty segments are resolved, which not all signers do.
func canonicalPaths(r *http.Request, f errorFamily) []string {
	if f == s3Family {
		p := r.URL.Path
		if p == "" {
			p = "/"
		}
		paths := []string{escape(p, true)}
		if raw := r.URL.EscapedPath(); raw != "" && raw != paths[0] {
			paths = append(paths, raw)
		}
		return paths
	}
	raw := r.URL.EscapedPath()
	if raw == "" {
		raw = "/"
	}
	clean := path.Clean("/" + raw)
	if strings.HasSuffix(raw, "/") && clean != "/" {
		clean += "/"
	}
	paths := []string{escape(clean, true)}
	if clean != raw {
		paths = append(paths, escape(raw, true))
	}
	return paths
}

func canonicalQuery(raw string, presigned bool) string {
	if raw == "" {
		return ""
	}
	type pair struct{ k, v string }
	var pairs []pair
	for part := range strings.SplitSeq(raw, "&") {
		if part == "" {
			continue
		}
		k, v, _ := strings.Cut(part, "=")
		if presigned && k == "X-Amz-Signature" {
			continue
		}
		pairs = append(pairs, pair{escape(unescape(k), false), escape(unescape(v), false)})
	}
	slices.SortFunc(pairs, func(a, b pair) int {
		if c := strings.Compare(a.k, b.k); c != 0 {
			return c
		}
		return strings.Compare(a.v, b.v)
	})
	var b strings.Builder
	for i, p := range pairs {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(p.k + "=" + p.v)
	}
	return b.String()
}

func unescape(s string) string {
	if u, err := url.QueryUnescape(s); err == nil {
		return u
	}
	return s
}

// escape encodes all but RFC 3986's unreserved characters, and slashes if told to keep
// them.
func escape(s string, keepSlash bool) string {
	const digits = "0123456789ABCDEF"
	plain := func(c byte) bool {
		return c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.' || c == '~' || keepSlash && c == '/'
	}
	n := 0
	for i := range len(s) {
		if !plain(s[i]) {
			n++
		}
	}
	if n == 0 {
		return s
	}
	b := make([]byte, 0, len(s)+2*n)
	for i := range len(s) {
		if c := s[i]; plain(c) {
			b = append(b, c)
		} else {
			b = append(b, '%', digits[c>>4], digits[c&15])
		}
	}
	return string(b)
}
