package vtl

import (
	"strings"
	"unicode/utf16"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
)

// units is a text as Java counts it: in UTF-16.
type units []uint16

func unitsOf(s string) units         { return utf16.Encode([]rune(s)) }
func (u units) text(i, j int) string { return string(utf16.Decode(u[i:j])) }

func ascii(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// cut is s[i:j] in UTF-16; false out of its range.
func cut(s string, i, j int) (string, bool) {
	if ascii(s) {
		if i < 0 || j > len(s) || i > j {
			return "", false
		}
		return s[i:j], true
	}
	u := unitsOf(s)
	if i < 0 || j > len(u) || i > j {
		return "", false
	}
	return u.text(i, j), true
}

func length(s string) int {
	if ascii(s) {
		return len(s)
	}
	return len(unitsOf(s))
}

// offset turns an index in bytes into one in UTF-16; -1 stays.
func offset(s string, i int) any {
	if i <= 0 {
		return int32(i)
	}
	return int32(length(s[:i]))
}

func (r *run) stringMethod(s, name string, args []any) (any, error) {
	if err := r.made(len(s) / 16); err != nil { // work that grows with the text is counted
		return nil, err
	}
	switch len(args) {
	case 0:
		return r.made0(stringMethod0(r, s, name))
	case 1:
		if t, ok := args[0].(string); ok {
			return r.stringText(s, name, t)
		}
		n, ok := intArg(args, 0)
		if !ok {
			return nil, nil
		}
		switch name {
		case "substring":
			if out, ok := cut(s, n, length(s)); ok {
				return out, nil
			}
			return nil, outOfRange(name)
		case "charAt":
			if out, ok := cut(s, n, n+1); ok {
				return out, nil
			}
			return nil, outOfRange(name)
		case "codePointAt":
			if u := unitsOf(s); n >= 0 && n < len(u) {
				return int32([]rune(u.text(n, min(n+2, len(u))))[0]), nil
			}
		case "indexOf":
			return offset(s, strings.IndexRune(s, rune(n))), nil
		case "lastIndexOf":
			return offset(s, strings.LastIndex(s, string(rune(n)))), nil
		case "repeat":
			if n < 0 {
				return nil, outOfRange(name)
			}
			if n > 0 && len(s) > (r.limits.Bytes-r.bytes)/n {
				return nil, ErrLimit
			}
			return strings.Repeat(s, n), r.made(len(s) * n)
		}
	case 2:
		return r.stringTwo(s, name, args)
	}
	return nil, nil
}

func stringMethod0(r *run, s, name string) (any, error) {
	switch name {
	case "length":
		return int32(length(s)), nil
	case "isEmpty":
		return s == "", nil
	case "isBlank":
		return strings.TrimSpace(s) == "", nil
	case "toUpperCase":
		return cases.Upper(language.Und).String(s), nil
	case "toLowerCase":
		return strings.ToLower(s), nil
	case "trim":
		return strings.TrimFunc(s, func(c rune) bool { return c <= ' ' }), nil
	case "strip":
		return strings.TrimSpace(s), nil
	case "intern":
		return s, nil
	case "toCharArray":
		out := &List{}
		for _, c := range s {
			out.Items = append(out.Items, string(c))
		}
		return out, r.made(16 * len(out.Items))
	}
	return nil, nil
}

func (r *run) stringText(s, name, t string) (any, error) {
	switch name {
	case "contains":
		return strings.Contains(s, t), nil
	case "startsWith":
		return strings.HasPrefix(s, t), nil
	case "endsWith":
		return strings.HasSuffix(s, t), nil
	case "indexOf":
		return offset(s, strings.Index(s, t)), nil
	case "lastIndexOf":
		return offset(s, strings.LastIndex(s, t)), nil
	case "equalsIgnoreCase":
		return strings.EqualFold(s, t), nil
	case "concat":
		return s + t, r.made(len(s) + len(t))
	case "compareTo":
		return compareText(s, t), nil
	case "compareToIgnoreCase":
		return compareText(strings.ToLower(s), strings.ToLower(t)), nil
	case "matches":
		return r.matches(s, t)
	case "split":
		return r.split(s, t, 0)
	case "valueOf":
		return t, nil
	case "format":
		return nil, nil
	}
	return nil, nil
}

func (r *run) stringTwo(s, name string, args []any) (any, error) {
	a, aText := args[0].(string)
	b, bText := args[1].(string)
	m, aInt := intArg(args, 0)
	n, bInt := intArg(args, 1)
	switch {
	case aText && bText:
		switch name {
		case "replace":
			if len(b) > len(a) {
				if err := r.made(strings.Count(s, a) * (len(b) - len(a))); err != nil {
					return nil, err
				}
			}
			return strings.ReplaceAll(s, a, b), r.made(len(s))
		case "replaceAll":
			return r.replace(s, a, b, -1)
		case "replaceFirst":
			return r.replace(s, a, b, 1)
		}
	case aInt && bInt:
		if name == "substring" || name == "subSequence" {
			if out, ok := cut(s, m, n); ok {
				return out, r.made(len(out))
			}
			return nil, outOfRange(name)
		}
	case aText && bInt:
		switch name {
		case "split":
			return r.split(s, a, n)
		case "indexOf":
			rest, ok := cut(s, min(max(n, 0), length(s)), length(s))
			if i := strings.Index(rest, a); ok && i >= 0 {
				return int32(length(s) - length(rest) + length(rest[:i])), nil
			}
			return int32(-1), nil
		case "lastIndexOf":
			head, _ := cut(s, 0, min(max(n, 0)+length(a), length(s)))
			return offset(s, strings.LastIndex(head, a)), nil
		case "startsWith":
			rest, ok := cut(s, n, length(s))
			return ok && strings.HasPrefix(rest, a), nil
		}
	}
	return nil, nil
}

// compareText is String.compareTo: the difference of the first units that differ, or of the lengths.
func compareText(s, t string) int32 {
	a, b := unitsOf(s), unitsOf(t)
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return int32(a[i]) - int32(b[i])
		}
	}
	return int32(len(a) - len(b))
}
