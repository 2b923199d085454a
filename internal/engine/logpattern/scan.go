package logpattern

import (
	"encoding/json"
	"strings"
)

// Valid reports whether m is one JSON value, nested no deeper than 200.
func Valid(m []byte) bool {
	end, ok := skip(m, 0, 0)
	return ok && blank(m, end) == len(m)
}

const maxNesting = 200

func blank(m []byte, i int) int {
	for i < len(m) && (m[i] == ' ' || m[i] == '\t' || m[i] == '\n' || m[i] == '\r') {
		i++
	}
	return i
}

// skip checks the value at i and returns where it ends.
func skip(m []byte, i, depth int) (end int, ok bool) {
	i = blank(m, i)
	if i >= len(m) || depth > maxNesting {
		return i, false
	}
	switch c := m[i]; {
	case c == '"':
		return skipString(m, i)
	case c == '{' || c == '[':
		shut := c + 2 // '}' and ']'
		i = blank(m, i+1)
		if i < len(m) && m[i] == shut {
			return i + 1, true
		}
		for {
			if c == '{' {
				i = blank(m, i)
				if i >= len(m) || m[i] != '"' {
					return i, false
				}
				if i, ok = skipString(m, i); !ok {
					return i, false
				}
				if i = blank(m, i); i >= len(m) || m[i] != ':' {
					return i, false
				}
				i++
			}
			if i, ok = skip(m, i, depth+1); !ok {
				return i, false
			}
			i = blank(m, i)
			switch {
			case i >= len(m):
				return i, false
			case m[i] == ',':
				i++
			case m[i] == shut:
				return i + 1, true
			default:
				return i, false
			}
		}
	case c == '-' || c >= '0' && c <= '9':
		return skipNumber(m, i)
	}
	for _, word := range []string{"true", "false", "null"} {
		if len(m)-i >= len(word) && string(m[i:i+len(word)]) == word {
			return i + len(word), true
		}
	}
	return i, false
}

func skipString(m []byte, i int) (int, bool) {
	for i++; i < len(m); i++ {
		switch {
		case m[i] == '"':
			return i + 1, true
		case m[i] < ' ':
			return i, false
		case m[i] == '\\':
			if i++; i >= len(m) {
				return i, false
			}
			switch m[i] {
			case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			case 'u':
				if i+4 >= len(m) {
					return i, false
				}
				for k := 1; k <= 4; k++ {
					if c := m[i+k] | 0x20; !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f') {
						return i, false
					}
				}
				i += 4
			default:
				return i, false
			}
		}
	}
	return i, false
}

func skipNumber(m []byte, i int) (int, bool) {
	digits := func() bool {
		from := i
		for i < len(m) && m[i] >= '0' && m[i] <= '9' {
			i++
		}
		return i > from
	}
	if m[i] == '-' {
		i++
	}
	zero := i < len(m) && m[i] == '0'
	from := i
	if !digits() || zero && i > from+1 {
		return i, false
	}
	if i < len(m) && m[i] == '.' {
		if i++; !digits() {
			return i, false
		}
	}
	if i < len(m) && m[i]|0x20 == 'e' {
		if i++; i < len(m) && (m[i] == '+' || m[i] == '-') {
			i++
		}
		if !digits() {
			return i, false
		}
	}
	return i, true
}

// eachMember calls f with the members of a valid object, names with their quotes.
func eachMember(m []byte, f func(name, value []byte)) {
	i := blank(m, 1)
	for i < len(m) && m[i] == '"' {
		end, _ := skipString(m, i)
		name := m[i:end]
		from := blank(m, blank(m, end)+1)
		end, ok := skip(m, from, 0)
		if !ok {
			return
		}
		f(name, m[from:end])
		if i = blank(m, end); i >= len(m) || m[i] != ',' {
			return
		}
		i = blank(m, i+1)
	}
}

// eachElement calls f with the elements of a valid array.
func eachElement(m []byte, f func(value []byte)) {
	i := blank(m, 1)
	for i < len(m) && m[i] != ']' {
		end, ok := skip(m, i, 0)
		if !ok {
			return
		}
		f(m[i:end])
		if i = blank(m, end); i >= len(m) || m[i] != ',' {
			return
		}
		i = blank(m, i+1)
	}
}

func nameIs(quoted []byte, name string) bool {
	in := quoted[1 : len(quoted)-1]
	if string(in) == name {
		return true
	}
	return strings.IndexByte(string(in), '\\') >= 0 && plain(quoted) == name
}

// plain is a value as text: a string without its quotes and escapes, anything else as it is.
func plain(raw []byte) string {
	if raw[0] != '"' {
		return string(raw)
	}
	in := string(raw[1 : len(raw)-1])
	if strings.IndexByte(in, '\\') < 0 {
		return in
	}
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return in
	}
	return s
}
