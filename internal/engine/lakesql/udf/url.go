package udf

import (
	"database/sql/driver"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/duckdb/duckdb-go/v2"
)

// The parts of URLs, as java.net.URI tells them: by RFC 2396, with letters beyond ASCII anywhere.
// What is not a URI has no parts at all; a part that is not there is the empty text. Paths, queries
// and fragments come with their escapes decoded.

// uri is a URI with its parts as they are written.
type uri struct {
	scheme, host, path, query, fragment string
	port                                int // -1 if there is none
	hasQuery                            bool
}

const (
	uriMarks    = "_-!.~'()*"
	uriPath     = uriMarks + ":@&=+$,;/"
	uriAny      = uriMarks + ";/?:@&=+$,[]"
	uriRegistry = uriMarks + "$,;:@&=+"
	uriUser     = uriMarks + ";:&=+$,"
)

var (
	schemeText = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*$`)
	// A name whose last part begins with a letter, an IPv4 address or an IPv6 address in brackets.
	hostText = regexp.MustCompile(`^(?:(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)*[A-Za-z](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.?|\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[[0-9A-Fa-f:.]+(?:%[A-Za-z0-9_.-]+)?\])$`)
)

// legal reports whether a text has letters, digits, the signs, escapes and what is beyond ASCII alone.
func legal(s, signs string) bool {
	hex := func(c byte) bool { return c-'0' <= 9 || c|0x20 >= 'a' && c|0x20 <= 'f' }
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c-'0' <= 9 || c|0x20 >= 'a' && c|0x20 <= 'z' || c < utf8.RuneSelf && strings.IndexByte(signs, c) >= 0:
		case c == '%':
			if i+2 >= len(s) || !hex(s[i+1]) || !hex(s[i+2]) {
				return false
			}
			i += 2
		case c >= utf8.RuneSelf:
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError || unicode.IsControl(r) || unicode.IsSpace(r) {
				return false
			}
			i += n - 1
		default:
			return false
		}
	}
	return true
}

// parseURI is nil for what is not a URI.
func parseURI(s string) *uri {
	u := &uri{port: -1}
	rest, fragment, _ := strings.Cut(s, "#")
	if u.fragment = fragment; !legal(fragment, uriAny) {
		return nil
	}
	if at := strings.IndexAny(rest, ":/?"); at >= 0 && rest[at] == ':' {
		if u.scheme = rest[:at]; u.scheme != "https" && u.scheme != "http" && !schemeText.MatchString(u.scheme) || at+1 == len(rest) {
			return nil
		}
		if rest = rest[at+1:]; rest[0] != '/' { // opaque
			if !legal(rest, uriAny) {
				return nil
			}
			return u
		}
	}
	rest, u.query, u.hasQuery = strings.Cut(rest, "?")
	if !legal(u.query, uriAny) {
		return nil
	}
	if after, ok := strings.CutPrefix(rest, "//"); ok {
		at := strings.IndexByte(after, '/')
		if at < 0 {
			at = len(after)
		}
		authority := after[:at]
		if rest = after[at:]; authority == "" && rest == "" && !u.hasQuery && len(s) == len(u.scheme)+3 {
			return nil
		}
		if authority != "" && !u.server(authority) && !legal(authority, uriRegistry) {
			return nil
		}
	}
	if u.path = rest; !legal(rest, uriPath) {
		return nil
	}
	return u
}

// plainHost is whether a host is a name of letters and digits alone between its dots, the last part of
// letters: most are, and hostText takes longer to say so.
func plainHost(host string) bool {
	part, letters := 0, true
	for i := 0; i < len(host); i++ {
		switch c := host[i]; {
		case c|0x20 >= 'a' && c|0x20 <= 'z':
			part++
		case c-'0' <= 9:
			part++
			letters = false
		case c == '.' && part > 0:
			part, letters = 0, true
		default:
			return false
		}
	}
	return part > 0 && letters
}

// server reads an authority that names a host; others, as of names with underscores, have none.
func (u *uri) server(authority string) bool {
	user, host, ok := strings.Cut(authority, "@")
	if !ok {
		user, host = "", authority
	}
	port := ""
	if at := strings.LastIndexByte(host, ':'); at > strings.LastIndexByte(host, ']') {
		host, port = host[:at], host[at+1:]
	}
	if !legal(user, uriUser) || !plainHost(host) && !hostText.MatchString(host) || strings.Trim(port, "0123456789") != "" {
		return false
	}
	n := -1
	if port != "" {
		v, err := strconv.ParseInt(port, 10, 32)
		if err != nil {
			return false
		}
		n = int(v)
	}
	u.host, u.port = host, n
	return true
}

// unescaped decodes escapes; bytes that are not UTF-8 become U+FFFD.
func unescaped(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			n, _ := strconv.ParseUint(s[i+1:i+3], 16, 8) // parseURI has looked at it
			b = append(b, byte(n))
			i += 2
			continue
		}
		b = append(b, s[i])
	}
	return strings.ToValidUTF8(string(b), "\uFFFD")
}

func init() {
	for name, part := range map[string]func(u *uri) string{
		"url_protocol": func(u *uri) string { return u.scheme },
		"url_host":     func(u *uri) string { return u.host },
		"url_path":     func(u *uri) string { return unescaped(u.path) },
		"url_query":    func(u *uri) string { return unescaped(u.query) },
		"url_fragment": func(u *uri) string { return unescaped(u.fragment) },
	} {
		udfs[name] = scalar{in: []duckdb.Type{text}, out: text, f: string1(func(s string) (any, error) {
			if u := parseURI(s); u != nil {
				return part(u), nil
			}
			return nil, nil
		})}
	}
	udfs["url_port"] = scalar{in: []duckdb.Type{text}, out: whole, f: string1(func(s string) (any, error) {
		if u := parseURI(s); u != nil && u.port >= 0 {
			return int64(u.port), nil
		}
		return nil, nil
	})}
	udfs["url_parameter"] = scalar{in: []duckdb.Type{text, text}, out: text, f: func(v []driver.Value) (any, error) {
		u := parseURI(v[0].(string))
		if u == nil || !u.hasQuery {
			return nil, nil
		}
		for _, arg := range strings.Split(u.query, "&") {
			if name, value, _ := strings.Cut(arg, "="); name == v[1].(string) {
				return urlDecode(value)
			}
		}
		return nil, nil
	}}
}
