package hivetype

import "strings"

// escaped are the characters that Hive does not write into the names of partition folders, beside
// control characters.
const escaped = "\"#%'*/:=?\\{[]^\x7f"

// EscapePath is a partition's value as Hive writes it into the name of its folder: "00:00" is
// "00%3A00", "a b" stays as it is.
func EscapePath(value string) string {
	var b strings.Builder
	for i := 0; i < len(value); i++ {
		if c := value[i]; c < ' ' || strings.IndexByte(escaped, c) >= 0 {
			b.WriteByte('%')
			b.WriteByte("0123456789ABCDEF"[c>>4])
			b.WriteByte("0123456789ABCDEF"[c&15])
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// UnescapePath undoes EscapePath. What is not an escape stays as it is.
func UnescapePath(name string) string {
	if strings.IndexByte(name, '%') < 0 {
		return name
	}
	digit := func(c byte) int {
		switch {
		case c >= '0' && c <= '9':
			return int(c - '0')
		case c >= 'a' && c <= 'f':
			return int(c-'a') + 10
		case c >= 'A' && c <= 'F':
			return int(c-'A') + 10
		}
		return -1
	}
	out := make([]byte, 0, len(name))
	for i := 0; i < len(name); i++ {
		if name[i] == '%' && i+2 < len(name) && digit(name[i+1]) >= 0 && digit(name[i+2]) >= 0 {
			out = append(out, byte(digit(name[i+1])<<4|digit(name[i+2])))
			i += 2
			continue
		}
		out = append(out, name[i])
	}
	return string(out)
}
