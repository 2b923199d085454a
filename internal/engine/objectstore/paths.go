package objectstore

import (
	"strings"
	"unicode/utf8"
)

// An object's path below its bucket is its key, for all keys that are one file's path. For
// the others, segments that no file can have as its name are written with a mark in front:
//
//	.~e        an empty segment: "a//b", "/a", and the end of "a/"
//	.~. .~..   "." and ".."
//	.~=S       S, which starts with ".~" itself, or is the first segment and reserved
//	.~+S/.~-T  ST, a segment of more than 255 bytes, in as many pieces as it takes
//	d/.~s      the object "d" beside objects below "d/" (room.go)
//
// The mark starts with a dot, so that what lists a folder for people passes over it.
const (
	mark        = ".~"
	markEmpty   = mark + "e"
	markSelf    = mark + "s"
	markEscaped = mark + "="
	markPiece   = mark + "+"
	markLast    = mark + "-"
	maxName     = 255                      // bytes in a file's name
	maxPiece    = maxName - len(markPiece) // bytes in a piece of a segment
	maxPath     = 3 << 10                  // bytes in a path below a bucket; the system's limit is 4096
)

// encodeKey returns the path of the object of that key, unless it must make room for
// others (place). It is false where no path can hold the key.
func encodeKey(key string) (path string, ok bool) {
	if strings.IndexByte(key, 0) >= 0 {
		return "", false
	}
	if isPlain(key) {
		return key, true
	}
	var b strings.Builder
	for i, segment := range strings.Split(key, "/") {
		if i > 0 {
			b.WriteByte('/')
		}
		switch {
		case segment == "":
			b.WriteString(markEmpty)
		case segment == "." || segment == "..":
			b.WriteString(mark + segment)
		case len(segment) > maxName:
			for len(segment) > maxPiece {
				n := maxPiece
				for n > maxPiece-utf8.UTFMax && !utf8.RuneStart(segment[n]) {
					n--
				}
				b.WriteString(markPiece + segment[:n] + "/")
				segment = segment[n:]
			}
			b.WriteString(markLast + segment)
		case strings.HasPrefix(segment, mark) || i == 0 && segment == reservedName:
			if len(segment) > maxName-len(markEscaped) {
				b.WriteString(markPiece + segment[:len(mark)] + "/" + markLast + segment[len(mark):])
			} else {
				b.WriteString(markEscaped + segment)
			}
		default:
			b.WriteString(segment)
		}
	}
	return b.String(), b.Len() <= maxPath
}

// isPlain reports whether a key is its own path.
func isPlain(key string) bool {
	for i := 0; ; {
		segment, rest, more := strings.Cut(key[i:], "/")
		if segment == "" || segment == "." || segment == ".." || len(segment) > maxName ||
			strings.HasPrefix(segment, mark) || i == 0 && segment == reservedName {
			return false
		}
		if !more {
			return true
		}
		i = len(key) - len(rest)
	}
}

// decodePath returns the key of the object at a path.
func decodePath(path string) string {
	if !strings.Contains(path, mark) {
		return path
	}
	var b strings.Builder
	glue := true // no slash before what comes
	for segment := range strings.SplitSeq(path, "/") {
		name, joins, self := decodeName(segment)
		if self {
			break
		}
		if !glue {
			b.WriteByte('/')
		}
		b.WriteString(name)
		glue = joins
	}
	return b.String()
}

// decodeName returns what a file's name stands for in a key: a segment, or the beginning of
// one that goes on in the directory's entries, or self, the object that is named as the
// directory is.
func decodeName(name string) (segment string, goesOn, self bool) {
	switch {
	case !strings.HasPrefix(name, mark):
		return name, false, false
	case name == markEmpty:
		return "", false, false
	case name == markSelf:
		return "", false, true
	case strings.HasPrefix(name, markEscaped), strings.HasPrefix(name, markLast):
		return name[len(markEscaped):], false, false
	case strings.HasPrefix(name, markPiece):
		return name[len(markPiece):], true, false
	}
	return name[len(mark):], false, false // "." and ".."
}
